"""The final form of an entity: its document with what the graph adds, as Backstage's API shows it.

A final entity is `apiVersion`, `kind`, `metadata` with `uid` and `etag`, `spec`, `relations` (each a `type`
and a `targetRef`), and `status` where something is wrong with it. It is made here and nowhere else.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["final_entity"]

REJECTED = "https://backstage.io/annotation-rejected-for-security-reasons"
"""What stands in the place of a link that would run a script."""
LINKS = frozenset({"backstage.io/view-url", "backstage.io/edit-url"})
"""Annotations that become links."""
LISTS = frozenset(
    {"providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "children", "members"}
)
"""Fields of a `spec` that come out sorted, whatever the kind."""
_SCRIPT = re.compile(
    r"[\x00-\x1f ]*j[\r\n\t]*a[\r\n\t]*v[\r\n\t]*a[\r\n\t]*s[\r\n\t]*c[\r\n\t]*r[\r\n\t]*i[\r\n\t]*p[\r\n\t]*t[\r\n\t]*:",
    re.IGNORECASE,
)
"""How browsers recognise the `javascript:` scheme, control characters and all."""


def final_entity(
    document: Mapping[str, Any],
    *,
    uid: str,
    etag: str,
    relations: Iterable[tuple[str, str]],
    status: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Add to a stored document what the graph knows of the entity.

    `etag` is the hash of the document; one that its source has declared goes before it, as in Backstage.
    `relations` are pairs of a type and the canonical reference of the other end, which may not exist;
    they come out sorted, each once. `status` holds Backstage's status items. Lists of references in the
    `spec` come out sorted, as Backstage sorts them.
    """
    metadata = document["metadata"]
    annotations = metadata.get("annotations")
    if annotations and not LINKS.isdisjoint(annotations):
        metadata = metadata | {"annotations": _harmless(annotations)}
    final: dict[str, Any] = {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": {**metadata, "uid": uid, "etag": metadata.get("etag") or etag},
    }
    if "spec" in document:
        final["spec"] = _sorted_lists(document["spec"])
    pairs = sorted(set(relations))
    final["relations"] = [{"type": kind, "targetRef": target} for kind, target in pairs]
    if status:
        final["status"] = {"items": list(status)}
    return final


def _harmless(annotations: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: REJECTED if name in LINKS and isinstance(value, str) and _SCRIPT.match(value) else value
        for name, value in annotations.items()
    }


def _sorted_lists(spec: Any) -> Any:
    """The spec with its lists of references sorted; the same object where there is nothing to sort."""
    if not isinstance(spec, dict) or LISTS.isdisjoint(spec):
        return spec
    held = [name for name in LISTS if spec.get(name)]
    return spec | {name: _sorted(spec[name]) for name in held} if held else spec


def _sorted(value: Any) -> Any:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return sorted(value) if texts else value
