"""Attributes as columns: what many events of a file carry has a typed column there, the rest is in a map.

An attribute is an extension attribute of the event or a scalar at the top of its data. In each segment it
is in one place: in a column of its own where at least SHARE of the file's events have it, all of one type,
or else in the map `rest`, whose values begin with a letter for their type. The JSON of `data` and
`attributes` holds all of them as well, so that events come back as they were sent.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from counterpoint.journal.model.event import EXPOSURE
from counterpoint.journal.model.row import BINARY

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "LEAST", "MOST", "REST", "SHARE", "AttributeColumn", "Kind", "Of", "Tally", "arrow_types", "attribute_table", "fits",
    "rest_key", "scalars", "typed_already",
]  # fmt: skip

REST: Final = "rest"
"""The column of the map."""
SHARE: Final = 0.1
"""Of a file's events that must have an attribute, for it to be a column there."""
LEAST: Final = 10
"""Events that must have it, however small the file is."""
MOST: Final = 64
"""Columns of attributes in one file, the most frequent ones."""
LONGEST: Final = 1_024
"""Characters of a text; attributes with longer ones stay in the map."""
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
_decode: Final = msgspec.json.Decoder().decode

Scalar = tuple[Of, str, Any]


class AttributeColumn(msgspec.Struct, frozen=True, array_like=True):
    """A column of one file that holds an attribute."""

    column: str
    """Its name in the file, such as `data_country`: unique there whatever the case, of letters, digits and _."""
    of: Of
    name: str
    """As the events have it."""
    kind: Kind


def rest_key(of: Of, name: str) -> str:
    """The attribute's key in the map."""
    return f"{of}.{name}"


def typed_already(type_: str, name: str) -> str | None:
    """The column of every segment that holds texts under this name of the data."""
    return _TYPED.get(name) if type_ == EXPOSURE else None


def scalars(type_: str, data: str | None, attributes: str | None) -> Iterator[Scalar]:
    """The attributes of one event, from its two JSON texts; without those that have a column everywhere."""
    if data is not None and data.startswith("{"):
        for name, value in _decode(data).items():
            if value is None or isinstance(value, dict | list) or name == "value":
                continue
            if type_ == EXPOSURE and name in _TYPED and isinstance(value, str):
                continue
            yield "data", name, value
    if attributes is not None:
        for name, value in _decode(attributes).items():
            if name != BINARY:
                yield "attributes", name, value


class Tally:
    """Counts the attributes of one file's events."""

    def __init__(self) -> None:
        self.events = 0
        self._found: dict[tuple[Of, str], list[int]] = {}

    def add(self, found: Iterator[Scalar] | Sequence[Scalar]) -> None:
        """Count one event."""
        self.events += 1
        for of, name, value in found:
            known = self._found.get((of, name))
            if known is None:
                self._found[of, name] = [1, _kind(value)]
                if len(self._found) > NAMES:
                    self._let_go()
            else:
                known[0] += 1
                known[1] |= _kind(value)

    def columns(self) -> tuple[AttributeColumn, ...]:
        """The columns that the file gets, the most frequent attribute first."""
        enough = max(SHARE * self.events, LEAST)
        hot = [
            (-count, of, name, _KINDS.get(kind))
            for (of, name), (count, kind) in self._found.items()
            if count >= enough
        ]
        chosen: dict[str, AttributeColumn] = {}
        for _, of, name, kind in sorted(hot, key=lambda each: each[:3]):
            column = _column_name(of, name)
            if kind is None or column is None or column.lower() in chosen or len(chosen) == MOST:
                continue
            chosen[column.lower()] = AttributeColumn(column, of, name, kind)
        return tuple(chosen.values())

    def _let_go(self) -> None:
        enough = SHARE * self.events
        kept = {key: found for key, found in self._found.items() if found[0] >= enough}
        # Where every name is as frequent as that, the events are few and their names many.
        self._found = kept if len(kept) <= NAMES // 2 else {}


def _kind(value: object) -> int:
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, str):
        return _STRING if len(value) <= LONGEST and "\0" not in value else _OTHER
    if isinstance(value, int):
        return _INTEGER if value in _INT64 else _FLOAT
    return _FLOAT


def _column_name(of: Of, name: str) -> str | None:
    """A name that every engine takes without quotes; none where nothing is left of it."""
    plain = _ODD.sub("_", name).strip("_")[:60]
    return f"{of}_{plain}" if plain else None


def arrow_types() -> "dict[Kind, pa.DataType]":
    """Arrow's type of each kind of column."""
    import pyarrow as pa

    return {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}


def attribute_table(
    events: Sequence[Sequence[Scalar]], columns: Sequence[AttributeColumn]
) -> dict[str, "pa.Array"]:
    """The arrays of the attributes' columns and of the map, a value for each event."""
    import pyarrow as pa

    types = arrow_types()
    places = {(each.of, each.name): index for index, each in enumerate(columns)}
    values: list[list[Any]] = [[None] * len(events) for _ in columns]
    rest: list[list[tuple[str, str]] | None] = [None] * len(events)
    for row, found in enumerate(events):
        for of, name, value in found:
            place = places.get((of, name))
            if place is not None and fits(columns[place].kind, value):
                values[place][row] = float(value) if columns[place].kind == "float64" else value
            else:
                known = rest[row]
                if known is None:
                    known = rest[row] = []
                known.append((rest_key(of, name), _tagged(value)))
    arrays = {
        each.column: pa.array(column, type=types[each.kind])
        for each, column in zip(columns, values, strict=True)
    }
    return {**arrays, REST: pa.array(rest, type=pa.map_(pa.string(), pa.string()))}


def fits(kind: Kind, value: object) -> bool:
    """Whether the column can hold the value; what it cannot hold goes to the map."""
    if kind == "float64" and isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= EXACT or value not in _INT64
    return _KINDS.get(_kind(value)) == kind


def _tagged(value: object) -> str:
    """s and the text, i and the integer, f and the number, b and 1 or 0."""
    if isinstance(value, bool):
        return f"b{value:d}"
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, int):
        return f"{'i' if value in _INT64 else 'f'}{value}"
    return f"f{value!r}"
