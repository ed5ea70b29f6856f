from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.experiments.metrics.period import Period, period_of
from counterpoint.experiments.metrics.reading import LEAST, Figure, withhold

DAYS = [date(2026, 5, 1) + timedelta(days=index) for index in range(4)]


@given(st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=4, max_size=4))
def test_no_withheld_figure_follows_from_the_sums_of_its_lines(users: list[list[int]]) -> None:
    table = [
        Figure(span=DAYS[day], part="abc"[part], value=1.0, users=count, units=count, events=count)
        for day, row in enumerate(users)
        for part, count in enumerate(row)
    ]
    shown = withhold(table)
    assert all(figure.withheld or not 0 < figure.users < LEAST for figure in shown)
    of_spans = [[day * 3 + part for part in range(3)] for day in range(4)]
    of_parts = [[day * 3 + part for day in range(4)] for part in range(3)]
    for line in of_spans + of_parts:
        hidden = [index for index in line if shown[index].withheld]
        left = [index for index in line if table[index].units and not shown[index].withheld]
        if hidden and left:
            assert sum(table[index].users for index in hidden) >= LEAST
            # One alone follows from the line's sum, whatever it is of; and what follows tells of others in its own lines.
            assert len(hidden) > 1


def test_what_happens_to_nobody_is_not_withheld() -> None:
    assert withhold([Figure(value=3.0, users=0, units=3, events=3)])[0].value == 3.0


@pytest.mark.parametrize(
    ("calendar", "days", "first"),
    [
        ("day", 7, date(2026, 5, 14)),
        ("week", 14, date(2026, 5, 11)),
        ("week", 7, date(2026, 5, 18)),
        ("week", 2, date(2026, 5, 18)),
        ("month", 60, date(2026, 4, 1)),
        ("month", 5, date(2026, 5, 1)),
    ],
)
def test_a_period_begins_where_a_span_begins(calendar: str, days: int, first: date) -> None:
    found = period_of(calendar, days=days, last=date(2026, 5, 20))  # type: ignore[arg-type]
    assert (found.first, found.last) == (first, date(2026, 5, 20))


def test_the_spans_of_a_period_follow_each_other_without_a_gap() -> None:
    assert Period(date(2026, 1, 31), date(2026, 3, 1), "month").spans == (
        date(2026, 1, 31),
        date(2026, 2, 1),
        date(2026, 3, 1),
    )
    found = Period(date(2026, 5, 4), date(2026, 5, 10))
    assert (found.start, found.end) == (datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 11, tzinfo=UTC))
    assert not found.over(date(2026, 5, 10), date(2026, 5, 10))
    assert found.over(date(2026, 5, 9), date(2026, 5, 10))
