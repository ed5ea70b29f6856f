"""Rows of fields on the page of a flag's controls: those that are filled, and some to fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterpoint.flags.control_forms import Values

__all__ = ["Rows", "rows_of"]

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
