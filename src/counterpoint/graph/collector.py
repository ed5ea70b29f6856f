"""Python's collector of cycles, while very many values are made at once."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["seldom_collecting"]

YOUNG = 1_000_000
"""Values that are made between two collections; Python's default is 700."""

_lock = threading.Lock()
_held = 0
_before = gc.get_threshold()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let the collector run seldom in this block.

    Documents have no cycles, but every collection walks through those that are held: a fifth of the CPU of
    an import, and the more the longer it runs. The setting is the whole process's; the last block that ends
    puts it back.
    """
    global _held, _before  # noqa: PLW0603 - as the collector itself, this is one for all threads
    with _lock:
        if _held == 0:
            _before = gc.get_threshold()
            gc.set_threshold(YOUNG, *_before[1:])
        _held += 1
    try:
        yield
    finally:
        with _lock:
            _held -= 1
            if _held == 0:
                gc.set_threshold(*_before)
