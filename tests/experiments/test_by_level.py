"""Effects by the values of a segment: what is told, to whom it is not, and what it is corrected for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from msgspec.structs import replace

from counterpoint.experiments import Experiment, Guardrail, Metric, analyze
from counterpoint.experiments.by_level import homogeneity
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.result import Result
from counterpoint.experiments.segment import Segment
from counterpoint.experiments.stopping import Stopping
from counterpoint.stats import MeanPair, Moments

T0 = datetime(2026, 5, 1, tzinfo=UTC)
PLAN = Experiment(
    name="e",
    flag="f",
    control="a",
    treatments=("b",),
    success=(Metric(name="gain", event="g", aggregation="sum"),),
    guardrails=(Guardrail(Metric(name="load", event="g", aggregation="count", direction="decrease"), 0.1),),
    segments=("country", "phone"),
    units_per_arm=1,
)


def read(
    plan: Experiment, users: list[tuple[str, str, str | None, str | None, float]], **more: Any
) -> Result:
    """The result of users, each a name, variant, country, phone and gain."""
    names, variants, countries, phones, gains = (list(each) for each in zip(*users, strict=True))
    text = pa.string()
    exposures = pa.table(
        {
            "subject": pa.array(names, text),
            "variant": pa.array(variants, text),
            "country": pa.array(countries, text),
            "phone": pa.array(phones, text),
            "time": pa.array([T0] * len(names), pa.timestamp("us", "UTC")),
        }
    )
    events = pa.table(
        {
            "type": pa.array(["g"] * len(names), text),
            "subject": pa.array(names, text),
            "time": pa.array([T0 + timedelta(hours=1)] * len(names), pa.timestamp("us", "UTC")),
            "value": pa.array(gains, pa.float64()),
        }
    )
    engine = ibis.duckdb.connect()
    tables = [engine.create_table(name, each) for name, each in (("x", exposures), ("y", events))]
    return analyze(plan, *tables, as_of=T0 + timedelta(days=9), **more)


def made_up(effects: dict[str, float], size: int = 400, seed: int = 3) -> list[Any]:
    """Users of both arms in each country, with what the treatment adds there."""
    rng = np.random.default_rng(seed)
    found = []
    for country, effect in effects.items():
        for number in range(2 * size):
            variant = "ab"[number % 2]
            gain = 10 + rng.normal() + (effect if variant == "b" else 0.0)
            found.append((f"{country}{number}", variant, country, "ios" if number % 4 < 2 else None, gain))
    return found


def segment(result: Result, name: str = "country") -> Segment:
    return next(each for each in result.segments if each.name == name)


def test_each_value_has_the_effect_of_its_own_users() -> None:
    users = made_up({"se": 0.5, "no": 0.5, "fi": 0.5})
    result = read(PLAN, users)
    assert [each.name for each in result.segments] == ["country", "phone"]
    for name, place in (("country", 2), ("phone", 3)):
        for level in segment(result, name).levels:
            alone = [user for user in users if (user[place] or "") == level.name]
            expected = read(replace(PLAN, segments=()), alone).metrics[0]
            effect = level.effects[0]
            assert sum(level.users.values()) == len(alone)
            assert effect.difference == pytest.approx(expected.difference, rel=1e-9)
            assert effect.p == pytest.approx(expected.p_two_sided, rel=1e-7)
            assert effect.interval is not None
            assert expected.interval_two_sided is not None
            assert effect.interval.low == pytest.approx(expected.interval_two_sided.low, rel=1e-7)


def test_segments_change_nothing_of_the_verdict_nor_of_the_figures_of_all() -> None:
    users = made_up({"se": 0.5, "no": -0.2})
    without = read(replace(PLAN, segments=()), users)
    result = read(PLAN, users)
    assert without.segments == ()
    assert (result.verdict.state, result.verdict.condition) == (
        without.verdict.state,
        without.verdict.condition,
    )
    assert result.arms == without.arms
    for one, other in zip(result.metrics, without.metrics, strict=True):
        assert one.outcome == other.outcome
        assert one.difference == pytest.approx(other.difference, rel=1e-9)  # threads add up in any order
        assert (one.p is None) == (other.p is None)
        assert one.p is None or one.p == pytest.approx(other.p, rel=1e-6)
    reads = [each.sql.split(";")[0].count('"main"."y"') for each in (result, without)]
    assert reads[0] == reads[1] > 0  # no further reading of the events


def test_an_effect_that_differs_is_told_and_one_that_does_not_is_not() -> None:
    same, other = (
        segment(read(PLAN, made_up(effects))) for effects in ({"se": 0.5, "no": 0.5}, {"se": 1.0, "no": -1.0})
    )
    assert not any(each.found for each in same.homogeneity)
    assert "No sign" in same.sentence
    assert [each.found for each in other.homogeneity] == [True, False]
    assert other.sentence.startswith("The effect differs by country on gain")


def test_p_of_values_is_corrected_for_all_that_were_looked_at() -> None:
    found = segment(read(PLAN, made_up(dict.fromkeys("abcdefgh", 0.0))))
    effects = [each for level in found.levels for each in level.effects if each.p is not None]
    assert found.looked_at == len(effects) == 8
    assert all((each.p_adjusted or 0) >= (each.p or 0) for each in effects)
    assert min((each.p_adjusted or 0) for each in effects) > min((each.p or 0) for each in effects)


@pytest.mark.parametrize("few", [1, LEAST - 1, LEAST])
def test_a_value_of_too_few_users_is_not_told_nor_to_be_had_by_subtraction(few: int) -> None:
    users = made_up({"se": 0.5, "no": 0.5}) + [
        (f"z{number}", "ab"[number % 2], "someone@example.org", "ios", 10.0 + number)
        for number in range(2 * few)
    ]
    result = read(PLAN, users)
    found = segment(result)
    told = {level.name for level in found.levels}
    assert ("someone@example.org" in told) == (few == LEAST)
    for arm in result.arms:
        rest = arm.users - sum(level.users[arm.variant] for level in found.levels)
        assert rest == 0 or rest >= LEAST
    assert found.others == result.users - sum(sum(level.users.values()) for level in found.levels)


def test_nothing_is_told_by_segment_while_effects_are_withheld() -> None:
    plan = replace(PLAN, end=T0 + timedelta(days=30))
    assert read(plan, made_up({"se": 0.5, "no": 0.5})).segments == ()


def test_an_invalid_experiment_tells_no_effects_by_segment_until_it_is_acknowledged() -> None:
    everybody = made_up({"se": 0.5, "no": 0.5})
    users = [user for number, user in enumerate(everybody) if user[1] == "a" or number % 3]
    result = read(PLAN, users)
    assert result.verdict.state == "invalid"
    assert not any(level.effects for each in result.segments for level in each.levels)
    shown = read(PLAN, users, acknowledged=True)
    assert all(level.effects for each in shown.segments for level in each.levels)


def test_an_attribute_that_an_arm_changes_is_warned_of() -> None:
    users = [
        (name, variant, "plus" if variant == "b" and number % 5 == 0 else "basic", phone, gain)
        for number, (name, variant, _, phone, gain) in enumerate(made_up({"se": 0.5}, size=600))
    ]
    found = segment(read(PLAN, users))
    assert found.affected
    assert "an arm may change it" in found.warnings[0]
    assert not segment(read(PLAN, made_up({"se": 0.5, "no": 0.5}))).warnings


def test_intervals_at_a_look_are_as_wide_as_the_look_asks() -> None:
    users = made_up({"se": 0.5, "no": 0.5})
    stopping = Stopping(method="group-sequential", looks=2, maximum=2 * len(users))
    found = segment(read(replace(PLAN, stopping=stopping), users))
    once = segment(read(PLAN, users))
    assert found.level < once.level == pytest.approx(0.05)
    widths = [
        (each.interval.high or 0) - (each.interval.low or 0)
        for one in (found, once)
        if (each := one.levels[0].effects[0]).interval
    ]
    assert widths[0] > widths[1]


def test_homogeneity_is_relative_so_that_size_alone_is_no_difference() -> None:
    sizes = (1.0, 10.0, 100.0)
    pairs = [MeanPair(Moments(5000, m, 5000 * m * m), Moments(5000, 1.1 * m, 5000 * m * m)) for m in sizes]
    found = homogeneity(pairs)
    assert found is not None
    assert found[:2] == (pytest.approx(0.0, abs=1e-9), 2)
    assert homogeneity(pairs[:1]) is None


def test_homogeneity_rejects_as_often_as_its_level_says() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(1000):
        pairs = [
            MeanPair(*(Moments(400, 10 * m + rng.normal() * 5 / 20, 400 * 25.0) for m in (1.0, 1.1)))
            for _ in range(4)
        ]
        found = homogeneity(pairs)
        rejected += found is not None and found[2] <= 0.05
    assert 30 <= rejected <= 72
