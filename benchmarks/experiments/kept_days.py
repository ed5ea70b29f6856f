"""Effects day by day and by segment, out of sums that are kept of users against reading every event; CPU seconds.

    python benchmarks/experiments/kept_days.py [--events 2000000] [--rounds 3]

The journal of `benchmarks/journal`: four weeks of a company, five metrics with covariates. Both ways run
by turns, the least of the rounds counts, and the largest relative difference between what they say is told.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1] / "journal"))

import company

from counterpoint.experiments.aggregation import exposures_of, totals_expression
from counterpoint.experiments.course_query import course_expression
from counterpoint.experiments.daily import daily_course, daily_totals, key_of
from counterpoint.experiments.over_time import days_of
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.journal import Journal
from counterpoint.journal.daily import Kept

SEGMENT = "flag_set"
"""An attribute that all exposures have; what it holds costs nothing."""


def asked(journal: Journal, read: Callable[..., Any], *, kept: bool) -> Any:
    """What one way gives, and its CPU seconds."""
    started = time.process_time()
    with journal.snapshot() as snapshot:
        found = read(snapshot, kept=kept)
    return found, time.process_time() - started


def course(snapshot: Any, *, kept: bool) -> list[Totals]:
    """The days."""
    plan = company.plan()
    if kept:
        days = daily_course(plan, snapshot, Kept(snapshot.folder, key_of(plan)), holds=lambda _: True)
        return [totals for _, totals in days or ()]
    exposures = exposures_of(plan, snapshot.events(company.EXPOSURE))
    rows = course_expression(plan, exposures, snapshot.events(*company.TYPES), centres={})
    return [totals for _, totals in days_of(plan, rows.to_pyarrow().to_pylist(), {})]


def segments(snapshot: Any, *, kept: bool) -> list[Totals]:
    """The whole and the parts."""
    plan = replace(company.plan(), segments=(SEGMENT,))
    if kept:
        found = daily_totals(plan, snapshot, Kept(snapshot.folder, key_of(plan)), holds=lambda _: True)
    else:
        exposures = exposures_of(plan, snapshot.events(company.EXPOSURE))
        events = snapshot.events(*company.TYPES)
        expression = totals_expression(plan, exposures, events, segments=plan.segments)
        found = totals_of(plan, expression.to_pyarrow().to_pylist())
    assert found is not None
    return [found, *(Totals(groups) for values in found.segments.values() for groups in values.values())]


def apart(one: list[Totals], other: list[Totals]) -> float:
    """The largest relative difference of means and sums of squares; users and events must be the same."""
    worst = 0.0
    for ours, theirs in zip(one, other, strict=True):
        pairs = zip(
            *(sorted(each.groups, key=lambda g: (g.mixed, g.variant)) for each in (ours, theirs)), strict=True
        )
        for left, right in pairs:
            assert left.users == right.users
            for name, metric in left.metrics.items():
                same = right.metrics[name]
                assert metric.events == same.events
                for a, b in ((metric.moments.mean, same.moments.mean), (metric.moments.m2, same.moments.m2)):
                    worst = max(worst, abs(a - b) / max(abs(a), abs(b), 1e-300) if a != b else 0.0)
    return worst


def main() -> None:
    """Both questions, both ways."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Journal(Path(name)) as journal:
        company.make(Path(name), given.events)
        for what, read in (("days", course), ("segments", segments)):
            asked(journal, read, kept=True)
            runs = [[asked(journal, read, kept=kept) for kept in (True, False)] for _ in range(given.rounds)]
            ours, theirs = (min(run[way][1] for run in runs) for way in (0, 1))
            print(
                f"{what:<9} kept {ours:6.2f} s, every event {theirs:6.2f} s ({theirs / ours:.1f} times),"
                f" largest difference {apart(runs[0][0][0], runs[0][1][0]):.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
