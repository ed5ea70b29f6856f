"""Problems of the catalog as they are kept: what is wrong, where, since when, and when it is no longer so.

A file's problems are replaced whenever it is read, in the transaction that writes its entities. A
problem that misses another entity is over as soon as that one exists, whichever file brings it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from counterpoint.catalog.remarks import Code, Level, Remark
from counterpoint.catalog.tables import PROBLEMS
from counterpoint.errors import Problem
from counterpoint.graph import Reader, Writer
from counterpoint.graph.circles import circles_through
from counterpoint.graph.tables import revision
from counterpoint.moments import to_datetime

__all__ = [
    "Standing",
    "add_problems",
    "count_problems",
    "drop_healed",
    "drop_problems",
    "list_problems",
    "refs_with",
    "told_at",
    "write_problems",
]

TOLD_ONCE = frozenset({"orphan", "moved", "circle"})
"""What a second reading of the same file does not tell again, or what is told of the whole."""
OF_THE_WHOLE = ("orphan", "circle")
"""What no single file can tell, so that reading one does not end it."""
MESSAGE = 2_000
"""Characters of a message that are kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A problem that stands."""

    location: str
    """Where it is: `file:/...` or `url:...`."""
    level: Level
    code: Code
    message: str
    pointer: str
    line: int | None
    column: int | None
    ref: str | None
    """The entity that it is about."""
    target: str | None
    """The entity that is missed."""
    since: datetime
    owner: str | None = None
    """The owner of the entity that it is about, where that exists."""

    @property
    def place(self) -> str:
        """The path or address, with line and column where they are known."""
        where = self.location.partition(":")[2]
        return ":".join(str(part) for part in (where, self.line, self.column) if part is not None)


_NOW = revision.alias("now")
_OWNED = revision.alias("owned")


def _stands(reader: Reader) -> sa.ColumnElement[bool]:
    """Whether a problem still is one: nobody has brought what it misses, or taken away what it is about.

    A circle may be undone by any write, at any of its units, so that each is looked at again.
    """
    told = refs_with(reader, "circle")
    round_ = {ref for circle in circles_through(reader, told) for ref in circle} if told else set()
    there = sa.exists().where(_NOW.c.ref == PROBLEMS.c.target, _NOW.c.valid_to.is_(None))
    mine = sa.exists().where(_NOW.c.ref == PROBLEMS.c.ref, _NOW.c.valid_to.is_(None))
    return sa.and_(
        sa.or_(PROBLEMS.c.target.is_(None), ~there),
        sa.or_(PROBLEMS.c.code.not_in(TOLD_ONCE), mine),
        sa.or_(PROBLEMS.c.code != "circle", PROBLEMS.c.ref.in_(sorted(round_))),
    )


def list_problems(
    reader: Reader,
    *,
    level: Level | None = None,
    owner: str | None = None,
    code: Code | None = None,
    ref: str | None = None,
    location: str | None = None,
    after: tuple[str, int] | None = None,
    limit: int = 1_000,
) -> list[tuple[int, Standing]]:
    """Problems that stand, by file and by place in it, each with its number there.

    `owner` is a reference; `after` a location and a number to go on from.
    """
    query = (
        sa.select(PROBLEMS, _OWNED.c.owner)
        .outerjoin(_OWNED, sa.and_(_OWNED.c.ref == PROBLEMS.c.ref, _OWNED.c.valid_to.is_(None)))
        .where(_stands(reader))
        .order_by(PROBLEMS.c.location, PROBLEMS.c.position)
        .limit(limit)
    )
    for column, value in (
        (PROBLEMS.c.level, level),
        (PROBLEMS.c.code, code),
        (PROBLEMS.c.ref, ref),
        (PROBLEMS.c.location, location),
        (_OWNED.c.owner, owner),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(
            sa.tuple_(PROBLEMS.c.location, PROBLEMS.c.position)
            > sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
        )
    return [
        (
            row.position,
            Standing(
                row.location,
                row.level,
                row.code,
                row.message,
                row.pointer,
                row.line,
                row.column,
                row.ref,
                row.target,
                to_datetime(row.since),
                row.owner,
            ),
        )
        for row in reader.connection.execute(query)
    ]


def count_problems(reader: Reader, *, owner: str | None = None, ref: str | None = None) -> dict[str, int]:
    """How many problems of each level stand: all, those of what an owner has, or those of one entity."""
    query = sa.select(PROBLEMS.c.level, sa.func.count()).where(_stands(reader)).group_by(PROBLEMS.c.level)
    if owner is not None:
        mine = sa.exists().where(
            _OWNED.c.ref == PROBLEMS.c.ref, _OWNED.c.valid_to.is_(None), _OWNED.c.owner == owner
        )
        query = query.where(mine)
    if ref is not None:
        query = query.where(PROBLEMS.c.ref == ref)
    return dict(reader.connection.execute(query).all())


def told_at(reader: Reader, location: str, file: str) -> Iterator[Remark]:
    """What stands at a place, as a reading of it would say it, under the name that people use for it."""
    for _position, each in list_problems(reader, location=location, limit=10_000):
        if each.code not in TOLD_ONCE:
            problem = Problem(each.message, each.pointer, file, each.line, each.column)
            yield Remark(each.level, problem, each.code, each.ref, each.target)


def write_problems(writer: Writer, location: str, remarks: Sequence[Remark]) -> None:
    """Replace what is wrong at a place; what was wrong there before keeps its date.

    Orphans and circles stay as they are: no single file tells them.
    """
    connection = writer.connection
    here = sa.and_(PROBLEMS.c.location == location, PROBLEMS.c.code.not_in(OF_THE_WHOLE))
    held = {
        (row.code, row.pointer, row.ref, row.message): row.since
        for row in connection.execute(sa.select(PROBLEMS).where(here))
    }
    if held:
        connection.execute(sa.delete(PROBLEMS).where(here))
    _insert(writer, location, remarks, held)


def add_problems(writer: Writer, location: str, remarks: Sequence[Remark]) -> None:
    """Add to what is wrong at a place."""
    _insert(writer, location, remarks, {})


def _insert(
    writer: Writer,
    location: str,
    remarks: Sequence[Remark],
    held: dict[tuple[str, str, str | None, str], int],
) -> None:
    if not remarks:
        return
    last = writer.connection.execute(
        sa.select(sa.func.max(PROBLEMS.c.position)).where(PROBLEMS.c.location == location)
    ).scalar()
    rows = []
    for position, remark in enumerate(remarks, start=0 if last is None else last + 1):
        problem, message = remark.problem, remark.problem.message.replace("\0", "")[:MESSAGE]
        pointer = problem.pointer[:MESSAGE]
        since = held.get((remark.code, pointer, remark.ref, message), writer.now)
        about = (remark.level, remark.code, remark.ref, remark.target)
        rows.append((location, position, *about, pointer, problem.line, problem.column, message, since))
    writer.insert(PROBLEMS, [column.name for column in PROBLEMS.columns], rows)


def drop_problems(writer: Writer, code: Code, refs: Collection[str]) -> None:
    """Drop problems of one kind that entities had."""
    wanted = list(refs)
    for start in range(0, len(wanted), 500):
        batch = wanted[start : start + 500]
        writer.connection.execute(
            sa.delete(PROBLEMS).where(PROBLEMS.c.code == code, PROBLEMS.c.ref.in_(batch))
        )


def refs_with(reader: Reader, code: Code) -> set[str]:
    """Entities that have a problem of one kind."""
    query = sa.select(PROBLEMS.c.ref).where(PROBLEMS.c.code == code, PROBLEMS.c.ref.is_not(None))
    return set(reader.connection.execute(query).scalars())


def drop_healed(writer: Writer) -> None:
    """Drop what stands no more; nobody sees it, but it would stay for ever."""
    writer.connection.execute(sa.delete(PROBLEMS).where(~_stands(writer)))
