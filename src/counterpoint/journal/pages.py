"""The page of events: what happened, so that every figure can show what it was computed from."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from counterpoint.errors import InputError
from counterpoint.journal.health_page import TABS as PARTS
from counterpoint.journal.health_page import health_pages
from counterpoint.journal.model.event import EXPOSURE, Event
from counterpoint.journal.model.outcome import TypeCount
from counterpoint.journal.recent import cursor_after
from counterpoint.web import PageContext, render
from counterpoint.web.formats import number
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

LIMIT: Final = 50
TABS: Final = 7
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
    document: str
    """The event as JSON, for people."""


@get("/events", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_events(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    type: FromQuery[str] = "",  # noqa: A002 - CloudEvents' word
    subject: FromQuery[str] = "",
    set: FromQuery[str] = "",  # noqa: A002 - the word of the address
    flag: FromQuery[str] = "",
    variant: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> str:
    """The newest events, by type, subject, flag set, flag and variant."""
    given = {"type": type, "subject": subject, "set": set, "flag": flag, "variant": variant}
    wanted = {name: value.strip() for name, value in given.items()}
    asked = {name: value for name, value in wanted.items() if value}
    problem = None
    try:
        found = ws.journal.recent(
            type=asked.get("type"),
            subject=asked.get("subject"),
            flag_set=asked.get("set"),
            flag=asked.get("flag"),
            variant=asked.get("variant"),
            limit=LIMIT + 1,
            before=cursor or None,
        )
    except InputError as error:
        found, problem = [], error.message
    counts = ws.journal.counts()
    here = _address(wanted)
    return render(
        page,
        "journal/events.html",
        parts=PARTS,
        counts=counts,
        total=sum(each.count for each in counts),
        tabs=type_tabs(counts, wanted),
        current=_address(wanted),
        lines=[line_of_event(event) for event in found[:LIMIT]],
        wanted=wanted,
        filtered=bool(asked),
        problem=problem,
        next_url=_address(wanted, cursor=cursor_after(found[LIMIT - 1], ws.journal.now()))
        if len(found) > LIMIT
        else None,
        first_url=here if cursor else None,
        example=EXAMPLE,
        exposure=EXPOSURE,
    )


def type_tabs(counts: Sequence[TypeCount], wanted: dict[str, str]) -> list[tuple[str, str, str | None]]:
    """A tab for each type with its count; none where there are too many to see at once."""
    if len(counts) > TABS:
        return []
    tabs: list[tuple[str, str, str | None]] = [("All", _address(wanted, type=""), None)]
    for each in counts:
        label = "Exposures" if each.type == EXPOSURE else each.type
        tabs.append((label, _address(wanted, type=each.type), number(each.count)))
    return tabs


def _address(wanted: dict[str, str], **changes: str) -> str:
    return with_query("/events", **{**wanted, **changes})


def line_of_event(event: Event) -> Line:
    """An event with its document, laid out for reading."""
    return Line(event, msgspec.json.format(msgspec.json.encode(event.document()), indent=2).decode())


pages: list[Any] = [show_events, *health_pages]
