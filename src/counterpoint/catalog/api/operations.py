"""Every operation of the catalog API with its parameters, in one table."""

from counterpoint.catalog.api import entities, queries
from counterpoint.catalog.api.ancestry import ancestry
from counterpoint.catalog.api.checks import Parameter
from counterpoint.catalog.api.router import Operation
from counterpoint.catalog.api.writes import WRITES
from counterpoint.graph.index import index_of
from counterpoint.workspace import Workspace

__all__ = ["OPERATIONS"]

SMALL = 30_000
"""Entities up to which every query takes less time than a thread would cost."""

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
OBJECT = {"type": "object"}
COUNT = {"type": "number", "minimum": 0}
ORDER = {
    "type": "object",
    "required": ["field", "order"],
    "properties": {"field": TEXT, "order": {"type": "string", "enum": ["asc", "desc"]}},
}
BY_REFS = {
    "type": "object",
    "required": ["entityRefs"],
    "properties": {"entityRefs": TEXTS, "fields": TEXTS, "query": OBJECT},
}
BY_QUERY = {
    "type": "object",
    "properties": {
        "cursor": TEXT,
        "limit": COUNT,
        "offset": COUNT,
        "orderBy": {"type": "array", "items": ORDER},
        "fullTextFilter": {"type": "object", "properties": {"term": TEXT, "fields": TEXTS}},
        "fields": TEXTS,
        "totalItems": {"type": "string", "enum": ["include", "exclude"]},
        "query": OBJECT,
    },
}
FACETS = {"type": "object", "required": ["facets"], "properties": {"facets": TEXTS, "query": OBJECT}}

FILTER, FIELDS = Parameter("filter", "texts"), Parameter("fields", "list")
LIMIT, OFFSET = Parameter("limit", "count"), Parameter("offset", "count")
NAME = "/entities/by-name/{kind}/{namespace}/{name}"


def is_at_hand(workspace: Workspace) -> bool:
    """Whether the index is small and in step with the graph, so that a question is answered at once."""
    index = index_of(workspace)
    return index.size <= SMALL and index.is_current()


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/entities",
        entities.list_entities,
        "All entities, or a page of them with a `Link` to the next",
        (FIELDS, LIMIT, FILTER, OFFSET, Parameter("after"), Parameter("order", "texts")),
        quick=is_at_hand,
    ),
    Operation("GET", "/entities/by-uid/{uid}", entities.by_uid, "The entity with a uid", quick=is_at_hand),
    Operation("GET", NAME, entities.by_name, "The entity with a name", quick=is_at_hand),
    Operation("GET", f"{NAME}/ancestry", ancestry, "An entity, and what it was read through"),
    Operation(
        "POST",
        "/entities/by-refs",
        entities.by_refs,
        "Entities by their references, null for each that is not there",
        (FILTER,),
        BY_REFS,
        body_required=False,
        quick=is_at_hand,
    ),
    Operation(
        "GET",
        "/entities/by-query",
        queries.query_by_get,
        "A page of entities by filter, text and order, with cursors both ways",
        (
            FIELDS,
            LIMIT,
            OFFSET,
            Parameter("orderField", "texts"),
            Parameter("cursor"),
            FILTER,
            Parameter("totalItems", choices=("include", "exclude")),
            Parameter("fullTextFilterTerm"),
            Parameter("fullTextFilterFields", "list"),
        ),
        quick=is_at_hand,
    ),
    Operation(
        "POST",
        "/entities/by-query",
        queries.query_by_post,
        "The same by a predicate",
        body=BY_QUERY,
        body_required=False,
        quick=is_at_hand,
    ),
    Operation(
        "GET",
        "/entity-facets",
        queries.facets_by_get,
        "How many entities have each value of some keys",
        (Parameter("facet", "texts", required=True), FILTER),
        quick=is_at_hand,
    ),
    Operation(
        "POST",
        "/entity-facets",
        queries.facets_by_post,
        "The same by a predicate",
        body=FACETS,
        quick=is_at_hand,
    ),
    *WRITES,
)
