"""What all rooms offer to assistants, collected from their `tools.py`."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

from counterpoint.web.tools import Read, Script, Source, Tool

__all__ = ["Offer", "offer"]

ROOMS = ("catalog", "bets", "experiments", "rollouts")
"""Rooms with something to read for assistants, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Tools, sources and prompts by their names, each in one order that never changes."""

    tools: dict[str, Tool]
    sources: tuple[Source, ...]
    prompts: dict[str, Script]

    def at(self, uri: str) -> Read | None:
        """What to ask the API for at the address of a source; none where there is no such source."""
        return next((read for each in self.sources if (read := each.read(uri)) is not None), None)


@lru_cache(maxsize=1)
def offer() -> Offer:
    """Everything that is offered."""
    rooms = [
        import_module(f"counterpoint.{room}.tools")
        for room in ROOMS
        if find_spec(f"counterpoint.{room}.tools")
    ]
    return Offer(
        {each.name: each for room in rooms for each in room.tools},
        tuple(each for room in rooms for each in getattr(room, "sources", ())),
        {each.name: each for room in rooms for each in getattr(room, "prompts", ())},
    )
