"""How long to wait before the next attempt: longer each time, and never at the same moment as everybody else."""

import random
from collections.abc import Callable

__all__ = ["Pauses"]

LONGEST_WISH = 300.0
"""Seconds that a server may ask us to wait; what it asks beyond is not believed."""


class Pauses:
    """Exponential backoff with jitter: between half and all of `shortest`, 2 x `shortest`, ... up to `longest`."""

    def __init__(
        self, shortest: float, longest: float, *, chance: Callable[[], float] = random.random
    ) -> None:
        self.shortest = shortest
        self.longest = longest
        self._chance = chance
        self._failures = 0

    def after_failure(self, wish: float | None = None) -> float:
        """Seconds until the next attempt; at least `wish`, which is the server's `Retry-After`."""
        pause = min(self.longest, self.shortest * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return max(pause * (0.5 + 0.5 * self._chance()), min(wish or 0.0, LONGEST_WISH))

    def spread(self, period: float) -> float:
        """A period shortened by up to a tenth, so that many processes do not ask at once."""
        return period * (1.0 - 0.1 * self._chance())

    def reset(self) -> None:
        """Begin with the shortest again: something went well."""
        self._failures = 0
