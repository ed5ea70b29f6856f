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
PER_ACCOUNT_ANYWHERE = 100
"""Failures for one account from all addresses together, which one machine may have or claim many of."""
MOST_KEYS = 20_000


class Attempts:
    """The failures of the last minutes, by account and address."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._lock = threading.Lock()

    def begin(self, account: str, address: str, *, now: float) -> None:
        """Let an attempt through and count it as failed until `succeeded` says otherwise.

        Counted at once, so that many attempts at the same moment do not all pass.

        Raises:
            OverloadedError: too many have failed; with the seconds until the next one is let through.
        """
        with self._lock:
            for key, limit in self._limits(account, address):
                failures = self._recent(self._failures.get(key, deque()), now)
                if len(failures) >= limit:
                    wait = max(1, round(failures[-limit] + WINDOW - now))
                    raise OverloadedError(
                        f"Too many failed sign-ins; try again in {wait} seconds.", retry_after=wait
                    )
            if len(self._failures) >= MOST_KEYS:
                self._forget(now)
            for key, limit in self._limits(account, address):
                self._recent(self._failures.setdefault(key, deque(maxlen=limit)), now).append(now)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of someone who then knew the password, and that this attempt was counted."""
        with self._lock:
            self._failures.pop((account, address), None)
            for key in (("", address), (account, "")):
                if self._failures.get(key):
                    self._failures[key].pop()

    @staticmethod
    def _limits(account: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return (
            ((account, address), PER_ACCOUNT),
            (("", address), PER_ADDRESS),
            ((account, ""), PER_ACCOUNT_ANYWHERE),
        )

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
