"""Saved views in the graph's database: a person's own are seen by nobody else, a unit's by everybody."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from counterpoint.catalog.views.model import View, checked
from counterpoint.errors import InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime

__all__ = ["change", "may_change", "read", "remove", "save", "units_to_share_with", "views_for"]

VIEWS = sa.Table(
    "views_saved",
    sa.MetaData(),
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("query", TEXT, nullable=False),
    sa.Column("owner", TEXT, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("at", INTEGER, nullable=False),
)
"""See migration 0008."""
MOST = 100
"""Views of one person or one unit."""
EVERY_UNIT = frozenset({"local", "system"})
"""Actors that belong to no unit and may act for each: the user of a workspace on this machine."""
CHOICES = 300


def views_for(graph: Graph, actor: Actor, *, everybody: bool = False) -> list[View]:
    """What somebody has saved, then what their units share; with `everybody` what all units share."""
    with graph.read() as reader:
        owners = {actor.ref} | _units(reader, actor)
        query = sa.select(VIEWS).order_by(VIEWS.c.name, VIEWS.c.id)
        if everybody or actor.kind in EVERY_UNIT:
            query = query.where(sa.or_(VIEWS.c.owner == actor.ref, VIEWS.c.owner.not_like("user:%")))
        else:
            query = query.where(VIEWS.c.owner.in_(sorted(owners)))
        found = [_view(row) for row in reader.connection.execute(query).mappings()]
    return sorted(found, key=lambda view: (view.shared, view.owner if view.shared else ""))


def read(graph: Graph, view: str, actor: Actor) -> View:
    """One view.

    Raises:
        NotFoundError: there is none with this id that the actor may see.
    """
    with graph.read() as reader:
        return _require(reader, view, actor)


def save(graph: Graph, name: str, query: str, *, actor: Actor, unit: str = "") -> View:
    """Keep a list by a name, for oneself or for a unit that one belongs to.

    Raises:
        InputError: the name or the query is not valid, the name is taken, or there is no such unit.
        NotAllowedError: the actor does not belong to the unit.
    """
    plain, asked = checked(name, query)
    with graph.write(actor) as writer:
        owner = _owner(writer, actor, unit)
        _require_free(writer, owner, plain)
        held = sa.select(sa.func.count()).where(VIEWS.c.owner == owner)
        if writer.connection.execute(held).scalar_one() >= MOST:
            raise InputError(f"There are {MOST} views already; remove one that nobody uses any more.")
        row: dict[str, Any] = {"id": uuid4().hex, "name": plain, "query": asked, "owner": owner}
        row |= {"actor": actor.ref, "at": writer.now}
        writer.connection.execute(sa.insert(VIEWS), row)
        _tell(writer, "view.saved", owner, after={"name": plain, "query": asked})
        return _view(row)


def change(graph: Graph, view: str, name: str, query: str, *, actor: Actor, unit: str | None = None) -> View:
    """Give a view another name or question; with `unit` also another unit, or none (empty: one's own).

    Raises:
        NotFoundError: there is none with this id that the actor may see.
        NotAllowedError: it belongs to a unit that the actor is no member of.
        InputError: the name or the query is not valid, or the name is taken.
    """
    plain, asked = checked(name, query)
    with graph.write(actor) as writer:
        before = _require(writer, view, actor)
        _require_change(writer, before, actor)
        owner = before.owner if unit is None else _owner(writer, actor, unit)
        if (owner, plain) != (before.owner, before.name):
            _require_free(writer, owner, plain, but=before.id)
        row = {"name": plain, "query": asked, "owner": owner, "actor": actor.ref, "at": writer.now}
        writer.connection.execute(sa.update(VIEWS).where(VIEWS.c.id == before.id).values(**row))
        was = {"name": before.name, "query": before.query}
        _tell(writer, "view.changed", owner, before=was, after={"name": plain, "query": asked})
        return _view(row | {"id": before.id})


def remove(graph: Graph, view: str, *, actor: Actor) -> None:
    """Forget a view.

    Raises:
        NotFoundError: there is none with this id that the actor may see.
        NotAllowedError: it belongs to a unit that the actor is no member of.
    """
    with graph.write(actor) as writer:
        before = _require(writer, view, actor)
        _require_change(writer, before, actor)
        writer.connection.execute(sa.delete(VIEWS).where(VIEWS.c.id == before.id))
        _tell(writer, "view.removed", before.owner, before={"name": before.name, "query": before.query})


def may_change(graph: Graph, views: list[View], actor: Actor) -> dict[str, bool]:
    """Whether the actor may change each of the views, by id."""
    with graph.read() as reader:
        units = _units(reader, actor)
    return {view.id: _allowed(view, actor, units) for view in views}


def units_to_share_with(graph: Graph, actor: Actor) -> list[tuple[str, str]]:
    """The units that somebody may share a view with: reference and title, by title."""
    with graph.read() as reader:
        if actor.kind in EVERY_UNIT:
            titles = {unit.ref: unit.title for unit in reader.find(kind="Group", limit=CHOICES).items}
        else:
            titles = reader.titles(_units(reader, actor))
    return sorted(titles.items(), key=lambda pair: pair[1].casefold())


def _units(reader: Reader, actor: Actor) -> set[str]:
    return set(reader.units_of(actor.ref)) | set(actor.units)


def _owner(writer: Writer, actor: Actor, unit: str) -> str:
    if not unit:
        return actor.ref
    owner = str(parse_ref(unit, default_kind="Group"))
    if owner.startswith("user:") or not writer.exists(owner):
        raise InputError("The view is not valid.", [Problem(f"There is no unit {owner}.", "/unit")])
    if not may(actor, "write", owner, units=_units(writer, actor)).allow:
        raise NotAllowedError(
            f"{actor.name} is no member of {owner}; ask them, or save the view for yourself."
        )
    return owner


def _allowed(view: View, actor: Actor, units: set[str]) -> bool:
    if not view.shared:
        return view.owner == actor.ref
    return may(actor, "write", view.owner, units=units).allow


def _require(reader: Reader, view: str, actor: Actor) -> View:
    query = sa.select(VIEWS).where(VIEWS.c.id == view.replace("\x00", ""))
    row = reader.connection.execute(query).mappings().first()
    found = None if row is None else _view(row)
    if found is None or (not found.shared and found.owner != actor.ref):
        raise NotFoundError(f"There is no view {view[:40]!r}.")
    return found


def _require_change(writer: Writer, view: View, actor: Actor) -> None:
    if not _allowed(view, actor, _units(writer, actor)):
        raise NotAllowedError(
            f"The view belongs to {view.owner}, and {actor.name} is no member; ask them, or join."
        )


def _require_free(writer: Writer, owner: str, name: str, *, but: str = "") -> None:
    query = sa.select(VIEWS.c.id).where(VIEWS.c.owner == owner, VIEWS.c.name == name, VIEWS.c.id != but)
    if writer.connection.execute(query).first() is not None:
        message = f"There is a view called {name} already; choose another name, or change that one."
        raise InputError("The view is not valid.", [Problem(message, "/name")])


def _tell(writer: Writer, action: str, owner: str, *, before: Any = None, after: Any = None) -> None:
    """Note the change; of a view that is one's own the log, which all can read, says nothing but that."""
    if owner.startswith("user:"):
        before = after = None
    writer.record(action, owner, before=before, after=after)


def _view(row: Mapping[Any, Any]) -> View:
    return View(row["id"], row["name"], row["query"], row["owner"], to_datetime(row["at"]))
