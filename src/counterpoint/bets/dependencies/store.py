"""Reporting dependencies between units, and what both sides say and agree. Everybody may read them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.bets.dependencies.model import (
    STEPS,
    Dependency,
    Matrix,
    Severity,
    Step,
    matrix_of,
    overdue,
    steps_for,
)
from counterpoint.bets.dependencies.tables import (
    DEPENDENCIES,
    LIVE,
    after_place,
    place_of,
    read_dependencies,
    row_of,
)
from counterpoint.bets.given import given_text, given_unit, given_word
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, today_utc
from counterpoint.paging import cursor_of, read_cursor

__all__ = [
    "DependencyPage",
    "DependencySeen",
    "Side",
    "dependencies_beside",
    "dependencies_of",
    "dependencies_page",
    "list_dependencies",
    "overdue_dependencies",
    "read_dependency",
    "report_dependency",
    "speaks_for",
    "take_step",
]

LONGEST = 4_000
SUBJECT = 200
TOLD = {
    Step.CONFIRM: "dependency.confirmed",
    Step.DISPUTE: "dependency.disputed",
    Step.SAY: "dependency.discussed",
    Step.AGREE: "dependency.agreed",
    Step.REGRADE: "dependency.regraded",
    Step.CLEAR: "dependency.cleared",
}


class Side(StrEnum):
    """On which side of a dependency a unit is."""

    EITHER = "either"
    WAITS = "waits"
    WAITED_FOR = "waited-for"


class DependencySeen(msgspec.Struct, frozen=True, rename="camel"):
    """A dependency with what its reader may do about it."""

    dependency: Dependency
    overdue: bool
    steps: tuple[Step, ...] = ()
    titles: dict[str, str] = {}


class DependencyPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the dependencies, the worst first, and all the live ones as a matrix."""

    items: tuple[DependencySeen, ...]
    matrix: Matrix
    total: int
    """How many there are on all pages."""
    next_cursor: str | None = None


def report_dependency(
    graph: Graph,
    from_unit: str,
    to_unit: str,
    subject: str,
    *,
    actor: Actor,
    severity: Severity | str = Severity.SLOWING,
    since: date | None = None,
    words: str = "",
    bet: str | None = None,
    today: date | None = None,
) -> DependencySeen:
    """Report that one unit waits for another; people of either side may, and the other side then says what it sees.

    Raises:
        InputError: a unit is missing or both are the same, the subject is empty, or the date is to come.
        NotAllowedError: the actor belongs to neither side.
    """
    day = today or today_utc()
    graded = given_word(Severity, severity, "/severity")
    with graph.write(actor) as writer:
        waits, waited = given_unit(writer, from_unit, "/fromUnit"), given_unit(writer, to_unit, "/toUnit")
        problems = []
        if waits == waited:
            problems.append(Problem("A unit does not depend on itself; name another one.", "/toUnit"))
        if not subject.strip():
            problems.append(Problem("Say in a few words what is waited for.", "/subject"))
        if since is not None and since > day:
            problems.append(Problem(f"{since} is to come; write since when it is so.", "/since"))
        if problems:
            raise InputError("The dependency was not reported.", problems)
        mine = _sides(writer, actor, (waits, waited))
        if not mine:
            raise NotAllowedError(
                "Nothing was reported. People of the two units report what is between them; ask one of them to."
            )
        reporter = waits if waits in mine else waited
        made = Dependency(
            id=uuid4().hex,
            from_unit=waits,
            to_unit=waited,
            subject=given_text(subject, SUBJECT, "/subject"),
            severity=graded,
            since=since or day,
            severity_since=since or day,
            reporter=reporter,
            bet=_given_bet(writer, bet),
            changed_at=to_datetime(writer.now),
        )
        field = "from_words" if reporter == waits else "to_words"
        made = msgspec.structs.replace(made, **{field: given_text(words, LONGEST, "/words")})
        writer.connection.execute(sa.insert(DEPENDENCIES).values(row_of(made)))
        _tell(writer, "dependency.reported", made)
        return _seen(writer, [made], actor, day)[0]


def _given_bet(reader: Reader, text: str | None) -> str | None:
    """The bet that it is about; none where none was named."""
    if text is None or not text.strip():
        return None
    ref = parse_ref(text.strip(), default_kind="Bet")
    if ref.kind == "bet" and reader.exists(ref):
        return str(ref)
    problem = Problem(f"There is no bet {text.strip()[:60]!r}; name one that exists, or none.", "/bet")
    raise InputError("The dependency was not reported.", [problem])


def take_step(
    graph: Graph,
    number: str,
    step: Step | str,
    text: str = "",
    *,
    actor: Actor,
    severity: Severity | str | None = None,
    today: date | None = None,
) -> DependencySeen:
    """Confirm, dispute, say, agree, grade anew or clear.

    Raises:
        ConflictError: the dependency is not where this step is made.
        InputError: there is no such step, or it lacks its text.
        NotAllowedError: the step is the other side's.
        NotFoundError: there is no such dependency.
    """
    day = today or today_utc()
    wanted = given_word(Step, step, "/step")
    rule = STEPS[wanted]
    words = given_text(text, LONGEST, "/text")
    if rule.text and not words:
        raise InputError("Nothing was changed.", [Problem(rule.text, "/text")])
    with graph.write(actor) as writer:
        held = _require(writer, number)
        mine = _sides(writer, actor, (held.from_unit, held.to_unit))
        if not mine:
            raise NotAllowedError(
                "Nothing was changed. That is between the two units; ask one of their people."
            )
        if held.state not in rule.states:
            raise ConflictError(
                f"The dependency is {held.state.value}; reload it and see what there is to do."
            )
        if wanted not in steps_for(held, mine):
            raise NotAllowedError("Nothing was changed. That is the other side's to say.")
        changed = _stepped(held, wanted, words, mine, severity, day)
        changed = msgspec.structs.replace(changed, changed_at=to_datetime(writer.now))
        here = DEPENDENCIES.c.id == number
        writer.connection.execute(sa.update(DEPENDENCIES).where(here).values(row_of(changed)))
        _tell(writer, TOLD[wanted], changed)
        return _seen(writer, [changed], actor, day)[0]


def list_dependencies(
    graph: Graph,
    *,
    actor: Actor,
    unit: str | None = None,
    gone: bool = False,
    today: date | None = None,
) -> tuple[DependencySeen, ...]:
    """The dependencies that are there, the worst first: all, or those of a unit on either side."""
    return dependencies_page(graph, actor=actor, unit=unit, gone=gone, limit=None, today=today).items


def dependencies_page(
    graph: Graph,
    *,
    actor: Actor,
    unit: str | None = None,
    side: Side = Side.EITHER,
    gone: bool = False,
    limit: int | None = 100,
    cursor: str | None = None,
    today: date | None = None,
) -> DependencyPage:
    """A page of the same, or of those in which the unit is one of the sides, with all that are there as a matrix.

    Raises:
        InputError: the cursor is none of this list.
    """
    about = _about(unit, side)
    listed = about if gone else [*about, LIVE]
    with graph.read() as reader:
        after = [] if cursor is None else [after_place(read_cursor(cursor, tuple[int, int, str, str]))]
        found = read_dependencies(reader, *listed, *after, limit=None if limit is None else limit + 1)
        shown = found[:limit]
        following = cursor_of(*place_of(shown[-1])) if len(found) > len(shown) else None
        seen = _seen(reader, shown, actor, today or today_utc())
        return DependencyPage(seen, _matrix(reader, about), _count(reader, listed), next_cursor=following)


def dependencies_beside(
    graph: Graph, bet: str, units: Collection[str], *, actor: Actor, limit: int, today: date | None = None
) -> tuple[DependencySeen, ...]:
    """What stands beside a bet: those about it first, then those of its units that are about no bet, the worst first."""
    with graph.read() as reader:
        found = read_dependencies(reader, LIVE, DEPENDENCIES.c.bet == bet, limit=limit)
        if len(found) < limit:
            others = read_dependencies(
                reader, LIVE, DEPENDENCIES.c.bet.is_(None), _either(units), limit=limit - len(found)
            )
            found += others
        return _seen(reader, found, actor, today or today_utc())


def _matrix(reader: Reader, about: Sequence[sa.ColumnElement[bool]]) -> Matrix:
    here = DEPENDENCIES.c
    query = (
        sa.select(here.from_unit, here.to_unit, here.severity, sa.func.count().label("pieces"))
        .where(*about, LIVE)
        .group_by(here.from_unit, here.to_unit, here.severity)
    )
    rows = reader.connection.execute(query)
    return matrix_of((row.from_unit, row.to_unit, Severity(row.severity), row.pieces) for row in rows)


def _count(reader: Reader, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    query = sa.select(sa.func.count()).select_from(DEPENDENCIES).where(*conditions)
    return int(reader.connection.execute(query).scalar() or 0)


def dependencies_of(reader: Reader, units: Collection[str]) -> tuple[Dependency, ...]:
    """The live dependencies in which any of the units is a side, in an open transaction."""
    return tuple(read_dependencies(reader, LIVE, _either(units)))


def read_dependency(graph: Graph, number: str, *, actor: Actor, today: date | None = None) -> DependencySeen:
    """One dependency.

    Raises:
        NotFoundError: there is none.
    """
    with graph.read() as reader:
        return _seen(reader, [_require(reader, number)], actor, today or today_utc())[0]


def overdue_dependencies(
    graph: Graph, *, today: date | None = None, unit: str | None = None
) -> tuple[Dependency, ...]:
    """Those that have stopped work for more than two weeks, the oldest first: the next review talks about them (I9)."""
    day = today or today_utc()
    with graph.read() as reader:
        found = read_dependencies(
            reader, LIVE, DEPENDENCIES.c.severity == Severity.BLOCKING.value, *_about(unit)
        )
    return tuple(sorted((each for each in found if overdue(each, day)), key=lambda each: each.severity_since))


def speaks_for(graph: Graph, actor: Actor) -> frozenset[str]:
    """The units that the actor belongs to itself, to begin a form with."""
    with graph.read() as reader:
        found = reader.get(actor.ref) if actor.ref.startswith("user:") else None
        return frozenset(found.targets("memberOf") if found else ()) | actor.units


def _stepped(
    held: Dependency, step: Step, words: str, mine: frozenset[str], severity: Severity | str | None, day: date
) -> Dependency:
    changes: dict[str, Any] = {"state": STEPS[step].to or held.state}
    if step is Step.AGREE:
        changes["plan"] = words
    elif step is Step.REGRADE:
        graded = given_word(Severity, severity or "", "/severity")
        changes |= {"severity": graded}
        if graded is not held.severity:
            changes["severity_since"] = day
        if words:
            changes["from_words"] = words  # only the side that waits grades
    elif words:
        # Whoever speaks for both sides, as an administrator does, speaks here for the one that was asked.
        side = held.other if held.other in mine else held.reporter
        changes["from_words" if side == held.from_unit else "to_words"] = words
    return msgspec.structs.replace(held, **changes)


def _sides(reader: Reader, actor: Actor, units: Iterable[str]) -> frozenset[str]:
    """Those of the units that the actor may speak for."""
    own = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    return frozenset(unit for unit in units if may(actor, "write", unit, units=own).allow)


def _seen(reader: Reader, found: Iterable[Dependency], actor: Actor, day: date) -> tuple[DependencySeen, ...]:
    items = list(found)
    refs = {ref for each in items for ref in (each.from_unit, each.to_unit, each.bet) if ref}
    titles = reader.titles(refs)
    sides = _sides(reader, actor, {ref for ref in refs if not ref.startswith("bet:")})
    return tuple(
        DependencySeen(
            each,
            overdue(each, day),
            steps_for(each, sides),
            {ref: titles[ref] for ref in (each.from_unit, each.to_unit, each.bet) if ref in titles},
        )
        for each in items
    )


def _tell(writer: Writer, action: str, made: Dependency) -> None:
    """An entry for each side, so that it stands on the page of both."""
    after = {
        "dependency": made.id,
        "from": made.from_unit,
        "to": made.to_unit,
        "severity": made.severity.value,
        "state": made.state.value,
    }
    for unit in (made.from_unit, made.to_unit):
        writer.record(action, unit, after=after)


def _about(unit: str | None, side: Side = Side.EITHER) -> list[sa.ColumnElement[bool]]:
    if unit is None:
        return []
    ref = str(parse_ref(unit, default_kind="Group"))
    if side is Side.EITHER:
        return [_either([ref])]
    return [(DEPENDENCIES.c.from_unit if side is Side.WAITS else DEPENDENCIES.c.to_unit) == ref]


def _either(units: Collection[str]) -> sa.ColumnElement[bool]:
    """Those in which one of the units is a side."""
    named = sorted(units)
    return sa.or_(DEPENDENCIES.c.from_unit.in_(named), DEPENDENCIES.c.to_unit.in_(named))


def _require(reader: Reader, number: str) -> Dependency:
    found = read_dependencies(reader, DEPENDENCIES.c.id == number)
    if not found:
        raise NotFoundError(f"There is no dependency {number[:40]!r}.")
    return found[0]
