"""A flag set: flagd's definition, checked, and its answers in flagd's order of evaluation."""

import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import BUCKETINGS, Bucketing
from counterpoint.flags.compiling import AsGiven, Program, UnwrittenError, compile_as_given, compile_flag
from counterpoint.flags.definition import Definition, check, read
from counterpoint.flags.errors import FlagSetError, RuleError, UnknownOperatorError
from counterpoint.flags.flag import Evaluation, Flag, Metadata, variant_name
from counterpoint.flags.jsonlogic import apply
from counterpoint.flags.operators import operators
from counterpoint.flags.targeting import reads_time

__all__ = ["Evaluation", "Flag", "FlagSet", "FlagSetError"]


class FlagSet:
    """The flags of one definition. It does not change; `evaluate` may be called from any thread."""

    def __init__(self, definition: Definition, bucketing: Bucketing = "v2") -> None:
        self.definition: Mapping[str, Any] = definition.source.document
        """The definition as it was given."""
        self.bucketing: Bucketing = bucketing
        self.metadata: Metadata = definition.metadata
        self.warnings: tuple[Problem, ...] = definition.warnings
        """What flagd's schemas would refuse, and rules that cannot run."""
        self._source = definition
        self._operators = operators(bucketing)
        self._flags = _by_key(definition)
        self._programs: dict[str, Program] = {}
        """What answers for each flag that has been asked for."""

    @classmethod
    def from_flagd(
        cls,
        definition: Mapping[str, Any] | str | bytes | Path,
        bucketing: Bucketing = "v2",
        strict: bool = False,  # noqa: FBT001, FBT002 - the published signature
    ) -> "FlagSet":
        """The flag set of a flagd definition: a dict, JSON text, or the path of a file.

        Args:
            definition: flagd's JSON, with `flags` as a map or as an array.
            bucketing: how `fractional` hashes; v2 as in the flagd daemon and on npm, v3 as on PyPI.
            strict: refuse also what flagd's JSON schemas refuse.

        Raises:
            FlagSetError: broken structure; `problems` name the pointers. Nothing is half accepted.
        """
        if bucketing not in BUCKETINGS:
            raise FlagSetError(f"bucketing == {bucketing!r}, must be 'v2' or 'v3'.")
        return cls(check(read(definition), strict=strict), bucketing)

    @property
    def flags(self) -> Mapping[str, Flag]:
        """The flags by key, in the order of the definition."""
        return self._flags

    @cached_property
    def reads_time(self) -> bool:
        """Whether a rule may read the time, so that answers can change while the definition does not."""
        return any(flag.targeting is not None and reads_time(flag.targeting) for flag in self)

    def __contains__(self, key: object) -> bool:
        return key in self._flags

    def __iter__(self) -> Iterator[Flag]:
        return iter(self._flags.values())

    def __len__(self) -> int:
        return len(self._flags)

    def select(self, flag_set_id: str) -> "FlagSet":
        """The flags whose metadata has this `flagSetId`; the array form can hold several sets."""
        chosen = tuple(flag for flag in self._source.flags if flag.metadata.get("flagSetId") == flag_set_id)
        return FlagSet(Definition(self._source.source, chosen, self.metadata, self.warnings), self.bucketing)

    def located(self, problem: Problem) -> Problem:
        """The problem with file, line and column, where the definition came from a text."""
        return self._source.source.located(problem)

    def evaluate(
        self, key: str, context: Mapping[str, Any] | None = None, *, now: float | None = None
    ) -> Evaluation:
        """What the flag answers for the context. Never raises.

        Args:
            key: the flag's key.
            context: a mapping of attributes, with the subject under `targetingKey`; anything else counts as empty.
            now: Unix seconds for `$flagd.timestamp`; default the clock.
        """
        try:
            if context.__class__ is dict:
                return self._programs[key](context, now)
        except Exception:  # noqa: S110 - a first time, or unusual: answered below
            pass
        return self._slowly(key, context, now)

    def evaluate_all(
        self, context: Mapping[str, Any] | None = None, *, now: float | None = None
    ) -> dict[str, Evaluation]:
        """What each flag answers for the context, disabled ones included, in the definition's order."""
        moment = time.time() if now is None else now
        attributes = _attributes(context)
        found: dict[str, Evaluation] = {}
        programs = self._programs
        for key in self._flags:
            try:
                found[key] = programs[key](attributes, moment)
            except Exception:
                found[key] = self._slowly(key, attributes, moment)
        return found

    def _slowly(self, key: Any, context: Any, now: float | None) -> Evaluation:
        """An evaluation that is the first of its flag, or of a context that the program does not take."""
        if type(key) is not str:
            return _failed("FLAG_NOT_FOUND", "The key of a flag is a text.", self.metadata)
        flag = self._flags.get(key)
        if flag is None:
            return _failed("FLAG_NOT_FOUND", f"There is no flag {key!r}.", self.metadata)
        attributes = _attributes(context)
        known = self._programs.get(key)
        if known is None or attributes is not context:
            program = known or self._prepared(flag)
            self._programs[key] = program
            try:
                return program(attributes, now)
            except Exception:  # noqa: S110 - as in `evaluate`
                pass
        return self.interpret(flag, attributes, now=now)

    def _prepared(self, flag: Flag) -> Program:
        """The function that answers for a flag; made at its first evaluation, so that large sets load at once."""
        if (fixed := _without_rule(flag)) is not None:
            return _handed_out(flag, lambda _context, _now: fixed)
        program = compile_flag(flag, self.bucketing, partial(_chosen, flag))
        if program is None:
            return lambda context, now: self.interpret(flag, context, now=now)
        return _handed_out(flag, program)

    def answering(self, key: str, told: Callable[[Evaluation], Any]) -> AsGiven | None:
        """A function of attributes as they were given and the targeting key, for callers in a hurry.

        It gives what `told` makes of an evaluation, made once for each; it raises where `evaluate` has to be
        asked, which is wherever `told` makes None. None where that is always so.
        """
        flag = self._flags.get(key)
        if flag is None or flag.kind == "object":  # a value of its own for every caller
            return None
        made: dict[tuple[str | None, str], Any] = {}

        def answer(found: Evaluation) -> Any:
            place = (found.variant, found.reason)
            if place not in made:
                made[place] = None if found.variant is None else told(found)
            if made[place] is None:
                raise UnwrittenError(key)
            return made[place]

        if (fixed := _without_rule(flag)) is None:
            return compile_as_given(flag, self.bucketing, lambda result: answer(_chosen(flag, result)))
        try:
            always = answer(fixed)
        except UnwrittenError:
            return None
        return lambda _attributes, _now, _subject: always

    def interpret(self, flag: Flag, context: Mapping[str, Any], *, now: float | None = None) -> Evaluation:
        """What `evaluate` answers, by walking the rule: slower, and what the generated code is held to."""
        if (fixed := _without_rule(flag)) is not None:
            return _owned(fixed) if flag.kind == "object" else fixed
        try:
            seconds = int(time.time() if now is None else now)
            attributes = _attributes(context) | {"$flagd": {"flagKey": flag.key, "timestamp": seconds}}
            chosen = _chosen(flag, apply(flag.targeting, attributes, operators=self._operators))
        except UnknownOperatorError as error:
            return _failed(
                "PARSE_ERROR", f"The targeting of {flag.key!r} cannot run. {error.message}", flag.metadata
            )
        except RuleError as error:
            return _failed(
                "GENERAL", f"The targeting of {flag.key!r} was stopped. {error.message}", flag.metadata
            )
        except Exception as error:
            return _failed(
                "GENERAL",
                f"The targeting of {flag.key!r} was given what is no value of JSON ({type(error).__name__}).",
                flag.metadata,
            )
        return _owned(chosen) if flag.kind == "object" else chosen


def _attributes(context: Any) -> dict[str, Any]:
    """The context as a dict; anything but a mapping counts as empty."""
    if type(context) is dict:
        return context
    try:
        return dict(context) if isinstance(context, Mapping) else {}
    except Exception:
        return {}


def _handed_out(flag: Flag, program: Program) -> Program:
    """The program as it is, or with a copy of each value where callers could change what all share."""
    if flag.kind != "object":
        return program
    return lambda context, now: _owned(program(context, now))


def _owned(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, value=deepcopy(evaluation.value))


def _without_rule(flag: Flag) -> Evaluation | None:
    """The answer that every context gets; None where the rule decides."""
    if not flag.enabled:
        return Evaluation(reason="DISABLED", metadata=flag.metadata)
    if flag.targeting is None:
        return _default(flag, "STATIC")
    if flag.fault:
        return _failed(
            "PARSE_ERROR", f"The targeting of {flag.key!r} cannot run. {flag.fault}", flag.metadata
        )
    return None


def _by_key(definition: Definition) -> dict[str, Flag]:
    """One flag a key: where sets share one, the definition's own set comes first."""
    own = definition.metadata.get("flagSetId")
    chosen: dict[str, Flag] = {}
    for flag in definition.flags:
        if flag.key not in chosen or (
            flag.metadata.get("flagSetId") == own and chosen[flag.key].metadata.get("flagSetId") != own
        ):
            chosen[flag.key] = flag
    return chosen


def _default(flag: Flag, reason: str) -> Evaluation:
    if flag.default is None:
        return Evaluation(reason="DEFAULT", metadata=flag.metadata)
    return Evaluation(flag.variants[flag.default], flag.default, reason, None, flag.metadata)


def _chosen(flag: Flag, result: Any) -> Evaluation:
    if result is None:
        return _default(flag, "DEFAULT")
    name = variant_name(result)
    if name is None or name not in flag.variants:
        shown = "no text" if name is None else repr(name)[:80]
        known = ", ".join(map(repr, flag.variants))
        return _failed(
            "GENERAL",
            f"The targeting of {flag.key!r} came to {shown}, which is none of its variants ({known}).",
            flag.metadata,
        )
    return Evaluation(flag.variants[name], name, "TARGETING_MATCH", None, flag.metadata)


def _failed(code: str, message: str, metadata: Metadata) -> Evaluation:
    return Evaluation(reason="ERROR", error_code=code, metadata=metadata, error_message=message)
