"""The API of the past: differences, relations and facets at a date."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from counterpoint.catalog.history.asking import compare_between
from counterpoint.catalog.shown import moment_of
from counterpoint.errors import InputError, Problem
from counterpoint.graph.past import Comparison, HeldRelation, relations_of
from counterpoint.graph.query import FACETS
from counterpoint.graph.ref import Ref
from counterpoint.workspace import Workspace

__all__ = ["related", "routes"]

Since = Annotated[str | None, QueryParameter(name="from")]
Until = Annotated[str | None, QueryParameter(name="to")]
OfType = Annotated[list[str] | None, QueryParameter(name="type")]


class Relations(msgspec.Struct, frozen=True):
    """The relations of an entity, by type and target."""

    items: list[HeldRelation]


class FacetValue(msgspec.Struct, frozen=True):
    """A value with how many entities have it."""

    value: str
    count: int


class Facets(msgspec.Struct, frozen=True):
    """The values of each field that was asked for, the most frequent first."""

    facets: dict[str, list[FacetValue]]


@get("/api/v1/entities/{kind:str}/{namespace:str}/{name:str}/diff", tags=["entities"], sync_to_thread=True)
def read_difference(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    since: Since = None,
    until: Until = None,
) -> Comparison:
    """What changed after `from` and up to `to` (dates, meaning their end, or moments): fields, relations, versions.

    Without `to` up to now; without `from` what the last change before `to` changed.
    """
    with ws.graph.read() as reader:
        return compare_between(reader, Ref(kind, namespace, name), since, until)


@get(
    "/api/v1/entities/{kind:str}/{namespace:str}/{name:str}/relations",
    tags=["entities"],
    sync_to_thread=True,
)
def list_relations(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    type_: OfType = None,
    at: FromQuery[str | None] = None,
) -> Relations:
    """The relations of an entity, now or at a date, with since when each holds and what declares it."""
    with ws.graph.read() as reader:
        found = relations_of(reader, Ref(kind, namespace, name), at=_moment(at))
    return Relations([each for each in found if not type_ or each.type in type_])


@get("/api/v1/facets", tags=["entities"], sync_to_thread=True)
def count_values(
    ws: NamedDependency[Workspace],
    field: FromQuery[list[str]],
    kind: FromQuery[list[str] | None] = None,
    owner: FromQuery[list[str] | None] = None,
    type_: OfType = None,
    lifecycle: FromQuery[list[str] | None] = None,
    tag: FromQuery[list[str] | None] = None,
    text: FromQuery[str | None] = None,
    relation: FromQuery[str | None] = None,
    target: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
) -> Facets:
    """How many entities have each value of a `field`, under the filters of the list of entities, now or at a date.

    Fields are kind, namespace, owner, type, lifecycle, tag and location; `field` may repeat.
    """
    if len(field) > len(FACETS):
        message = f"query parameter 'field' is given {len(field)} times; there are {len(FACETS)} fields"
        raise InputError("The request is not valid.", [Problem(message)])
    filters = {"kind": kind, "owner": owner, "type": type_, "lifecycle": lifecycle, "tag": tag, "text": text}
    given: dict[str, Any] = {name: value for name, value in filters.items() if value}
    given |= {"related": related(relation, target)} if relation or target else {}
    with ws.graph.read() as reader:
        found = {name: reader.facets(name, at=_moment(at), **given) for name in dict.fromkeys(field)}
    return Facets({name: [FacetValue(*pair) for pair in pairs] for name, pairs in found.items()})


def related(relation: str | None, target: str | None) -> tuple[str, str]:
    """The two query parameters that narrow a list to what has a relation.

    Raises:
        InputError: only one of them is given.
    """
    if not relation or not target:
        message = "query parameters 'relation' and 'target' go together: relation=ownedBy&target=group:default/search"
        raise InputError("The request is not valid.", [Problem(message)])
    return relation, target


def _moment(at: str | None) -> datetime | None:
    return moment_of(at) if at else None


routes: list[Any] = [read_difference, list_relations, count_values]
