"""Which table an experiment is read from, and what its columns mean. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from counterpoint.experiments.measures import Metric

__all__ = ["ENCODINGS", "Columns", "Source", "delimiter_of", "source_of"]

ENCODINGS: Final = ("utf-8", "latin-1", "utf-16")

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


class Columns(msgspec.Struct, frozen=True, rename="camel"):
    """The columns of one metric."""

    value: str
    """Of the numbers; of a ratio those above the line."""
    denominator: str | None = None
    """Of a ratio the numbers below the line; none where it is no ratio."""
    covariates: tuple[str, ...] = ()
    """Columns of numbers that were known before the experiment; they make the intervals narrower (CUPED)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Value, denominator where there is one, then covariates."""
        return (self.value, *([self.denominator] if self.denominator else []), *self.covariates)


class Source(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A table, with one row per user or several."""

    subject: str
    variant: str
    file: str | None = None
    """Path, or pattern of paths with `*`, of CSV or Parquet files."""
    connection: str | None = None
    """Name of a warehouse in the settings."""
    table: str | None = None
    """Table of the warehouse, as `name` or `schema.name`."""
    time: str | None = None
    """Column with the moment of the row; without one the rows have none, and no dates bound them."""
    metrics: dict[str, Columns] = {}
    """By the metric's name; one that is not named has a column of its own name."""
    segments: tuple[str, ...] = ()
    """Columns, such as the country, by whose values sizes and effects are told too."""
    delimiter: str | None = None
    """Of CSV; found from the first line where it is not said."""
    decimal: str = "."
    encoding: str = "utf-8"
    one_row_per_user: bool = False
    """Refuse a user with several rows; else rows of one user are put together."""

    @property
    def shown(self) -> str:
        """What it is called in a sentence."""
        return self.file if self.file else f"{self.connection}: {self.table}"

    def columns_of(self, metric: Metric) -> Columns:
        """The columns of a metric; of a ratio that is not named those of its two metrics."""
        if found := self.metrics.get(metric.name):
            return found
        if len(metric.parts) == 1:
            return Columns(metric.name)
        above, below = (self.columns_of(part) for part in metric.parts)
        return Columns(above.value, below.value, (*above.covariates, *below.covariates))


def delimiter_of(text: str | None) -> str | None:
    """A delimiter by its sign or its name ("tab"); none where it is not said."""
    return DELIMITERS.get(text, text.replace("\\t", "\t")) if text else None


def source_of(given: Mapping[str, Any]) -> Source:
    """The source that a descriptor's `spec.source` names; the graph has checked it."""
    return Source(
        subject=given["subject"],
        variant=given["variant"],
        file=given.get("file"),
        connection=given.get("connection"),
        table=given.get("table"),
        time=given.get("time"),
        metrics={name: _columns(value) for name, value in (given.get("metrics") or {}).items()},
        segments=tuple(given.get("segments") or ()),
        delimiter=delimiter_of(given.get("delimiter")),
        decimal=given.get("decimal") or ".",
        encoding=given.get("encoding") or "utf-8",
        one_row_per_user=bool(given.get("oneRowPerUser")),
    )


def _columns(value: str | Mapping[str, Any]) -> Columns:
    if isinstance(value, str):
        return Columns(value)
    return Columns(
        value.get("column") or value["numerator"],
        value.get("denominator"),
        tuple(value.get("covariates") or ()),
    )
