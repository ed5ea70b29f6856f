"""Reading entities: lists, single ones, several by reference."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, quote_plus

from counterpoint.catalog.api.call import Answer, Call, json_answer, raw_answer
from counterpoint.catalog.api.cursors import read_after, write_after
from counterpoint.catalog.api.predicates import filter_of, predicate_of
from counterpoint.catalog.api.projection import Projection, projection_of
from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph.index import AllOf, Filter, Order, Row, Snapshot, index_of

__all__ = [
    "MANY",
    "by_name",
    "by_refs",
    "by_uid",
    "contents",
    "in_parts",
    "list_entities",
    "now_of",
    "ref_of",
]

MANY = 500
"""Entities that are answered in one piece; more are sent in parts."""
ORDERS = 20
"""Orders of one request."""


def now_of(call: Call) -> Snapshot:
    """The catalog as it is."""
    return index_of(call.workspace).snapshot()


def ref_of(call: Call) -> str:
    """The reference that the path names."""
    path = call.path
    return f"{path['kind']}:{path['namespace']}/{path['name']}".lower()


def list_entities(call: Call) -> Answer:
    """GET /entities: everything as a stream, or one page with a `Link` to the next."""
    predicate = predicate_of(call.query.get("filter"))
    wanted = None if predicate is None else filter_of(predicate)
    fields = projection_of(call.query.get("fields"))
    orders = [_order(text) for text in call.query.get("order", ())]
    if len(orders) > ORDERS:
        raise InputError(f"The request has {len(orders)} orders; {ORDERS} are the most.")
    if call.query.keys() & {"limit", "offset", "after"}:
        return _page(call, wanted, orders, fields)
    now = now_of(call)
    if orders:
        parts = in_parts(contents(_all_ordered(call, now, wanted, orders[0]), fields))
    elif fields is None:
        parts = now.content(wanted)
    else:
        parts = in_parts(contents(_all_by_uid(now, wanted), fields))
    first = next(parts, b"")
    return raw_answer(_array(first, parts)) if first else json_answer([])


def _order(text: str) -> Order:
    direction, _, field = text.partition(":")
    if direction not in ("asc", "desc") or not field or "\n" in field:
        raise InputError(f'Invalid order parameter "{text}", expected "<asc or desc>:<field name>"')
    return Order(field, descending=direction == "desc")


def _page(call: Call, wanted: Filter | None, orders: Sequence[Order], fields: Projection | None) -> Answer:
    limit, offset = _limits(call)
    now = now_of(call)
    most = None if limit is None else limit + 1
    if orders:
        rows = now.sorted_rows(wanted, orders, offset=offset, limit=most)
    else:
        rows = now.by_reference(wanted, offset=offset, limit=len(now) if most is None else most)
    headers = {}
    if limit is not None and len(rows) > limit:
        rows = rows[:limit]
        headers["link"] = f'<{_next_url(call.url, write_after(limit, offset + limit))}>; rel="next"'
    items = contents(rows, fields)
    if fields is not None:
        return json_answer_of(b"[" + b",".join(items) + b"]", headers)
    return raw_answer(_array(b"", in_parts(items)), headers)


def _limits(call: Call) -> tuple[int | None, int]:
    limit, offset = call.query.get("limit"), call.query.get("offset")
    if limit is not None and limit <= 0:
        raise InputError("Invalid limit, must be greater than zero")
    if "after" in call.query:
        after = read_after(call.query["after"])
        limit = limit if after[0] is None else after[0]
        offset = offset if after[1] is None else after[1]
    return limit, offset or 0


def _next_url(url: str, after: str) -> str:
    """The address of this page with another `after` and no `offset`, written as JavaScript's URL writes it."""
    path, _, query = url.partition("?")
    pairs: list[tuple[str, str]] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "after" and any(known == "after" for known, _ in pairs):
            continue
        if name != "offset":
            pairs.append((name, after if name == "after" else value))
    if all(name != "after" for name, _ in pairs):
        pairs.append(("after", after))
    return f"{path}?{'&'.join(f'{_quoted(name)}={_quoted(value)}' for name, value in pairs)}"


def _quoted(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def _all_by_uid(now: Snapshot, wanted: Filter | None) -> Iterator[Row]:
    return _walked(now, wanted, Order())


def _all_ordered(call: Call, now: Snapshot, wanted: Filter | None, order: Order) -> Iterator[Row]:
    """Everything in an order. Backstage leaves out what lacks the field; we put it last."""
    key = (order.key or "").lower()
    yield from _walked(now, wanted, Order(key, descending=order.descending))
    if not call.strict:
        yield from now.lacking(wanted, key)


def _walked(now: Snapshot, wanted: Filter | None, order: Order) -> Iterator[Row]:
    """All rows of an order, read in steps so that they are never all held."""
    after: tuple[str | None, str] | None = None
    while rows := now.page(wanted, order, after=after, limit=10_000):
        yield from rows
        after = (rows[-1].value, rows[-1].uid)


def contents(rows: Iterable[Row | None], fields: Projection | None) -> Iterator[bytes]:
    """Each entity as JSON, or its fields; null where there is none."""
    if fields is None:
        return (b"null" if row is None else row.content for row in rows)
    return (b"null" if row is None else fields(row.content) for row in rows)


def in_parts(items: Iterable[bytes]) -> Iterator[bytes]:
    """Items with commas between them, many at once."""
    held: list[bytes] = []
    for item in items:
        if len(held) == MANY:
            yield b",".join(held) + b","
            held = []
        held.append(item)
    if held:
        yield b",".join(held)


def _array(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield b"[" + first
    yield from parts
    yield b"]"


def by_uid(call: Call) -> Answer:
    """GET /entities/by-uid/{uid}."""
    row = now_of(call).by_uid(call.path["uid"].lower())
    if row is None:
        raise NotFoundError(f"No entity with uid {call.path['uid']}")
    return raw_answer(row.content)


def by_name(call: Call) -> Answer:
    """GET /entities/by-name/{kind}/{namespace}/{name}, in any case."""
    row = now_of(call).by_ref(ref_of(call))
    if row is None:
        path = call.path
        raise NotFoundError(
            f"No entity named '{path['name']}' found, with kind '{path['kind']}' in namespace '{path['namespace']}'"
        )
    return raw_answer(row.content)


def by_refs(call: Call) -> Answer:
    """POST /entities/by-refs: full, lower-case references; null for each that is not there."""
    body = call.body or {}
    root = "Malformed request body (did you remember to specify an application/json content type?), "
    if "entityRefs" not in body:
        raise InputError(f'{root}Validation error: Required at "entityRefs"')
    parts: list[Filter] = []
    if (predicate := predicate_of(call.query.get("filter"))) is not None:
        parts.append(filter_of(predicate))
    if "query" in body:
        parts.append(filter_of(body["query"], root=root, place="query", strict=call.strict))
    fields = projection_of(body.get("fields"))
    wanted = None if not parts else parts[0] if len(parts) == 1 else AllOf(tuple(parts))
    items = contents(now_of(call).by_refs(body["entityRefs"], wanted), fields)
    content = b'{"items":[' + b",".join(items) + b"]}"
    return raw_answer(content) if fields is None else json_answer_of(content)


def json_answer_of(content: bytes, headers: dict[str, str] | None = None) -> Answer:
    """JSON that was put together from objects, with their etag."""
    from counterpoint.catalog.api.call import JSON, weak_etag

    return Answer(200, content, {"content-type": JSON, **(headers or {})}, weak_etag(content))
