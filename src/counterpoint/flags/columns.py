"""A flag for a whole population at once: what rules do to columns of few values, and to every subject.

An attribute takes few values, so that an operation needs doing once for each combination of them, by
JsonLogic's own operators; only the split of subjects is computed for each, in numpy. A rule that asks for
more (elements of lists, names that are computed) raises `NotColumnarError`: it is to be evaluated context by context.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from counterpoint.flags import cbor
from counterpoint.flags.bucketing import Bucketing, hash_of
from counterpoint.flags.bucketing import entries_of as distribution_of
from counterpoint.flags.errors import RuleError
from counterpoint.flags.hashing import Texts, hashes_of
from counterpoint.flags.javascript import UNDEFINED, is_array, truthy
from counterpoint.flags.operators import operators
from counterpoint.flags.population import SUBJECT, Column, Population
from counterpoint.flags.ruletree import Node
from counterpoint.flags.samples import MISSING

__all__ = ["Columns", "NotColumnarError"]

LAZY: Final = frozenset(("map", "filter", "reduce", "all", "some", "none"))
MOST_TABLE: Final = 4_096
"""Combinations of values that are computed whether they occur or not."""
MOST_COMBINATIONS: Final = 200_000
MOST_NODES: Final = 2_000
LONGEST: Final = 1_000
"""Elements or characters of a value; beyond, the limits of an evaluation may count."""


class NotColumnarError(Exception):
    """The rule is to be evaluated context by context."""


@dataclass(frozen=True, slots=True, eq=False)
class _Subjects:
    """A text for each row, made of the subject's."""

    texts: Texts


class Columns:
    """Rules applied to a population, for one flag after another; hashes are kept between them."""

    def __init__(self, population: Population, *, now: int) -> None:
        self.population = population
        self.now = now
        self._hashes: dict[tuple[str, bytes], NDArray[np.uint32]] = {}
        self._one = np.zeros(population.size, dtype=np.int32)

    def results(self, key: str, tree: Node, bucketing: Bucketing) -> Column:
        """What the rule of a flag comes to for each context.

        Raises:
            NotColumnarError: the rule is to be evaluated context by context.
        """
        nodes = list(tree.walk())
        if (
            len(nodes) > MOST_NODES
            or any(node.name in LAZY for node in nodes)
            or any(map(_long, self._constants(nodes)))
        ):
            raise NotColumnarError
        try:
            return self._plain(_Rule(self, key, bucketing).value(tree, 0))
        except RuleError as error:
            raise NotColumnarError from error

    def _constants(self, nodes: Sequence[Node]) -> Sequence[Any]:
        inside = [node.rule for node in nodes if node.name is None]
        return [
            *inside,
            *(value for column in self.population.columns.values() for value in column.values[:10_000]),
        ]

    def constant(self, value: Any) -> Column:
        """A column with one value."""
        return Column([value], self._one)

    def _plain(self, column: "Column | _Subjects") -> Column:
        """A column of values, where it was one of subjects."""
        if isinstance(column, Column):
            return column
        return _distinct(
            [column.texts[row] for row in range(len(column.texts))], np.arange(len(column.texts))
        )

    def hashed(self, name: str, texts: Texts, *, key: bytes = b"") -> NDArray[np.uint32]:
        """The hashes of texts, remembered by what they were made of."""
        known = self._hashes.get((name, key))
        if known is None:
            known = self._hashes[(name, key)] = hashes_of(texts)
        return known


def _long(value: Any) -> bool:
    return (isinstance(value, str) and len(value) > LONGEST) or (
        isinstance(value, list | dict) and len(json.dumps(value, default=repr)) > 5 * LONGEST
    )


def _distinct(values: Sequence[Any], codes: NDArray[Any]) -> Column:
    """A column without two numbers for one value."""
    numbers: dict[tuple[type, str], int] = {}
    kept: list[Any] = []
    table = np.empty(max(len(values), 1), dtype=np.int32)
    for index, given in enumerate(values):
        value = None if given is UNDEFINED else given
        identity = (type(value), repr(value))
        table[index] = numbers.setdefault(identity, len(kept))
        if table[index] == len(kept):
            kept.append(value)
    return Column(kept, table[codes])


@dataclass(slots=True)
class _Rule:
    """One rule on its way through the columns."""

    columns: Columns
    key: str
    bucketing: Bucketing

    def value(self, node: Node, depth: int) -> Column | _Subjects:
        if depth > 60:
            raise NotColumnarError
        if node.name is None:
            return self._literal(node, depth)
        if node.name == "var":
            return self._var(node)
        if node.name in ("missing", "missing_some"):
            return self._missing(node)
        if node.name == "fractional":
            return self._fractional(node, depth + 1)
        parts = [self.value(part, depth + 1) for part in node.parts]
        if node.name in ("if", "?:"):
            return self._if(parts)
        if node.name in ("and", "or"):
            return self._joined(parts, decides=node.name == "or")
        if (quick := self._of_subjects(node, parts)) is not None:
            return quick
        operator = operators(self.bucketing)[node.name]
        return self._combined(parts, lambda values: operator(values, None))

    def plain(self, column: Column | _Subjects) -> Column:
        return self.columns._plain(column)

    def _literal(self, node: Node, depth: int) -> Column:
        if not node.parts or all(inner.name is None for inner in node.walk()):
            return self.columns.constant(node.rule)
        return self._combined([self.value(part, depth + 1) for part in node.parts], list)

    def _combined(self, given: Sequence[Column | _Subjects], operation: Any) -> Column:
        """An operation done once for each combination of its arguments' values."""
        parts = [self.plain(part) for part in given]
        varying = [part for part in parts if len(part.values) > 1]
        size = 1
        for part in varying:
            size *= len(part.values)
        if not varying:
            return self.columns.constant(_settled(operation([part.values[0] for part in parts])))
        codes = varying[0].codes.astype(np.int64 if size > 2**31 - 1 else np.int32)
        for part in varying[1:]:
            codes = codes * len(part.values) + part.codes  # type: ignore[operator]
        if size <= MOST_TABLE:
            combinations = np.arange(size)
        else:
            combinations, codes = np.unique(codes, return_inverse=True)
            if len(combinations) > MOST_COMBINATIONS and len(varying) > 1:
                raise NotColumnarError
        made = []
        for combination in combinations.tolist():
            values, rest = [], combination
            for part in reversed(parts):
                rest, number = divmod(rest, len(part.values)) if len(part.values) > 1 else (rest, 0)
                values.append(part.values[number])
            made.append(operation(values[::-1]))
        return _distinct(made, codes)

    def _var(self, node: Node) -> Column | _Subjects:
        path = node.parts[0].rule if node.parts else None
        if not isinstance(path, str) or not path or any(part.name is not None for part in node.parts):
            raise NotColumnarError
        name, _, rest = path.partition(".")
        if name == SUBJECT and self.columns.population.subjects is not None:
            if rest:
                raise NotColumnarError
            return _Subjects(self.columns.population.subjects)
        arguments = [part.rule for part in node.parts]
        if name == "$flagd":
            flagd = {"flagKey": self.key, "timestamp": self.columns.now}
            return self.columns.constant(_settled(operators("v2")["var"](arguments, {"$flagd": flagd})))
        return self._looked_up([name], lambda data: operators("v2")["var"](arguments, data))

    def _looked_up(self, names: Sequence[str], operation: Any) -> Column:
        """What an operation finds in the data, of which it reads these names."""
        known = self.columns.population.columns
        read = [name for name in names if name in known]
        parts = [known[name] for name in read]

        def done(values: list[Any]) -> Any:
            return operation(
                {name: value for name, value in zip(read, values, strict=True) if value is not MISSING}
            )

        return self._combined(parts, done)

    def _missing(self, node: Node) -> Column:
        constants = [part for part in node.walk() if part is not node]
        if any(part.name is not None for part in constants):
            raise NotColumnarError
        names = {str(part.rule).partition(".")[0] for part in constants if not isinstance(part.rule, list)}
        if names & {SUBJECT, "$flagd", ""}:
            raise NotColumnarError
        arguments = [part.rule for part in node.parts]
        operator = operators("v2")[node.name or ""]
        return self._looked_up(sorted(names), lambda data: operator(arguments, data))

    def _if(self, given: Sequence[Column | _Subjects]) -> Column:
        parts = [self.plain(part) for part in given]
        found = parts[-1] if len(parts) % 2 else self.columns.constant(None)
        for index in reversed(range(0, len(parts) - 1, 2)):
            found = _either(parts[index], parts[index + 1], found)
        return found

    def _joined(self, given: Sequence[Column | _Subjects], *, decides: bool) -> Column:
        if not given:
            return self.columns.constant(None)
        parts = [self.plain(part) for part in given]
        found = parts[-1]
        for part in reversed(parts[:-1]):
            found = _either(part, part, found) if decides else _either(part, found, part)
        return found

    def _of_subjects(self, node: Node, parts: Sequence[Column | _Subjects]) -> Column | _Subjects | None:
        """What can be told of all subjects at once; None where they are to be looked at one by one."""
        if not any(isinstance(part, _Subjects) for part in parts):
            return None
        constants = [part.values[0] for part in parts if isinstance(part, Column) and len(part.values) == 1]
        first = parts[0]
        if len(constants) != len(parts) - 1:
            return None
        if node.name == "cat" and all(isinstance(constant, str) for constant in constants):
            place = next(index for index, part in enumerate(parts) if isinstance(part, _Subjects))
            texts = next(part.texts for part in parts if isinstance(part, _Subjects))
            before, after = "".join(constants[:place]), "".join(constants[place:])
            return _Subjects(texts.between(before.encode(), after.encode()))
        if len(parts) != 2 or not isinstance(first, _Subjects):
            return None
        wanted = constants[0]
        if node.name == "in" and isinstance(wanted, list):
            return self._one_of(first, [one for one in wanted if isinstance(one, str)])
        if node.name in ("==", "===") and isinstance(wanted, str):
            return self._one_of(first, [wanted])
        return None

    def _one_of(self, subjects: _Subjects, wanted: Sequence[str]) -> Column:
        """Whether each subject is one of some texts: by its hash, then by its letters."""
        hashed = hashes_of(subjects.texts)
        hashes = np.array([hash_of(cbor.utf8(one)) for one in wanted], dtype=np.uint32)
        codes = np.zeros(len(hashed), dtype=np.int32)
        known = frozenset(wanted)
        for row in np.flatnonzero(np.isin(hashed, hashes)).tolist():
            codes[row] = subjects.texts[row] in known
        return Column([False, True], codes)

    def _fractional(self, node: Node, depth: int) -> Column:
        parts = list(node.parts)
        seed: Column | _Subjects | None = None
        if parts and not isinstance(parts[0].rule, list):
            seed = self.value(parts.pop(0), depth)
            if isinstance(seed, Column) and any(is_array(value) for value in seed.values):
                raise NotColumnarError
        if not all(isinstance(part.rule, list) for part in parts):
            raise NotColumnarError
        entries = [self.plain(self.value(part, depth)) for part in parts]
        hashed, valid = self._seeded(seed)
        distributions = self._combined(entries, distribution_of)
        return _chosen(hashed, valid, distributions)

    def _seeded(self, seed: Column | _Subjects | None) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """The hash of each context's seed, and where there is one."""
        if isinstance(seed, _Subjects):
            return self._of_texts(seed.texts), np.ones(len(seed.texts), dtype=np.bool_)
        if seed is None:
            return self._by_flag()
        own = [self._hash_of(value) for value in seed.values]
        hashed = np.array([one or 0 for one in own], dtype=np.uint32)[seed.codes]
        valid = np.array([one is not None for one in own], dtype=np.bool_)[seed.codes]
        if self.bucketing == "v2" and any(value is None for value in seed.values):
            none = np.array([value is None for value in seed.values], dtype=np.bool_)[seed.codes]
            flag_hashed, flag_valid = self._by_flag()
            hashed, valid = np.where(none, flag_hashed, hashed), np.where(none, flag_valid, valid)
        return hashed, valid

    def _hash_of(self, value: Any) -> int | None:
        if self.bucketing == "v2":
            return hash_of(cbor.utf8(value)) if isinstance(value, str) else None
        try:
            return None if value is None else hash_of(cbor.encode(value))
        except ValueError:
            return None

    def _of_texts(self, texts: Texts) -> NDArray[np.uint32]:
        return hashes_of(texts if self.bucketing == "v2" else _headed(texts, b""))

    def _by_flag(self) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        subjects, key = self.columns.population.subjects, cbor.utf8(self.key)
        if subjects is None:
            column = self.columns.population.columns.get(SUBJECT)
            if column is None:
                return self.columns._one.astype(np.uint32), self.columns._one.astype(np.bool_)
            own = [self._hash_of_pair(value) for value in column.values]
            valid = np.array([one is not None for one in own], dtype=np.bool_)[column.codes]
            return np.array([one or 0 for one in own], dtype=np.uint32)[column.codes], valid
        if self.bucketing == "v2":
            hashed = self.columns.hashed("v2", subjects.between(key, b""), key=key)
        else:
            hashed = self.columns.hashed("v3", _headed(subjects, b"\x82" + cbor.text(self.key)), key=key)
        return hashed, subjects.lengths > 0

    def _hash_of_pair(self, subject: Any) -> int | None:
        if not isinstance(subject, str) or not subject:
            return None
        return hash_of(
            cbor.utf8(self.key + subject) if self.bucketing == "v2" else cbor.encode([self.key, subject])
        )


def _settled(value: Any) -> Any:
    return None if value is UNDEFINED else value


def _headed(texts: Texts, before: bytes) -> Texts:
    """Texts as CBOR has them: each after its length."""
    heads = {
        int(length): cbor.text("a" * int(length))[: -int(length) or None]
        for length in np.unique(texts.lengths)
    }
    if len(heads) == 1:
        return texts.between(before + next(iter(heads.values())), b"")
    widest = max(map(len, heads.values())) + len(before)
    content = np.zeros((len(texts), widest + texts.content.shape[1]), dtype=np.uint8)
    lengths = texts.lengths.copy()
    for length, head in heads.items():
        rows = texts.lengths == length
        whole = before + head
        content[rows, : len(whole)] = np.frombuffer(whole, dtype=np.uint8)
        content[rows, len(whole) : len(whole) + length] = texts.content[rows, :length]
        lengths[rows] += len(whole)
    return Texts(content, lengths)


def _either(when: Column, then: Column, otherwise: Column) -> Column:
    """One column where a condition holds, and another where it does not."""
    holds = np.array([truthy(value) for value in when.values], dtype=np.bool_)
    if holds.all():
        return then
    if not holds.any():
        return otherwise
    codes = np.where(holds[when.codes], then.codes, otherwise.codes + len(then.values))
    return _distinct([*then.values, *otherwise.values], codes)


def _chosen(hashed: NDArray[np.uint32], valid: NDArray[np.bool_], distributions: Column) -> Column:
    """The variant that each hash falls into; None where there is no seed or no distribution."""
    values: list[Any] = [None]
    codes = np.zeros(len(hashed), dtype=np.int32)
    for number, distribution in enumerate(distributions.values):
        if distribution is None:
            continue
        ends = np.cumsum([weight for _, weight in distribution])
        buckets = (hashed.astype(np.uint64) * np.uint64(ends[-1])) >> np.uint64(32)
        fallen = np.searchsorted(ends, buckets.astype(np.int64), side="right").astype(np.int32) + len(values)
        rows: Any = valid if len(distributions.values) == 1 else valid & (distributions.codes == number)
        codes = np.where(rows, fallen, codes)
        values += [variant for variant, _ in distribution]
    return _distinct(values, codes)
