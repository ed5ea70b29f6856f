"""What a result costs after each added day, out of kept sums and by reading every event; and reading beside ingest.

Two weeks of history, then sixty days on each of which as many users are shown a variant for the first time: the
hardest case, since each of them brings two weeks of past events for the covariates; and the more of them there are, the
more have their sums changed on a day. Then thirty days on which nobody is new, so that each day brings the same work.
The full computation is measured on every fifth day.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import company
import numpy as np
from msgspec.structs import replace

from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.aggregation import exposures_of, totals_expression
from counterpoint.experiments.daily import daily_totals, key_of
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.journal import Journal
from counterpoint.journal.daily import FOLDER, Kept, size

EVENTS = 4_000_000
DAYS = company.EXPOSED_FROM + 60
QUIET = 30
"""Days after them on which nobody is shown a variant for the first time."""
EVERY = 5
INGESTED = 100_000
ROUNDS = 3
PARTS = 1 + 2 * ROUNDS


def limited() -> Experiment:
    """The plan with windows, caps and a ratio."""
    plan = company.plan()
    minutes, length = plan.success
    sessions = plan.guardrails[0].metric
    success = (
        replace(minutes, window_days=7, cap=500.0),
        Metric(name="minutes a session", aggregation="ratio", numerator=minutes, denominator=sessions),
    )
    return replace(plan, success=(*success, replace(length, event_cap=1000.0)))


def full(journal: Journal, plan: Experiment) -> Totals:
    """The totals out of every event."""
    with journal.snapshot() as snapshot:
        exposures = exposures_of(plan, snapshot.events(company.EXPOSURE))
        expression = totals_expression(plan, exposures, snapshot.events(*company.TYPES))
        return totals_of(plan, expression.to_pyarrow().to_pylist())


def kept(journal: Journal, plan: Experiment) -> Totals | None:
    """The totals out of kept sums."""
    with journal.snapshot() as snapshot:
        return daily_totals(plan, snapshot, Kept(journal.folder, key_of(plan)), holds=journal.holds)


def timed(work: Any, journal: Journal, plan: Experiment) -> tuple[float, Totals]:
    """CPU seconds, and what the work gave."""
    before = time.process_time()
    totals = work(journal, plan)
    return round(time.process_time() - before, 2), totals


def changed(journal: Journal, day: int) -> int:
    """Users whose sums a day changed: those shown a variant until its end who had an event or their first exposure on it."""
    begin = company.START + timedelta(days=day)
    end = begin + timedelta(days=1)
    with journal.snapshot() as snapshot:
        shown = snapshot.events(company.EXPOSURE)
        events = snapshot.events(*company.TYPES)
        on_it = events.filter((events.time >= begin) & (events.time < end)).select("subject")
        new = shown.filter((shown.time >= begin) & (shown.time < end)).select("subject")
        known = shown.filter(shown.time < end).select("subject").distinct()
        return int(on_it.union(new).distinct().semi_join(known, "subject").count().to_pyarrow().as_py())


def apart(found: Totals, expected: Totals) -> float:
    """The largest relative difference of a mean, a sum of squares or a comoment; counts must be equal."""
    worst = 0.0
    for ours, theirs in zip(found.groups, expected.groups, strict=True):
        if (ours.users, ours.early, ours.late) != (theirs.users, theirs.early, theirs.late):
            raise SystemExit("kept sums and the full computation count different users or events")
        for name, metric in ours.metrics.items():
            other = theirs.metrics[name]
            if (metric.events, metric.blank, metric.incomplete) != (
                other.events,
                other.blank,
                other.incomplete,
            ):
                raise SystemExit("kept sums and the full computation count different events")
            pairs = [(metric.moments.mean, other.moments.mean), (metric.moments.m2, other.moments.m2)]
            if metric.covariate and other.covariate:
                pairs.append((metric.covariate.comoment, other.covariate.comoment))
            worst = max([worst, *(abs(a / b - 1) for a, b in pairs if b)])
    return worst


def added_days(folder: Path, events: int) -> dict[str, object]:
    """CPU seconds of a result after each added day."""
    company.make(folder, events, of=DAYS, days=range(company.EXPOSED_FROM))
    with Journal(folder) as journal:
        plain, others = company.plan(), limited()
        full(journal, plain)  # imports are paid once
        rows, worst = [], 0.0
        for day in range(company.EXPOSED_FROM, DAYS + QUIET):
            company.make(folder, events, of=DAYS, days=[day])
            row: dict[str, object] = {"day": day - company.EXPOSED_FROM + 1}
            row["kept_cpu_s"], totals = timed(kept, journal, plain)
            row["limited_cpu_s"], limited_totals = timed(kept, journal, others)
            row["changed_users"] = changed(journal, day)
            if row["day"] in (1, DAYS - company.EXPOSED_FROM) or day % EVERY == 0:
                row["again_cpu_s"], _ = timed(kept, journal, plain)
                row["full_cpu_s"], expected = timed(full, journal, plain)
                worst = max(worst, apart(totals, expected))
                row["limited_full_cpu_s"], expected = timed(full, journal, others)
                worst = max(worst, apart(limited_totals, expected))
            rows.append(row)
    return {
        "events": events, "days": rows, **trend(rows), "kept_mb": round(size(folder / FOLDER) / 1e6, 1),
        "largest_relative_difference": worst,
    }  # fmt: skip


def trend(rows: list[dict[str, Any]]) -> dict[str, object]:
    """CPU of a day over the users whose sums it changed, while there are more each day; and whether it grows after that."""
    growing, quiet, half = rows[1:-QUIET], rows[-QUIET:], QUIET // 2
    found: dict[str, object] = {}
    for name in ("kept_cpu_s", "limited_cpu_s"):
        many, cost = (np.array([row[column] for row in growing]) for column in ("changed_users", name))
        slope, fixed = np.polyfit(many, cost, 1)
        found[name] = {
            "fixed": round(float(fixed), 3), "us_for_each_changed_user": round(float(slope) * 1e6, 1),
            "quiet_first_and_last_half": [
                round(statistics.mean(row[name] for row in part), 3) for part in (quiet[:half], quiet[half:])
            ],
        }  # fmt: skip
    return found


def beside_ingest(folder: Path) -> dict[str, object]:
    """Full results for as long as an ingest runs: both alone, and together, by the clock; what each keeps of its rate."""
    batches = [
        [
            {
                "specversion": "1.0", "id": f"{start + number}", "source": "beside", "type": "other",
                "subject": f"user-{number}", "time": "2026-05-04T10:00:00Z", "data": {"value": number % 97},
            }
            for number in range(1_000)
        ]
        for start in range(0, PARTS * INGESTED, 1_000)
    ]  # fmt: skip
    share = len(batches) // PARTS

    def ingest(journal: Journal, part: int) -> float:
        begin = time.perf_counter()
        for batch in batches[part * share : (part + 1) * share]:
            journal.append(batch)
        return INGESTED / (time.perf_counter() - begin)

    rounds, plan = [], company.plan()
    with Journal(folder) as journal:
        ingest(journal, 0)
        full(journal, plan)
        for number in range(ROUNDS):  # by turns, since a machine that others use is not the same for long
            alone = ingest(journal, 1 + 2 * number)
            begin = time.perf_counter()
            full(journal, plan)
            query = time.perf_counter() - begin
            together: list[float] = []
            part = 2 + 2 * number
            thread = threading.Thread(
                target=lambda part=part, into=together: into.append(ingest(journal, part))
            )
            thread.start()
            queries: list[float] = []
            while thread.is_alive():
                begin = time.perf_counter()
                full(journal, plan)
                queries.append(time.perf_counter() - begin)
            thread.join()
            rounds.append(
                {
                    "ingest_alone_per_s": round(alone), "query_alone_s": round(query, 2),
                    "ingest_kept": round(together[0] / alone, 2),
                    "query_kept": round(query / statistics.median(queries), 2),
                }
            )  # fmt: skip
    return {
        "rounds": rounds,
        "ingest_kept": statistics.median(each["ingest_kept"] for each in rounds),
        "query_kept": statistics.median(each["query_kept"] for each in rounds),
    }


def measure(events: int = EVENTS) -> dict[str, object]:
    """Both on one journal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        folder.mkdir()
        return {"added_days": added_days(folder, events), "beside_ingest": beside_ingest(folder)}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if sys.argv[1:] else EVENTS)))
