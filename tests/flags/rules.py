"""Flags made up at random, with rules over every operator as people write them, and contexts for them."""

import random
from collections.abc import Callable
from typing import Any

__all__ = ["EVALUATORS", "MadeUp"]

TEXTS = ["SE", "NO", "beta", "1", "1.5", "10", "on", "off", "a@x.example", "x.example", "Abc", "1.2.3", "v2.0.0-rc.1", "2.1", "u1", "true", "", " 1 ", "a", "b"]  # fmt: skip
VERSIONS = ["1.2.3", "v1.2.3", "V1", "1.2", "1", "1.2.3-rc.1", "1.2.3-rc.2+b", "1.2.3-1", "1.10.0", "2.0.0-alpha", "2.0.0-alpha.1", "1.2.3.4", "01.2.3", "1.2.3-01", "x", ""]  # fmt: skip
RELATIONS = ["=", "!=", "<", "<=", ">", ">=", "~", "^", "=="]
ORDER = ["<", "<=", ">", ">="]
EQUALITY = ["==", "!=", "===", "!=="]
SHARED = ["nordic", "adult", "odd name $1"]
EVALUATORS = {
    "nordic": {"in": [{"var": "country"}, ["SE", "NO"]]},
    "adult": {">=": [{"var": "age"}, 18]},
    "odd name $1": {"==": [{"var": "plan"}, "beta"]},
}
TEXT_NAMES = ["country", "email", "deep.text", "targetingKey", "$flagd.flagKey", "texts.0"]
NUMBER_NAMES = ["age", "score", "deep.number", "$flagd.timestamp", "numbers.0"]
ITEM = {"var": ""}
KINDS: dict[str, Callable[[random.Random], Any]] = {
    "boolean": lambda roll: roll.random() < 0.5,
    "string": lambda roll: roll.choice(["", "x", "é", "a b"]),
    "integer": lambda roll: roll.choice([0, 1, -7, 2**53 - 1]),
    "float": lambda roll: roll.choice([0.5, -1.25, 1e-9]),
    "object": lambda roll: roll.choice([{}, {"a": None}, {"a": [1, {"b": "c"}]}]),
}


class MadeUp:
    """What one seed makes up. The chances are such that most rules name a variant."""

    def __init__(self, seed: int, *, other: str = "") -> None:
        """Take a seed, and what is put into some texts, such as letters beyond ASCII."""
        self.roll = random.Random(seed)  # noqa: S311 - made-up flags
        self.other = other
        self.names: list[str] = []

    def one_of(self, *makers: Callable[[], Any]) -> Any:
        return self.roll.choice(makers)()

    def text(self) -> str:
        return self.roll.choice([*TEXTS, self.other])

    def number(self) -> Any:
        return self.roll.choice(
            [self.roll.randint(-20, 120), self.roll.randint(0, 5), 0.5, -2.25, 0.125, 99.75, 2**31]
        )

    def var(self, names: list[str]) -> Any:
        name = self.roll.choice(names)
        return {"var": name} if self.roll.random() < 0.8 else {"var": [name, self.roll.choice(["SE", 1])]}

    def numeric(self, depth: int = 2) -> Any:
        """A rule that comes to a number where its attributes are there."""
        if not depth or self.roll.random() < 0.5:
            return self.one_of(self.number, lambda: self.var(NUMBER_NAMES))
        fold = self.roll.choice(["+", "max"])
        return self.one_of(
            lambda: {self.roll.choice(["+", "-", "*", "min", "max"]): [self.numeric(depth - 1), self.numeric(depth - 1)]},
            lambda: {self.roll.choice(["/", "%"]): [self.numeric(depth - 1), self.roll.choice([1, 2, 4, 7, -3])]},
            lambda: {self.roll.choice(["-", "+"]): [self.numeric(depth - 1)]},
            lambda: {"+": [self.numeric(depth - 1) for _ in range(3)]},
            lambda: {"reduce": [{"var": "numbers"}, {fold: [{"var": "current"}, {"var": "accumulator"}]}, self.number()]},
            lambda: {"if": [self.condition(depth - 1), self.numeric(depth - 1), self.numeric(depth - 1)]},
        )  # fmt: skip

    def textual(self, depth: int = 2) -> Any:
        """A rule that comes to a text where its attributes are there."""
        if not depth or self.roll.random() < 0.5:
            return self.one_of(self.text, lambda: self.var(TEXT_NAMES))
        start, end = self.roll.randint(-4, 6), self.roll.randint(-4, 6)
        return self.one_of(
            lambda: {"cat": [self.one_of(lambda: self.textual(depth - 1), self.number, lambda: True) for _ in range(self.roll.randint(1, 3))]},
            lambda: {"substr": [self.textual(depth - 1), *self.roll.choice([[start], [start, end]])]},
            lambda: {"if": [self.condition(depth - 1), self.textual(depth - 1), self.textual(depth - 1)]},
            lambda: {self.roll.choice(["or", "and"]): [self.textual(depth - 1), self.textual(depth - 1)]},
        )  # fmt: skip

    def listing(self) -> Any:
        """A rule that comes to a list where its attributes are there."""
        return self.one_of(
            lambda: self.var(["texts", "numbers", "people"]),
            lambda: [self.text() for _ in range(self.roll.randint(0, 4))],
            lambda: {"merge": [{"var": self.roll.choice(["texts", "numbers"])}, self.text(), [self.number()]]},
            lambda: {"filter": [{"var": "numbers"}, {self.roll.choice([*ORDER, *EQUALITY]): [ITEM, self.number()]}]},
            lambda: {"map": [{"var": "numbers"}, {"+": [ITEM, self.number()]}]},
            lambda: {"map": [{"var": "people"}, {"var": "text"}]},
            lambda: {"missing": self.roll.sample(["country", "absent", "deep.text", "plan"], 2)},
            lambda: {"missing_some": [self.roll.randint(0, 3), ["country", "age", "absent"]]},
        )  # fmt: skip

    def condition(self, depth: int = 2) -> Any:
        """A rule that is asked for its truth."""
        roll, part = self.roll, min(depth, 1)
        if depth and roll.random() < 0.4:
            return self.one_of(
                lambda: {roll.choice(["and", "or"]): [self.condition(depth - 1) for _ in range(roll.randint(1, 3))]},
                lambda: {roll.choice(["!", "!!"]): [self.condition(depth - 1)]},
                lambda: {"if": [self.condition(depth - 1) for _ in range(3)]},
            )  # fmt: skip
        return self.one_of(
            lambda: {roll.choice([*ORDER, *EQUALITY]): [self.numeric(part), self.numeric(part)]},
            lambda: {roll.choice(["<", "<="]): [self.numeric(part) for _ in range(3)]},
            lambda: {roll.choice([*ORDER, *EQUALITY]): [self.textual(part), self.textual(part)]},
            lambda: {roll.choice(EQUALITY): [self.var(["plan", "beta", "country", "age"]), self.one_of(self.text, self.number, lambda: True, lambda: False, lambda: None)]},
            lambda: {roll.choice(ORDER): [self.var(["age", "country", "plan"]), self.one_of(self.text, self.number)]},
            lambda: {"in": [self.textual(part), self.listing()]},
            lambda: {"in": [self.var(["country", "email", "plan"]), [self.text() for _ in range(4)]]},
            lambda: {"in": [self.textual(part), self.textual(part)]},
            lambda: {"in": [self.numeric(part), [self.number() for _ in range(3)]]},
            lambda: {roll.choice(["starts_with", "ends_with"]): [self.one_of(lambda: self.textual(part), lambda: self.var(["plan"])), self.textual(part)]},
            lambda: {"sem_ver": [self.one_of(lambda: {"var": "version"}, lambda: roll.choice(VERSIONS), self.number), roll.choice(RELATIONS), roll.choice(VERSIONS)]},
            lambda: {roll.choice(["some", "all", "none"]): [{"var": "numbers"}, {roll.choice(ORDER): [ITEM, self.number()]}]},
            lambda: {roll.choice(["some", "all", "none"]): [{"var": "people"}, {"==": [{"var": "text"}, self.text()]}]},
            lambda: {roll.choice(["!", "!!"]): [self.one_of(lambda: self.textual(part), lambda: self.numeric(part), self.listing, lambda: self.var(["beta", "plan"]))]},
            lambda: self.var(["beta"]),
            lambda: {"$ref": roll.choice(SHARED)},
        )  # fmt: skip

    def variant(self) -> Any:
        return self.roll.choice([*self.names, *self.names, *self.names, None, "nobody"])

    def weight(self) -> Any:
        if self.roll.random() < 0.1:
            return self.roll.choice([-5, 2**31 - 1, 2**31, 10**18, 0.5])
        if self.roll.random() < 0.2:
            return {"-": [self.var(["age"]), self.roll.randint(0, 50)]}
        return self.roll.randint(0, 100)

    def split(self, depth: int = 1) -> Any:
        """A `fractional`: with and without an expression, with computed variants and weights."""
        entries = []
        for _ in range(self.roll.randint(1, 4)):
            name = self.variant()
            if depth and self.roll.random() < 0.3:
                name = self.one_of(
                    lambda: self.split(depth - 1),
                    lambda: {"if": [self.condition(1), self.variant(), self.variant()]},
                )
            entries.append([name] if self.roll.random() < 0.2 else [name, self.weight()])  # fmt: skip
        head = self.one_of(
            list,
            list,
            lambda: [self.textual(1)],
            lambda: [{"cat": [{"var": "$flagd.flagKey"}, {"var": "email"}]}],
            lambda: [{"var": "targetingKey"}],
            lambda: [self.var(["plan", "age", "score", "deep", "beta"])],
            lambda: [self.one_of(self.number, lambda: True, lambda: None)],
        )
        return {"fractional": [*head, *entries]}

    def rule(self, depth: int = 2) -> Any:
        """A rule that comes to a name, to null, or to what is no variant."""
        if not depth:
            return self.variant()
        chain: list[Any] = []
        for _ in range(self.roll.randint(1, 3)):
            chain += [self.condition(), self.rule(depth - 1)]
        if self.roll.random() < 0.7:
            chain.append(self.rule(depth - 1))
        return self.one_of(*[lambda: {"if": chain}] * 6, *[self.split] * 5, self.textual, self.condition, self.numeric, self.variant)  # fmt: skip

    def metadata(self) -> dict[str, Any]:
        names = ["version", "owner", "flagSetId", "score", "live"]
        return {name: self.roll.choice(["a", 1, 1.5, True]) for name in self.roll.sample(names, 2)}

    def definition(self) -> tuple[dict[str, Any], str]:
        """A definition of one flag, and the flag's key."""
        roll, made, key = self.roll, {}, self.roll.choice(["f", "team/flag", f"a {self.other}"])
        kind = KINDS[roll.choice(sorted(KINDS))]
        self.names = roll.sample(["on", "off", "true", "false", "1", "2.5", "SE", "a b"], roll.randint(1, 4))
        flag: dict[str, Any] = {
            "state": roll.choice(["ENABLED"] * 19 + ["DISABLED"]),
            "variants": {name: kind(roll) for name in self.names},
        }
        if roll.random() < 0.8:
            flag["defaultVariant"] = roll.choice([*self.names, None])
        if roll.random() < 0.95:
            rule = self.rule()
            flag["targeting"] = rule if isinstance(rule, dict) else {}
        made["flags"], made["$evaluators"] = {key: flag}, EVALUATORS
        for holder in (made, flag):
            if roll.random() < 0.5:
                holder["metadata"] = self.metadata()
        return made, key

    def context(self) -> dict[str, Any]:
        """Attributes of the types that the rules are for, a few of them missing."""
        roll = self.roll
        whole: dict[str, Any] = {
            "targetingKey": roll.choice([f"u{roll.randint(0, 9)}", f"{roll.getrandbits(64):x}" + self.other]),
            "country": self.text(),
            "email": self.text() + "@x.example",
            "plan": self.one_of(self.text, self.number, lambda: True, lambda: None),
            "version": roll.choice(VERSIONS),
            "age": roll.randint(0, 99),
            "score": self.number(),
            "beta": self.one_of(lambda: True, lambda: False, lambda: None, self.text, self.number),
            "deep": {"text": self.text(), "number": self.number()},
            "texts": [self.text() for _ in range(roll.randint(1, 4))],
            "numbers": [roll.randint(-5, 50) for _ in range(roll.randint(1, 4))],
            "people": [{"text": self.text()} for _ in range(roll.randint(1, 3))],
            "$flagd": {"flagKey": "forged", "timestamp": 1},
        }
        return {name: value for name, value in whole.items() if roll.random() < 0.93}
