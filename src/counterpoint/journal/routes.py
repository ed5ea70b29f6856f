"""The journal over HTTP: CloudEvents in, and out again."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from counterpoint.errors import NotFoundError
from counterpoint.journal.arrivals import By, Period, selection
from counterpoint.journal.bodies import Room
from counterpoint.journal.engine_state import Engines
from counterpoint.journal.erasure import ErasureReceipt
from counterpoint.journal.health import Health, Range, health_of
from counterpoint.journal.live import LIVE, LiveCounts
from counterpoint.journal.logs import PATH as LOGS
from counterpoint.journal.logs import OtlpLogs
from counterpoint.journal.receiving import PATH as EVENTS
from counterpoint.journal.receiving import Receiving
from counterpoint.journal.recent import cursor_after
from counterpoint.journal.wire import BATCH, LINES, SINGLE
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "openapi_paths", "routes"]

MOST: Final = 500
"""Events on one page."""
MEBIBYTE: Final = 1024 * 1024


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """What is sent in bulk, beside the framework, which takes no compressed bodies and costs each request much; and
    the stream of counts."""
    room = Room(workspace.settings.journal.buffer_mb * MEBIBYTE)
    most = workspace.settings.server.max_body_mb * MEBIBYTE
    return {
        EVENTS: Receiving(lambda: workspace.journal, room, limit=most),
        LOGS: OtlpLogs(lambda: workspace.journal, room),
        LIVE: LiveCounts(lambda: workspace.journal),
    }


@post(EVENTS, status_code=200, include_in_schema=False)
async def append_events() -> None:
    """What the framework knows of the address, so that it answers other methods there; `Receiving` takes the events."""
    raise NotFoundError(f"There is nothing here; events go to {EVENTS}.")


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
        [event.document() for event in found[:limit]],
        cursor_after(found[limit - 1], ws.journal.now()) if more else None,
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


class ErasureList(msgspec.Struct, frozen=True):
    """The receipts of all erasures, the latest first."""

    items: list[ErasureReceipt]


@get("/api/v1/events/erasures", tags=["events"], sync_to_thread=True)
def list_erasures(ws: NamedDependency[Workspace]) -> ErasureList:
    """What was removed for people who were to be forgotten: when, who asked, events by type, files. Not of whom."""
    return ErasureList(ws.journal.erasures()[::-1])


@get("/api/v1/events/health", tags=["events"], sync_to_thread=True)
def tell_health(ws: NamedDependency[Workspace], range: FromQuery[Range] = "hour") -> Health:  # noqa: A002
    """The health of ingest: rate, delay, duplicates, rejections by reason, queue, storage and engine.

    `range` is what the counts are of. The queue and a failed compaction are of the process that answers.
    """
    engine = ws.keep(Engines, lambda workspace: Engines(workspace.settings.engine)).state()
    return health_of(ws.journal, engine, range=range)


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
        "future": {
            "type": "integer",
            "description": "Events whose time lies more than five minutes ahead of the server's; left out where none does.",
        },
        "late": {
            "type": "integer",
            "description": "Events whose time lies before the year 2000; left out where none does.",
        },
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
    EVENTS: {
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

routes: list[Any] = [append_events, list_events, count_events, list_erasures, tell_health]
