"""What tests of engines share: which are there, made-up events, and how far numbers may lie apart."""

import gc
import importlib.util
import math
import os
import random
import shutil
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterpoint.engine import EngineAddress, read_engine
from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.totals import Totals
from counterpoint.stats import Moments

SPARK = pytest.param("spark://local[2]", marks=pytest.mark.xdist_group("spark"), id="spark")
CLICKHOUSE = pytest.param("clickhouse://local", id="clickhouse")
OTHERS = [CLICKHOUSE, SPARK]
"""The engines that are compared with DuckDB. Spark takes ten seconds to start, so one worker runs all its tests."""

FIELDS = ("value", "amount", "deep.inner field", "größe", "o-c ~@#/x", "null")
EDGES = (
    "0001-01-01T00:00:00Z", "1600-02-29T23:59:59.999999Z", "1899-12-31T23:59:59.999999Z", "1900-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2106-02-07T06:28:16Z", "2299-12-31T23:59:59.999999Z",
    "2300-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
)  # fmt: skip
EXTREMES = (
    1e-300,
    5e-324,
    2**53 + 1,
    2**63 - 1,
    2**64 - 1,
    -(2**63),
    123456789.123456789,
    1e22,
    1e140,
    -1e140,
)
ODD = (
    0,
    0.0,
    -0.0,
    0.1,
    True,
    False,
    None,
    "",
    "8",
    "1e5",
    "true",
    "NaN",
    "null",
    "text",
    [],
    [1],
    {},
    {"a": 1},
)
DAY = datetime(2026, 5, 4, tzinfo=UTC)


def address_of(text: str) -> EngineAddress:
    """The engine, if it can run here; under CI it must."""
    address = read_engine(text)
    packages = {"spark": ("pyspark",), "clickhouse": ("clickhouse_connect", "chdb")}[address.kind]
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if address.kind == "spark" and shutil.which("java") is None:
        missing.append("Java 17")
    if missing:
        reason = f"{address.kind} cannot run: {' and '.join(missing)} is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    if address.kind == "spark":  # quicker to start, slower in what lasts
        os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    return address


def made_up(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of every kind that a journal takes: exposures and metrics, in order, at once, and out of all order."""
    subjects = [f"u{n}" for n in range(max(3, count // 12))] + [
        "ü",
        "u",
        "U",
        "z\u00df",
        "日本",
        "u\U0001f600",
        " ",
        "'",
        "a\\b",
        '"',
    ]
    return [_event(rng, number, subjects) for number in range(count)]


def _event(rng: random.Random, number: int, subjects: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": rng.choice(["s", "t"]),
        "time": _time(rng),
        "subject": rng.choice(subjects),
    }
    if rng.random() < 0.03:
        del found["subject"]
    if rng.random() < 0.35:
        found["type"] = "feature_flag.evaluation"
        data = {
            "feature_flag.key": rng.choice(["checkout", "checkout", "checkout", "Checkout", "other"]),
            "feature_flag.result.variant": rng.choice(
                ["on", "on", "on", "off", "off", "off", "Ön", "", None, 3]
            ),
            "feature_flag.set.id": rng.choice(["default", "default", "other", None]),
        }
        found["data"] = {key: value for key, value in data.items() if value is not None}
    else:
        found["type"] = rng.choice(["order", "order", "order", "huge", "b/../c,{x}*?[y]'", "ü"])
        found["data"] = _huge(rng) if found["type"] == "huge" else _data(rng)
        if found["data"] is None:
            del found["data"]
    return found


def _time(rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.04:
        return rng.choice(EDGES)
    if choice < 0.4:  # ties, at the borders of days and minutes
        at = DAY + timedelta(hours=rng.choice([0, 1, 2, 24, 48]), microseconds=rng.choice([-1, 0, 0, 1]))
    else:
        at = DAY + timedelta(microseconds=rng.randrange(4 * 86_400_000_000))
    return at.isoformat().replace("+00:00", "Z")


def _huge(rng: random.Random) -> dict[str, Any]:
    """Large values of a small spread, whose squares would lose every digit."""
    return {"value": 1e15 + rng.randrange(-8, 8) / 8, "amount": 2**53 - rng.randrange(100)}


def _data(rng: random.Random) -> Any:
    if rng.random() < 0.08:
        return rng.choice([None, 7, "text", [1, 2], True, {}, [], "8", {"value": {"value": 1}}])
    found = {}
    for field in ("value", "amount", "größe", "o-c ~@#/x", "null"):
        if rng.random() < 0.7:
            found[field] = rng.choice(EXTREMES) if field == "null" and rng.random() < 0.5 else _value(rng)
    if rng.random() < 0.6:
        found["deep"] = rng.choice([{"inner field": _value(rng)}, {"inner": 1}, 5, [3], None])
    return found


def _value(rng: random.Random) -> Any:
    number = rng.choice(
        [rng.randrange(-5, 50), round(rng.gauss(10, 5), rng.randrange(12)), rng.random() / 3, 123.456789]
    )
    return rng.choice([number, number, rng.choice(ODD)])


def made_up_plan(rng: random.Random) -> Experiment:
    """A plan with some of all metrics: every aggregation of every field; with or without dates."""
    start, end = rng.choice([
        (None, None), (DAY, DAY + timedelta(days=2)), (DAY + timedelta(hours=1), None), (None, DAY + timedelta(days=1, microseconds=1)),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (datetime(1700, 1, 1, 1, 2, 3, 456789, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)),
    ])  # fmt: skip
    metrics = [
        Metric(
            name=f"{kind} of {field} of {event}",
            event=event,
            aggregation=kind,
            field=field,
            covariate_days=rng.choice([0, 1, 14]),
        )
        for event, fields in (
            ("order", FIELDS),
            ("huge", ("value", "amount")),
            ("b/../c,{x}*?[y]'", ("value",)),
        )
        for field in fields
        for kind in ("mean", "sum", "any")
    ]
    metrics += [
        Metric(name=f"count of {event}", event=event, aggregation="count") for event in ("order", "none such")
    ]
    metrics = rng.sample(metrics, 8)
    return Experiment(
        name="made up",
        flag="checkout",
        control="on",
        treatments=("off",),
        success=tuple(metrics),
        start=start,
        end=end,
    )


def sizes(plan: Experiment, events: list[dict[str, Any]]) -> dict[str, float]:
    """By metric: the most that the numbers of one user add up to, signs left aside; its last digits are rounding."""
    found = {metric.name: 1.0 for metric in plan.metrics}
    for metric in plan.metrics:
        if metric.aggregation in ("mean", "sum"):
            users: dict[str, float] = {}
            for event in events:
                if event["type"] == metric.event:
                    subject = event.get("subject", "")
                    users[subject] = users.get(subject, 0) + abs(_number(event.get("data"), metric.field))
            found[metric.name] = max([1.0, *users.values()])
    return found


def _number(data: Any, field: str) -> float:
    for part in field.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return float(data) if isinstance(data, int | float) else 0.0


def differences(plan: Experiment, ours: Totals, theirs: Totals, size: dict[str, float]) -> Iterator[str]:
    """Where two engines' totals of one plan differ: whole numbers and times at all, others by more than rounding."""
    for name in ("first_exposure", "last_exposure", "outside"):
        if getattr(ours, name) != getattr(theirs, name):
            yield f"{name}: {getattr(ours, name)} and {getattr(theirs, name)}"
    mine, others = ({(g.variant, g.mixed): g for g in found.groups} for found in (ours, theirs))
    if mine.keys() != others.keys():
        yield f"groups: {mine.keys()} and {others.keys()}"
    for one, other in ((mine[name], others[name]) for name in mine.keys() & others.keys()):
        for name in ("users", "early", "late"):
            if getattr(one, name) != getattr(other, name):
                yield f"{one.variant}: {name} {getattr(one, name)} and {getattr(other, name)}"
        for metric in plan.metrics:
            a, b = one.metrics[metric.name], other.metrics[metric.name]
            if (a.events, a.blank, a.moments.n) != (b.events, b.blank, b.moments.n):
                yield f"{one.variant}: {metric.name}: {a} and {b}"
            pooled = sum(g.users * g.metrics[metric.name].moments.mean for g in ours.groups)
            centre = pooled / sum(g.users for g in ours.groups)
            where = f"{one.variant}: {metric.name}"
            yield from _apart(where, a.moments, b.moments, size[metric.name], centre)
            if a.covariate and b.covariate:
                x, y = a.covariate.moments, b.covariate.moments
                before = [group.metrics[metric.name].covariate for group in ours.groups]
                middle = Moments.merge(each.moments for each in before if each).mean
                yield from _apart(f"{where} before", x, y, size[metric.name], middle)
                # As the squares: products are summed around the means of all arms.
                digits = 16 * math.ulp(size[metric.name])
                spread = (a.moments.m2 + a.moments.n * (abs(a.moments.mean - centre) + digits) ** 2) * (
                    x.m2 + x.n * (abs(x.mean - middle) + digits) ** 2
                )
                rounding = 1e-12 * math.sqrt(spread) + 2 * digits * math.sqrt(x.n) * spread**0.25
                if abs(a.covariate.comoment - b.covariate.comoment) > rounding + x.n * digits**2:
                    yield f"{where}: comoments {a.covariate.comoment!r} and {b.covariate.comoment!r}"


def _apart(where: str, a: Moments, b: Moments, size: float, centre: float) -> Iterator[str]:
    digits = 16 * math.ulp(size)
    if abs(a.mean - b.mean) > digits:
        yield f"{where}: mean {a.mean!r} and {b.mean!r}"
    # The squares are summed around the mean of all arms; each value may be off by its last digits.
    spread = a.m2 + a.n * (abs(a.mean - centre) + digits) ** 2
    if abs(a.m2 - b.m2) > 1e-13 * spread + 2 * digits * math.sqrt(a.n * spread) + a.n * digits**2:
        yield f"{where}: squares {a.m2!r} and {b.m2!r}"


def collect_sockets() -> None:
    """Close what py4j and PySpark leave to Python's collector, without its warnings."""
    if "pyspark" in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
