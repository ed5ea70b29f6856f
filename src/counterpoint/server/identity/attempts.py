"""Counts failed sign-ins, so that passwords cannot be tried by the thousand. In memory, per process."""

import threading
from collections import deque

from counterpoint.errors import OverloadedError

__all__ = ["Attempts"]

WINDOW = 300.0
"""Seconds for which a failure counts."""
PER_ACCOUNT = 5
"""Failures for one account from one address."""
PER_ADDRESS = 50
"""Failures from one address whatever the account, against one password tried on everybody."""
MOST_KEYS = 20_000


class Attempts:
    """The failures of the last minutes, by account and address."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._lock = threading.Lock()

    def check(self, account: str, address: str, *, now: float) -> None:
        """Refuse a further attempt where too many have failed.

        Raises:
            OverloadedError: with the seconds after which the next attempt is let through.
        """
        with self._lock:
            for key, limit in (((account, address), PER_ACCOUNT), (("", address), PER_ADDRESS)):
                failures = self._recent(self._failures.get(key, deque()), now)
                if len(failures) >= limit:
                    wait = max(1, round(failures[-limit] + WINDOW - now))
                    raise OverloadedError(
                        f"Too many failed sign-ins; try again in {wait} seconds.", retry_after=wait
                    )

    def failed(self, account: str, address: str, *, now: float) -> None:
        """Note a failure."""
        with self._lock:
            if len(self._failures) >= MOST_KEYS:
                self._forget(now)
            for key in ((account, address), ("", address)):
                self._recent(self._failures.setdefault(key, deque(maxlen=PER_ADDRESS)), now).append(now)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of someone who then knew the password."""
        with self._lock:
            self._failures.pop((account, address), None)

    @staticmethod
    def _recent(failures: deque[float], now: float) -> deque[float]:
        while failures and failures[0] <= now - WINDOW:
            failures.popleft()
        return failures

    def _forget(self, now: float) -> None:
        for key in [
            key for key, failures in self._failures.items() if not failures or failures[-1] <= now - WINDOW
        ]:
            del self._failures[key]
        while len(self._failures) >= MOST_KEYS:
            del self._failures[next(iter(self._failures))]
