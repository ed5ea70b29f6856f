"""Questions about what will happen, a chance or a range, and how they go from open to resolved. Pure.

    open -> revealed -> resolved         open or revealed -> withdrawn

A prediction is locked when it is given: nobody but who gave it sees it before the question is revealed, whatever
their role, and afterwards only what all said together is shown. It can be given again until then; the last one
counts.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from counterpoint.errors import ConflictError, InputError, Problem

__all__ = [
    "LONGEST",
    "QuestionState",
    "Step",
    "check_came",
    "check_chance",
    "check_step",
    "problems_of",
    "state_after",
]
LONGEST = 500
"""Characters of a question or a note."""


class QuestionState(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    REVEALED = "revealed"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What happens to a question."""

    REVEAL = "reveal"
    RESOLVE = "resolve"
    WITHDRAW = "withdraw"


ALLOWED = {
    (QuestionState.OPEN, Step.REVEAL): QuestionState.REVEALED,
    (QuestionState.OPEN, Step.WITHDRAW): QuestionState.WITHDRAWN,
    (QuestionState.REVEALED, Step.RESOLVE): QuestionState.RESOLVED,
    (QuestionState.REVEALED, Step.WITHDRAW): QuestionState.WITHDRAWN,
}
"""Every step that there is, from each state."""
REMEDIES: dict[QuestionState, str] = {
    QuestionState.OPEN: "reveal it first, so that everybody's prediction is known to have come before the outcome",
    QuestionState.REVEALED: "predictions were locked at the reveal; ask a new question to predict again",
    QuestionState.RESOLVED: "what came of it is recorded; ask a new question",
    QuestionState.WITHDRAWN: "ask a new question",
}


def state_after(steps: Sequence[Step]) -> QuestionState:
    """Where a question stands after these steps."""
    state = QuestionState.OPEN
    for step in steps:
        state = ALLOWED.get((state, step), state)
    return state


def check_step(state: QuestionState, step: Step) -> QuestionState:
    """The state after a step.

    Raises:
        ConflictError: there is no such step from here; it says what to do instead.
    """
    after = ALLOWED.get((state, step))
    if after is None:
        raise ConflictError(f"The question is {state.value}; {REMEDIES[state]}.")
    return after


def check_chance(p: float) -> float:
    """The chance that somebody gives.

    Raises:
        InputError: it is not strictly between 0 and 1.
    """
    if not (math.isfinite(p) and 0 < p < 1):
        message = (
            f"{p:g} is no chance between 0 and 1; nothing is certain, so say at least 0.01 and at most 0.99."
        )
        raise InputError("The prediction cannot be taken.", [Problem(message, "/p")])
    return p


def check_came(step: Step, *, is_range: bool, outcome: bool | None, amount: float | None) -> None:
    """What resolving needs, and no other step has: an outcome, or of a range the amount that it came to.

    Raises:
        InputError: it is missing, there is one too many, or the amount is no number.
    """
    resolves, problems = step is Step.RESOLVE, []
    if is_range and resolves and outcome is not None:
        problems.append(Problem("It asked for a range: say what it came to, as `amount`.", "/outcome"))
    elif (resolves and not is_range) is not (outcome is not None):
        said = (
            "Say whether it came true: true or false."
            if outcome is None
            else "Only resolving has an outcome."
        )
        problems.append(Problem(said, "/outcome"))
    if (is_range and resolves) is not (amount is not None):
        said = (
            "Say what it came to, as a number." if amount is None else "Only resolving a range has an amount."
        )
        problems.append(Problem(said, "/amount"))
    elif amount is not None and not math.isfinite(amount):
        problems.append(Problem(f"{amount} is no amount; write a finite number.", "/amount"))
    if problems:
        raise InputError("The step cannot be taken.", problems)


def problems_of(text: str, dates: Mapping[str, str]) -> list[Problem]:
    """What is wrong with a question and its dates, by their names."""
    problems = []
    if not text:
        problems.append(
            Problem("Write the question: one that yes or no, or a number, will answer.", "/question")
        )
    if len(text) > LONGEST:
        problems.append(
            Problem(f"The question has {len(text)} characters; {LONGEST} are the most.", "/question")
        )
    for name, given in dates.items():
        try:
            if given:
                date.fromisoformat(given)
        except ValueError:
            problems.append(Problem(f"{given!r} is no date; write it as 2026-09-30.", f"/{name}"))
    return problems
