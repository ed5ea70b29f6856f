"""Boards: the open bets of a unit and of everything in it, Now, Next and Later, in a strict order.

Each unit has a board of its own, and an order of its own on it; which horizon a bet stands in is said by
its owner alone. Boards nest as units do: a tribe's board shows its squads' bets, with their own ranks.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from counterpoint.bets.concerns.store import ConcernMark, concern_marks_of
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.follow_ups import FollowUp, follow_ups_of, open_ones
from counterpoint.bets.line import Line, traced_bets
from counterpoint.bets.marks import ProbabilityMark, probabilities_of
from counterpoint.bets.mix import MixShare, mix_of
from counterpoint.bets.model import Bet, Horizon, State, read_bet
from counterpoint.bets.ranking import ordered
from counterpoint.bets.ranks import ranks_of
from counterpoint.bets.staleness import Staleness
from counterpoint.bets.units import BoardUnit, above, below, bets_in, may_order, practising, shown, unit_of
from counterpoint.bets.whole import read_whole, staleness_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.paging import cursor_of, read_cursor

__all__ = ["Asked", "Board", "BoardBet", "Column", "MixShare", "UnitLoad", "read_board"]

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


class Column(msgspec.Struct, frozen=True, rename="camel"):
    """The bets of one horizon, first to last, or a part of them."""

    horizon: Horizon
    bets: tuple[BoardBet, ...]
    total: int
    """How many there are, those that are not read among them."""
    following: str | None = None
    """The first bet after those that are read; none where there is none."""
    next_cursor: str | None = None


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
        """How many bets there are in the columns."""
        return sum(column.total for column in self.columns)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a board is read; all of it where nothing is asked for."""

    limit: int | None = None
    """Bets of each column at most."""
    through: str = ""
    """A bet up to which its column is read, however far down it stands."""
    horizon: Horizon | None = None
    """One column; the others tell only how many bets they have."""
    cursor: str | None = None
    """Where that column goes on."""


ALL = Asked()


def read_board(
    graph: Graph, unit: str, *, actor: Actor, now: datetime | None = None, asked: Asked = ALL
) -> Board:
    """The board of a unit; without one that of the unit above all others.

    Raises:
        NotFoundError: there is no such unit.
        InputError: `unit` is no reference of one, or the cursor is none of a column.
    """
    moment = now or datetime.now(UTC)
    with graph.read() as reader:
        entity = unit_of(reader, unit)
        units = below(reader, entity)
        customs = Customs(graph)
        bets = practising(graph, reader, bets_in(reader, units))[:MOST]
        models = {bet.ref: read_bet(bet) for bet in bets}
        opened = [bet for bet in bets if not models[bet.ref].state.closed]
        permission = may_order(reader, entity, actor)
        open_models = [models[bet.ref] for bet in opened]
        owners = Counter(bet.owner for bet in open_models if bet.state is State.ACTIVE)
        follow_ups = follow_ups_of(reader, [bet.ref for bet in bets])
        return Board(
            unit=shown(entity),
            above=tuple(above(reader, entity)),
            parts=_parts(entity, units, bets),
            columns=_columns(reader, entity, opened, models, actor, moment, asked),
            mix=mix_of(open_models),
            loads=tuple(
                UnitLoad(shown(units[owner]), count, customs.read(reader, owner).limit("betsAtOnce"))
                for owner, count in sorted(owners.items(), key=lambda pair: str(pair[0]))
                if owner in units
            ),
            closed=len(bets) - len(opened),
            untraced=len(opened) - len(traced_bets(reader, opened)),
            due=open_ones(follow_ups, moment.date()),
            permission=permission.allow,
            reason=permission.reason,
        )


def _columns(
    reader: Reader,
    unit: Entity,
    bets: Sequence[Entity],
    models: Mapping[str, Bet],
    actor: Actor,
    now: datetime,
    asked: Asked,
) -> tuple[Column, ...]:
    """The columns in their order, of which no more is read than was asked for."""
    ranks = ranks_of(reader, unit.ref)
    by_ref = {bet.ref: bet for bet in bets}
    places: dict[Horizon, list[str]] = {horizon: [] for horizon in Horizon}
    for ref in ordered(by_ref, ranks):
        places[models[ref].planned].append(ref)
    parts = {horizon: _part(refs, horizon, asked) for horizon, refs in places.items()}
    wanted = [by_ref[ref] for horizon, part in parts.items() for ref in places[horizon][part]]
    rows = _rows(reader, unit, wanted, actor, now)
    own = _own_ranks(reader, rows.keys(), by_ref, models, unit.ref)
    return tuple(
        Column(
            horizon,
            tuple(
                msgspec.structs.replace(
                    rows[ref], rank=part.start + number, ranked=ref in ranks, own_rank=own.get(ref)
                )
                for number, ref in enumerate(refs[part], 1)
            ),
            len(refs),
            refs[part.stop] if part.stop < len(refs) and refs[part] else None,
            cursor_of(part.stop, refs[part.stop - 1]) if part.stop < len(refs) and refs[part] else None,
        )
        for horizon, refs in places.items()
        for part in [parts[horizon]]
    )


def _part(refs: Sequence[str], horizon: Horizon, asked: Asked) -> slice:
    """Which bets of a column are read. A cursor goes on after its bet, or where that stood if it has gone since."""
    start, stop = 0, len(refs)
    if asked.horizon not in (None, horizon):
        return slice(0, 0)
    if asked.cursor is not None:
        place, after = read_cursor(asked.cursor, tuple[int, str])
        start = min(refs.index(after) + 1 if after in refs else max(place - 1, 0), stop)
    if asked.limit is not None:
        stop = min(start + asked.limit, stop)
    if asked.through in refs:
        stop = max(stop, refs.index(asked.through) + 1)
    return slice(start, stop)


def _rows(
    reader: Reader, unit: Entity, bets: Sequence[Entity], actor: Actor, now: datetime
) -> dict[str, BoardBet]:
    """What a board shows of each bet, but for its place."""
    evidence = evidence_of(reader, bets)
    lines = read_whole(reader, bets, evidence=evidence, today=now.date())
    refs = [bet.ref for bet in bets]
    probabilities = probabilities_of(reader, refs, evidence)
    concerns = concern_marks_of(reader, refs, actor, today=now.date())
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    found = {}
    for line in lines:
        bet = line.bet
        exists = line.owner is not None and line.owner.exists
        found[bet.ref] = BoardBet(
            rank=0,
            ranked=False,
            line=line,
            staleness=staleness_of(line, evidence.get(bet.ref, ()), now),
            probability=probabilities.get(bet.ref),
            concern=concerns.get(bet.ref),
            expired=_expired(line, now.date()),
            may_write=_may(actor, bet.owner, exists=exists, units=units).allow,
        )
    return found


def _may(actor: Actor, owner: str | None, *, exists: bool, units: frozenset[str]) -> Decision:
    return may(actor, "write", owner, owner_exists=exists, units=units)


def _expired(line: Line, today: date) -> int:
    return sum(node.expired(today) for node in line.beliefs)


def _own_ranks(
    reader: Reader,
    wanted: Collection[str],
    bets: Mapping[str, Entity],
    models: Mapping[str, Bet],
    board: str,
) -> dict[str, int]:
    """The rank of each wanted bet on its owner's board, within its column; none of the board's own bets."""
    owners = {models[ref].owner for ref in wanted} - {None, board}
    mine: dict[str, dict[str, Horizon]] = {}
    for ref in bets:
        owner = models[ref].owner
        if owner is not None and owner in owners:
            mine.setdefault(owner, {})[ref] = models[ref].planned
    found: dict[str, int] = {}
    for owner, planned in mine.items():
        counts: Counter[Horizon] = Counter()
        for ref in ordered(planned, ranks_of(reader, owner)):
            counts[planned[ref]] += 1
            found[ref] = counts[planned[ref]]
    return found


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
