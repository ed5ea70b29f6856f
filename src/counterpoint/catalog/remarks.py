"""What there is to say about what was read: a problem with its place, and how much it matters."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from counterpoint.catalog.verdicts import Fault
from counterpoint.errors import Problem
from counterpoint.yaml12.reader import Document

__all__ = ["Code", "Level", "Remark"]

Level = Literal["error", "warning", "note"]
"""An error means that something given was not taken or is not owned; the command then ends with 1."""

Code = Literal[
    "unread",  # a file or address that could not be read
    "syntax",  # a document that is no YAML, or no descriptor
    "invalid",  # a descriptor that is not valid
    "conflict",  # an entity that another file declares already
    "forbidden",  # an entity that the importer may not write
    "target",  # a target of a Location
    "placeholder",  # a file that a descriptor takes in
    "owner",  # an owner that does not exist
    "reference",  # another entity that does not exist
    "slip",  # a key that looks misspelt
    "circle",  # a unit that is a part of itself
    "orphan",  # an entity that nothing declares any more
    "collision",  # experiments that may change each other's result
    "moved",  # an entity that came from another file
    "note",
]


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of the report."""

    level: Level
    problem: Problem
    code: Code = "note"
    ref: str | None = None
    """The entity that it is about."""
    target: str | None = None
    """The entity that is missed."""
    fault: Fault | None = None
    """What Backstage says of it."""

    def placed(self, document: Document, pointer: str) -> "Remark":
        """The same remark, at a place in a document."""
        line, column = document.position(pointer)
        problem = replace(self.problem, pointer=pointer, file=document.file, line=line, column=column)
        return replace(self, problem=problem)

    def record(self) -> dict[str, Any]:
        """The remark as JSON."""
        problem = self.problem
        return {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "pointer": problem.pointer,
            "message": problem.message,
            "level": self.level,
            "code": self.code,
            "entity": self.ref,
        }
