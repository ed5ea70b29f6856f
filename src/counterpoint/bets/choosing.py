"""What the forms about bets and units offer to choose from, and where they tell what is wrong."""

from counterpoint.bets.model import read_bet
from counterpoint.errors import InputError
from counterpoint.workspace import Workspace

__all__ = ["live_bets", "units_there", "wrong_by_field"]

BETS = 1_000
UNITS = 500
Pairs = list[tuple[str, str]]
"""Reference and title."""


def units_there(ws: Workspace) -> Pairs:
    """The units, by name; the first `UNITS`."""
    with ws.graph.read() as reader:
        return [(unit.ref, unit.title) for unit in reader.find(kind="Group", limit=UNITS).items]


def live_bets(ws: Workspace) -> Pairs:
    """The bets that have not ended, by title; of the first `BETS`."""
    with ws.graph.read() as reader:
        found = map(read_bet, reader.find(kind="Bet", limit=BETS, order="title").items)
        live = [(bet.ref, bet.title) for bet in found if not bet.state.closed]
    return sorted(live, key=lambda pair: pair[1].casefold())


def wrong_by_field(error: InputError) -> dict[str, str]:
    """The messages by the field that they are about; what has no field is under the empty text."""
    found = {problem.pointer.strip("/"): problem.message for problem in error.problems}
    return found or {"": error.message}
