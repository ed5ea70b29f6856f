"""The page of events: what happened, so that every figure can show what it was computed from."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import MediaType, get
from litestar.params import FromQuery

from counterpoint.errors import InputError
from counterpoint.journal.model.event import EXPOSURE, Event
from counterpoint.journal.recent import cursor_after
from counterpoint.web import PageContext, render
from counterpoint.workspace import Workspace

__all__ = ["pages"]

LIMIT: Final = 50
EXAMPLE: Final = """\
source: checkout-test            # where the events come from
subject: userid                  # the column that holds the user
time: 2026-05-04T00:00:00Z       # or {column: started_at}
exposure: {flag: new-checkout, variant: version}
metrics:
  order.placed: ordered          # event type: column
  order.value: basket_value
"""


class Line(msgspec.Struct, frozen=True):
    """One event as the table shows it."""

    event: Event
    says: str
    """The variant, the value, or nothing."""
    document: str
    """The event as JSON, for people."""


@get("/events", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_events(
    ws: Workspace,
    page: PageContext,
    type: FromQuery[str] = "",  # noqa: A002 - CloudEvents' word
    subject: FromQuery[str] = "",
    flag: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> str:
    """The newest events, by type, subject and flag."""
    wanted = {"type": type.strip(), "subject": subject.strip(), "flag": flag.strip()}
    asked = {name: value for name, value in wanted.items() if value}
    problem = None
    try:
        found = ws.journal.recent(
            **{name: asked.get(name) for name in wanted}, limit=LIMIT + 1, before=cursor or None
        )
    except InputError as error:
        found, problem = [], error.message
    counts = ws.journal.counts()
    here = f"/events?{urlencode(asked)}" if asked else "/events"
    join = "&" if asked else "?"
    return render(
        page,
        "journal/events.html",
        counts=counts,
        total=sum(each.count for each in counts),
        types=[each.type for each in counts],
        lines=[line_of_event(event) for event in found[:LIMIT]],
        wanted=wanted,
        filtered=bool(asked),
        problem=problem,
        next_url=f"{here}{join}{urlencode({'cursor': cursor_after(found[LIMIT - 1])})}"
        if len(found) > LIMIT
        else None,
        first_url=here if cursor else None,
        example=EXAMPLE,
        exposure=EXPOSURE,
    )


def line_of_event(event: Event) -> Line:
    """What the table says of an event."""
    document = msgspec.json.format(msgspec.json.encode(event.document()), indent=2).decode()
    if event.type == EXPOSURE:
        return Line(event, f"{event.flag or 'no flag'} → {event.variant or 'no variant'}", document)
    return Line(event, "" if event.value is None else f"{event.value:g}", document)


pages: list[Any] = [show_events]
