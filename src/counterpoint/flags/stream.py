"""Event streams of OFREP: a client is told at once when it has to ask again.

References:
    open-feature/protocol, service/adrs/0008 and service/event-streams.yaml 0.3.0.

The id of a message is the ETag of the set's definition. Nothing needs to be kept for whoever was away: a
client that comes back with the id that still holds has missed nothing, and every other is told to ask again.
So is one that brings no id, since the set may have changed between its last answer and the stream.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from counterpoint.errors import CounterpointError, NotAllowedError, NotFoundError, OverloadedError
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.keys import evaluable_sets
from counterpoint.flags.store import DEFAULT_SET, FlagSets
from counterpoint.flags.tickets import STREAM, asked_for
from counterpoint.graph.actor import Actor
from counterpoint.graph.following import Follower
from counterpoint.streams import QUIET, Listener, encoded, last_id, open_and_end, serve

__all__ = ["QUIET", "Streams"]

LOOKS: Final = 0.25
"""Seconds between two looks for what other processes have changed, while anybody listens."""
RECHECK: Final = 0.5
"""Seconds between two looks, while the graph changes, whether those who listen still may."""
MOST: Final = 10_000
"""Streams of one process."""
MOST_CHANNELS: Final = 20


class State(NamedTuple):
    """A flag set as far as a stream is concerned."""

    etag: str
    """`none` where the set is gone, `unusable` where its definition is."""
    changed: int
    """Unix seconds of its last change; 0 where that is not known."""
    exists: bool = True


GONE = State("none", 0, exists=False)
UNUSABLE = State("unusable", 0)


class _Client(Listener):
    """One open stream."""

    __slots__ = ("channels", "recheck")

    def __init__(self, channels: tuple[str, ...], recheck: tuple[Any, Callable[[], Any]] | None) -> None:
        super().__init__()
        self.channels = channels
        self.recheck = recheck
        """What it entered with, and what looks that up again."""


class Streams:
    """Answers `GET /ofrep/v1/sse?channels=SET` as one bare ASGI callable, and follows what its streams are about.

    While no stream is open it looks at nothing. Everything happens on one event loop; what reads the graph
    does so in a thread.
    """

    def __init__(
        self, sets: FlagSets, number: Callable[[], int], *, quiet: float = QUIET, most: int = MOST
    ) -> None:
        """Take the flag sets, and what says the number of the graph's newest change."""
        self._sets = sets
        self._follower = Follower(number, period=LOOKS)
        self._quiet = quiet
        self._most = most
        self._clients: set[_Client] = set()
        self._listening: Counter[str] = Counter()
        """How many streams are about each channel."""
        self._channels: dict[str, State] = {}
        """How each of these stands."""
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._closing = False

    @property
    def open(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    def close(self) -> None:
        """End every stream, and open no other. Called before the server waits for its connections to end."""
        self._closing = True
        for client in self._clients:
            client.end()
        self._moved.set()

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]
    ) -> None:
        """Serve one stream until its client goes, may no longer listen, or the server stops.

        Raises:
            NotAllowedError: the key is not for one of these sets.
            NotFoundError: there is no such set.
            OverloadedError: too many streams are open.
        """
        if scope["path"].rstrip("/") != STREAM:
            raise NotFoundError(f"There is nothing at this address; streams are at {STREAM}.")
        if scope["method"] != "GET":
            await _refuse_method(send)
            return
        channels = _permitted(asked_for(scope.get("query_string", b"")).channels, scope)
        if self._closing:
            await open_and_end(send)
            return
        if len(self._clients) >= self._most:
            raise OverloadedError(
                "Too many streams are open; ask for the flags now and then.", retry_after=10
            )
        client = _Client(channels, scope.get("state", {}).get("recheck"))
        self._clients.add(client)
        self._listening.update(channels)
        try:
            await self._enter(channels)
            await serve(client, receive, send, self._new_to(client, last_id(scope)), quiet=self._quiet)
        finally:
            self._leave(client)

    async def _enter(self, channels: tuple[str, ...]) -> None:
        """Know the state of each channel, and follow it from now on.

        Raises:
            NotFoundError: there is no such set; the default set may come later.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._follow())
        unknown = [name for name in channels if name not in self._channels]
        if unknown:
            for name, state in (await asyncio.to_thread(self._look, unknown)).items():
                if not state.exists and name != DEFAULT_SET:
                    raise NotFoundError(f"There is no flag set {name!r}.")
                if name in self._listening:
                    self._channels.setdefault(name, state)
            self._moved.set()  # something may have happened while we looked

    def _leave(self, client: _Client) -> None:
        self._clients.discard(client)
        self._listening.subtract(client.channels)
        for name in client.channels:
            if not self._listening[name]:
                del self._listening[name]
                self._channels.pop(name, None)
        if not self._clients:
            self._moved.set()

    def _new_to(self, client: _Client, sent: str) -> Callable[[], bytes]:
        """What says how the client's sets stand, where that is not what was sent before."""

        def say() -> bytes:
            nonlocal sent
            states = [self._channels.get(name, GONE) for name in client.channels]
            now = ".".join(state.etag for state in states)
            if now == sent:
                return b""
            sent = now
            return _message(now, max(state.changed for state in states))

        return say

    async def _follow(self) -> None:
        """Wake the streams of what changes, while there is any; and ask now and then who may still listen."""
        loop = asyncio.get_running_loop()

        def move() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._moved.set)

        checked, pause = -RECHECK, self._quiet
        with self._sets.telling(move), self._follower.following(move):
            while self._clients and not self._closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._moved.wait()
                self._moved.clear()
                if not self._clients or self._closing:
                    return
                await self._refresh()
                pause = checked + RECHECK - loop.time()
                if pause <= 0:
                    await self._recheck()
                    checked, pause = loop.time(), self._quiet

    async def _refresh(self) -> None:
        if not self._channels:
            return
        found = await asyncio.to_thread(self._look, list(self._channels))
        changed = {
            name for name, state in found.items() if name in self._channels and self._channels[name] != state
        }
        for name in changed:
            self._channels[name] = found[name]
        if changed:
            for client in self._clients:
                if not changed.isdisjoint(client.channels):
                    client.wake()

    async def _recheck(self) -> None:
        """End the streams of those whose key was revoked or has expired, or whose session has ended."""
        entered: dict[Any, Callable[[], Any]] = {
            client.recheck[0]: client.recheck[1] for client in self._clients if client.recheck
        }
        if not entered:
            return
        refused = await asyncio.to_thread(_refused, entered)
        for client in list(self._clients):
            if client.recheck and client.recheck[0] in refused:
                client.end()

    def _look(self, names: list[str]) -> dict[str, State]:
        """How these sets stand now; a set that cannot be read is left out, and stays as it was."""
        found: dict[str, State] = {}
        for name in names:
            try:
                found[name] = self._state(name)
            except FlagSetError:
                found[name] = UNUSABLE
            except CounterpointError:
                continue
        return found

    def _state(self, name: str) -> State:
        stored = self._sets.get(name)
        if stored is None and name != DEFAULT_SET:
            # The default set may hold several sets, as a file in the array form does.
            default = self._sets.get(DEFAULT_SET)
            stored = default if default is not None and default.flags.select(name) else None
        if stored is None:
            return GONE
        return State(stored.etag, int(stored.entity.updated_at.timestamp()))


def _message(identity: str, changed: int) -> bytes:
    data: dict[str, Any] = {"type": "refetchEvaluation", "etag": identity}
    if changed:
        data["lastModified"] = changed
    return encoded(msgspec.json.encode(data), event="message", identity=identity)


def _permitted(asked: str, scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The flag sets that are asked for; a key for one set means that one.

    Raises:
        NotAllowedError: the key is not for one of them, or there are too many.
    """
    actor: Actor | None = getattr(scope.get("state", {}).get("caller"), "actor", None)
    allowed = evaluable_sets(actor.scopes) if actor else None
    names = tuple(dict.fromkeys(part.strip() for part in asked.split(",") if part.strip()))
    if not names:
        names = tuple(allowed) if allowed and len(allowed) == 1 else (DEFAULT_SET,)
    if len(names) > MOST_CHANNELS:
        raise NotAllowedError(f"One stream is about {MOST_CHANNELS} flag sets at most, not {len(names)}.")
    if allowed is not None and (closed := [name for name in names if name not in allowed]):
        opened = ", ".join(sorted(allowed))
        raise NotAllowedError(f"This key does not open the flag set {closed[0]!r}; it opens {opened}.")
    return names


def _refused(entered: Mapping[Any, Callable[[], Any]]) -> set[Any]:
    """Those who would not be let in now. Where that cannot be found out, nobody is sent away."""
    refused = set()
    for key, recognise in entered.items():
        try:
            if recognise().actor is None:
                refused.add(key)
        except CounterpointError as error:
            if error.status in (401, 403):
                refused.add(key)
    return refused


async def _refuse_method(send: Callable[[Any], Any]) -> None:
    body = msgspec.json.encode({"key": "", "errorCode": "GENERAL", "errorDetails": "Open a stream with GET."})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"allow", b"GET"),
    ]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": body})
