"""The week's playlist of each listener: made once, kept with what it was made from, and made again to the track.

Exactly one playlist exists for a recommender, a listener and an ISO week, however many ask at once: it is computed
beside, and of two that are ready the first is kept and the other is thrown away, in one transaction of the graph.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.discover.access import require_listeners
from counterpoint.discover.choosing import Choice, expose
from counterpoint.discover.corrections import Corrected
from counterpoint.discover.hearing import Heard, heard_of
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import Plan
from counterpoint.discover.serving import Ready, Service
from counterpoint.discover.tables import CORRECTIONS
from counterpoint.discover.week import (
    KeptWeek,
    Week,
    as_shown,
    checked_week,
    composed,
    inputs_of,
    this_week,
    tracks_of,
)
from counterpoint.discover.weekly import seed_of
from counterpoint.discover.weeks_kept import (
    BATCH,
    find_row,
    keep_weeks,
    kept_in,
    tell_explored,
    there,
    tracks_lately,
    week_in,
)
from counterpoint.discover.weeks_renewed import waits
from counterpoint.errors import ConflictError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.moments import to_datetime, to_micros
from counterpoint.said import Said

__all__ = ["Made", "Replayed", "make_weeks", "replay", "week_of"]

Advance = Callable[[float, float | None], None]


class Made(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a batch did."""

    week: str
    made: int
    already: int
    """Listeners who had one, as after a batch that was broken off."""
    versions: dict[str, int]
    """How many were made by each version."""


class Replayed(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A playlist made again from its inputs."""

    week: str
    version: int
    equal: bool
    """To the track, with its place, score and propensity."""
    inputs_equal: bool
    """Whether the journal, cut as it was then, still says the same of the listener."""
    differs: tuple[Said, ...] = ()


def week_of(
    service: Service,
    actor: Actor,
    recommender: str,
    listener: str,
    *,
    week: str | None = None,
    now: datetime | None = None,
) -> Week:
    """A listener's playlist: the one that is kept; this week's is made where there is none yet.

    What the listener took out since is not shown; who withdrew consent since sees what many listen to, and so does
    everybody whose playlist has yet to be made again without somebody who was forgotten.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: no such recommender; no version is ready; or no playlist of another week.
        InputError: no ISO week.
    """
    require_listeners(actor, listener)
    current = this_week(now)
    wanted = checked_week(week, now) if week is not None else current
    ref, plan = service.plan(recommender)
    row = find_row(service.workspace, ref, listener, wanted)
    if row is None:
        if wanted != current:
            raise NotFoundError(f"There is no playlist of the week {wanted} for this listener.")
        make_weeks(service, actor, recommender, week=wanted, listeners=[listener], now=now)
        row = find_row(service.workspace, ref, listener, wanted)
        if row is None:  # the listener was forgotten in this moment
            raise ConflictError("The playlist went while it was made; ask again.")
    heard = service.hearing.of(ref, plan, listener)
    waiting = waits(service, ref, row)
    shown = as_shown(service.newest(recommender).shelf, week_in(row), heard, waits=waiting)
    if shown.variant is not None and shown.personal:
        expose(service.workspace, plan, Choice(shown.version, shown.variant), listener)
    return shown


def make_weeks(
    service: Service,
    actor: Actor,
    recommender: str,
    *,
    week: str | None = None,
    listeners: Collection[str] | None = None,
    now: datetime | None = None,
    advance: Advance = lambda done, total: None,
) -> Made:
    """Make the playlists that are missing: everybody's who listens, or some listeners'.

    Broken off, it goes on where it was. What chance decided goes to the journal with its propensity.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: no such recommender, or no version is ready.
        InputError: no ISO week, or one that is further ahead than the next.
    """
    require_listeners(actor, *(listeners or ()))
    wanted = checked_week(week, now) if week is not None else this_week(now)
    service.newest(recommender)
    ref, plan = service.plan(recommender)
    until = now or datetime.now(UTC)
    read = service.workspace.journal.now()
    listened = _listened(service, ref, plan, until, listeners)
    names = sorted(listeners) if listeners is not None else [str(each) for each in listened.listeners]
    with service.workspace.graph.read() as reader:
        before = there(reader, ref, wanted)
        corrected = _corrected(reader, ref)
    # A batch that was killed between playlist and event is made good.
    tell_explored(service.workspace, ref, [each for each in names if each in before], wanted)
    todo = [each for each in names if each not in before]
    by_version = Counter[str]()
    zone = service.workspace.settings.discover.time_zone
    for start in range(0, len(todo), BATCH):
        batch = todo[start : start + BATCH]
        with service.workspace.graph.read() as reader:
            lately = tracks_lately(reader, ref, batch, wanted)
        rows = []
        ready: dict[int, Ready] = {}
        for listener in batch:
            heard = (
                heard_of(listened, listener, corrected.get(listener, Corrected()), zone=zone)
                if listener in listened.rows
                else service.hearing.of(ref, plan, listener)
            )
            choice = service.choice(recommender, listener, personal=heard.personal, exposed=False)
            if choice.number not in ready:
                ready[choice.number] = service.chosen(
                    recommender, listener, personal=heard.personal, exposed=False
                )
            found = dataclasses.replace(ready[choice.number], choice=choice)
            rows.append(_row(found, heard, listener, wanted, lately.get(listener, ()), until))
        kept = set(keep_weeks(service.workspace, actor, ref, wanted, rows, read=read))
        tell_explored(service.workspace, ref, sorted(kept), wanted)
        by_version.update(str(row["number"]) for row in rows if row["listener"] in kept)
        advance(start + len(batch), len(todo))
    made = by_version.total()
    return Made(week=wanted, made=made, already=len(names) - len(todo), versions=dict(by_version))


def replay(
    service: Service, actor: Actor, recommender: str, listener: str, *, week: str | None = None
) -> Replayed:
    """Make a playlist again from what it was made from, and say whether it is the same.

    Raises:
        NotAllowedError, NotFoundError, InputError: as `week_of`; or its version is not kept any more.
        ConflictError: it has yet to be made again without somebody who was forgotten.
    """
    require_listeners(actor, listener)
    wanted = checked_week(week) if week is not None else this_week()
    ref, plan = service.plan(recommender)
    row = find_row(service.workspace, ref, listener, wanted)
    if row is None:
        raise NotFoundError(f"There is no playlist of the week {wanted} for this listener.")
    if waits(service, ref, row):
        raise ConflictError("Somebody was forgotten, and this playlist has yet to follow; ask again later.")
    kept = kept_in(row)
    ready = service.version(recommender, row.number)
    again = composed(ready, kept.inputs, listener, wanted)
    tracks = tracks_of(ready.shelf, again)
    listened = _listened(service, ref, plan, to_datetime(row.until), [listener])
    history = heard_of(listened, listener, Corrected()).liking.weights
    same = all(history.get(item) == weight for item, weight in kept.inputs.history.items())
    differs: list[str] = []
    if ready.fitted.version.digest != kept.inputs.digest:
        differs.append("The version was fitted anew since, after somebody was forgotten.")
    if again.inputs != row.inputs:
        differs.append("The digest of the inputs is another one.")
    if tracks != kept.tracks:
        differs.append("The tracks are others.")
    if not same:
        differs.append(
            "The journal does not say any more what it said then; the playlist was made from what is kept with it."
        )
    equal = again.inputs == row.inputs and tracks == kept.tracks
    return Replayed(week=wanted, version=row.number, equal=equal, inputs_equal=same, differs=tuple(differs))


def _listened(
    service: Service, ref: str, plan: Plan, until: datetime, listeners: Collection[str] | None
) -> Listened:
    """What was heard until a moment, as it was known at that moment."""
    return listening_of(
        service.workspace,
        ref,
        plan,
        until=until + timedelta(microseconds=1),
        known=to_micros(until),
        listeners=listeners,
    )


def _row(
    ready: Ready, heard: Heard, listener: str, week: str, lately: Sequence[str], until: datetime
) -> dict[str, Any]:
    """The row of a playlist."""
    inputs = inputs_of(ready, heard, lately)
    playlist = composed(ready, inputs, listener, week)
    kept = KeptWeek(variant=ready.choice.variant, tracks=tracks_of(ready.shelf, playlist), inputs=inputs)
    return {
        "recommender": ready.ref,
        "listener": listener,
        "week": week,
        "at": to_micros(until),
        "number": ready.fitted.version.number,
        "until": to_micros(until),
        "seed": str(seed_of(listener, week)),
        "inputs": playlist.inputs,
        "playlist": msgspec.json.encode(kept).decode(),
        "listening": inputs.digest,
    }


def _corrected(reader: Reader, ref: str) -> dict[str, Corrected]:
    rows = reader.connection.execute(
        sa.select(CORRECTIONS.c.listener, CORRECTIONS.c.corrections).where(CORRECTIONS.c.recommender == ref)
    )
    return {row.listener: msgspec.json.decode(row.corrections, type=Corrected) for row in rows}
