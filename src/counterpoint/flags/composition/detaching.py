"""Seeing that a planned flag was edited by hand: its plan is detached, so that nothing undoes the edit."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.flags.composition.documents import flags_in
from counterpoint.flags.composition.plan import Composition, CompositionError
from counterpoint.flags.targeting import expand

__all__ = ["reattached", "settled", "with_digests"]


def settled(
    composition: Composition, definition: Mapping[str, Any], bucketing: str | None = None
) -> tuple[Composition, tuple[Problem, ...]]:
    """The composition with those plans detached whose flag is no longer what it was compiled to.

    State and metadata are nobody's plan and may be edited.

    Returns:
        The composition, and a warning for each plan that was detached now, and where a bucketing is given
        for each that was begun with another one.
    """
    others = tuple(
        _redrawn(key, plan.bucketing, bucketing)
        for key, plan in composition.flags.items()
        if bucketing and plan.bucketing not in (None, bucketing)
    )
    edited = [
        key
        for key in composition.flags
        if key in composition.digests and _digest(definition, key) != composition.digests[key]
    ]
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
        f"The flag {key!r} was {done}, so its plan no longer drives it. The plan is kept; let it drive the flag again with: counterpoint flags compose FILE --reattach '{key}'",
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


def with_digests(composition: Composition, definition: Mapping[str, Any]) -> Composition:
    """The composition with a digest of what each planned flag is in the definition."""
    digests = {key: _digest(definition, key) for key in composition.flags}
    return replace(composition, digests=digests)


def _digest(definition: Mapping[str, Any], key: str) -> str:
    """Of what the flag answers by: also a shared evaluator that changes is an edit of the flag."""
    flag = flags_in(definition).get(key)
    if flag is None:
        return ""
    evaluators = definition.get("$evaluators")
    rule = expand(flag.get("targeting") or {}, evaluators if isinstance(evaluators, Mapping) else {})
    content = [flag.get("variants"), flag.get("defaultVariant"), rule]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
