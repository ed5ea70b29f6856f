"""Seeing what was edited by hand: a planned flag's plan is detached, and flags that build on an edited one follow it."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition.compiling import compiled
from counterpoint.flags.composition.documents import flags_in, with_flags
from counterpoint.flags.composition.plan import Composition, CompositionError, reattach_command
from counterpoint.flags.targeting import expand

__all__ = ["reattached", "renewed", "settled", "with_digests"]


def settled(
    composition: Composition,
    definition: Mapping[str, Any],
    bucketing: str | None = None,
    *,
    only: Collection[str] | None = None,
) -> tuple[Composition, tuple[Problem, ...]]:
    """The composition with those plans detached whose flag is no longer what it was compiled to.

    State and metadata are nobody's plan and may be edited. With `only` no other flags are looked at.

    Returns:
        The composition, and a warning for each plan that was detached now, and where a bucketing is given
        for each that was begun with another one.
    """
    others = tuple(
        _redrawn(key, plan.bucketing, bucketing)
        for key, plan in composition.flags.items()
        if bucketing and plan.bucketing not in (None, bucketing)
    )
    looked_at = [key for key in composition.flags if key in composition.digests]
    digests = _digests(definition, [key for key in looked_at if only is None or key in only])
    edited = [key for key, digest in digests.items() if digest != composition.digests[key]]
    if not edited:
        return composition, others
    detached = replace(
        composition,
        flags={key: plan for key, plan in composition.flags.items() if key not in edited},
        detached={**composition.detached, **{key: composition.flags[key] for key in edited}},
        digests={key: digest for key, digest in composition.digests.items() if key not in edited},
    )
    return detached, (*(_warning(key, flags_in(definition)) for key in edited), *others)


def _redrawn(key: str, begun: str | None, bucketing: str) -> Problem:
    return Problem(
        f"The plan of {key!r} was begun with the bucketing {begun}; with {bucketing} everybody is drawn anew.",
        f"/flags/{escape(key)}",
    )


def _warning(key: str, flags: Mapping[str, Any]) -> Problem:
    done = "edited by hand" if key in flags else "removed by hand"
    return Problem(
        f"The flag {key!r} was {done}, so its plan no longer drives it. The plan is kept; let it drive the flag again with: {reattach_command(key)}",
        f"/flags/{escape(key)}",
    )


def reattached(composition: Composition, keys: Collection[str]) -> Composition:
    """The composition in which these detached plans drive their flags again, over the edits.

    Raises:
        CompositionError: one of them is not detached.
    """
    unknown = sorted(set(keys) - composition.detached.keys() - composition.flags.keys())
    if unknown:
        raise CompositionError(f"The flag {unknown[0]!r} has no plan that could be let drive it again.")
    back = {key: plan for key, plan in composition.detached.items() if key in keys}
    rest = {key: plan for key, plan in composition.detached.items() if key not in keys}
    return replace(composition, flags={**composition.flags, **back}, detached=rest)


def with_digests(
    composition: Composition, definition: Mapping[str, Any], *, only: Collection[str] | None = None
) -> Composition:
    """The composition with a digest of what each planned flag is in the definition; with `only`, of these anew."""
    kept = {} if only is None else composition.digests
    keys = composition.flags if only is None else [key for key in only if key in composition.flags]
    digests = {**kept, **_digests(definition, keys)}
    return replace(composition, digests={key: digests[key] for key in composition.flags if key in digests})


def _digests(definition: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """Of what each flag answers by: also a shared evaluator that changes is an edit of the flag."""
    flags, given = flags_in(definition), definition.get("$evaluators")
    evaluators = given if isinstance(given, Mapping) else {}
    return {key: _digest(flags[key], evaluators) if key in flags else "" for key in keys}


def _digest(flag: Mapping[str, Any], evaluators: Mapping[str, Any]) -> str:
    rule = expand(flag.get("targeting") or {}, evaluators)
    content = [flag.get("variants"), flag.get("defaultVariant"), rule]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def renewed(
    composition: Composition, definition: Mapping[str, Any], bucketing: Bucketing
) -> tuple[Composition, Mapping[str, Any], tuple[Problem, ...]]:
    """The definition with those planned flags compiled anew whose prerequisites somebody has edited.

    A parent's rule is written out in theirs, so an edit of the parent would leave the old one there.

    Returns:
        The composition and the definition, both as given where nothing was to be done, and a warning for
        each flag that was compiled anew, or that can no longer be.
    """
    children = [key for key, plan in composition.flags.items() if plan.prerequisites]
    if not children:
        return composition, definition, ()
    try:
        new = compiled(definition, composition, bucketing)
    except CompositionError as error:
        return composition, definition, tuple(_stale(problem) for problem in error.problems)
    after, before = flags_in(new), flags_in(definition)
    changed = [key for key in children if after[key] != before.get(key)]
    if not changed:
        return composition, definition, ()
    made = with_flags(definition, {key: after[key] for key in changed}, new.get("$evaluators") or {})
    digests = {**composition.digests, **_digests(made, changed)}
    return replace(composition, digests=digests), made, tuple(map(_renewed, changed))


def _renewed(key: str) -> Problem:
    return Problem(
        f"The flag {key!r} was compiled anew, since a flag that is its prerequisite has changed.",
        f"/flags/{escape(key)}",
    )


def _stale(problem: Problem) -> Problem:
    return Problem(f"{problem.message} Until then the flags stay as they were compiled.", problem.pointer)
