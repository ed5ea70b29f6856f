"""What people do with a rollout: each command, from which phases, and where it leads. Pure.

Nothing answers "blocked": whoever owns the rollout may go on, hold or take it back at any time. What goes past a
guardrail asks for a reason, which stays in the log beside the figures that spoke against it.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from counterpoint.errors import ConflictError, InputError, Problem
from counterpoint.rollouts.deciding import Move
from counterpoint.rollouts.model import ACTIVE, SAMPLE_RATIO, Figures, Phase, Rollout, State
from counterpoint.said import Said

__all__ = ["COMMANDS", "Command", "ReasonWantedError", "act", "commands_for", "read_command"]

Command = Literal["start", "approve", "pause", "resume", "roll-back", "proceed", "complete"]

COMMANDS: Final[Mapping[Command, tuple[frozenset[Phase], Said]]] = {
    "start": (
        frozenset({"pending", "rolled-back", "completed"}),
        "Begin; one that has run begins again with the same users, with a reason.",
    ),
    "approve": (ACTIVE, "Let the next step begin once the guardrails allow it."),
    "pause": (frozenset({"running", "holding"}), "Keep everybody where they are until somebody resumes."),
    "resume": (frozenset({"paused"}), "Go on from the present step."),
    "proceed": (ACTIVE, "Go to the next step now, with a reason."),
    "complete": (ACTIVE, "Go to the last step now, with a reason, and end."),
    "roll-back": (ACTIVE | {"completed"}, "Give everybody the default."),
}
"""What a person may do, from which phases, and what it means."""
_REASONED: Final = frozenset({"proceed", "complete"})


class ReasonWantedError(InputError):
    """The command goes past what was measured, or undoes what stands; it is done as soon as it comes with a reason."""

    def __init__(
        self, message: str, *, asked: str = "This goes past the guardrails, and is yours to decide."
    ) -> None:
        super().__init__(
            f"{asked} {message}".rstrip(),
            [Problem("Say why; it is kept beside the figures.", "/reason")],
        )


def read_command(text: str) -> Command:
    """A command by its name.

    Raises:
        InputError: there is none of this name.
    """
    for command in get_args(Command):
        if text == command:
            found: Command = command
            return found
    names = ", ".join(get_args(Command))
    raise InputError(
        "The rollout was not changed.",
        [Problem(f"{text!r} is nothing to do with it; there are {names}.", "/command")],
    )


def commands_for(state: State) -> tuple[Command, ...]:
    """What a person may do now, in the order of the table; an approval only where one is waited for."""
    return tuple(
        command
        for command, (phases, _) in COMMANDS.items()
        if state.phase in phases and (command != "approve" or _wants_approval(state))
    )


def _wants_approval(state: State) -> bool:
    """Whether the step after the present one begins with an approval that has not been given."""
    following = state.plan.steps[state.step + 1 : state.step + 2] if state.plan else ()
    return not state.approved and any(step.approval for step in following)


def act(
    rollout: Rollout,
    state: State,
    command: Command,
    figures: Figures | None,
    *,
    reason: str = "",
    only_shown: bool = False,
) -> Move:
    """What a command does; where it is `only_shown`, no reason is asked for.

    Raises:
        ConflictError: it is nothing that can be done now; the message says what can.
        ReasonWantedError: it goes past the guardrails, or begins again, and comes without a reason.
    """
    possible = commands_for(state)
    if command not in possible:
        can = ", ".join(possible)
        raise ConflictError(
            f"{rollout.ref} is {state.phase}, so {command} does nothing. What can be done: {can}."
        )
    against = _against(state, figures)
    begins = _again(rollout, state) if command == "start" else ""
    if only_shown:
        reason = reason or begins
    elif not reason and begins:
        asked = "It has run already, and to begin again is yours to decide; a dry run shows what would be written."
        raise ReasonWantedError(begins, asked=asked)
    elif not reason and (command in _REASONED or (command == "resume" and against)):
        said = f"What speaks against it: {', '.join(repr(name) for name in against)}." if against else ""
        raise ReasonWantedError(said or "It ends the step before its rules do.")
    last = len(rollout.steps) - 1
    match command:
        case "start":
            first = rollout.steps[0].percent
            return Move("started by hand", "started", reason, 0, first)
        case "approve":
            return Move("approved", "approved", reason, state.step)
        case "pause":
            return Move("paused by hand", "paused", reason, state.step)
        case "resume":
            return Move("resumed", "resumed", reason, state.step, state.percent, overridden=against)
        case "roll-back":
            return Move("rolled back by hand", "rolled-back", reason, state.step, 0.0)
        case "proceed" if state.step < last:
            after = rollout.steps[state.step + 1].percent
            return Move("went on by hand", "advanced", reason, state.step + 1, after, overridden=against)
        case _:
            end = rollout.steps[last].percent
            return Move("completed by hand", "completed", reason, last, end, overridden=against)


def _again(rollout: Rollout, state: State) -> Said:
    """What a start does to one that has run already; empty for the first."""
    if state.run == 0:
        return ""
    first = rollout.steps[0].percent
    stands = f"It is {state.phase.replace('-', ' ')} at {state.percent:g} %"
    loses = (
        f", so those beyond {first:g} % lose the change until it comes to them again"
        if state.percent > first
        else ""
    )
    return f"{stands} and begins again at {first:g} % with the same users{loses}. Figures count anew."


def _against(state: State, figures: Figures | None) -> tuple[str, ...]:
    """Guardrails that say no or have fallen silent, and the arms' sizes where they do not match: what going on overrides."""
    if figures is None:
        return ()
    failed = [each.metric for each in figures.guardrails if each.verdict == "fail"]
    found = [*dict.fromkeys([*failed, *figures.stale]), *([SAMPLE_RATIO] if figures.mismatch else [])]
    return tuple(name for name in found if name not in state.overridden)
