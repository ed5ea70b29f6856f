"""How Arpeggio's events reach the journal: soon after they happened, with what goes wrong on any usual day.

The last day before now is told as the apps would have sent it: most events within seconds, some from phones that
were offline, a batch sent twice, a few from a player that writes dates its own way and a television whose clock is
ahead. The health of ingest is there to show just that.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import msgspec

from counterpoint.journal import Journal
from counterpoint.moments import rfc3339
from counterpoint.workspace import Workspace

__all__ = ["PLAYED", "Arrivals", "arrivals", "live_a_day", "sent_together"]

PLAYED: Final = "playback.started"
APPS: Final = "//arpeggio.example/apps"
PLAYER: Final = "//arpeggio.example/web-player"
TELEVISION: Final = "//arpeggio.example/tv"
CHUNK: Final = 4_000
"""Events appended at a time, each chunk durable before the next."""
HOURS: Final = 6
LISTENERS: Final = 6_000
DAY: Final = 24 * 60
"""Minutes."""
OFFLINE: Final = 6 * 60
TWICE: Final = 38
STRANGE: Final = (7, 19, 31, 44, 52)
AHEAD: Final = 25
NAMELESS: Final = 12
"""Minutes before now at which something of the kind happens."""


class Arrivals:
    """The workspace's journal with a clock that the story sets."""

    def __init__(self, journal: Journal, clock: list[datetime]) -> None:
        self.journal = journal
        self._clock = clock

    def append(self, at: datetime, events: list[dict[str, Any]]) -> None:
        """Append events as received at that moment."""
        self._clock[0] = at
        self.journal.append(events)


@contextmanager
def arrivals(workspace: Workspace) -> Iterator[Arrivals]:
    """Write to the journal of a workspace in the past."""
    clock = [datetime.now(UTC)]
    # Compaction is left to who has the right time.
    settings = msgspec.structs.replace(workspace.settings.journal, compact_after=10**9)
    with Journal(workspace.path / "journal", settings, clock=lambda: clock[0]) as journal:
        yield Arrivals(journal, clock)


def sent_together(events: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Events in the order of their time, in the chunks in which apps send them: a quarter of a day, CHUNK at most."""
    for _, group in groupby(
        events, key=lambda event: (event["time"][:10], int(event["time"][11:13]) // HOURS)
    ):
        chunk = list(group)
        for first in range(0, len(chunk), CHUNK):
            yield chunk[first : first + CHUNK]


def live_a_day(workspace: Workspace, *, seed: int, now: datetime | None = None) -> None:
    """Let a day of playing music arrive, the last hour of it minute by minute."""
    chance = random.Random(seed)
    end = now or datetime.now(UTC)
    minutes = [*range(DAY, 60, -15), *range(60, 0, -1)]
    with arrivals(workspace) as journal:
        for minute in minutes:
            at = end - timedelta(minutes=minute)
            many = 6 if minute <= 60 else 20
            events = [
                _played(chance, f"{minute}-{each}", at) for each in range(many + chance.randrange(many))
            ]
            journal.append(at, events + _of_its_own(chance, minute, at, events))
        for _ in range(3):  # a script that posts JSON under the wrong name
            journal.journal.refuse_request(415)


def _played(chance: random.Random, name: str, at: datetime, *, late: float | None = None) -> dict[str, Any]:
    seconds = chance.expovariate(0.5) if late is None else late
    return {
        "specversion": "1.0",
        "id": f"played-{name}",
        "source": chance.choice((APPS, APPS, PLAYER, TELEVISION)),
        "type": PLAYED,
        "subject": f"listener-{1 + chance.randrange(LISTENERS):05d}",
        "time": rfc3339(at - timedelta(seconds=round(seconds, 3))),
        "data": {"seconds": 30 + chance.randrange(240)},
    }


def _of_its_own(
    chance: random.Random, minute: int, at: datetime, events: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What goes wrong in some minutes."""
    one = _played(chance, f"{minute}-own", at)
    if minute in STRANGE:
        return [
            one | {"id": f"strange-{each}", "source": PLAYER, "time": f"{at:%d.%m.%Y %H:%M}"}
            for each in range(2)
        ]
    if minute == NAMELESS:
        return [{key: value for key, value in one.items() if key != "id"}]
    if minute == AHEAD:
        times = [rfc3339(at + timedelta(hours=1, seconds=each)) for each in range(4)]
        return [
            one | {"id": f"ahead-{each}", "source": TELEVISION, "time": time}
            for each, time in enumerate(times)
        ]
    if minute == TWICE:
        return events[:5]
    if minute == OFFLINE or minute == 16:
        return [
            _played(chance, f"{minute}-offline-{each}", at, late=86_400 * (1 + 2 * chance.random()))
            for each in range(12)
        ]
    return []
