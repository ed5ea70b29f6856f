"""What the forms about bets and units offer to choose from, and where they tell what is wrong."""

from counterpoint.bets.store import list_bets
from counterpoint.errors import InputError
from counterpoint.workspace import Workspace

__all__ = ["live_bets", "units_there", "wrong_by_field"]

BETS = 200
UNITS = 500
Pairs = list[tuple[str, str]]
"""Reference and title."""


def units_there(ws: Workspace) -> Pairs:
    """The units, by name; the first `UNITS`."""
    with ws.graph.read() as reader:
        return [(unit.ref, unit.title) for unit in reader.find(kind="Group", limit=UNITS).items]


def live_bets(ws: Workspace) -> Pairs:
    """The bets that somebody works on, by title; of the first `BETS`."""
    live = [line.bet for line in list_bets(ws.graph, limit=BETS).items if not line.bet.state.closed]
    return sorted(((bet.ref, bet.title) for bet in live), key=lambda pair: pair[1].casefold())


def wrong_by_field(error: InputError) -> dict[str, str]:
    """The messages by the field that they are about; what has no field is under the empty text."""
    found = {problem.pointer.strip("/"): problem.message for problem in error.problems}
    return found or {"": error.message}
