"""Decisions about things that a file declares, which hold until the file says the same.

Whoever hands over a component, moves a unit or retires one cannot change the files that declare them.
The entity is changed in the graph at once and marked by an annotation. When its file is read again and
still says what it said before the decision, the decision stays; as soon as it says anything else, the
file has the last word again.
"""

from collections.abc import Mapping
from typing import Any

from counterpoint.errors import InputError
from counterpoint.graph.ref import DEFAULT_NAMESPACE, parse_ref

__all__ = [
    "HANDED_OVER",
    "MOVED",
    "PROVISIONED",
    "RETIRED",
    "RETIRED_ON",
    "handed_over",
    "is_marked",
    "keep_decisions",
    "moved",
    "retired",
    "unretired",
]

HANDED_OVER = "counterpoint.dev/handed-over-from"
"""Who owned it before, where its file may still say so."""
MOVED = "counterpoint.dev/moved-from"
"""The unit it was a part of before, where its file may still say so."""
RETIRED_ON = "counterpoint.dev/retired-on"
"""The day on which a unit was retired."""
RETIRED = "retired"
"""The `lifecycle` of a unit that is no more."""
PROVISIONED = "scim"
"""The field of a spec that an identity provider fills; a file never does."""
_FIELDS = {HANDED_OVER: "owner", MOVED: "parent"}


def is_marked(text: str) -> bool:
    """Whether a stored document, as text, may hold such a decision; cheap, since every import asks."""
    return any(mark in text for mark in (HANDED_OVER, MOVED, RETIRED_ON, f'"{PROVISIONED}":'))


def handed_over(document: Mapping[str, Any], former: str, owner: str) -> dict[str, Any]:
    """The document with its new owner, marked with the former one."""
    return _marked(document, HANDED_OVER, former, owner=owner)


def moved(document: Mapping[str, Any], former: str, parent: str | None) -> dict[str, Any]:
    """The unit's document with its new parent, or none, marked with the former one."""
    return _marked(document, MOVED, former, parent=parent)


def retired(document: Mapping[str, Any], day: str) -> dict[str, Any]:
    """The unit's document as that of a unit that is no more since a day."""
    return _marked(document, RETIRED_ON, day, lifecycle=RETIRED)


def unretired(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a unit that is there again."""
    metadata, spec = dict(document["metadata"]), dict(document.get("spec") or {})
    marks = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != RETIRED_ON}
    metadata["annotations"] = marks
    spec.pop("lifecycle", None)
    return {**document, "metadata": metadata, "spec": spec}


def keep_decisions(stored: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    """The document that a file gave, with the decisions of the stored one that it does not know yet."""
    marks = stored["metadata"].get("annotations") or {}
    kept = dict(read)
    for mark, field in _FIELDS.items():
        former = marks.get(mark)
        if former is not None and _named(kept, field) == former:
            value = (stored.get("spec") or {}).get(field)
            kept = _marked(kept, mark, former, **{field: value})
    day = marks.get(RETIRED_ON)
    if day is not None and "lifecycle" not in (kept.get("spec") or {}):
        kept = retired(kept, day)
    return _with_provisioned(stored.get("spec") or {}, kept)


def _with_provisioned(stored: Mapping[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """What an identity provider says of a person or unit stays beside what a file says."""
    spec = kept.get("spec") or {}
    if PROVISIONED not in stored or PROVISIONED in spec:
        return kept
    said = {key: stored[key] for key in (PROVISIONED, "lifecycle") if key in stored and key not in spec}
    return {**kept, "spec": {**spec, **said}}


def _named(document: Mapping[str, Any], field: str) -> str | None:
    text = (document.get("spec") or {}).get(field)
    if not isinstance(text, str):
        return None
    namespace = document["metadata"].get("namespace") or DEFAULT_NAMESPACE
    try:
        return str(parse_ref(text, default_kind="Group", default_namespace=namespace))
    except InputError:
        return None


def _marked(document: Mapping[str, Any], mark: str, value: str, **fields: Any) -> dict[str, Any]:
    annotations = {**(document["metadata"].get("annotations") or {}), mark: value}
    spec = {**(document.get("spec") or {}), **fields}
    spec = {key: each for key, each in spec.items() if each is not None or key not in fields}
    return {**document, "metadata": {**document["metadata"], "annotations": annotations}, "spec": spec}
