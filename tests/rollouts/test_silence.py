"""Guardrails whose events stop coming are told from those whose events are rare."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts import store
from counterpoint.rollouts.controller import check
from counterpoint.rollouts.silence import WINDOW, Stream, is_silent, silent_metrics, stream_of

from .conftest import HOUR, NOW, furnish, happened

LEAST = HOUR.total_seconds()


def stream(events: int, gap: timedelta, longest: timedelta | None = None) -> Stream:
    return Stream(events, NOW - (events - 1) * gap, NOW, longest or gap)


@pytest.mark.parametrize(
    ("came", "silence", "is_told"),
    [
        (
            stream(10_000, timedelta(minutes=2)),
            timedelta(minutes=50),
            False,
        ),  # nothing counts below the limit
        (stream(10_000, timedelta(minutes=2)), timedelta(minutes=61), True),
        (stream(10_000, timedelta(minutes=2), timedelta(hours=9)), timedelta(hours=17), False),  # a night
        (stream(10_000, timedelta(minutes=2), timedelta(hours=9)), timedelta(hours=19), True),
        (stream(14, timedelta(days=1)), timedelta(days=5), False),  # rare
        (stream(300, timedelta(hours=1)), timedelta(hours=15), False),
        (stream(300, timedelta(hours=1)), timedelta(hours=17), True),
        (stream(9, timedelta(minutes=1)), timedelta(days=10), False),  # too few to know what is usual
    ],
)
def test_a_silence_is_held_against_the_usual_gap(came: Stream, silence: timedelta, is_told: bool) -> None:
    assert is_silent(came, NOW + silence, least_seconds=LEAST) is is_told


@pytest.mark.parametrize("per_day", [1, 5, 24, 200])
def test_events_that_come_by_chance_are_never_called_silent(per_day: float) -> None:
    """Three months, looked at just before each event, when the silence is longest."""
    rng = np.random.default_rng(7)
    times = np.cumsum(rng.exponential(86_400 / per_day, int(90 * per_day)))
    alarms = 0
    for index in range(1, len(times)):
        past = times[(times >= times[index] - WINDOW.total_seconds()) & (times < times[index])]
        if len(past) > 1:
            gaps = np.diff(past)
            came = Stream(
                len(past),
                NOW,
                NOW + timedelta(seconds=float(past[-1] - past[0])),
                timedelta(seconds=float(gaps.max())),
            )
            at = came.last + timedelta(seconds=float(times[index] - past[-1]))
            alarms += is_silent(came, at, least_seconds=LEAST)
    assert alarms == 0


def test_a_stream_is_made_of_its_minutes_in_any_order() -> None:
    minute = timedelta(minutes=1)
    parts = [
        (NOW + 9 * minute, NOW + 9.5 * minute, 3),
        (NOW, NOW + minute, 4),
        (NOW + 2 * minute, NOW + 3 * minute, 1),
    ]
    assert stream_of(parts) == Stream(8, NOW, NOW + 9.5 * minute, 6 * minute)
    assert stream_of([]) is None


def test_a_ratio_is_silent_where_either_of_its_events_is() -> None:
    streams = {"error": stream(2_000, timedelta(minutes=1)), "request": stream(20_000, timedelta(seconds=5))}
    types = {"errors": ("error", "request"), "requests": ("request",), "other": ("never",)}
    late = NOW + 2 * HOUR
    assert silent_metrics(types, {"error": streams["error"]}, late, least_seconds=LEAST) == ("errors",)
    assert silent_metrics(types, streams, late, least_seconds=LEAST) == ("errors", "requests")


MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def heard(moments: list[datetime], now: datetime) -> bool:
    """Whether a sender that sent at these moments is called silent now."""
    lately = [at for at in moments if now - WINDOW < at <= now]
    came = stream_of((at, at, 1) for at in lately)
    return came is not None and is_silent(came, now, least_seconds=LEAST)


def sent(begin: datetime, *, days: float, hours: range, zone: int = 0, weekdays: int = 7) -> list[datetime]:
    """Every half hour of these hours of the day in a zone, on the first weekdays of the week."""
    moments = (begin + timedelta(minutes=30 * number) for number in range(int(days * 48)))
    local = ((at, at + timedelta(hours=zone)) for at in moments)
    return [at for at, there in local if there.hour in hours and there.weekday() < weekdays]


@pytest.mark.parametrize("zone", [-8, 0, 10])
@pytest.mark.parametrize("weekday", [0, 3, 4, 5])
@pytest.mark.parametrize(("hours", "weekdays"), [(range(8, 23), 7), (range(9, 17), 5)])
def test_neither_the_first_night_nor_the_first_weekend_is_a_silence(
    zone: int, weekday: int, hours: range, weekdays: int
) -> None:
    """Two weeks by day or in office hours, begun at any hour: looked at before each event that comes after a pause."""
    for begin in range(0, 24, 3):
        first = MONDAY + weekday * DAY + timedelta(hours=begin)
        came = sent(first, days=15, hours=hours, zone=zone, weekdays=weekdays)
        for before, after in pairwise(came):
            if after - before > 2 * HOUR:
                assert not heard([at for at in came if at <= before], after)


@pytest.mark.parametrize(
    ("known", "until"),
    [
        (timedelta(hours=6), timedelta(hours=24)),  # no night is known yet
        (timedelta(hours=23), timedelta(hours=24)),
        (timedelta(days=2, hours=12), timedelta(hours=19)),  # twice the night of nine and a half hours
        (timedelta(days=20, hours=12), timedelta(hours=19)),
    ],
)
def test_a_sender_that_stops_is_called_silent_after_a_day_and_later_sooner(
    known: timedelta, until: timedelta
) -> None:
    first = MONDAY + timedelta(hours=8)
    came = sent(first, days=known / DAY, hours=range(8, 23))
    assert not heard(came, came[-1] + until - timedelta(hours=1))
    assert heard(came, came[-1] + until + timedelta(minutes=1))


def test_the_hours_of_a_first_weekend_are_left_out_where_nothing_came_on_it() -> None:
    thursday = MONDAY + 3 * DAY
    quiet = sent(thursday, days=1.5, hours=range(9, 17))
    assert quiet[-1] == thursday + DAY + timedelta(hours=11.5)  # Friday; a night is 16.5 hours
    assert not heard(quiet, thursday + 4 * DAY + timedelta(hours=20))
    assert heard(quiet, thursday + 4 * DAY + timedelta(hours=21))
    lively = sent(thursday, days=2.9, hours=range(24))
    assert heard(lively, lively[-1] + timedelta(hours=9))  # Sunday morning: it came all Saturday


@pytest.mark.parametrize("crashes_go_on", [True, False])
def test_a_step_is_held_where_the_metrics_own_events_stop_and_exposures_go_on(
    workspace: Workspace, crashes_go_on: bool
) -> None:
    org = furnish(workspace)
    for number in range(48):  # two days before: their nights are known
        before = happened(8, at=NOW - (48 - number) * HOUR, crashed=1, treated=1, first=100_000 + 8 * number)
        org.journal.append([each for each in before if each["type"] == "crash"])
    store.command(org, local_actor(), "weekly", "start", now=NOW)
    for number in range(5):  # exposures all the time; crashes are of anybody, not of the flag's users alone
        at = NOW + number * HOUR
        events = happened(200, at=at, crashed=0.2, treated=0.2, first=200 * number)
        if number >= 2 and not crashes_go_on:
            events = [each for each in events if each["type"] != "crash"]
        org.journal.append(events)
    found = check(org, "rollout:default/weekly", now=NOW + 4.5 * HOUR)
    assert found is not None
    assert found.figures is not None
    assert found.figures.stale == (() if crashes_go_on else ("crashed",))
    assert (found.move.trouble == "stale") is not crashes_go_on
