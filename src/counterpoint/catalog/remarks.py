"""What an import has to say about its input: a problem with its place, and how much it matters."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from counterpoint.catalog.reader import Document
from counterpoint.errors import Problem

__all__ = ["Level", "Remark"]

Level = Literal["error", "warning", "note"]
"""An error means that something given was not taken or is not owned; the command then ends with 1."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of the report."""

    level: Level
    problem: Problem

    def placed(self, document: Document, pointer: str) -> "Remark":
        """The same remark, at a place in a document."""
        line, column = document.position(pointer)
        problem = replace(self.problem, pointer=pointer, file=document.file, line=line, column=column)
        return Remark(self.level, problem)

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
        }
