"""A made-up company's journal of any size, written in the journal's own layout: files by type and day, and the manifest.

A tenth as many users as events, some far more active than others. Four weeks of four types of events; each
user is shown a variant once, at any moment of the last two weeks. Everything follows from the event's number
through DuckDB's hash, so two runs on one version of it make the same journal. The files have the columns that every segment has.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.journal.intake import connect, transaction
from counterpoint.journal.manifest import Segment, adopt, home_of
from counterpoint.journal.segments import ROW_GROUP, SORT
from counterpoint.moments import to_micros

START = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 28
"""Days that the events spread over, where nothing else is said."""
EXPOSED_FROM = 14
"""The first day on which somebody is shown a variant; the last one is the journal's last day."""
EXPOSURE = "feature_flag.evaluation"
TYPES = ("played", "session.ended", "order.placed", "returned")

WINDOW = 14
"""Days before a user's first exposure that the covariates are made of."""


def plan(**changes: object) -> Experiment:
    """Five metrics of four types, each with its value before the exposure as a covariate where the model has one."""
    further = {"covariate_days": WINDOW} if "covariate_days" in Metric.__struct_fields__ else {}
    return Experiment(
        name="benchmark", flag="player", control="off", treatments=("on",),
        success=(
            Metric(name="minutes", event="played", aggregation="sum", **further),
            Metric(name="length", event="session.ended", aggregation="mean", **further),
        ),
        guardrails=(
            Guardrail(Metric(name="sessions", event="session.ended", aggregation="count", **further), 0.02),
            Guardrail(Metric(name="revenue", event="order.placed", aggregation="sum", **further), 0.02),
            Guardrail(Metric(name="returned", event="returned", aggregation="any", **further), 0.02),
        ),
        **changes,  # type: ignore[arg-type]
    )  # fmt: skip


def _random(number: str, salt: int) -> str:
    """SQL for a number from 0 to 1 that follows from another."""
    return f"(hash({number} * 64 + {salt}) / 18446744073709551616.0)"


def _event(type_: str, users: int, begin: str) -> str:
    """SQL for the columns of the events numbered i of one type on one day."""
    user = f"floor({users} * power({_random('i', 1)}, 2))::BIGINT"
    level = _random(user, 3)
    value = {
        "played": f"round(-ln(1 - {_random('i', 2)}) * (5 + 40 * {level}), 2)",
        "session.ended": f"round(60 + 1200 * {level} * {_random('i', 2)})",
        "order.placed": f"round(5 + 95 * {level} * {_random('i', 2)}, 2)",
        "returned": f"({_random('i', 2)} < {level})::INT::DOUBLE",
    }[type_]
    at = f"to_microseconds((86400000000 * {_random('i', 4)})::BIGINT)"
    return (
        f"SELECT 'player' AS source, i::VARCHAR AS id, '{type_}' AS type, 'user-' || {user} AS subject,"
        f" {begin} + {at} AS time, {begin} + {at} + INTERVAL 1 SECOND AS received,"
        " NULL::VARCHAR AS flag_set, NULL::VARCHAR AS flag, NULL::VARCHAR AS variant,"
        f" {value} AS value, '{{\"value\":' || ({value}) || '}}' AS data, NULL::VARCHAR AS attributes"
    )


def _shown(users: int, begin: str, day: int, days: int) -> str:
    """SQL for the users whose first exposure is on one day."""
    data = '\'{"feature_flag.key":"player","feature_flag.result.variant":"\' || variant || \'"}\''
    at = f"{begin} + to_microseconds((86400000000 * {_random('i', 6)})::BIGINT)"
    return (
        f"SELECT 'flags' AS source, 'x' || i AS id, '{EXPOSURE}' AS type, 'user-' || i AS subject,"
        f" {at} AS time, {at} AS received, 'default' AS flag_set, 'player' AS flag, variant,"
        f" NULL::DOUBLE AS value, {data} AS data, NULL::VARCHAR AS attributes"
        f" FROM (SELECT i, CASE WHEN {_random('i', 7)} < 0.5 THEN 'on' ELSE 'off' END AS variant"
        f" FROM range({users}) t(i) WHERE floor({days - EXPOSED_FROM} * {_random('i', 5)}) = {day - EXPOSED_FROM})"
    )


def make(folder: Path, events: int, *, of: int = DAYS, days: Iterable[int] | None = None) -> int:
    """Write some days (all by default) of a journal of `events` events in `of` days; gives how many events were written."""
    users = events // 10
    per_file = (events - users) // of // len(TYPES)
    segments: list[Segment] = []
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder / "spill")}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for day in range(of) if days is None else days:
            begin = f"TIMESTAMPTZ '{(START + timedelta(days=day)).isoformat()}'"
            for kind, type_ in enumerate(TYPES):
                first = (day * len(TYPES) + kind) * per_file
                query = f"{_event(type_, users, begin)} FROM range({first}, {first + per_file}) t(i)"
                segments.append(_write(engine, folder, type_, day, query))
            if day >= EXPOSED_FROM:
                segments.append(_write(engine, folder, EXPOSURE, day, _shown(users, begin, day, of)))
    database = connect(folder / "intake.db")
    with transaction(database):
        adopt(database, segments, added=to_micros(START))
    database.close()
    return sum(segment.events for segment in segments)


def _write(engine: duckdb.DuckDBPyConnection, folder: Path, type_: str, day: int, query: str) -> Segment:
    period = (START + timedelta(days=day)).date().isoformat()
    home = home_of(folder, type_, period)
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{len(list(home.iterdir())):032x}.parquet"
    engine.execute(
        f"COPY ({query} ORDER BY {', '.join(SORT)}) TO '{file}'"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )
    begin = to_micros(START + timedelta(days=day))
    return Segment(
        path=file.relative_to(folder).as_posix(), type=type_, period=period,
        events=pq.read_metadata(file).num_rows, bytes=file.stat().st_size, first=begin, last=begin + 86_399_999_999,
        layout=1,
    )  # fmt: skip
