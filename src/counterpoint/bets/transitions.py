"""What each decision does to a bet: an ordered list of named rules, the first that matches applies.

    pitched -> think -> build -> ship -> tweak -> retired        forward
    any stage -> an earlier one (pivot), any -> think (reimagine)
    any -> paused or killed, and back

No rule refuses. A rule that `asks_reason` marks the decision as an override: it is recorded as one, and
a reason is asked for so that the others, and the squad a year later, can learn from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from counterpoint.bets.advice import Advice
from counterpoint.bets.model import Bet, Reading, Stage, Stance, State, newest
from counterpoint.practices import Policy
from counterpoint.said import Said

__all__ = [
    "CHOICES",
    "RULES",
    "Choice",
    "ChoiceGuide",
    "Policy",
    "PolicyOf",
    "Position",
    "Rule",
    "Ruling",
    "choices_for",
    "informing",
    "weigh",
]


class Choice(StrEnum):
    """The closed set of decisions about a bet."""

    ADVANCE = "advance"
    SHIP = "ship"
    PERSEVERE = "persevere"
    PIVOT = "pivot"
    REIMAGINE = "reimagine"
    PAUSE = "pause"
    KILL = "kill"
    RETIRE = "retire"


PolicyOf = Callable[[str], Policy]
"""What passing over a rule asks for, by the rule's id."""


def informing(_rule: str) -> Policy:
    """The policy of who has set none: every rule informs."""
    return Policy.INFORM


@dataclass(frozen=True, slots=True)
class Position:
    """Where a bet stands."""

    stage: Stage
    state: State = State.ACTIVE

    def __str__(self) -> str:
        return self.stage.label if self.state is State.ACTIVE else f"{self.stage.label}, {self.state.value}"


@dataclass(frozen=True, slots=True)
class ChoiceGuide:
    """A choice in words for people: its name and its effect."""

    choice: Choice
    label: str
    effect: Said


CHOICES = (
    ChoiceGuide(
        Choice.SHIP, "Ship", "Give it to everyone. The bet goes to Ship it, or stays there or in Tweak it."
    ),
    ChoiceGuide(
        Choice.PERSEVERE, "Persevere", "Carry on as planned. The stage stays; a paused bet is active again."
    ),
    ChoiceGuide(
        Choice.ADVANCE,
        "Advance",
        "Answer the exit question with yes and go to the next stage. After Tweak it the bet is retired.",
    ),
    ChoiceGuide(
        Choice.PIVOT, "Pivot", "Change course and go back to an earlier stage, by default the one before."
    ),
    ChoiceGuide(Choice.REIMAGINE, "Re-imagine", "Start again in Think it with what was learned."),
    ChoiceGuide(Choice.PAUSE, "Pause", "Stop working on it for now. The stage is kept."),
    ChoiceGuide(Choice.KILL, "Kill", "Stop for good, and keep what was learned. The stage is kept."),
    ChoiceGuide(Choice.RETIRE, "Retire", "It has done its work: the bet is closed. The stage is kept."),
)

ALL_STAGES = frozenset(Stage)
OPEN_STATES = frozenset({State.ACTIVE, State.PAUSED})
CLOSED_STATES = frozenset({State.KILLED, State.RETIRED})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the machine. `why` says why the row exists."""

    name: str
    choices: frozenset[Choice]
    from_stages: frozenset[Stage]
    from_states: frozenset[State]
    why: str
    asks_reason: bool = False
    leap: bool | None = None
    """True matches only a step of more than one stage, False only a single step; None matches either."""

    def matches(self, choice: Choice, before: Position, after: Position) -> bool:
        """Whether this row speaks of the step."""
        leap = after.stage.rank - before.stage.rank > 1
        return (
            choice in self.choices
            and before.stage in self.from_stages
            and before.state in self.from_states
            and self.leap in (None, leap)
        )


def _rule(
    name: str,
    choices: set[Choice],
    why: str,
    *,
    stages: frozenset[Stage] = ALL_STAGES,
    states: frozenset[State] = OPEN_STATES,
    asks_reason: bool = False,
    leap: bool | None = None,
) -> Rule:
    return Rule(name, frozenset(choices), stages, states, why, asks_reason, leap)


_CLOSING = {Choice.KILL, Choice.RETIRE}
RULES = (
    _rule(
        "reopened",
        set(Choice) - _CLOSING,
        "The bet was closed in front of everybody; whoever read that should be able to read why it is open again.",
        states=CLOSED_STATES,
        asks_reason=True,
    ),
    _rule(
        "closed again",
        _CLOSING,
        "A closed bet may be closed in the other way, to put the record right.",
        states=CLOSED_STATES,
    ),
    _rule(
        "stages skipped",
        {Choice.ADVANCE, Choice.SHIP},
        "A skipped stage leaves its risk unburnt; the reason says what was known instead.",
        asks_reason=True,
        leap=True,
    ),
    _rule(
        "next stage",
        {Choice.ADVANCE},
        "The exit question was answered with yes.",
        stages=ALL_STAGES - {Stage.TWEAK},
    ),
    _rule(
        "finished",
        {Choice.ADVANCE},
        "After Tweak it there is no further stage: what is done is retired.",
        stages=frozenset({Stage.TWEAK}),
    ),
    _rule("shipped", {Choice.SHIP}, "The squad gives it to everyone."),
    _rule(
        "carried on",
        {Choice.PERSEVERE},
        "To go on after looking at the evidence is a decision too, and wakes a paused bet.",
    ),
    _rule("pivoted", {Choice.PIVOT}, "Going back is learning, and costs no explanation."),
    _rule("re-imagined", {Choice.REIMAGINE}, "At a local maximum the next idea starts in Think it."),
    _rule("paused", {Choice.PAUSE}, "A bet may rest; its stage is kept so that it can go on from there."),
    _rule("killed", {Choice.KILL}, "Stopping early is what kill criteria are for."),
    _rule(
        "retired",
        {Choice.RETIRE},
        "What has done its work is taken off the board.",
        stages=frozenset({Stage.TWEAK}),
    ),
    _rule(
        "retired early",
        {Choice.RETIRE},
        "Retiring says that it was in use; before Tweak it that is a leap, and the reason says how.",
        asks_reason=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a choice does, and whether it is an override. `overrides` holds one sentence for each ground."""

    rule: str
    before: Position
    after: Position
    overrides: tuple[Said, ...] = ()
    joint: bool = False
    """Whether the unit asks for two stances here, its own and the sponsor's."""

    @property
    def override(self) -> bool:
        """Whether the decision goes past a rule or against the verdict."""
        return bool(self.overrides)

    def asks_reason(self, policy: Policy = Policy.ASK_REASON) -> bool:
        """Whether a reason is asked for before the decision is recorded."""
        return self.override and policy is Policy.ASK_REASON


def weigh(
    bet: Bet,
    choice: Choice,
    readings: tuple[Reading, ...] = (),
    *,
    to: Stage | None = None,
    missing: Sequence[Advice] = (),
    policy_of: PolicyOf = informing,
) -> Ruling:
    """What `choice` does to the bet and on which grounds it is an override. Refuses nothing.

    `to` names the stage for `advance` (a later one) and `pivot` (an earlier one); where it does not fit
    the choice, ValueError says which choice would. `missing` is what the bet lacks, and `policy_of` what
    its unit asks of who goes on without.
    """
    before = Position(bet.stage, bet.state)
    after = _after(before, choice, to)
    rule = next(rule for rule in RULES if rule.matches(choice, before, after))
    grounds = ([f"{before} to {after}: {rule.why}"] if rule.asks_reason else []) + _against(
        choice, after, newest(readings)
    )
    # To give it to everybody is to leave Ship it: whatever is best done before Tweak it is passed over then.
    reach = Stage.TWEAK if choice is Choice.SHIP else after.stage
    passed = _passed(before.stage, reach, missing, policy_of)
    grounds += [f"{item.missing}: {item.why}" for item in passed]
    joint = any(policy_of(item.rule) is Policy.ASK_JOINT for item in passed)
    return Ruling(rule.name, before, after, tuple(grounds), joint)


def _passed(before: Stage, reach: Stage, missing: Sequence[Advice], policy_of: PolicyOf) -> list[Advice]:
    """What is missing when the bet goes forward, and what its unit does not only want to be told of."""
    if reach.rank <= before.rank:
        return []
    return [
        item
        for item in missing
        if item.before.rank <= reach.rank and policy_of(item.rule) is not Policy.INFORM
    ]


def choices_for(bet: Bet) -> tuple[ChoiceGuide, ...]:
    """The choices a form offers for the bet as it stands; the API accepts all of them at any time."""
    hidden = {Choice.ADVANCE} if bet.stage is Stage.TWEAK else {Choice.REIMAGINE}
    if bet.stage is Stage.THINK:
        hidden |= {Choice.RETIRE}
    offered = [guide for guide in CHOICES if guide.choice not in hidden]
    # The decision that the stage asks for stands first: to ship once there is something to ship.
    first = Choice.ADVANCE if bet.stage in (Stage.THINK, Stage.BUILD) else Choice.SHIP
    return tuple(sorted(offered, key=lambda guide: guide.choice is not first))


def _after(before: Position, choice: Choice, to: Stage | None) -> Position:
    stage, state = before.stage, State.ACTIVE
    if to is not None and choice not in (Choice.ADVANCE, Choice.PIVOT):
        raise ValueError(f"{choice.value} takes no stage; leave `to` out, or choose advance or pivot")
    match choice:
        case Choice.ADVANCE:
            if to is not None and to.rank <= stage.rank:
                raise ValueError(
                    f"advance goes forward and {to.label} is not after {stage.label}; choose pivot to go back, persevere to stay"
                )
            if to is None and stage is Stage.TWEAK:
                return Position(stage, State.RETIRED)
            stage = to or list(Stage)[stage.rank + 1]
        case Choice.SHIP:
            stage = max(stage, Stage.SHIP, key=lambda item: item.rank)
        case Choice.PIVOT:
            if to is not None and to.rank > stage.rank:
                raise ValueError(
                    f"pivot goes back and {to.label} is after {stage.label}; choose advance to go forward"
                )
            stage = to or list(Stage)[max(stage.rank - 1, 0)]
        case Choice.REIMAGINE:
            stage = Stage.THINK
        case Choice.PAUSE | Choice.KILL | Choice.RETIRE:
            state = {Choice.PAUSE: State.PAUSED, Choice.KILL: State.KILLED, Choice.RETIRE: State.RETIRED}[
                choice
            ]
        case Choice.PERSEVERE:
            pass
    return Position(stage, state)


def _against(choice: Choice, after: Position, reading: Reading | None) -> list[str]:
    """One sentence where the decision goes against the newest verdict, else none."""
    if reading is None:
        return []
    releases = choice is Choice.SHIP or (choice is Choice.ADVANCE and after == Position(Stage.TWEAK))
    stops = choice in (Choice.KILL, Choice.PIVOT, Choice.REIMAGINE)
    if releases and reading.stance is not Stance.FOR:
        return [f"{reading.title} does not say ship: {reading.sentence}"]
    if stops and reading.stance is Stance.FOR:
        return [f"{reading.title} says ship: {reading.sentence}"]
    return []
