"""What to say when an engine's package or program is not there."""

import importlib.util

from counterpoint.errors import WorkspaceError

__all__ = ["require"]


def require(engine: str, *packages: str) -> None:
    """Refuse to start an engine whose Python packages are not installed.

    Raises:
        WorkspaceError: one is missing; the message names the command that installs it.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        extra = engine.lower()
        raise WorkspaceError(
            f"The engine {engine} needs the Python package {missing[0]}, which is not installed;"
            f' install it with: pip install "counterpoint[{extra}]"'
        )
