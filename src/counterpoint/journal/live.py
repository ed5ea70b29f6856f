"""Counts by minute as they arrive: `GET /api/v1/events/live`, as server-sent events.

A message holds the minutes whose counts are others than those last sent, each with its whole counts: nothing has
to be added up, and a message that was missed is made good by the next. While nobody listens nothing is read.
"""

import asyncio
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import parse_qs

import msgspec
from litestar.exceptions import HTTPException

from counterpoint.errors import CounterpointError, InputError, NotFoundError, OverloadedError, Problem
from counterpoint.journal.arrivals import Arrivals, Selection, arrivals
from counterpoint.journal.intake import connect, storage_errors
from counterpoint.journal.journal import Journal
from counterpoint.journal.tally import MINUTE
from counterpoint.moments import rfc3339, to_datetime, to_micros
from counterpoint.streams import LONGEST, QUIET, Listener, encoded, last_id, open_and_end, serve

__all__ = ["LIVE", "MINUTES", "LiveCounts"]

LIVE: Final = "/api/v1/events/live"
MINUTES: Final = 60
"""How far back the first message goes."""
PERIOD: Final = 1.0
"""Seconds between two looks, and at least between two messages."""
MOST: Final = 1_000
"""Streams of one process."""
LATE: Final = 2
"""Minutes for which a minute's counts may still change: what is written then was received before."""


class Filter(NamedTuple):
    """Which events a stream is about, none meaning all; and whether they are counted by type or source."""

    type: str | None
    source: str | None
    by: Literal["type", "source"] | None = None


State = dict[tuple[int, str], Arrivals]
"""Counts by minute since 1970, and by name where they are counted by type or source."""


class _Client(Listener):
    __slots__ = ("wanted",)

    def __init__(self, wanted: Filter) -> None:
        super().__init__()
        self.wanted = wanted


class LiveCounts:
    """One bare ASGI callable. Everything happens on one event loop; what reads the journal does so in a thread."""

    def __init__(
        self,
        journal: Callable[[], Journal],
        *,
        period: float = PERIOD,
        quiet: float = QUIET,
        most: int = MOST,
    ) -> None:
        self._journal = journal
        self._period = period
        self._quiet = quiet
        self._most = most
        self._clients: set[_Client] = set()
        self._states: dict[Filter, State] = {}
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._closing = False

    @property
    def open(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    def close(self) -> None:
        """End every stream, and open no other. Called before the server waits for its connections to end."""
        self._closing = True
        self._stop.set()
        for client in self._clients:
            client.end()

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]
    ) -> None:
        """Serve one stream until its client goes or the server stops.

        Raises:
            NotFoundError: there is nothing at this address.
            HTTPException: it is no GET.
            InputError: counts by something else than type or source are asked for.
            OverloadedError: too many streams are open.
        """
        if scope["path"].rstrip("/") != LIVE:
            raise NotFoundError(f"There is nothing at this address; counts are at {LIVE}.")
        if scope["method"] != "GET":
            raise HTTPException(status_code=405, detail="Open a stream with GET.", headers={"allow": "GET"})
        if self._closing:
            await open_and_end(send)
            return
        if len(self._clients) >= self._most:
            raise OverloadedError(
                "Too many streams are open; ask /api/v1/events/counts now and then.", retry_after=10
            )
        client = _Client(_filter(scope))
        self._clients.add(client)
        try:
            if client.wanted not in self._states:
                first = await asyncio.to_thread(self._look_once, client.wanted)
                self._states.setdefault(client.wanted, first)
            if self._task is None:
                self._stop.clear()
                self._task = asyncio.get_running_loop().create_task(self._follow())
            say = self._new_to(client.wanted, last_id(scope))
            await serve(client, receive, send, say, quiet=self._quiet, pause=self._period, longest=LONGEST)
        finally:
            self._leave(client)

    def _leave(self, client: _Client) -> None:
        self._clients.discard(client)
        if not any(other.wanted == client.wanted for other in self._clients):
            self._states.pop(client.wanted, None)
        if not self._clients:
            self._stop.set()

    def _new_to(self, wanted: Filter, identity: str) -> Callable[[], bytes]:
        """What says which minutes have other counts than were sent before. A client that comes back names the
        minute and the sum of what it has."""
        sent: State | None = None
        since, _, have = identity.partition(".")

        def say() -> bytes:
            nonlocal sent
            state = self._states.get(wanted, {})
            if sent is None and have and have == _sum(state):
                sent = state
                return b""
            start = (
                int(since) - LATE
                if sent is None and since.isascii() and since.isdigit() and len(since) < 12
                else 0
            )
            changed = {
                key: counts
                for key, counts in state.items()
                if key[0] >= start and (sent is None or sent.get(key) != counts)
            }
            first, sent = sent is None, state
            return _message(wanted, state, changed) if changed or first else b""

        return say

    async def _follow(self) -> None:
        """Wake the streams whose counts have changed, while there is any."""
        look = _Look(self._journal)
        try:
            while self._clients and not self._closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._period):
                        await self._stop.wait()
                if self._stop.is_set() and not self._clients:
                    return
                self._stop.clear()
                wanted = {client.wanted for client in self._clients}
                with suppress(CounterpointError):  # a journal that is busy is looked at again
                    self._changed(await asyncio.to_thread(look, wanted))
        finally:
            self._task = None  # before anything is awaited: who comes now starts another
            await asyncio.to_thread(look.close)

    def _changed(self, found: Mapping[Filter, State]) -> None:
        changed = {wanted for wanted, state in found.items() if self._states.get(wanted) != state}
        for client in self._clients:
            if client.wanted in changed:
                self._states[client.wanted] = found[client.wanted]
                client.wake()

    def _look_once(self, wanted: Filter) -> State:
        look = _Look(self._journal)
        try:
            return look({wanted})[wanted]
        finally:
            look.close()


class _Look:
    """Reads the last minutes again when anybody, in any process, has written to the intake since."""

    def __init__(self, journal: Callable[[], Journal]) -> None:
        self._journal = journal
        self._database: sqlite3.Connection | None = None
        self._version = -1
        self._known: dict[Filter, State] = {}

    def __call__(self, wanted: set[Filter]) -> dict[Filter, State]:
        journal = self._journal()
        with storage_errors(journal.file):
            self._database = self._database or connect(journal.file, create=False)
            version = int(self._database.execute("PRAGMA data_version").fetchone()[0])
            if version != self._version:
                self._known = {}
            known = {
                each: self._known.get(each) or _state(self._database, each, journal.now() // MINUTE)
                for each in wanted
            }
        self._version, self._known = version, known
        return known

    def close(self) -> None:
        if self._database is not None:
            self._database.close()


def _state(database: sqlite3.Connection, wanted: Filter, now: int) -> State:
    chosen = Selection(
        start=now - MINUTES + 1, end=now + 2, by=wanted.by, type=wanted.type, source=wanted.source
    )
    return {(to_micros(each.at) // MINUTE, each.name): each.counts for each in arrivals(database, chosen)}


def _filter(scope: Mapping[str, Any]) -> Filter:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    by = query.get("by", [""])[0] or None
    if by not in (None, "type", "source"):
        raise InputError(
            "Counts are streamed by type or by source.", [Problem("Write by=type or by=source.", "/by")]
        )
    return Filter(query.get("type", [""])[0] or None, query.get("source", [""])[0] or None, by)


def _message(wanted: Filter, state: State, changed: State) -> bytes:
    minutes = [
        {
            "at": rfc3339(to_datetime(minute * MINUTE)),
            **({wanted.by: name} if wanted.by else {}),
            **msgspec.to_builtins(changed[minute, name]),
        }
        for minute, name in sorted(changed)
    ]
    identity = f"{max(state, default=(0, ''))[0]}.{_sum(state)}"
    return encoded(msgspec.json.encode({"minutes": minutes}), event="counts", identity=identity)


def _sum(state: State) -> str:
    """What tells two states apart: the minutes that fell out of sight in the meantime do not matter."""
    newest = max(state, default=(0, ""))[0]
    told = [(key, msgspec.to_builtins(state[key])) for key in sorted(state) if key[0] > newest - 5]
    return f"{zlib.crc32(msgspec.json.encode(told)):08x}"
