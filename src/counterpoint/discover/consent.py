"""Consent of listeners, purpose by purpose, as events of the journal: the newest word of each counts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

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
    clock that runs ahead has withdrawn. Where two words have the same moment, no is the newer one.
    """
    raise NotImplementedError


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
    raise NotImplementedError
