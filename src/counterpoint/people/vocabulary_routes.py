"""The API of words and practices, for the organisation or for one unit."""

from typing import Any

import msgspec
from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs, UnitCustoms
from counterpoint.people import practices_store, vocabulary_store
from counterpoint.people.holding import unit_of
from counterpoint.people.practices_store import PracticesView
from counterpoint.people.vocabulary_store import VocabularyView
from counterpoint.workspace import Workspace

__all__ = ["routes"]


class Renaming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nouns to rename: a word, `{"one", "many"}`, or null for what holds above; `pack` begins with a ready one."""

    nouns: dict[str, Any] = {}
    pack: str | None = None
    reason: str | None = None


class Switching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to set: practices on or off, policies of rules, limits; null for what holds above."""

    practices: dict[str, Any] = {}
    policies: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    reason: str | None = None


@get("/api/v1/vocabulary", tags=["people"], sync_to_thread=True)
def read_vocabulary(ws: NamedDependency[Workspace], unit: FromQuery[str | None] = None) -> VocabularyView:
    """What every noun is called, in the organisation or in one unit, and by whom."""
    return vocabulary_store.view(customs_at(ws, unit))


@patch("/api/v1/vocabulary", tags=["people"], sync_to_thread=True)
def change_vocabulary(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    data: JSONBody[Renaming],
    unit: FromQuery[str | None] = None,
) -> VocabularyView:
    """Rename nouns for the organisation or for one unit; the others stay as they are."""
    customs = customs_at(ws, unit)
    vocabulary_store.rename(ws.graph, actor, customs.unit, data.nouns, pack=data.pack, reason=data.reason)
    return vocabulary_store.view(customs_at(ws, unit))


@get("/api/v1/practices", tags=["people"], sync_to_thread=True)
def read_practices(ws: NamedDependency[Workspace], unit: FromQuery[str | None] = None) -> PracticesView:
    """Which practices are on, what passing over each rule asks for, and which limits are advised."""
    return practices_store.view(customs_at(ws, unit))


@patch("/api/v1/practices", tags=["people"], sync_to_thread=True)
def change_practices(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    data: JSONBody[Switching],
    unit: FromQuery[str | None] = None,
) -> PracticesView:
    """Set practices, policies and limits for the organisation or for one unit; the others stay as they are."""
    customs = customs_at(ws, unit)
    practices_store.switch(
        ws.graph,
        actor,
        customs.unit,
        practices=data.practices,
        policies=data.policies,
        limits=data.limits,
        reason=data.reason,
    )
    return practices_store.view(customs_at(ws, unit))


def customs_at(ws: Workspace, unit: str | None) -> UnitCustoms:
    """What holds for a unit that somebody named, or for the organisation.

    Raises:
        InputError: it is no reference.
        NotFoundError: there is no such unit.
    """
    customs = ws.keep(Customs, lambda workspace: Customs(workspace.graph))
    with ws.graph.read() as reader:
        found = unit_of(reader, unit)
        return customs.read(reader, found.ref if found else None)


routes: list[Any] = [read_vocabulary, change_vocabulary, read_practices, change_practices]
