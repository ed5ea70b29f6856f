"""Who asked to be forgotten by recommenders, as events of the journal: what arrived of them until then counts for nothing.

What they hear afterwards counts again, as of anybody new. Forgetting a person in the journal itself takes these
events away with all others of theirs.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from counterpoint.discover.word import put_word
from counterpoint.journal.attributes import Attribute
from counterpoint.journal.forgotten import forgotten_hashes
from counterpoint.journal.model.event import Event
from counterpoint.journal.sought import Sought
from counterpoint.moments import to_micros
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from counterpoint.journal.snapshot import Snapshot

__all__ = ["FORGOTTEN", "declare_forgotten", "forgotten", "forgotten_since", "is_forgetting"]

FORGOTTEN = "dev.counterpoint.discover.forgotten"
"""The type of the events: their subject is the listener, their data {recommender}, or nothing for all of them."""

MOST = 10_000
"""Forgettings of one moment that are looked at."""


def forgotten(
    snapshot: "Snapshot", recommender: str, *, listeners: Collection[str] | None = None
) -> Mapping[str, int]:
    """Until which arrival nothing of a listener counts, in microseconds since 1970: of all who asked, or of some."""
    if FORGOTTEN not in snapshot.types:
        return {}
    asked: dict[str, Attribute] = {"of_recommender": Attribute("recommender", "string")}
    events = snapshot.events(FORGOTTEN, attributes=asked, data=False)
    events = events.filter(
        events.subject.notnull(), events.of_recommender.isnull() | (events.of_recommender == recommender)
    )
    if listeners is not None:
        events = events.filter(events.subject.isin(list(listeners)))
    table = events.select("subject", "received").to_pyarrow()
    found: dict[str, int] = {}
    for row in table.to_pylist():
        found[row["subject"]] = max(found.get(row["subject"], 0), to_micros(row["received"]))
    return found


def forgotten_since(
    workspace: Workspace, recommender: str, listeners: Collection[str], since: int
) -> frozenset[str]:
    """Who of some listeners was forgotten after a moment, in microseconds since 1970: by recommenders or by the journal."""
    gone = Sought(
        [each for each in forgotten_hashes(workspace.journal.folder) if (each.until or since) >= since]
    )
    found = {each for each in listeners if gone.places(each)}
    asked = workspace.journal.recent(type=FORGOTTEN, limit=MOST, personal=True)
    found |= {
        str(each.subject)
        for each in asked
        if to_micros(each.received) >= since and is_forgetting(each, recommender)
    }
    return frozenset(found & set(listeners))


def is_forgetting(event: Event, recommender: str) -> bool:
    """Whether an event says so of its subject, for this recommender."""
    if event.type != FORGOTTEN:
        return False
    named = event.data.get("recommender") if isinstance(event.data, dict) else None
    return not isinstance(named, str) or named == recommender


def declare_forgotten(workspace: Workspace, listener: str, recommender: str | None, *, source: str) -> None:
    """Put it into the journal, for one recommender or (None) all; when this returns it is on the disk.

    Raises:
        InputError: the listener's name is no subject of an event.
    """
    data = {} if recommender is None else {"recommender": recommender}
    put_word(workspace, FORGOTTEN, listener, data, source=source)
