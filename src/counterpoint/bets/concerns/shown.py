"""What the pages of concerns say of namings, moves and dates."""

from collections.abc import Sequence

import msgspec

from counterpoint.bets.concerns.model import Move, Naming, Risk
from counterpoint.bets.concerns.raising import Choices
from counterpoint.bets.concerns.store import Seen
from counterpoint.said import Said

__all__ = ["MOVE_GUIDES", "NAMINGS", "RISKS", "MoveGuide", "naming_options", "offered"]

RISKS: tuple[tuple[Risk, Said], ...] = (
    (Risk.DEADLINE, "A date: it will not be done in time"),
    (Risk.QUALITY, "Quality: it will not be good enough"),
)
NAMINGS: dict[Naming, Said] = {
    Naming.NAMED: "By my name",
    Naming.SQUAD: "In the name of the squad",
    Naming.ANONYMOUS: "Without a name, inside the squad",
}
NAMED: dict[Naming, Said] = {
    Naming.NAMED: "by name",
    Naming.SQUAD: "in the name of the squad",
    Naming.ANONYMOUS: "without a name, inside the squad",
}
"""How a concern says that its raiser is named."""


class MoveGuide(msgspec.Struct, frozen=True):
    """A move as a form offers it and as a timeline tells it."""

    move: Move
    label: Said
    said: Said
    icon: str


MOVE_GUIDES = {
    guide.move: guide
    for guide in (
        MoveGuide(Move.ACKNOWLEDGE, "Acknowledge", "acknowledged it", "check"),
        MoveGuide(Move.ASK, "Ask", "asked", "help"),
        MoveGuide(Move.OFFER_HELP, "Offer help", "offered help", "plus"),
        MoveGuide(Move.CHANGE_CONSTRAINT, "Change a constraint", "changed a constraint", "edit"),
        MoveGuide(Move.REPLY, "Reply", "replied", "arrow"),
        MoveGuide(Move.OFFER_OPTIONS, "Offer options", "offered options", "decision"),
        MoveGuide(Move.PUBLISH, "Let everybody see it", "let everybody see it", "group"),
        MoveGuide(Move.RESOLVE, "Resolve", "resolved it", "check"),
        MoveGuide(Move.WITHDRAW, "Take it back", "took it back", "archive"),
    )
}
APART = frozenset({Move.PUBLISH, Move.WITHDRAW, Move.ACKNOWLEDGE})
"""Moves of one click, with a button of their own."""


def naming_options(choices: Choices | None) -> list[tuple[str, str]]:
    """The namings that a form offers; all, while it is open which bet it is about."""
    open_to = choices.namings if choices else tuple(Naming)
    return [(each.value, NAMINGS[each]) for each in open_to]


def offered(seen: Seen) -> Sequence[MoveGuide]:
    """The moves that need words, as the form offers them."""
    return [MOVE_GUIDES[move] for move in seen.moves if move not in APART]
