"""Counterpoint: the product operating system for organisations of autonomous teams.

The map: `workspace` opens a folder that holds a graph and a journal. Ground floor: `graph` (what
exists), `journal` (what happened), `stats` (pure numerics), `web` (the design system). Rooms:
`catalog`, `flags`, `experiments`, `bets`. Above them: `server`, `cli`, `demo`.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Workspace", "__version__"]
__version__ = "0.1.0"

if TYPE_CHECKING:
    from counterpoint.workspace import Workspace


def __getattr__(name: str) -> Any:
    """Load `Workspace` on first use, so that importing the package stays cheap."""
    if name == "Workspace":
        from counterpoint.workspace import Workspace

        return Workspace
    raise AttributeError(f"module 'counterpoint' has no attribute {name!r}")
