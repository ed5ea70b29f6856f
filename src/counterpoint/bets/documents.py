"""Values of a document that may hold anything: each reader gives what can be read, or what stands for nothing. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

__all__ = [
    "day_of",
    "mapping",
    "member_of",
    "metrics_of",
    "number_of",
    "optional_member_of",
    "sequence_of",
    "text_of",
    "texts_of",
]

E = TypeVar("E", bound=StrEnum)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence_of(value: object) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def metrics_of(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list that name a metric."""
    return [item for item in map(mapping, sequence_of(value)) if text_of(item.get("metric"))]


def texts_of(value: object) -> tuple[str, ...]:
    """The texts of a list that say something."""
    return tuple(text_of(item) for item in sequence_of(value) if text_of(item))


def text_of(value: object) -> str:
    """The text without the blanks around it; empty where it is none."""
    return value.strip() if isinstance(value, str) else ""


def number_of(value: object) -> float:
    """The number; 0 where it is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def day_of(value: object) -> date | None:
    """The day that a document names; none where it names none that can be read."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(text_of(value)[:10])
    except ValueError:
        return None


def optional_member_of(kind: type[E], value: object) -> E | None:
    """The member of a closed set that a text names; none where it names none."""
    try:
        return kind(text_of(value))
    except ValueError:
        return None


def member_of(kind: type[E], value: object, default: E) -> E:
    """The member of a closed set that a text names, or the default."""
    try:
        return kind(text_of(value))
    except ValueError:
        return default
