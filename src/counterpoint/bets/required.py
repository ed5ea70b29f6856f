"""The Bet entity that an address or a caller names."""

from counterpoint.errors import NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["require_bet"]


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
