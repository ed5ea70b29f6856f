"""The Vocabulary or PolicyPack that holds for one unit, or for the whole organisation: found, made, changed."""

from collections.abc import Callable, Collection
from typing import Any, Literal

from counterpoint.errors import ConflictError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.summit import top_unit
from counterpoint.graph.writer import Writer

__all__ = ["Kind", "change", "held", "may_change", "unit_of"]

Kind = Literal["Vocabulary", "PolicyPack"]
ENDINGS: dict[Kind, str] = {"Vocabulary": "words", "PolicyPack": "practices"}
HOUSE = "house"
"""How the names of documents begin that hold for the whole organisation."""


def unit_of(reader: Reader, text: str | None) -> Entity | None:
    """The unit that somebody named; none for the organisation.

    Raises:
        InputError: it is no reference.
        NotFoundError: there is no such unit.
    """
    if not (text or "").strip():
        return None
    ref = parse_ref(str(text).strip(), default_kind="Group")
    found = reader.get(ref) if ref.kind == "group" else None
    if found is None:
        raise NotFoundError(f"There is no unit {str(ref)!r}; import it first, or name one that exists.")
    return found


def held(reader: Reader, kind: Kind, unit: str | None) -> Entity | None:
    """The document that names exactly this unit, or none where it is the organisation; the first by reference."""
    wanted = () if unit is None else (unit,)
    return next((each for each in reader.all(kind=kind) if each.targets("appliesTo") == wanted), None)


def change(
    graph: Graph,
    actor: Actor,
    kind: Kind,
    unit: str | None,
    edit: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    reason: str | None = None,
    if_match: Collection[str] | None = None,
) -> Entity:
    """Change the spec of the document that holds for a unit; it is made where there is none.

    Raises:
        ConflictError: the document is read from a file, which would undo the change.
        InputError: the changed document is not valid.
        NotAllowedError: the actor does not belong to the unit.
        PreconditionError: the document has another version than `if_match` names.
    """
    with graph.write(actor) as writer:
        found = held(writer, kind, unit)
        if found is not None and found.location:
            raise ConflictError(
                f"{found.ref} is read from '{found.location}', which would undo the change; change it there."
            )
        document = found.document if found is not None else _draft(writer, kind, unit)
        document = {**document, "spec": edit(dict(document["spec"]))}
        return writer.put(document, reason=reason, if_match=if_match if found else None).entity


def may_change(reader: Reader, actor: Actor, kind: Kind, unit: str | None) -> Decision:
    """Whether the actor may change what holds for a unit, with the reason in words."""
    found = held(reader, kind, unit)
    if found is not None and found.location:
        return Decision(allow=False, reason=f"It is read from '{found.location}'; change it there.")
    owner = found.owner if found is not None else unit or _organisation(reader, actor)
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    if unit is None and owner is not None and owner == top_unit(reader):
        # Everybody belongs to it through other units; only its own people speak for all.
        units = frozenset(reader.require(actor.ref).targets("memberOf") if reader.exists(actor.ref) else ())
    exists = owner is not None and reader.exists(owner)
    return may(actor, "write", owner, owner_exists=exists, units=units)


def _draft(writer: Writer, kind: Kind, unit: str | None) -> dict[str, Any]:
    owner = unit or _organisation(writer, writer.actor)
    stem = f"{parse_ref(unit).name if unit else HOUSE}-{ENDINGS[kind]}"[-60:].lstrip("-_.")
    name = next(name for name in _names(stem) if not writer.exists(f"{kind}:default/{name}"))
    spec: dict[str, Any] = {"owner": owner} | ({"units": [unit]} if unit else {})
    if kind == "Vocabulary":
        spec["nouns"] = {}
    ending = ENDINGS[kind]
    found = writer.get(unit) if unit else None
    title = (
        f"House {ending}" if unit is None else f"{found.title if found else parse_ref(unit).name}: {ending}"
    )
    metadata = {"name": name, "title": title}
    return {"apiVersion": "counterpoint.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _names(stem: str) -> Any:
    yield stem
    yield from (f"{stem}-{number}" for number in range(2, 1000))


def _organisation(reader: Reader, actor: Actor) -> str:
    """The unit above all others. Where no unit has parts, whoever asks."""
    return top_unit(reader) or actor.ref
