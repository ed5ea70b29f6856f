"""Shadows: a version that is asked what another was asked, beside the requests, so that both can be compared unseen.

What a shadow answers is shown to nobody and kept nowhere: only sums stay, of a day and of nobody in particular.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from counterpoint.discover.tables import SHADOW
from counterpoint.errors import CounterpointError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.reader import Reader
from counterpoint.worker import Worker
from counterpoint.workspace import Workspace

__all__ = ["Agreement", "Shadows", "agreements", "overlap"]

MOST_WAITING = 1_000
"""Questions that wait for a shadow; more are left out and counted, for a shadow must never slow what is shown."""
PERIOD = 5.0
"""Seconds after which sums are written."""

Ask = Callable[[], Sequence[str]]
Key = tuple[str, int, int, str]
"""Recommender, version that was shown, shadow, and day."""


class Agreement(msgspec.Struct, frozen=True, rename="camel"):
    """How a shadow compared with the version that was shown, over the requests of some days."""

    version: int
    shadow: int
    requests: int
    overlap: float
    """The mean share of places whose item both have, from 0 to 1."""
    milliseconds: float
    """The mean time of the version that was shown."""
    shadow_milliseconds: float


def overlap(shown: Sequence[str], beside: Sequence[str]) -> float:
    """The share of the longer list that both have; 1 where both are empty."""
    most = max(len(shown), len(beside))
    return len(set(shown) & set(beside)) / most if most else 1.0


class Shadows:
    """Asks shadows in a thread of its own, and adds up how they agree. `note` neither waits nor raises."""

    def __init__(self, workspace: Workspace, *, period: float = PERIOD) -> None:
        self._workspace, self._period = workspace, period
        self._waiting: deque[tuple[Key, Sequence[str], float, Ask]] = deque()
        self._sums: dict[Key, list[float]] = {}
        self._worker = Worker("shadows", self._work)
        self._changed = self._worker.changed
        self._asking = threading.Lock()
        self.left_out = 0
        """Questions that found no place to wait, or whose shadow could not answer."""

    def note(
        self, recommender: str, number: int, shadow: int, shown: Sequence[str], *, seconds: float, ask: Ask
    ) -> None:
        """Compare what was shown, and how long that took, with what `ask` will say."""
        key = (recommender, number, shadow, datetime.now(UTC).date().isoformat())
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self.left_out += 1
                return
            self._waiting.append((key, shown, seconds, ask))
            self._changed.notify()

    def start(self) -> None:
        """Ask from now on."""
        self._worker.start()

    def stop(self) -> None:
        """Ask what waits, write the sums and end."""
        self._worker.stop()
        self.settle()

    def settle(self) -> None:
        """Ask what waits now, and write the sums; where the database refuses, they wait on."""
        with self._asking:
            while self._waiting:
                self._compare(*self._waiting.popleft())
            with suppress(CounterpointError):
                self._write()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._worker.stopping or bool(self._waiting))
                self._changed.wait_for(lambda: self._worker.stopping, self._period)
                if self._worker.stopping:
                    return
            self.settle()

    def _compare(self, key: Key, shown: Sequence[str], seconds: float, ask: Ask) -> None:
        begun = time.perf_counter()
        try:
            beside = ask()
        except CounterpointError:
            self.left_out += 1
            return
        sums = self._sums.setdefault(key, [0, 0.0, 0.0, 0.0])
        for at, more in enumerate((1, overlap(shown, beside), seconds, time.perf_counter() - begun)):
            sums[at] += more

    def _write(self) -> None:
        if not self._sums:
            return
        names = ("requests", "overlap", "seconds", "shadow_seconds")
        with self._workspace.graph.write(SYSTEM) as writer:
            for key, sums in self._sums.items():
                place = dict(zip(("recommender", "number", "shadow", "day"), key, strict=True))
                here = sa.and_(*(SHADOW.c[name] == value for name, value in place.items()))
                more = {name: SHADOW.c[name] + value for name, value in zip(names, sums, strict=True)}
                if not writer.connection.execute(sa.update(SHADOW).where(here).values(more)).rowcount:
                    values = place | dict(zip(names, sums, strict=True))
                    writer.connection.execute(sa.insert(SHADOW).values(values))
        self._sums = {}


def agreements(
    reader: Reader, recommender: str, *, days: int = 28, now: datetime | None = None
) -> tuple[Agreement, ...]:
    """How shadows of a recommender agreed over the last days, newest versions first."""
    since = ((now or datetime.now(UTC)).date() - timedelta(days=days)).isoformat()
    sums = [sa.func.sum(SHADOW.c[name]) for name in ("requests", "overlap", "seconds", "shadow_seconds")]
    rows = reader.connection.execute(
        sa.select(SHADOW.c.number, SHADOW.c.shadow, *sums)
        .where(SHADOW.c.recommender == recommender, SHADOW.c.day > since)
        .group_by(SHADOW.c.number, SHADOW.c.shadow)
        .order_by(SHADOW.c.shadow.desc(), SHADOW.c.number.desc())
    )
    return tuple(
        Agreement(number, shadow, int(count), same / count, 1e3 * took / count, 1e3 * beside / count)
        for number, shadow, count, same, took, beside in rows
    )
