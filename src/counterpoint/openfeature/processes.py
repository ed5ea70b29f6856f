"""What a fork and the end of the process ask for: threads do not survive the one, nor wait for the other."""

import atexit
import os
import threading
import weakref
from typing import Protocol

__all__ = ["look_after"]

FAREWELL = 1.0
"""Seconds that the end of a process waits for its last exposures, all providers together."""


class Lived(Protocol):
    """Something with threads."""

    def after_fork(self) -> None:
        """Go on in the child of a fork."""

    def say_farewell(self, seconds: float) -> None:
        """Send what waits, within that time."""


_all: "weakref.WeakSet[Lived]" = weakref.WeakSet()
_hooked = False
_hooking = threading.Lock()


def look_after(lived: Lived) -> None:
    """Tell it of forks and of the end."""
    global _hooked  # noqa: PLW0603 - the hooks of a process are the process's
    with _hooking:
        _all.add(lived)
        if not _hooked:
            _hooked = True
            os.register_at_fork(after_in_child=_after_fork)
            atexit.register(_farewell)


def _after_fork() -> None:
    global _hooking  # noqa: PLW0603 - another thread of the parent may have held it
    _hooking = threading.Lock()
    for lived in list(_all):
        lived.after_fork()


def _farewell() -> None:
    each = list(_all)
    for lived in each:
        lived.say_farewell(FAREWELL / len(each))
