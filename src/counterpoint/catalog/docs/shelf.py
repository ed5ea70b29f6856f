"""A cache of bounded size: what was used longest ago goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Shelf"]

T = TypeVar("T")


class Shelf(Generic[T]):
    """Values by key, for all threads."""

    def __init__(self, most: int, size: Callable[[T], int] = lambda _: 1) -> None:
        """Keep values whose sizes add up to `most`."""
        self._most = most
        self._size = size
        self._held = 0
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """The value; none where it is not kept."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value, and let go of others."""
        with self._lock:
            if key in self._values:
                self._held -= self._size(self._values.pop(key))
            self._values[key] = value
            self._held += self._size(value)
            while self._held > self._most and len(self._values) > 1:
                _key, gone = self._values.popitem(last=False)
                self._held -= self._size(gone)

    def make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value, made where it is not kept. Two threads may make the same one; both are right."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
