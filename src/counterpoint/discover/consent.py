"""Consent of listeners, purpose by purpose, as events of the journal: the newest word of each counts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from counterpoint.discover.word import put_word
from counterpoint.journal.attributes import Attribute
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from counterpoint.discover.plan import Plan
    from counterpoint.journal.snapshot import Snapshot

__all__ = ["CONSENT", "PURPOSES", "Purpose", "consents", "declare", "is_personal"]

CONSENT = "dev.counterpoint.discover.consent"
"""The type of the events: their subject is the listener, their data {purpose, given}."""
Purpose = Literal["personalisation", "research", "advertising"]
PURPOSES: tuple[Purpose, ...] = ("personalisation", "research", "advertising")


def consents(
    snapshot: "Snapshot", purpose: Purpose = "personalisation", *, listeners: Collection[str] | None = None
) -> Mapping[str, bool]:
    """The newest word of everybody, or of some listeners, who said anything about a purpose.

    A word counts from its time on, or from its arrival where its time lies ahead of that: who withdraws by a
    clock that runs ahead has withdrawn. Where two words have the same moment, no is the newer one; what is
    neither true nor false is no.
    """
    if CONSENT not in snapshot.types:
        return {}
    asked: dict[str, Attribute] = {
        "purpose_text": Attribute("purpose", "string"),
        "is_given": Attribute("given", "boolean"),
    }
    events = snapshot.events(CONSENT, attributes=asked, data=False)
    events = events.filter(events.purpose_text == purpose, events.subject.notnull())
    if listeners is not None:
        events = events.filter(events.subject.isin(list(listeners)))
    table = events.select("subject", "time", "received", "is_given").to_pyarrow()
    words = [
        (min(row["time"], row["received"]), not row["is_given"], row["subject"]) for row in table.to_pylist()
    ]
    return {subject: not refused for _, refused, subject in sorted(words)}


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
