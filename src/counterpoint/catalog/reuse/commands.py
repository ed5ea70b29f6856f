"""`counterpoint similar`: what exists already that is like a text or an entity."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from counterpoint.web.similar import SimilarThing

__all__ = ["similar"]


def similar(
    *words: Annotated[str, Parameter(help="A text, or the reference of an entity.")],
    kind: Annotated[str, Parameter(help="Only this kind, such as Component, Bet or Documentation.")] = "",
    limit: Annotated[int, Parameter(help="How many at most.")] = 5,
) -> int:
    """Say what exists already that is like a text or an entity, why, and whom to ask."""
    text = " ".join(words).strip()
    if not text:
        raise UsageError(
            "Say what you look for: counterpoint similar TEXT, or counterpoint similar KIND:NAME"
        )
    if not 1 <= limit <= 50:
        raise UsageError(f"--limit is {limit}; it must be 1 to 50.")
    from counterpoint.catalog.reuse.asking import similar_to

    kinds = [kind] if kind else []
    here = terminal()
    with here.open() as workspace:
        asked = {"ref": text} if _is_ref(text) else {"title": text}
        found = similar_to(workspace, **asked, kinds=kinds, limit=limit)
    here.emit({"items": found}, lambda: _told(found))
    return 0


def _is_ref(text: str) -> bool:
    kind, colon, rest = text.partition(":")
    return bool(colon and rest and kind.isalnum() and not any(each.isspace() for each in text))


def _told(found: "tuple[SimilarThing, ...]") -> Any:
    if not found:
        return "Nothing like it exists yet."
    lines = []
    for thing in found:
        owner = f"{thing.owner_title or thing.owner}" if thing.owner else "nobody"
        lines.append(f"{thing.likeness.score:.2f}  {thing.ref}  {thing.title}, owned by {owner}")
        if thing.phrases:
            lines.append(f"      both say: {', '.join(thing.phrases)}")
        if thing.contacts:
            lines.append(f"      ask: {', '.join(contact.label for contact in thing.contacts)}")
    return "\n".join(lines)
