"""Attributes as columns: what many events of a file carry has a typed column there, the rest is in a map.

An attribute is an extension attribute of the event or a scalar at the top of its data. In each segment it
is in one place: in a column of its own where at least SHARE of the file's events have it, all of one type,
or else in the map `rest`, under its type and name. The JSON of `data` and
`attributes` holds all of them as well, so that events come back as they were sent.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from counterpoint.journal.documents import LONGEST, SUBJECT, Document, Documents, paired
from counterpoint.journal.model.event import EXPOSURE
from counterpoint.journal.model.row import BINARY

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "LEAST", "MOST", "REST", "SHARE", "AttributeColumn", "Kind", "Of", "Tally", "arrow_types",
    "attribute_table", "fits", "rest_key", "typed_already",
]  # fmt: skip

REST: Final = "rest"
"""The column of the map."""
SHARE: Final = 0.1
"""Of a file's events that must have an attribute, for it to be a column there."""
LEAST: Final = 10
"""Events that must have it, however small the file is."""
MOST: Final = 64
"""Columns of attributes in one file, the most frequent ones."""
EXACT: Final = 2**53
"""Beyond it a float64 does not hold every integer; where some numbers are fractions, larger ones stay in the map."""
NAMES: Final = 20_000
"""Distinct names that are counted at a time; beyond, the rarest are let go."""

Of = Literal["data", "attributes"]
Kind = Literal["string", "int64", "float64", "boolean"]

_STRING, _INTEGER, _FLOAT, _BOOLEAN, _OTHER = 1, 2, 4, 8, 16
_KINDS: Final[dict[int, Kind]] = {
    _STRING: "string", _INTEGER: "int64", _FLOAT: "float64", _INTEGER | _FLOAT: "float64", _BOOLEAN: "boolean",
}  # fmt: skip
_INT64: Final = range(-(2**63), 2**63)
_ODD: Final = re.compile(r"[^A-Za-z0-9]+")
_TYPED: Final = {
    "feature_flag.key": "flag",
    "feature_flag.result.variant": "variant",
    "feature_flag.set.id": "flag_set",
}


class AttributeColumn(msgspec.Struct, frozen=True, array_like=True):
    """A column of one file that holds an attribute."""

    column: str
    """Its name in the file, such as `data_country`: unique there whatever the case, of letters, digits and _."""
    of: Of
    name: str
    """As the events have it."""
    kind: Kind


def rest_key(of: Of, name: str, kind: Kind) -> str:
    """The attribute's key in the map, where it is of that type, such as `string:data.country`."""
    return f"{kind}:{of}.{name}"


def typed_already(type_: str, name: str) -> str | None:
    """The column of every segment that holds the texts under this name of the data."""
    return _TYPED.get(name) if type_ == EXPOSURE else None


class Tally:
    """Counts the attributes of one file's events.

    Names are counted all at once, and only the values of frequent ones are looked at: what is
    frequent in no batch of events is not frequent in the file.
    """

    def __init__(self) -> None:
        self.events = 0
        self._counts: Counter[tuple[Of, str]] = Counter()
        self._kinds: dict[tuple[Of, str], int] = {}

    def add(self, data: Documents, attributes: Documents) -> None:
        """Count events, by their data and attributes."""
        self.events += len(data)
        enough = SHARE * len(data)
        homes: tuple[tuple[Of, Documents], ...] = (("data", data), ("attributes", attributes))
        for of, found in homes:
            for name, count in found.counts().items():
                if name in _NEVER[of]:
                    continue
                self._counts[of, name] += count
                if count >= enough:
                    kind = _kinds(found.values(name))
                    self._kinds[of, name] = self._kinds.get((of, name), 0) | kind
        if len(self._counts) > NAMES:
            self._let_go()

    def columns(self, type_: str) -> tuple[AttributeColumn, ...]:
        """The columns that the file of this type gets, the most frequent attribute first."""
        enough = max(SHARE * self.events, LEAST)
        hot = [(-count, *key) for key, count in self._counts.items() if count >= enough]
        chosen: dict[str, AttributeColumn] = {}
        for _, of, name in sorted(hot):
            kind = _KINDS.get(self._kinds.get((of, name), 0))
            column = _column_name(of, name)
            typed = kind == "string" and of == "data" and typed_already(type_, name)
            if kind is None or column is None or typed or column.lower() in chosen or len(chosen) == MOST:
                continue
            chosen[column.lower()] = AttributeColumn(column, of, name, kind)
        return tuple(chosen.values())

    def _let_go(self) -> None:
        enough = SHARE * self.events
        kept = {key: count for key, count in self._counts.items() if count >= enough}
        # Where every name is as frequent as that, the events are few and their names many.
        self._counts = Counter(kept if len(kept) <= NAMES // 2 else {})


_NEVER: Final[Mapping[Of, frozenset[str]]] = {"data": frozenset({"value"}), "attributes": frozenset({BINARY})}
"""The number under `value` has a column in every segment; binary data is no attribute."""


def _kinds(values: Sequence[Any]) -> int:
    """All kinds of the values together; what is no scalar is _OTHER."""
    types = set(map(type, values)) - {type(None)}
    found = 0
    for type_ in types:
        if type_ is type(SUBJECT):
            found |= _STRING
        elif type_ is bool:
            found |= _BOOLEAN
        elif type_ is float:
            found |= _FLOAT
        elif type_ not in (str, int):
            found |= _OTHER
        elif len(types) == 1 and _plain(values, type_):
            found |= _STRING if type_ is str else _INTEGER
        else:
            for value in values:
                if type(value) is type_:
                    found |= _kind(value)
    return found


def _plain(values: Sequence[Any], type_: type) -> bool:
    """Whether all texts, or all integers, are of the common sort; there is at least one."""
    if type_ is str:
        texts = [value for value in values if value is not None]
        return max(map(len, texts)) <= LONGEST and "\0" not in "".join(texts)
    numbers = [value for value in values if value is not None]
    return min(numbers) in _INT64 and max(numbers) in _INT64


def _kind(value: object) -> int:
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, str):
        return _STRING if len(value) <= LONGEST and "\0" not in value else _OTHER
    if isinstance(value, int):
        return _INTEGER if value in _INT64 else _FLOAT
    return _FLOAT if isinstance(value, float) else _OTHER


def _column_name(of: Of, name: str) -> str | None:
    """A name that every engine takes without quotes; none where nothing is left of it."""
    plain = _ODD.sub("_", name).strip("_")[:60]
    return f"{of}_{plain}" if plain else None


def arrow_types() -> "dict[Kind, pa.DataType]":
    """Arrow's type of each kind of column."""
    import pyarrow as pa

    return {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}


def attribute_table(
    types: str | Sequence[str], data: Documents, attributes: Documents, columns: Sequence[AttributeColumn]
) -> "dict[str, pa.Array]":
    """The arrays of the attributes' columns and of the map, a value for each event.

    Args:
        types: of the events, or the one of all.
        data: what they say there.
        attributes: likewise.
        columns: those that the file has.
    """
    import pyarrow as pa

    arrow = arrow_types()
    arrays: dict[str, pa.Array] = {}
    whole: dict[Of, set[str]] = {of: set(names) for of, names in _NEVER.items()}
    partly: dict[tuple[Of, str], Kind] = {}
    for column in columns:
        found = data if column.of == "data" else attributes
        values = found.values(column.name)
        kind = _KINDS.get(_kinds(values))
        if kind == column.kind and (kind != "float64" or {int}.isdisjoint(map(type, values))):
            whole[column.of].add(column.name)
        else:
            values = [_fitting(column.kind, value) for value in values]
            partly[column.of, column.name] = column.kind
        arrays[column.column] = found.spread(column.name, pa.array(values, type=arrow[column.kind]))
    if types == EXPOSURE:
        texts = {str, type(SUBJECT), type(None)}
        whole["data"] |= {name for name in _TYPED if texts.issuperset(map(type, data.values(name)))}
    return {**arrays, REST: _map(types, data, attributes, _Homes(whole, partly))}


class _Homes(NamedTuple):
    """Where attributes are that are not in the map."""

    whole: Mapping[Of, set[str]]
    """Those of which no value is there."""
    partly: Mapping[tuple[Of, str], Kind]
    """Those of which all values of this type are in a column."""


def _map(types: str | Sequence[str], data: Documents, attributes: Documents, homes: _Homes) -> "pa.Array":
    """The array of the map."""
    if isinstance(types, str):
        pairs, places = paired(data, attributes)
        found = [_rest(types, *pair, homes) for pair in pairs]
        if places is None or not any(value is SUBJECT for each in found for _, value in each or ()):
            rest = _map_array(found)
            return rest if places is None else rest.take(places)
        types = [types] * len(data)
    return _map_array(
        [
            _rest(type_, *pair, homes)
            for type_, pair in zip(types, zip(data.each(), attributes.each(), strict=True), strict=True)
        ]
    )


def _map_array(rest: "Sequence[list[tuple[str, str]] | None]") -> "pa.Array":
    import pyarrow as pa

    kind = pa.map_(pa.string(), pa.string())
    return pa.nulls(len(rest), kind) if not any(rest) else pa.array(rest, type=kind)


def _fitting(kind: Kind, value: Any) -> Any:
    if not fits(kind, value):
        return None
    return float(value) if kind == "float64" else value


def fits(kind: Kind, value: object) -> bool:
    """Whether the column can hold the value; what it cannot hold goes to the map."""
    if kind == "float64" and isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= EXACT or value not in _INT64
    return _KINDS.get(_kind(value)) == kind


def _rest(type_: str, data: Document, attributes: Document, homes: _Homes) -> list[tuple[str, str]] | None:
    """What no column holds, as the map has it; none where that is nothing."""
    found: list[tuple[str, str]] = []
    both: tuple[tuple[Of, Document], ...] = (("data", data), ("attributes", attributes))
    for of, document in both:
        whole = homes.whole[of]
        if not document or whole.issuperset(document):
            continue
        left = document.keys() - whole
        for name in left if len(left) == 1 else document:
            value = document[name]
            if name in whole or value is None or isinstance(value, dict | list):
                continue
            if isinstance(value, str) and of == "data" and typed_already(type_, name):
                continue
            kind = homes.partly.get((of, name))
            if kind is None or not fits(kind, value):
                found.append(_entry(of, name, value))
    return found or None


def _entry(of: Of, name: str, value: object) -> tuple[str, str]:
    """Key and text in the map."""
    if isinstance(value, bool):
        return rest_key(of, name, "boolean"), "true" if value else "false"
    if isinstance(value, str):
        return rest_key(of, name, "string"), value
    if isinstance(value, int):
        return rest_key(of, name, "int64" if value in _INT64 else "float64"), str(value)
    return rest_key(of, name, "float64"), repr(value)
