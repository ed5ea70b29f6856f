"""The journal over HTTP: CloudEvents in, and out again."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromQuery, QueryParameter

from counterpoint.errors import InputError
from counterpoint.journal.arrivals import By, Period, selection
from counterpoint.journal.live import LIVE, LiveCounts
from counterpoint.journal.logs import PATH as LOGS
from counterpoint.journal.logs import OtlpLogs
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.recent import cursor_after
from counterpoint.journal.wire import BATCH, LINES, SINGLE, TYPES, completed, read_body
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "openapi_paths", "routes"]

MOST: Final = 500
"""Events on one page."""
INLINE: Final = 32_768
"""Bytes that are read on the event loop; a larger body goes to a thread, so that others are still answered."""
PROBLEM: Final = "application/problem+json"


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """OpenTelemetry's logs, beside the framework, which takes no compressed bodies; and the stream of counts."""
    return {LOGS: OtlpLogs(lambda: workspace.journal), LIVE: LiveCounts(lambda: workspace.journal)}


@post("/api/events", status_code=200, include_in_schema=False)
async def append_events(request: Request[Any, Any, Any], ws: NamedDependency[Workspace]) -> Response[bytes]:
    """Append CloudEvents; the answer comes after they are on the disk."""
    content_type = _content_type(request)
    body = await request.body()
    if len(body) <= INLINE:
        sent = read_body(content_type, body)
        future = ws.journal.submit(sent.documents)
    else:
        sent = await asyncio.to_thread(read_body, content_type, body)
        future = await asyncio.to_thread(ws.journal.submit, sent.documents)
    ws.journal.refuse(each.reason for each in sent.broken)
    request.state.events_counted = True  # each by its reason, so that the request need not be
    return _answer(completed(await asyncio.wrap_future(future), sent))


def _content_type(request: Request[Any, Any, Any]) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in TYPES:
        detail = (
            f"{given or 'No content type'} is not taken here; send {', '.join(TYPES[:-1])} or {TYPES[-1]}."
        )
        raise HTTPException(status_code=415, detail=detail, headers={"accept-post": ", ".join(TYPES)})
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(
            status_code=415, detail="Compressed bodies are not taken; send it without Content-Encoding."
        )
    return given


def _answer(receipt: Receipt) -> Response[bytes]:
    """200 when anything was taken or known already, else 400 with each reason; the counts are in both."""
    body = msgspec.to_builtins(receipt)
    if not receipt.rejected or receipt.accepted or receipt.duplicates:
        return Response(msgspec.json.encode(body), media_type="application/json")
    one = len(receipt.rejected) == 1
    problem = {
        "type": "urn:counterpoint:problem:the-input-is-not-valid",
        "title": InputError.title,
        "status": 400,
        "detail": f"The event was not taken: {receipt.rejected[0].reason}."
        if one
        else f"None of the {len(receipt.rejected):,} events was taken.",
        "errors": [{"pointer": f"/{each.index}", "message": each.reason} for each in receipt.rejected],
    }
    return Response(msgspec.json.encode(problem | body), status_code=400, media_type=PROBLEM)


class EventPage(msgspec.Struct, frozen=True, rename="camel"):
    """Events, the latest first."""

    items: list[dict[str, Any]]
    """CloudEvents in their JSON format; `recordedtime` says when the journal got each."""
    next_cursor: str | None
    """Asks for the events after these; none on the last page."""


@get("/api/v1/events", tags=["events"], sync_to_thread=True)
def list_events(
    ws: NamedDependency[Workspace],
    type: FromQuery[str | None] = None,  # noqa: A002 - CloudEvents' word
    subject: FromQuery[str | None] = None,
    set: FromQuery[str | None] = None,  # noqa: A002 - the word of the other lists of flags
    flag: FromQuery[str | None] = None,
    variant: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> EventPage:
    """Events by their time, the latest first; `set` and `flag` keep the exposures of one flag, `variant` those that gave it."""
    check_limit(limit, MOST)
    found = ws.journal.recent(
        type=type,
        subject=subject,
        flag_set=set,
        flag=flag,
        variant=variant,
        limit=limit + 1,
        before=cursor,
    )
    more = len(found) > limit
    return EventPage(
        [event.document() for event in found[:limit]], cursor_after(found[limit - 1]) if more else None
    )


class EventCounts(msgspec.Struct, frozen=True, rename="camel"):
    """What arrived, by minute or hour."""

    step: Literal["minute", "hour"]
    items: list[Period]
    """The minutes or hours in which anything arrived, in order."""


@get("/api/v1/events/counts", tags=["events"], sync_to_thread=True)
def count_events(
    ws: NamedDependency[Workspace],
    by: FromQuery[By | None] = None,
    type: FromQuery[str | None] = None,  # noqa: A002 - CloudEvents' word
    source: FromQuery[str | None] = None,
    start: Annotated[datetime | None, QueryParameter(name="from")] = None,
    end: Annotated[datetime | None, QueryParameter(name="to")] = None,
    step: FromQuery[Literal["minute", "hour"]] = "minute",
) -> EventCounts:
    """What arrived in each minute or hour: accepted, known already, rejected, and how long after its time.

    `by` parts it by type, source or reason of rejection. Minutes are kept for two days, hours for ninety; `from` is
    by default an hour before `to`, and a day before it where the step is an hour.
    """
    wanted = selection(ws.journal.now(), step=step, start=start, end=end)
    chosen = msgspec.structs.replace(wanted, by=by, type=type, source=source)
    return EventCounts(step, ws.journal.arrivals(chosen))


_EVENT: Final = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "description": "With source the identity: a repeat changes nothing.",
        },
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1, "description": "feature_flag.evaluation is an exposure."},
        "subject": {"type": "string", "description": "The user, in exposures and metric events."},
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "Default: the moment it is received.",
        },
        "data": {"description": "Any JSON; a number under `value` is what metrics add up."},
    },
}
_RECEIPT: Final = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected"],
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "reason"],
                "properties": {"index": {"type": "integer"}, "reason": {"type": "string"}},
            },
        },
    },
}

_LOGS: Final = {
    "type": "object",
    "description": "An ExportLogsServiceRequest in OTLP's JSON.",
    "properties": {"resourceLogs": {"type": "array", "items": {"type": "object"}}},
}
_PARTIAL: Final = {
    "type": "object",
    "properties": {
        "partialSuccess": {
            "type": "object",
            "properties": {
                "rejectedLogRecords": {
                    "type": "string",
                    "description": "A number, as JSON Protobuf writes it.",
                },
                "errorMessage": {"type": "string"},
            },
        }
    },
}

openapi_paths: dict[str, Any] = {
    LIVE: {
        "get": {
            "tags": ["events"],
            "operationId": "FollowCounts",
            "summary": "Counts by minute as they arrive, as server-sent events",
            "description": (
                "The first message has the last hour, each other the minutes whose counts have changed, with their whole "
                "counts; at most one a second. `Last-Event-ID` continues where a client stopped. The stream ends after "
                "ten minutes, and when the server stops: clients come back by themselves."
            ),
            "parameters": [
                {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
                for name in ("type", "source")
            ],
            "responses": {
                "200": {
                    "description": "Messages of the event `counts`",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                }
            },
        }
    },
    "/api/events": {
        "post": {
            "tags": ["events"],
            "operationId": "AppendEvents",
            "summary": "Append CloudEvents",
            "description": (
                "Answers after the accepted events are on the disk. What is no event is rejected with its reason and costs "
                "the others nothing; when all are rejected the status is 400. The token needs the scope `events:write`."
            ),
            "requestBody": {
                "required": True,
                "content": {
                    SINGLE: {"schema": _EVENT},
                    BATCH: {"schema": {"type": "array", "items": _EVENT}},
                    LINES: {"schema": {"type": "string", "description": "One event on each line."}},
                },
            },
            "responses": {
                "200": {
                    "description": "What became of the events",
                    "content": {"application/json": {"schema": _RECEIPT}},
                }
            },
        }
    },
    LOGS: {
        "post": {
            "tags": ["events"],
            "operationId": "ExportLogs",
            "summary": "Take flag evaluations as OpenTelemetry logs (OTLP/HTTP, JSON)",
            "description": (
                "Log records whose event name is `feature_flag.evaluation` become events, once each: a record's identity is "
                "its attribute `log.record.uid`, else its content. The answer comes after they are on the disk and counts "
                "the records that are not taken. gzip is taken, Protobuf is not. The token needs the scope `events:write`."
            ),
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _LOGS}},
            },
            "responses": {
                "200": {
                    "description": "Empty where all was taken",
                    "content": {"application/json": {"schema": _PARTIAL}},
                }
            },
        }
    },
}

routes: list[Any] = [append_events, list_events, count_events]
