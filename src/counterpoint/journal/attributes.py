"""Reading attributes: one column of a table of events, wherever each file keeps them.

Everything is a plain Ibis expression over columns and one map, without JSON, so that every engine gives
the same values. Only files of layout 1, which have neither, are asked for their JSON.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, get_args

import msgspec

from counterpoint.errors import InputError
from counterpoint.journal.columns import (
    REST,
    AttributeColumn,
    Kind,
    Of,
    arrow_types,
    attribute_table,
    rest_key,
    typed_already,
)
from counterpoint.journal.hashing import HASH, hash_expression
from counterpoint.journal.manifest import Segment
from counterpoint.journal.model.event import EXPOSURE
from counterpoint.journal.model.row import COLUMNS, Row
from counterpoint.journal.segments import arrow_table, attributes_of, schema

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

__all__ = [
    "Asked",
    "Attribute",
    "columns_of",
    "of_files",
    "of_tail",
    "places",
    "read_attributes",
    "tail_table",
]

PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Names that a path into JSON can say on every engine."""
_INT64: Final = (-(2.0**63), 2.0**63)


class Attribute(msgspec.Struct, frozen=True):
    """An attribute that is asked for."""

    name: str
    kind: Kind
    of: Of | None = None
    """None means the data, and where it has none of that type the extension attributes."""

    @property
    def homes(self) -> tuple[Of, ...]:
        """Where to look, in order."""
        return ("data", "attributes") if self.of is None else (self.of,)


Asked = Mapping[str, Attribute]
"""By the name of the column that it becomes."""


def read_attributes(asked: Mapping[str, Attribute | Kind], taken: Sequence[str]) -> dict[str, Attribute]:
    """What is asked for, in full.

    Raises:
        InputError: a column's name is taken, or there is no such type.
    """
    found: dict[str, Attribute] = {}
    names = {name.lower() for name in taken}
    for column, said in asked.items():
        attribute = said if isinstance(said, Attribute) else Attribute(column, said)
        if attribute.kind not in get_args(Kind):
            raise InputError(
                f"The attribute {attribute.name!r} is asked for as {attribute.kind!r}; there are {', '.join(get_args(Kind))}."
            )
        if column.lower() in names:
            raise InputError(
                f"There is a column {column!r} already; give the attribute another name, as in "
                f"attributes={{'my_{column.lower()}': Attribute({attribute.name!r}, {attribute.kind!r})}}."
            )
        names.add(column.lower())
        found[column] = attribute
    return found


def places(segment: Segment, asked: Asked) -> tuple[object, ...]:
    """What must be the same for files that are read in one go: layout, and the columns of what is asked."""
    return (segment.layout, *(tuple(_columns(segment, each)) for each in asked.values()))


def _columns(segment: Segment, attribute: Attribute) -> list[tuple[Of, AttributeColumn | None]]:
    known = {(each.of, each.name): each for each in segment.columns}
    return [(home, known.get((home, attribute.name))) for home in attribute.homes]


def columns_of(segment: Segment, asked: Asked) -> "pa.Schema":
    """The columns that are read from files that are like this one."""
    import pyarrow as pa

    types = arrow_types()
    core = [field for field in schema() if segment.layout > 1 or field.name != HASH]
    if segment.layout == 1 or not asked:
        return pa.schema(core)
    known = {
        column.column: pa.field(column.column, types[column.kind])
        for each in asked.values()
        for _, column in _columns(segment, each)
        if column
    }
    return pa.schema([*core, *known.values(), pa.field(REST, pa.map_(pa.string(), pa.string()))])


def tail_table(rows: Sequence[Row], *, attributes: bool) -> "pa.Table":
    """Rows of the intake as an Arrow table, with their attributes in the map where they are asked for."""
    table = arrow_table(rows)
    if not attributes:
        return table
    types = [row[COLUMNS.index("type")] for row in rows]
    return table.append_column(REST, attribute_table(types, *attributes_of(table), ())[REST])


def of_tail(table: "ibis.Table", asked: Asked) -> "ibis.Table":
    """The tail with a column for each attribute."""
    return _with(
        table,
        {name: [_value(table, each, home, None) for home in each.homes] for name, each in asked.items()},
    )


def of_files(table: "ibis.Table", segment: Segment, asked: Asked) -> "ibis.Table":
    """Files that are like this one, with a column for each attribute, and the hash where they lack it."""
    if segment.layout == 1:
        made = {name: [_from_json(table, each, home) for home in each.homes] for name, each in asked.items()}
        return _with(table.mutate(**{HASH: hash_expression(table.subject)}), made)
    return _with(
        table,
        {
            name: [_value(table, each, home, column) for home, column in _columns(segment, each)]
            for name, each in asked.items()
        },
    )


def _with(table: "ibis.Table", made: "Mapping[str, Sequence[ibis.Value]]") -> "ibis.Table":
    import ibis

    return table.mutate(
        **{name: values[0] if len(values) == 1 else ibis.coalesce(*values) for name, values in made.items()}
    )


def _value(
    table: "ibis.Table", attribute: Attribute, home: Of, column: AttributeColumn | None
) -> "ibis.Value":
    """From the column, then from the map, then from the column that exposures have for it."""
    import ibis

    found = [_from_column(table[column.column], column.kind, attribute.kind)] if column else []
    found.append(_from_rest(table[REST], attribute, home))
    if home == "data" and attribute.kind == "string" and (typed := typed_already(EXPOSURE, attribute.name)):
        found.append(ibis.ifelse(table.type == EXPOSURE, table[typed], ibis.null("string")))
    return ibis.coalesce(*found) if len(found) > 1 else found[0]


def _from_column(value: "ibis.Value", has: Kind, wanted: Kind) -> "ibis.Value":
    import ibis

    if has == wanted:
        return value
    if has == "int64" and wanted == "float64":
        return value.cast("float64")
    if has == "float64" and wanted == "int64":
        return _whole(value)
    return ibis.null(wanted)


def _from_rest(rest: "ibis.Value", attribute: Attribute, home: Of) -> "ibis.Value":
    import ibis

    def text(kind: Kind) -> "ibis.Value":
        return rest.get(rest_key(home, attribute.name, kind), ibis.null("string"))

    if attribute.kind == "string":
        return text("string")
    if attribute.kind == "boolean":
        return text("boolean") == "true"
    integer, number = text("int64").try_cast("int64"), text("float64").try_cast("float64")
    if attribute.kind == "int64":
        return ibis.coalesce(integer, _whole(number))
    return ibis.coalesce(integer.cast("float64"), number)


def _whole(number: "ibis.Value") -> "ibis.Value":
    """A float as an integer where it is one of 64 bits."""
    import ibis

    # Whatever order an engine evaluates in, it is never asked to cast what does not fit.
    within = (number >= _INT64[0]) & (number < _INT64[1])
    whole = ibis.ifelse(within, number, ibis.literal(0.0)).cast("int64")
    return ibis.ifelse(within & (whole.cast("float64") == number), whole, ibis.null("int64"))


def _from_json(table: "ibis.Table", attribute: Attribute, home: Of) -> "ibis.Value":
    import ibis

    if not PLAIN.fullmatch(attribute.name):
        raise InputError(
            f"A file of an older version is asked for the attribute {attribute.name!r}, which no path can name; "
            "have the files written anew with: counterpoint events compact"
        )
    item = table[home].cast("json")[attribute.name]
    if attribute.kind == "string":
        return item.str
    if attribute.kind == "boolean":
        return item.bool
    if attribute.kind == "float64":
        return item.float
    text = item.cast("string")
    integer = ibis.ifelse(text.re_search("^-?[0-9]+$"), text, ibis.null("string")).try_cast("int64")
    return ibis.coalesce(integer, _whole(item.float))
