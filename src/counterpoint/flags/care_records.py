"""What the care of flags tells over HTTP and as JSON on the command line."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from counterpoint.flags.stale import StaleFlag
from counterpoint.flags.trace import Split, Trace
from counterpoint.moments import rfc3339
from counterpoint.said import Said

if TYPE_CHECKING:  # numpy is loaded when somebody simulates, not when the server starts
    from counterpoint.flags.simulation import Change, Outcome, Transition

__all__ = [
    "SimulationRecord",
    "StaleList",
    "TraceRecord",
    "outcome_words",
    "simulation_record",
    "stale_records",
    "trace_record",
]


class ReasonRecord(msgspec.Struct, frozen=True, rename="camel"):
    """Why a flag is stale."""

    kind: str
    """rolled-out, one-variant, unseen, bet-ended, experiment-ended or expired."""
    sentence: Said
    since: str | None


class PlaceRecord(msgspec.Struct, frozen=True):
    """A line of code that names a flag."""

    file: str
    line: int


class StaleRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A flag that can go."""

    set: str
    key: str
    owner: str | None
    since: str | None
    reasons: list[ReasonRecord]
    references: list[PlaceRecord]
    keeps: str | None
    """The variant whose branch of the code stays; null where that is to be decided."""
    next_step: Said


class StaleList(msgspec.Struct, frozen=True):
    """The flags that can go."""

    items: list[StaleRecord]
    total: int


class PartRecord(msgspec.Struct, frozen=True):
    """A variant of a split with its buckets, `end` not among them."""

    variant: Any
    start: int
    end: int


class SplitRecord(msgspec.Struct, frozen=True):
    """How a fractional came to its variant."""

    seed: Any
    hash: int
    bucket: int
    total: int
    parts: list[PartRecord]


class StepRecord(msgspec.Struct, frozen=True):
    """One step of an evaluation."""

    operator: str
    pointer: str
    depth: int
    arguments: list[Any]
    result: Any
    sentence: Said
    split: SplitRecord | None
    evaluator: str | None


class TraceRecord(msgspec.Struct, frozen=True, rename="camel"):
    """An evaluation with its steps."""

    key: str
    value: Any
    variant: str | None
    reason: str
    error_code: str | None
    timestamp: int
    steps: list[StepRecord]


class OutcomeRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody gets; neither a variant nor an error is the default of the code."""

    variant: str | None
    error_code: str | None


class CountRecord(msgspec.Struct, frozen=True):
    """How many get something before and after."""

    outcome: OutcomeRecord
    before: int
    after: int


class TransitionRecord(msgspec.Struct, frozen=True):
    """How many come from one outcome to another."""

    before: OutcomeRecord
    after: OutcomeRecord
    users: int
    changes: bool


class ExampleRecord(msgspec.Struct, frozen=True):
    """A context whose outcome changes."""

    context: dict[str, Any]
    before: OutcomeRecord
    after: OutcomeRecord


class SegmentRecord(msgspec.Struct, frozen=True):
    """Those whose attribute has one value."""

    attribute: str
    value: Any
    users: int
    changed: int


class ChangeRecord(msgspec.Struct, frozen=True):
    """What becomes of one flag."""

    key: str
    users: int
    changed: int
    percent: float
    counts: list[CountRecord]
    transitions: list[TransitionRecord]
    examples: list[ExampleRecord]
    segments: list[SegmentRecord]


class SimulationRecord(msgspec.Struct, frozen=True):
    """What a definition would change."""

    users: int
    flags: list[ChangeRecord]


def stale_records(
    found: Sequence[StaleFlag], told: Callable[[StaleFlag], StaleFlag] = lambda flag: flag
) -> StaleList:
    """The flags that can go; `told` tells the sentences in the reader's words."""
    items = [
        StaleRecord(
            flag.set,
            flag.key,
            flag.owner,
            _written(flag.since),
            [ReasonRecord(reason.kind, reason.sentence, _written(reason.since)) for reason in flag.reasons],
            [PlaceRecord(place.file, place.line) for place in flag.places],
            flag.keeps,
            flag.next_step,
        )
        for flag in map(told, found)
    ]
    return StaleList(items, len(items))


def _written(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def trace_record(found: Trace, told: Callable[[Trace], Trace] = lambda trace: trace) -> TraceRecord:
    """A trace; values that JSON cannot write become texts."""
    made, answer = told(found), found.evaluation
    steps = [
        StepRecord(
            step.operator,
            step.pointer,
            step.depth,
            [_json(value) for value in step.arguments],
            _json(step.result),
            step.sentence,
            _split(step.split),
            step.evaluator,
        )
        for step in made.steps
    ]
    return TraceRecord(
        found.key, answer.value, answer.variant, answer.reason, answer.error_code, found.timestamp, steps
    )


def _split(split: Split | None) -> SplitRecord | None:
    if split is None:
        return None
    parts = [PartRecord(part.variant, part.start, part.end) for part in split.parts]
    return SplitRecord(split.seed, split.hash, split.bucket, split.total, parts)


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str), parse_constant=str)


def simulation_record(changes: "Sequence[Change]", users: int) -> SimulationRecord:
    """What a definition would change, flag by flag."""
    return SimulationRecord(users, [_change(change) for change in changes])


def _change(change: "Change") -> ChangeRecord:
    before, after = change.counts(after=False), change.counts(after=True)
    return ChangeRecord(
        change.key,
        change.users,
        change.changed,
        round(change.percent, 4),
        [
            CountRecord(_outcome(one), before.get(one, 0), after.get(one, 0))
            for one in dict.fromkeys((*before, *after))
        ],
        [_transition(one) for one in change.transitions],
        [ExampleRecord(one.context, _outcome(one.before), _outcome(one.after)) for one in change.examples],
        [SegmentRecord(one.attribute, one.value, one.users, one.changed) for one in change.segments],
    )


def _transition(one: "Transition") -> TransitionRecord:
    return TransitionRecord(_outcome(one.before), _outcome(one.after), one.users, one.changes)


def _outcome(outcome: "Outcome") -> OutcomeRecord:
    return OutcomeRecord(outcome.variant, outcome.error)


def outcome_words(outcome: "Outcome") -> str:
    """An outcome in words."""
    if outcome.error:
        return f"the error {outcome.error}"
    return repr(outcome.variant) if outcome.variant is not None else "the default of the code"
