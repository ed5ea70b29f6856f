"""The simulated listeners: the same for a seed, assigned by the flag, with the truth inside the interval."""

import math
from collections import Counter, defaultdict
from importlib.resources import files
from statistics import fmean, variance

import pytest

from counterpoint.demo.ramped import greetings
from counterpoint.demo.simulate import TRUTH, simulate
from counterpoint.flags import FlagSet


@pytest.fixture(scope="module")
def flags():
    return FlagSet.from_flagd(files("counterpoint.demo").joinpath("arpeggio/flags.json").read_text())


@pytest.fixture(scope="module")
def simulation(flags):
    return simulate(flags, seed=7)


def test_the_same_seed_gives_the_same_events(flags):
    first, second = (simulate(flags, listeners=200, seed=3) for _ in range(2))
    assert first.events == second.events
    assert simulate(flags, listeners=200, seed=4).events != first.events


def test_the_flag_assigns_each_listener(flags, simulation):
    for name in ("listener-00001", "listener-04711"):
        assert simulation.variants[name] == flags.evaluate("discover-weekly", {"targetingKey": name}).variant
    counts = Counter(simulation.variants.values())
    assert sorted(counts) == ["control", "treatment"]
    assert abs(counts["treatment"] - 3000) < 3 * math.sqrt(1500)


def test_every_listener_is_in_a_second_experiment_that_has_nothing_to_do_with_the_first(simulation):
    shown = greetings(simulation.variants, 7)
    assert shown == greetings(simulation.variants, 7)
    assert [event["time"] for event in shown] == sorted(event["time"] for event in shown)
    greeted = {event["subject"]: event["data"]["feature_flag.result.variant"] for event in shown}
    assert greeted.keys() == simulation.variants.keys()
    cells = Counter((variant, greeted[name]) for name, variant in simulation.variants.items())
    assert len(cells) == 4
    assert all(abs(count - 1500) < 4 * math.sqrt(6000 * 3 / 16) for count in cells.values())


def test_events_are_unique_in_order_and_within_four_weeks(simulation):
    events = simulation.events
    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    times = [event["time"] for event in events]
    assert times == sorted(times)
    assert times[0] >= "2026-10-12T00:00:00Z"
    assert times[-1] < "2026-11-09T00:00:00Z"


def test_every_listener_has_an_exposure_before_all_else(simulation):
    seen = set()
    for event in simulation.events:
        if event["type"] == "feature_flag.evaluation":
            seen.add(event["subject"])
            assert event["data"]["feature_flag.result.variant"] == simulation.variants[event["subject"]]
        else:
            assert event["subject"] in seen
    assert len(seen) == 6000


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("weekly-listening-minutes", "listen.minutes"),
        ("week-4-retention", "retention.week4"),
        ("app-start-time", "app.start_ms"),
        ("skip-rate", "track.skipped"),
    ],
)
def test_the_interval_of_each_metric_covers_the_true_effect(simulation, metric, kind):
    values = defaultdict(list)
    for event in simulation.events:
        if event["type"] == kind:
            values[event["subject"]].append(float(event["data"]["value"]))
    assert len(values) == 6000
    arms = {"control": [], "treatment": []}
    for name, own in values.items():
        arms[simulation.variants[name]].append(fmean(own))
    difference = fmean(arms["treatment"]) - fmean(arms["control"])
    error = math.sqrt(sum(variance(arm) / len(arm) for arm in arms.values()))
    assert abs(difference - TRUTH[metric].absolute) < 2.576 * error
    assert abs(fmean(arms["control"]) - TRUTH[metric].control) < 0.05 * TRUTH[metric].control
