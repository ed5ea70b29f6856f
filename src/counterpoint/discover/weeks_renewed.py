"""Weeks of others, made again once somebody who had a say in them counts no more.

A playlist is made from its listener's own listening and a version, and the version had everybody's. When it was fitted
anew without somebody, the playlists that it made are made again from the inputs that are kept with them: they are then
those of a workspace which never had that person, and can still be replayed to the track. Until that is done they are
not shown (`waits`). What chance put into them was told when they were shown, and is not told again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from counterpoint.discover.serving import Ready, Service, service_of
from counterpoint.discover.tables import VERSION, WEEK
from counterpoint.discover.version import kept_versions
from counterpoint.discover.week import KeptWeek, composed, tracks_of
from counterpoint.discover.weeks_kept import BATCH, kept_in, tracks_lately
from counterpoint.errors import NotFoundError, WorkspaceError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

__all__ = ["RENEWED", "renew_weeks", "waits"]

RENEWED = "recommender.weeks-renewed"


@dataclass(frozen=True, slots=True)
class _Stale:
    number: int
    until: int
    digest: str
    """Of the listening that the version is fitted on now; none where nothing was left to fit on."""


def waits(service: Service, recommender: str, row: Any) -> bool:
    """Whether a playlist that is kept must not be shown as it is, since it has yet to follow a forgetting."""
    try:
        fitted = service.version(recommender, row.number).fitted
    except (NotFoundError, WorkspaceError):
        return False
    return row.listening != fitted.version.digest and (fitted.behind or row.at <= fitted.stale)


def renew_weeks(workspace: Workspace, ref: str, say: Callable[[str], None]) -> int:
    """Make the playlists of a recommender again that have yet to follow, and say how many those were.

    Nothing is done while a version has yet to follow itself. Broken off, it goes on where it was.
    """
    with workspace.graph.read() as reader:
        kept = kept_versions(reader, ref)
    stale = [
        _Stale(each.version.number, each.stale, each.version.digest if each.version.state == "ready" else "")
        for each in kept
        if each.stale
    ]
    newest = workspace.journal.last_erasure()
    if not stale or any(each.version.state == "ready" and each.erasures < newest for each in kept):
        return 0
    service, done = service_of(workspace), 0
    while listeners := _whose(workspace, ref, stale):
        if not done:
            say(f"making weeks of {parse_ref(ref).short} again")
        try:
            done += _renew(service, ref, listeners, stale)
        except (
            NotFoundError,
            WorkspaceError,
        ):  # a version has moved on, or its file is lost: once it has followed
            return done
    with workspace.graph.write(SYSTEM) as writer:
        for each in stale:
            here = sa.and_(VERSION.c.recommender == ref, VERSION.c.number == each.number)
            writer.connection.execute(
                sa.update(VERSION).where(here, VERSION.c.stale == each.until).values(stale=0)
            )
        # How many is not said: everybody reads the log of changes.
        writer.record(RENEWED, ref)
    return done


def _whose(workspace: Workspace, ref: str, stale: Sequence[_Stale]) -> list[str]:
    query = sa.select(WEEK.c.listener).distinct().where(_behind(ref, stale)).limit(BATCH)
    with workspace.graph.read() as reader:
        return list(reader.connection.execute(query).scalars())


def _behind(ref: str, stale: Sequence[_Stale]) -> sa.ColumnElement[bool]:
    return sa.and_(
        WEEK.c.recommender == ref,
        sa.or_(
            *(
                sa.and_(
                    WEEK.c.number == each.number,
                    WEEK.c.listening != (each.digest or "gone"),
                    WEEK.c.at <= each.until,
                )
                for each in stale
            )
        ),
    )


def _renew(service: Service, ref: str, listeners: Sequence[str], stale: Sequence[_Stale]) -> int:
    """The playlists of some listeners, the oldest first, since each leaves out what those before it had."""
    gone = {each.number for each in stale if not each.digest}
    digests = {each.digest for each in stale}
    with service.workspace.graph.write(SYSTEM) as writer:
        rows = writer.connection.execute(
            sa.select(WEEK).where(_behind(ref, stale), WEEK.c.listener.in_(listeners)).order_by(WEEK.c.week)
        ).all()
        for row in rows:
            here = sa.and_(
                WEEK.c.recommender == ref, WEEK.c.listener == row.listener, WEEK.c.week == row.week
            )
            try:
                kept = kept_in(row)
            except msgspec.DecodeError:  # what cannot be read cannot be made again
                kept = None
            if row.number in gone or kept is None:
                writer.connection.execute(sa.delete(WEEK).where(here))
                continue
            ready = service.version(ref, row.number)
            if ready.fitted.version.digest not in digests:
                raise NotFoundError(f"Version {row.number} of {ref} has to follow somebody else meanwhile.")
            lately = tracks_lately(writer, ref, [row.listener], row.week).get(row.listener, ())
            values = _again(ready, kept, lately, row.listener, row.week)
            writer.connection.execute(sa.update(WEEK).where(here).values(values))
    return len(rows)


def _again(ready: Ready, kept: KeptWeek, lately: Sequence[str], listener: str, week: str) -> dict[str, Any]:
    """What a row holds, made from its own inputs by the version as it is now."""
    columns, before = ready.shelf.columns, kept.inputs
    inputs = replace(
        before,
        history={item: weight for item, weight in before.history.items() if item in columns},
        hidden=tuple(each for each in before.hidden if each in columns),
        lately=tuple(sorted(each for each in lately if each in columns)),
        digest=ready.fitted.version.digest,
    )
    playlist = composed(ready, inputs, listener, week)
    again = KeptWeek(
        variant=kept.variant, tracks=tracks_of(ready.shelf, playlist), inputs=inputs, renewed=True
    )
    return {
        "inputs": playlist.inputs,
        "listening": inputs.digest,
        "playlist": msgspec.json.encode(again).decode(),
    }
