"""Which tests run on one worker: those that share what is dear to make.

xdist hands out single tests, so a fixture of a module would be made by every worker that gets one of the module's
tests, and the browser would be started anew whenever a worker comes back to its package.
"""

import pytest
from _pytest.nodeid import NodeId


def keep_together(items: list[pytest.Item]) -> None:
    """Name each test's group at the end of its id, which is where `--dist loadgroup` reads it.

    xdist 3.8 would do so for the marker `xdist_group`, but writes it where pytest 9.2 no longer looks, and
    every test runs alone.
    """
    for item in items:
        group = group_of(item)
        if group and not item.nodeid.endswith(f"@{group}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def group_of(item: pytest.Item) -> str | None:
    """The group: named by the marker, or the package or module whose fixtures the test shares with others."""
    marked = item.get_closest_marker("xdist_group")
    if marked:
        return str(marked.args[0])
    scopes = _scopes(item)
    if "package" in scopes:
        return item.path.parent.name
    return item.nodeid.partition("::")[0] if "module" in scopes else None


def _scopes(item: pytest.Item) -> set[str]:
    """The scopes of the fixtures that a test uses."""
    if not isinstance(item, pytest.Function):
        return set()
    return {made[-1].scope for made in item._fixtureinfo.name2fixturedefs.values() if made}
