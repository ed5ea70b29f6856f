"""Who follows an erasure: rooms that keep what they made of events let go of it in the command that erases."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from counterpoint.errors import CounterpointError, Said

if TYPE_CHECKING:
    from counterpoint.workspace import Workspace

__all__ = ["FOLLOWERS", "follow_erasure"]

FOLLOWERS: Final = ("counterpoint.discover.forgetting",)
"""Modules whose `follow_erasure` is called; each is imported only then."""


def follow_erasure(
    workspace: "Workspace", people: Sequence[str], say: Callable[[str], None]
) -> tuple[list[Said], bool]:
    """What the rooms did after some people's events were erased, in sentences, and whether all of them could.

    What a room keeps is never answered with until it has followed, so one that cannot does no harm meanwhile.
    """
    found: list[Said] = []
    whole = True
    for module in FOLLOWERS:
        try:
            found += import_module(module).follow_erasure(workspace, people, say)
        except CounterpointError as error:
            found.append(error.message)
            whole = False
    return found, whole
