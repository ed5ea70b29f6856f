"""Since when nothing has happened to a bet, and from when on that is worth asking about. Pure."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from counterpoint.bets.model import Bet, Stage, State
from counterpoint.said import Said

__all__ = ["QUIET_DAYS", "Staleness", "staleness"]

QUIET_DAYS = {Stage.THINK: 21, Stage.BUILD: 30, Stage.SHIP: 14, Stage.TWEAK: 60}
"""Days without news from which a bet in each stage counts as stale: about two rounds of its review."""


class Staleness(msgspec.Struct, frozen=True):
    """How long a bet has been quiet."""

    days: int
    """Whole days since the last news."""
    most: int
    """Days that are usual in its stage."""
    since: date

    @property
    def stale(self) -> bool:
        """Whether it is worth asking."""
        return self.days > self.most

    @property
    def sentence(self) -> Said:
        """In words."""
        return f"Nothing new for {self.days} days; in this stage there is news within {self.most}."


def staleness(bet: Bet, news: Iterable[datetime], now: datetime) -> Staleness | None:
    """How long an active bet has been quiet; none of a bet that rests or is closed, or that has no date.

    `news` are the moments of its decisions, evidence, stances and readings; a change of its text counts too.
    """
    moments = [*news, *([bet.updated_at] if bet.updated_at else [])]
    if bet.state is not State.ACTIVE or not moments:
        return None
    last = max(moments)
    return Staleness(max((now - last).days, 0), QUIET_DAYS[bet.stage], last.date())
