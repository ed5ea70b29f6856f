"""Forgetting listeners: their rows go, and every version that had them is fitted anew without them.

    forget_listener   what discover itself keeps of a listener, and their events in the journal with it
    follow            after the journal forgot somebody, by whatever way

A version is fitted anew with the same method, options, seed and cut of the journal, so that its file is that of a
workspace which never had the listener, byte for byte.
"""

from collections.abc import Callable, Sequence

import msgspec

from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["Followed", "follow", "forget_listener"]


class Followed(msgspec.Struct, frozen=True, rename="camel"):
    """What a forgetting changed."""

    rows: int = 0
    """Weeks, corrections and links that were deleted."""
    fitted: tuple[str, ...] = ()
    """Versions that were fitted anew, as recommender/number."""
    gone: tuple[str, ...] = ()
    """Versions of which nothing was left to fit on."""
    kept: tuple[str, ...] = ()
    """Versions that had nothing of them."""


def forget_listener(
    workspace: Workspace,
    actor: Actor,
    name: str | None,
    listener: str,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Followed:
    """Forget a listener, for one recommender or (None) all of them.

    Raises:
        NotFoundError, InputError: as `read_plan`.
        NotAllowedError: the recommender is somebody else's.
    """
    raise NotImplementedError


def follow(
    workspace: Workspace,
    actor: Actor,
    *,
    people: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Followed:
    """Let every recommender follow what the journal has forgotten."""
    raise NotImplementedError
