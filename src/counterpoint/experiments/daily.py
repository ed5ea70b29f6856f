"""An experiment's totals out of what is kept of users, so that a result after a new day costs the new day.

Kept are, for each day, the exposures and the events that may concern the plan, by the hash of their subject; for each
user what counts of the exposures and the sums of the events; and over all users the moments. Of what is new

- events are added to the sums of the users who are known;
- users who are new, or whose first exposure is another one, get their sums out of the kept events of the days that can
  matter to them: these are sorted by hash, so that few users cost little;
- users whose sums have changed are taken out of the moments as they were, and put in as they are; so are those
  whose window has ended since, who are found by the day of their first exposure.

A day whose segments have been replaced is read again and compared with what was kept of it: where it says the same
(a merge) nothing else happens, and otherwise the sums of those users whose rows differ are computed anew. Events that
are still in the intake are added to what is kept for one result, and not kept.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import numpy as np

from counterpoint.experiments.kept_reading import EXPOSURE
from counterpoint.experiments.kept_sums import Sums
from counterpoint.experiments.kept_tables import (
    CollisionError,
    DamagedKeptError,
)
from counterpoint.experiments.measures import meaning_of, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals
from counterpoint.journal.daily import Kept, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from counterpoint.journal import Snapshot

    Ints = NDArray[np.int64]

__all__ = ["LEAST_EVENTS", "daily_course", "daily_totals", "key_of", "pays"]

R = TypeVar("R")

VERSION: Final = 5
"""Of what is kept; another one computes all again."""
LEAST_EVENTS: Final = 500_000
"""Events in segments below which all are read each time, which is as fast."""


def key_of(plan: Experiment) -> str:
    """What is kept is the same for all plans that ask for the same sums."""
    slots = slots_of(plan.metrics)
    summed = ([meaning_of(part) for part in slots.parts], slots.pairs(plan.metrics))
    asked = (VERSION, plan.flag, plan.flag_set, plan.start, plan.end, summed)
    return blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def pays(plan: Experiment, snapshot: "Snapshot") -> bool:
    """Whether there is so much in files that sums are worth keeping, and the engine is the embedded one."""
    if snapshot.connection.name != "duckdb" or not all(metric.simple for metric in plan.metrics):
        return False  # what is kept holds no times, orders of steps, or quantiles
    if plan.trigger or plan.links:
        return False
    types = {EXPOSURE, *plan.types}
    return sum(segment.events for segment in snapshot.segments if segment.type in types) >= LEAST_EVENTS


def daily_totals(
    plan: Experiment, snapshot: "Snapshot", kept: Kept, *, holds: Callable[[Collection[str]], bool],
    as_of: datetime | None = None,
) -> Totals | None:  # fmt: skip
    """The totals of a plan: the same as those of the whole expression, but for the rounding of sums.

    Args:
        plan: What is asked.
        snapshot: The journal, on DuckDB.
        kept: Where the sums of `key_of(plan)` are kept.
        holds: Whether the journal still names these segments; if not, nothing is kept.
        as_of: Up to when the events are complete, which windows are compared with: not beyond the last of them, nor the
            plan's end.

    Returns:
        None where two subjects have the same hash, which only reading everything tells apart.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    return _read(plan, snapshot, kept, holds, as_of, lambda _, totals: totals)


def daily_course(
    plan: Experiment, snapshot: "Snapshot", kept: Kept, *, holds: Callable[[Collection[str]], bool],
    as_of: datetime | None = None,
) -> list[tuple[date, Totals]] | None:  # fmt: skip
    """The totals at the end of each day (see `over_time.days_of`); arguments and exceptions as of `daily_totals`."""
    return _read(plan, snapshot, kept, holds, as_of, lambda sums, _: sums.days())


def _read(
    plan: Experiment,
    snapshot: "Snapshot",
    kept: Kept,
    holds: Callable[[Collection[str]], bool],
    as_of: datetime | None,
    answer: Callable[[Sums, Totals], R],
) -> R | None:
    """What is asked of the sums once they are up to date."""

    def once() -> R:
        sums = Sums(plan, snapshot, kept, as_of)
        return answer(sums, sums.totals(holds))

    with kept.alone():
        try:
            try:
                return once()
            except DamagedKeptError:
                kept.save(State())
                return once()
        except CollisionError:
            kept.save(State())
            return None
