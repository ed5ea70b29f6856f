"""Forgetting listeners: their rows go, and every version that had them is fitted anew without them.

    forget_listener     a listener who asks it of a recommender, or of all; the journal keeps their events
    forget_at_once      the same without waiting for the fits, as the server does it (`follower.py`)
    follow              after the journal forgot somebody, consent was withdrawn, or a file was lost
    follow_erasure      the same in the command that made the journal forget

A version is fitted anew with the same method, options, seed and cut of the journal, so that its file is that of a
workspace which never had the listener, byte for byte. From the forgetting until then it answers with what
everybody hears, counted anew (`versions.load_version`): nothing that had the listener is asked.
"""

import dataclasses
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Table, delete, func, select

from counterpoint.discover.assembling import NO_CONSENT, NO_CONSENT_TO_LISTS
from counterpoint.discover.consent import CONSENT, last_refused, refusals
from counterpoint.discover.fitting import Choice
from counterpoint.discover.forgotten import FORGOTTEN, declare_forgotten, forgotten
from counterpoint.discover.listening import listening_of
from counterpoint.discover.making import alone, file_of, has_heard, leave_nothing, made
from counterpoint.discover.plan import read_plan
from counterpoint.discover.tables import OF_LISTENERS, VERSION
from counterpoint.discover.told import forget_figures
from counterpoint.discover.version import KeptVersion, kept_versions, put
from counterpoint.discover.weeks_renewed import renew_weeks
from counterpoint.errors import ConflictError
from counterpoint.graph.actor import SYSTEM, Actor, local_actor
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.writer import Writer
from counterpoint.journal.erasure import UNNAMED
from counterpoint.journal.forgotten import forgotten_hashes
from counterpoint.journal.sought import Hashed, Named, Sought
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = [
    "Followed",
    "follow",
    "follow_erasure",
    "forget_at_once",
    "forget_listener",
    "is_due",
    "would_forget",
]

FOLLOWED = "recommender.forgot"
WAIT = 600.0
"""Seconds that are waited for a fit of another process."""
BATCH = 500
MOST_WORDS = 1_000
"""Words against personalisation that are looked at one by one; with more, all of the listening is."""
MARGIN = 50
"""Words of before that are looked at with them, since the order of arrival is not quite that of being counted."""
Progress = Callable[[str], None]


class Followed(msgspec.Struct, frozen=True, rename="camel"):
    """What a forgetting changed."""

    rows: int = 0
    """Weeks, corrections and links that were deleted."""
    fitted: tuple[str, ...] = ()
    """Versions that were fitted anew, as recommender/number."""
    gone: tuple[str, ...] = ()
    """Versions of which nothing was left to fit on."""
    kept: tuple[str, ...] = ()
    """Versions that had nothing of them."""
    waiting: tuple[str, ...] = ()
    """Recommenders whose versions have yet to follow: until then they answer with what everybody hears."""


def forget_listener(
    workspace: Workspace,
    actor: Actor,
    name: str | None,
    listener: str,
    *,
    progress: Progress = lambda _: None,
) -> Followed:
    """Forget a listener, for one recommender or (None) all of them, and let every version follow.

    Who calls decides whether the actor acts for the listener: it is the listener's right, and needs nobody's leave.

    Raises:
        NotFoundError, InputError: as `read_plan`, or the text cannot be a listener's name.
    """
    ref, rows = _forgotten(workspace, actor, name, listener)
    return replace(follow(workspace, actor, recommender=ref, progress=progress), rows=rows)


def forget_at_once(workspace: Workspace, actor: Actor, name: str | None, listener: str) -> Followed:
    """The same without waiting for the versions: they are `waiting`, and answer with what everybody hears.

    That they have yet to follow is on the disk when this returns; `follow` in whatever process goes on from there.

    Raises:
        NotFoundError, InputError: as `forget_listener`.
    """
    ref, rows = _forgotten(workspace, actor, name, listener)
    with workspace.graph.read() as reader:
        found = {each.version.recommender for each in kept_versions(reader, ref)}
    return Followed(rows=rows, waiting=tuple(sorted(found)))


def _forgotten(workspace: Workspace, actor: Actor, name: str | None, listener: str) -> tuple[str | None, int]:
    """The recommender's reference, and how many rows of the listener's were deleted."""
    ref = None
    if name is not None:
        with workspace.graph.read() as reader:
            ref = read_plan(reader, name)[0].ref
    # Before it is told, so that whatever happens next nothing that had them answers; and after, for a version that
    # has followed in between.
    _mark(workspace, actor, ref)
    declare_forgotten(workspace, listener, ref, source=actor.ref)
    rows = _let_go(workspace, actor, [Named(listener)], ref)
    _mark(workspace, actor, ref)
    return ref, rows


def would_forget(workspace: Workspace, name: str | None, listener: str) -> Followed:
    """What `forget_listener` would delete, and which versions it would look at; nothing is changed.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    with workspace.graph.read() as reader:
        ref = None if name is None else read_plan(reader, name)[0].ref
        rows = sum(
            reader.connection.execute(
                select(func.count()).select_from(table).where(table.c.listener == listener, *_of(table, ref))
            ).scalar_one()
            for table in OF_LISTENERS
        )
        found = [each.version for each in kept_versions(reader, ref) if each.version.state == "ready"]
    with_them: list[str] = []
    without: list[str] = []
    for version in found:
        listened = listening_of(
            workspace, version.recommender, version.plan, until=version.until, listeners=[listener]
        )
        label = f"{parse_ref(version.recommender).short}/{version.number}"
        (with_them if len(listened.listeners) or listened.playlists else without).append(label)
    return Followed(rows=rows, fitted=tuple(with_them), kept=tuple(without))


def follow(
    workspace: Workspace,
    actor: Actor,
    *,
    recommender: str | None = None,
    everything: bool = False,
    wait: float | None = None,
    progress: Progress = lambda _: None,
) -> Followed:
    """Let versions follow what was forgotten since they were fitted.

    Args:
        workspace: where they live.
        actor: who asks.
        recommender: whose versions, by its reference; those of all without it.
        everything: look at every version, also where nothing is known to be forgotten or withdrawn: private sessions
            and lost files are followed then.
        wait: seconds to wait for another process that fits; `WAIT` without it.
        progress: told in a line what is being done.
    """
    people = forgotten_hashes(workspace.journal.folder)
    rows = _let_go(workspace, actor, people, recommender) + _let_go_of_asked(workspace, actor, recommender)
    with workspace.graph.read() as reader:
        refs = sorted({each.version.recommender for each in kept_versions(reader, recommender)})
    done = Followed(rows=rows)
    for ref in refs:
        try:
            with alone(workspace, ref, wait=WAIT if wait is None else wait):
                done = _follow(workspace, actor, ref, done, everything=everything, progress=progress)
                renew_weeks(workspace, ref, progress)
        except ConflictError:
            done = replace(done, waiting=(*done.waiting, ref))
    return done


def is_due(workspace: Workspace) -> bool:
    """Whether any version has yet to follow a forgetting or a withdrawal, or weeks are to be made again; a quick look."""
    newest = workspace.journal.last_erasure()
    with workspace.graph.read() as reader:
        rows = reader.connection.execute(
            select(VERSION.c.state, VERSION.c.erasures, VERSION.c.refusals, VERSION.c.stale)
        ).all()
    ready = [row for row in rows if row.state != "gone"]
    if any(row.stale for row in rows) or any(row.erasures < newest for row in ready):
        return True
    words = refusals(workspace) if ready else 0
    return any(row.refusals != words for row in ready)


def follow_erasure(workspace: Workspace, people: Sequence[str], say: Progress) -> list[Said]:
    """What every recommender did after the journal forgot some people, in sentences; none where nothing was to do."""
    actor = local_actor()
    rows = _let_go(workspace, actor, [Named(text) for text in people], None)
    done = follow(workspace, actor, progress=say)
    said: list[Said] = []
    if rows + done.rows:
        said.append(f"{rows + done.rows} rows of recommenders were deleted.")
    if done.fitted:
        said.append(f"Fitted anew without them: {', '.join(done.fitted)}.")
    if done.gone:
        said.append(f"Nothing was left to fit on, so these versions are gone: {', '.join(done.gone)}.")
    if done.waiting:
        said.append(
            f"Another process is fitting {', '.join(done.waiting)}: until `counterpoint discover follow` has run, its"
            " versions answer with what everybody hears."
        )
    return said


def _follow(
    workspace: Workspace, actor: Actor, ref: str, done: Followed, *, everything: bool, progress: Progress
) -> Followed:
    with workspace.graph.read() as reader:
        found = kept_versions(reader, ref)
    words = refusals(workspace)
    for kept in found:
        label = f"{parse_ref(ref).short}/{kept.version.number}"
        behind = kept.erasures < workspace.journal.last_erasure() or kept.refusals != words
        if kept.version.state == "fitting" and (everything or behind):
            # Nobody is fitting it: it was broken off, and what it has kept may have somebody who counts no more.
            leave_nothing(workspace, kept.version)
            with workspace.graph.write(SYSTEM) as writer:
                newest = workspace.journal.last_erasure()
                put(writer, dataclasses.replace(kept, erasures=newest, refusals=words))
        elif kept.version.state == "ready":
            lost = bool(kept.stale) and not file_of(workspace, ref, kept.version.number).exists()
            if not (everything or lost or behind):
                continue
            progress(f"looking at {label}")
            if everything or lost or _is_concerned(workspace, kept, words):
                became = _followed(workspace, actor, kept, progress)
            else:
                became = "kept"
            done = replace(done, **{became: (*getattr(done, became), label)})
    return done


def _is_concerned(workspace: Workspace, kept: KeptVersion, words: int) -> bool:
    """Whether what it has yet to follow took any event of the types that it reads, or anybody whom it has heard.

    Else it has followed. `words` is how many words against personalisation there are.
    """
    plan = kept.version.plan
    described = [each.event for each in (plan.playlists, plan.items) if each is not None]
    types = {CONSENT, FORGOTTEN, UNNAMED, *(each.event for each in plan.signals), *described}
    since = [each for each in workspace.journal.erasures() if each.number > kept.erasures]
    if kept.erasures < 0 or any(types & each.types.keys() for each in since):
        return True
    if _has_withdrawn(workspace, kept, words - kept.refusals):
        return True
    followed = dataclasses.replace(kept, refusals=words)
    if since:  # weeks that were made meanwhile have what everybody hears
        followed = dataclasses.replace(followed, erasures=since[-1].number, stale=workspace.journal.now())
    with workspace.graph.write(SYSTEM) as writer:
        put(writer, followed)
        writer.record(
            FOLLOWED, kept.version.recommender, after={"number": kept.version.number, "became": "kept"}
        )
    return False


def _has_withdrawn(workspace: Workspace, kept: KeptVersion, more: int) -> bool:
    """Whether anybody of the last `more` who said no was heard before the cut: who says no on joining is in no version."""
    if not 0 <= more <= MOST_WORDS:
        return True
    if not more:
        return False
    version = kept.version
    listened = listening_of(
        workspace,
        version.recommender,
        version.plan,
        until=version.until,
        known=kept.known,
        listeners=last_refused(workspace, more + MARGIN),
    )
    return bool({NO_CONSENT, NO_CONSENT_TO_LISTS} & listened.left_out.keys())


def _followed(workspace: Workspace, actor: Actor, kept: KeptVersion, progress: Progress) -> str:
    """One version, and what became of it: fitted, gone or kept."""
    version = kept.version
    while True:
        marked = _row(workspace, version.recommender, version.number)
        erasures, words = workspace.journal.last_erasure(), refusals(workspace)
        listened = listening_of(
            workspace, version.recommender, version.plan, until=version.until, known=kept.known
        )
        file = file_of(workspace, version.recommender, version.number)
        was_behind = marked.erasures < erasures or marked.refusals != words or not file.exists()
        if not has_heard(listened):
            became, after = (
                "gone",
                replace(version, state="gone", trials=(), evaluation=(), digest="", bytes=0),
            )
        elif listened.digest == version.digest and file.exists():
            became, after = "kept", version
        else:
            choice = Choice(version.method, version.options, note=version.notes[0] if version.notes else "")
            others = [(each.method, each.options) for each in version.evaluation[1:]]
            became, after = "fitted", made(workspace, version, listened, choice, others, progress)
        if became == "kept" and not was_behind:
            return became
        with workspace.graph.write(_writes(actor)) as writer:
            (row,) = kept_versions(writer, version.recommender, number=version.number)
            if row.erasures != marked.erasures or workspace.journal.last_erasure() != erasures:
                continue  # somebody else was forgotten meanwhile
            stale = workspace.journal.now() if was_behind else row.stale
            put(writer, KeptVersion(after, kept.known, erasures, words, stale))
            if was_behind and became != "kept":
                forget_figures(writer, version.recommender)
            # Also of what was kept: it answers again, and processes look when the log of changes has grown.
            writer.record(FOLLOWED, version.recommender, after={"number": version.number, "became": became})
        leave_nothing(workspace, version)
        if became == "gone":
            file.unlink(missing_ok=True)
        return became


def _row(workspace: Workspace, ref: str, number: int) -> KeptVersion:
    with workspace.graph.read() as reader:
        return kept_versions(reader, ref, number=number)[0]


def _mark(workspace: Workspace, actor: Actor, recommender: str | None) -> None:
    """Let every version answer with what everybody hears until it has followed, in every process from now on."""
    with workspace.graph.write(_writes(actor)) as writer:
        found = kept_versions(writer, recommender)
        for kept in found:
            # Each time another number, so that what is counted anew is counted again.
            put(writer, dataclasses.replace(kept, erasures=min(kept.erasures, 0) - 1))
        for ref in sorted({each.version.recommender for each in found}):
            forget_figures(writer, ref)
            # Processes look at rows again when the log of changes has grown.
            writer.record(FOLLOWED, ref, after={"became": "waiting"})


def _let_go(
    workspace: Workspace, actor: Actor, people: Sequence[Named | Hashed], recommender: str | None
) -> int:
    """Delete what discover keeps of some people.

    Rows that are newer than the forgetting of a person who is known by a hash only stay: they are of somebody who
    has come back.
    """
    if not people:
        return 0
    sought = Sought(people)
    deleted = 0
    with workspace.graph.write(_writes(actor)) as writer:
        for table in OF_LISTENERS:
            deleted += _delete(writer, table, sought, recommender)
        if deleted:
            writer.record(FOLLOWED, recommender or "recommenders", after={"became": "forgotten"})
    if deleted:
        workspace.graph.settle()
    return deleted


def _let_go_of_asked(workspace: Workspace, actor: Actor, recommender: str | None) -> int:
    """Delete rows of those who asked to be forgotten after they were made: that was broken off, or a backup had them."""
    found: list[tuple[Table, str, str, int]] = []
    with workspace.graph.read() as reader:
        for table in OF_LISTENERS:
            mine = select(table.c.recommender, table.c.listener, table.c.at).where(*_of(table, recommender))
            found += [(table, *row) for row in reader.connection.execute(mine.distinct())]
    if not found:
        return 0
    refs = sorted({ref for _, ref, _, _ in found})
    with workspace.journal.snapshot() as snapshot:
        asked = {ref: forgotten(snapshot, ref) for ref in refs}
    found = [each for each in found if each[3] <= asked[each[1]].get(each[2], -1)]
    if not found:
        return 0
    deleted = 0
    with workspace.graph.write(_writes(actor)) as writer:
        _erase_for_good(writer)
        for table, ref, listener, at in found:
            this = (table.c.recommender == ref, table.c.listener == listener, table.c.at == at)
            deleted += writer.connection.execute(delete(table).where(*this)).rowcount
        writer.record(FOLLOWED, recommender or "recommenders", after={"became": "forgotten"})
    workspace.graph.settle()
    return deleted


def _erase_for_good(writer: Writer) -> None:
    """Overwrite what this transaction deletes."""
    if writer.connection.dialect.name == "sqlite":
        writer.connection.exec_driver_sql("PRAGMA secure_delete = ON")


def _delete(writer: Writer, table: Table, sought: Sought, recommender: str | None) -> int:
    _erase_for_good(writer)
    mine = _of(table, recommender)
    deleted = 0
    if sought.names_all:
        texts = [each.text for each in sought.people if isinstance(each, Named)]
        for start in range(0, len(texts), BATCH):
            some = table.c.listener.in_(texts[start : start + BATCH])
            deleted += writer.connection.execute(delete(table).where(some, *mine)).rowcount
        return deleted
    found = writer.connection.execute(select(table.c.listener, table.c.at).where(*mine).distinct()).all()
    for listener, at in found:
        if sought.in_row((None, None, None, listener, at, None, None)):
            this = (table.c.listener == listener, table.c.at == at)
            deleted += writer.connection.execute(delete(table).where(*this, *mine)).rowcount
    return deleted


def _of(table: Table, recommender: str | None) -> list[ColumnElement[bool]]:
    return [] if recommender is None else [table.c.recommender == recommender]


def _writes(actor: Actor) -> Actor:
    """Who writes: a listener's own forgetting needs nobody's leave, and is nobody's in the log."""
    return actor if actor.kind in {"local", "system"} else SYSTEM
