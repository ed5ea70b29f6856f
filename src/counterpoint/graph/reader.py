"""Reading the graph within one consistent state: entities, lists, facets, search, history, activity."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Unpack

import sqlalchemy as sa

from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph.entity import Activity, Entity, Page, Relation, Revision, SearchHit
from counterpoint.graph.query import (
    FACETS,
    FilterArguments,
    Filters,
    after_cursor,
    matches_word,
    order_of,
    valid,
)
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.search import NAME, has_words, snippet_of, words_of
from counterpoint.graph.tables import activity, decode, posting, relation, revision, tag
from counterpoint.moments import to_datetime
from counterpoint.paging import cursor_of

__all__ = ["Reader"]

BATCH = 500
"""References in one statement; SQLite's limit on parameters is far higher."""
MOST = 1_000
"""Items on one page at most."""
NAMES = 2_000
"""Names with the beginning of a word that are ranked; in a catalog of half a million thousands begin with "p"."""
SEVERAL = 5_000
"""Places of a word that are looked up among those of another one by one, rather than all of both compared."""
HISTORY_CHARACTERS = 16_000_000
"""Characters of documents that one page of a history holds."""
SPELT = 4
"""Letters of a word from which on another spelling is looked for."""


class Reader:
    """A view of the graph that does not change while it is open."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> sa.Connection:
        """The connection, for a room's own tables."""
        return self._connection

    def get(self, ref: Ref | str, *, at: datetime | None = None) -> Entity | None:
        """An entity as it is, or was at a date; none where there is none."""
        text = _text(ref)
        if at is not None:
            rows = self._rows([revision.c.ref == text, valid(revision, at)])
            return self._entities(rows, at=at)[0] if rows else None
        row = self.connection.execute(_ENTITY, {"ref": text}).first()
        if row is None:
            return None
        edges = self.connection.execute(_EDGES, {"ref": text})
        return _entity(row, tuple(Relation(edge.type, edge.target) for edge in edges))

    def require(self, ref: Ref | str) -> Entity:
        """An entity as it is.

        Raises:
            NotFoundError: there is none.
        """
        found = self.get(ref)
        if found is None:
            raise NotFoundError(f"There is no {_text(ref)}.")
        return found

    def by_uid(self, uid: str) -> Entity | None:
        """The entity with a uid; none where there is none now."""
        rows = self._rows([revision.c.uid == uid, valid(revision, None)])
        return self._entities(rows)[0] if rows else None

    def get_many(
        self, refs: Iterable[Ref | str], *, at: datetime | None = None, bare: bool = False
    ) -> dict[str, Entity]:
        """Those of the entities that exist, by canonical reference; `bare` ones without their relations.

        The relations of an owner of thousands cost more than all else of it.
        """
        rows: list[Any] = []
        for batch in _batches(_text(ref) for ref in refs):
            rows += self._rows([revision.c.ref.in_(batch), valid(revision, at)])
        found = [_entity(row, ()) for row in rows] if bare else self._entities(rows, at=at)
        return {entity.ref: entity for entity in found}

    def titles(self, refs: Iterable[Ref | str], *, at: datetime | None = None) -> dict[str, str]:
        """What those of the entities that exist are called, or were at a moment, by canonical reference."""
        query = sa.select(revision.c.ref, revision.c.title).where(valid(revision, at))
        found: dict[str, str] = {}
        for batch in _batches(_text(ref) for ref in refs):
            found |= {
                row.ref: row.title for row in self.connection.execute(query.where(revision.c.ref.in_(batch)))
            }
        return found

    def all(self, **filters: Unpack[FilterArguments]) -> list[Entity]:
        """Every entity that the filters of `find` let through, ordered by reference."""
        narrowed = Filters(**filters)
        rows = self._rows(self._conditions(narrowed))
        return self._entities(sorted(rows, key=lambda row: row.ref), at=narrowed.at)

    def find(
        self,
        *,
        order: str = "name",
        limit: int = 50,
        cursor: str | None = None,
        total: int | None = None,
        **filters: Unpack[FilterArguments],
    ) -> Page:
        """A page of the entities that the filters let through.

        Filters (see `query.Filters`): kind, owner, type, lifecycle, tag, text, namespace, location,
        related, at. Ties are ordered by reference. Who knows `total` spares the counting.
        """
        if not 0 <= limit <= MOST:
            raise InputError(f"limit is {limit}; it must be 0 to {MOST}.")
        narrowed = Filters(**filters)
        conditions = self._conditions(narrowed)
        if total is None:
            count = sa.select(sa.func.count()).select_from(revision).where(*conditions)
            total = self.connection.execute(count).scalar_one()
        column, backwards = order_of(order)
        if cursor is not None:
            conditions.append(after_cursor(cursor, order))
        order_by = (column.desc(), revision.c.ref.desc()) if backwards else (column, revision.c.ref)
        query = (
            sa.select(revision, column.label("place")).where(*conditions).order_by(*order_by).limit(limit + 1)
        )
        rows = self.connection.execute(query).all() if limit else []
        more = len(rows) > limit > 0
        rows = rows[:limit]
        return Page(
            items=tuple(self._entities(rows, at=narrowed.at)),
            total=total,
            next_cursor=cursor_of(order, rows[-1].place, rows[-1].ref) if more else None,
        )

    def facets(self, field: str, **filters: Unpack[FilterArguments]) -> list[tuple[str, int]]:
        """The values of a field with their counts, most frequent first; see `find` for the filters."""
        if field not in FACETS:
            raise InputError(f"There is no facet {field!r}; it is one of {', '.join(FACETS)}.")
        column = FACETS[field]
        count = sa.func.count().label("count")
        source = revision.join(tag, tag.c.revision == revision.c.seq) if field == "tag" else revision
        query = (
            sa.select(column.label("value"), count)
            .select_from(source)
            .where(column.is_not(None), *self._conditions(Filters(**filters)))
        )
        rows = self.connection.execute(query.group_by(column).order_by(count.desc(), column)).all()
        return [(row[0], row[1]) for row in rows]

    def search(self, term: str, limit: int = 20, kinds: Collection[str] = ()) -> list[SearchHit]:
        """Entities that have every word of the term, or a word that starts with it; the best first.

        What is called exactly so comes first. A word in the name or title counts more than one in tags
        or description, and that more than one anywhere else; a whole word counts more than a beginning,
        and a short name comes before a long one. `kinds` narrows to some kinds.
        """
        terms = list(dict.fromkeys(words_of(term)))[:10]
        if not terms:
            return []
        rows: Sequence[Any] = ()
        if len(terms) == 1:  # a beginning that thousands have: those that have it in their names are enough
            rows = self._search(terms, term, limit, kinds, posting.c.rank == NAME)
        if len(rows) < limit:
            rows = self._search(terms, term, limit, kinds)
        return [SearchHit(entity, *snippet_of(entity.document, terms)) for entity in self._entities(rows)]

    def _search(
        self,
        terms: list[str],
        term: str,
        limit: int,
        kinds: Collection[str],
        narrower: sa.ColumnElement[bool] | None = None,
    ) -> Sequence[Any]:
        rarest = self._rarest(terms) if len(terms) > 1 else None
        matches = [_match(word, narrower, rarest) for word in terms]
        source: sa.FromClause = revision
        for each in matches:
            source = source.join(each, each.c.revision == revision.c.seq)
        total = sum((each.c.score for each in matches[1:]), start=matches[0].c.score)
        called = term.strip().lower()
        exactly = sa.case((sa.or_(revision.c.name == called, revision.c.ref == called), 0), else_=1)
        query = sa.select(revision).select_from(source).where(valid(revision, None))
        if kinds:
            query = query.where(revision.c.kind.in_(list(kinds)))
        order = (exactly, total, sa.func.length(revision.c.name), revision.c.name, revision.c.ref)
        return self.connection.execute(query.order_by(*order).limit(limit)).all()

    def _rarest(self, terms: list[str]) -> str | None:
        """The word that the fewest entities have; none where thousands have each."""
        counts: dict[str, int] = {}
        for word in terms:
            some = sa.select(posting.c.word).where(matches_word(word)).limit(SEVERAL).subquery()
            counts[word] = self.connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        word = min(counts, key=counts.__getitem__)
        return word if counts[word] < SEVERAL else None

    def respelt(self, term: str) -> str:
        """The term with the words that nothing has written as something has them; empty where nothing is near."""
        changed, words = False, []
        for word in list(dict.fromkeys(words_of(term)))[:10]:
            held = sa.select(posting.c.word).where(matches_word(word)).limit(1)
            if self.connection.execute(held).first() is None:
                near = self._near(word)
                if near is None:
                    return ""
                changed, word = True, near  # noqa: PLW2901
            words.append(word)
        return " ".join(words) if changed else ""

    def _near(self, word: str) -> str | None:
        """The nearest word that begins alike; only words of about this length are looked at."""
        if len(word) < SPELT:
            return None
        length = sa.func.length(posting.c.word)
        close = length.between(len(word) - 2, len(word) + 2)
        for beginning in (word[:2], word[:1]):
            query = sa.select(posting.c.word).where(matches_word(beginning), close).distinct().limit(NAMES)
            held = [str(each) for each in self.connection.execute(query).scalars()]
            if found := get_close_matches(word, held, n=1, cutoff=0.75):
                return found[0]
        return None

    def history(
        self, ref: Ref | str, *, before: int | None = None, limit: int | None = None
    ) -> list[Revision]:
        """Every version of an entity, oldest first, deletions included.

        With `limit` only the newest ones, with `before` only those before a version. Of large documents there may
        be fewer than asked for then: `HISTORY_CHARACTERS` at most, but always one.
        """
        query = sa.select(revision).where(revision.c.ref == _text(ref)).order_by(revision.c.version.desc())
        if before is not None:
            query = query.where(revision.c.version < before)
        if limit is not None:
            query = query.limit(limit)
        found: list[Revision] = []
        room = HISTORY_CHARACTERS if limit is not None else math.inf
        with self.connection.execute(query.execution_options(yield_per=16)) as rows:
            for row in rows:
                room -= len(row.document or "")
                if found and room < 0:
                    break
                at = to_datetime(row.valid_from)
                found.append(Revision(row.version, at, row.actor, row.action, decode(row.document)))
        return found[::-1]

    def activity(
        self,
        *,
        subject: Ref | str | None = None,
        action: str | Collection[str] | None = None,
        actor: str | None = None,
        before: int | None = None,
        after: int | None = None,
        hidden: Collection[str] = (),
        oldest_first: bool = False,
        limit: int = 50,
    ) -> list[Activity]:
        """Changes, newest first unless asked otherwise: those before and after the given numbers (`seq`), both left out.

        Actions that begin with one of `hidden` are left out.
        """
        order = activity.c.seq if oldest_first else activity.c.seq.desc()
        query = sa.select(activity).order_by(order).limit(limit)
        if subject is not None:
            query = query.where(activity.c.subject == str(subject))
        if action is not None:
            query = query.where(activity.c.action.in_([action] if isinstance(action, str) else list(action)))
        if actor is not None:
            query = query.where(activity.c.actor == actor)
        if before is not None:
            query = query.where(activity.c.seq < _storable(before))
        if after is not None:
            query = query.where(activity.c.seq > _storable(after))
        for beginning in hidden:
            query = query.where(activity.c.action.not_like(f"{beginning}%"))
        return [_activity(row) for row in self.connection.execute(query)]

    def newest_activity(self, action: str, subjects: Iterable[Ref | str]) -> dict[str, Activity]:
        """The newest change of one kind to each of the subjects that has had one, by subject."""
        found: dict[str, Activity] = {}
        for batch in _batches(str(subject) for subject in subjects):
            newest = (
                sa.select(sa.func.max(activity.c.seq))
                .where(activity.c.subject.in_(batch), activity.c.action == action)
                .group_by(activity.c.subject)
            )
            rows = self.connection.execute(sa.select(activity).where(activity.c.seq.in_(newest)))
            found |= {row.subject: _activity(row) for row in rows}
        return found

    def last_activity(self) -> int:
        """The number of the newest change, 0 where there is none: what was computed from the graph stays true until it grows."""
        return self.connection.execute(_LAST_ACTIVITY).scalar() or 0

    def units_of(self, ref: Ref | str) -> frozenset[str]:
        """The units that a user belongs to: directly, or because one of them is a part of another."""
        start = sa.select(relation.c.target).where(
            relation.c.source == _text(ref), relation.c.type == "memberOf", valid(relation, None)
        )
        units = start.cte("units", recursive=True)
        above = sa.select(relation.c.target).where(
            relation.c.source == units.c.target, relation.c.type == "childOf", valid(relation, None)
        )
        units = units.union(above)  # a set, so that a circle of parents ends
        return frozenset(self.connection.execute(sa.select(units.c.target)).scalars())

    def exists(self, ref: Ref | str) -> bool:
        """Whether there is such an entity now."""
        return self.connection.execute(_EXISTS, {"ref": _text(ref)}).first() is not None

    def _conditions(self, narrowed: Filters) -> list[sa.ColumnElement[bool]]:
        """The filters as SQL. Words of the past are looked for in the documents that may have them."""
        conditions, words = narrowed.conditions(), narrowed.words()
        if narrowed.at is None or not words:
            return conditions
        query = sa.select(revision.c.seq, revision.c.document).where(*conditions)
        seqs = [
            row.seq
            for row in self.connection.execute(query)
            if row.document is not None and has_words(decode(row.document), words)
        ]
        # Written into the statement, since a database takes fewer parameters than a list may have entries.
        return [revision.c.seq.in_(sa.bindparam("seqs", seqs, expanding=True, literal_execute=True))]

    def _rows(self, conditions: Sequence[sa.ColumnElement[bool]]) -> list[Any]:
        return list(self.connection.execute(sa.select(revision).where(*conditions)))

    def _entities(self, rows: Sequence[Any], *, at: datetime | None = None) -> list[Entity]:
        edges: dict[str, list[Relation]] = {row.ref: [] for row in rows}
        for source, kind, target in self._edges(list(edges), at=at):
            edges[source].append(Relation(kind, target))
        return [_entity(row, tuple(edges[row.ref])) for row in rows]

    def _edges(self, refs: list[str], *, at: datetime | None) -> Iterable[Any]:
        columns = (relation.c.source, relation.c.type, relation.c.target)
        query = sa.select(*columns).where(valid(relation, at)).distinct().order_by(*columns)
        for batch in _batches(refs):
            yield from self.connection.execute(
                query.where(
                    relation.c.source == batch[0] if len(batch) == 1 else relation.c.source.in_(batch)
                )
            )


_LAST_ACTIVITY = sa.select(sa.func.max(activity.c.seq))
_ENTITY = sa.select(revision).where(revision.c.ref == sa.bindparam("ref"), valid(revision, None))
_EDGES = (
    sa.select(relation.c.type, relation.c.target)
    .where(relation.c.source == sa.bindparam("ref"), valid(relation, None))
    .distinct()
    .order_by(relation.c.type, relation.c.target)
)
_EXISTS = sa.select(revision.c.seq).where(
    revision.c.ref == sa.bindparam("ref"), revision.c.valid_to.is_(None)
)


def _storable(seq: int) -> int:
    """The number, or the nearest that a column can hold: callers give whatever they were given."""
    return max(-(2**63), min(seq, 2**63 - 1))


def _match(word: str, narrower: sa.ColumnElement[bool] | None, rarest: str | None) -> sa.Subquery:
    """The versions that have a word or a beginning, with their score; of those that have the `rarest` word, if there is one."""
    places: sa.FromClause = posting
    if narrower is not None:
        some = sa.select(posting).where(matches_word(word), narrower).order_by(posting.c.word)
        places = some.limit(NAMES).subquery()
    elif rarest is not None and word != rarest:
        among = posting.c.revision.in_(sa.select(posting.c.revision).where(matches_word(rarest)))
        # Apart, since a whole word and a version together are the key of the table.
        whole = sa.select(posting).where(posting.c.word == word, among)
        begun = sa.select(posting).where(posting.c.word > word, matches_word(word), among)
        places = sa.union_all(whole, begun).subquery()
    score = sa.func.min(places.c.rank * 2 + sa.case((places.c.word == word, 0), else_=1))
    match = sa.select(places.c.revision, score.label("score")).group_by(places.c.revision)
    return (match.where(matches_word(word)) if places is posting else match).subquery()


def _text(ref: Ref | str) -> str:
    return str(ref) if isinstance(ref, Ref) else str(parse_ref(ref))


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Each text once, in as many statements as they need."""
    wanted = list(dict.fromkeys(texts))
    for start in range(0, len(wanted), BATCH):
        yield wanted[start : start + BATCH]


def _activity(row: Any) -> Activity:
    before, after = decode(row.before), decode(row.after)
    at = to_datetime(row.at)
    return Activity(row.seq, at, row.actor, row.action, row.subject, before, after, row.reason)


def _entity(row: Any, relations: tuple[Relation, ...]) -> Entity:
    document = decode(row.document)
    metadata = document["metadata"]
    return Entity(
        ref=row.ref,
        uid=row.uid,
        etag=row.etag,
        kind=document["kind"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        title=row.title,
        owner=row.owner,
        document=document,
        relations=relations,
        updated_at=to_datetime(row.valid_from),
        version=row.version,
        location=row.location,
    )
