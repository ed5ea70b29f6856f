"""What a flag does to people, in one sentence. Pure."""

from collections.abc import Sequence

from counterpoint.flags.composition.plan import FlagPlan
from counterpoint.flags.flag import Flag
from counterpoint.flags.sentences import Step
from counterpoint.flags.state import FlagState, Part
from counterpoint.said import Said

__all__ = ["state_sentence"]

CODE = "the default in the code"


def state_sentence(flag: Flag, state: FlagState, steps: Sequence[Step], plan: FlagPlan | None = None) -> Said:
    """Who gets what now, for somebody who has never seen the flag.

    Args:
        flag: the flag.
        state: what it does now, see `state.state_of`.
        steps: how it decides, see `plan_gates.steps_now`.
        plan: the plan that drives it; None where none does.
    """
    if state.word == "broken":
        return f"Its rule cannot run: every evaluation is an error, and everybody gets {CODE}."
    if not flag.enabled:
        return f"It is switched off: everybody gets {CODE}."
    if state.word == "killed":
        before = f" Before, {_parts(state)}." if state.percent else ""
        why = f" ({plan.killed.reason})" if plan and plan.killed and plan.killed.reason else ""
        return f"It is killed{why}: everybody gets {_named(state.variant)} until it is revived.{before}"
    if state.parts and state.word in ("on", "ramping"):
        return f"{_capital(_parts(state))}.{_always(plan)}"
    if state.word in ("off", "rolled-out"):
        return f"Everybody gets {_named(state.variant)}.{_always(plan)}"
    return _by_rule(steps)


def _parts(state: FlagState) -> str:
    """ "Of those it is for, 10 % get 'on', 10 % are the measured control, and the rest get 'off'"."""
    whom = "of those it is for, " if state.narrowed else ""
    arms = [part for part in state.parts if part.role == "treatment"]
    told = [f"{_share(part)} get {_named(part.variant)}" for part in arms]
    told += [
        f"{_share(part)} are a measured control" + (f" ({_named(part.variant)})" if part.variant else "")
        for part in state.parts
        if part.role == "control"
    ]
    rest = [part for part in state.parts if part.role == "rest"]
    if rest:
        told.append(f"{'the rest' if told else 'all'} get {_named(rest[0].variant)}")
    return whom + (f"{', '.join(told[:-1])} and {told[-1]}" if told[1:] else told[0])


def _always(plan: FlagPlan | None) -> str:
    """Who is named one by one, whatever else the plan says."""
    if plan is None or not plan.overrides:
        return ""
    told = [
        f"{len(subjects)} named always get{'' if subjects[1:] else 's'} {_named(variant)}"
        for variant, subjects in plan.overrides.items()
    ]
    return f" {', '.join(told)}."


def _share(part: Part) -> str:
    return f"{part.percent:.3g} %" if part.percent < 100 else "all"


def _by_rule(steps: Sequence[Step]) -> str:
    asked = sum(1 for step in steps if step.when)
    if not asked:
        return "What somebody gets is computed for each of them."
    conditions = "one condition decides" if asked == 1 else f"{asked} conditions decide, the first that holds"
    return f"It depends on who asks: {conditions}."


def _named(variant: str | None) -> str:
    return CODE if variant is None else f"‘{variant}’"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
