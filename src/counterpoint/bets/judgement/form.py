"""The form of estimates: what was typed, what is wrong with it by field, and the ranges that it makes. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterpoint.bets.judgement.estimates import QUANTITIES, Quantity, QuantityGuide, Range, read_range
from counterpoint.errors import InputError
from counterpoint.web.forms import number_of, one_of, text_of

__all__ = ["EstimateRow", "amount_of", "chance_of", "empty_rows", "range_of", "read_rows"]

POINTS = ("p10", "p50", "p90")


class EstimateRow(msgspec.Struct, frozen=True):
    """One quantity of the form, as typed; chances are in per cent."""

    guide: QuantityGuide
    texts: tuple[str, str, str] = ("", "", "")
    error: str = ""

    @property
    def filled(self) -> bool:
        """Whether anything was typed."""
        return any(self.texts)

    @property
    def field(self) -> str:
        """What the names of its three fields begin with."""
        return self.guide.quantity.value


def empty_rows(known: Mapping[Quantity, Range]) -> tuple[EstimateRow, ...]:
    """The form as the newest estimates fill it."""
    return tuple(
        EstimateRow(guide, _texts(guide.quantity, known[guide.quantity]))
        if guide.quantity in known
        else EstimateRow(guide)
        for guide in QUANTITIES
    )


def read_rows(data: Mapping[str, Any]) -> tuple[tuple[EstimateRow, ...], dict[Quantity, Range]]:
    """The form as posted, and the ranges that can be read; a row with an error has no range."""
    rows: list[EstimateRow] = []
    ranges: dict[Quantity, Range] = {}
    for guide in QUANTITIES:
        first, second, third = (one_of(data, f"{guide.quantity.value}-{point}") for point in POINTS)
        row = EstimateRow(guide, (first, second, third))
        if row.filled:
            try:
                ranges[guide.quantity] = _range(guide.quantity, row.texts)
            except ValueError as error:
                row = EstimateRow(guide, row.texts, f"{error}")
            except InputError as error:
                row = EstimateRow(guide, row.texts, error.problems[0].message)
        rows.append(row)
    return tuple(rows), ranges


def chance_of(text: str) -> float:
    """A chance that was typed in per cent, such as `70` or `70 %`, as a share.

    Raises:
        ValueError: it is no number; it says so.
    """
    try:
        return number_of(text.rstrip("%\u202f ")) / 100
    except ValueError:
        raise ValueError(f"{text!r} is no number; write per cent, such as 70.") from None


def range_of(quantity: Quantity, data: Mapping[str, Any]) -> tuple[tuple[str, str, str], Range | None, str]:
    """The three numbers of one range as typed, the range, and what is wrong where it is none."""
    first, second, third = (one_of(data, point) for point in POINTS)
    try:
        return (first, second, third), _range(quantity, (first, second, third)), ""
    except ValueError as error:
        return (first, second, third), None, f"{error}"
    except InputError as error:
        return (first, second, third), None, error.problems[0].message


def _range(quantity: Quantity, texts: tuple[str, str, str]) -> Range:
    if not all(texts):
        raise ValueError("Fill in all three: low, middle and high.")
    read = chance_of if quantity.is_risk else amount_of
    return read_range(quantity, *map(read, texts))


def amount_of(text: str) -> float:
    """A number that was typed.

    Raises:
        ValueError: it is none; it says so.
    """
    try:
        return float(number_of(text))
    except ValueError:
        raise ValueError(f"{text!r} is no number; write one such as 250.") from None


def _texts(quantity: Quantity, known: Range) -> tuple[str, str, str]:
    by = 100 if quantity.is_risk else 1
    low, mid, high = (text_of(float(f"{point * by:.10g}")) for point in (known.p10, known.p50, known.p90))
    return low, mid, high
