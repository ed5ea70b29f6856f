"""Playlists of weeks in the graph's database and, for what chance decided, in the journal."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterpoint.discover.access import acting
from counterpoint.discover.forgotten import forgotten_since
from counterpoint.discover.tables import VERSION, WEEK
from counterpoint.discover.version import everybody
from counterpoint.discover.week import KeptWeek, Track, Week
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.moments import rfc3339, to_datetime
from counterpoint.workspace import Workspace

__all__ = [
    "BATCH",
    "EXPLORED",
    "find_row",
    "find_week",
    "keep_weeks",
    "kept_in",
    "rows_of",
    "tell_explored",
    "there",
    "tracks_lately",
    "week_in",
]

EXPLORED: Final = "dev.counterpoint.discover.explored"
"""The type of the events that tell what stood in a playlist by chance, and how likely it was."""
SOURCE: Final = "/api/v1/discover"
LATELY: Final = 4
"""Weeks whose tracks do not come again."""
BATCH: Final = 100
"""Playlists of one transaction."""


def find_row(workspace: Workspace, ref: str, listener: str, week: str) -> Any | None:
    """The row of a playlist; none where there is none."""
    with workspace.graph.read() as reader:
        return reader.connection.execute(sa.select(WEEK).where(_here(ref, listener, week))).one_or_none()


def find_week(workspace: Workspace, ref: str, listener: str, week: str) -> Week | None:
    """A playlist that is kept."""
    row = find_row(workspace, ref, listener, week)
    return week_in(row) if row is not None else None


def rows_of(reader: Reader, recommender: str, listener: str) -> list[Any]:
    """The row of every playlist that is kept of a listener, the newest first."""
    query = sa.select(WEEK).where(WEEK.c.recommender == recommender, WEEK.c.listener == listener)
    return list(reader.connection.execute(query.order_by(WEEK.c.week.desc())))


def keep_weeks(
    workspace: Workspace,
    actor: Actor,
    ref: str,
    week: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    read: int,
) -> list[str]:
    """Keep the playlists of those who have none yet, and say whose were kept. Writers wait for each other.

    Of who was forgotten since the journal was read for them (`read`, microseconds since 1970) none is kept. Whoever
    forgets says so first and deletes then, in a transaction that is before this one or after it. None is kept either
    that was made by a version as it is not any more, since it was fitted anew without somebody meanwhile.
    """
    with workspace.graph.write(acting(actor)) as writer:
        names = [row["listener"] for row in rows]
        away = there(writer, ref, week, names) | forgotten_since(workspace, ref, names, read)
        current = _current(writer, ref, workspace.journal.last_erasure())
        new = [
            row
            for row in rows
            if row["listener"] not in away
            and row["listening"] in current.get(row["number"], row["listening"])
        ]
        if new:
            writer.connection.execute(sa.insert(WEEK), new)
            # How many, and not whose: everybody reads the log of changes.
            writer.record("recommender.week-made", ref, after={"week": week, "playlists": len(new)})
    return [row["listener"] for row in new]


def _current(reader: Reader, ref: str, newest: int) -> dict[int, tuple[str, str]]:
    """For each version, what stands for the listening that it answers by: its own, or everybody's until it has followed."""
    query = sa.select(VERSION.c.number, VERSION.c.digest, VERSION.c.erasures)
    rows = reader.connection.execute(query.where(VERSION.c.recommender == ref))
    return {row.number: (row.digest, everybody(row.erasures, newest)) for row in rows}


def tell_explored(workspace: Workspace, ref: str, listeners: Sequence[str], week: str) -> None:
    """Put what chance decided into the journal. An event that is there already changes nothing."""
    for start in range(0, len(listeners), BATCH):
        with workspace.graph.read() as reader:
            rows = reader.connection.execute(
                sa.select(WEEK).where(
                    WEEK.c.recommender == ref,
                    WEEK.c.week == week,
                    WEEK.c.listener.in_(listeners[start : start + BATCH]),
                )
            ).all()
        found = [week_in(row) for row in rows if not kept_in(row).renewed]
        events = [
            _event(each, place, track)
            for each in found
            for place, track in enumerate(each.tracks, 1)
            if track.explored
        ]
        if events:
            workspace.journal.append(events)


def there(reader: Reader, ref: str, week: str, among: Collection[str] | None = None) -> frozenset[str]:
    """Whose playlist of a week is kept."""
    query = sa.select(WEEK.c.listener).where(WEEK.c.recommender == ref, WEEK.c.week == week)
    if among is not None:
        query = query.where(WEEK.c.listener.in_(list(among)))
    return frozenset(reader.connection.execute(query).scalars())


def tracks_lately(
    reader: Reader, ref: str, listeners: Sequence[str], week: str
) -> dict[str, tuple[str, ...]]:
    """What the playlists of the weeks before had, for each listener."""
    begins = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    before = []
    for back in range(1, LATELY + 1):
        year, number, _ = (begins - timedelta(weeks=back)).isocalendar()
        before.append(f"{year}-W{number:02d}")
    rows = reader.connection.execute(
        sa.select(WEEK.c.listener, WEEK.c.playlist).where(
            WEEK.c.recommender == ref, WEEK.c.week.in_(before), WEEK.c.listener.in_(listeners)
        )
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        tracks = kept_in(row).tracks
        found[row.listener] = (*found.get(row.listener, ()), *(each.item for each in tracks))
    return found


def kept_in(row: Any) -> KeptWeek:
    """What a row's text holds."""
    return msgspec.json.decode(row.playlist, type=KeptWeek)


def _event(week: Week, place: int, track: Track) -> dict[str, Any]:
    # The same each time it is told, and nothing that anybody could guess: who sends an event of a known id is answered
    # that it is there, and would learn who has a playlist and where chance decided in it.
    known = (week.recommender, week.week, week.listener, str(place), week.inputs, rfc3339(week.until))
    return {
        "specversion": "1.0",
        "id": hashlib.sha256("\n".join(known).encode("utf-8", "surrogatepass")).hexdigest(),
        "source": SOURCE,
        "type": EXPLORED,
        "subject": week.listener,
        "time": rfc3339(week.made_at),
        "data": {
            "recommender": week.recommender,
            "week": week.week,
            "version": week.version,
            "place": place,
            "item": track.item,
            "propensity": track.propensity,
            "personal": week.personal,
        },
    }


def _here(ref: str, listener: str, week: str) -> sa.ColumnElement[bool]:
    return sa.and_(WEEK.c.recommender == ref, WEEK.c.listener == listener, WEEK.c.week == week)


def week_in(row: Any) -> Week:
    """The playlist that a row holds."""
    kept = kept_in(row)
    return Week(
        recommender=row.recommender,
        listener=row.listener,
        week=row.week,
        made_at=to_datetime(row.at),
        version=row.number,
        variant=kept.variant,
        until=to_datetime(row.until),
        seed=row.seed,
        inputs=row.inputs,
        personal=kept.inputs.personal,
        tracks=kept.tracks,
    )
