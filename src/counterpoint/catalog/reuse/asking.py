"""What is like a text, an entity or its documentation."""

from collections.abc import Iterable

from counterpoint.catalog.reuse.documents import documents_of
from counterpoint.graph.similar.likeness import entity_of
from counterpoint.graph.similar.things import DOCUMENTATION, wanted_kinds
from counterpoint.web.similar import SimilarThing, like_entity, like_text
from counterpoint.workspace import Workspace

__all__ = ["similar_to"]


def similar_to(
    workspace: Workspace,
    *,
    ref: str = "",
    title: str = "",
    text: str = "",
    kinds: Iterable[str] = (),
    owner: str = "",
    limit: int = 5,
) -> tuple[SimilarThing, ...]:
    """Existing things that are like an entity (`ref`), or like what a title and a text describe.

    Documentation is looked at where `kinds` names it, or `ref` is that of documentation (`.../docs`).

    Raises:
        InputError: there is no such kind, a reference is none, or nothing of the entity is compared.
        NotFoundError: there is no such entity.
    """
    chosen = wanted_kinds(kinds)
    documents = None
    if DOCUMENTATION in chosen or entity_of(ref) != ref:
        documents = documents_of(workspace).shelf()
    if ref:
        return like_entity(workspace, ref, kinds=chosen, limit=limit, documents=documents)
    return like_text(workspace, title, text, kinds=chosen, owner=owner, limit=limit, documents=documents)
