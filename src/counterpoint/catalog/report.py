"""What became of an import: entities by outcome, and everything there is to say about the input."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.verdicts import Fault

__all__ = ["ImportReport"]

OUTCOMES = ("created", "updated", "unchanged", "refused")


@dataclass(slots=True)
class ImportReport:
    """The account of one import."""

    outcomes: dict[str, Counter[str]] = field(
        default_factory=lambda: {outcome: Counter() for outcome in OUTCOMES}
    )
    """Outcome to kind to number."""
    remarks: list[Remark] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    """References of the entities that the graph now holds from these files."""
    files: int = 0
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with files and entities, as the API says it."""
    held: dict[str, list[str]] = field(default_factory=dict)
    """By place, the entities that were read there, in the order of the file."""
    leads: dict[str, list[str]] = field(default_factory=dict)
    """By reference of a `Location`, the places that it leads to."""

    @property
    def failed(self) -> bool:
        """Whether something given was refused, or is owned by nobody who exists."""
        return any(remark.level == "error" for remark in self.remarks)

    def total(self, outcome: str) -> int:
        """How many entities had an outcome."""
        return self.outcomes[outcome].total()

    def sort(self) -> None:
        """Bring references and remarks into the order in which people look for them."""
        self.refs.sort()
        self.remarks.sort(key=_place)

    def record(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            **{outcome: kinds.total() for outcome, kinds in self.outcomes.items()},
            "kinds": {outcome: dict(sorted(kinds.items())) for outcome, kinds in self.outcomes.items()},
            "files": self.files,
            "problems": [remark.record() for remark in self.remarks],
            "entities": self.refs,
        }


def _place(remark: Remark) -> tuple[str, int, int]:
    problem = remark.problem
    return problem.file or "", problem.line or 0, problem.column or 0
