"""The ends of a rule as statements: each branch returns the evaluation it comes to, made when the flag was read."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import mmh3

from counterpoint.flags import cbor
from counterpoint.flags.bucketing import Bucketing, entries_of
from counterpoint.flags.compiling.expressions import (
    BOOLEAN,
    Expressions,
    UnwrittenError,
    is_constant,
)
from counterpoint.flags.flag import Evaluation

__all__ = ["Tails"]

DEEPEST: Final = 90
"""Levels of indentation; Python reads no more than a hundred."""
SHORT: Final = 24
"""Bytes of a text from which CBOR writes its length apart."""

Chosen: TypeAlias = Callable[[Any], Evaluation]
"""The answer for what a rule came to; it raises `UnwrittenError` where the interpreter has to tell."""


class Tails:
    """Writes the body of one flag's function."""

    def __init__(self, write: Expressions, chosen: Chosen, bucketing: Bucketing) -> None:
        self.write, self.constants = write, write.constants
        self.chosen, self.bucketing = chosen, bucketing
        self.constants.values["draw"] = mmh3.mmh3_32_uintdigest
        self.lines: list[str] = []
        self.written = 0
        """Branches that are not left to the interpreter."""
        self.constants.values["chosen"] = chosen

    def result(self, value: Any, level: int) -> None:
        """Return what a constant comes to."""
        self.line(level, f"return {self.constants.name(self.chosen(value))}")
        self.written += 1

    def line(self, level: int, text: str) -> None:
        if level > DEEPEST:
            raise UnwrittenError("a chain that nests too deeply")
        self.lines.append("    " * level + text)

    def tail(self, rule: Any, level: int) -> None:
        """Write statements that return what the rule comes to."""
        try:
            if is_constant(rule):
                self.result(rule, level)
            else:
                self._operation(rule, level)
        except UnwrittenError:
            self.line(level, "raise Unusual")

    def _operation(self, rule: Any, level: int) -> None:
        if isinstance(rule, list | tuple):
            raise UnwrittenError("an array")
        ((name, given),) = rule.items()
        arguments = given if isinstance(given, list | tuple) else (given,)
        if name in ("if", "?:"):
            self._branches(arguments, level)
        elif name == "fractional":
            self._fractional(arguments, level)
        elif name in BOOLEAN:
            text = self.write.condition(rule)
            yes, no = (self.constants.name(self.chosen(value)) for value in (True, False))
            self.line(level, f"return {yes} if {text} else {no}")
            self.written += 1
        else:
            self.line(level, f"return chosen({self.write.value(rule)})")
            self.written += 1

    def _branches(self, arguments: Sequence[Any], level: int) -> None:
        for index in range(0, len(arguments) - 1, 2):
            try:
                asked = self.write.condition(arguments[index])
            except UnwrittenError:
                self.line(level, "raise Unusual")
                return
            self.line(level, f"if {asked}:")
            self.tail(arguments[index + 1], level + 1)
        self.tail(arguments[-1] if len(arguments) % 2 else None, level)

    def _fractional(self, arguments: Sequence[Any], level: int) -> None:
        seed, lead, entries = self._seed(arguments)
        for entry in entries:
            inner = entry if isinstance(entry, list | tuple) else [entry]
            if not all(is_constant(item) for item in inner):
                raise UnwrittenError("fractional")
        distribution = entries_of(entries)
        if distribution is None:
            raise UnwrittenError("fractional")
        ends, results, end = [], [], 0
        for variant, weight in distribution:
            end += weight
            if weight:
                ends.append(end)
                results.append(self.chosen(variant))
        bucket = self.write.local()
        self.line(level, f"{bucket} = {self._draw(seed, lead, level)} * {self.constants.name(end)} >> 32")
        for bound, result in zip(ends[:-1], results[:-1], strict=True):
            self.line(
                level,
                f"if {bucket} < {self.constants.name(bound)}: return {self.constants.name(result)}",
            )
        self.line(level, f"return {self.constants.name(results[-1])}")
        self.written += 1

    def _seed(self, arguments: Sequence[Any]) -> tuple[str, str | None, Sequence[Any]]:
        """What is hashed, the flag's key where it comes before that, and the distributions."""
        if not arguments or arguments[0] is None:
            raise UnwrittenError("fractional")
        if isinstance(arguments[0], list | tuple):
            return self.write.subject(), self.write.flag_key, arguments
        return self.write.unchecked(arguments[0]), None, arguments[1:]

    def _draw(self, seed: str, lead: str | None, level: int) -> str:
        """An expression for the unsigned 32 bits of a seed; one that is no text is the interpreter's."""
        held = self.write.local()
        self.line(level, f"{held} = {seed}")
        # In v3 there is no head for a targeting key without a character, which ends in an exception, too.
        empty = "" if lead is None or self.bucketing == "v3" else f" or not {held}"
        self.line(level, f"if {held}.__class__ is not str{empty}: raise Unusual")
        if self.bucketing == "v2":
            # A text must not be given to mmh3 itself: one with half of a surrogate pair ends the process.
            text = f"({self.constants.name(lead)} + {held})" if lead else held
            return f"draw({text}.encode())"
        start = b"" if lead is None else b"\x82" + cbor.text(lead)
        heads: list[bytes | None] = [start + bytes((0x60 | size,)) for size in range(SHORT)]
        heads[0] = None if lead is not None else heads[0]
        named = self.constants.name(heads)
        others = self.constants.name(lambda text: start + cbor.text(text))
        data = self.write.local()
        self.line(level, f"{data} = {held}.encode()")
        size = self.write.local()
        short = f"{named}[{size}] + {data} if ({size} := len({data})) < {SHORT} else {others}({held})"
        return f"draw({short})"
