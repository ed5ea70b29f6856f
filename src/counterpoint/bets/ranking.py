"""The order of a board: strict, without ties, and each move a new order. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from counterpoint.bets.model import Horizon

__all__ = ["Move", "ordered", "placed"]


class Move(StrEnum):
    """Where a bet goes on a board, within its horizon."""

    UP = "up"
    DOWN = "down"
    TOP = "top"
    BOTTOM = "bottom"


def ordered(bets: Iterable[str], ranks: Mapping[str, int]) -> list[str]:
    """The bets of a board in their order: those that were ranked by rank, then the others by reference.

    A bet that nobody has ranked yet stands last, so that an order always is one.

    >>> ordered(["c", "a", "b"], {"c": 1, "b": 0})
    ['b', 'c', 'a']
    """
    return sorted(bets, key=lambda bet: (bet not in ranks, ranks.get(bet, 0), bet))


def placed(
    order: Sequence[str],
    bet: str,
    horizons: Mapping[str, Horizon],
    *,
    move: Move | None = None,
    before: str | None = None,
) -> list[str]:
    """The order after one bet has moved, among the bets of its own horizon; all others keep theirs.

    `move` is relative to the order as it is, so that two people who move things at once both get what they
    asked for; `before` names the bet that it should stand before. At an end nothing changes.

    Raises:
        ValueError: the bet, or the one that it should stand before, is not on the board or in its horizon.

    >>> now = dict.fromkeys("abc", Horizon.NOW)
    >>> placed(["a", "b", "c"], "c", now, move=Move.UP)
    ['a', 'c', 'b']
    >>> placed(["a", "b", "c"], "c", now, before="a")
    ['c', 'a', 'b']
    """
    if bet not in order:
        raise ValueError(f"{bet} is not on this board")
    peers = [each for each in order if horizons[each] is horizons[bet]]
    at = peers.index(bet)
    rest = [each for each in peers if each != bet]
    if before is not None:
        if before not in rest:
            raise ValueError(f"{before} does not stand in the same column as {bet}")
        to = rest.index(before)
    else:
        to = {
            Move.UP: max(at - 1, 0),
            Move.DOWN: min(at + 1, len(rest)),
            Move.TOP: 0,
            Move.BOTTOM: len(rest),
            None: at,
        }[move]
    moved = iter([*rest[:to], bet, *rest[to:]])
    return [next(moved) if horizons[each] is horizons[bet] else each for each in order]
