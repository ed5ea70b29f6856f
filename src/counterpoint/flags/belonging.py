"""Whom a flag belongs to: the bet and the owner that its metadata names."""

from collections.abc import Iterable
from typing import Any

from counterpoint.errors import InputError
from counterpoint.flags.flag import Flag
from counterpoint.graph.ref import parse_ref

__all__ = ["bets_of", "owner_of"]


def bets_of(flags: Iterable[Flag]) -> dict[str, str]:
    """The bet that each flag names, as a reference, by the flag's key; flags that name none are left out."""
    named = {flag.key: _reference(flag.metadata.get("bet"), "Bet") for flag in flags}
    return {key: bet for key, bet in named.items() if bet}


def owner_of(flag: Flag) -> str | None:
    """The owner that a flag (or its set's metadata) names, as a reference; None where there is none."""
    return _reference(flag.metadata.get("owner"), "Group")


def _reference(named: Any, kind: str) -> str | None:
    try:
        return str(parse_ref(named, default_kind=kind)) if isinstance(named, str) and named else None
    except InputError:
        return None
