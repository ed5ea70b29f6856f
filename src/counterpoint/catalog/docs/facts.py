"""What is known of an entity's documentation, as facts for checks."""

from datetime import UTC, datetime
from typing import Any

from counterpoint.catalog.docs.library import library_of
from counterpoint.catalog.docs.site import Site
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = ["facts_of"]


def facts_of(
    workspace: Workspace, entity: Entity, *, reader: Reader | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Facts on the documentation of an entity.

    Args:
        workspace: where the entity is.
        entity: any entity.
        reader: an open view of the graph, where the caller has one.
        now: the moment that ages are counted to; the present one by default.

    Returns:
        `docs.present` (bool), and where it is true: `docs.pages`, `docs.broken_links`, `docs.problems` (counts),
        `docs.age_days` (whole days since the newest page was changed) and `docs.behind_days` (days by which the
        code beside it is newer). They are kept until a file changes, so asking again costs little.
    """
    if reader is None:
        with workspace.graph.read() as opened:
            return facts_of(workspace, entity, reader=opened, now=now)
    library = library_of(workspace)
    site = library.open(reader, entity, fetch=False)
    if not isinstance(site, Site):
        return {"docs.present": False}
    report = library.report(reader, site)
    freshness = library.freshness(site)
    newest = freshness.newest or datetime.now(UTC)
    return {
        "docs.present": True,
        "docs.pages": len(site.pages),
        "docs.broken_links": len(report.broken),
        "docs.problems": len(report.problems),
        "docs.age_days": max(0, ((now or datetime.now(UTC)) - newest).days),
        "docs.behind_days": freshness.lag_days,
    }
