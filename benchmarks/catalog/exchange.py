"""One request and its answer: how a case is written, sent, and put into a form in which two servers agree.

What is left out of a comparison, since no two servers can agree on it: uids, etags, the text of cursors
(but whether a cursor is base64 JSON with a `query` counts: the npm client decides by it), log ids, ports.
"""

import base64
import json
import re
import urllib.parse
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

BASE = "/api/catalog"
HEADERS = ("content-type", "etag", "vary", "link", "location", "allow")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PAGES = 60
"""A walk of more pages than this never ends."""


@dataclass(frozen=True)
class Case:
    """A request. `mode` says how the lists in its answer compare:

    `exact` in order; `set` in any order, where the order is that of the uids; `runs` in order, but equal
    values of `order` in any; `count` by their length alone; `walk` follows next cursors (or Links), and `back` previous ones
    from the last page, and compares the length of each page and all items as a set.
    """

    method: str
    path: str
    body: Any = None
    mode: str = "exact"
    order: str | None = None
    raw: bytes | None = None
    content_type: str | None = "application/json"

    @property
    def id(self) -> str:
        """What it asks, in one line; unique among the cases."""
        body = "" if self.body is None else " " + json.dumps(self.body, ensure_ascii=False)
        raw = "" if self.raw is None else f" raw {self.raw[:200]!r} as {self.content_type}"
        mode = self.mode if self.mode in ("walk", "back") else ""
        return f"{mode} {self.method} {self.path}{body}{raw}".strip()


def query(path: str, *pairs: tuple[str, Any]) -> str:
    """A path with its query, encoded as the npm client encodes it."""
    return path + "?" + "&".join(f"{key}={urllib.parse.quote(str(value), safe='')}" for key, value in pairs)


def get(path: str, *pairs: tuple[str, Any], mode: str = "exact", order: str | None = None) -> Case:
    """A GET below the catalog."""
    return Case("GET", query(path, *pairs) if pairs else path, mode=mode, order=order)


def post(
    path: str, body: Any, *pairs: tuple[str, Any], mode: str = "exact", order: str | None = None
) -> Case:
    """A POST of JSON below the catalog."""
    return Case("POST", query(path, *pairs) if pairs else path, body, mode=mode, order=order)


class Client:
    """One keep-alive connection to a server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def send(self, case: Case) -> dict[str, Any]:
        """Send one request: status, the headers that count, and the body as JSON (else as text)."""
        body = case.raw
        if case.body is not None:
            body = json.dumps(case.body).encode()
        headers = {"content-type": case.content_type} if body is not None and case.content_type else {}
        for attempt in (1, 2):
            try:
                self.connection.request(case.method, BASE + case.path, body=body, headers=headers)
                answer = self.connection.getresponse()
                content = answer.read()
                break
            except OSError:
                self.connection.close()
                if attempt == 2:
                    raise
        named = {name: answer.headers[name] for name in HEADERS if answer.headers[name] is not None}
        try:
            found = json.loads(content)
        except ValueError:
            found = content.decode(errors="replace")
        return {"status": answer.status, "headers": named, "body": found}

    def record(self, case: Case) -> dict[str, Any]:
        """Send a case, for a walk every page of it, and note request and answers."""
        answers = [self.send(case)]
        if case.mode == "back":
            answers = self._walk(case, answers[0], "nextCursor")[-1:]
            answers = self._walk(case, answers[0], "prevCursor")
        elif case.mode == "walk":
            answers = self._walk(case, answers[0], "nextCursor")
        noted: dict[str, Any] = {
            "id": case.id, "mode": case.mode, "order": case.order, "method": case.method, "path": case.path,
            "body": case.body,
        }  # fmt: skip
        return noted | ({"pages": answers} if case.mode in ("walk", "back") else {"answer": answers[0]})

    def _walk(self, case: Case, first: dict[str, Any], direction: str) -> list[dict[str, Any]]:
        answers = [first]
        while (
            len(answers) < PAGES and (following := self._following(case, answers[-1], direction)) is not None
        ):
            answers.append(self.send(following))
        return answers

    def _following(self, case: Case, answer: dict[str, Any], direction: str) -> Case | None:
        link = re.match(r'<([^>]+)>; rel="next"', answer["headers"].get("link", ""))
        if link:
            return Case("GET", link.group(1))
        body = answer["body"]
        cursor = body.get("pageInfo", {}).get(direction) if isinstance(body, dict) else None
        if not cursor:
            return None
        if case.method == "POST":
            kept = {key: case.body[key] for key in ("limit", "fields") if key in case.body}
            return Case("POST", case.path, {**kept, "cursor": cursor})
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(case.path).query)
        kept_pairs = [(key, asked[key][0]) for key in ("limit", "fields") if key in asked]
        return Case("GET", query("/entities/by-query", *kept_pairs, ("cursor", cursor)))


def ref_of(entity: Any) -> str:
    """The reference of an entity, or its JSON where it is none (as with `fields`)."""
    try:
        metadata = entity["metadata"]
        return f"{entity['kind']}:{metadata['namespace']}/{metadata['name']}"
    except (KeyError, TypeError):
        return json.dumps(plain(entity), sort_keys=True)


def cursor_form(text: Any) -> str:
    """What a client can see of a cursor: whether it is base64 JSON, and whether that has a `query`."""
    try:
        decoded = json.loads(base64.b64decode(str(text), validate=True))
    except ValueError:
        return "<opaque cursor>"
    return "<cursor with query>" if "query" in decoded else "<cursor>"


def plain(value: Any) -> Any:
    """A value without what two servers cannot agree on."""
    if isinstance(value, dict):
        return {key: _plain_member(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        value = UUID.sub("<uuid>", value)
        return re.sub(r"logId=\w+", "logId=<id>", value)
    return value


def _plain_member(key: str, value: Any) -> Any:
    if key in ("uid", "etag") and isinstance(value, str):
        return f"<{key} of {len(value)}>"
    if key in ("nextCursor", "prevCursor"):
        return cursor_form(value)
    return plain(value)


def comparable(noted: dict[str, Any]) -> Any:
    """What two recordings of the same case are compared by."""
    mode = noted["mode"]
    if mode in ("walk", "back"):
        pages = [_answer(page, "count", None) for page in noted["pages"]]
        items = [item for page in noted["pages"] for item in _items(page["body"]) or []]
        together = items if noted["order"] == "exact" else _runs(items, noted["order"])
        return {"pages": pages, "items": [plain(item) for item in together]}
    return _answer(noted["answer"], mode, noted["order"])


def _answer(answer: dict[str, Any], mode: str, order: str | None) -> dict[str, Any]:
    headers = dict(answer["headers"])
    if "etag" in headers:
        headers["etag"] = "weak" if headers["etag"].startswith("W/") else "strong"
    body = answer["body"]
    items = _items(body)
    if items is not None and mode != "exact":
        if mode == "set":
            items = sorted(items, key=ref_of)
        elif mode == "runs":
            items = _runs(items, order)
        body = {**body, "items": items} if isinstance(body, dict) else items
        if mode == "count":
            body = {**body, "items": len(items)} if isinstance(body, dict) else len(items)
    return {"status": answer["status"], "headers": headers, "body": plain(body)}


def _items(body: Any) -> list[Any] | None:
    if isinstance(body, list):
        return body
    found = body.get("items") if isinstance(body, dict) else None
    return found if isinstance(found, list) else None


def _runs(items: list[Any], order: str | None) -> list[Any]:
    """The items in their order, but those of equal value (ties, which go by uid) by their references.

    Without an order the order is that of the uids: all by their references.
    """
    if order is None:
        return sorted(items, key=ref_of)
    numbers: list[int] = []
    last: Any = object()
    for item in items:
        value = _field(item, order or "")
        numbers.append((numbers[-1] if numbers else 0) + (value != last))
        last = value
    return [
        item
        for _, _, item in sorted(
            zip(numbers, map(ref_of, items), items, strict=True), key=lambda each: each[:2]
        )
    ]


def _field(item: Any, path: str) -> Any:
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        if isinstance(item, dict) and ".".join(parts[:end]) in item:
            found = item[".".join(parts[:end])]
            rest = ".".join(parts[end:])
            value = _field(found, rest) if rest else found
            if isinstance(value, list):
                return "several"  # it has a place for each of its values: only the whole can be compared
            if value is not None:
                return value.lower() if isinstance(value, str) else value
    return None
