"""Five metrics with CUPED, one of them a ratio, of 10 million events: ours, SQL by hand, and two libraries.

All read the same two Parquet files, each in a process of its own, with two threads, in turns. The SQL is what a
person who knows DuckDB writes for n, means, variances and covariances of each arm, and counts nothing else: no users
of several arms, no early or blank events, no sizes by day and no exposures that are there twice, as ours does. The libraries need one row per user, which DuckDB makes for them from the
same SQL. spotify-confidence has no covariates of a ratio, so it is held against ours without the ratio as well. CPU
seconds compare; on a machine that does other work, their least of some rounds.

`python benchmarks/experiments/speed.py --python /path/to/python 10000000`; that interpreter has tea-tasting 1.14.0,
spotify-confidence 4.1.0 and ibis-framework[duckdb] 12. Without it only ours and the SQL run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any

EVENTS, ROUNDS, DAYS, THREADS = 10_000_000, 3, 14, 2
EXTRA = 15
"""Further columns of numbers, for the sixth to the twentieth metric."""
SUMS = ("minutes", "revenue", "clicks", "views")

MAKE = f"""
COPY (SELECT 'u' || i AS subject, CASE WHEN hash(i) % 2 = 0 THEN 'a' ELSE 'b' END AS variant,
        TIMESTAMP '2026-05-01' + INTERVAL (hash(i, 1) % 1209600) SECOND AS time
    FROM range({{users}}) t(i)) TO '{{folder}}/exposures.parquet' (COMPRESSION zstd);
COPY (SELECT 'session' AS type, 'u' || floor({{users}} * pow((hash(i, 2) % 1000003) / 1000003.0, 2))::BIGINT AS subject,
        TIMESTAMP '2026-04-17' + INTERVAL (i * 3628800 // {{events}}) SECOND AS time,
        round(exp((hash(i, 3) % 10007) / 4000.0), 2) AS minutes,
        CASE WHEN hash(i, 4) % 50 = 0 THEN round((hash(i, 5) % 9973) / 100.0, 2) ELSE 0 END AS revenue,
        (hash(i, 6) % 9)::DOUBLE AS views, (hash(i, 6) % 9 * (hash(i, 7) % 100) // 300)::DOUBLE AS clicks,
        {", ".join(f"(hash(i, {10 + k}) % 7)::UTINYINT AS extra{k}" for k in range(EXTRA))}
    FROM range({{events}}) t(i)) TO '{{folder}}/events.parquet' (COMPRESSION zstd);
"""

PER_USER = f"""
SELECT variant, {", ".join(f"coalesce(s.{p}{name}, 0)::DOUBLE AS {p}{name}" for name in (*SUMS, "sessions", "paid") for p in ("", "before_"))}
FROM (SELECT subject, min(variant) AS variant, min(time) AS first FROM read_parquet('{{folder}}/exposures.parquet') GROUP BY subject) u
LEFT JOIN (
    SELECT e.subject,
        {", ".join(f"sum({name}) FILTER (time {side} first) AS {p}{name}" for name in SUMS for side, p in ((">=", ""), ("<", "before_")))},
        {", ".join(f"count(*) FILTER (time {side} first) AS {p}sessions, max((revenue <> 0)::INT) FILTER (time {side} first) AS {p}paid" for side, p in ((">=", ""), ("<", "before_")))}
    FROM read_parquet('{{folder}}/events.parquet') e
    JOIN (SELECT subject, min(time) AS first FROM read_parquet('{{folder}}/exposures.parquet') GROUP BY subject) f
        ON e.subject = f.subject AND e.time >= f.first - INTERVAL {DAYS} DAY
    GROUP BY e.subject) s USING (subject)
"""

PLAIN = ("minutes", "revenue", "sessions", "paid")
RATIO = ("clicks", "views", "before_clicks", "before_views")


def connect(folder: Path) -> Any:
    import duckdb

    return duckdb.connect(config={"threads": THREADS, "temp_directory": str(folder / "spill")})


def by_hand(folder: Path) -> list[list[float]]:
    """By arm: n, then mean of each metric and its covariance with the covariate, and all of the ratio."""
    figures = ["count(*)"]
    for name in PLAIN:
        figures += [f"avg({name})", f"var_samp({name})", f"avg(before_{name})", f"var_samp(before_{name})"]
        figures.append(f"covar_samp({name}, before_{name})")
    for i, one in enumerate(RATIO):
        figures += [
            f"avg({one})",
            f"var_samp({one})",
            *(f"covar_samp({one}, {other})" for other in RATIO[i + 1 :]),
        ]
    query = f"WITH users AS ({PER_USER.format(folder=folder)}) SELECT {', '.join(figures)} FROM users GROUP BY variant ORDER BY variant"
    with connect(folder) as engine:
        return [list(row) for row in engine.sql(query).fetchall()]


def ours(folder: Path, extra: int = 0, *, with_ratio: bool = True) -> list[list[float]]:
    """The same figures through the expression of experiments; with further metrics, or without the ratio, as asked."""
    from counterpoint.experiments import Experiment, Metric
    from counterpoint.experiments.reading_query import read_rows, reading_expression
    from counterpoint.journal.engines.duckdb_backend import DuckDBBackend

    def metric(name: str, aggregation: Any = "sum", field: str = "") -> Metric:
        return Metric(
            name=name, event="session", aggregation=aggregation, field=field or name, covariate_days=DAYS
        )

    plain = (
        metric("minutes"),
        metric("revenue"),
        metric("sessions", "count"),
        metric("paid", "any", "revenue"),
    )
    clicks, views = metric("clicks"), metric("views")
    ratio = Metric(name="rate", aggregation="ratio", numerator=clicks, denominator=views, covariate_days=DAYS)
    more = tuple(metric(f"extra{number}") for number in range(extra))
    plan = Experiment(
        name="e",
        flag="f",
        control="a",
        treatments=("b",),
        success=(*plain, *((ratio,) if with_ratio else ()), *more),
        start=None,
        end=None,
    )
    engine = DuckDBBackend().connect(threads=THREADS, temp_directory=str(folder / "spill"))
    exposures = engine.read_parquet(folder / "exposures.parquet")
    events = engine.read_parquet(folder / "events.parquet")
    totals = read_rows(plan, reading_expression(plan, exposures, events).to_pyarrow().to_pylist())
    found = []
    for variant in plan.arms:
        group = totals.arm(variant)
        assert group is not None
        figures: list[float] = [group.users]
        for each in plain:
            of = group.metrics[each.name].comoments
            assert of is not None
            figures += [of.means[0], of.covariance(0, 0) or 0.0, of.means[1], of.covariance(1, 1) or 0.0]
            figures.append(of.covariance(0, 1) or 0.0)
        if with_ratio:
            of = group.metrics["rate"].apart
            assert of is not None
            for i in range(4):
                figures += [of.means[i], *((of.covariance(i, j) or 0.0) for j in range(i, 4))]
        found.append(figures)
    return found


def tea_tasting(folder: Path) -> list[list[float]]:
    """Effects of the five metrics with CUPED; the library aggregates one row per user in DuckDB through Ibis."""
    import ibis
    import tea_tasting as tt

    engine = ibis.duckdb.connect(threads=THREADS, temp_directory=str(folder / "spill"))
    engine.raw_sql(f"CREATE VIEW users AS {PER_USER.format(folder=folder)}")
    metrics: Any = {name: tt.Mean(name, covariate=f"before_{name}") for name in PLAIN}
    metrics["rate"] = tt.RatioOfMeans(*RATIO[:2], numer_covariate=RATIO[2], denom_covariate=RATIO[3])
    result = tt.Experiment(metrics, variant="variant").analyze(engine.table("users"))
    return [[result[name].effect_size for name in metrics]]


def confidence(folder: Path) -> list[list[float]]:
    """Effects of the four metrics that are no ratio; the library has sums, squares and products from DuckDB."""
    import spotify_confidence as sc

    figures = ["variant", "count(*) AS n"]
    for name in PLAIN:
        figures += [f"sum({name}) AS y_{name}, sum({name} * {name}) AS yy_{name}"]
        figures += [f"sum(before_{name}) AS x_{name}, sum(before_{name} * before_{name}) AS xx_{name}"]
        figures += [f"sum({name} * before_{name}) AS xy_{name}"]
    query = f"WITH users AS ({PER_USER.format(folder=folder)}) SELECT {', '.join(figures)} FROM users GROUP BY variant"
    with connect(folder) as engine:
        frame = engine.sql(query).df()
    found = []
    for name in PLAIN:
        test = sc.ZTestLinreg(
            frame, numerator_column=f"y_{name}", numerator_sum_squares_column=f"yy_{name}", denominator_column="n",
            categorical_group_columns="variant", feature_column=f"x_{name}",
            feature_sum_squares_column=f"xx_{name}", feature_cross_sum_column=f"xy_{name}",
        )  # fmt: skip
        found.append(float(test.difference(level_1="a", level_2="b")["difference"].iloc[0]))
    return [found]


WAYS: dict[str, Any] = {
    "by_hand": by_hand, "ours": ours, "ours_6": lambda folder: ours(folder, 1), "ours_20": lambda folder: ours(folder, EXTRA),
    "ours_without_ratio": lambda folder: ours(folder, with_ratio=False),
    "tea_tasting": tea_tasting, "confidence": confidence,
}  # fmt: skip
LIBRARIES = ("tea_tasting", "confidence")


def alone(way: str, folder: Path, python: str) -> dict[str, Any]:
    """One way in a process of its own: CPU and time with all imports, and its peak memory."""
    command = [python, __file__, "--way", way, "--folder", str(folder)]
    # Installers differ in whether they compile: the first round does it for all, and the least of several counts.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=kept)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _child(way: str, folder: Path) -> None:
    import resource

    began = time.perf_counter()
    figures = WAYS[way](folder)
    used = os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found = {"cpu_s": used.user + used.system, "wall_s": time.perf_counter() - began, "peak_mb": peak}
    print(json.dumps({**found, "figures": figures}))


def adjusted(rows: list[list[float]]) -> list[float]:
    """Differences of the four plain metrics, adjusted by the pooled slope as both libraries do."""
    (one, other), found = rows, []
    for i in range(4):
        a, b = one[1 + 5 * i : 6 + 5 * i], other[1 + 5 * i : 6 + 5 * i]
        slope = _pooled(one[0], other[0], a, b)
        found.append(b[0] - a[0] - slope * (b[2] - a[2]))
    return found


def _pooled(n: float, m: float, a: list[float], b: list[float]) -> float:
    """The slope of all users together: comoments of both arms around the common means."""
    between = n * m / (n + m)
    product = (n - 1) * a[4] + (m - 1) * b[4] + between * (b[0] - a[0]) * (b[2] - a[2])
    square = (n - 1) * a[3] + (m - 1) * b[3] + between * (b[2] - a[2]) ** 2
    return product / square


def measure(events: int, rounds: int, python: str | None) -> dict[str, object]:
    """All ways in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with connect(folder) as engine:
            engine.execute(MAKE.format(users=max(events // 10, 1), events=events, folder=folder))
        size = sum(file.stat().st_size for file in folder.glob("*.parquet"))
        runs: dict[str, list[dict[str, Any]]] = {}
        for _ in range(rounds):
            for way in WAYS:
                if way in LIBRARIES and python is None:
                    continue
                runs.setdefault(way, []).append(
                    alone(way, folder, (python or "") if way in LIBRARIES else sys.executable)
                )
    best = {way: min(found, key=lambda run: float(run["cpu_s"])) for way, found in runs.items()}
    figures = {way: found["figures"] for way, found in best.items()}
    ours_s, hand_s = best["ours"]["cpu_s"], best["by_hand"]["cpu_s"]
    told: dict[str, object] = {
        "events": events,
        "parquet_mb": round(size / 1e6),
        **{
            way: {key: round(found[key], 2) for key in ("cpu_s", "wall_s", "peak_mb")}
            for way, found in best.items()
        },
        "cpu_of_ours_by_hand": round(ours_s / hand_s, 3),
        "each_of_the_6th_to_20th_adds": round((best["ours_20"]["cpu_s"] - ours_s) / EXTRA / ours_s, 3),
        "largest_difference_to_the_sql": _apart(
            list(chain(*figures["ours"])), list(chain(*figures["by_hand"]))
        ),
    }
    for way in LIBRARIES:
        if way in figures:
            told[f"cpu_of_{way}_by_ours"] = round(best[way]["cpu_s"] / ours_s, 2)
            told[f"largest_difference_to_{way}"] = _apart(figures[way][0][:4], adjusted(figures["ours"]))
    if "confidence" in figures:
        shorter = best["ours_without_ratio"]["cpu_s"]
        told["cpu_of_confidence_by_ours_without_ratio"] = round(best["confidence"]["cpu_s"] / shorter, 2)
    return told


def _apart(ours: list[float], theirs: list[float]) -> float:
    return max(abs(a - b) / max(abs(a), abs(b), 1e-300) for a, b in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("events", nargs="?", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--python")
    parser.add_argument("--way")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.way:
        _child(given.way, given.folder)
    else:
        print(json.dumps(measure(given.events, given.rounds, given.python), indent=2))
