"""Tokens that were looked up a moment ago, so that remote evaluation need not read the database each time."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from counterpoint.errors import CounterpointError
from counterpoint.graph import Graph
from counterpoint.server.identity import tokens
from counterpoint.server.identity.model import Caller

__all__ = ["HELD", "KnownCallers"]

HELD = 0.25
"""Seconds after which what a look at the graph has found counts no longer."""
LOOKED_UP_EVERY = 30.0
"""Seconds after which a token goes the usual way once, which notes that it is in use."""
MOST = 1_000
"""Tokens that are known at once. Only those that exist come in, so nobody can fill it with made-up ones."""


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    until: float
    """By the monotonic clock."""


class KnownCallers:
    """Callers by the hash of their token. What is revoked, by whichever process, is forgotten at the next `renew`.

    Whoever asks is to call `renew` in a thread several times a second; when it is not called, or cannot
    read the graph, nobody is known after `HELD` seconds.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._number = -1
        self._checked = -1
        """The change up to which all that are known have been looked up."""
        self._looked = float("-inf")

    @property
    def number(self) -> int:
        """The graph's newest change at the last look; to be read before looking up whom to `keep`."""
        return self._number

    def get(self, secret_hash: str) -> Caller | None:
        """Who holds the token, where that is known and was so a moment ago."""
        known = self._known.get(secret_hash)
        now = time.monotonic()
        if known is None or now - self._looked > HELD or now > known.until:
            return None
        expires_at = known.caller.expires_at
        return None if expires_at is not None and datetime.now(UTC) >= expires_at else known.caller

    def keep(self, secret_hash: str, caller: Caller, *, number: int) -> None:
        """Keep whom a look-up has found, unless the graph has changed since `number`, which was read before it."""
        known = _Known(caller, time.monotonic() + LOOKED_UP_EVERY)
        with self._lock:
            if number != self._number:
                return
            if len(self._known) >= MOST and secret_hash not in self._known:
                self._known.clear()
            self._known[secret_hash] = known

    def renew(self) -> None:
        """Look whether the graph has changed, and if so look every known token up again."""
        begun = time.monotonic()
        with suppress(CounterpointError):  # then nobody is known, and the usual way says what is wrong
            number = self._graph.last_activity()
            if number != self._checked:
                with self._lock:
                    self._number = number  # from now on nobody comes in who was looked up before
                    known = dict(self._known)
                self._drop_dead(known)
                self._checked = number
            self._looked = begun

    def _drop_dead(self, known: Mapping[str, _Known]) -> None:
        if not known:
            return
        with self._graph.read() as reader:
            live = tokens.live_tokens(reader, known, now=datetime.now(UTC))
        with self._lock:
            for secret_hash, entry in known.items():
                token = live.get(secret_hash)
                if token is None or tokens.token_actor(token) != entry.caller.actor:
                    self._known.pop(secret_hash, None)
