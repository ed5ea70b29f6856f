from collections import defaultdict
from collections.abc import Callable
from datetime import date
from statistics import mean
from typing import Any

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.errors import InputError
from counterpoint.experiments.metrics import readings
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import OTHER, Reading
from tests.experiments.metrics.conftest import WEEK, event, measured

Read = Callable[..., Reading]

TWO_EACH = [event(day, user, {"value": 10 * user + day}) for user in range(6) for day in (0, 1)]
"""Six users with 0, 10, ... 50 on Monday and one more on Tuesday."""


@pytest.mark.parametrize(
    ("spec", "monday", "tuesday", "whole"),
    [
        ({"aggregation": "mean"}, 25, 26, 25.5),
        ({"aggregation": "sum"}, 150, 156, 306),
        ({"aggregation": "sum", "per": "user"}, 25, 26, 51),
        ({"aggregation": "count"}, 6, 6, 12),
        ({"aggregation": "count", "per": "user"}, 1, 1, 2),
        ({"aggregation": "any"}, 5 / 6, 1, 1),
        ({"aggregation": "users"}, 6, 6, 6),
        ({"aggregation": "quantile", "quantile": 0.5}, 25, 26, 25.5),
        ({"aggregation": "sum", "cap": 30}, 120, 123, 243),
    ],
)
def test_every_aggregation_gives_what_its_words_say(
    read: Read, spec: dict[str, Any], monday: float, tuesday: float, whole: float
) -> None:
    reading = read(TWO_EACH, **spec)
    assert [point.span for point in reading.points] == list(WEEK.spans)
    assert reading.points[0].value == pytest.approx(monday)
    assert reading.points[1].value == pytest.approx(tuesday)
    assert reading.whole.value == pytest.approx(whole)
    assert (reading.whole.users, reading.whole.events) == (6, 12)


def test_a_mean_is_of_users_and_not_of_those_who_do_most(read: Read) -> None:
    events = [event(0, user, {"value": 1}) for user in range(5)]
    events += [event(0, 5, {"value": 7}, seconds=second) for second in range(100)]
    assert read(events).points[0].value == pytest.approx(2)


def test_a_day_without_events_is_nothing_of_a_mean_and_zero_of_a_sum(read: Read, squad: Workspace) -> None:
    assert read(TWO_EACH).points[3].value is None
    total = readings.preview(squad, measured(squad, "s", aggregation="sum"), readings.Asked(WEEK))
    assert total.points[3].value == 0
    each = readings.preview(squad, measured(squad, "p", aggregation="sum", per="user"), readings.Asked(WEEK))
    assert each.points[3].value is None


def test_only_numbers_are_numbers_and_the_rest_is_counted(read: Read) -> None:
    given: list[Any] = [{"ms": 4}, {"ms": True}, {"ms": "4"}, {"ms": None}, {}, None, [4], {"ms": {"ms": 4}}]
    reading = read([event(0, user, data) for user, data in enumerate(given)], field="ms")
    assert (reading.whole.value, reading.whole.events, reading.whole.blank) == (2.5, 8, 6)


def test_a_field_may_lie_inside_of_another(read: Read) -> None:
    reading = read([event(0, user, {"a": {"b": user}}) for user in range(5)], field="a.b")
    assert reading.whole.value == 2
    assert "a.b" not in reading.sql  # which other engines would take for one key


def test_a_field_that_no_path_can_name_is_refused_in_words(read: Read) -> None:
    with pytest.raises(InputError, match="no path can name"):
        read(TWO_EACH, field="a'b")


def test_events_without_a_subject_are_counted_by_themselves(read: Read) -> None:
    reading = read([event(0, None, {"value": value}) for value in range(3)])
    assert (reading.whole.value, reading.whole.users, reading.whole.units) == (1, 0, 3)
    assert not reading.points[0].withheld  # they are about nobody


def test_a_split_shows_nobody_by_what_events_without_a_subject_say_of_their_author(read: Read) -> None:
    lone = [event(0, None, {"value": 1, "country": author}) for author in ("ana", "ben") for _ in range(3)]
    reading = read(lone, split="country", aggregation="count")
    assert [part.part for part in reading.parts] == [OTHER]
    users = [event(0, user, {"value": 1, "country": "SE"}) for user in range(9)]
    reading = read([*users, *lone[:3]], split="country", aggregation="count")
    assert [part.part for part in reading.parts] == [OTHER], "what is beside Sweden would be Ana's alone"


def test_weeks_begin_on_mondays_and_months_on_their_first_day(read: Read, squad: Workspace) -> None:
    events = [event(day, user) for user in range(5) for day in (-4, -1, 0, 6, 7, 28)]  # 30 April to 1 June
    months = Period(date(2026, 4, 1), date(2026, 6, 30), "month")
    reading = read(events, period=months, aggregation="count", window={"calendar": "month"})
    assert [(str(each.span), each.value) for each in reading.points] == [
        ("2026-04-01", 5), ("2026-05-01", 20), ("2026-06-01", 5),
    ]  # fmt: skip
    weekly = measured(squad, "w", aggregation="count", window={"calendar": "week"})
    weeks = readings.preview(
        squad, weekly, readings.Asked(Period(date(2026, 4, 27), date(2026, 5, 17), "week"))
    )
    assert [(str(each.span), each.value) for each in weeks.points] == [
        ("2026-04-27", 10), ("2026-05-04", 10), ("2026-05-11", 5),
    ]  # fmt: skip


def test_a_ratio_divides_the_figures_of_the_same_day(read: Read, squad: Workspace) -> None:
    read([*TWO_EACH, *(event(0, user, kind="started") for user in range(6))], name="total", aggregation="sum")
    measured(squad, "starts", aggregation="count", event="started")
    ratio = measured(squad, "r", aggregation="ratio", numerator="total", denominator="starts")
    reading = readings.preview(squad, ratio, readings.Asked(WEEK))
    assert reading.points[0].value == 25
    assert reading.points[1].value is None  # nobody started: there is no such ratio
    assert reading.whole.value == 51


def test_a_ratio_of_what_is_not_there_or_is_a_ratio_says_so(squad: Workspace) -> None:
    lost = measured(squad, "r", aggregation="ratio", numerator="a", denominator="b")
    with pytest.raises(InputError, match="a and b, which is not in the graph"):
        readings.preview(squad, lost, readings.Asked(WEEK))
    nested = measured(squad, "s", aggregation="ratio", numerator="r", denominator="r")
    with pytest.raises(InputError, match="itself a ratio"):
        readings.preview(squad, nested, readings.Asked(WEEK))


def test_figures_are_split_by_an_attribute_with_a_bounded_number_of_parts(read: Read) -> None:
    sizes = {"SE": 30, "DE": 20, "BR": 10, "IN": 6}
    events = [event(0, index, {"value": 1, "country": name}) for index, name in enumerate(
        name for name, size in sizes.items() for _ in range(size))]  # fmt: skip
    reading = read(events, split="country", series=2, aggregation="count")
    assert [(part.part, part.value) for part in reading.parts] == [("SE", 30), ("DE", 20), (OTHER, 16)]
    assert sum(part.value or 0 for part in reading.parts) == reading.whole.value
    assert reading.of_part("SE")[0].value == 30


def test_a_part_of_few_people_joins_the_others(read: Read) -> None:
    sizes = {"SE": 30, "DE": 20, "BR": 6, "IN": 3}
    events = [event(0, index, {"country": name}) for index, name in enumerate(
        name for name, size in sizes.items() for _ in range(size))]  # fmt: skip
    reading = read(events, split="country", aggregation="users")
    # IN's three alone would be the others, so BR joins them.
    assert [(part.part, part.users) for part in reading.parts] == [("SE", 30), ("DE", 20), (OTHER, 9)]


def test_no_figure_is_of_fewer_than_five_people(read: Read) -> None:
    events = [event(day, user, {"value": 1}) for day, users in enumerate((4, 6, 9)) for user in range(users)]
    reading = read(events, aggregation="sum")
    # The four of Monday are withheld, and Tuesday too: the whole less the other days would tell Monday.
    assert [point.withheld for point in reading.points[:3]] == [True, True, False]
    assert [point.value for point in reading.points[:3]] == [None, None, 9]
    assert reading.whole.value == 19
    hidden = reading.points[0]
    assert (hidden.users, hidden.events, hidden.blank, hidden.capped, hidden.units) == (0, 0, 0, 0, 0)


def test_the_expression_gives_what_a_loop_over_all_events_gives(read: Read, squad: Workspace) -> None:
    rng = np.random.default_rng(7)
    values = [
        None if number % 7 == 0 else bool(number % 2) if number % 5 == 0 else number for number in range(100)
    ]
    events = [
        event(int(day), int(user), {"value": values[pick]}, seconds=int(second))
        for day, user, pick, second in rng.integers(0, (7, 40, 100, 86_400), (800, 4))
    ]
    reading = read(events, cap=60)
    for index, point in enumerate(reading.points):
        by_user: dict[str, list[float]] = defaultdict(list)
        for each in events:
            value = each["data"]["value"]
            if each["time"][:10] == str(WEEK.spans[index]) and value is not None:
                by_user[each["subject"]].append(min(float(value), 60))
        assert point.value == pytest.approx(mean(mean(values) for values in by_user.values()))
    squad.journal.compact()
    after = readings.preview(squad, measured(squad, cap=60), readings.Asked(WEEK))
    assert [point.value for point in after.points] == pytest.approx([point.value for point in reading.points])


def test_the_numbers_of_events_are_distributed_with_the_cap_in_sight(read: Read, squad: Workspace) -> None:
    events = [event(0, user, {"value": user % 10}) for user in range(200)]
    read([*events, *(event(0, user, {"value": 10_000}) for user in range(5))], cap=8)
    bins = readings.distribution_of(squad, measured(squad, cap=8), WEEK)
    assert sum(each.events for each in bins) == 205
    assert bins[0].low == 0
    assert bins[-1].high is None  # what is far beyond does not press the rest into one bin
    assert bins[-1].events == 5
    assert all(each.users >= 5 or not each.events for each in bins)


def test_a_distribution_tells_nobody_s_number(read: Read, squad: Workspace) -> None:
    numbers = [*(40 + user % 30 for user in range(150)), 37.25, 71.75]
    read([event(0, user, {"value": number}) for user, number in enumerate(numbers)])
    bins = readings.distribution_of(squad, measured(squad), WEEK)
    edges = [bins[0].low, *(each.high for each in bins if each.high is not None)]
    assert edges == [36 + 2 * index for index in range(len(edges))]
    assert all(each.withheld for each in bins if each.low <= 37.25 < (each.high or 72))


def test_a_reading_is_kept_until_events_come(squad: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    squad.journal.append(TWO_EACH)
    metric = measured(squad)
    first = readings.reading_of(squad, metric, readings.Asked(WEEK))
    monkeypatch.setattr(readings, "preview", lambda *_: pytest.fail("it is computed again"))
    assert readings.reading_of(squad, metric, readings.Asked(WEEK)) is first
    monkeypatch.undo()
    squad.journal.append([event(2, user, {"value": 1}) for user in range(5)])
    assert readings.reading_of(squad, metric, readings.Asked(WEEK)).whole.events == 17
