"""Small descriptors that the graph's tests are written with."""

from typing import Any

__all__ = ["belief", "bet", "component", "document", "group", "user"]

Document = dict[str, Any]


def document(kind: str, name: str, spec: Document, **metadata: Any) -> Document:
    """A descriptor of any kind of Backstage's."""
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def component(
    name: str, *, owner: str = "discovery", metadata: Document | None = None, **spec: Any
) -> Document:
    """A service in production."""
    fields = {"type": "service", "lifecycle": "production", "owner": owner, **spec}
    return document("Component", name, fields, **(metadata or {}))


def group(name: str, **spec: Any) -> Document:
    """A squad."""
    return document("Group", name, {"type": "squad", "children": [], **spec})


def user(name: str, *units: str) -> Document:
    """A person in some units."""
    return document("User", name, {"memberOf": list(units)})


def bet(name: str, **spec: Any) -> Document:
    """A bet of the Discovery squad."""
    return document("Bet", name, {"owner": "discovery", **spec}) | {"apiVersion": "counterpoint.dev/v1"}


def belief(name: str) -> Document:
    """A belief of the Discovery squad."""
    spec = {"owner": "discovery", "statement": "Listeners want music that they do not know yet."}
    return document("Belief", name, spec) | {"apiVersion": "counterpoint.dev/v1"}
