"""Guardrails whose events stop coming are told from those whose events are rare."""

from datetime import timedelta

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
    streams = {"error": stream(1_000, timedelta(minutes=1)), "request": stream(10_000, timedelta(seconds=1))}
    types = {"errors": ("error", "request"), "requests": ("request",), "other": ("never",)}
    late = NOW + 2 * HOUR
    assert silent_metrics(types, {"error": streams["error"]}, late, least_seconds=LEAST) == ("errors",)
    assert silent_metrics(types, streams, late, least_seconds=LEAST) == ("errors", "requests")


@pytest.mark.parametrize("crashes_go_on", [True, False])
def test_a_step_is_held_where_the_metrics_own_events_stop_and_exposures_go_on(
    workspace: Workspace, crashes_go_on: bool
) -> None:
    org = furnish(workspace)
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
