"""A workspace with a recommender and listeners' events in it."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterpoint import Workspace
from counterpoint.graph.actor import SYSTEM

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
REF = "recommender:default/weekly"
Document = dict[str, Any]
SPEC: Document = {
    "owner": "discovery",
    "signals": [
        {"event": "track.played", "item": "track", "attribute": "msPlayed", "above": 30_000},
        {"event": "track.played", "item": "track", "attribute": "msPlayed", "below": 5_000, "weight": -1},
        {"event": "track.saved", "item": "track", "weight": 3},
    ],
    "playlists": {"event": "playlist.changed"},
    "items": {"event": "track.described", "item": "track"},
}
_numbers = itertools.count()


def recommender(workspace: Workspace, name: str = "weekly", **changes: Any) -> str:
    """Puts a recommender into the graph; `...` leaves a field out."""
    spec = {key: value for key, value in {**SPEC, **changes}.items() if value is not ...}
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(
            {
                "apiVersion": "counterpoint.dev/v1",
                "kind": "Recommender",
                "metadata": {"name": name},
                "spec": spec,
            }
        )
    return f"recommender:default/{name}"


def event(kind: str, subject: str | None, at: datetime = NOW, **data: Any) -> Document:
    """An event with an id of its own."""
    found: Document = {
        "specversion": "1.0",
        "id": f"e{next(_numbers)}",
        "source": "test",
        "type": kind,
        "time": at.isoformat(),
        "data": data,
    }
    return found | ({} if subject is None else {"subject": subject})


def played(listener: str | None, track: Any, *, ago: float = 1.0, ms: Any = 200_000, **data: Any) -> Document:
    """A play, `ago` days before NOW."""
    return event("track.played", listener, NOW - timedelta(days=ago), track=track, msPlayed=ms, **data)


def playlist(
    name: Any, listener: str | None, items: Any, *, title: Any = "mine", ago: float = 1.0
) -> Document:
    """What a playlist holds."""
    at = NOW - timedelta(days=ago)
    return event("playlist.changed", listener, at, playlist=name, title=title, items=items)


def described(track: Any, **facets: Any) -> Document:
    """What a track is."""
    return event("track.described", None, NOW - timedelta(days=300), track=track, **facets)


def tell(workspace: Workspace, *events: Document | Iterable[Document]) -> None:
    """Puts events into the journal; all of them must be taken."""
    flat = [one for each in events for one in ([each] if isinstance(each, dict) else each)]
    assert not workspace.journal.append(flat).rejected


def planted(listeners: int = 40, *, tracks: int = 24, plays: int = 8, kinds: int = 2) -> Iterator[Document]:
    """Listeners of one kind each, who mostly play tracks of it, a play a day; and what the tracks are."""
    for track in range(tracks):
        yield described(f"t{track}", artist=f"a{track // 4}", genre=f"g{track % kinds}")
    for listener in range(listeners):
        kind = listener % kinds
        for play in range(plays):
            track = (kind + kinds * ((listener * 7 + play * 5) % (tracks // kinds))) % tracks
            yield played(f"l{listener:03d}", f"t{track}", ago=1 + play * 3 + listener % 3)


def opened(folder: Path) -> Workspace:
    """A workspace with the recommender in it."""
    workspace = Workspace.create(folder, name="Test")
    recommender(workspace)
    return workspace
