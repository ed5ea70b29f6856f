"""Queries of entities: pages by cursor, full text, and facets."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from counterpoint.catalog.api.call import Answer, Call, json_answer, raw_answer
from counterpoint.catalog.api.cursors import Cursor, FullText, OrderField, read_cursor, write_cursor
from counterpoint.catalog.api.entities import MANY, contents, in_parts, json_answer_of, now_of
from counterpoint.catalog.api.predicates import filter_of, predicate_of
from counterpoint.catalog.api.projection import Projection, projection_of
from counterpoint.errors import InputError
from counterpoint.graph.index import AllOf, Filter, Order, Row, Snapshot, Text

__all__ = ["facets_by_get", "facets_by_post", "query_by_get", "query_by_post"]

LIMIT = 200
"""Entities on a page where no limit is given."""
FACETS = 500
"""Facets of one request."""
PROTOTYPE = "__proto__"
"""A name that no object of JavaScript can be given, and so no answer of Backstage has."""
UNSET = msgspec.UNSET


def query_by_get(call: Call) -> Answer:
    """GET /entities/by-query."""
    given = call.query
    fields = projection_of(given.get("fields"))
    if "cursor" in given:
        return _answer(call, read_cursor(given["cursor"]), fields, given.get("limit"))
    predicate = predicate_of(given.get("filter"))
    text = FullText(given.get("fullTextFilterTerm", ""), given.get("fullTextFilterFields"))
    cursor = Cursor(
        [_order_field(order) for order in given.get("orderField", ())],
        [],
        is_previous=False,
        query=UNSET if predicate is None else predicate,
        full_text_filter=text,
    )
    return _answer(call, cursor, fields, given.get("limit"), given.get("offset", 0), _total(given))


def query_by_post(call: Call) -> Answer:
    """POST /entities/by-query."""
    given: dict[str, Any] = call.body or {}
    fields = projection_of(given.get("fields"))
    limit = int(given["limit"]) if "limit" in given else None
    if "cursor" in given:
        if not given["cursor"]:
            raise InputError("Cursor cannot be empty")
        return _answer(call, read_cursor(given["cursor"]), fields, limit)
    text = given.get("fullTextFilter")
    cursor = Cursor(
        [OrderField(order["field"], order["order"]) for order in given.get("orderBy", ())],
        [],
        is_previous=False,
        query=given.get("query", UNSET),
        full_text_filter=UNSET if text is None else FullText(text.get("term", ""), text.get("fields")),
    )
    return _answer(call, cursor, fields, limit, int(given.get("offset", 0)), _total(given))


def _total(given: Mapping[str, Any]) -> str | None:
    """What is wanted of the total; None where it is not to be counted."""
    return None if given.get("totalItems") == "exclude" else "include"


def _order_field(text: str) -> OrderField:
    field, _, rest = text.partition(",")
    order = rest.partition(",")[0] if "," in text else "asc"
    if order not in ("asc", "desc"):
        raise InputError("Invalid order field order, must be asc or desc")
    return OrderField(field, order)


def _answer(
    call: Call,
    cursor: Cursor,
    fields: Projection | None,
    limit: int | None,
    offset: int = 0,
    total_items: str | None = None,
) -> Answer:
    """One page, from its beginning or from where a cursor says, which carries the total if anybody asked for it."""
    size = LIMIT if limit is None else limit
    order = _order_of(cursor)
    text = _text_of(call, cursor, order)
    wanted = _wanted(call, cursor, text)
    now = now_of(call)
    total = cursor.total_items
    if total is UNSET:
        total = 0 if total_items is None else now.count(wanted, having=order.key)
    rows, more = _rows(now, wanted, order, text, cursor, size, offset)
    info = {name: write_cursor(found) for name, found in _beside(cursor, order, rows, more, total)}
    tail = msgspec.json.encode({"totalItems": _whole(total), "pageInfo": info})
    items = contents(rows, fields)
    if fields is not None:
        return json_answer_of(b'{"items":[' + b",".join(items) + b"]," + tail[1:])
    if len(rows) <= MANY:
        return raw_answer(b'{"items":[' + b",".join(items) + b"]," + tail[1:])
    return raw_answer(_enclosed(in_parts(items), tail))


def _enclosed(parts: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    yield b'{"items":['
    yield from parts
    yield b"]," + tail[1:]


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _order_of(cursor: Cursor) -> Order:
    """Only the first order counts, as in Backstage."""
    if not cursor.order_fields:
        return Order()
    first = cursor.order_fields[0]
    return Order(first.field.lower(), descending=first.order == "desc")


def _text_of(call: Call, cursor: Cursor, order: Order) -> Text | None:
    """The text that is searched for. Without fields it is looked for in the order's field, else in the uid."""
    given = cursor.full_text_filter
    if given is UNSET or not (term := given.term.strip().lower()):
        return None
    keys = (
        [order.key or "metadata.uid"] if given.fields is None else [field.lower() for field in given.fields]
    )
    if len(keys) > FACETS:
        raise InputError(f"The text is looked for in {len(keys)} fields; {FACETS} are the most.")
    # In Backstage the term is a pattern of SQL by accident; only `strict` keeps that.
    return Text(tuple(dict.fromkeys(keys)), term, wild=call.strict and any(sign in term for sign in "%_"))


def _wanted(call: Call, cursor: Cursor, text: Text | None) -> Filter | None:
    parts: list[Filter] = []
    if cursor.query is not UNSET:
        parts.append(filter_of(cursor.query, strict=call.strict))
    if cursor.filter is not UNSET:
        parts.append(filter_of(_of_older_form(cursor.filter, 0)))
    if text is not None:
        parts.append(text)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _of_older_form(given: Any, depth: int) -> Any:
    """The predicate of `{key, values}`, `{not}`, `{anyOf}` and `{allOf}`."""
    if not isinstance(given, dict) or depth > 50:
        raise InputError("Malformed cursor: its filter cannot be read.")
    if isinstance(given.get("key"), str):
        values = given.get("values")
        return {given["key"]: {"$exists": True} if values is None else {"$in": values}}
    if "not" in given:
        return {"$not": _of_older_form(given["not"], depth + 1)}
    for name, operator in (("anyOf", "$any"), ("allOf", "$all")):
        if isinstance(given.get(name), list):
            return {operator: [_of_older_form(part, depth + 1) for part in given[name]]}
    raise InputError("Malformed cursor: its filter cannot be read.")


def _rows(
    now: Snapshot,
    wanted: Filter | None,
    order: Order,
    text: Text | None,
    cursor: Cursor,
    size: int,
    offset: int,
) -> tuple[list[Row], bool]:
    """The rows of a page in the order's own direction, and whether more follow them."""
    if size == 0 or None in cursor.order_field_values:
        return [], False
    after = None
    if cursor.order_field_values:
        *value, uid = cursor.order_field_values
        after = (value[0] if value else None, str(uid))
    need = size if cursor.is_previous else size + 1
    rows = now.page(
        wanted,
        order,
        after=after,
        backwards=cursor.is_previous,
        offset=offset,
        limit=need,
        holding=_own_text(cursor, order, text),
    )
    if cursor.is_previous:
        return rows[::-1], True
    return rows[:size], len(rows) > size


def _own_text(cursor: Cursor, order: Order, text: Text | None) -> Text | None:
    """The text, where Backstage looks for it in the very value that a row is ordered by."""
    given = cursor.full_text_filter
    if text is None or given is UNSET or order.key is None:
        return None
    named = [order.key] if given.fields is None else given.fields
    return text if named == [order.key] else None


def _beside(
    cursor: Cursor,
    order: Order,
    rows: list[Row],
    more: bool,  # noqa: FBT001 - one call, all by place
    total: Any,
) -> Iterator[tuple[str, Cursor]]:
    """The cursors of the pages before and after."""
    first, last = (_values(rows[index], order) if rows else [None, None] for index in (0, -1))
    if not order.key and not rows:
        first = last = [None]
    begun = cursor.first_sort_field_values
    begin = first if begun is UNSET else begun
    change = msgspec.structs.replace
    if begun is not UNSET and rows and first != begun:
        yield (
            "prevCursor",
            change(cursor, order_field_values=first, is_previous=True, total_items=total),
        )
    if more:
        yield (
            "nextCursor",
            change(
                cursor,
                order_field_values=last,
                first_sort_field_values=begin,
                is_previous=False,
                total_items=total,
            ),
        )


def _values(row: Row, order: Order) -> list[str | None]:
    return [row.value, row.uid] if order.key is not None else [row.uid]


def facets_by_get(call: Call) -> Answer:
    """GET /entity-facets."""
    facets = [facet for facet in call.query["facet"] if facet]
    if not facets:
        raise InputError("Missing facet parameter")
    predicate = predicate_of(call.query.get("filter"))
    return _facets(call, facets, None if predicate is None else filter_of(predicate))


def facets_by_post(call: Call) -> Answer:
    """POST /entity-facets."""
    facets = [facet for facet in call.body["facets"] if facet]
    if not facets:
        raise InputError("Missing or empty facets parameter")
    query = call.body.get("query", UNSET)
    return _facets(call, facets, None if query is UNSET else filter_of(query, strict=call.strict))


def _facets(call: Call, facets: list[str], wanted: Filter | None) -> Answer:
    named = list(dict.fromkeys(facets))
    if len(named) > FACETS:
        raise InputError(f"The request has {len(named)} facets; {FACETS} are the most.")
    found = now_of(call).facets({facet.lower() for facet in named}, wanted)
    counted = {
        facet: [{"value": value, "count": count} for value, count in found[facet.lower()]]
        for facet in named
        if facet != PROTOTYPE
    }
    return json_answer({"facets": counted})
