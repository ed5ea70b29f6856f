"""What an import says of new things that another unit seems to have already."""

from counterpoint.catalog.remarks import Remark
from counterpoint.errors import Problem
from counterpoint.workspace import Workspace

__all__ = ["notes_since"]

MOST = 300
"""New things of one import that are compared; of a first import of thousands the standing list tells."""


def notes_since(workspace: Workspace, seq: int) -> list[Remark]:
    """A note for each thing made after the activity with this number whose nearest one of another owner is very near."""
    with workspace.graph.read() as reader:
        made = reader.activity(action="entity.created", after=seq, limit=MOST * 5)
    if not made or len(made) == MOST * 5:
        return []
    # Only now, since they take a while that a large import does without.
    from counterpoint.graph.similar.likeness import are_candidates, are_likely
    from counterpoint.graph.similar.things import KINDS, common_words
    from counterpoint.web.similar import things_of

    beginnings = tuple(f"{kind.lower()}:" for kind in KINDS)
    refs = sorted({entry.subject for entry in made if entry.subject.startswith(beginnings)})
    if not refs or len(refs) > MOST:
        return []
    shelf, found = things_of(workspace).shelf(), []
    for ref in refs:
        thing = shelf.thing(ref)
        near = shelf.nearest(thing, kinds=(thing.kind,), limit=5) if thing else []
        other = next((each for each in near if thing and are_candidates(thing, each.thing)), None)
        if thing and other and are_likely(other.likeness, common_words(thing, other.thing)):
            says = f"; both say “{'”, “'.join(other.phrases[:3])}”" if other.phrases else ""
            message = f"{ref} is much like {other.thing.ref} of {other.thing.owner}{says}. Perhaps it can be used, or built together"
            found.append(Remark("note", Problem(message)))
    return found
