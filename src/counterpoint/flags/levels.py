"""How grave a finding of the linter is."""

from typing import Literal, TypeAlias

__all__ = ["Level"]

Level: TypeAlias = Literal["error", "warning", "note"]
