"""A taste used for another kind of items than it was learnt on, in the workspace: podcasts for who listens to music."""

from collections.abc import Iterable

import msgspec

from counterpoint.discover.access import require_listeners
from counterpoint.discover.across import Found, across
from counterpoint.discover.serving import Because, Ready, Service, check_count, conditions
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.said import Said

__all__ = ["Across", "AcrossItem", "across_of"]


class AcrossItem(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One item of another kind, and which voice speaks for it."""

    item: str
    title: str
    score: float
    """Of both voices, from 0 to 1; comparable within one answer."""
    by_listeners: float
    """The share of the score that shared listeners give; words give the rest."""
    because: tuple[Because, ...]
    """What of the listener's own it comes together with most."""
    words: tuple[str, ...]
    """Words that it has in common with what they like."""
    reason: Said


class Across(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Items of another kind for one listener."""

    recommender: str
    version: int
    items: tuple[AcrossItem, ...]
    note: Said | None = None


def across_of(
    service: Service,
    actor: Actor,
    recommender: str,
    listener: str,
    *,
    where: Iterable[str],
    count: int = 20,
) -> Across:
    """The items with the values `where` that fit a listener best, whatever kind their listening is of.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: no such recommender, or no version is ready.
        InputError: no condition says which items, or one that is none.
    """
    require_listeners(actor, listener)
    check_count(count)
    asked = conditions(where)
    if not asked:
        raise InputError(
            "The request is not valid.",
            [Problem("Say with `where` which items are meant, such as show:* or kind:podcast.")],
        )
    ready, heard = service.ready(recommender, listener)
    if not heard.personal:
        note: Said = "Nothing personal is used without consent."
        return Across(recommender=ready.ref, version=ready.fitted.version.number, items=(), note=note)
    found = across(
        ready.shelf,
        ready.traits.texts,
        heard.liking,
        count,
        where=asked,
        corrections=heard.corrected.for_taste(),
    )
    return Across(
        recommender=ready.ref,
        version=ready.fitted.version.number,
        items=tuple(_item(ready, each) for each in found),
        note=None if found else "Nothing of that kind has listeners or words in common with what is liked.",
    )


def _item(ready: Ready, found: Found) -> AcrossItem:
    shelf = ready.shelf
    name = shelf.items[found.picked.item]
    own = [(shelf.items[item], part) for item, part in found.picked.because if part > 0]
    reasons = []
    if own and found.by_listeners > 0:
        reasons.append(f'listeners of "{shelf.title(own[0][0])}" hear it')
    if found.words:
        words = ", ".join(f'"{word}"' for word in found.words)
        reasons.append(f"it has words of what you like: {words}")
    told = " and ".join(reasons)
    return AcrossItem(
        item=name,
        title=shelf.title(name),
        score=found.score,
        by_listeners=found.by_listeners,
        because=tuple(Because(each, shelf.title(each), part) for each, part in own),
        words=found.words,
        reason=f"{told[0].upper()}{told[1:]}.",
    )
