"""What `spec.source` of an experiment may hold: the table that it is read from, and what its columns mean."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.graph.fields import Field

__all__ = ["SOURCE", "check_source"]

_CONNECTION = re.compile(r"[A-Za-z0-9_-]+")
_OF_COLUMNS = ("column", "numerator", "denominator", "covariates")
"""What is said of the columns of a metric."""

SOURCE = Field(
    "source",
    "object",
    fields=(
        Field("file"),
        Field("connection"),
        Field("table"),
        Field("subject", required=True),
        Field("variant", required=True),
        Field("time"),
        Field("metrics", "mapping", fields=(Field("*", "any"),)),
        Field("segments", "texts"),
        Field("delimiter"),
        Field("decimal", choices=(".", ",")),
        Field("encoding", choices=("utf-8", "latin-1", "utf-16")),
        Field("oneRowPerUser", "flag"),
    ),
)


def check_source(source: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a source, and with the dates of the spec that holds it."""
    at = "/spec/source"
    if "start" in spec and "time" not in source:  # an end also says from when on the table may be read
        yield Problem(
            "start bounds rows by their time, and the source names no column `time`; name it, or leave start out.",
            "/spec/start",
        )
    if ("file" in source) == ("connection" in source):
        yield Problem("Name either a file, or a connection of the settings with a table; one of the two.", at)
    if "connection" in source:
        if not _CONNECTION.fullmatch(source["connection"]):
            yield Problem(
                "connection is the name of a warehouse, not its address: write its address in [warehouses] of counterpoint.toml"
                " or in the variable COUNTERPOINT_WAREHOUSES__NAME, and NAME here.",
                f"{at}/connection",
            )
        if "table" not in source:
            yield Problem("table is missing; name the table of the connection.", f"{at}/table")
    for name, value in (source.get("metrics") or {}).items():
        yield from _check_columns(value, f"{at}/metrics/{escape(name)}")


def _check_columns(value: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(value, str):
        if not value.strip():
            yield Problem("The column has no name; write one, or leave the metric out.", pointer)
        return
    if not isinstance(value, Mapping):
        yield Problem(
            "Write a column, or {column: …, covariates: […]}, or {numerator: …, denominator: …}.", pointer
        )
        return
    for name in value:
        good = value[name]
        if name not in _OF_COLUMNS:
            yield Problem(f"{name} is not known here; there are {', '.join(_OF_COLUMNS)}.", f"{pointer}/{escape(name)}")  # fmt: skip
        elif name == "covariates":
            if not isinstance(good, list) or not all(isinstance(each, str) and each for each in good):
                yield Problem("covariates is a list of columns.", f"{pointer}/covariates")
        elif not isinstance(good, str) or not good.strip():
            yield Problem(f"{name} is the name of a column; write it as text.", f"{pointer}/{name}")
    if ("numerator" in value) != ("denominator" in value) or ("numerator" in value) == ("column" in value):
        yield Problem("Name either a column, or the numerator and the denominator of a ratio.", pointer)
