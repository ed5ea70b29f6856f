"""Writing the graph: documents and activity in one transaction, all or nothing."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from counterpoint.errors import (
    ConflictError,
    InputError,
    NotAllowedError,
    NotFoundError,
    PreconditionError,
    Problem,
)
from counterpoint.graph.actor import Actor
from counterpoint.graph.bulk import indexes_later, insert_rows
from counterpoint.graph.consent import Consent
from counterpoint.graph.descriptor import (
    etag_of,
    normalise,
    ref_of,
    refusal_of,
    relations_of,
    validate,
)
from counterpoint.graph.difference import difference
from counterpoint.graph.entity import Activity, Entity, Put
from counterpoint.graph.handover import is_marked, keep_decisions
from counterpoint.graph.kinds import INVERSES, kind_of
from counterpoint.graph.preparing import COLUMNS as NEW_COLUMNS
from counterpoint.graph.preparing import Numbers, Rows, Uids, described
from counterpoint.graph.reader import _batches, _text
from counterpoint.graph.ref import Ref
from counterpoint.graph.search import postings_of
from counterpoint.graph.statements import (
    CLOSE,
    CLOSE_EDGE,
    FORGET_WORDS,
    LATEST,
    MADE_BY,
    ORDER,
    ORDERED,
    rows_of,
)
from counterpoint.graph.tables import activity, decode, encode, posting, relation, revision, status, tag
from counterpoint.moments import to_datetime, to_micros

__all__ = ["LOCATION_LENGTH", "NotNewError", "Writer"]

WAITING = 10_000
"""Revisions that may wait in memory, about 5 KB each."""
MANY = 1_000
"""Revisions from which it pays to sort the indexes of an empty graph only when all are in it."""
LOCATION_LENGTH = 2_000
"""Characters of a location: what an index of PostgreSQL holds."""


class NotNewError(ConflictError):
    """Rows were made for an entity that the graph has, or had, or for another moment of it."""


class Writer(Consent):
    """One transaction. Rows wait in memory until something is read, so that imports write in bulk."""

    def __init__(
        self,
        connection: sa.Connection,
        actor: Actor,
        load: Callable[[str], Entity],
        *,
        unknown_kinds: bool = False,
        at: datetime | None = None,
    ) -> None:
        super().__init__(connection, actor)
        self._unknown_kinds = unknown_kinds
        self._load_later = load
        self._open = True
        self._rows_waiting: dict[sa.Table, list[Any]] = {table: [] for table in ORDER}
        """Rows as dictionaries, or those of which there are many for each entity in the order of `statements.COLUMNS`."""
        self._refs_waiting: set[str] = set()
        self._uids: Uids | None = None
        self._closing: list[dict[str, int]] = []
        self._closing_edges: list[dict[str, int]] = []
        self._preloaded: dict[str, Any] = {}
        last = connection.execute(
            sa.select(activity.c.seq, activity.c.at).order_by(activity.c.seq.desc()).limit(1)
        ).first()
        self._activity = last.seq if last else 0
        self._revision = connection.execute(sa.select(sa.func.max(revision.c.seq))).scalar() or 0
        # One moment for the whole transaction, later than every earlier one even if the clock went back.
        clock = time.time_ns() // 1000
        if at is not None and to_micros(at) > clock:
            raise InputError(f"{at.isoformat()} is in the future; nothing can have happened then.")
        self.now = max(clock if at is None else to_micros(at), last.at + 1 if last else 0)

    @property
    def connection(self) -> sa.Connection:
        """The connection, for a room's own tables; it sees everything written so far."""
        self.flush()
        return self._connection

    def put(
        self,
        document: Mapping[str, Any],
        *,
        reason: str | None = None,
        location: str | None = None,
        if_match: Collection[str] | None = None,
        validated: bool = False,
        asked: bool = False,
    ) -> Put:
        """Write a descriptor: create the entity, or a new version of it, or nothing if it is the same.

        `location` says where the document was read from; none keeps what is known. With `if_match`
        the entity must still have one of these etags; `*` stands for any. `validated` says that the
        caller has found nothing wrong with the document, so that thousands are not checked twice. With
        `asked` the room has made sure itself that the actor may, as for what follows from a decision
        that was theirs.

        Raises:
            InputError: the document is not valid; the problems carry pointers.
            NotAllowedError: the actor may not write the entity.
            PreconditionError: there is no such entity, or it has an etag that `if_match` does not name.
        """
        problems = [] if validated else validate(document, unknown_kinds=self._unknown_kinds)
        if location is not None and len(location) > LOCATION_LENGTH:
            problems.append(
                Problem(f"The location has {len(location)} characters; {LOCATION_LENGTH} are the most.")
            )
        if problems:
            raise InputError(refusal_of(document), problems)
        plain = normalise(document, declared=location is not None)
        ref = str(ref_of(plain))
        latest = self._latest(ref)
        old = _present(latest)
        if if_match is not None:
            _match(ref, old, if_match)
        if location is not None and old is not None and is_marked(old.document):
            plain = keep_decisions(decode(old.document), plain)
        etag = etag_of(plain)
        if old is not None and old.etag == etag and location in (None, old.location):
            return Put("unchanged", ref, self._load)  # whoever asks: nothing is written
        if not asked:
            self._allow(ref, old, plain)
        outcome: Literal["created", "updated"] = "updated" if old is not None else "created"
        version = latest.version + 1 if latest is not None else 1
        before, after = (
            difference(_logged(decode(old.document)), _logged(plain))
            if old is not None
            else (None, {"version": version, "etag": etag})
        )
        row = self._row(plain, ref, version, etag, outcome)
        row["uid"] = old.uid if old is not None else self._new_uid()
        row["location"] = location if location is not None or old is None else old.location
        self._close(old)
        self._add(row, plain, old)
        self.record(f"entity.{outcome}", ref, before=before, after=after, reason=reason)
        return Put(outcome, ref, self._load)

    def delete(self, ref: Ref | str, *, reason: str | None = None) -> None:
        """Delete an entity; its history stays.

        Raises:
            NotFoundError: there is none.
            NotAllowedError: the actor may not.
        """
        text, old = self._writable(ref)
        self._close(old)
        self._relate(text, set(), old)
        self._revision += 1
        tombstone = {
            **old._asdict(),
            "seq": self._revision,
            "version": old.version + 1,
            "action": "deleted",
            "document": None,
        }
        self._wait(
            revision, tombstone | {"actor": self.actor.ref, "valid_from": self.now, "valid_to": self.now}
        )
        self._refs_waiting.add(text)
        self._units = None
        self._connection.execute(sa.delete(status).where(status.c.ref == text))
        self.record("entity.deleted", text, before={"version": old.version, "etag": old.etag}, reason=reason)

    def set_status(self, ref: Ref | str, items: Sequence[Mapping[str, Any]]) -> bool:
        """Say what is wrong with an entity as Backstage's `status.items`; empty where nothing is any more.

        Whether that was news: the same status again changes nothing.
        """
        text, wanted = _text(ref), encode(list(items)) if items else None
        here = status.c.ref == text
        held = self.connection.execute(sa.select(status.c["items"]).where(here)).scalar()
        if held == wanted:
            return False
        if held is not None:
            self._connection.execute(sa.delete(status).where(here))
        if wanted is not None:
            self._connection.execute(sa.insert(status), {"ref": text, "items": wanted})
        self.record("entity.status", text, before=decode(held), after=decode(wanted))
        return True

    def record(
        self,
        action: str,
        subject: Ref | str,
        *,
        before: Any = None,
        after: Any = None,
        reason: str | None = None,
    ) -> Activity:
        """Note a change in the activity log, in this transaction; for what rooms change beside documents."""
        self._activity += 1
        reason = reason.replace("\x00", "") if reason else None  # PostgreSQL keeps no NUL
        made = Activity(
            self._activity, to_datetime(self.now), self.actor.ref, action, str(subject), before, after, reason
        )
        row = {
            "seq": made.seq,
            "at": self.now,
            "actor": made.actor,
            "action": action,
            "subject": made.subject,
        }
        self._wait(activity, row | {"before": encode(before), "after": encode(after), "reason": reason})
        return made

    def relate(self, origin: str, edges: Iterable[tuple[str, str, str]], *, fresh: bool = False) -> None:
        """Let the relations that `origin` makes be these (source, type, target), each with its inverse.

        For relations that no document makes, such as those of a dated membership: `origin` is then
        `membership:<id>`. Without edges it makes none any more. The room records what happened. `fresh`
        says that this origin has never made any, so that nobody need look.
        """
        both = {edge for source, kind, target in edges for edge in _both_ways(source, kind, target)}
        if not fresh:
            self.flush()
        self._relate(origin, both, None if fresh else origin)
        self._units = None

    def insert(self, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows of a room's own table, faster than its `insert` would."""
        if rows:
            insert_rows(self.connection, table, columns, rows)

    def numbers(self) -> Numbers:
        """The numbers with which rows for `add_new` are made; nothing else may be written before these are added."""
        self.flush()
        return Numbers(self._revision, self._activity, self.now, self.actor.ref)

    def mark(self) -> tuple[int, int, int]:
        """How far this transaction has brought the graph: newest activity, its moment, newest relation."""
        self.flush()
        newest = self._connection.execute(sa.select(sa.func.max(relation.c.seq))).scalar() or 0
        return self._activity, self.now, newest

    @contextmanager
    def many(self, expected: int) -> Iterator[None]:
        """A block in which about so many new entities are added."""
        if expected < MANY or self._revision > 2 * expected:  # at most twice as many are there already
            yield
            return
        self.flush()
        with indexes_later(self._connection, ORDER):
            yield

    def add_new(self, rows: Rows) -> None:
        """Write entities that have never been in the graph, from rows that were made with `numbers`.

        Whoever makes them has checked the documents.

        Raises:
            NotNewError: one of them is, or was, in the graph; the transaction must be undone then.
            NotAllowedError: the actor may not write whatever they like.
        """
        if not self._may_write_all():
            raise NotAllowedError("Only who may write everything adds rows.")
        if rows.revision[0][0] != self._revision + 1 or rows.activity[0][0] != self._activity + 1:
            raise NotNewError("The rows were made for another moment of the graph.")
        if self._revision:
            for batch in _batches(row[1] for row in rows.revision):
                known = sa.select(revision.c.ref).where(revision.c.ref.in_(batch)).limit(1)
                if (ref := self._connection.execute(known).scalar()) is not None:
                    raise NotNewError(f"{ref} is not new.")
        for table, added in zip(ORDER, rows, strict=True):
            if added:
                insert_rows(self._connection, table, NEW_COLUMNS[table.name], added)
        self._revision, self._activity = rows.revision[-1][0], rows.activity[-1][0]
        self._units = None

    def preload(self, refs: Iterable[Ref | str]) -> None:
        """Read in bulk what is stored of entities that are put next; it only makes a large import faster."""
        self.flush()
        newest = sa.select(revision.c.ref, sa.func.max(revision.c.version).label("version")).group_by(
            revision.c.ref
        )
        for batch in _batches(_text(ref) for ref in refs):
            last = newest.where(revision.c.ref.in_(batch)).subquery()
            both = sa.and_(last.c.ref == revision.c.ref, last.c.version == revision.c.version)
            self._preloaded |= dict.fromkeys(batch)
            self._preloaded |= {
                row.ref: row for row in self._connection.execute(sa.select(revision).join(last, both))
            }

    def require_write(self, ref: Ref | str) -> None:
        """Make sure that the actor may change an entity, before a room changes what belongs to it.

        Raises:
            NotFoundError: there is none.
            NotAllowedError: the actor may not.
        """
        self._writable(ref)

    def _writable(self, ref: Ref | str) -> tuple[str, Any]:
        text = _text(ref)
        old = _present(self._latest(text))
        if old is None:
            raise NotFoundError(f"There is no {text}.")
        self._allow(text, old, None)
        return text, old

    def flush(self) -> None:
        """Write what waits in memory, still inside the transaction."""
        if self._closing:  # before the rows that follow them: an entity has one current row
            self._connection.execute(CLOSE, self._closing)
            self._connection.execute(FORGET_WORDS, self._closing)
        if self._closing_edges:
            self._connection.execute(CLOSE_EDGE, self._closing_edges)
        self._closing, self._closing_edges = [], []
        many = len(self._rows_waiting[revision])
        if many >= MANY and self._revision <= 3 * many:  # at most twice as many are there already
            with indexes_later(self._connection, ORDER):
                self._insert_waiting()
        else:
            self._insert_waiting()
        self._refs_waiting.clear()

    def _insert_waiting(self) -> None:
        for table in ORDER:
            rows = self._rows_waiting[table]
            if rows:
                if table in ORDERED:
                    rows.sort(key=ORDERED[table])
                insert_rows(self._connection, table, *rows_of(table, rows))
                self._rows_waiting[table] = []

    def finish(self) -> None:
        """Write what waits; the graph then commits."""
        self.flush()
        self._open = False

    def _load(self, ref: str) -> Entity:
        return self.require(ref) if self._open else self._load_later(ref)

    def _latest(self, ref: str) -> Any:
        """The newest row of an entity, be it current or a deletion; none where there was never one."""
        if ref in self._refs_waiting or len(self._rows_waiting[revision]) >= WAITING:
            self.flush()
        if ref in self._preloaded:
            return self._preloaded.pop(ref)  # what this transaction changes itself is read again
        return self._connection.execute(LATEST, {"ref": ref}).first()

    def _row(
        self, document: Mapping[str, Any], ref: str, version: int, etag: str, action: str
    ) -> dict[str, Any]:
        self._revision += 1
        kind, namespace, name, title, owner, own_type, lifecycle, text = described(document)
        return {
            "seq": self._revision,
            "ref": ref,
            "version": version,
            "etag": etag,
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "title": title,
            "owner": owner,
            "type": own_type,
            "lifecycle": lifecycle,
            "action": action,
            "actor": self.actor.ref,
            "valid_from": self.now,
            "valid_to": None,
            "document": text,
        }

    def _new_uid(self) -> str:
        if self._uids is None:
            self._uids = Uids(self.now)
        return self._uids.next()

    def _close(self, old: Any) -> None:
        if old is not None:
            self._closing.append({"old": old.seq, "now": self.now})

    def _add(self, row: dict[str, Any], document: Mapping[str, Any], old: Any) -> None:
        seq, ref = row["seq"], row["ref"]
        self._wait(revision, row)
        tags = dict.fromkeys(document["metadata"].get("tags") or ())
        self._rows_waiting[tag] += [(value, seq) for value in tags]
        self._rows_waiting[posting] += [(word, seq, rank) for word, rank in postings_of(document).items()]
        self._relate(ref, relations_of(document), old)
        self._refs_waiting.add(ref)
        if document["kind"] in {"User", "Group"}:
            self._units = None

    def _relate(self, origin: str, edges: set[tuple[str, str, str]], old: Any) -> None:
        held: dict[tuple[str, str, str], int] = {}
        if old is not None:
            rows = self._connection.execute(MADE_BY, {"origin": origin})
            held = {(row.source, row.type, row.target): row.seq for row in rows}
        gone = [{"old": seq, "now": self.now} for edge, seq in held.items() if edge not in edges]
        self._closing_edges += gone
        self._rows_waiting[relation] += [
            (origin, source, kind, target, self.now) for source, kind, target in sorted(edges - held.keys())
        ]

    def _wait(self, table: sa.Table, row: dict[str, Any]) -> None:
        self._rows_waiting[table].append(row)


def _both_ways(source: str, kind: str, target: str) -> tuple[tuple[str, str, str], ...]:
    return (source, kind, target), (target, INVERSES[kind], source)


def _match(ref: str, old: Any, if_match: Collection[str]) -> None:
    if old is None:
        raise PreconditionError(f"There is no {ref} to change.")
    if "*" not in if_match and old.etag not in if_match:
        raise PreconditionError(
            f"{ref} has changed since it was read; its version is {old.etag} now. Read it again and repeat the change."
        )


def _present(latest: Any) -> Any:
    return latest if latest is not None and latest.valid_to is None else None


def _logged(document: dict[str, Any]) -> dict[str, Any]:
    logged = kind_of(document["kind"]).logged
    return logged(document) if logged else document
