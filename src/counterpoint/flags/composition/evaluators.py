"""The `$evaluators` that planned flags share: segments and holdouts, each with its prefix."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from counterpoint.flags.composition.clauses import all_of, drawn_within, usable
from counterpoint.flags.composition.documents import flags_in
from counterpoint.flags.composition.plan import Composition
from counterpoint.flags.targeting import subrules

__all__ = ["Evaluators"]

SEGMENT: Final = "segment:"
HOLDOUT: Final = "holdout:"


class Evaluators:
    """What stands for a segment or a holdout in a rule: a `$ref`, or where that would break, the rule itself."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._used: dict[str, Any] = {}

    def segment(self, name: str) -> Any:
        """Whether a subject is in a segment."""
        return self._shared(SEGMENT + name, self._composition.segments[name])

    def held_out(self, name: str) -> Any:
        """Whether a subject is held out; True or False where that holds for all."""
        holdout = self._composition.holdouts[name]
        drawn = drawn_within(holdout.salt, holdout.bucket_by, 0, holdout.weight)
        if drawn is False:
            return False
        return self._shared(HOLDOUT + name, all_of([usable(holdout.bucket_by), drawn]))

    def document(
        self, definition: Mapping[str, Any], planned: Mapping[str, Any], *, all_planned: bool
    ) -> dict[str, Any]:
        """The definition's evaluators with ours. Of ours, those that nothing uses any more are gone, where
        all that is planned was compiled."""
        given = definition.get("$evaluators")
        if not all_planned:
            return {**(given if isinstance(given, Mapping) else {}), **self._used}
        others = {key: flag for key, flag in flags_in(definition).items() if key not in planned}
        kept = set(_references(others))
        old = {
            name: rule
            for name, rule in (given if isinstance(given, Mapping) else {}).items()
            if not name.startswith((SEGMENT, HOLDOUT)) or name in kept
        }
        return {**old, **self._used}

    def _shared(self, name: str, rule: Any) -> Any:
        if not _portable(rule):
            return rule
        self._used[name] = rule
        return {"$ref": name}


def _portable(rule: Any) -> bool:
    """Whether flagd-core can put the rule in the place of its `$ref`. PyPI's does it by a regular expression,
    in which a backslash of the JSON means something; npm's by a replacement in which some `$` do."""
    written = json.dumps(rule)
    return "\\" not in written and "$" not in written.replace('"$flagd.', "")


def _references(flags: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for flag in flags.values():
        for _, name, given in subrules(flag.get("targeting")):
            if name == "$ref" and isinstance(given, str):
                yield given
