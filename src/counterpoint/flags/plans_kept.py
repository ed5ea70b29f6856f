"""The plans of flag sets, read once a version."""

from typing import Final

from counterpoint.flags.composition import Composition, CompositionError, read_composition
from counterpoint.graph.entity import Entity
from counterpoint.workspace import Workspace

__all__ = ["composition_of"]

MOST: Final = 1_000
"""Sets whose plans are kept."""


class _Plans(dict[str, tuple[str, Composition]]):
    def __init__(self, workspace: Workspace) -> None:
        super().__init__()


def composition_of(workspace: Workspace, entity: Entity) -> Composition:
    """The composition of a set's entity; an empty one where there is none, or none that can be read."""
    kept = workspace.keep(_Plans, _Plans)
    known = kept.get(entity.ref)
    if known is not None and known[0] == entity.etag:
        return known[1]
    try:
        composition = read_composition(entity.spec.get("composition") or {})
    except CompositionError:  # another door has let it in; it drives no flag
        composition = Composition()
    if len(kept) >= MOST:
        kept.clear()
    kept[entity.ref] = entity.etag, composition
    return composition
