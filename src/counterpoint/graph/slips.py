"""Keys of a scorecard's predicate that are slips: a check of a key that nothing has would hold for nothing, silently."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.spelling import near

__all__ = ["check_keys"]

LIKENESS = 0.8
"""How much a key is like a known one before it counts as a slip: descriptors may hold keys of their own."""
TOP = ("apiVersion", "kind", "metadata", "spec", "relations", "fact", "status")
METADATA = ("name", "namespace", "uid", "title", "description", "labels", "annotations", "tags", "links")
"""Fields of Backstage's metadata; others may be there."""


def check_keys(predicate: Any, pointer: str) -> Iterator[Problem]:
    """What is wrong with the keys of a predicate whose form is right."""
    if isinstance(predicate, list):
        for index, part in enumerate(predicate):
            yield from check_keys(part, f"{pointer}/{index}")
    elif isinstance(predicate, Mapping):
        for key, item in predicate.items():
            place = f"{pointer}/{escape(key)}"
            if key.startswith("$"):
                yield from check_keys(item, place)
            elif wrong := _slip(key):
                yield Problem(wrong, place)


def _slip(key: str) -> str | None:
    begin, _, rest = key.partition(".")
    known = {name.lower(): name for name in TOP}
    if begin.lower() not in known:
        meant = near(begin.lower(), known) or f"; keys begin with {', '.join(TOP)}."
        return f"No entity has a key {key}{meant}"
    second = rest.partition(".")[0]
    names = _names_below(begin.lower())
    if not second or second.lower() in names:
        return None
    meant = near(second.lower(), names, cutoff=LIKENESS)
    return f"No kind of entity has a key {key}{meant}" if meant else None


@cache
def _names_below(top: str) -> Mapping[str, str]:
    """What is known to stand below a first part, in lower case, each as a key is written."""
    from counterpoint.graph.kinds import INVERSES, KINDS  # late: the kinds are made with what scorecards hold

    names: tuple[str, ...] = ()
    if top == "metadata":
        names = METADATA
    elif top == "spec":
        names = tuple(field.name for kind in KINDS.values() for field in kind.fields)
    elif top == "relations":
        names = (*INVERSES, *INVERSES.values())
    return {name.lower(): f"{top}.{name}" for name in sorted(set(names))}
