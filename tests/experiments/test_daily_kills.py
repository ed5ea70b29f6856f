"""`kill -9` anywhere while sums are kept: the next result is right, whatever was left."""

import os
import random
import sys
from pathlib import Path

from counterpoint.experiments.daily import key_of
from counterpoint.journal import Journal
from counterpoint.journal.daily import Kept
from counterpoint.journal.sought import Named
from tests.dying import told_to_die

from .test_daily import PLAN, assert_alike, exposure, files_with, kept, made, whole

KILLS = int(os.environ.get("COUNTERPOINT_FUZZ", "0")) or 6


def new_day(journal: Journal, day: int) -> None:
    """Somebody new, events of all, a late one, and sometimes a merge."""
    events = [exposure(1000 * day, f"u{day}", "xy"[day % 2], 24 * (1 + day % 5) + 3)]
    events += [
        made(
            1000 * day + 1 + n,
            "pq"[n % 2],
            f"u{n % (day + 1)}",
            24 * (1 + day % 6) + n,
            {"value": n, "ms": n},
        )
        for n in range(8)
    ]
    events.append(made(1000 * day + 90, "p", f"u{day // 2}", 20, {"value": 5, "ms": 5}))
    journal.append(events)
    journal.compact(full=day % 3 == 2)


def test_killed_at_any_line_the_next_result_is_right(tmp_path: Path) -> None:
    randomness = random.Random(20260504)  # noqa: S311 - when to kill
    seen = set()
    command = [sys.executable, "-m", "tests.experiments.keeper", str(tmp_path / "journal")]
    with Journal(tmp_path / "journal") as journal, told_to_die(command) as call:
        most = 0
        for day in range(KILLS):
            new_day(journal, 2 * day)
            ended, lines = call("0").split()
            assert ended == "ended"
            most = int(lines)
            new_day(journal, 2 * day + 1)
            before = Kept(journal.folder, key_of(PLAN)).load()
            seen.add(call(str(randomness.randrange(1, most))).split()[0])
            after = Kept(journal.folder, key_of(PLAN)).load()
            assert after == before or after.segments != before.segments, "as it was, or as it should be"
            assert_alike(kept(journal), whole(journal))
            assert [finding.level for finding in journal.check()] == ["ok"]
        call(str(randomness.randrange(1, most)))
        new_day(journal, 2 * KILLS)
        call(str(most // 2))
        journal.forget([Named("u0")], actor="test")
        assert not files_with(journal, "u0")
        assert_alike(kept(journal), whole(journal))
    assert "killed" in seen
