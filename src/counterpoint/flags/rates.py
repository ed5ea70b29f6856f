"""How often each client may ask: a bucket for each, which fills at a rate and holds one second's worth."""

import math
from collections import OrderedDict

__all__ = ["Rates"]

MOST_CLIENTS = 10_000
"""Buckets that are kept; whoever asked longest ago begins anew with a full one."""


class Rates:
    """Buckets by client. For use on one thread, the event loop's.

    References:
        The token bucket of RFC 2697, section 3, with one colour.
    """

    def __init__(self, per_second: int) -> None:
        self._rate = per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> int:
        """Take one from the client's bucket: 0, or the whole seconds after which there is one again.

        Args:
            client: whom to count it for.
            now: seconds of a monotonic clock.
        """
        level, at = self._buckets.pop(client, (float(self._rate), now))
        level = min(float(self._rate), level + max(0.0, now - at) * self._rate)
        wait = 0 if level >= 1 else max(1, math.ceil((1 - level) / self._rate))
        self._buckets[client] = (level if wait else level - 1, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait
