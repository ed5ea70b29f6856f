"""Rows of fields on the page of a flag's controls: those that are filled, and some to fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterpoint.flags.composition import FlagPlan
from counterpoint.flags.control_forms import Values

__all__ = ["Rows", "arm_parts", "rows_of", "unshown_keys"]

SPARE: Final = 2
"""Empty rows below those that are filled."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of fields that come several times, with empty ones at the end."""

    schedule: Sequence[tuple[str, str]]
    needs: Sequence[tuple[str, str]]


def rows_of(values: Values) -> Rows:
    """The rows as they are shown."""
    spare = [("", "")] * SPARE
    return Rows([*values.schedule, *spare], [*values.needs, *spare])


def arm_parts(arms: Sequence[tuple[str, str]]) -> list[float | None]:
    """What part of those who are enrolled each arm gets, in per cent; None where its share is no whole number."""
    shares = [
        int(share.lstrip("0")[:12] or "0") if share.isascii() and share.isdigit() else None
        for _, share in arms
    ]
    total = sum(share or 0 for share in shares)
    return [None if not share else round(100 * share / total, 1) for share in shares]


def unshown_keys(plan: FlagPlan) -> list[str]:
    """Targeting keys that always get a variant and that no field of lines can show: they would not come back as they are."""
    keys = [key for each in plan.overrides.values() for key in each]
    return [key for key in keys if "\n" in key or "\r" in key or not key.strip()]
