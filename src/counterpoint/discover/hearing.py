"""What single listeners heard, at hand for whoever answers them: read when they first ask, and again when they heard more.

The journal says whom its newest events are about, which costs a look at a table; so only a listener who has just
listened is read again, and what they heard a moment ago counts in what they are told now.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from counterpoint.discover.answering import Liking
from counterpoint.discover.consent import consents, is_personal
from counterpoint.discover.corrections import Corrected, corrections_of
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import Plan
from counterpoint.discover.taste import CONTEXTS, Listening, context_of
from counterpoint.errors import InputError
from counterpoint.moments import to_datetime
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = ["Heard", "Hearing", "heard_of", "in_context"]

MOST = 20_000
"""Listeners who are remembered."""
OLD = 3_600.0
"""Seconds after which a listener is read again though nothing came: windows and consents move with the clock."""
ASIDE = 0.25
"""What an item that was never heard in a context still counts in it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one listener heard and said."""

    personal: bool
    """Whether it may be used for them."""
    liking: Liking = field(default_factory=Liking)
    plays: tuple[Listening, ...] = ()
    """Oldest first."""
    corrected: Corrected = field(default_factory=Corrected)
    contexts: dict[str, dict[str, float]] = field(default_factory=dict)
    """For each context, the share of an item's plays that were in it."""


def heard_of(listened: Listened, listener: str, corrected: Corrected) -> Heard:
    """One listener's part of a listening; of nobody where they are not in it."""
    row = listened.rows.get(listener)
    if row is None:
        return Heard(personal=True, corrected=corrected)

    def named(matrix: object) -> dict[str, float]:
        mine = matrix[row]  # type: ignore[index]
        return {
            str(listened.items[at]): float(value) for at, value in zip(mine.indices, mine.data, strict=True)
        }

    plays = listened.plays
    start, end = (int(plays.listeners.searchsorted(row, side)) for side in ("left", "right"))
    heard = [
        Listening(
            str(listened.items[plays.items[at]]), to_datetime(int(plays.at[at])), float(plays.weights[at])
        )
        for at in range(start, end)
    ]
    heard.sort(key=lambda each: (each.at, each.item))
    return Heard(
        personal=True,
        liking=Liking(named(listened.matrix), named(listened.against)),
        plays=tuple(heard),
        corrected=corrected,
        contexts=_contexts(heard),
    )


def _contexts(heard: list[Listening]) -> dict[str, dict[str, float]]:
    counts: dict[str, dict[str, int]] = {}
    plays: dict[str, int] = {}
    for each in heard:
        if each.weight > 0:
            plays[each.item] = plays.get(each.item, 0) + 1
            inside = counts.setdefault(context_of(each.at), {})
            inside[each.item] = inside.get(each.item, 0) + 1
    return {
        context: {item: count / plays[item] for item, count in inside.items()}
        for context, inside in counts.items()
    }


def in_context(heard: Heard, context: str | None) -> Liking:
    """The liking as it is in one of `CONTEXTS`: what was heard in it counts whole, the rest a quarter.

    Raises:
        InputError: there is no such context.
    """
    if context is None:
        return heard.liking
    if context not in CONTEXTS:
        raise InputError(
            f'context is "{context}", must be one of {", ".join(CONTEXTS)}{near(context, CONTEXTS)}'
        )
    inside = heard.contexts.get(context, {})
    return Liking(
        {
            item: weight * (ASIDE + (1 - ASIDE) * inside.get(item, 0.0))
            for item, weight in heard.liking.weights.items()
        },
        heard.liking.disliked,
    )


@dataclass(slots=True)
class _Kept:
    """A listener of a recommender; events that come while they are read make them stale again."""

    changes: int = 0
    """How often events about the listener came."""
    heard: Heard | None = None
    plan: Plan | None = None
    read: int = -1
    """`changes` when it was read."""
    at: float = 0.0
    activity: int = -1
    """The graph's newest change when their corrections were read: another process may have changed them."""


class Hearing:
    """The listeners of a workspace who asked of late. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, _Kept]] = OrderedDict()
        """By listener, then recommender."""
        self._version: tuple[int, int] = (-1, -1)

    def of(self, recommender: str, plan: Plan, listener: str) -> Heard:
        """What a listener of a recommender heard until now."""
        with self._lock:
            self._look()
            kept = self._kept.setdefault(listener, {}).setdefault(recommender, _Kept())
            self._kept.move_to_end(listener)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            changes = kept.changes
        activity = self._workspace.graph.last_activity()
        fresh = kept.read == changes and kept.plan == plan and monotonic() - kept.at < OLD
        if (
            fresh
            and kept.heard
            and (kept.activity == activity or kept.heard.corrected == self._corrected(recommender, listener))
        ):
            kept.activity = activity
            return kept.heard
        heard = self._read(recommender, plan, listener)
        with self._lock:
            kept.heard, kept.plan, kept.read, kept.at = heard, plan, changes, monotonic()
            kept.activity = activity
        return heard

    def forget_all(self) -> None:
        """Remember nobody."""
        with self._lock:
            self._kept.clear()

    def _stale(self, listener: str) -> None:
        for kept in self._kept.get(listener, {}).values():
            kept.changes += 1

    def _look(self) -> None:
        """Note whom events came about since the last look."""
        self._version, subjects = self._workspace.journal.touched(self._version)
        for listener in self._kept if subjects is None else subjects:
            self._stale(listener)

    def _read(self, recommender: str, plan: Plan, listener: str) -> Heard:
        until = datetime.now(UTC) + timedelta(microseconds=1)
        listened = listening_of(self._workspace, recommender, plan, until=until, listeners=[listener])
        corrected = self._corrected(recommender, listener)
        if listener in listened.rows:
            return heard_of(listened, listener, corrected)
        with self._workspace.journal.snapshot() as snapshot:
            said = consents(snapshot, listeners=[listener]).get(listener)
        return Heard(personal=is_personal(plan, said), corrected=corrected)

    def _corrected(self, recommender: str, listener: str) -> Corrected:
        with self._workspace.graph.read() as reader:
            return corrections_of(reader, recommender, listener)
