"""What a cell says."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.journal.cell import cell_json, cell_number, cell_text, cell_time


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("5", 5), (" 5 ", 5), ("-0.5", -0.5), ("1e3", 1000.0), ("True", 1), ("FALSE", 0), ("yes", 1), ("No", 0),
        (True, 1), (False, 0), (7, 7), (0.25, 0.25), (Decimal("1.5"), 1.5), ("1" * 30, 1.1111111111111111e29),
    ],
)  # fmt: skip
def test_numbers_and_outcomes_are_read(cell: Any, says: float) -> None:
    assert cell_number(cell) == says
    assert not isinstance(cell_number(cell), bool)


@pytest.mark.parametrize(
    "cell",
    ["abc", "1,5", "1_000", "١٢", "nan", "inf", "1e999", "", "0x10", "maybe", math.nan, None, [1], "9" * 500],
)
def test_what_is_no_number_is_refused(cell: Any) -> None:
    with pytest.raises(ValueError, match="no number"):
        cell_number(cell)


@given(st.text() | st.floats() | st.integers() | st.none() | st.binary() | st.decimals())
def test_any_cell_is_a_finite_number_or_refused(cell: Any) -> None:
    try:
        found = cell_number(cell)
    except ValueError:
        return
    assert math.isfinite(found)


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        ("2024-01-15T10:00:00Z", None, "2024-01-15T10:00:00Z"),
        ("2024-01-15 10:00:00", None, "2024-01-15 10:00:00Z"),
        ("2024-01-15", None, "2024-01-15T00:00:00Z"),
        ("1705276800", "s", "2024-01-15T00:00:00+00:00"),
        ("1705276800.5", "s", "2024-01-15T00:00:00.500000+00:00"),
        (1705276800000, "ms", "2024-01-15T00:00:00+00:00"),
        (date(2024, 1, 15), None, "2024-01-15T00:00:00Z"),
        (datetime(2024, 1, 15, 2, tzinfo=timezone(timedelta(hours=2))), None, "2024-01-15T00:00:00+00:00"),
        (datetime(2024, 1, 15, tzinfo=UTC).replace(tzinfo=None), None, "2024-01-15T00:00:00+00:00"),
    ],
)
def test_times_are_read_as_utc_where_they_name_no_zone(cell: Any, unit: str | None, text: str) -> None:
    assert cell_time(cell, unit) == text


@pytest.mark.parametrize(
    ("cell", "unit"),
    [("yesterday", None), ("1705276800", None), ("15/01/2024", None), ("x", "s"), ("1e300", "s"), ("", None)],
)
def test_what_is_no_time_is_refused(cell: Any, unit: str | None) -> None:
    with pytest.raises(ValueError, match=r"no time|no number|outside"):
        cell_time(cell, unit)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("5", 5),
        ("1.50", 1.5),
        ("007", "007"),
        ("+5", "+5"),
        ("true", True),
        ("No", "No"),
        ("text ", "text "),
        (True, True),
        (5, 5),
        ([1], [1]),
    ],
)
def test_further_data_is_a_number_only_where_it_plainly_is_one(cell: Any, says: Any) -> None:
    assert cell_json(cell) == says
    assert type(cell_json(cell)) is type(says)


@pytest.mark.parametrize(
    ("cell", "text"), [(" a ", "a"), (5.0, "5"), (5.5, "5.5"), (None, ""), (math.nan, ""), (12, "12")]
)
def test_texts_lose_the_traces_of_spreadsheets(cell: Any, text: str) -> None:
    assert cell_text(cell) == text
