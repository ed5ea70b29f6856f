"""Imports people and units from files: one transaction for each file; what is good is kept beside what is not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph
from counterpoint.people.sheets import Table, read_sheets
from counterpoint.people.written import write_people, write_units

__all__ = ["ImportReport", "Level", "import_files"]

Level = Literal["error", "warning"]


@dataclass(slots=True)
class ImportReport:
    """What became of an import."""

    outcomes: dict[str, Counter[str]] = field(
        default_factory=lambda: {each: Counter() for each in ("created", "updated", "unchanged", "ended")}
    )
    """Outcome to noun (`people`, `units`, `memberships`, `managers`) to number."""
    problems: list[tuple[Level, Problem]] = field(default_factory=list)
    files: int = 0
    rows: int = 0

    @property
    def failed(self) -> bool:
        """Whether something given was refused."""
        return any(level == "error" for level, _ in self.problems)

    def count(self, outcome: str, noun: str) -> None:
        """Note what became of one thing."""
        self.outcomes[outcome][noun] += 1

    def refuse(self, problem: Problem) -> None:
        """Note what was not taken."""
        self.problems.append(("error", problem))

    def warn(self, problem: Problem) -> None:
        """Note what was taken otherwise than it was written."""
        self.problems.append(("warning", problem))

    @property
    def refused(self) -> int:
        """How many lines were refused, be it in part."""
        return len({(each.file, each.line) for level, each in self.problems if level == "error"})

    def record(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            **{outcome: dict(sorted(nouns.items())) for outcome, nouns in self.outcomes.items()},
            "refused": self.refused,
            "files": self.files,
            "rows": self.rows,
            "problems": [
                {
                    "file": each.file,
                    "line": each.line,
                    "column": each.column,
                    "message": each.message,
                    "level": level,
                }
                for level, each in self.problems
            ],
        }


class _UndoError(Exception):
    """Ends the transaction of a dry run."""


def import_files(
    graph: Graph,
    actor: Actor,
    files: Iterable[str | Path],
    *,
    dry_run: bool = False,
    complete: bool = False,
    at: datetime | None = None,
) -> ImportReport:
    """Import files of units and people; files of units are written first.

    Args:
        graph: where they go.
        actor: in whose name.
        files: CSV or YAML files.
        dry_run: do everything but keep nothing.
        complete: each file of people is the whole truth of what it listed before: memberships that an
            earlier import of a file of that name recorded and that it lists no more end now.
        at: when it counts as written, where a history is replayed (see `Graph.write`).

    Returns:
        The report; input that is not valid is named there and raises nothing.
    """
    report = ImportReport()
    read: list[list[Table]] = []
    for each in files:
        try:
            read.append(read_sheets(Path(each)))
            report.files += 1
        except InputError as error:
            report.problems += [("error", problem) for problem in error.problems]
    read.sort(key=lambda tables: all(table.sheet == "people" for table in tables))
    if dry_run:
        _try(graph, actor, read, report, complete=complete)
    else:
        for tables in read:
            with graph.write(actor, at=at) as writer:
                _write(writer, tables, report, complete=complete)
    return report


def _try(
    graph: Graph, actor: Actor, read: list[list[Table]], report: ImportReport, *, complete: bool
) -> None:
    """All files in one transaction that is undone: a later one may name what an earlier one adds."""
    try:
        with graph.write(actor) as writer:
            for tables in read:
                _write(writer, tables, report, complete=complete)
            raise _UndoError
    except _UndoError:
        pass


def _write(writer: Any, tables: list[Table], report: ImportReport, *, complete: bool) -> None:
    for table in tables:
        report.rows += len(table.rows)
        for remark in table.remarks:
            level: Level = "warning" if "left aside" in remark.message else "error"
            report.problems.append((level, remark))
        if table.sheet == "units":
            write_units(writer, table, report)
        else:
            write_people(writer, table, report, complete=complete)
