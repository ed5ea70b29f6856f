"""Which attributes remote evaluations carry: their names, never their values, for those who read rules.

The names are kept in a file of the workspace, so that the command line knows what the server has seen.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["ENOUGH", "FILE", "SeenAttributes", "attributes_seen"]

FILE: Final = "flag-attributes.json"
"""In the workspace."""
ENOUGH: Final = 100
"""Evaluations of a set after which it says something that none has carried an attribute."""
DAY: Final = 86_400
DAYS: Final = 90
"""Days after which a name that no evaluation carried any more is forgotten."""
MOST_NAMES: Final = 500
"""Names that are kept for one set: whoever sends names at random fills no disk."""
LONGEST: Final = 100
"""Characters of a name that is kept."""


class _Kept(msgspec.Struct, omit_defaults=True):
    """What is known of one set, as it is in the file."""

    evaluations: int = 0
    """Counted up to `ENOUGH`."""
    names: dict[str, int] = {}
    """The day, counted from 1970, on which each name was carried last."""


class SeenAttributes:
    """Notes the attributes of evaluations; `note` costs a comparison of names where nothing is new."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Keep the names in a folder; the clock tells Unix seconds."""
        self._path = folder / FILE
        self._clock = clock
        self._lock = threading.Lock()
        self._sets = _read(self._path)
        self._fresh: dict[str, set[str]] = {}  # what has been noted today and needs no second look
        self._day = int(clock() // DAY)

    def note(self, flag_set: str, context: Mapping[str, Any]) -> bool:
        """Take the names of a context's attributes; True where there is something to `save`."""
        fresh = self._fresh.get(flag_set)
        if fresh is not None and context.keys() <= fresh and self._clock() < (self._day + 1) * DAY:
            return False
        with self._lock:
            return self._learn(flag_set, context)

    def _learn(self, flag_set: str, context: Mapping[str, Any]) -> bool:
        today = int(self._clock() // DAY)
        if today != self._day:
            self._day, self._fresh = today, {}
        kept = self._sets.setdefault(flag_set, _Kept())
        names = {name: day for name, day in kept.names.items() if today - day <= DAYS}
        before = dict(names)
        for name in context:
            if name in names or (len(names) < MOST_NAMES and len(name) <= LONGEST and name.isprintable()):
                names[name] = today
        counted = min(kept.evaluations + 1, ENOUGH)
        if counted == ENOUGH:  # until then each evaluation is counted
            fresh = self._fresh.setdefault(flag_set, set())
            fresh.update(list(context)[: MOST_NAMES - len(fresh)])
        changed = names != before or counted == ENOUGH != kept.evaluations
        kept.evaluations, kept.names = counted, names
        return changed

    def save(self) -> None:
        """Write the names; where the disk refuses, they are written with the next ones."""
        with self._lock:
            written = msgspec.json.encode(self._sets)
            with suppress(OSError):
                _write(self._path, written)


def attributes_seen(folder: Path, flag_set: str) -> frozenset[str]:
    """The attributes that remote evaluations of a set have carried; empty where too few are known to say."""
    found = _read(folder / FILE).get(flag_set, _Kept())
    return frozenset(found.names) if found.evaluations >= ENOUGH else frozenset()


def _read(path: Path) -> dict[str, _Kept]:
    """What is kept; a file that is gone or damaged counts as none, for it fills again by itself."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeError):
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Kept])
    return {}


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
