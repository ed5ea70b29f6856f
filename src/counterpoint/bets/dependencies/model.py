"""Dependencies as values: who waits for whom, how badly, and how the two sides come to a plan. Pure.

The severities are those of the dependency survey of Kniberg & Ivarsson, Scaling Agile @ Spotify (2012).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

__all__ = [
    "OVERDUE_AFTER",
    "SEVERITIES",
    "STEPS",
    "Cell",
    "Dependency",
    "DependencyState",
    "Matrix",
    "Severity",
    "Step",
    "StepRule",
    "matrix_of",
    "overdue",
    "steps_for",
    "worst_of",
]

OVERDUE_AFTER = timedelta(days=14)
"""How long a unit may be held up before the next review talks about it (rule I9)."""


class Severity(StrEnum):
    """How badly one unit waits for another."""

    NONE = "none"
    FUTURE = "future"
    SLOWING = "slowing"
    BLOCKING = "blocking"

    @property
    def rank(self) -> int:
        """0 for what is no problem to 3 for what stops work."""
        return list(Severity).index(self)


SEVERITIES: Mapping[Severity, str] = {
    Severity.BLOCKING: "It stops our work",
    Severity.SLOWING: "It slows us down",
    Severity.FUTURE: "It will be in the way later",
    Severity.NONE: "It is no problem",
}


class DependencyState(StrEnum):
    """Where the two sides are."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    AGREED = "agreed"
    GONE = "gone"


class Step(StrEnum):
    """What a side can do."""

    CONFIRM = "confirm"
    DISPUTE = "dispute"
    SAY = "say"
    AGREE = "agree"
    REGRADE = "regrade"
    CLEAR = "clear"


class StepRule(msgspec.Struct, frozen=True, kw_only=True):
    """From which states a step is made (all live ones), by which side, and where it leads (none: it stays)."""

    step: Step
    label: str
    why: str
    states: frozenset[DependencyState] = frozenset(DependencyState) - {DependencyState.GONE}
    to: DependencyState | None = None
    other_side: bool = False
    text: str = ""
    """What to write; empty where no words are needed."""


_R, _C, _D, _A = (
    DependencyState.REPORTED,
    DependencyState.CONFIRMED,
    DependencyState.DISPUTED,
    DependencyState.AGREED,
)
_VIEW = "Write how your side sees it."
STEPS: Mapping[Step, StepRule] = {
    rule.step: rule
    for rule in (
        StepRule(
            step=Step.CONFIRM,
            states=frozenset({_R, _D}),
            to=_C,
            other_side=True,
            label="Confirm it",
            why="Both sides see it before anybody plans.",
        ),
        StepRule(
            step=Step.DISPUTE,
            states=frozenset({_R, _C}),
            to=_D,
            other_side=True,
            text=_VIEW,
            label="See it differently",
            why="A dispute is shown beside the report, and settled by nobody else.",
        ),
        StepRule(
            step=Step.AGREE,
            to=_A,
            text="Write the plan: who does what, and by when.",
            label="Write down what you agreed",
            why="A plan is what both sides say, whichever of them writes it down.",
        ),
        StepRule(step=Step.SAY, text=_VIEW, label="Say how you see it", why="Views change."),
        StepRule(step=Step.REGRADE, label="Change how bad it is", why="Only the one who waits can tell."),
        StepRule(
            step=Step.CLEAR, to=DependencyState.GONE, label="It is gone", why="What is over leaves the map."
        ),
    )
}


class Dependency(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`from_unit` waits for `to_unit`, in the words of both."""

    id: str
    from_unit: str
    to_unit: str
    subject: str
    severity: Severity
    since: date
    severity_since: date
    """Since when it has been this bad."""
    reporter: str
    """The side that reported it."""
    state: DependencyState = DependencyState.REPORTED
    bet: str | None = None
    from_words: str = ""
    to_words: str = ""
    plan: str = ""
    changed_at: datetime | None = None

    @property
    def other(self) -> str:
        """The side that did not report it."""
        return self.to_unit if self.reporter == self.from_unit else self.from_unit

    @property
    def live(self) -> bool:
        """Whether it is still there."""
        return self.state is not DependencyState.GONE


def steps_for(dependency: Dependency, sides: Iterable[str]) -> tuple[Step, ...]:
    """The steps that somebody who speaks for these units may make now."""
    mine = frozenset(sides) & {dependency.from_unit, dependency.to_unit}
    if not mine:
        return ()
    return tuple(
        rule.step
        for rule in STEPS.values()
        if dependency.state in rule.states
        and (not rule.other_side or dependency.other in mine)
        and (rule.step is not Step.REGRADE or dependency.from_unit in mine)
    )


def overdue(dependency: Dependency, today: date) -> bool:
    """Whether it has stopped work for more than two weeks, so that the next review talks about it (rule I9)."""
    stops = dependency.live and dependency.severity is Severity.BLOCKING
    return stops and today - dependency.severity_since > OVERDUE_AFTER


class Cell(msgspec.Struct, frozen=True, rename="camel"):
    """What one unit waits for from another."""

    from_unit: str
    to_unit: str
    count: int
    worst: Severity


class Matrix(msgspec.Struct, frozen=True):
    """Who waits (rows) for whom (columns); only units that have something to show."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]


def matrix_of(found: Iterable[tuple[str, str, Severity, int]]) -> Matrix:
    """Who waits, for whom, how badly, how often: as a matrix, ordered by reference."""
    cells: dict[tuple[str, str], Cell] = {}
    for waits, waited, severity, count in found:
        key = waits, waited
        before = cells.get(key, Cell(*key, 0, Severity.NONE))
        worst = max(before.worst, severity, key=lambda each: each.rank)
        cells[key] = Cell(*key, before.count + count, worst)
    rows, columns = sorted({key[0] for key in cells}), sorted({key[1] for key in cells})
    return Matrix(tuple(rows), tuple(columns), tuple(cells[key] for key in sorted(cells)))


def worst_of(matrix: Matrix, most: int) -> Matrix:
    """The part of a matrix with so many units on each side at most: those who wait worst, and are waited for worst."""
    rows = _worst(matrix.rows, [(cell.from_unit, cell) for cell in matrix.cells], most)
    columns = _worst(matrix.columns, [(cell.to_unit, cell) for cell in matrix.cells], most)
    cells = [cell for cell in matrix.cells if cell.from_unit in rows and cell.to_unit in columns]
    return Matrix(rows, columns, tuple(cells))


def _worst(units: Sequence[str], cells: Iterable[tuple[str, Cell]], most: int) -> tuple[str, ...]:
    weight = dict.fromkeys(units, (0, 0))
    for unit, cell in cells:
        worst, count = weight[unit]
        weight[unit] = max(worst, cell.worst.rank), count + cell.count
    chosen = sorted(units, key=lambda unit: (weight[unit], unit), reverse=True)[:most]
    return tuple(sorted(chosen))
