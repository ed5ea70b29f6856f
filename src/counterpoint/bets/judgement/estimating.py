"""Estimates of bets, kept and read; what follows from them for one bet and for all."""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import insert, select

from counterpoint.bets.decisions import require_bet
from counterpoint.bets.judgement.estimates import Quantity, Range, read_range
from counterpoint.bets.judgement.next_test import Advised, advise
from counterpoint.bets.judgement.portfolio import Order, contenders_of, order
from counterpoint.bets.judgement.tables import ESTIMATES
from counterpoint.bets.model import State, read_bet
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros

__all__ = [
    "Estimate",
    "Judged",
    "Ranked",
    "estimate",
    "estimates_of",
    "judged",
    "portfolio",
    "units_of_delays",
]

LONGEST_UNIT, LONGEST_NOTE = 24, 1000


class Estimate(msgspec.Struct, frozen=True, rename="camel"):
    """One estimate as it was recorded. It never changes; a newer one of the same quantity takes its place."""

    seq: int
    bet: str
    quantity: Quantity
    p10: float
    p50: float
    p90: float
    unit: str
    note: str
    actor: str
    at: datetime

    @property
    def range(self) -> Range:
        """The three points."""
        return Range(self.p10, self.p50, self.p90)


class Judged(msgspec.Struct, frozen=True, rename="camel"):
    """What is estimated of a bet, and the test that should come next."""

    bet: str
    estimates: tuple[Estimate, ...]
    """The newest of each quantity, in the order of the quantities."""
    advised: Advised


class Ranked(msgspec.Struct, frozen=True, rename="camel"):
    """The active bets in an order as far as their ranges give one."""

    orders: tuple[Order, ...]
    titles: dict[str, str]
    missing: tuple[str, ...]
    """Active bets that lack a range of cost of delay or of duration."""


def estimate(
    graph: Graph,
    ref: str,
    quantity: Quantity,
    given: Range,
    *,
    actor: Actor,
    unit: str = "",
    note: str = "",
) -> Estimate:
    """Record what the owner of a bet estimates.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: the range is none, or a text is too long.
    """
    read_range(quantity, given.p10, given.p50, given.p90)
    unit, note = unit.strip(), note.strip()
    _check_length("unit", unit, LONGEST_UNIT)
    _check_length("note", note, LONGEST_NOTE)
    with graph.write(actor) as writer:
        bet = require_bet(writer, ref).ref
        writer.require_write(bet)
        told = {
            "quantity": quantity.value,
            "p10": given.p10,
            "p50": given.p50,
            "p90": given.p90,
            "unit": unit,
        }
        activity = writer.record("bet.estimated", bet, after=told, reason=note or None)
        made = Estimate(
            seq=activity.seq,
            bet=bet,
            quantity=quantity,
            p10=given.p10,
            p50=given.p50,
            p90=given.p90,
            unit=unit,
            note=note,
            actor=activity.actor,
            at=activity.at,
        )
        row = msgspec.structs.asdict(made) | {"quantity": quantity.value, "at": to_micros(made.at)}
        writer.connection.execute(insert(ESTIMATES).values(row))
        return made


def estimates_of(reader: Reader, bets: Collection[str]) -> dict[str, dict[Quantity, Estimate]]:
    """The newest estimate of each quantity by bet; bets without any are left out."""
    found: dict[str, dict[Quantity, Estimate]] = {}
    named = sorted(bets)
    for start in range(0, len(named), 500):
        wanted = ESTIMATES.c.bet.in_(named[start : start + 500])
        rows = reader.connection.execute(select(ESTIMATES).where(wanted).order_by(ESTIMATES.c.seq))
        for row in rows:
            quantity = Quantity(row.quantity)
            plain = dict(row._mapping) | {"quantity": quantity, "at": to_datetime(row.at)}
            found.setdefault(row.bet, {})[quantity] = Estimate(**plain)
    return found


def judged(graph: Graph, ref: str) -> Judged:
    """What is estimated of a bet, and which test should come next.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return judged_of(reader, require_bet(reader, ref).ref)


def judged_of(reader: Reader, bet: str) -> Judged:
    """The same for a bet that exists, by its canonical reference."""
    found = estimates_of(reader, [bet]).get(bet, {})
    ordered = tuple(found[quantity] for quantity in Quantity if quantity in found)
    value = found.get(Quantity.VALUE)
    ranges = {each.quantity: each.range for each in ordered}
    return Judged(bet, ordered, advise(ranges, value.unit if value else ""))


def portfolio(graph: Graph, *, owner: str | None = None) -> Ranked:
    """The active bets, of one owner or of all, ordered as far as their ranges give an order."""
    with graph.read() as reader:
        bets = [
            bet for bet in map(read_bet, reader.all(kind="Bet", owner=owner)) if bet.state is State.ACTIVE
        ]
        found = estimates_of(reader, [bet.ref for bet in bets])
    ranges = {bet: {key: each.range for key, each in of.items()} for bet, of in found.items()}
    contenders = contenders_of(ranges, units_of_delays(found))
    there = {one.bet for one in contenders}
    return Ranked(
        order(contenders),
        {bet.ref: bet.title for bet in bets},
        tuple(bet.ref for bet in bets if bet.ref not in there),
    )


def units_of_delays(found: Mapping[str, Mapping[Quantity, Estimate]]) -> dict[str, str]:
    """What the cost of delay of each bet is counted in."""
    delays = {bet: of.get(Quantity.COST_OF_DELAY) for bet, of in found.items()}
    return {bet: delay.unit for bet, delay in delays.items() if delay}


def _check_length(name: str, text: str, most: int) -> None:
    if len(text) > most:
        message = f"The {name} has {len(text)} characters; {most} are the most."
        raise InputError("The estimate cannot be taken.", [Problem(message, f"/{name}")])
