"""Writing the graph: documents and activity in one transaction, all or nothing."""

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal

import sqlalchemy as sa

from counterpoint.errors import InputError, NotAllowedError, NotFoundError, PreconditionError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.bulk import insert_rows
from counterpoint.graph.descriptor import (
    etag_of,
    normalise,
    owner_of,
    ref_of,
    relations_of,
    title_of,
    validate,
)
from counterpoint.graph.difference import difference
from counterpoint.graph.entity import Activity, Entity, Put
from counterpoint.graph.handover import PROVISIONED, is_marked, keep_decisions
from counterpoint.graph.kinds import INVERSES
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader, _batches, _text
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.search import postings_of
from counterpoint.graph.summit import top_unit
from counterpoint.graph.tables import activity, decode, encode, posting, relation, revision, status, tag
from counterpoint.moments import to_datetime, to_micros

__all__ = ["Writer"]

ORDER = (revision, tag, relation, posting, activity)
"""The order in which waiting rows are written, so that what is referred to is there first."""
COLUMNS: dict[sa.Table, tuple[str, ...]] = {
    tag: ("value", "revision"),
    posting: ("word", "revision", "rank"),
    relation: ("origin", "source", "type", "target", "valid_from"),
}
WAITING = 2_000
"""Revisions that may wait in memory."""
LOCATION_LENGTH = 2_000
"""Characters of a location: what an index of PostgreSQL holds."""
CUSTOMS = frozenset({"vocabulary", "policypack"})
"""Kinds that bind whole units: nobody writes them for a unit that they do not belong to."""
MEMBERSHIP = {"user": ("memberOf", "Group"), "group": ("parent", "Group")}
"""Fields by which an entity joins units, and with them gains their rights."""


class Writer(Reader):
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
        super().__init__(connection)
        self._unknown_kinds = unknown_kinds
        self.actor = actor
        self._load_later = load
        self._open = True
        self._rows_waiting: dict[sa.Table, list[Any]] = {table: [] for table in ORDER}
        """Rows as dictionaries, or those of which there are many for each entity in the order of `COLUMNS`."""
        self._refs_waiting: set[str] = set()
        self._closing: list[dict[str, int]] = []
        self._closing_edges: list[dict[str, int]] = []
        self._preloaded: dict[str, Any] = {}
        self._units: frozenset[str] | None = None
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
            raise InputError(_refusal(document), problems)
        plain = normalise(document)
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
            difference(decode(old.document), plain)
            if old is not None
            else (None, {"version": version, "etag": etag})
        )
        row = self._row(plain, ref, version, etag, outcome)
        row["uid"] = old.uid if old is not None else str(uuid.uuid4())
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
            self._connection.execute(_CLOSE, self._closing)
            self._connection.execute(_FORGET_WORDS, self._closing)
        if self._closing_edges:
            self._connection.execute(_CLOSE_EDGE, self._closing_edges)
        self._closing, self._closing_edges = [], []
        for table in ORDER:
            rows = self._rows_waiting[table]
            if rows:
                if table is posting:  # in the order of its tree, which is large: one walk through it
                    rows.sort()
                insert_rows(self._connection, table, *_rows_of(table, rows))
                self._rows_waiting[table] = []
        self._refs_waiting.clear()

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
        return self._connection.execute(_LATEST, {"ref": ref}).first()

    def _row(
        self, document: Mapping[str, Any], ref: str, version: int, etag: str, action: str
    ) -> dict[str, Any]:
        spec, parsed, owner = document.get("spec") or {}, ref_of(document), owner_of(document)
        self._revision += 1
        return {
            "seq": self._revision,
            "ref": ref,
            "version": version,
            "etag": etag,
            "kind": document["kind"],
            "namespace": parsed.namespace,
            "name": parsed.name,
            "title": title_of(document),
            "owner": str(owner) if owner else None,
            "type": _word(spec.get("type")),
            "lifecycle": _word(spec.get("lifecycle")),
            "action": action,
            "actor": self.actor.ref,
            "valid_from": self.now,
            "valid_to": None,
            "document": encode(document),
        }

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
            rows = self._connection.execute(_MADE_BY, {"origin": origin})
            held = {(row.source, row.type, row.target): row.seq for row in rows}
        gone = [{"old": seq, "now": self.now} for edge, seq in held.items() if edge not in edges]
        self._closing_edges += gone
        self._rows_waiting[relation] += [
            (origin, source, kind, target, self.now) for source, kind, target in sorted(edges - held.keys())
        ]

    def _wait(self, table: sa.Table, row: dict[str, Any]) -> None:
        self._rows_waiting[table].append(row)

    def _allow(self, ref: str, old: Any, document: Mapping[str, Any] | None) -> None:
        if self.actor.kind != "person" and may(self.actor, "write").allow:
            return
        for owner, new in self._concerned(ref, old, document):
            self._ask(ref, owner, new=new)
        if not self.actor.admin and old is not None and document is not None:
            _refuse_identity(ref, decode(old.document), document)

    def _ask(self, ref: str, owner: str | None, *, new: bool) -> None:
        known = new or owner is None or self.exists(owner) or self._has_acted(owner)
        units = frozenset() if new else self._own_units()
        decision = may(self.actor, "write", owner, new=new, owner_exists=known, units=units)
        if not decision.allow:
            raise NotAllowedError(f"{ref} was not changed. {decision.reason}")

    def _has_acted(self, owner: str) -> bool:
        """Whether a person who never had an entity is known all the same, since they did something here."""
        if not owner.startswith("user:") or self._latest(owner) is not None:
            return False
        return bool(self.activity(actor=owner, limit=1))

    def _concerned(
        self, ref: str, old: Any, document: Mapping[str, Any] | None
    ) -> Iterator[tuple[str | None, bool]]:
        """Every owner who has a say in a change, with whether the thing is new."""
        kind = ref.partition(":")[0]
        # People and units own themselves: who could edit them freely could join any unit, and write what it owns.
        yield (None if old is None else ref if kind in MEMBERSHIP else old.owner), old is None
        if kind in MEMBERSHIP and document is not None:
            before = _joined(decode(old.document)) if old is not None else set()
            for unit in sorted(_joined(document) - before):
                yield unit, False
            claimed = _claimed(decode(old.document)) if old is not None else set()
            for part in sorted(
                _claimed(document) - claimed
            ):  # whoever lies above binds it by words and practices
                yield part, False
        if kind in CUSTOMS:
            changed = [decode(old.document)] if old is not None else []
            changed += [document] if document is not None else []
            for each in changed:
                yield from ((unit, False) for unit in self._bound(ref, each))

    def _bound(self, ref: str, document: Mapping[str, Any]) -> list[str]:
        """Whom words and practices bind: the owner and the units that they name. The actor belongs to each.

        Without units they bind everybody; then the top unit owns them, and the actor is in that very unit.
        """
        owner, edges = str(owner_of(document)), relations_of(document)
        units = sorted({target for source, kind, target in edges if source == ref and kind == "appliesTo"})
        if not units:
            self._require_summit(ref, owner)
        return [owner, *units]

    def _require_summit(self, ref: str, owner: str) -> None:
        if self.actor.admin or self.actor.kind != "person":
            return
        top = top_unit(self)
        if top is None:  # nobody is above anybody
            return
        if owner != top:
            raise NotAllowedError(
                f"{ref} was not changed. Without `units` it holds for the whole organisation, and {top} is the"
                " unit above all others; name the units that it holds for, or let that unit own it."
            )
        direct = {target for _, kind, target in self._edges([self.actor.ref], at=None) if kind == "memberOf"}
        if top not in direct and top not in self.actor.units:  # everybody is in it through other units
            raise NotAllowedError(
                f"{ref} was not changed. It holds for the whole organisation: an administrator changes it,"
                f" or whoever is in {top} itself, not only in a part of it."
            )

    def _own_units(self) -> frozenset[str]:
        if self._units is None:
            self._units = self.units_of(self.actor.ref)
        return self._units


_LATEST = (
    sa.select(revision)
    .where(revision.c.ref == sa.bindparam("ref"))
    .order_by(revision.c.version.desc())
    .limit(1)
)
_CLOSE = sa.update(revision).where(revision.c.seq == sa.bindparam("old")).values(valid_to=sa.bindparam("now"))
_CLOSE_EDGE = (
    sa.update(relation).where(relation.c.seq == sa.bindparam("old")).values(valid_to=sa.bindparam("now"))
)
_FORGET_WORDS = sa.delete(posting).where(posting.c.revision == sa.bindparam("old"))
_MADE_BY = sa.select(relation).where(
    relation.c.origin == sa.bindparam("origin"), relation.c.valid_to.is_(None)
)


def _rows_of(table: sa.Table, rows: list[Any]) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Waiting rows as tuples, with the columns that they are of."""
    names = COLUMNS.get(table)
    if names is not None:
        return names, rows
    names = tuple(rows[0])
    return names, list(map(itemgetter(*names), rows))


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


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None  # kinds that have no such field may hold anything there


def _joined(document: Mapping[str, Any]) -> set[str]:
    ref = ref_of(document)
    field, kind = MEMBERSHIP[ref.kind]
    named = (document.get("spec") or {}).get(field) or []
    texts = [named] if isinstance(named, str) else named
    return {str(parse_ref(text, default_kind=kind, default_namespace=ref.namespace)) for text in texts}


def _claimed(document: Mapping[str, Any]) -> set[str]:
    """The units that a unit's document says are its parts."""
    ref = ref_of(document)
    named = (document.get("spec") or {}).get("children") or [] if ref.kind == "group" else []
    return {str(parse_ref(text, default_kind="Group", default_namespace=ref.namespace)) for text in named}


def _refuse_identity(ref: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Other systems know people by their address and by what an identity provider has said of them.

    Who could change that of themselves would be taken for somebody else, and be given their memberships.

    Raises:
        NotAllowedError: one of the two is changed.
    """
    if ref.partition(":")[0] not in MEMBERSHIP:
        return
    old, new = before.get("spec") or {}, after.get("spec") or {}
    address = ref.startswith("user:") and _address(old) != _address(new)
    if address or old.get(PROVISIONED) != new.get(PROVISIONED):
        what = "the e-mail address" if address else f"spec.{PROVISIONED}"
        raise NotAllowedError(
            f"{ref} was not changed. By {what} other systems know who it is; an administrator, a file or the identity provider changes it."
        )


def _address(spec: Mapping[str, Any]) -> Any:
    profile = spec.get("profile")
    return profile.get("email") if isinstance(profile, dict) else None


def _refusal(document: Any) -> str:
    try:
        name = f"{document['kind']} {document['metadata']['name']}"
    except (KeyError, TypeError):
        name = "The document"
    return f"{name} is not a valid descriptor."
