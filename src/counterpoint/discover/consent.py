"""Consent of listeners, purpose by purpose, as events of the journal: the newest word of each counts.

Two readers find the words, `consents` of everybody through an engine and `word_on` event by event as they arrive; what
words come to is `stands` alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from counterpoint.discover.word import put_word, value_in
from counterpoint.engine import DUCKDB
from counterpoint.journal.attributes import Attribute
from counterpoint.journal.model.event import Event
from counterpoint.moments import to_micros
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    import ibis

    from counterpoint.discover.plan import Plan
    from counterpoint.journal.snapshot import Snapshot

__all__ = [
    "CONSENT",
    "PURPOSES",
    "Purpose",
    "Word",
    "consents",
    "declare",
    "is_personal",
    "last_refused",
    "refusals",
    "stands",
    "word_on",
]

CONSENT = "dev.counterpoint.discover.consent"
"""The type of the events: their subject is the listener, their data {purpose, given}."""
Purpose = Literal["personalisation", "research", "advertising"]
PURPOSES: tuple[Purpose, ...] = ("personalisation", "research", "advertising")


class Word(NamedTuple):
    """What one event says about a purpose, in the order in which words count."""

    at: int
    """Microseconds since 1970: its time, or its arrival where its time lies ahead of that; who withdraws by a clock
    that runs ahead has withdrawn."""
    refused: bool
    """Whatever is not true is no; of two words of one moment no is the newer one."""


def stands(words: Iterable[Word], *, forgotten: int) -> bool | None:
    """What a listener's words come to now; None where they said nothing, or nothing that holds any more.

    `forgotten` is until when nothing of the listener counts, in microseconds since 1970: a yes of before ends with all
    else that was known of them. A no holds, for being forgotten must not open what was closed.
    """
    newest = max(words, default=None)
    if newest is None or not (newest.refused or newest.at > forgotten):
        return None
    return not newest.refused


def word_on(event: Event, purpose: Purpose) -> Word | None:
    """What an event says about consent to a purpose; none where it says nothing of it."""
    if event.type != CONSENT or value_in(event, "purpose", str) != purpose:
        return None
    moment = min(to_micros(event.time), to_micros(event.received))
    return Word(moment, value_in(event, "given", bool) is not True)


def consents(
    snapshot: "Snapshot",
    purpose: Purpose,
    *,
    forgotten: Mapping[str, int],
    listeners: Collection[str] | None = None,
) -> Mapping[str, bool]:
    """What holds of everybody, or of some listeners, who said anything about a purpose; `forgotten` as it is read there."""
    if CONSENT not in snapshot.types:
        return {}
    events = _words(snapshot, purpose)
    if listeners is not None:
        events = events.filter(events.subject.isin(list(listeners)))
    words: dict[str, list[Word]] = defaultdict(list)
    for row in events.select("subject", "time", "received", "is_given").to_pyarrow().to_pylist():
        moment = min(to_micros(row["time"]), to_micros(row["received"]))
        words[row["subject"]].append(Word(moment, row["is_given"] is not True))
    held = {each: stands(said, forgotten=forgotten.get(each, 0)) for each, said in words.items()}
    return {each: word for each, word in sorted(held.items()) if word is not None}


def refusals(workspace: Workspace) -> int:
    """How many words against personalisation there are: another number than before says that somebody withdrew.

    A server asks again and again, so that words are only read where there are others than the last time.
    """
    journal, known = workspace.journal, workspace.keep(_Refused, lambda _: _Refused())
    words = sum(each.count for each in journal.counts() if each.type == CONSENT)
    now = (words, journal.last_erasure())
    if known.basis != now:
        known.count, known.basis = (_refused(workspace) if words else 0), now
    return known.count


@dataclass(slots=True)
class _Refused:
    """Words against personalisation, as of so many words and erasures."""

    basis: tuple[int, int] | None = None
    count: int = 0


def _refused(workspace: Workspace) -> int:
    with workspace.journal.snapshot(DUCKDB) as snapshot:  # few events: no cluster is asked
        if CONSENT not in snapshot.types:
            return 0
        return int(_against(snapshot).count().to_pyarrow().as_py())


def last_refused(workspace: Workspace, count: int) -> frozenset[str]:
    """Who spoke the last so many words against personalisation, by arrival."""
    import ibis

    with workspace.journal.snapshot(DUCKDB) as snapshot:
        if CONSENT not in snapshot.types:
            return frozenset()
        events = _against(snapshot).order_by(ibis.desc("received")).limit(count)
        return frozenset(events.select("subject").to_pyarrow()["subject"].to_pylist())


def _against(snapshot: "Snapshot") -> "ibis.Table":
    events = _words(snapshot, "personalisation")
    return events.filter(~events.is_given.fill_null(False))  # noqa: FBT003 - Ibis' own argument


def _words(snapshot: "Snapshot", purpose: Purpose) -> "ibis.Table":
    asked: dict[str, Attribute] = {
        "purpose_text": Attribute("purpose", "string"),
        "is_given": Attribute("given", "boolean"),
    }
    events = snapshot.events(CONSENT, attributes=asked, data=False)
    return events.filter(events.purpose_text == purpose, events.subject.notnull())


def is_personal(plan: "Plan", said: bool | None) -> bool:  # noqa: FBT001 - it is the word itself
    """Whether a listener's events may be used for them, by what they said about personalisation (None: nothing)."""
    return said if said is not None else plan.consent == "assumed"


def declare(
    workspace: Workspace,
    listener: str,
    purpose: Purpose,
    *,
    given: bool,
    source: str,
    at: datetime | None = None,
) -> None:
    """Put a listener's word into the journal; when this returns it is on the disk.

    Raises:
        InputError: the listener's name is no subject of an event.
    """
    put_word(workspace, CONSENT, listener, {"purpose": purpose, "given": given}, source=source, at=at)
