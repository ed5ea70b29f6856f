"""Promoting flags from one environment of a set to another, and where the environments of a set stand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError, PreconditionError, Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition import Composition, CompositionError, read_composition, settled
from counterpoint.flags.composition import document_of as plans_of
from counterpoint.flags.drafts import Draft, document_of
from counterpoint.flags.environments import (
    all_places,
    check_environment,
    following,
    place_of,
    promoted,
    set_in,
    set_ref,
)
from counterpoint.flags.model import FlagSet
from counterpoint.flags.promoted_plans import with_plans
from counterpoint.flags.store import Written, change_set, find_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.flag_changes import SetChanges, changes_between
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.workspace import Workspace

__all__ = ["EnvironmentItem", "Environments", "Way", "environments_of", "promote_set", "way_of"]

SETTLED = ("owner", "definition", "bucketing", "environment", "promotesTo")
"""Fields of the spec that a promotion of the whole set does not take over as they are; all others it does."""


class Way(msgspec.Struct, frozen=True):
    """From which environment to which a promotion goes, with the name of the set in each."""

    origin: str
    target: str
    from_set: str
    to_set: str


class EnvironmentItem(msgspec.Struct, frozen=True, rename="camel"):
    """A flag set in one environment."""

    environment: str
    set: str
    exists: bool
    version: int | None = None
    etag: str | None = None
    owner: str | None = None
    bucketing: str | None = None
    flags: int = 0
    promotes_to: str | None = None
    """The environment that comes next."""
    pending: SetChanges | None = None
    """What promoting the whole set to the next environment would change there; none where there is nothing to promote."""


class Environments(msgspec.Struct, frozen=True, rename="camel"):
    """A flag set in every environment, in the order of promotion."""

    base: str
    items: tuple[EnvironmentItem, ...]


def way_of(
    name: str, environments: Sequence[str], *, origin: str | None = None, target: str | None = None
) -> Way:
    """The way of a promotion.

    Args:
        name: the set in any of its environments; the one that it names is where the way starts unless
            `origin` says otherwise.
        environments: all of them, in order.
        origin: the environment to promote from.
        target: the environment to promote to; default: the next.

    Raises:
        InputError: there is no such environment, none comes next, or both are the same.
    """
    place = place_of(name, environments)
    if place.environment is None:
        raise InputError("There are no environments. Name them in the setting [flags] environments.")
    start = origin or place.environment
    check_environment(start, environments)
    end = target or following(start, environments)
    if end is None:
        raise InputError(f"No environment comes after {start!r}; say from which one to promote to which.")
    check_environment(end, environments)
    if start == end:
        raise InputError(f"From and to are both {start!r}; a promotion goes to another environment.")
    names = (set_in(place.base, each, environments) for each in (start, end))
    return Way(start, end, *names)


def promote_set(
    workspace: Workspace,
    actor: Actor,
    way: Way,
    *,
    flags: Collection[str] | None = None,
    with_state: bool = True,
    source_version: int | None = None,
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
) -> Written:
    """Copy a set, or some of its flags with their plans and the shared rules that they use, to another environment.

    Args:
        workspace: where the sets live.
        actor: who promotes.
        way: from where to where, see `way_of`.
        flags: keys of the flags; None for the whole set. One that only the target has is removed there.
        with_state: copy whether flags are on, and of planned ones ramp, schedule and kill; otherwise flags that
            the target has keep theirs.
        source_version: the version that the source must still have, where somebody has looked at it.
        if_match: etags one of which the target must have, or `*` for any.
        dry_run: say what would change, and write nothing.
        reason: for the activity log, which also names environment and version that were promoted.

    Raises:
        InputError: no flag is named at all.
        NotFoundError: there is no such set to promote, or no such flag.
        NotAllowedError: the actor may not write the target.
        PreconditionError: the target has another etag, or the source another version.
        CompositionError: the plans cannot stand beside those that the target has.
    """

    if flags is not None and not flags:
        raise InputError("No flag is named; name at least one, or leave `flags` out for the whole set.")

    def draft(writer: Writer, existing: Entity | None) -> Draft:
        source = _source(writer, way)
        if source_version is not None and source.version != source_version:
            raise PreconditionError(
                f"{way.from_set} has version {source.version} now, not {source_version}. Look at it again."
            )
        made = _draft(workspace, actor, way, writer, source, existing, flags, with_state=with_state)
        note = f"Promoted from {way.origin}, version {source.version}" + (f": {reason}" if reason else ".")
        return replace(made, reason=note)

    return change_set(workspace, actor, way.to_set, draft, if_match=if_match, dry_run=dry_run)


def environments_of(workspace: Workspace, reader: Reader, name: str) -> Environments:
    """A set in every environment, with what a promotion of the whole would change in the next.

    Raises:
        NotFoundError: there is no such set in any environment.
    """
    environments = workspace.settings.flags.environments
    base = place_of(name, environments).base
    places = all_places(base, environments)
    found = reader.get_many(set_ref(each) for _, each in places)
    if not found:
        find_set(reader, base)
    items = []
    for environment, each in places:
        entity, after = found.get(set_ref(each)), following(environment, environments)
        if entity is None:
            items.append(EnvironmentItem(environment, each, exists=False, promotes_to=after))
            continue
        target = found.get(set_ref(set_in(base, after, environments))) if after else None
        items.append(
            EnvironmentItem(
                environment,
                each,
                exists=True,
                version=entity.version,
                etag=entity.etag,
                owner=entity.owner,
                bucketing=entity.spec.get("bucketing") or "v2",
                flags=len(flags_by_key(entity.spec.get("definition"))),
                promotes_to=after,
                pending=_pending(entity, target) if after else None,
            )
        )
    return Environments(base, tuple(items))


def _pending(source: Entity, target: Entity | None) -> SetChanges | None:
    before = target.document if target else None
    definition = promoted(source.spec["definition"], target.spec["definition"] if target else None).definition
    bucketing = (target or source).spec.get("bucketing") or "v2"
    after = {
        **(before or {}),
        "spec": {**(target.spec if target else {}), "definition": definition, "bucketing": bucketing},
    }
    return changes_between(before, after) or None


def _source(reader: Reader, way: Way) -> Entity:
    entity = reader.get(set_ref(way.from_set))
    if entity is None:
        raise NotFoundError(
            f"There is no flag set {way.from_set!r} to promote from {way.origin!r}. "
            f"Make it with: counterpoint import flags FILE --set {way.from_set}"
        )
    return entity


def _draft(
    workspace: Workspace,
    actor: Actor,
    way: Way,
    writer: Writer,
    source: Entity,
    existing: Entity | None,
    flags: Collection[str] | None,
    *,
    with_state: bool,
) -> Draft:
    target: Mapping[str, Any] | None = existing.spec["definition"] if existing else None
    made = promoted(source.spec["definition"], target, flags=flags, with_state=with_state)
    bucketing = source.spec.get("bucketing") or "v2"
    checked = FlagSet.from_flagd(made.definition)
    document = document_of(
        writer,
        actor,
        way.to_set,
        existing,
        checked,
        workspace.settings.flags.environments,
        bucketing=None if existing else bucketing,
        owner=None if existing else source.owner,
    )
    remarks = list(made.remarks)
    if flags is None:
        settled = {name: value for name, value in document["spec"].items() if name in SETTLED}
        beside = {name: value for name, value in source.spec.items() if name not in SETTLED}
        document["spec"] = {**settled, **beside}
    if document["spec"]["bucketing"] != bucketing:
        message = f"{way.to_set} buckets by {document['spec']['bucketing']} and {way.from_set} by {bucketing}: other people get the same percentages."
        remarks.append(Problem(message, "/bucketing"))
    return _planned(Draft(document, checked, tuple(remarks)), source, existing, flags, with_state=with_state)


def _planned(
    made: Draft, source: Entity, existing: Entity | None, flags: Collection[str] | None, *, with_state: bool
) -> Draft:
    """The draft with the plans of the promoted flags, which stand beside those that the target has.

    Raises:
        CompositionError: they cannot.
    """
    try:
        ours = _plans(source)
        theirs = _plans(existing) if existing else Composition()
    except CompositionError:
        return made  # nothing drives a flag there; the next change of plans says so
    if not (ours.flags or theirs.flags):
        return made
    spec = made.document["spec"]
    bucketing: Bucketing = "v3" if spec["bucketing"] == "v3" else "v2"
    plans, definition, remarks = with_plans(
        spec["definition"], ours, theirs, flags, bucketing, with_state=with_state
    )
    spec = {name: value for name, value in spec.items() if name != "composition"}
    spec |= {"definition": definition} | ({"composition": written} if (written := plans_of(plans)) else {})
    document = {**made.document, "spec": spec}
    checked = FlagSet.from_flagd(definition, bucketing)
    return Draft(document, checked, (*made.remarks, *remarks), planned=True)


def _plans(entity: Entity) -> Composition:
    """The plans of a set; those whose flags were edited by hand rest."""
    found = read_composition(entity.spec.get("composition") or {})
    return settled(found, entity.spec["definition"])[0]
