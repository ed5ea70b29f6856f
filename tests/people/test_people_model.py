"""Spans of days, and the invariants of memberships and line managers."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.people.model import (
    ManagerLine,
    Membership,
    cycle_of,
    holds,
    overlap_of,
    overlaps,
    share_advice,
    succeeded,
    wrong_with,
)

START = date(2026, 1, 1)
PEOPLE = "abcde"
days = st.integers(0, 12).map(lambda number: START + timedelta(days=number))
spans = st.tuples(st.none() | days, st.none() | days).filter(
    lambda span: span[0] is None or span[1] is None or span[0] < span[1]
)


def at(day: date) -> datetime:
    """Noon of a day."""
    return datetime.combine(day, time(12), UTC)


def line(person: str, manager: str, start: date | None = None, end: date | None = None) -> ManagerLine:
    return ManagerLine(person=person, manager=manager, start=start, end=end)


@pytest.mark.parametrize(
    ("start", "end", "day", "held"),
    [
        (None, None, "2026-01-01", True),
        ("2026-01-01", None, "2025-12-31", False),
        ("2026-01-01", None, "2026-01-01", True),
        ("2026-01-01", "2026-02-01", "2026-01-31", True),
        ("2026-01-01", "2026-02-01", "2026-02-01", False),
        (None, "2026-02-01", "2020-01-01", True),
    ],
)
def test_a_span_begins_on_its_first_day_and_ends_before_its_to(start, end, day, held):
    read = date.fromisoformat
    membership = Membership(
        person="p", unit="u", start=read(start) if start else None, end=read(end) if end else None
    )
    assert holds(membership, at(read(day))) is held


@given(spans, spans)
def test_two_spans_overlap_exactly_if_both_hold_on_some_day(one, other):
    first, second = line("a", "b", *one), line("a", "c", *other)
    every = [at(START + timedelta(days=number)) for number in range(-2, 16)]
    assert overlaps(first, second) == any(holds(first, day) and holds(second, day) for day in every)


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), spans), max_size=12),
)
def test_a_circle_is_found_exactly_if_there_is_one_on_some_day(wanted):
    """Against an oracle that looks at each day by itself."""
    kept: dict[str, list[ManagerLine]] = {}
    every = [at(START + timedelta(days=number)) for number in range(-2, 16)]
    for person, manager, span in wanted:
        new = line(person, manager, *span)
        if person == manager or overlap_of(kept.get(person, []), new):
            continue
        circular = any(holds(new, day) and _reaches(kept, manager, person, day) for day in every)
        found = cycle_of(kept, new)
        assert (found is not None) == circular
        if found is None:
            kept.setdefault(person, []).append(new)
        else:
            assert found[1][0] == found[1][-1] == person


def _reaches(lines: dict[str, list[ManagerLine]], start: str, end: str, day: datetime) -> bool:
    here: str | None = start
    for _ in range(20):
        if here == end:
            return True
        here = next((each.manager for each in lines.get(here or "", []) if holds(each, day)), None)
        if here is None:
            return False
    return False


def test_an_open_line_gives_way_to_a_later_one_and_no_other_does():
    former = line("a", "b", START)
    assert succeeded([former], line("a", "c", START + timedelta(days=3))) == former
    assert succeeded([former], line("a", "c", START)) is None
    assert succeeded([line("a", "b", START, START + timedelta(days=9))], line("a", "c", START)) is None
    assert succeeded([former], line("a", "c")) is None


@pytest.mark.parametrize(
    ("span", "word"),
    [
        (Membership(person="a", unit="u", start=START, end=START), "comes after from"),
        (Membership(person="a", unit="u", share=0.0), "above 0"),
        (Membership(person="a", unit="u", share=1.5), "at most 1"),
        (Membership(person="a", unit="u", share=float("nan")), "share is nan"),
        (line("a", "a"), "another person"),
    ],
)
def test_what_is_wrong_in_itself_is_said_with_the_remedy(span, word):
    assert word in (wrong_with(span) or "")


def test_shares_above_the_whole_are_advice_and_thirds_are_whole():
    def member(share: float | None) -> Membership:
        return Membership(person="a", unit="u", share=share)

    assert share_advice([member(1 / 3)] * 3 + [member(None)] * 5, at(START)) is None
    assert "120%" in (share_advice([member(0.6)] * 2, at(START)) or "")
    assert share_advice([Membership(person="a", unit="u", share=1, end=START)] * 2, at(START)) is None
