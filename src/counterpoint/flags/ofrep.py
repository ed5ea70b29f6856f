"""OpenFeature Remote Evaluation Protocol 0.3 as one bare ASGI callable.

References:
    open-feature/protocol, service/openapi.yaml 0.3.0.

Published clients read more than the standard promises, so every success carries `variant` (empty where
there is none) and every error carries `key`, `errorCode` and `errorDetails`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import msgspec

from counterpoint.errors import CounterpointError, OverloadedError
from counterpoint.flags.bulk import Bulk
from counterpoint.flags.contexts import Additions
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.exposure import Exposures
from counterpoint.flags.exposure_event import Exposure
from counterpoint.flags.flag import Evaluation
from counterpoint.flags.keys import evaluable_sets
from counterpoint.flags.model import FlagSet
from counterpoint.flags.rates import Rates
from counterpoint.flags.seen import SeenAttributes
from counterpoint.flags.store import DEFAULT_SET, FlagSets, StoredSet
from counterpoint.flags.tickets import address_of, secret_in
from counterpoint.graph.actor import Actor
from counterpoint.settings import FlagSettings

__all__ = ["BASE", "PATH", "Ofrep", "answer", "refusal", "selected"]

BASE: Final = "/ofrep"
PATH: Final = BASE + "/v1/evaluate/flags"
MAX_BODY: Final = 1024 * 1024
"""Bytes of a request's body."""
MOST_BODIES: Final = 4_096
"""Answers whose JSON is kept; a rule that computes the names of variants makes new ones all the time."""

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Refused(Exception):  # noqa: N818 - it is an answer
    """Ends a request with an error in OFREP's shape."""

    def __init__(
        self, status: int, code: str, details: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(details)
        self.status, self.code, self.details, self.headers = status, code, details, headers or {}


def answer(key: str, evaluation: Evaluation) -> dict[str, Any]:
    """One evaluation in OFREP's shape: a success, or an error with its code."""
    metadata = dict(evaluation.metadata)
    if evaluation.error_code:
        return {
            "key": key,
            "errorCode": evaluation.error_code,
            "errorDetails": evaluation.error_message or "",
            "metadata": metadata,
        }
    body = {
        "key": key,
        "reason": evaluation.reason,
        "variant": evaluation.variant or "",
        "metadata": metadata,
    }
    if evaluation.value is not None:
        body["value"] = evaluation.value
    return body


def refusal(
    scope: Scope, error: BaseException, status: int, detail: str
) -> tuple[int, dict[str, str], bytes]:
    """What is refused before an evaluation, such as an unknown token, in OFREP's shape: clients read no other."""
    keys = _keys(scope)
    body = {"key": keys[0] if keys else "", "errorCode": "GENERAL", "errorDetails": detail}
    return status, {"content-type": "application/json"}, msgspec.json.encode(body)


def selected(header: str | None) -> str | None:
    """The flag set that a `Flagd-Selector` names: `flagSetId=x`, `source=x` or bare `x`; None without one."""
    for part in (header or "").split(","):
        name, separator, value = part.strip().partition("=")
        if separator and name.strip() in ("flagSetId", "source") and value.strip():
            return value.strip()
        if not separator and name:
            return name
    return None


class Ofrep:
    """Answers `POST /ofrep/v1/evaluate/flags` and `POST /ofrep/v1/evaluate/flags/{key}`."""

    def __init__(
        self,
        sets: FlagSets,
        exposures: Exposures,
        settings: FlagSettings | None = None,
        seen: SeenAttributes | None = None,
    ) -> None:
        settings = settings or FlagSettings()
        self._seen = seen
        self._sets = sets
        self._exposures = exposures
        self._additions = Additions(settings.context, settings.context_headers)
        self._bulk = Bulk(answer)
        self._rates = Rates(settings.rate) if settings.rate else None
        self._asked: set[str] = set()
        self._bodies: dict[int, tuple[Evaluation, bytes]] = {}
        """By the id of an evaluation: it, so that no other one gets that id, and its JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        keys = _keys(scope)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if scope["method"] != "POST":
                raise _Refused(405, "GENERAL", "Evaluate flags with POST.", {"allow": "POST"})
            actor = _actor(scope)
            self._count(scope, actor)
            selector = _permitted(selected(headers.get(b"flagd-selector")), actor)
            context = self._additions.to(await _context(receive, headers), headers)
            name, flags = await self._flags(selector)
            if self._seen and flags is not None and self._seen.note(name, context):
                await asyncio.to_thread(self._seen.save)
            if keys:
                status, body = self._one(name, flags, keys, context)
                await _send(send, status, body)
            else:
                root = str(scope.get("root_path") or "")
                secret = None
                if actor is not None and actor.kind == "service":
                    secret = secret_in(headers.get(b"authorization"), headers.get(b"x-api-key"))
                stream = address_of(name, root=root, secret=secret, now=time.time())
                await self._all(flags, context, headers, stream, send)
        except _Refused as refused:
            body = {
                "key": keys[0] if keys else "",
                "errorCode": refused.code,
                "errorDetails": refused.details,
            }
            await _send(send, refused.status, body, refused.headers)
        except OverloadedError as error:
            body = {"key": keys[0] if keys else "", "errorCode": "GENERAL", "errorDetails": error.message}
            await _send(send, 429, body, {"retry-after": str(error.retry_after)})
        except FlagSetError as error:
            details = f"The flag set cannot be used. {error.problems[0] if error.problems else error.message}"
            body = {"key": keys[0] if keys else "", "errorCode": "PARSE_ERROR", "errorDetails": details}
            await _send(send, 400, body)
        except CounterpointError as error:
            body = {"key": keys[0] if keys else "", "errorCode": "GENERAL", "errorDetails": error.message}
            await _send(send, 500, body)

    def at_once(
        self, scope: Scope, headers: Mapping[bytes, bytes], actor: Actor | None, body: bytes
    ) -> bytes | None:
        """The content of a 200 for one flag, where all for it is at hand.

        None has done nothing: the request then goes the usual way, which also says what is wrong with it.
        """
        try:
            selector = headers.get(b"flagd-selector")
            chosen = _permitted(selected(selector.decode("latin-1") if selector else None), actor)
            document = _decode(body)
        except (_Refused, msgspec.DecodeError, RecursionError, ValueError):
            return None
        name = chosen or DEFAULT_SET
        self._asked.add(name)
        stored = self._sets.recent(name)
        if stored is None or not isinstance(document, dict):
            return None
        key = scope["path"][len(PATH) + 1 :]
        if b"%" in (scope.get("raw_path") or b""):
            key = next((each for each in _keys(scope) if each in stored.flags), key)
        given = document.get("context")
        added = {each: headers[each].decode("latin-1") for each in self._additions.headers if each in headers}
        context = self._additions.to(given if isinstance(given, dict) else {}, added)
        if self._seen and not self._seen.knows(name, context):
            return None
        evaluation = stored.flags.evaluate(key, context)
        if evaluation.error_code is not None:
            return None
        try:
            self._count(scope, actor)
        except OverloadedError:
            return None
        self._expose(name, key, evaluation, context)
        return self._written(key, evaluation)

    def _written(self, key: str, evaluation: Evaluation) -> bytes:
        """The answer's JSON. A flag answers with few evaluations, again and again the same; what each is written as
        is kept, but for objects, of which everybody gets a copy."""
        if isinstance(evaluation.value, dict | list):
            return _encode(answer(key, evaluation))
        known = self._bodies.get(id(evaluation))
        if known is not None and known[0] is evaluation:
            return known[1]
        body = _encode(answer(key, evaluation))
        if len(self._bodies) >= MOST_BODIES:
            self._bodies.clear()
        self._bodies[id(evaluation)] = evaluation, body
        return body

    def renew(self) -> None:
        """Look at the sets that `at_once` was asked for since, so that it has them at hand. Reads the graph."""
        names, self._asked = self._asked, set()
        for name in names:
            with suppress(CounterpointError):  # the usual way says what is wrong
                self._sets.get(name)

    def _count(self, scope: Scope, actor: Actor | None) -> None:
        """Count the request for whoever sent it; without sign-in that is the address that it came from."""
        if self._rates is None:
            return
        address = (scope.get("client") or ("unknown",))[0]
        client = actor.ref if actor and actor.kind == "service" else f"{actor.ref if actor else ''} {address}"
        if wait := self._rates.take(client, time.monotonic()):
            raise OverloadedError(
                "This token has asked for too many evaluations in a second.", retry_after=wait
            )

    async def _flags(self, selector: str | None) -> tuple[str, FlagSet | None]:
        """The name of the flag set that is asked for, and its flags; None where there is no such set."""
        stored = await self._stored(selector or DEFAULT_SET)
        if stored or selector is None:
            return selector or DEFAULT_SET, stored.flags if stored else None
        # The default set may hold several sets, as a file in the array form does.
        default = await self._stored(DEFAULT_SET)
        chosen = default.flags.select(selector) if default else None
        return selector, chosen or None

    async def _stored(self, name: str) -> StoredSet | None:
        return self._sets.cached(name) or await asyncio.to_thread(self._sets.get, name)

    def _one(
        self, name: str, flags: FlagSet | None, keys: list[str], context: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if flags is None:
            return 404, {
                "key": keys[0],
                "errorCode": "FLAG_NOT_FOUND",
                "errorDetails": f"There is no flag set {name!r}.",
                "metadata": {},
            }
        longest = sorted(
            keys, key=lambda key: "?" not in key
        )  # what follows a question mark belongs to the key
        key = next((key for key in longest if key in flags), keys[0])
        evaluation = flags.evaluate(key, context)
        self._expose(name, key, evaluation, context)
        status = (
            200
            if evaluation.error_code is None
            else 404
            if evaluation.error_code == "FLAG_NOT_FOUND"
            else 400
        )
        return status, answer(key, evaluation)

    def _expose(self, name: str, key: str, evaluation: Evaluation, context: dict[str, Any]) -> None:
        subject = context.get("targetingKey")
        if evaluation.variant is not None and isinstance(subject, str) and subject:
            self._exposures.note(
                Exposure(name, key, evaluation.variant, subject, evaluation.reason, time.time())
            )

    async def _all(
        self,
        flags: FlagSet | None,
        context: dict[str, Any],
        headers: Mapping[bytes, str],
        stream: str,
        send: Send,
    ) -> None:
        if flags is None and b"flagd-selector" in headers:
            raise _Refused(400, "GENERAL", f"There is no flag set {selected(headers[b'flagd-selector'])!r}.")
        content = self._bulk.content(flags, context, stream)
        lines = [(b"etag", content.etag.encode())]
        if content.is_known(headers.get(b"if-none-match", "")):
            await _respond(send, 304, b"", lines)
        else:
            await _respond(send, 200, content.body, lines)


def _actor(scope: Scope) -> Actor | None:
    """Who asks, as the middleware in front has found out."""
    actor: Actor | None = getattr(scope.get("state", {}).get("caller"), "actor", None)
    return actor


def _permitted(selector: str | None, actor: Actor | None) -> str | None:
    """The flag set that is meant, where the actor may evaluate it; a key for one set means that one.

    Raises:
        _Refused: 403, naming those that the actor may evaluate.
    """
    allowed = evaluable_sets(actor.scopes) if actor else None
    name = selector or DEFAULT_SET
    if allowed is None or name in allowed:
        return selector
    if selector is None and len(allowed) == 1:
        return next(iter(allowed))
    names = ", ".join(sorted(allowed))
    raise _Refused(403, "GENERAL", f"This key does not open the flag set {name!r}; it opens {names}.")


def _keys(scope: Scope) -> list[str]:
    """The key asked for, decoded, and as written where that differs; empty for all flags.

    A key may hold any character. Some clients encode it and some do not, so that a key which itself
    looks encoded can only be told by trying.
    """
    if not str(scope["path"]).startswith(PATH):
        return []
    raw = scope.get("raw_path") or b""
    written = raw.split(b"?", 1)[0].decode("latin-1") if raw else ""
    decoded = str(scope["path"]).removeprefix(PATH).removeprefix("/")
    plain = written.removeprefix(PATH).removeprefix("/") if written.startswith(PATH) else ""
    if not decoded:
        return []
    found = [decoded, plain or decoded, unquote(decoded)]
    if query := scope.get("query_string"):  # of a key with a question mark that a client did not encode
        asked = bytes(query).decode("latin-1")
        found = [*found, *(f"{key}?{each}" for key in found for each in (asked, unquote(asked)))]
    return list(dict.fromkeys(found))


async def _context(receive: Receive, headers: Mapping[bytes, str]) -> dict[str, Any]:
    body = await _body(receive, headers)
    if not body.strip():
        return {}
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise _Refused(400, "INVALID_CONTEXT", f"The body is not JSON: {error}.") from error
    if document is not None and not isinstance(document, dict):
        raise _Refused(400, "INVALID_CONTEXT", "The body is not an object with a `context`.")
    context = (document or {}).get("context")
    return context if isinstance(context, dict) else {}


async def _body(receive: Receive, headers: Mapping[bytes, str]) -> bytes:
    too_large = _Refused(413, "INVALID_CONTEXT", f"The body is larger than {MAX_BODY:,} bytes.")
    announced = headers.get(b"content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY:
        raise too_large
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "GENERAL", "The client went away.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise too_large
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(
    send: Send, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> None:
    await _respond(
        send,
        status,
        msgspec.json.encode(body),
        [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    )


async def _respond(send: Send, status: int, content: bytes, headers: Headers) -> None:
    typed = (
        [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        if status != 304
        else []
    )
    await send({"type": "http.response.start", "status": status, "headers": [*typed, *headers]})
    await send({"type": "http.response.body", "body": content})
