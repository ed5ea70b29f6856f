"""What an import says of new things that another unit seems to have already."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from counterpoint.catalog.remarks import Remark
from counterpoint.errors import Problem
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from counterpoint.graph.similar.things import Near, Shelf

__all__ = ["notes_since"]

MOST = 300
"""New things of one import that are compared; of a first import of thousands the standing list tells."""


def notes_since(workspace: Workspace, seq: int) -> list[Remark]:
    """A note for each thing, and each documentation, made after the activity with this number that another owner
    seems to have already.
    """
    with workspace.graph.read() as reader:
        made = reader.activity(action="entity.created", after=seq, limit=MOST * 5)
    if not made or len(made) == MOST * 5:
        return []
    # Only now, since they take a while that a large import does without.
    from counterpoint.catalog.docs.library import library_of
    from counterpoint.catalog.reuse.documents import documents_of
    from counterpoint.graph.similar.likeness import documentation_of
    from counterpoint.graph.similar.things import KINDS
    from counterpoint.web.similar import things_of

    subjects = {entry.subject for entry in made}
    with workspace.graph.read() as reader:
        documented = sorted(subjects.intersection(library_of(workspace).documented(reader)))
    beginnings = tuple(f"{kind.lower()}:" for kind in KINDS)
    refs = sorted(ref for ref in subjects if ref.startswith(beginnings))
    found: list[Remark] = []
    if refs and len(refs) <= MOST:
        found += (_note(ref, near) for ref, near in _near(things_of(workspace).shelf(), refs))
    if documented and len(documented) <= MOST:
        written = [documentation_of(ref) for ref in documented]
        shelf = documents_of(workspace).refresh()
        found += (_note(f"What is written at {ref}", near) for ref, near in _near(shelf, written))
    return found


def _near(shelf: "Shelf", refs: list[str]) -> "Iterator[tuple[str, Near]]":
    for ref in refs:
        thing = shelf.thing(ref)
        near = shelf.nearest_elsewhere(thing) if thing else None
        if near:
            yield ref, near


def _note(what: str, near: "Near") -> Remark:
    says = f"; both say “{'”, “'.join(near.phrases[:3])}”" if near.phrases else ""
    message = f"{what} is much like {near.thing.ref} of {near.thing.owner}{says}. Perhaps it can be used, or built together"
    return Remark("note", Problem(message))
