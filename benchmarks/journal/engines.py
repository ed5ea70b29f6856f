"""One experiment on DuckDB, ClickHouse (chdb) and Spark over the same journal: seconds of processor, and whether they agree.

A million rows: 250,000 users with one exposure each and 750,000 events of three metrics, made by integer
arithmetic, in segments of the journal's own layout. Each engine runs in a process of its own; its first
answer pays for the start. `python benchmarks/journal/engines.py [--rows N]`; it needs the extras spark and
clickhouse, and Java.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counterpoint.engine import read_engine
from counterpoint.experiments import Experiment, Guardrail, Metric, analyze
from counterpoint.journal import EXPOSURE, Journal

ENGINES = ("duckdb", "clickhouse://local", "spark://local[2]")
ROUNDS = 3
START = datetime(2026, 5, 1, tzinfo=UTC)
PLAN = Experiment(
    name="benchmark",
    flag="flag",
    control="off",
    treatments=("on",),
    success=(Metric(name="minutes", event="played", aggregation="sum"),),
    guardrails=(
        Guardrail(Metric(name="returned", event="returned", aggregation="any"), 0.02),
        Guardrail(Metric(name="sessions", event="session", aggregation="count"), 0.02),
    ),
)


def make(folder: Path, rows: int) -> None:
    """Write a journal of that many rows, a quarter of them exposures."""
    import duckdb

    from counterpoint.journal.intake import connect
    from counterpoint.journal.segments import Segment, adopt

    users = rows // 4
    at = f"TIMESTAMPTZ '{START.isoformat()}'"
    columns = (
        "'bench' AS source, {id} AS id, {type} AS type, {subject} AS subject, {time} AS time, {time} AS received,"
        " {set} AS flag_set, {flag} AS flag, {variant} AS variant, {value} AS value, {data} AS data,"
        " NULL::VARCHAR AS attributes"
    )
    none = "NULL::VARCHAR"
    shown = columns.format(
        id="'x' || i", type=f"'{EXPOSURE}'", subject="'user-' || i", time=f"{at} + to_seconds(i % 80000)", set="'default'",
        flag="'flag'", variant="CASE WHEN i % 2 = 1 THEN 'on' ELSE 'off' END", value="NULL::DOUBLE", data=none,
    )  # fmt: skip
    files = [(EXPOSURE, f"SELECT {shown} FROM range({users}) t(i)", users)]
    for number, name in enumerate(("played", "returned", "session")):
        value = "(i * 31 % 2)::DOUBLE" if name == "returned" else "(i * 104729 % 211)::DOUBLE"
        happened = columns.format(
            id=f"'{name}' || i", type=f"'{name}'", subject=f"'user-' || (i * 7919 % {users})",
            time=f"{at} + to_seconds(86400 + {number} + i % 86000)", set=none, flag=none, variant=none, value=value,
            data=f"'{{\"value\":' || {value} || '}}'",
        )  # fmt: skip
        files.append((name, f"SELECT {happened} FROM range({users}) t(i)", users))
    with Journal(folder) as journal:
        database = connect(journal.folder / "intake.db")
        for name, query, count in files:
            home = folder / "segments" / f"type={name}" / "day=2026-05-01"
            home.mkdir(parents=True)
            file = home / f"{name}.parquet"
            duckdb.sql(
                f"COPY ({query} ORDER BY flag, subject, time) TO '{file}' (COMPRESSION zstd, ROW_GROUP_SIZE 131072)"
            )
            path = file.relative_to(folder).as_posix()
            micros = int(START.timestamp()) * 1_000_000
            adopt(
                database,
                [
                    Segment(
                        path,
                        name,
                        "2026-05-01",
                        count,
                        file.stat().st_size,
                        micros,
                        micros + 2 * 86_400_000_000,
                    )
                ],
                added=0,
            )
        database.close()


def processor() -> float:
    """Seconds of processor of this process and of Spark's."""
    own = time.process_time()
    spark = sys.modules.get("counterpoint.journal.engines.spark")
    if spark is None or spark._running is None:
        return own
    fields = Path(f"/proc/{spark._running.sparkContext._gateway.proc.pid}/stat").read_text(encoding="utf-8")
    user, system = fields.rpartition(")")[2].split()[11:13]
    return own + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def one(folder: Path, engine: str) -> dict[str, Any]:
    """Ask one engine several times."""
    times, processors = [], []
    with Journal(folder, engine=read_engine(engine)) as journal:
        for _ in range(1 + ROUNDS):
            wall, spent = time.perf_counter(), processor()
            with journal.snapshot() as snapshot:
                shown = snapshot.events(EXPOSURE)
                result = analyze(
                    PLAN, shown.filter(shown.flag == "flag"), snapshot.events("played", "returned", "session")
                )
            times.append(time.perf_counter() - wall)
            processors.append(processor() - spent)
    means = [
        figure
        for metric in result.metrics
        for figure in (metric.control_mean, metric.treatment_mean, metric.se)
    ]
    return {
        "first_wall_s": round(times[0], 2), "first_cpu_s": round(processors[0], 2),
        "wall_s": round(min(times[1:]), 2), "cpu_s": round(min(processors[1:]), 2),
        "users": [arm.users for arm in result.arms], "means": means,
    }  # fmt: skip


def measure(rows: int = 1_000_000) -> dict[str, object]:
    """All engines over one journal."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), rows)
        for engine in ENGINES:
            done = subprocess.run(
                [sys.executable, __file__, "--one", engine, name], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            found[engine] = json.loads(done.stdout.splitlines()[-1])
    apart = _apart(found)
    same = len({str(each.pop("users")) for each in found.values()}) == 1
    return {"rows": rows, **found, "same_users": same, "largest_relative_difference": apart}


def _apart(found: dict[str, Any]) -> float:
    means = [each.pop("means") for each in found.values()]
    return max(
        abs(value / ours - 1)
        for each in means
        for value, ours in zip(each, means[0], strict=True)
        if ours and value is not None
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=2)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(Path(asked.one[1]), asked.one[0])))
    else:
        print(json.dumps(measure(asked.rows), indent=2))
