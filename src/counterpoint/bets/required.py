"""The Bet entity that an address or a caller names."""

from counterpoint.errors import NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["bet_ref", "require_bet"]


def bet_ref(namespace: str, name: str) -> str:
    """The reference of the bet that an address names by its two parts."""
    return f"bet:{namespace}/{name}"


def require_bet(reader: Reader, ref: str) -> Entity:
    """The Bet entity.

    Raises:
        NotFoundError: there is no such bet.
    """
    wanted = parse_ref(ref, default_kind="Bet")
    found = reader.get(wanted) if wanted.kind == "bet" else None
    if found is None:
        raise NotFoundError(f"There is no bet {wanted.namespace}/{wanted.name}.")
    return found
