"""Why a context gets what it gets: the evaluation itself, with every step written down.

The trace is no second evaluator: it is the interpreter, told to write down each operation, so that its
answer is the evaluation's.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import escape
from counterpoint.flags import cbor
from counterpoint.flags.bucketing import Bucketing, bucket_of, hash_of
from counterpoint.flags.bucketing import _identity as identity_of
from counterpoint.flags.bucketing import entries_of as distribution_of
from counterpoint.flags.errors import RuleError
from counterpoint.flags.flag import Evaluation, Flag
from counterpoint.flags.javascript import UNDEFINED, is_array
from counterpoint.flags.jsonlogic import _Run as Run
from counterpoint.flags.model import FlagSet
from counterpoint.flags.operators import operators
from counterpoint.flags.ruletree import Node, tree_of
from counterpoint.flags.trace_words import words_of
from counterpoint.said import Said

__all__ = ["Part", "Split", "Trace", "TraceStep", "trace"]


@dataclass(frozen=True, slots=True)
class Part:
    """A variant of a split with its buckets: from `start` to before `end`."""

    variant: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """How a `fractional` came to its variant."""

    seed: Any
    """What is hashed: a text, in v3 any value."""
    hash: int
    """MurmurHash3 of the seed, in [0, 2^32)."""
    bucket: int
    """In [0, total)."""
    total: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One thing that was done, with what it was done to."""

    operator: str
    """JsonLogic's, or one of flag, state, targeting, variant for the steps around the rule."""
    pointer: str
    """Where it is written in the definition."""
    depth: int
    """How deep it is within the rule; steps of one operation follow it."""
    arguments: tuple[Any, ...]
    """The values that it was given, as far as it looked at them."""
    result: Any
    sentence: Said
    split: Split | None = None
    """For a `fractional` that could be computed."""
    evaluator: str | None = None
    """The shared evaluator that the operation stands for."""


@dataclass(frozen=True, slots=True)
class Trace:
    """An evaluation with its steps."""

    key: str
    evaluation: Evaluation
    steps: tuple[TraceStep, ...]
    timestamp: int
    """Unix seconds that the rule was shown as `$flagd.timestamp`."""


MOST_STEPS = 2_000
"""Operations that are written down; the evaluation goes on beyond."""


def trace(
    flags: FlagSet, key: str, context: Mapping[str, Any] | None = None, *, now: float | None = None
) -> Trace:
    """The evaluation of a flag for a context with its steps, in the order in which they were begun. Never raises.

    Args:
        flags: the flag set.
        key: the flag's key.
        context: attributes, as for `FlagSet.evaluate`.
        now: Unix seconds for `$flagd.timestamp`; default the clock.
    """
    seconds = int(time.time() if now is None else now)
    evaluation = flags.evaluate(key, context, now=seconds)
    flag = flags.flags.get(key)
    if flag is None:
        sentence = f"There is no flag {key!r} in this set."
        return Trace(
            key, evaluation, (TraceStep("flag", "", 0, (key,), result=False, sentence=sentence),), seconds
        )
    steps = [*_before(flag), *_of_rule(flags, flag, context, seconds), _answered(flag, evaluation)]
    return Trace(key, evaluation, tuple(steps), seconds)


def _before(flag: Flag) -> list[TraceStep]:
    """The steps before a rule: the flag, its state, whether there is a rule."""
    found = [
        TraceStep(
            "flag", flag.pointer, 0, (flag.key,), result=True, sentence=f"The flag {flag.key!r} exists."
        )
    ]
    enabled = (
        "The flag is enabled." if flag.enabled else "The flag is disabled: the default of the code counts."
    )
    found.append(TraceStep("state", f"{flag.pointer}/state", 0, (), flag.enabled, enabled))
    if not flag.enabled:
        return found
    place = f"{flag.pointer}/targeting"
    if flag.targeting is None:
        found.append(
            TraceStep(
                "targeting", place, 0, (), None, "There is no rule, so that everybody gets the default."
            )
        )
    elif flag.fault:
        found.append(TraceStep("targeting", place, 0, (), None, f"The rule cannot run. {flag.fault}"))
    return found


def _answered(flag: Flag, evaluation: Evaluation) -> TraceStep:
    place = flag.pointer
    if evaluation.error_code:
        sentence = f"The answer is the error {evaluation.error_code}: {evaluation.error_message}"
    elif evaluation.reason == "DISABLED":
        sentence = "No value is answered."
    elif evaluation.variant is None:
        sentence = "The rule decides nothing, and the flag has no default: the default of the code counts."
    elif evaluation.reason == "TARGETING_MATCH":
        place, sentence = f"{place}/variants", f"The rule names the variant {evaluation.variant!r}."
    else:
        place, why = f"{place}/defaultVariant", "" if flag.targeting is None else "The rule decides nothing: "
        sentence = f"{why}{'t' if why else 'T'}he default variant {evaluation.variant!r} is answered."
    return TraceStep("variant", place, 0, (), evaluation.variant, sentence)


def _of_rule(
    flags: FlagSet, flag: Flag, context: Mapping[str, Any] | None, seconds: int
) -> Sequence[TraceStep]:
    tree = tree_of(flags, flag) if flag.enabled else None
    if tree is None:
        return ()
    data = dict(context) if isinstance(context, Mapping) else {}
    data["$flagd"] = {"flagKey": flag.key, "timestamp": seconds}
    run = _Traced(flags.bucketing)
    with suppress(
        RuleError, RecursionError
    ):  # the evaluation has told what stopped it; the steps until then count
        run.value(run.known(tree), data, 0)
    return run.written()


@dataclass(slots=True)
class _Begun:
    node: Node
    depth: int
    data: Any
    arguments: list[Any]
    result: Any = None
    done: bool = False


class _Traced(Run):
    """An application of a rule that writes down what it does."""

    __slots__ = ("bucketing", "nodes", "open", "steps_taken")

    def __init__(self, bucketing: Bucketing) -> None:
        super().__init__(operators(bucketing))
        self.bucketing = bucketing
        self.nodes: dict[int, Node] = {}
        self.open: list[_Begun] = []
        self.steps_taken: list[_Begun] = []

    def known(self, tree: Node) -> Any:
        """The rule of a tree, whose operations are known by identity."""
        for node in tree.walk():
            if node.name is not None:
                self.nodes[id(node.rule)] = node
        return tree.rule

    def value(self, rule: Any, data: Any, depth: int) -> Any:
        """The value of a part of the rule, written down where it is an operation."""
        node = self.nodes.get(id(rule))
        if node is None or len(self.steps_taken) >= MOST_STEPS:
            found = super().value(rule, data, depth)
            if self.open and depth == self.open[-1].depth + 1:
                self.open[-1].arguments.append(found)
            return found
        begun = _Begun(node, depth, data, [])
        self.steps_taken.append(begun)
        self.open.append(begun)
        try:
            begun.result = super().value(rule, data, depth)
            begun.done = True
        finally:
            self.open.pop()
        if self.open and depth == self.open[-1].depth + 1:
            self.open[-1].arguments.append(begun.result)
        return begun.result

    def written(self) -> list[TraceStep]:
        """The steps, each with its sentence."""
        return [self._step(begun) for begun in self.steps_taken]

    def _step(self, begun: _Begun) -> TraceStep:
        node, arguments = begun.node, tuple(_plain(value) for value in begun.arguments)
        result = _plain(begun.result)
        split = split_of(self.bucketing, arguments, begun.data) if node.name == "fractional" else None
        sentence = words_of(node, arguments, result, split=split, stopped=not begun.done)
        pointer = f"{node.pointer}/{escape(node.name or '')}"
        return TraceStep(
            node.name or "", pointer, begun.depth, arguments, result, sentence, split, node.evaluator
        )


def _plain(value: Any) -> Any:
    return None if value is UNDEFINED else value


def split_of(bucketing: Bucketing, arguments: Sequence[Any], data: Any) -> Split | None:
    """How a `fractional` falls for evaluated arguments; None where it decides nothing.

    References:
        flagd's decisions "high-precision-fractional-bucketing" and "fractional-non-string-rand-units".
    """
    if not arguments:
        return None
    expression, entries = (None, arguments) if is_array(arguments[0]) else (arguments[0], arguments[1:])
    named = is_array(arguments[0]) or (bucketing == "v2" and expression is None)
    seed: Any = identity_of(data) if named else expression
    distribution = distribution_of(entries)
    if seed is None or distribution is None:
        return None
    if bucketing == "v2":
        seed = "".join(seed) if named else seed
        if not isinstance(seed, str):
            return None
    try:
        hashed = hash_of(cbor.utf8(seed) if bucketing == "v2" else cbor.encode(seed))
    except ValueError:
        return None
    total, end, parts = sum(weight for _, weight in distribution), 0, []
    for variant, weight in distribution:
        parts.append(Part(variant, end, end + weight))
        end += weight
    return Split(seed, hashed, bucket_of(hashed, total), total, tuple(parts))
