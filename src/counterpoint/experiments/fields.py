"""Fields of events and exposures as Ibis expressions: a column of the name, or a key in the JSON of the data."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.errors import InputError
from counterpoint.experiments.measures import PLAIN_FIELD, PLAIN_WORDS, Metric

__all__ = ["field_of", "item_in", "number_in", "text_in"]


def field_of(metric: Metric, events: Table) -> Any:
    """The metric's field as a number; true and false are 1 and 0, anything else is missing.

    Raises:
        InputError: the table has no such column, and no data.
    """
    if metric.field == "value" and "value" in events.columns:
        return events.value.cast("float64")
    if "data" in events.columns:
        return number_in(events, metric.field, f"The metric {metric.name}")
    if metric.field in events.columns:
        return events[metric.field].cast("float64")
    if metric.aggregation == "any":
        return ibis.null("float64")
    raise InputError(
        f"The metric {metric.name} needs a column {metric.field} of numbers; the table of events has {', '.join(events.columns)}."
    )


def number_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as a number; true and false are 1 and 0, anything else is missing.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    item = item_in(events, field, who)
    return ibis.coalesce(item.float, item.bool.cast("float64"))


def item_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as JSON; a dot stands before what is inside of another field.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    if not PLAIN_FIELD.fullmatch(field):
        raise InputError(f"{who} reads the field {field!r}, which no path can name; {PLAIN_WORDS}")
    item = events.data.cast("json")
    for part in field.split("."):  # engines differ in what a path with dots means
        item = item[part]
    return item


def text_in(table: Table, field: str, who: str) -> Any:
    """A field as text: a column of that name, or the text under that key in the data; anything else is missing.

    Raises:
        InputError: there is neither such a column nor data.
    """
    if field in table.columns:
        return table[field].cast("string")
    if "data" in table.columns:
        return item_in(table, field, who).str
    raise InputError(f"{who} needs a column {field}; the table has {', '.join(table.columns)}.")
