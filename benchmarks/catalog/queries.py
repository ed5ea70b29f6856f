"""The queries that are timed: those of an ordinary portal at 10,000 entities, and those that hurt at 500,000."""

import json
from dataclasses import dataclass

from exchange import query as path_of
from generate import component_name

TEXT = "metadata.name,metadata.title,metadata.description"
FULL_TEXT = ("fullTextFilterTerm", "podcast")
COMPONENTS = ("filter", "kind=component")
BY_NAME = ("orderField", "metadata.name,asc")
OWNED = "relations.ownedBy=group:default/squad-000007"


@dataclass(frozen=True)
class Query:
    """A request with its name in tables. `bar_ms` and `times` are the bars: p50, and how many times faster."""

    name: str
    path: str
    body: bytes | None = None
    bar_ms: float | None = None
    times: float | None = None

    @property
    def method(self) -> str:
        """How it is sent."""
        return "POST" if self.body else "GET"


def _page(
    name: str, *pairs: tuple[str, object], bar_ms: float | None = 2.0, times: float | None = 10.0
) -> Query:
    return Query(name, path_of("/entities/by-query", *pairs), bar_ms=bar_ms, times=times)


def _facets(
    name: str, *pairs: tuple[str, object], bar_ms: float | None = 2.0, times: float | None = 10.0
) -> Query:
    return Query(name, path_of("/entity-facets", *pairs), bar_ms=bar_ms, times=times)


def _by_refs(count: int) -> bytes:
    return json.dumps(
        {"entityRefs": [f"component:default/{component_name(number)}" for number in range(count)]}
    ).encode()


ORDINARY = (
    Query("all entities", "/entities", times=5),
    Query("all entities, 3 fields", path_of("/entities", ("fields", "kind,metadata.namespace,metadata.name")), times=5),
    Query("/entities, component and service", path_of("/entities", ("filter", "kind=component,spec.type=service"))),
    _page("page of 20, kind, by name", COMPONENTS, BY_NAME, ("limit", 20)),
    _page("page of 20, kind and relations.ownedBy, by name", ("filter", f"kind=component,{OWNED}"), BY_NAME, ("limit", 20)),
    _page("page of 20, type, lifecycle and tag, by name", ("filter", "kind=component,spec.type=service,spec.lifecycle=production,metadata.tags=java"), BY_NAME, ("limit", 20)),
    _page("count, kind", COMPONENTS, ("limit", 0)),
    _page("full text, 3 fields, by name", FULL_TEXT, ("fullTextFilterFields", TEXT), BY_NAME, ("limit", 20)),
    _facets("facets kind", ("facet", "kind")),
    _facets("facets kind, type, tags, owner", *(("facet", each) for each in ("kind", "spec.type", "metadata.tags", "spec.owner"))),
    _facets("facets tags, kind=component", ("facet", "metadata.tags"), COMPONENTS),
    _facets("facets ownedBy, kind=component", ("facet", "relations.ownedBy"), COMPONENTS),
    Query("by name", f"/entities/by-name/component/default/{component_name(42)}"),
    Query("by refs of 100", "/entities/by-refs", _by_refs(100)),
)  # fmt: skip
"""The bars are the issue's: 2 ms and 10 times faster for a filtered page, counts, facets and full text; 5 times for all."""

LARGE = (
    _page("page of 20 components by name", COMPONENTS, BY_NAME, ("limit", 20), bar_ms=20),
    _page("its count alone", COMPONENTS, ("limit", 0), bar_ms=20),
    _facets("facets type over the components", ("facet", "spec.type"), COMPONENTS, bar_ms=20),
    _facets("facets tags over the components", ("facet", "metadata.tags"), COMPONENTS, bar_ms=20),
    _facets("facets owner over the components", ("facet", "spec.owner"), COMPONENTS, bar_ms=20),
    _page("unfiltered count", ("limit", 0), bar_ms=20),
    _page("full text in the name, by name", FULL_TEXT, ("fullTextFilterFields", "metadata.name"), COMPONENTS, BY_NAME, ("limit", 20), bar_ms=20),
    _page("full text, 3 fields, by name", FULL_TEXT, ("fullTextFilterFields", TEXT), BY_NAME, ("limit", 20), bar_ms=20),
    _page("ordered two-branch OR", ("filter", f"kind=component,{OWNED}"), ("filter", "kind=api,spec.lifecycle=production"), BY_NAME, ("limit", 20), bar_ms=20),
    _page("ordered two-branch OR, wide", ("filter", "kind=component,spec.type=service"), ("filter", "kind=api"), BY_NAME, ("limit", 20), bar_ms=20),
    _page("orphans", ("filter", "metadata.annotations.backstage.io/orphan=true"), ("limit", 20), bar_ms=20),
    Query("lookup by name", f"/entities/by-name/component/default/{component_name(42)}", bar_ms=20),
    Query("lookup of 100 by refs", "/entities/by-refs", _by_refs(100), bar_ms=20),
)  # fmt: skip
"""The scenarios of Backstage's own query battery, each with the issue's bar of 20 ms at 500,000 entities."""

LOADED = ("page of 20, kind, by name", "by name", "facets tags, kind=component")
"""Those of the ordinary queries that eight connections ask at once."""
