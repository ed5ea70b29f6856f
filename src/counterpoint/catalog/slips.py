"""What is accepted and yet deserves a look: keys that are a slip of the pen, fields of ours that hold something else."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from counterpoint.catalog.gathering import Declared
from counterpoint.catalog.remarks import Remark
from counterpoint.errors import escape
from counterpoint.graph.fields import Field, check_fields
from counterpoint.graph.kinds import OURS, kind_of

__all__ = ["check_slips"]


def check_slips(written: Iterable[Declared]) -> list[Remark]:
    """A warning for each key that is nearly one of its kind's fields. Other keys are somebody's own, and kept.

    A kind of Backstage's may have any further field; where one of ours holds what we cannot show, a
    warning says so.
    """
    remarks = []
    for declared in written:
        kind = kind_of(declared.document["kind"])
        spec = declared.document.get("spec") or {}
        for problem in check_fields(kind.expected, spec, "/spec") if kind.expected else ():
            message = f"{problem.message} It is kept, and not shown."
            remarks.append(Remark("warning", declared.read.problem(message, problem.pointer)))
        if declared.document["apiVersion"] not in OURS:
            continue
        for pointer, key, meant in _slips(kind.fields, spec, "/spec"):
            message = f"{key} is no field of {kind.name}; did you mean {meant}?"
            remarks.append(Remark("warning", declared.read.problem(message, pointer)))
    return remarks


def _slips(fields: Iterable[Field], holder: Any, pointer: str) -> Iterator[tuple[str, str, str]]:
    """Pointer, key, and the field that was meant."""
    if not isinstance(holder, Mapping):
        return
    known = {field.name: field for field in fields}
    missing = {name.lower(): name for name in known if name not in holder}
    for key, value in holder.items():
        place = f"{pointer}/{escape(key)}"
        field = known.get(key)
        if field is None:
            for near in get_close_matches(key.lower(), missing, n=1, cutoff=0.75):
                yield place, key, missing[near]
        elif field.shape == "objects":
            for index, item in enumerate(value or ()):
                yield from _slips(field.fields, item, f"{place}/{index}")
        elif field.shape == "object" and field.fields:
            yield from _slips(field.fields, value, place)
