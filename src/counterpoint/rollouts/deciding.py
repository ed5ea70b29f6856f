"""What the controller does with a rollout: an ordered list of named rules, the first that speaks decides. Pure.

Given the same events, figures and moment it does the same, whoever asks: the server, cron or a person. No rule
reads how much time has passed since the last check, so being late changes when things happen and never what:
a step that is monitored ends only by figures of its own, and each step begins at the moment it is published.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from counterpoint.experiments.wording import percent as share
from counterpoint.rollouts.model import (
    ACTIVE,
    DATA_TROUBLES,
    SAMPLE_RATIO,
    Event,
    EventKind,
    Figures,
    GuardrailFigures,
    Rollout,
    State,
    Step,
    Trouble,
)
from counterpoint.said import Said

__all__ = ["RULES", "FlagFacts", "Move", "Rule", "decide", "event_of", "moment_of", "monitored"]

FlagState = Literal["driven", "missing", "no plan", "edited", "killed"]


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """What has become of the flag that a rollout moves."""

    state: FlagState = "driven"
    percent: float = 0.0
    """The ramp that its plan has."""
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What is to happen next; without a kind everything stays as it is."""

    rule: str
    kind: EventKind | None = None
    reason: Said = ""
    step: int = -1
    percent: float | None = None
    """Share to publish; none publishes nothing."""
    trouble: Trouble | None = None
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """All that a rule may look at."""

    rollout: Rollout
    state: State
    figures: Figures
    flag: FlagFacts
    now: datetime

    @property
    def step(self) -> Step:
        return self.rollout.steps[self.state.step]

    @property
    def following(self) -> Step | None:
        after = self.state.step + 1
        return self.rollout.steps[after] if after < len(self.rollout.steps) else None

    @property
    def lasted(self) -> float:
        """Seconds since the step began."""
        return _seconds(self.now, self.state.since)

    @property
    def is_over(self) -> bool:
        return self.lasted >= self.step.hold_seconds

    @property
    def judged(self) -> list[GuardrailFigures]:
        """Guardrails that a person has not overridden in this run."""
        if not self.step.monitored:
            return []
        return [each for each in self.figures.guardrails if each.metric not in self.state.overridden]

    @property
    def silent(self) -> list[str]:
        """Labels of those whose events have stopped coming."""
        return [each.label for each in self.judged if each.metric in self.figures.stale]

    def move(self, rule: str, kind: EventKind, reason: str, **found: object) -> Move:
        return Move(rule, kind, reason, self.state.step, **found)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: none where it has nothing to say."""

    name: str
    why: Said
    says: Callable[[_Case], Move | None]


def moment_of(state: State, now: datetime) -> datetime:
    """The moment that counts: never before what has happened, so that a clock set back ends nothing early."""
    return now if state.at is None else max(now, state.at)


def monitored(rollout: Rollout, state: State) -> bool:
    """Whether figures are wanted now."""
    return state.phase in ACTIVE and rollout.steps[state.step].monitored


def decide(rollout: Rollout, state: State, figures: Figures, flag: FlagFacts, now: datetime) -> Move:
    """What is to happen to a rollout; a move without a kind where everything stays as it is.

    Only a rollout that is running or holding is moved: what is paused, pending or over waits for people. What is
    paused is still taken back where harm is shown, for its users stay in the change meanwhile.
    """
    case = _Case(rollout, state, figures, flag, moment_of(state, now))
    if state.phase == "paused" and _flag_changed(case) is None:
        harm = _harm(case)
        if harm and harm.kind == "rolled-back":
            return harm
        if monitored(rollout, state) and figures.looks:  # each look is taken once, whoever waits for whom
            return case.move("waits for people", "checked", "")
        return Move("waits for people")
    if state.phase not in ("running", "holding"):
        return Move("waits for people")
    move = next(found for rule in RULES if (found := rule.says(case)) is not None)
    if move.kind is None and _is_news(case):
        return case.move(move.rule, "checked", "")
    return move


def _is_news(case: _Case) -> bool:
    """Whether the figures must be kept although nothing moves: a look was taken, or a verdict has changed."""
    if not case.step.monitored:
        return False
    verdicts = tuple((each.metric, each.verdict) for each in case.figures.guardrails)
    return bool(case.figures.looks) or verdicts != case.state.verdicts


def event_of(move: Move, state: State, *, now: datetime, actor: str, figures: Figures | None) -> Event:
    """The event that a move becomes.

    Raises:
        ValueError: the move has no kind.
    """
    if move.kind is None:
        raise ValueError("nothing happens, so there is no event")
    return Event(
        sequence=state.sequence + 1,
        kind=move.kind,
        at=moment_of(state, now),
        actor=actor,
        step=move.step,
        percent=move.percent,
        rule=move.rule,
        reason=move.reason,
        trouble=move.trouble,
        overridden=move.overridden,
        figures=figures,
    )


def _flag_changed(case: _Case) -> Move | None:
    flag, state = case.flag, case.state
    said = {
        "missing": "The flag is not there any more.",
        "no plan": "The flag has no plan any more, so nothing can be moved.",
        "edited": "The flag was edited by hand, so its plan no longer drives it.",
        "killed": "The flag was killed: everybody gets its default.",
    }.get(flag.state)
    if said is None and flag.percent != state.percent:
        said = f"The ramp was set to {flag.percent:g} % by hand, and the step is {state.percent:g} %."
    if said is None and case.rollout.salt and flag.salt != case.rollout.salt:
        said = "Users were drawn anew, so the arms are not those that were measured."
    return case.move("the flag was changed by hand", "paused", said) if said else None


def _harm(case: _Case) -> Move | None:
    failed = [each for each in case.judged if each.verdict == "fail"]
    if not failed:
        return None
    said = " ".join(_harm_of(each) for each in failed)
    if all(each.action == "pause" for each in failed):
        return case.move("a guardrail failed", "paused", said)
    return case.move("a guardrail failed", "rolled-back", said, percent=0.0)


def _harm_of(figures: GuardrailFigures) -> str:
    relative = figures.scale == "relative"

    def shown(value: float | None) -> str:
        if relative:
            return share(value, signed=True)
        return "unbounded" if value is None else f"{value:+g}"

    margin = f"{100 * figures.margin:g} %" if relative else f"{figures.margin:g}"
    return (
        f"{figures.label!r} is worse by more than its margin of {margin}: {shown(figures.change)},"
        f" between {shown(figures.low)} and {shown(figures.high)}."
    )


def _no_figures_for_long(case: _Case) -> Move | None:
    state, limit = case.state, case.rollout.limits.trouble_seconds
    if state.phase != "holding" or state.trouble not in DATA_TROUBLES or _trouble(case) is None:
        return None
    if _seconds(case.now, state.trouble_since) < limit:
        return None
    said = f"For {_lasting(limit)} it could not be judged: {_told(case, _trouble(case))}"
    return case.move("not judged for too long", "rolled-back", said, percent=0.0)


def _cannot_be_judged(case: _Case) -> Move | None:
    trouble = _trouble(case)
    if trouble is None:
        return None
    if case.state.phase == "holding" and case.state.trouble == trouble:
        return Move("cannot be judged")
    return case.move("cannot be judged", "held", _told(case, trouble), trouble=trouble)


def _trouble(case: _Case) -> Trouble | None:
    """What keeps a monitored step from being judged, if anything does."""
    if not case.step.monitored:
        return None
    figures, limits = case.figures, case.rollout.limits
    newest, since = figures.last_exposure, case.state.since
    is_seen = newest is not None and (since is None or newest >= since)
    if not is_seen and (case.is_over or case.lasted > limits.stale_seconds):
        return "missing"
    if is_seen and (_seconds(case.now, newest) > limits.stale_seconds or case.silent):
        return "stale"
    if figures.mismatch and SAMPLE_RATIO not in case.state.overridden:
        return "sample ratio"
    if not case.is_over:
        return None
    if min(figures.control_users, figures.treatment_users) < case.step.minimum_sample:
        return "too few users"
    verdicts = {each.verdict for each in case.judged}
    if "too few users" in verdicts:
        return "too few users"
    return "missing" if "missing" in verdicts else None


def _told(case: _Case, trouble: Trouble | None) -> str:
    figures = case.figures
    match trouble:
        case "missing":
            without = [each for each in case.judged if each.verdict == "missing" and each.why]
            if without and figures.last_exposure is not None:
                return " ".join(f"{each.label!r}: {each.why}" for each in without)
            return "No user of the step has been seen yet. Check that exposures reach the journal."
        case "stale":
            if case.silent:
                names = ", ".join(repr(name) for name in case.silent)
                return f"No event of {names} has come for too long, so calm figures say nothing."
            limit = _lasting(case.rollout.limits.stale_seconds)
            return f"The newest exposure is older than {limit}."
        case "sample ratio":
            return (
                f"The arms should be of equal size and have {figures.control_users:,} and"
                f" {figures.treatment_users:,} users, so they cannot be compared."
            )
        case _:
            least = min(figures.control_users, figures.treatment_users)
            wanted = max(case.step.minimum_sample, case.rollout.least)
            return f"An arm has {least:,} users, and the step needs {wanted:,} whose values count."


def _time_not_over(case: _Case) -> Move | None:
    if case.is_over:
        return None
    if case.state.phase == "holding":
        return case.move("can be judged again", "cleared", "What kept it from being judged is over.")
    return Move("its time is not over")


def _inconclusive(case: _Case) -> Move | None:
    unclear = [each for each in case.judged if each.verdict == "inconclusive"]
    if not unclear or case.step.inconclusive == "proceed":
        return None
    names, state = ", ".join(repr(each.label) for each in unclear), case.state
    patience = case.rollout.limits.patience_seconds
    if state.phase != "holding" or state.trouble != "inconclusive":
        said = f"Neither harm nor its absence is shown for {names}."
        return case.move("inconclusive", "held", said, trouble="inconclusive")
    if _seconds(case.now, state.trouble_since) < patience:
        return Move("inconclusive")
    said = (
        f"For {_lasting(patience)} neither harm nor its absence was shown for {names}. Decide how to go on."
    )
    return case.move("inconclusive for too long", "paused", said)


def _approval(case: _Case) -> Move | None:
    following = case.following
    if following is None or not following.approval or case.state.approved:
        return None
    if case.state.phase == "holding" and case.state.trouble == "approval":
        return Move("waits for approval")
    said = f"The step of {following.percent:g} % waits for approval."
    return case.move("waits for approval", "held", said, trouble="approval")


def _last_step(case: _Case) -> Move | None:
    if case.following is not None:
        return None
    said = f"All steps are done, up to {case.step.percent:g} %."
    return case.move("the last step is over", "completed", said, percent=case.step.percent)


def _next_step(case: _Case) -> Move | None:
    following = case.following
    if following is None:
        return None
    shown = [each for each in case.judged if each.verdict == "pass"]
    open_ = [each for each in case.judged if each.verdict == "inconclusive"]
    if open_:
        said = f"No harm is shown at {case.step.percent:g} %."
    elif shown:
        said = f"All guardrails are within their margins at {case.step.percent:g} %."
    else:
        said = f"The time at {case.step.percent:g} % is over."
    return Move("the next step", "advanced", said, case.state.step + 1, following.percent)


RULES: Final[Sequence[Rule]] = (
    Rule(
        "the flag was changed by hand",
        "A person has decided about the flag; the rollout does not take that back, and asks.",
        _flag_changed,
    ),
    Rule("a guardrail failed", "Harm beyond a margin is shown: users come first.", _harm),
    Rule(
        "not judged for too long",
        "Users must not stay in a change that nobody can judge.",
        _no_figures_for_long,
    ),
    Rule("cannot be judged", "Without figures to be trusted nothing grows.", _cannot_be_judged),
    Rule("its time is not over", "A step lasts as long as its plan says.", _time_not_over),
    Rule("inconclusive", "No clear change is an answer; the step goes on until there is one.", _inconclusive),
    Rule("waits for approval", "The owner has asked to be asked.", _approval),
    Rule("the last step is over", "There is nothing left to do.", _last_step),
    Rule("the next step", "More users, one step at a time.", _next_step),
)
"""The rules in their order."""


def _seconds(now: datetime, then: datetime | None) -> float:
    return 0.0 if then is None else (now - then) / timedelta(seconds=1)


def _lasting(seconds: float) -> str:
    """A length of time as people say it.

    >>> _lasting(86_400.0), _lasting(5_400.0), _lasting(60.0)
    ('1 day', '90 minutes', '1 minute')
    """
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        number = seconds / size
        if number >= 1 and number.is_integer():
            return f"{number:,.0f} {name}{'' if number == 1 else 's'}"
    return f"{seconds:g} seconds"
