"""What effects by segment, and day by day, cost on DuckDB beside the result alone, in CPU seconds of the same run.

    python benchmarks/experiments/by_segment.py [--users 200000] [--events 2000000]

Three metrics of which one has a covariate, fourteen days, and segments of 3 and of 30 values.
"""

import argparse
import time
from datetime import UTC, datetime

import ibis

from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.aggregation import totals_expression
from counterpoint.experiments.course_query import course_expression

PLAN = Experiment(
    name="e",
    flag="f",
    control="a",
    treatments=("b",),
    success=(
        Metric(name="minutes", event="p", aggregation="sum", covariate_days=7),
        Metric(name="sessions", event="q", aggregation="count"),
        Metric(name="bought", event="q", aggregation="any"),
    ),
    segments=("platform", "country"),
)
AS_OF = datetime(2026, 5, 15, tzinfo=UTC)


def tables(users: int, events: int) -> list[ibis.Table]:
    """Users exposed within a week, and events from the week before to two weeks after its start."""
    engine = ibis.duckdb.connect(threads=2)
    engine.raw_sql(
        f"CREATE TABLE shown AS SELECT 'u' || i AS subject, CASE WHEN hash(i) % 2 = 0 THEN 'a' ELSE 'b' END AS variant,"
        f" TIMESTAMPTZ '2026-05-01 00:00:00Z' + to_seconds(CAST(hash(i, 1) % 604800 AS BIGINT)) AS time,"
        f" 'p' || hash(i, 2) % 3 AS platform, 'c' || hash(i, 3) % 30 AS country FROM range({users}) t(i)"
    )
    engine.raw_sql(
        f"CREATE TABLE happened AS SELECT CASE WHEN hash(i) % 2 = 0 THEN 'p' ELSE 'q' END AS type,"
        f" 'u' || hash(i, 1) % {users} AS subject, CAST(hash(i, 2) % 600 AS DOUBLE) AS value,"
        f" TIMESTAMPTZ '2026-04-24 00:00:00Z' + to_seconds(CAST(hash(i, 3) % 1814400 AS BIGINT)) AS time"
        f" FROM range({events}) t(i)"
    )
    return [engine.table("shown"), engine.table("happened")]


def main() -> None:
    """Time the three queries, each the second time that it runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    given = parser.parse_args()
    shown, happened = tables(given.users, given.events)
    queries = {
        "the result alone": totals_expression(PLAN, shown, happened, as_of=AS_OF),
        "with two segments": totals_expression(PLAN, shown, happened, as_of=AS_OF, segments=PLAN.segments),
        "day by day": course_expression(PLAN, shown, happened, centres={}, as_of=AS_OF),
    }
    for name, query in queries.items():
        query.to_pyarrow()
        started = time.process_time()
        rows = query.to_pyarrow()
        print(f"{name:<20} {time.process_time() - started:6.2f} s CPU, {rows.num_rows} rows", flush=True)


if __name__ == "__main__":
    main()
