"""The page of problems: what is wrong in which file, since when, and the way out."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from counterpoint.catalog.locations import shown_path
from counterpoint.catalog.problems import Standing, count_problems, list_problems
from counterpoint.catalog.remedies import LABELS, REMEDIES
from counterpoint.catalog.removal import named_places, remove_place
from counterpoint.catalog.rereading import reread_places
from counterpoint.catalog.sources import source_at
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Actor
from counterpoint.graph.named import require_known
from counterpoint.graph.permissions import may
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["problem_pages"]

PAGE = "/catalog/problems"
MOST = 200
LEVELS = ("error", "warning", "note")
OfLevel = Annotated[Literal["error", "warning", "note", ""], QueryParameter(name="level")]


@dataclass(frozen=True, slots=True)
class FileProblems:
    """The problems of one file or address."""

    location: str
    name: str
    problems: tuple[Standing, ...]
    since: datetime
    readable: bool
    """Whether it can be read again; what is only left over cannot."""
    named: bool
    """Whether somebody named this very place, so that it can be taken back."""


@get(PAGE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_problems(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    level: OfLevel = "",
    owner: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """What is wrong, by file."""
    after = read_cursor(cursor, tuple[str, int]) if cursor else None
    with ws.graph.read() as reader:
        owner = require_known(reader, owner, "/owner") if owner else ""
        counts = count_problems(reader, owner=owner or None)
        whole = count_problems(reader) if owner else counts
        found = list_problems(reader, level=level or None, owner=owner or None, after=after, limit=MOST + 1)
        more, shown = len(found) > MOST, found[:MOST]
        everything = found if not (level or owner or after) else list_problems(reader, limit=MOST)
        owners = {each.owner for _, each in everything if each.owner} | ({owner} if owner else set())
        named = {ref for _, each in shown for ref in (each.ref, each.owner) if ref}
        titles = reader.titles(named | owners)
        places = named_places(reader)
        readable = {each.location for _, each in shown if source_at(reader, each.location) is not None}
    here = with_query(PAGE, level=level, owner=owner)
    return render(
        page,
        "catalog/problems.html",
        files=_by_file([each for _, each in shown], readable, places),
        counts=counts,
        total=sum(whole.values()),
        level=level,
        owner=owner,
        owners=sorted(owners, key=lambda ref: (titles.get(ref) or ref).casefold()),
        titles=titles,
        labels=LABELS,
        remedies=REMEDIES,
        tabs=_tabs(counts, owner),
        here=here,
        tab=with_query(PAGE, level=level, owner=owner),
        next_url=with_query(here, cursor=cursor_of(shown[-1][1].location, shown[-1][0])) if more else None,
        first_url=here if cursor else None,
    )


def _tabs(counts: dict[str, int], owner: str) -> list[tuple[str, str, int]]:
    names = {"error": "Errors", "warning": "Warnings", "note": "Notes"}
    each = [
        (names[level], with_query(PAGE, level=level, owner=owner), counts.get(level, 0)) for level in LEVELS
    ]
    return [("All", with_query(PAGE, owner=owner), sum(counts.values())), *each]


def _by_file(problems: list[Standing], readable: set[str], named: set[str]) -> list[FileProblems]:
    files = []
    for location, group in groupby(problems, key=lambda each: each.location):
        each = tuple(group)
        kind, _, target = location.partition(":")
        name = shown_path(Path(target)) if kind == "file" else target
        files.append(
            FileProblems(
                location, name, each, min(one.since for one in each), location in readable, target in named
            )
        )
    return files


@post(f"{PAGE}/read", include_in_schema=False, sync_to_thread=True)
def read_again(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: URLEncodedBody[dict[str, Any]]
) -> Redirect:
    """Read a file again now, in the name of whoever brought it in."""
    decision = may(actor, "write", new=True)
    if not decision.allow:
        raise NotAllowedError(f"Nothing was read. {decision.reason}")
    location = str(data.get("location", ""))
    with ws.graph.read() as reader:
        if source_at(reader, location) is None:
            raise NotFoundError(f"Nothing was read from {location} so far; import it first.")
    reread_places(ws.graph, [location], hosts=ws.settings.catalog.read_hosts, upwards=True)
    return _back("read-again", data)


@post(f"{PAGE}/forget", include_in_schema=False, sync_to_thread=True)
def forget_place(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: URLEncodedBody[dict[str, Any]]
) -> Redirect:
    """Take back what was imported or registered by mistake, with everything that came from it."""
    remove_place(ws.graph, actor, str(data.get("location", "")).partition(":")[2])
    return _back("location-removed", data)


@post(f"{PAGE}/delete", include_in_schema=False, sync_to_thread=True)
def delete_orphan(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: URLEncodedBody[dict[str, Any]]
) -> Redirect:
    """Delete an entity that nothing declares any more; its history stays."""
    ref = str(data.get("ref", ""))
    with ws.graph.write(actor) as writer:
        if not list_problems(writer, code="orphan", ref=ref, limit=1):
            raise InputError(f"{ref or 'That'} is no orphan; only what nothing declares can be deleted here.")
        writer.delete(ref, reason="Nothing declared it any more.")
    return _back("deleted", data)


def _back(told: str, data: dict[str, Any]) -> Redirect:
    level = str(data.get("level", ""))
    address = with_query(
        PAGE, level=level if level in LEVELS else "", owner=str(data.get("owner", "")), told=told
    )
    return Redirect(address, status_code=303)


problem_pages: list[Any] = [show_problems, read_again, forget_place, delete_orphan]
