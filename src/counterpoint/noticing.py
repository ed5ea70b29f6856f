"""What rooms have to say about entities that were just written: warnings of one room on the doors of another."""

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Final

import msgspec

from counterpoint.said import Said

if TYPE_CHECKING:
    from counterpoint.graph import Reader

__all__ = ["KINDS", "Notice", "notices_of"]

KINDS: Final = {"experiment": "counterpoint.experiments.coordination.noticing"}
"""By kind, in small letters, the module whose `notices` is asked; it is imported only then."""


class Notice(msgspec.Struct, frozen=True):
    """One warning about an entity."""

    ref: str
    pointer: str
    message: Said


def notices_of(reader: "Reader", refs: Collection[str]) -> list[Notice]:
    """The warnings about entities that were written, in their order; each once."""
    found: list[Notice] = []
    for kind, module in KINDS.items():
        asked = [ref for ref in refs if ref.startswith(f"{kind}:")]
        if asked:
            found += import_module(module).notices(reader, asked)
    return found
