"""A small workspace of listeners with planted tastes: fans of jazz, metal and folk, each with artists and playlists."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint import Workspace
from counterpoint.discover.versions import fit_version
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.moments import rfc3339

GENRES = ("jazz", "metal", "folk")
EACH = 12
"""Items of a genre."""
LISTENERS = 36
NOW = datetime.now(UTC).replace(microsecond=0)
BACKEND = Actor("token:default/app", "app", "service", scopes=frozenset({"discover"}))
"""The product's own backend."""
ADMIN = Actor("user:default/ana", "Ana", "person", admin=True)
PLAYED, SKIPPED = "track.played", "track.skipped"
SPEC: dict[str, Any] = {
    "owner": "discovery",
    "signals": [
        {"event": PLAYED},
        {"event": SKIPPED, "weight": -1},
    ],
    "items": {"event": "track.described"},
    "playlists": {"event": "playlist.saved"},
    "weekly": {"places": 8, "candidates": 30, "explored": 1},
}


def item(genre: str, number: int) -> str:
    """The name of an item."""
    return f"{genre}-{number}"


def listener(number: int) -> str:
    """The name of a listener; the remainder by three says what they like."""
    return f"user-{number}"


def event(kind: str, subject: str | None, at: datetime, **data: Any) -> dict[str, Any]:
    """One event; the same facts make the same event."""
    made = {
        "specversion": "1.0",
        "id": f"{kind}/{subject}/{at.isoformat()}/{data.get('item', data.get('playlist', ''))}",
        "source": "/test",
        "type": kind,
        "time": rfc3339(at),
        "data": data,
    }
    return made | ({"subject": subject} if subject else {})


def events() -> Iterator[dict[str, Any]]:
    """What was heard: each listener most of one genre, and one or two items of the next."""
    chance = np.random.default_rng(7)
    for at, genre in enumerate(GENRES):
        for number in range(EACH):
            yield event(
                "track.described",
                None,
                NOW - timedelta(days=200, seconds=EACH * at + number),
                item=item(genre, number),
                title=f"{genre.title()} No. {number}",
                artist=f"{genre} artist {number % 4}",
                genre=genre,
                released=f"{1960 + 10 * at}-01-01",
            )
    for who in range(LISTENERS):
        kind = who % 3
        mine = [item(GENRES[kind], int(each)) for each in chance.choice(EACH, size=6, replace=False)]
        other = [item(GENRES[(kind + 1) % 3], int(chance.integers(EACH)))]
        for place, each in enumerate([*mine, *other]):
            for again in range(1 + (place < 3)):
                yield event(
                    PLAYED,
                    listener(who),
                    NOW - timedelta(days=20 - place, hours=who % 20, minutes=again),
                    item=each,
                )
        if who % 2:
            yield event(
                "playlist.saved",
                listener(who),
                NOW - timedelta(days=10),
                playlist=f"list-{who}",
                title=f"{('calm evening', 'gym power', 'road trip')[kind]}",
                items=mine,
            )


def furnish(workspace: Workspace, **spec: Any) -> Workspace:
    """Put the recommender and everything that was heard into a workspace."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Group",
                "metadata": {"name": "discovery"},
                "spec": {"type": "squad", "children": []},
            }
        )
        writer.put(recommender(**spec))
    workspace.journal.append(list(events()))
    return workspace


def recommender(**spec: Any) -> dict[str, Any]:
    """The descriptor, with changes."""
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Recommender",
        "metadata": {"name": "songs"},
        "spec": SPEC | spec,
    }


def change(workspace: Workspace, **spec: Any) -> None:
    """Let the recommender say something else."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(recommender(**spec))


def flag_by(workspace: Workspace, targeting: Any, *, versions: int = 2) -> None:
    """A flag whose variants are the numbers of versions."""
    flag = {
        "state": "ENABLED",
        "variants": {f"v{number}": number for number in range(1, versions + 1)},
        "defaultVariant": "v1",
        "targeting": targeting,
    }
    write_set(
        workspace, local_actor(), "default", {"flags": {"songs-model": flag}}, owner="group:default/discovery"
    )


def play(workspace: Workspace, who: str, *items: str, kind: str = PLAYED) -> None:
    """Let a listener hear something now."""
    at = datetime.now(UTC)
    workspace.journal.append([event(kind, who, at, item=each) for each in items])


def fitted(folder: Path, *, versions: int = 2) -> Path:
    """A workspace with so many versions fitted, to be copied."""
    with Workspace.create(folder) as workspace:
        furnish(workspace)
        for number in range(versions):
            options = {"rank": 4, "output_power": 0.35 - 0.3 * number}
            fit_version(workspace, local_actor(), "songs", method="item-graph", options=options)
    return folder
