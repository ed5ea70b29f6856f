"""What single listeners heard, at hand for whoever answers them: read when they first ask, and again when they heard more.

A listener is read from the journal once. From then on the events that come are taken over as they arrive, which costs a
look at one table, so that what somebody heard a moment ago counts in what they are told now.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic

from counterpoint.discover.answering import Liking
from counterpoint.discover.assembling import Entries, assembled
from counterpoint.discover.consent import PURPOSES, Purpose, Word, is_personal, stands, word_on
from counterpoint.discover.corrections import Corrected, corrections_of
from counterpoint.discover.forgotten import is_forgetting
from counterpoint.discover.listened import Listened
from counterpoint.discover.plan import Plan
from counterpoint.discover.single import Said, entries_of, said_in, types_of
from counterpoint.discover.taste import CONTEXTS, Listening, context_of
from counterpoint.discover.zones import zone_of
from counterpoint.errors import InputError
from counterpoint.journal.model.event import Event
from counterpoint.journal.pulse import Beat
from counterpoint.moments import to_datetime, to_micros
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = ["Heard", "Hearing", "heard_of", "in_context"]

MOST = 5_000
"""Listeners who are remembered."""
MOST_EVENTS = 100_000
"""Events of one type that are read of one listener; who has more is no person."""
OLD = 3_600.0
"""Seconds after which a listening is weighed again though nothing came: windows move with the clock."""
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
    forgotten: int = 0
    """What arrived until then is as if it had never been, in microseconds since 1970."""
    consents: Mapping[Purpose, bool | None] = field(default_factory=dict)
    """What they said that holds now, purpose by purpose."""


def heard_of(listened: Listened, listener: str, corrected: Corrected, *, zone: str = "UTC") -> Heard:
    """One listener's part of a listening; of nobody where they are not in it.

    Moments are by the listener's clock: that of the zone which the event names, else of `zone`.
    """
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
            str(listened.items[plays.items[at]]),
            to_datetime(int(plays.at[at])).astimezone(zone_of(plays.zone(at), zone)),
            float(plays.weights[at]),
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
    """A listener of a recommender, with what their events said."""

    recommender: str
    plan: Plan
    forgotten: int = 0
    """What arrived until then counts for nothing, in microseconds since 1970: they asked to be forgotten."""
    said: list[Said] = field(default_factory=list)
    words: list[tuple[Purpose, Word]] = field(default_factory=list)
    is_read: bool = False
    """Whether the journal was read; before that `said` has only what arrived since."""
    changes: int = 0
    """How often events about the listener came, or the journal lost any."""
    heard: Heard | None = None
    weighed: int = -1
    """`changes` when it was weighed."""
    at: float = 0.0
    """The monotonic clock then."""
    activity: int = -1
    """The graph's newest change when corrections were read: another process may have changed them."""

    def take(self, events: Iterable[Event]) -> None:
        """Take over what events say. An event that is taken twice counts once."""
        for event in events:
            said = said_in(self.plan, event)
            words = [(each, word) for each in PURPOSES if (word := word_on(event, each)) is not None]
            self.said += said
            self.words += words
            gone = is_forgetting(event, self.recommender)
            if gone:
                self.forgotten = max(self.forgotten, to_micros(event.received))
            self.changes += bool(said) or bool(words) or gone

    def consents(self) -> dict[Purpose, bool | None]:
        """What the listener said that holds now, purpose by purpose."""
        return {
            each: stands((word for purpose, word in self.words if purpose == each), forgotten=self.forgotten)
            for each in PURPOSES
        }


class Hearing:
    """The listeners of a workspace who asked of late. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, _Kept]] = OrderedDict()
        """By listener, then recommender."""
        self._beat: Beat | None = None

    def of(self, recommender: str, plan: Plan, listener: str) -> Heard:
        """What a listener of a recommender heard until now."""
        with self._lock:
            self._look()
            kept = self._of(recommender, plan, listener)
            changes, read = kept.changes, kept.is_read
        activity = self._workspace.graph.last_activity()
        if kept.heard and kept.weighed == changes and monotonic() - kept.at < OLD:
            if kept.activity == activity:
                return kept.heard
            if kept.heard.corrected == self._corrected(recommender, listener):
                kept.activity = activity
                return kept.heard
        found = [] if read else self._events(plan, listener)
        corrected = (
            kept.heard.corrected
            if kept.heard and kept.activity == activity
            else self._corrected(recommender, listener)
        )
        with self._lock:
            if not kept.is_read:
                kept.take(found)
                kept.is_read = True
            changes, consents = kept.changes, kept.consents()
            until = self._workspace.journal.now()
            entries = entries_of(plan, listener, kept.said, until=until, forgotten=kept.forgotten)
        heard = _weighed(
            plan,
            listener,
            entries,
            corrected,
            consents["personalisation"],
            until=until,
            zone=self._workspace.settings.discover.time_zone,
        )
        heard = replace(heard, forgotten=kept.forgotten, consents=consents)
        with self._lock:
            kept.heard, kept.weighed, kept.at, kept.activity = heard, changes, monotonic(), activity
        return heard

    def _of(self, recommender: str, plan: Plan, listener: str) -> _Kept:
        mine = self._kept.setdefault(listener, {})
        kept = mine.get(recommender)
        if kept is None or kept.plan != plan:
            kept = mine[recommender] = _Kept(recommender, plan)
        self._kept.move_to_end(listener)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept

    def _look(self) -> None:
        """Take over what arrived since the last look; where that cannot be told, everybody is read anew."""
        self._beat, events = self._workspace.journal.since(
            self._beat, wanted=lambda _, subject: subject in self._kept
        )
        if events is None:
            self._kept.clear()
        for event in events or ():
            for kept in self._kept.get(event.subject or "", {}).values():
                kept.take([event])

    def _events(self, plan: Plan, listener: str) -> list[Event]:
        recent = self._workspace.journal.recent
        return [
            event
            for each in types_of(plan)
            for event in recent(type=each, subject=listener, limit=MOST_EVENTS, personal=True)
        ]

    def _corrected(self, recommender: str, listener: str) -> Corrected:
        with self._workspace.graph.read() as reader:
            return corrections_of(reader, recommender, listener)


def _weighed(
    plan: Plan,
    listener: str,
    entries: Entries,
    corrected: Corrected,
    said: bool | None,  # noqa: FBT001 - it is the word itself
    *,
    until: int,
    zone: str,
) -> Heard:
    if not is_personal(plan, said):
        return Heard(personal=False, corrected=corrected)
    listened = assembled(
        plan,
        entries,
        until=until,
        consents={listener: True},
        private={listener: corrected.private},
        playlists=(),
        attributes={},
        left_out={},
    )
    return heard_of(listened, listener, corrected, zone=zone)
