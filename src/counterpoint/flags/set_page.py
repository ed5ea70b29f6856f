"""The page of one flag set: its flags, environments, layers, versions, findings, and how to connect to it."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import MediaType, Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterpoint.flags.composition import upcoming
from counterpoint.flags.environments import place_of
from counterpoint.flags.layer_view import holdouts_of, layers_of, segments_of
from counterpoint.flags.list_page import refs_of
from counterpoint.flags.meanwhile import may_write
from counterpoint.flags.overseeing import overview_of
from counterpoint.flags.overview import Asked, FlagRow, counts_of, grouped, narrowed_rows
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.set_facts import environments_now, findings_now, versions_now
from counterpoint.flags.snippets import Snippet, snippets_of
from counterpoint.flags.store import StoredSet, find_set, flag_sets
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.workspace import Workspace

__all__ = ["pages"]

ROWS = 50
VERSIONS = 8
FINDINGS = 12
LONGEST = 60_000
"""Bytes of a definition that the page shows."""
LINKED = ("implementsBet", "flagOf", "exposes")
"""What a set is joined to beside owners and other environments."""


@get("/flags/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_set(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    actor: NamedDependency[Actor],
    request: Request[Any, Any, Any],
    set_name: FromPath[str],
) -> str:
    """One flag set, whole."""
    with ws.graph.read() as reader:
        overview = overview_of(ws, reader)
        stored = overview.set_called(set_name) or flag_sets(ws).of(find_set(reader, set_name))
        entity = stored.entity
        rows = narrowed_rows(overview.rows, Asked(set=stored.name))
        rows = [row for row in rows if row.main.item.set == stored.name]
        shown = [row for _, part in grouped(rows, "state", {}) for row in part][:ROWS]
        versions = versions_now(ws, reader, stored.name, limit=VERSIONS)
        environments = environments_now(ws, reader, stored.name, overview.sets)
        findings = findings_now(ws, reader, stored)
        linked = sorted({edge.target for edge in entity.relations if edge.type in LINKED})
        refs = refs_of(shown) | {version.actor for version in versions.items if "/" in version.actor}
        known = dict(reader.get_many(refs | set(linked) | ({entity.owner} if entity.owner else set())))
        permission = may_write(reader, entity, actor)
    composition = composition_of(ws, entity)
    return render(
        page.about(entity.owner),
        "flags/set.html",
        stored=stored,
        place=place_of(stored.name, ws.settings.flags.environments),
        rows=shown,
        counts=counts_of(rows),
        total=len(rows),
        stale=[row.main for row in rows if row.main.stale],
        known=known,
        linked=[known[ref] for ref in linked if ref in known],
        permission=permission,
        environments=environments.items if sum(each.exists for each in environments.items) > 1 else (),
        next_environment=next(
            (each.promotes_to for each in environments.items if each.set == stored.name and each.promotes_to),
            None,
        ),
        findings=findings[:FINDINGS],
        more_findings=max(0, len(findings) - FINDINGS),
        layers=layers_of(composition),
        holdouts=holdouts_of(composition),
        segments=segments_of(composition),
        detached=sorted(composition.detached),
        upcoming=upcoming(composition, time.time()),
        versions=versions,
        snippets=_snippets(request, stored, rows),
        definition=_pretty(entity.spec["definition"]),
    )


def _snippets(request: Request[Any, Any, Any], stored: StoredSet, rows: Sequence[FlagRow]) -> list[Snippet]:
    """With a flag of the set as the example, one that people are likely to try."""
    url = str(request.base_url).rstrip("/")
    if not rows:
        return snippets_of(url, stored.name)
    item = min(rows, key=lambda row: row.main.item.type != "boolean").main.item
    return snippets_of(url, stored.name, item.key, item.type)


def _pretty(value: Any) -> str | None:
    """As indented JSON; None where that is more than anybody reads on a page."""
    written = msgspec.json.encode(value)
    return msgspec.json.format(written, indent=2).decode() if len(written) <= LONGEST else None


pages: list[Any] = [show_set]
