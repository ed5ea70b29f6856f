"""Many contexts as columns: each attribute's few values, and who has which; and every subject by name."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from counterpoint.flags.cbor import utf8
from counterpoint.flags.hashing import Texts
from counterpoint.flags.ruletree import Node, variables
from counterpoint.flags.samples import MISSING

__all__ = ["Column", "Population", "contexts_as", "invented"]

Codes = NDArray[np.int32]
SUBJECT: Final = "targetingKey"
MOST_VALUES: Final = 12
"""Values that an invented attribute takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values by number, and the number of each row."""

    values: Sequence[Any]
    codes: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Contexts, whose subjects are as many as there are rows."""

    size: int
    subjects: Texts | None
    """The `targetingKey` of each context; None where they are a column, since not each has one that is a text."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    """The attributes by name."""

    def context(self, row: int) -> dict[str, Any]:
        """One context as evaluation takes it."""
        found: dict[str, Any] = {SUBJECT: self.subjects[row]} if self.subjects is not None else {}
        for name, column in self.columns.items():
            value = column.values[column.codes[row]]
            if value is not MISSING:
                found[name] = value
        return found


def contexts_as(contexts: Iterable[Mapping[str, Any]]) -> Population:
    """Contexts that somebody has, as columns."""
    rows = list(contexts)
    names = dict.fromkeys(name for row in rows for name in row)
    subjects = [row.get(SUBJECT) for row in rows]
    texts = None
    if rows and all(isinstance(subject, str) and _is_whole(subject) for subject in subjects):
        texts = Texts.of([utf8(subject) for subject in subjects if isinstance(subject, str)])
        names.pop(SUBJECT)
    return Population(
        len(rows), texts, {name: _column([row.get(name, MISSING) for row in rows]) for name in names}
    )


def _is_whole(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which UTF-8 cannot tell from another."""
    return text.isascii() or utf8(text).decode() == text


def _column(values: Sequence[Any]) -> Column:
    known: dict[Any, int] = {}
    distinct: list[Any] = []
    codes = np.empty(len(values), dtype=np.int32)
    for row, value in enumerate(values):
        # 1, 1.0, true and "1" are different things to a rule.
        identity = (type(value), value) if isinstance(value, str | int | float | bool) else value
        if not isinstance(identity, tuple):
            identity = json.dumps(value, default=repr)
        code = known.setdefault(identity, len(distinct))
        if code == len(distinct):
            distinct.append(value)
        codes[row] = code
    return Column(distinct, codes)


def invented(size: int, trees: Iterable[Node], *, seed: int = 0) -> Population:
    """Users whose attributes take the values that rules ask for, others, and none, each as often.

    Args:
        size: how many.
        trees: the rules that are to be told apart.
        seed: for the same users again.
    """
    dice = np.random.default_rng(seed)
    wanted: dict[str, dict[str, list[Any]]] = {}
    for tree in trees:
        for node in tree.walk():
            for path, constants in _asked(node):
                name, _, rest = path.partition(".")
                wanted.setdefault(name, {}).setdefault(rest, []).extend(constants)
    columns = {}
    for name, paths in wanted.items():
        if name in (SUBJECT, "$flagd"):
            continue
        values = _values(paths, dice)
        columns[name] = Column(values, dice.integers(0, len(values), size, dtype=np.int32))
    return Population(size, _numbered(size), columns)


def _numbered(size: int) -> Texts:
    """`user-0000000`, `user-0000001` and so on."""
    digits = 7 if size <= 10**7 else 10
    content = np.empty((size, 5 + digits), dtype=np.uint8)
    content[:, :5] = np.frombuffer(b"user-", dtype=np.uint8)
    numbers = np.arange(size, dtype=np.int64)
    for index in range(digits):
        content[:, 5 + digits - 1 - index] = numbers % 10 + 48
        numbers //= 10
    return Texts(content, np.full(size, 5 + digits, dtype=np.int64))


def _asked(node: Node) -> Iterable[tuple[str, list[Any]]]:
    """Each attribute that an operation reads directly, with the constants beside it."""
    if node.name == "var":
        yield from ((path, []) for _, path in variables(node))
        return
    paths = [path for part in node.parts if part.name == "var" for _, path in variables(part)]
    constants: list[Any] = []
    for part in node.parts if node.name not in ("if", "?:", "fractional", "and", "or") else ():
        if part.name is None:
            constants += part.rule if isinstance(part.rule, list) else [part.rule]
    for path in paths:
        yield path, [one for constant in constants for one in _around(constant, node.name or "")]


def _around(constant: Any, name: str) -> list[Any]:
    """Values that answer a comparison with a constant either way."""
    if (
        isinstance(constant, int | float)
        and not isinstance(constant, bool)
        and name in ("<", "<=", ">", ">=")
    ):
        return [constant, constant - 1, constant + 1]
    if isinstance(constant, str) and name == "starts_with":
        return [f"{constant}a", f"a{constant}"]
    if isinstance(constant, str) and (name == "ends_with" or name == "in"):
        return [constant, f"a{constant}"]
    return [constant]


def _values(paths: Mapping[str, list[Any]], dice: np.random.Generator) -> list[Any]:
    """Values of one attribute; where rules read within it, objects with values of each name."""
    if list(paths) == [""]:
        distinct = list({(type(one), repr(one)): one for one in paths[""]}.values())[: MOST_VALUES - 2]
        return [*distinct, *([] if distinct else [True]), "other", MISSING]
    made: list[Any] = [MISSING]
    for _ in range(4 * MOST_VALUES):
        one: dict[str, Any] = {}
        for path, constants in paths.items():
            if path and dice.random() < 0.8:
                _put(one, path.split("."), [*constants, "other"][int(dice.integers(0, len(constants) + 1))])
        made.append(one)
    return made


def _put(holder: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        holder = holder.setdefault(step, {}) if isinstance(holder.get(step, {}), dict) else {}
    holder[steps[-1]] = value
