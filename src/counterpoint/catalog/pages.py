"""The pages of the catalog: the list of entities with its filters, and one entity."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from counterpoint.catalog import shown
from counterpoint.catalog.flow import flow_of
from counterpoint.catalog.history.pages import pages as history_pages
from counterpoint.catalog.listed import counts
from counterpoint.catalog.problem_pages import problem_pages
from counterpoint.catalog.problems import count_problems, list_problems
from counterpoint.catalog.reuse.store import twins_of
from counterpoint.catalog.scorecards.pages import pages as scorecard_pages
from counterpoint.catalog.scorecards.shown import entity_section
from counterpoint.catalog.touching import SOFTWARE, touching
from counterpoint.catalog.views.model import query_of
from counterpoint.catalog.views.store import views_for
from counterpoint.errors import NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.kinds import KINDS, canonical_kind
from counterpoint.graph.past import Life, life_of, versions_of
from counterpoint.graph.ref import parse_ref
from counterpoint.web import PageContext, render
from counterpoint.web.sight import sight_nodes_of, sight_of
from counterpoint.web.similar import contacts_of
from counterpoint.web.urls import with_query
from counterpoint.web.words import kind_word, kind_words
from counterpoint.workspace import Workspace
from counterpoint.yaml12.writing import yaml_text

__all__ = ["pages"]

ROWS = 50
CHOICES = 200
"""Values that one filter offers; owners and tags beyond the most frequent ones are found by text."""
VERSIONS = 20
OfType = Annotated[str, QueryParameter(name="type")]
KIND_ORDER = (
    "Component",
    "API",
    "System",
    "Domain",
    "Resource",
    "Group",
    "User",
    "Bet",
    "Metric",
    "Dashboard",
    "Goal",
    "Belief",
    "Purpose",
)
SIGHTED = SOFTWARE | {"Purpose", "Belief", "Insight", "Datum", "Goal", "Rollout"}
"""Kinds whose page shows what they are for, or what is there because of them."""
EVERY = "all"
"""What `kind` says to ask for every kind; without it the list begins with what people look for most."""
FIRST = "Component"


@get("/catalog", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    kind: FromQuery[str] = "",
    type_: OfType = "",
    lifecycle: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    tag: FromQuery[str] = "",
    text: FromQuery[str] = "",
    at: FromQuery[str] = "",
    order: FromQuery[str] = "title",
    cursor: FromQuery[str | None] = None,
) -> str:
    """The entities that the filters let through; without any filter the components, where there are some.

    With `at` as they were at the end of a day, or at a moment.
    """
    moment = shown.moment_of(at) if at else None
    owner = str(parse_ref(owner, default_kind="Group")) if owner else ""
    begins = not any((kind, type_, lifecycle, owner, tag, text.strip()))
    asked = {
        "kind": "" if kind == EVERY else kind,
        "type": type_,
        "lifecycle": lifecycle,
        "owner": owner,
        "tag": tag,
        "text": text.strip(),
    }
    with ws.graph.read() as reader:
        if begins and counts(ws, reader, {"kind": FIRST}, moment)[0]:
            asked["kind"] = FIRST
        chosen = {name: value for name, value in asked.items() if value}
        passing, total, values = counts(ws, reader, chosen, moment)
        when: dict[str, Any] = {"at": moment} if moment else {}
        narrowed: dict[str, Any] = dict(chosen)
        found = reader.find(order=order, limit=ROWS, cursor=cursor, total=passing, **narrowed, **when)
        facets = {name: _choices(each, chosen.get(name)) for name, each in values.items()} if total else {}
        titles = reader.titles({value for value, _count in facets.get("owner", ())})
        problems = count_problems(reader)
    here = with_query(
        "/catalog", **{"kind": EVERY} | chosen, at=at, order=order if order != "title" else None
    )
    views = views_for(ws.graph, actor)
    query = query_of(here)
    return render(
        page,
        "catalog/list.html",
        found=found,
        total=total,
        facets=facets,
        titles=titles,
        asked=asked,
        problems=problems,
        narrowed=[name for name in chosen if name != "kind"],
        order=order,
        at=moment,
        at_text=at,
        views=views,
        query=query,
        here=here,
        tabs=_tabs([pair for pair in facets.get("kind", ()) if not page.hides(pair[0])], here),
        tab=here,
        next_url=with_query(here, cursor=found.next_cursor) if found.next_cursor else None,
        first_url=here if cursor else None,
    )


def _tabs(kinds: Iterable[tuple[str, int]], here: str) -> list[tuple[str, str, int]]:
    """One tab for all kinds and one for each, in the order in which people think of them."""
    order = list(KIND_ORDER)
    ordered = sorted(
        kinds, key=lambda pair: (order.index(pair[0]) if pair[0] in order else len(order), pair[0])
    )
    everything = ("All", with_query(here, kind=EVERY), sum(count for _kind, count in ordered))
    tabs = [(kind_words(kind), with_query(here, kind=kind), count) for kind, count in ordered]
    return [everything, *tabs]


def _choices(values: list[tuple[str, int]], present: str | None) -> list[tuple[str, int]]:
    """The values that a filter offers; what is chosen is among them, even where nothing has it."""
    offered = values[:CHOICES]
    if present and present not in {value for value, _count in offered}:
        offered.append((present, dict(values).get(present, 0)))
    return offered


@get(
    "/catalog/{kind:str}/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_entity(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str] = "",
    steps: FromQuery[int] = 1,
) -> str:
    """One entity, as it is or as it was at a date; with `steps=2` what it needs, and what needs it, two steps far."""
    moment = shown.moment_of(at) if at else None
    ref = f"{kind}:{namespace}/{name}".lower()
    with ws.graph.read() as reader:
        entity = reader.get(ref, at=moment)
        life = life_of(reader, ref)
        if entity is None or life is None:
            raise NotFoundError(_absence(ref, moment, life))
        history = versions_of(reader, ref, limit=VERSIONS)
        refs = {ref for refs in shown.ends(entity).values() for ref in refs}
        known = reader.get_many(refs, at=moment, bare=True)
        people = reader.titles({step.actor for step in (*history, life.first)})
        touches = touching(reader, entity) if moment is None else []
        sight = sight_of(reader, entity.ref) if moment is None and entity.kind in SIGHTED else None
        flow = flow_of(reader, entity) if moment is None and steps > 1 else None
        owner = known.get(entity.owner or "")
        problems = [found for _at, found in list_problems(reader, ref=ref)] if moment is None else []
    page = page.about(entity.ref if entity.kind in ("Group", "User") else entity.owner)
    sections = page.told(shown.practised(shown.sections(entity, known), page.hides))
    by_relation = {section.relation: section for section in sections}
    return render(
        page,
        "catalog/entity.html",
        entity=entity,
        kind=KINDS.get(canonical_kind(entity.kind)),
        sections=sections,
        related=by_relation,
        diagram=shown.flow_diagram(entity, flow)
        if flow
        else shown.diagram(entity, sections, page.tell(kind_word(entity.kind))),
        steps=2 if flow else 1,
        has_flow=moment is None and shown.has_flow(sections),
        flow=flow,
        touches=[each for each in touches if page.practises(f"{each.kind.lower()}s")],
        sight=sight if page.practises("bets") else None,
        nodes_of=sight_nodes_of,
        problems=problems,
        scorecards=entity_section(ws, ref, moment) if page.practises("scorecards") else [],
        software=entity.kind in SOFTWARE,
        contacts=contacts_of(owner),
        twins=twins_of(ws, ref) if moment is None and page.practises("reuse") else (),
        facts=shown.facts(entity),
        rows=shown.spec_rows(entity, sections),
        origin=shown.origin(entity),
        source=yaml_text(entity.document),
        definition=_definition(entity),
        history=history,
        versions=life.versions,
        writer=life.first.actor,
        people=people,
        at=moment,
        is_current=moment is None or life.last.version == entity.version,
    )


def _definition(entity: Entity) -> str | None:
    definition = entity.spec.get("definition")
    if definition is None:
        return None
    return definition if isinstance(definition, str) else yaml_text(definition)


def _absence(ref: str, at: datetime | None, life: Life | None) -> str:
    if at is not None and life and at < life.first.at:
        return f"{ref} did not exist on {at:%Y-%m-%d}; it was added on {life.first.at:%Y-%m-%d}."
    if life:
        return f"{ref} was deleted on {life.last.at:%Y-%m-%d}; add ?at= and an earlier date to see it."
    return f"There is no {ref}."


pages: list[Any] = [show_list, show_entity, *history_pages, *problem_pages, *scorecard_pages]
