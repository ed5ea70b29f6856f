"""How far the evidence has burnt down each of the four risks of a bet. Pure.

Each risk stands by itself: there is no sum over the risks, over bets or over units.
"""

from collections.abc import Iterable
from enum import StrEnum
from math import prod

import msgspec

from counterpoint.bets.evidence import Direction, Evidence, standing
from counterpoint.bets.model import Bet, Risk, RiskNote, Stage
from counterpoint.said import Said

__all__ = ["BURNS", "OWNER_ROLES", "WEIGHTS", "Level", "RiskView", "read_risks", "weight_of"]

WEIGHTS = (0.0, 0.15, 0.35, 0.6, 0.85)
"""How far one piece of evidence of each strength goes, of 1 for certainty. No strength reaches 1."""
SEEN = 0.15
"""Less than what one piece of evidence of strength 1 says counts as nothing known."""
SOME = 0.35
ENOUGH = 0.6

OWNER_ROLES = {
    Risk.VALUE: "product owner",
    Risk.USABILITY: "designer",
    Risk.FEASIBILITY: "tech lead",
    Risk.VIABILITY: "product owner",
}
"""Who usually looks after a risk, where the bet names nobody."""
BURNS = {
    Stage.THINK: (Risk.VALUE, Risk.USABILITY),
    Stage.BUILD: (Risk.FEASIBILITY, Risk.USABILITY),
    Stage.SHIP: (Risk.VALUE, Risk.VIABILITY),
    Stage.TWEAK: (),
}
"""The risks that each stage is there to burn down."""


class Level(StrEnum):
    """Where a risk stands, in a word that its bar carries."""

    UNKNOWN = "unknown"
    OPEN = "open"
    FALLING = "falling"
    LOW = "low"
    MIXED = "mixed"
    HIGH = "high"


WORDS = {
    Level.UNKNOWN: ("Not tested", "Nobody has looked yet."),
    Level.OPEN: ("Little known", "What there is would not convince anybody else."),
    Level.FALLING: ("Falling", "The evidence speaks for the bet, and is not strong yet."),
    Level.LOW: ("Low", "Strong evidence speaks for the bet."),
    Level.MIXED: ("Mixed", "The evidence points both ways."),
    Level.HIGH: ("High", "The evidence speaks against the bet."),
}


class RiskView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One risk: its level, how much speaks for and against the bet, and who looks after it."""

    risk: Risk
    level: Level
    word: Said
    meaning: Said
    supporting: float
    """0 to 1: how much the evidence for the bet says, all together."""
    opposing: float
    """0 to 1: how much the evidence against it says."""
    count: int
    """Pieces of evidence that count."""
    strongest: int | None = None
    """The highest strength among them; none where there are none."""
    owner_role: str = ""
    judged: str = ""
    """How high the squad judged it beforehand; empty where it did not."""
    fear: str = ""

    @property
    def unknown(self) -> float:
        """What the bar leaves open, 0 to 1."""
        return max(0.0, 1 - self.supporting - self.opposing)

    @property
    def label(self) -> str:
        """The risk's name with a capital."""
        return self.risk.value.capitalize()


def weight_of(rows: Iterable[Evidence]) -> float:
    """How much pieces of evidence that point the same way say together: 1 - prod(1 - w), a noisy-or.

    Another piece always adds, and each adds less than the one before; many opinions are still nothing.

    References:
        Pearl, Probabilistic Reasoning in Intelligent Systems (1988), section 4.3.2.
    """
    return 1 - prod(1 - WEIGHTS[row.rung.strength] for row in rows)


def read_risks(bet: Bet, rows: Iterable[Evidence]) -> tuple[RiskView, ...]:
    """The four risks of a bet by the evidence that counts, in their order."""
    counted = standing(rows)
    return tuple(_view(bet.note_of(risk), [row for row in counted if row.risk is risk]) for risk in Risk)


def _view(note: RiskNote, rows: list[Evidence]) -> RiskView:
    supporting = weight_of(row for row in rows if row.direction is Direction.FOR)
    opposing = weight_of(row for row in rows if row.direction is Direction.AGAINST)
    level = _level(supporting, opposing, len(rows))
    word, meaning = WORDS[level]
    # The bar holds both: where they pass the whole together, each keeps its share of it.
    whole = max(1.0, supporting + opposing)
    return RiskView(
        risk=note.risk,
        level=level,
        word=word,
        meaning=meaning,
        supporting=round(supporting / whole, 4),
        opposing=round(opposing / whole, 4),
        count=len(rows),
        strongest=max((row.strength for row in rows), default=None),
        owner_role=note.owner_role or OWNER_ROLES[note.risk],
        judged=note.level,
        fear=note.fear,
    )


def _level(supporting: float, opposing: float, count: int) -> Level:
    if not count:
        return Level.UNKNOWN
    if min(supporting, opposing) >= SOME:
        return Level.MIXED
    if opposing >= SOME:
        return Level.HIGH
    if supporting >= ENOUGH and opposing < SEEN:
        return Level.LOW
    if supporting >= SOME:
        return Level.FALLING
    return Level.OPEN
