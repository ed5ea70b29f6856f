"""Whether a condition can hold at all, told by witnesses rather than by symbols.

A comparison of one attribute with constants parts the values of that attribute into classes: within a
class every comparison answers alike. `samples` names one value of each class (each constant, what lies
beside and between them, texts with and without a prefix, no value at all), JsonLogic itself says what each
comparison answers for it, and a search over the classes of all attributes finds an assignment or shows
that there is none. Whatever is no such comparison counts as a condition that can go either way, so that
only what is certain is claimed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from counterpoint.flags.javascript import truthy
from counterpoint.flags.operators import operators
from counterpoint.flags.ruletree import Node
from counterpoint.flags.samples import MISSING, samples_of

__all__ = ["RANGES", "Budget", "Condition", "Reach", "atoms_of"]

RANGES: Final = frozenset(("<", "<=", ">", ">=", "sem_ver"))
"""Operators whose constants part an order."""
_COMPARED: Final = frozenset(("==", "===", "!=", "!==", "in", "starts_with", "ends_with")) | RANGES
OF_SEARCH: Final = 20_000
"""Conditions that one search may look at before it gives no answer."""
OF_RULE: Final = 100_000
"""Conditions that all searches of one rule may look at."""
OF_SET: Final = 2_000_000
"""Conditions that all searches of one set may look at: some seconds."""
MAX_CLASSES: Final = 400
"""Values of one attribute that are told apart; with more there is no answer."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, and whether it is wanted to hold or not to hold."""

    node: Node
    holds: bool = True


@dataclass(frozen=True, slots=True)
class _Atom:
    """A part of a condition that is not taken apart any more."""

    identity: str
    attribute: str | None
    """None where it can go either way, whatever the others say."""
    rule: Any


@dataclass(frozen=True, slots=True)
class _Class:
    """Values of one attribute for which all atoms answer alike."""

    value: Any
    answers: Mapping[str, bool]


@dataclass(slots=True)
class Budget:
    """What searches may still look at; rules come from outside, and a search can be long."""

    left: int = OF_SET


@dataclass(slots=True)
class Reach:
    """Answers of one rule, whose constants part the values of its attributes."""

    conditions: Sequence[Node]
    budget: Budget = field(default_factory=Budget)
    """Of the whole set."""
    _atoms: dict[str, _Atom] = field(default_factory=dict)
    _classes: dict[str, list[_Class] | None] = field(default_factory=dict)
    _looked: int = 0

    def __post_init__(self) -> None:
        for node in self.conditions:
            for atom in atoms_of(node):
                self._atoms.setdefault(atom.identity, atom)

    def witness(self, wanted: Sequence[Condition]) -> dict[str, Any] | bool | None:
        """Attributes for which all conditions come out as wanted; None where there are none, True where unknown."""
        if self._looked > OF_RULE or self.budget.left < 0:
            return True
        names = list(dict.fromkeys(a.attribute or a.identity for c in wanted for a in atoms_of(c.node)))
        classes = {name: self._of(name) for name in names}
        if any(known is None for known in classes.values()):
            return True
        ordered = sorted(names, key=lambda name: len(classes[name] or ()))
        search = _Search(wanted, [(name, classes[name] or []) for name in ordered])
        found = search.run()
        self._looked += search.looked
        self.budget.left -= search.looked
        return found

    def example(self, wanted: Sequence[Condition]) -> dict[str, Any]:
        """Attributes of a context that brings the conditions about, by path; empty where none is known."""
        found = self.witness(wanted)
        return (
            {name: value for name, value in found.items() if name not in self._atoms and value is not MISSING}
            if isinstance(found, dict)
            else {}
        )

    def possible(self, wanted: Sequence[Condition]) -> bool:
        """False only where no context can bring the conditions about."""
        return self.witness(wanted) is not None

    def _of(self, name: str) -> list[_Class] | None:
        if name not in self._classes:
            self._classes[name] = self._parted(name)
        return self._classes[name]

    def _parted(self, name: str) -> list[_Class] | None:
        """One class for each way in which the atoms of an attribute can answer together."""
        if name in self._atoms and self._atoms[name].attribute is None:
            return [_Class(None, {name: True}), _Class(None, {name: False})]
        atoms = [atom for atom in self._atoms.values() if atom.attribute == name]
        return _parted(
            name, tuple(atom.identity for atom in atoms), tuple(_Given(atom.rule) for atom in atoms)
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """A rule that a cache keeps beside its identity, without comparing it."""

    rule: Any = field(compare=False)


@lru_cache(maxsize=2_048)
def _parted(name: str, identities: tuple[str, ...], given: tuple[_Given, ...]) -> list[_Class] | None:
    """The classes of an attribute; flags of one set often compare it with the same constants."""
    values = samples_of(name, [one.rule for one in given])
    if values is None:
        return None
    asked = [_asking(one.rule) for one in given]
    found: dict[tuple[bool, ...], _Class] = {}
    for value in values:
        seen = None if value is MISSING else value
        told = tuple(ask(seen) for ask in asked)
        if told not in found:
            found[told] = _Class(value, dict(zip(identities, told, strict=True)))
    return list(found.values()) if len(found) <= MAX_CLASSES else None


def _asking(rule: Any) -> Callable[[Any], bool]:
    """Whether a comparison holds for a value of its attribute, by JsonLogic's own operator."""
    ((name, given),) = rule.items()
    if name == "var":
        return truthy
    operator = operators("v2")[name]
    arguments = given if isinstance(given, list) else [given]
    places = [index for index, argument in enumerate(arguments) if isinstance(argument, dict)]

    def ask(value: Any) -> bool:
        made = list(arguments)
        for index in places:
            made[index] = value
        return truthy(operator(made, None))

    return ask


def atoms_of(node: Node) -> list[_Atom]:
    """The parts of a condition, taken apart at and, or, not and if."""
    found: list[_Atom] = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.name in ("and", "or", "!", "!!", "if", "?:") and part.parts:
            waiting.extend(part.parts[:1] if part.name in ("!", "!!") else part.parts)
        elif part.name is not None:
            found.append(_atom(part))
    return found


def _atom(node: Node) -> _Atom:
    return _Atom(_identity(node), _attribute(node), node.rule)


@lru_cache(maxsize=4096)
def _identity(node: Node) -> str:
    return json.dumps(node.rule, sort_keys=False)


def _attribute(node: Node) -> str | None:
    """The one attribute that a comparison with constants reads; None where it is another thing."""
    if node.name == "var":
        return _path(node)
    if node.name not in _COMPARED:
        return None
    paths = {_path(part) for part in node.parts if part.name is not None}
    constants = [part for part in node.parts if part.name is None]
    if len(paths) != 1 or any(inner.name is not None for part in constants for inner in part.walk()):
        return None
    return paths.pop()


def _path(node: Node) -> str | None:
    """The attribute of a plain `var` without a default."""
    if node.name != "var" or len(node.parts) != 1:
        return None
    path = node.parts[0].rule
    return path if isinstance(path, str) and path and all(path.split(".")) else None


@dataclass(slots=True)
class _Search:
    """Assigns classes to attributes, one after another, and turns back where a condition has failed."""

    wanted: Sequence[Condition]
    names: list[tuple[str, list[_Class]]]
    answers: dict[str, bool] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    looked: int = 0

    def run(self) -> dict[str, Any] | bool | None:
        found = self._from(0)
        return dict(self.values) if found is True else None if found is False else True

    def _from(self, index: int) -> bool | None:
        """Whether the rest can be assigned; None where the budget is spent."""
        self.looked += len(self.wanted)
        if self.looked > OF_SEARCH:
            return None
        states = [self._told(condition.node) for condition in self.wanted]
        if any(
            state is not None and state is not condition.holds
            for state, condition in zip(states, self.wanted, strict=True)
        ):
            return False
        if all(state is not None for state in states):
            return True
        name, classes = self.names[index]
        for one in classes:
            self.answers.update(one.answers)
            self.values[name] = one.value
            found = self._from(index + 1)
            if found is not False:
                return found
        if classes:
            for identity in classes[0].answers:
                self.answers.pop(identity, None)
        self.values.pop(name, None)
        return False

    def _told(self, node: Node) -> bool | None:
        """Whether a condition holds by what is assigned; None where that is open."""
        if node.name is None:
            return truthy(node.rule)
        if node.name in ("!", "!!") and node.parts:
            inner = self._told(node.parts[0])
            return inner if inner is None or node.name == "!!" else not inner
        if node.name in ("and", "or") and node.parts:
            return _joined([self._told(part) for part in node.parts], decides=node.name == "or")
        if node.name in ("if", "?:"):
            return self._branched(node.parts)
        return self.answers.get(_identity(node))

    def _branched(self, parts: Sequence[Node]) -> bool | None:
        for index in range(0, len(parts) - 1, 2):
            told = self._told(parts[index])
            if told is None:
                return None
            if told:
                return self._told(parts[index + 1])
        return self._told(parts[-1]) if len(parts) % 2 else False


def _joined(told: list[bool | None], *, decides: bool) -> bool | None:
    if decides in told:
        return decides
    return None if None in told else not decides
