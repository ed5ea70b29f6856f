"""What the active bets of somebody are for: to grow, to run or to explore. Pure."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from counterpoint.bets.model import Bet, Mix, State

__all__ = ["MixShare", "mix_of"]


class MixShare(msgspec.Struct, frozen=True):
    """How many active bets grow, run or explore; the empty text for those that say nothing."""

    mix: str
    count: int


def mix_of(bets: Iterable[Bet]) -> tuple[MixShare, ...]:
    """The shares of the active ones; those that do not say come last, where there are any."""
    counts = Counter(str(bet.mix or "") for bet in bets if bet.state is State.ACTIVE)
    return tuple(MixShare(mix, counts[mix]) for mix in (*Mix, "") if mix or counts[""])
