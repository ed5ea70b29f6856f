"""What a flag set is to become: its document, and what deserves a warning before it is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from counterpoint.errors import Problem
from counterpoint.flags.belonging import bets_of, strangers
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition import CompositionError, read_composition, settled
from counterpoint.flags.composition import document_of as plans_of
from counterpoint.flags.composition.detaching import renewed
from counterpoint.flags.environments import Place, following, place_of, set_in, set_ref
from counterpoint.flags.lint import findings_in
from counterpoint.flags.model import FlagSet
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["Draft", "document_of", "warnings_of", "with_plans_settled"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a flag set is to become."""

    document: dict[str, Any]
    flags: FlagSet
    remarks: tuple[Problem, ...] = ()
    """Warnings beside those that every write gives."""
    reason: str | None = None
    """For the activity log, where only the transaction knows all of it."""
    planned: bool = False
    """Whether its definition was compiled from its plans just now."""


def document_of(
    reader: Reader,
    actor: Actor,
    name: str,
    existing: Entity | None,
    flags: FlagSet,
    environments: Sequence[str],
    *,
    bucketing: str | None = None,
    owner: str | None = None,
) -> dict[str, Any]:
    """The document of a set with these flags; what else its entity has is kept."""
    if existing:
        metadata, spec = dict(existing.metadata), dict(existing.spec)
    else:
        metadata, spec = {"name": name}, {}
    place = place_of(name, environments)
    spec["owner"] = (
        owner or spec.get("owner") or _owner(reader, flags) or _neighbour(reader, place, name) or actor.ref
    )
    spec["bucketing"] = bucketing or spec.get("bucketing") or "v2"
    if place.environment and place.base != name:
        spec["environment"] = place.environment
        after = following(place.environment, environments)
        if after and not spec.get("promotesTo"):
            spec["promotesTo"] = set_ref(set_in(place.base, after, environments))
    spec["definition"] = flags.definition
    return {"apiVersion": "counterpoint.dev/v1", "kind": "FlagSet", "metadata": metadata, "spec": spec}


def with_plans_settled(made: Draft) -> Draft:
    """The draft in which plans no longer drive the flags that it edits by hand, and in which planned flags
    follow what they build on; whatever door it came through."""
    spec = made.document["spec"]
    if made.planned or not spec.get("composition"):
        return made
    try:
        composition = read_composition(spec["composition"])
    except CompositionError:
        return made  # nothing drives a flag then; the next change of plans says so
    bucketing: Bucketing = "v3" if spec.get("bucketing") == "v3" else "v2"
    kept, edits = settled(composition, spec["definition"], bucketing)
    kept, definition, renewals = renewed(kept, spec["definition"], bucketing)
    remarks = (*made.remarks, *edits, *renewals)
    if kept is composition:
        return replace(made, remarks=remarks)
    document = {
        **made.document,
        "spec": {**spec, "definition": definition, "composition": plans_of(kept)},
    }
    if definition is spec["definition"]:
        return replace(made, document=document, remarks=remarks)
    return Draft(document, FlagSet.from_flagd(definition, bucketing), remarks, made.reason)


def _owner(reader: Reader, flags: FlagSet) -> str | None:
    named = flags.metadata.get("owner")
    if isinstance(named, str) and named:
        return named
    for bet in dict.fromkeys(bets_of(flags).values()):
        entity = reader.get(bet)
        if entity and entity.owner:
            return entity.owner
    return None


def _neighbour(reader: Reader, place: Place, name: str) -> str | None:
    """Who owns the same set in the last environment."""
    entity = reader.get(set_ref(place.base)) if place.base != name else None
    return entity.owner if entity else None


def warnings_of(reader: Reader, made: Draft, actor: Actor) -> Iterator[Problem]:
    """What the linter says of a draft, notes left out, and each name of something that does not exist."""
    known = [bet for bet in set(bets_of(made.flags).values()) if reader.exists(bet)]
    yield from (found.problem for found in findings_in(made.flags, bets=known) if found.level != "note")
    yield from strangers(made.flags, reader.exists)
    yield from _missing_owner(reader, made.document["spec"]["owner"], actor)


def _missing_owner(reader: Reader, owner: str, actor: Actor) -> Iterator[Problem]:
    if owner != actor.ref:  # who works on the command line need not be in the catalog
        ref = parse_ref(owner, default_kind="group")
        if not reader.exists(ref):
            yield Problem(f"The owner {ref} does not exist.", "/spec/owner")
