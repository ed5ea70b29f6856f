"""Whom a flag belongs to: the bet, the component and the owner that its metadata names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from counterpoint.errors import InputError, Problem
from counterpoint.flags.flag import Flag
from counterpoint.flags.model import FlagSet
from counterpoint.graph.flagd import flag_places
from counterpoint.graph.ref import parse_ref

__all__ = ["bets_of", "component_of", "owner_of", "strangers"]

LONGEST = 100
"""Characters of a name that a warning shows."""


def bets_of(flags: Iterable[Flag]) -> dict[str, str]:
    """The bet that each flag names, as a reference, by the flag's key; flags that name none are left out."""
    named = {flag.key: _reference(flag.metadata.get("bet"), "Bet") for flag in flags}
    return {key: bet for key, bet in named.items() if bet}


def owner_of(flag: Flag) -> str | None:
    """The owner that a flag (or its set's metadata) names, as a reference; None where there is none."""
    return _reference(flag.metadata.get("owner"), "Group")


def component_of(flag: Flag) -> str | None:
    """The component that a flag (or its set's metadata) names, as a reference; None where there is none."""
    return _reference(flag.metadata.get("component"), "Component")


def strangers(flags: FlagSet, exists: Callable[[str], bool]) -> Iterator[Problem]:
    """Each component and owner that metadata names and that does not exist; bets are the linter's.

    A name is kept all the same: what it stands for may come later. `exists` is asked once for each.
    """
    known: dict[str, bool] = {}
    for holder, pointer in _holders(flags):
        metadata = holder.get("metadata")
        for name, kind in (("component", "Component"), ("owner", "Group")):
            ref = _reference(metadata.get(name) if isinstance(metadata, dict) else None, kind)
            if ref is None:
                continue
            if ref not in known:
                known[ref] = exists(ref)
            if not known[ref]:
                place = f"{pointer}/metadata/{name}"
                shown = ref if len(ref) <= LONGEST else f"{ref[:LONGEST]}…"
                yield flags.located(Problem(f"The {name} {shown} does not exist.", place))


def _holders(flags: FlagSet) -> Iterator[tuple[Any, str]]:
    yield flags.definition, ""
    yield from ((flag, pointer) for _, flag, pointer in flag_places(flags.definition))


def _reference(named: Any, kind: str) -> str | None:
    try:
        return str(parse_ref(named, default_kind=kind)) if isinstance(named, str) and named else None
    except InputError:
        return None
