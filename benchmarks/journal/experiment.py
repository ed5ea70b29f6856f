"""One experiment with five metrics and their covariates (CUPED) over a journal: our Ibis expression against DuckDB SQL.

Both read the same Parquet files, each in a process of its own, so that its peak memory is its own. The SQL is
what a person who knows DuckDB writes for n, means, variances and covariances of each arm; it counts no users
of several arms, no early or late events, no blanks. `python benchmarks/journal/experiment.py 1000000` takes
another number of events than ten million.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import company

EVENTS = 10_000_000
ROUNDS = 3
MEMORY = "600MB"
"""DuckDB's limit for the SQL; ours has what the journal sets by itself."""

SQL = """
WITH users AS (
    SELECT subject, min(variant) AS variant, min(time) AS first
    FROM read_parquet({exposures}) WHERE flag = 'player' GROUP BY subject
), sums AS (
    SELECT e.subject,
        {sums}
    FROM (SELECT type, subject, time, value FROM read_parquet({events})) e
    JOIN users u ON e.subject = u.subject AND e.time >= u.first - INTERVAL {window} DAY
    GROUP BY e.subject
)
SELECT variant, count(*), {statistics}
FROM users LEFT JOIN sums USING (subject) GROUP BY variant ORDER BY variant
"""

VALUES = {
    "minutes": "sum(value) FILTER (type = 'played' AND {when})",
    "length": "avg(value) FILTER (type = 'session.ended' AND {when})",
    "sessions": "count(*) FILTER (type = 'session.ended' AND {when})",
    "revenue": "sum(value) FILTER (type = 'order.placed' AND {when})",
    "returned": "max((value <> 0)::INT) FILTER (type = 'returned' AND {when})",
}


def by_hand(folder: Path) -> dict[str, list[float]]:
    """n, and for each metric mean, variance, covariate's mean and variance, and their covariance, by variant."""
    import duckdb

    sums = [
        f"{value.format(when=f'time {side} first')} AS {prefix}{name}"
        for name, value in VALUES.items()
        for side, prefix in ((">=", ""), ("<", "before_"))
    ]
    statistics = []
    for name in VALUES:
        y, x = f"coalesce({name}, 0)", f"coalesce(before_{name}, 0)"
        statistics.append(f"avg({y}), var_samp({y}), avg({x}), var_samp({x}), covar_samp({y}, {x})")
    files = folder / "segments"
    query = SQL.format(
        exposures=[str(path) for path in files.glob(f"type={company.EXPOSURE}/*/*.parquet")],
        events=[str(path) for type_ in company.TYPES for path in files.glob(f"type={type_}/*/*.parquet")],
        sums=",\n        ".join(sums), statistics=", ".join(statistics), window=company.WINDOW,
    )  # fmt: skip
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / "spill")}) as engine:
        return {row[0]: list(row[1:]) for row in engine.sql(query).fetchall()}


def ours(folder: Path) -> dict[str, list[float]]:
    """The same figures through the journal's snapshot and the expression of experiments."""
    from counterpoint.experiments.aggregation import totals_expression, totals_of
    from counterpoint.journal import Journal

    plan = company.plan()
    with Journal(folder) as journal, journal.snapshot() as snapshot:
        exposures = snapshot.events(company.EXPOSURE)
        expression = totals_expression(
            plan, exposures.filter(exposures.flag == plan.flag), snapshot.events(*company.TYPES)
        )
        totals = totals_of(plan, expression.to_pyarrow().to_pylist())
    found: dict[str, list[float]] = {}
    for group in totals.groups:
        figures: list[float] = [group.users]
        for metric in plan.metrics:
            of = group.metrics[metric.name]
            figures += [of.moments.mean, of.moments.variance or 0.0]
            if covariate := getattr(of, "covariate", None):
                figures += [covariate.moments.mean, covariate.moments.variance, covariate.covariance]
            else:
                figures += [0.0] * 3
        found[group.variant or ""] = figures
    return found


WAYS = {"by_hand": by_hand, "ours": ours}


def alone(way: str, folder: Path, rounds: int) -> dict[str, Any]:
    """One way in a process of its own: the least CPU seconds of some rounds, the first one's, and its peak memory."""
    command = [sys.executable, __file__, "--way", way, str(folder), str(rounds)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _child(way: str, folder: Path, rounds: int) -> None:
    seconds: list[tuple[float, float]] = []
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        figures = WAYS[way](folder)
        seconds.append((time.process_time() - processor, time.perf_counter() - wall))
    print(
        json.dumps(
            {
                "cpu_s": round(min(seconds)[0], 2),
                "wall_s": round(min(seconds)[1], 2),
                "first_cpu_s": round(seconds[0][0], 2),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "figures": figures,
            }
        )
    )


def measure(events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, object]:
    """Both ways in turns over one journal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        folder.mkdir()
        made = company.make(folder, events)
        size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
        found = {way: alone(way, folder, rounds) for way in WAYS}
    figures = [found[way].pop("figures") for way in WAYS]
    worst = max(
        abs(a - b) / max(abs(a), abs(b), 1e-300)
        for arm in figures[0]
        for a, b in zip(figures[0][arm], figures[1][arm], strict=True)
    )
    return {
        "events": made, "parquet_mb": round(size / 1e6), **found,
        "cpu_ratio": round(found["ours"]["cpu_s"] / found["by_hand"]["cpu_s"], 2),
        "largest_relative_difference": worst,
    }  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        _child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        print(json.dumps(measure(int(sys.argv[1]) if sys.argv[1:] else EVENTS), indent=2))
