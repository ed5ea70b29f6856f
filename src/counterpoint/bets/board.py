"""Boards: the open bets of a unit and of everything in it, Now, Next and Later, in a strict order.

Each unit has a board of its own, and an order of its own on it; which horizon a bet stands in is said by
its owner alone. Boards nest as units do: a tribe's board shows its squads' bets, with their own ranks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.follow_ups import FollowUp, follow_ups_of, open_ones
from counterpoint.bets.line import Line
from counterpoint.bets.marks import ConcernMark, ProbabilityMark, concerns_of, probabilities_of
from counterpoint.bets.model import Horizon, Mix, State, read_bet
from counterpoint.bets.ranking import ordered
from counterpoint.bets.ranks import ranks_of
from counterpoint.bets.staleness import Staleness, staleness
from counterpoint.bets.units import BoardUnit, above, below, bets_in, may_order, shown, unit_of
from counterpoint.bets.whole import read_whole
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["Board", "BoardBet", "Column", "MixShare", "UnitLoad", "read_board"]

MOST = 2_000
"""Bets of one board that are read."""


class BoardBet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One bet on a board. Its rank counts within its column and begins with 1."""

    rank: int
    ranked: bool
    """Whether somebody has placed it on this board; others stand last."""
    line: Line
    own_rank: int | None = None
    """Its rank on its owner's own board; none on that board."""
    staleness: Staleness | None = None
    probability: ProbabilityMark | None = None
    concern: ConcernMark | None = None
    expired: int = 0
    """Beliefs past their date."""
    may_write: bool = False
    """Whether the reader may say in which horizon it stands."""


class Column(msgspec.Struct, frozen=True):
    """The bets of one horizon, first to last."""

    horizon: Horizon
    bets: tuple[BoardBet, ...]


class MixShare(msgspec.Struct, frozen=True):
    """How many active bets grow, run or explore; the empty text for those that say nothing."""

    mix: str
    count: int


class UnitLoad(msgspec.Struct, frozen=True):
    """How many active bets a unit has against what it is advised."""

    unit: BoardUnit
    active: int
    most: int

    @property
    def over(self) -> bool:
        """Whether there are more than advised."""
        return self.active > self.most


class Board(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A unit's board."""

    unit: BoardUnit
    above: tuple[BoardUnit, ...]
    parts: tuple[BoardUnit, ...]
    """The units right below that have boards with bets."""
    columns: tuple[Column, ...]
    mix: tuple[MixShare, ...]
    loads: tuple[UnitLoad, ...]
    """Of each unit with active bets."""
    closed: int
    """Bets that have ended, which no column shows."""
    untraced: int
    """Open bets that trace to no purpose."""
    due: tuple[FollowUp, ...]
    """Overrides that come back now."""
    permission: bool
    """Whether the reader may order the board."""
    reason: str

    @property
    def total(self) -> int:
        """How many bets the columns show."""
        return sum(len(column.bets) for column in self.columns)


def read_board(graph: Graph, unit: str, *, actor: Actor, now: datetime | None = None) -> Board:
    """The board of a unit; without one that of the unit above all others.

    Raises:
        NotFoundError: there is no such unit.
        InputError: `unit` is no reference of one.
    """
    moment = now or datetime.now(UTC)
    with graph.read() as reader:
        entity = unit_of(reader, unit)
        units = below(reader, entity)
        customs = Customs(graph)
        bets = [bet for bet in bets_in(reader, units) if customs.read(reader, bet.owner).practises("bets")][
            :MOST
        ]
        opened = [bet for bet in bets if not read_bet(bet).state.closed]
        permission = may_order(reader, entity, actor)
        rows = _rows(reader, entity, opened, actor, moment)
        lines = [row.line for row in rows]
        owners = Counter(line.bet.owner for line in lines if line.bet.state is State.ACTIVE)
        follow_ups = follow_ups_of(reader, [bet.ref for bet in bets])
        return Board(
            unit=shown(entity),
            above=tuple(above(reader, entity)),
            parts=_parts(entity, units, bets),
            columns=_columns(rows),
            mix=_mix(lines),
            loads=tuple(
                UnitLoad(shown(units[owner]), count, customs.read(reader, owner).limit("betsAtOnce"))
                for owner, count in sorted(owners.items(), key=lambda pair: str(pair[0]))
                if owner in units
            ),
            closed=len(bets) - len(opened),
            untraced=sum(not line.traced for line in lines),
            due=open_ones(follow_ups, moment.date()),
            permission=permission.allow,
            reason=permission.reason,
        )


def _rows(
    reader: Reader, unit: Entity, bets: Sequence[Entity], actor: Actor, now: datetime
) -> list[BoardBet]:
    ranks = ranks_of(reader, unit.ref)
    by_ref = {bet.ref: bet for bet in bets}
    order = [by_ref[ref] for ref in ordered(by_ref, ranks)]
    evidence = evidence_of(reader, order)
    lines = read_whole(reader, order, evidence=evidence, today=now.date())
    probabilities = probabilities_of(reader, list(by_ref))
    concerns = concerns_of(reader, list(by_ref), viewer=actor.ref)
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    own = _own_ranks(reader, lines, unit.ref)
    counts: Counter[Horizon] = Counter()
    found = []
    for line in lines:
        bet = line.bet
        counts[bet.planned] += 1
        news = [
            *(each.at for each in line.decisions),
            *(each.at for each in line.stances),
            *(row.at for row in evidence.get(bet.ref, ())),
        ]
        exists = line.owner is not None and line.owner.exists
        found.append(
            BoardBet(
                rank=counts[bet.planned],
                ranked=bet.ref in ranks,
                line=line,
                own_rank=own.get(bet.ref),
                staleness=staleness(bet, news, now),
                probability=probabilities.get(bet.ref),
                concern=concerns.get(bet.ref),
                expired=_expired(line, now.date()),
                may_write=_may(actor, bet.owner, exists=exists, units=units).allow,
            )
        )
    return found


def _may(actor: Actor, owner: str | None, *, exists: bool, units: frozenset[str]) -> Decision:
    return may(actor, "write", owner, owner_exists=exists, units=units)


def _expired(line: Line, today: date) -> int:
    return sum(node.expired(today) for node in line.beliefs)


def _own_ranks(reader: Reader, lines: Sequence[Line], board: str) -> dict[str, int]:
    """The rank of each bet on its owner's board, within its column; none of the board's own bets."""
    mine: dict[str, list[Line]] = {}
    for line in lines:
        if line.bet.owner and line.bet.owner != board:
            mine.setdefault(line.bet.owner, []).append(line)
    found: dict[str, int] = {}
    for owner, owned in mine.items():
        planned: Mapping[str, Horizon] = {line.bet.ref: line.bet.planned for line in owned}
        counts: Counter[Horizon] = Counter()
        for ref in ordered(planned, ranks_of(reader, owner)):
            counts[planned[ref]] += 1
            found[ref] = counts[planned[ref]]
    return found


def _columns(rows: Sequence[BoardBet]) -> tuple[Column, ...]:
    return tuple(
        Column(horizon, tuple(row for row in rows if row.line.bet.planned is horizon)) for horizon in Horizon
    )


def _mix(lines: Sequence[Line]) -> tuple[MixShare, ...]:
    counts = Counter(str(line.bet.mix or "") for line in lines if line.bet.state is State.ACTIVE)
    return tuple(MixShare(mix, counts[mix]) for mix in (*Mix, "") if mix or counts[""])


def _parts(unit: Entity, units: Mapping[str, Entity], bets: Sequence[Entity]) -> tuple[BoardUnit, ...]:
    owners = {bet.owner for bet in bets}

    def holds(ref: str, seen: frozenset[str]) -> bool:
        if ref in owners:
            return True
        parts = units[ref].targets("parentOf") if ref in units else ()
        return any(holds(part, seen | {ref}) for part in parts if part not in seen)

    parts = [units[ref] for ref in unit.targets("parentOf") if ref in units]
    return tuple(
        shown(part)
        for part in sorted(parts, key=lambda each: (each.title.casefold(), each.ref))
        if holds(part.ref, frozenset({unit.ref}))
    )
