"""Structures kept in memory while nothing changes: thousands of people are not read again for every page."""

from dataclasses import dataclass
from datetime import datetime

from counterpoint.graph.reader import Reader
from counterpoint.people.dates import When
from counterpoint.people.settling import next_change
from counterpoint.people.structure import Structure, load_structure
from counterpoint.workspace import Workspace

__all__ = ["Structures", "structure_of"]

MOST = 4
"""Dates whose structures are kept."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A structure, and for which questions it is the answer."""

    number: int
    """Of the activity log when it was read."""
    when: When
    until: datetime
    """When a membership begins or ends next."""
    structure: Structure

    def answers(self, number: int, when: When) -> bool:
        here = (self.number, self.when.at, self.when.known) == (number, when.at, when.known)
        return here and self.when.moment <= when.moment < self.until


class Structures:
    """The structures of one graph by date; safe for several threads."""

    def __init__(self) -> None:
        self._kept: tuple[_Kept, ...] = ()

    def of(self, reader: Reader, when: When) -> Structure:
        """The units of a date and who is in them, as this reader sees them."""
        number = reader.last_activity()
        found = next((each for each in self._kept if each.answers(number, when)), None)
        if found is None:
            found = _Kept(number, when, next_change(reader, when.moment), load_structure(reader, when))
        others = [each for each in self._kept if each is not found and each.number == number]
        self._kept = (found, *others[: MOST - 1])
        return found.structure


def structure_of(workspace: Workspace, reader: Reader, when: When) -> Structure:
    """The units of a date in a workspace, kept in memory while nothing changes."""
    return workspace.keep(Structures, lambda _: Structures()).of(reader, when)
