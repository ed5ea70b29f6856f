"""The page of flags whose time is over: by owner, each with why, since when, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from counterpoint.flags.care import kept_references
from counterpoint.flags.overseeing import overview_of
from counterpoint.flags.overview import FlagView
from counterpoint.flags.stale import DAYS, Kind
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["StaleGroup", "pages", "stale_groups"]

ROWS = 200
KINDS: dict[Kind, str] = {
    "rolled-out": "Everybody gets the same",
    "one-variant": "One variant only",
    "unseen": "Not asked for",
    "bet-ended": "Bet is over",
    "experiment-ended": "Experiment is over",
    "expired": "Past its date",
}
"""What a reason is called where there is no room for its sentence."""


@dataclass(frozen=True, slots=True)
class StaleGroup:
    """The stale flags of one owner."""

    owner: str | None
    views: tuple[FlagView, ...]
    """The one that has been stale longest first."""


def stale_groups(views: Sequence[FlagView]) -> list[StaleGroup]:
    """Stale flags by owner, in the order of their names, since nobody is ranked; those that nobody owns last."""
    groups: dict[str, list[FlagView]] = {}
    for view in sorted(views, key=_age):
        groups.setdefault(view.item.owner or "", []).append(view)
    ordered = sorted(groups.items(), key=lambda each: (not each[0], each[0]))
    return [StaleGroup(owner or None, tuple(each)) for owner, each in ordered]


def _age(view: FlagView) -> tuple[bool, float, str]:
    since = view.stale.since if view.stale else None
    return since is None, since.timestamp() if since else 0.0, view.item.key


@get("/flags/-/stale", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_stale(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    owner: FromQuery[str] = "",
    why: FromQuery[str] = "",
) -> str:
    """Every flag that could go, grouped by owner."""
    with ws.graph.read() as reader:
        overview = overview_of(ws, reader)
        everything = [view for row in overview.rows for view in row.views if view.stale]
        found = [view for view in everything if _matches(view, owner, why)]
        owners = {view.item.owner for view in everything if view.item.owner}
        known = dict(reader.get_many(owners | {view.item.bet for view in found if view.item.bet}))
    return render(
        page,
        "flags/stale.html",
        groups=stale_groups(found[:ROWS]),
        total=len(everything),
        found=len(found),
        shown=min(len(found), ROWS),
        flags=len(overview.rows),
        environments=len(overview.environments) > 1,
        known=known,
        owners=sorted(
            ((ref, known[ref].title if ref in known else ref.rpartition("/")[2]) for ref in owners),
            key=lambda each: each[1].casefold(),
        ),
        tabs=_tabs(everything, owner),
        tab=with_query("/flags/-/stale", owner=owner, why=why),
        kinds=KINDS,
        asked={"owner": owner, "why": why},
        searched=kept_references(ws) is not None,
        days=DAYS,
    )


def _matches(view: FlagView, owner: str, why: str) -> bool:
    kinds = {reason.kind for reason in view.stale.reasons} if view.stale else set()
    return (not owner or view.item.owner == owner) and (not why or why in kinds)


def _tabs(views: Sequence[FlagView], owner: str) -> list[tuple[str, str, int]]:
    """The kinds of reasons as tabs; a flag may be in several."""
    of_owner = [view for view in views if _matches(view, owner, "")]
    here = with_query("/flags/-/stale", owner=owner)
    counts = [(kind, sum(_matches(view, owner, kind) for view in of_owner)) for kind in KINDS]
    return [("All", here, len(of_owner))] + [
        (KINDS[kind], with_query(here, why=kind), count) for kind, count in counts if count
    ]


pages: list[Any] = [show_stale]
