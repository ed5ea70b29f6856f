"""What creators are told of their listeners, and that it tells of no small group."""

from datetime import date
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover.creators import Audience, Heard, audience_of, monday, week_of
from counterpoint.errors import InputError, NotFoundError

WEEK = 7 * 86_400_000_000
START = 4 * 86_400_000_000  # Monday 1970-01-05
Row = tuple[int, int, int, int, int]


def heard(
    rows: list[Row], *, names: tuple[str, ...] = ("a", "b", "c"), until: int = 10, places: int = 3
) -> Heard:
    """Rows of listener, creator, source, week and plays."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    who, whom, where, week, plays = columns
    moments = START + week * WEEK + np.arange(len(rows))
    return Heard(
        who, whom, where, moments, plays, names, ("search", "playlist", "radio", "tip")[:places], until
    )


def plain(creator: int, listeners: range, week: int = 0, source: int = 0, plays: int = 1) -> list[Row]:
    return [(each, creator, source, week, plays) for each in listeners]


def test_weeks_are_iso_weeks() -> None:
    assert monday(0) == date(1970, 1, 5)
    for day in (date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 29), date(1999, 12, 31)):
        micros = np.array([(day - date(1970, 1, 1)).days * 86_400_000_000 + 86_399_999_999])
        found = monday(int(week_of(micros)[0]))
        assert (found.isocalendar()[:2], found.isoweekday()) == (day.isocalendar()[:2], 1)


def test_listeners_are_counted_where_they_first_heard_the_creator() -> None:
    rows = [*plain(0, range(30), 0, 0, 3), *plain(0, range(30, 80), 1, 1), *plain(0, range(10), 2, 1)]
    told = audience_of(heard(rows), "a")
    assert told.listeners == 80
    assert [(each.source, each.listeners, each.share) for each in told.found] == [
        ("playlist", 50, 0.625),
        ("search", 30, 0.375),
    ]
    assert told.found[0].plays == pytest.approx(50 / 140)  # what comes after the last period waits


def test_one_who_plays_without_end_is_no_audience() -> None:
    rows = [*plain(0, range(30)), *plain(0, range(30, 60), 0, 1), (0, 0, 0, 0, 1_000_000)]
    told = audience_of(heard(rows), "a")
    assert {each.source: each.plays for each in told.found}["search"] == pytest.approx(79 / 109)


def test_small_sources_are_joined_with_a_large_one_where_they_are_few() -> None:
    rows = [*plain(0, range(40)), *plain(0, range(40, 70), 0, 1), *plain(0, range(70, 73), 0, 2)]
    told = audience_of(heard(rows), "a")
    assert [(each.source, each.listeners) for each in told.found] == [("search", 40), ("other", 33)]


def test_weeks_with_few_new_listeners_are_joined_and_the_last_few_wait() -> None:
    rows = [
        *plain(0, range(15), 0),
        *plain(0, range(15, 25), 2),
        *plain(0, range(25, 60), 3),
        *plain(0, range(22), 3),
        *plain(0, range(60, 70), 5),
    ]
    told = audience_of(heard(rows), "a")
    assert [(each.start, each.new, each.total) for each in told.periods] == [
        (monday(0), 25, 25),
        (monday(3), 35, 60),
    ]
    assert told.listeners == 60
    assert told.until == monday(4)


def test_weeks_tell_who_listened_unless_few_came_or_few_stayed_away() -> None:
    rows = [
        *plain(0, range(100), 0),
        *plain(0, range(50), 1),
        *plain(0, range(19), 2),
        *plain(0, range(95), 3),
        *plain(0, range(100), 4),
    ]
    told = audience_of(heard(rows, until=6), "a")
    assert [each.listeners for each in told.weeks] == [100, 50, None, None, None, None]
    assert told.weeks[-1].start == monday(5)


def test_a_week_that_is_not_over_is_not_looked_at() -> None:
    rows = [*plain(0, range(30), 0), *plain(0, range(30, 90), 1)]
    assert audience_of(heard(rows, until=1), "a").listeners == 30
    assert audience_of(heard(rows, until=0), "a") == Audience("a", 20, None, None)


def test_the_audience_of_a_creator_who_is_liked_together_is_suggested() -> None:
    rows = [
        *plain(0, range(60)),
        *plain(1, range(30, 130)),  # 30 of 100 hear a as well, and of everybody 60 of 400
        *plain(2, range(100, 400)),
        *plain(2, range(20)),
    ]
    told = audience_of(heard(rows), "a")
    assert [(each.creator, each.shared, each.lift) for each in told.overlaps] == [
        ("b", 30, 2.0),
        ("c", 20, 0.4),
    ]
    assert [each.creator for each in told.suggestions] == ["b"]
    best = told.suggestions[0]
    assert (best.listeners, best.share, best.lift) == (70, 0.3, 2.0)
    assert best.low < 0.3 < best.high
    assert best.reach == pytest.approx(70 * best.low, abs=1)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*plain(0, range(60)), *plain(1, range(50, 100)), *plain(2, range(100, 400))], id="shared"),
        pytest.param([*plain(0, range(60)), *plain(1, range(10, 90)), *plain(2, range(400))][:-1] + plain(1, range(60)), id="mine"),
        pytest.param([*plain(0, range(60)), *plain(1, range(30, 65)), *plain(2, range(100, 400))], id="theirs"),
        pytest.param([*plain(0, range(60)), *plain(1, range(30, 100)), *plain(2, range(100, 110))], id="everybody"),
    ],
)  # fmt: skip
def test_an_overlap_is_withheld_where_any_part_is_small(rows: list[Row]) -> None:
    told = audience_of(heard(rows), "a")
    assert "b" not in {each.creator for each in told.overlaps}
    assert told.withheld >= 1


def test_too_few_listeners_tell_nothing_and_a_stranger_is_named() -> None:
    assert audience_of(heard(plain(0, range(19))), "a").listeners is None
    assert audience_of(heard([]), "a").listeners is None
    with pytest.raises(NotFoundError, match='No item is of a creator "aa"; did you mean aab'):
        audience_of(heard([], names=("aab",)), "aa")
    with pytest.raises(InputError, match="least == 0"):
        audience_of(heard([]), "a", least=0)


listening = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 2), st.integers(0, 2), st.integers(0, 5), st.integers(1, 3)),
    max_size=160,
)


@settings(max_examples=150)
@given(rows=listening)
def test_no_figure_and_no_difference_of_figures_is_of_a_small_group(rows: list[Row]) -> None:
    least = 4
    told = {name: audience_of(heard(rows), name, least=least) for name in ("a", "b", "c")}
    for audience in told.values():
        if audience.listeners is None:
            assert not any((audience.found, audience.periods, audience.overlaps, audience.weeks))
            continue
        assert sum(each.listeners for each in audience.found) == audience.listeners
        assert all(each.listeners >= least for each in audience.found)
        assert sum(each.new for each in audience.periods) == audience.listeners
        totals = [0, *(each.total for each in audience.periods)]
        assert all(later - earlier >= least for earlier, later in pairwise(totals))
        new = {each.start: each.new for each in audience.periods if (each.end - each.start).days == 7}
        for week in audience.weeks:
            if week.listeners is not None:
                fresh = new.get(week.start, 0)
                assert week.listeners == fresh or week.listeners - fresh >= least
                after = [each.total for each in audience.periods if (each.end - week.start).days >= 7]
                assert not after or after[0] == fresh == week.listeners or after[0] - week.listeners >= least
        for each in audience.overlaps:
            assert each.shared >= least
            assert min(audience.listeners, told[each.creator].listeners or 0) - each.shared >= least
            back = {other.creator: other for other in told[each.creator].overlaps}
            assert back[audience.creator].shared == each.shared  # both pages tell of one moment


@settings(max_examples=100)
@given(rows=listening, weeks=st.integers(1, 6))
def test_two_answers_at_different_times_differ_by_many_listeners_or_none(rows: list[Row], weeks: int) -> None:
    least = 4
    answers = [
        audience_of(heard(rows, until=until), "a", least=least).listeners or 0 for until in range(weeks + 2)
    ]
    for one, other in combinations(answers, 2):
        assert one == other or abs(one - other) >= least
