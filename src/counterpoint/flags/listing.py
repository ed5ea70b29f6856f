"""All flags of a workspace in one list: what pages and the API show of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from counterpoint.flags.belonging import bets_of, component_of, owner_of
from counterpoint.flags.flag import Flag
from counterpoint.flags.store import StoredSet
from counterpoint.paging import cursor_of, read_cursor

__all__ = ["FlagItem", "FlagPage", "items_of", "narrowed", "page_of"]


class FlagItem(msgspec.Struct, frozen=True, rename="camel"):
    """One flag of one set."""

    set: str
    key: str
    state: str
    type: str
    variants: dict[str, Any]
    default_variant: str | None
    targeted: bool
    """Whether it has a targeting rule."""
    bet: str | None
    """Reference of the bet that it belongs to."""
    owner: str | None
    """The flag's own owner, else the set's."""
    description: str
    fault: str | None
    """Why its rule cannot run."""
    component: str | None = None
    """Reference of the component that it is in."""
    environment: str | None = None
    """Where its set is used; none where the set says nothing, as that of the last environment."""


class FlagPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of flags."""

    items: list[FlagItem]
    total: int
    next_cursor: str | None = None


def items_of(sets: Iterable[StoredSet]) -> list[FlagItem]:
    """Every flag, by set and then in the order of its definition."""
    found = []
    for stored in sets:
        bets = bets_of(stored.flags)
        found += [_item(stored, flag, bets.get(flag.key)) for flag in stored.flags]
    return found


def _item(stored: StoredSet, flag: Flag, bet: str | None) -> FlagItem:
    return FlagItem(
        set=stored.name,
        key=flag.key,
        state="ENABLED" if flag.enabled else "DISABLED",
        type=flag.kind,
        variants=dict(flag.variants),
        default_variant=flag.default,
        targeted=flag.targeting is not None,
        bet=bet,
        owner=owner_of(flag) or stored.entity.owner,
        description=str(flag.metadata.get("description") or ""),
        fault=flag.fault,
        component=component_of(flag),
        environment=stored.entity.spec.get("environment"),
    )


def narrowed(
    items: Iterable[FlagItem],
    *,
    flag_set: str | None = None,
    state: str | None = None,
    text: str | None = None,
) -> list[FlagItem]:
    """The flags of one set, in one state, or with a text in key, description or bet."""
    wanted = (text or "").casefold()
    return [
        item
        for item in items
        if (not flag_set or item.set == flag_set)
        and (not state or item.state == state.upper())
        and (
            not wanted
            or any(wanted in part.casefold() for part in (item.key, item.description, item.bet or ""))
        )
    ]


def page_of(items: Sequence[FlagItem], *, limit: int, cursor: str | None) -> FlagPage:
    """One page of flags, after the one that the cursor names.

    Raises:
        InputError: the cursor is none of this list's.
    """
    start = 0
    if cursor:
        last = read_cursor(cursor, tuple[str, str])
        start = next(
            (index + 1 for index, item in enumerate(items) if (item.set, item.key) == last), len(items)
        )
    chosen = list(items[start : start + limit])
    more = start + limit < len(items)
    return FlagPage(chosen, len(items), cursor_of(chosen[-1].set, chosen[-1].key) if more else None)
