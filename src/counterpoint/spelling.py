"""What may have been meant by a name that does not exist."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

__all__ = ["near", "quoted"]

MOST = 3
"""Names that are offered."""


def near(wanted: str, names: Mapping[str, str] | Iterable[str], *, cutoff: float = 0.6) -> str:
    """An ending for a message that offers the nearest names; empty where nothing is near.

    `names` may say how each is to be written; `cutoff` is the least likeness, from 0 to 1.

    >>> near("Componet", ["Component", "API"])
    '; did you mean Component?'
    """
    written = names if isinstance(names, Mapping) else {name: name for name in names}
    found = [written[name] for name in get_close_matches(wanted, written, n=MOST, cutoff=cutoff)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def quoted(names: Iterable[str]) -> str:
    """Names one after the other, each in quotes: keys and kinds stay as they are whatever nouns are called.

    >>> quoted(["bets", "flags"])
    "'bets', 'flags'"
    """
    return ", ".join(f"'{name}'" for name in names)
