"""The API of discover: what a listener is recommended and why, their week, their profile and what they say of it.

What is below `/listeners` needs a token with the scope `discover`, which no person has; see `access`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.discover import profiles, weeks
from counterpoint.discover.audience_routes import audience_routes
from counterpoint.discover.corrections import Corrected
from counterpoint.discover.evaluators import evaluator_of
from counterpoint.discover.follower import follower_of
from counterpoint.discover.forgetting import Followed
from counterpoint.discover.links import Link, lifetime_of, link_of
from counterpoint.discover.paths import BASE, TAGS, ref_of
from counterpoint.discover.profile import Consents, CorrectionsChange, Export, Profile
from counterpoint.discover.reuse_routes import reuse_routes
from counterpoint.discover.serving import Recommendations, Similar, service_of
from counterpoint.discover.shadow import Agreement, agreements
from counterpoint.discover.week import Week
from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]

LISTENER = BASE + "/listeners/{listener:str}"

Where = Annotated[
    list[str] | None,
    QueryParameter(
        description="Conditions on items such as `genre:jazz`, or `show:*` for any; give it once for each. Those of one facet are alternatives."
    ),
]
Count = Annotated[int, QueryParameter(name="k", description="How many items, at most 500.")]


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Ask shadows, evaluate, and follow who was forgotten or withdrew, while the server runs."""
    service, evaluator, follower = service_of(workspace), evaluator_of(workspace), follower_of(workspace)
    service.shadows.start()
    evaluator.start()
    follower.start()
    try:
        yield
    finally:
        await sync_to_thread(follower.stop)
        await sync_to_thread(service.shadows.stop)
        await sync_to_thread(evaluator.stop)


class ListToContinue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A playlist that is to go on."""

    title: str = ""
    tracks: tuple[str, ...] = ()
    """In their order."""
    k: int = 20


class LinkInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a link opens something."""

    days: float = 30


class Agreements(msgspec.Struct, frozen=True):
    """How shadows agreed with what was shown."""

    items: tuple[Agreement, ...]


@get(LISTENER + "/recommendations", tags=TAGS, sync_to_thread=True)
def recommend(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    count: Count = 20,
    where: Where = None,
    context: FromQuery[str | None] = None,
    *,
    known: FromQuery[bool] = False,
) -> Recommendations:
    """The best items for a listener now, each with reasons that add up to its score; what they have just heard counts."""
    return service_of(ws).recommend(
        actor, ref_of(recommender), listener, count=count, where=where or (), context=context, known=known
    )


@get(LISTENER + "/weekly", tags=TAGS, sync_to_thread=True)
def read_this_week(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
) -> Week:
    """A listener's playlist of this week, made where there is none yet. There is exactly one."""
    return weeks.week_of(service_of(ws), actor, ref_of(recommender), listener)


@get(LISTENER + "/weekly/{week:str}", tags=TAGS, sync_to_thread=True)
def read_week(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    week: FromPath[str],
) -> Week:
    """A listener's playlist of a week, such as 2026-W48."""
    return weeks.week_of(service_of(ws), actor, ref_of(recommender), listener, week=week)


@get(LISTENER + "/profile", tags=TAGS, sync_to_thread=True)
def read_profile(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
) -> Profile:
    """What a listener's listening says of their taste, with ranges and reasons."""
    return profiles.profile_of(service_of(ws), actor, ref_of(recommender), listener)


@put(LISTENER + "/profile/corrections", tags=TAGS, sync_to_thread=True)
def replace_corrections(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    data: JSONBody[Corrected],
) -> Corrected:
    """Replace what a listener says is not their taste, and their private sessions. It counts at once."""
    return profiles.set_corrections(service_of(ws), actor, ref_of(recommender), listener, data)


@patch(LISTENER + "/profile/corrections", tags=TAGS, sync_to_thread=True)
def change_corrections(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    data: JSONBody[CorrectionsChange],
) -> Corrected:
    """Add to what is not their taste or take it back; begin or end a private session. It counts at once."""
    return profiles.change_corrections(service_of(ws), actor, ref_of(recommender), listener, data)


@get(LISTENER + "/consent", tags=TAGS, sync_to_thread=True)
def read_consent(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
) -> Consents:
    """What a listener said, purpose by purpose; it holds for every recommender."""
    return profiles.consents_of(service_of(ws), actor, ref_of(recommender), listener)


@put(LISTENER + "/consent", tags=TAGS, sync_to_thread=True)
def declare_consent(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    data: JSONBody[Consents],
) -> Consents:
    """Give or withdraw consent for the purposes that are named; it holds for every recommender, and at once."""
    return profiles.declare_consent(service_of(ws), actor, ref_of(recommender), listener, data)


@get(LISTENER + "/export", tags=TAGS, sync_to_thread=True)
def export(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
) -> Export:
    """Everything that is kept of a listener for a recommender, to take along."""
    return profiles.export_of(service_of(ws), actor, ref_of(recommender), listener)


@delete(LISTENER, tags=TAGS, status_code=202, sync_to_thread=True)
def forget(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
) -> Followed:
    """Forget a listener: what is kept of them is gone when this answers, and nothing that is answered has them any more.

    Every version is then fitted anew without them beside the requests, and answers with what everybody hears until that
    is done; what remains to be done is on the disk, and survives the server.
    """
    return profiles.forget(service_of(ws), actor, ref_of(recommender), listener)


@post(LISTENER + "/links", tags=TAGS, status_code=201, sync_to_thread=True)
def make_link(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    data: JSONBody[LinkInput],
) -> Link:
    """Make a link with which a listener sees and corrects their own page, and nobody else's."""
    ref, _ = service_of(ws).plan(ref_of(recommender))
    return link_of(ws, actor, ref, listener, lifetime=lifetime_of(data.days))


@get(BASE + "/items/{item:str}/similar", tags=TAGS, sync_to_thread=True)
def similar(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    item: FromPath[str],
    count: Count = 20,
    where: Where = None,
) -> Similar:
    """The items that go best with one, of those that 20 people or more have: it says nothing of any listener."""
    return service_of(ws).similar(ref_of(recommender), item, count=count, where=where or (), actor=actor)


@post(BASE + "/continue", tags=TAGS, status_code=200, sync_to_thread=True)
def continue_list(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    data: JSONBody[ListToContinue],
) -> Similar:
    """The tracks that continue a playlist best, from its title, its tracks and their order; a title is enough.

    Tracks and words that fewer than 20 people have count for nothing, and do not come.
    """
    return service_of(ws).continued(ref_of(recommender), data.title, data.tracks, count=data.k, actor=actor)


@get(BASE + "/shadows", tags=TAGS, sync_to_thread=True)
def list_shadows(ws: NamedDependency[Workspace], recommender: FromPath[str]) -> Agreements:
    """How shadows agreed with what was shown over the last four weeks, of nobody in particular."""
    ref, _ = service_of(ws).plan(ref_of(recommender))
    with ws.graph.read() as reader:
        return Agreements(agreements(reader, ref))


routes: list[Any] = [
    recommend,
    read_this_week,
    read_week,
    read_profile,
    replace_corrections,
    change_corrections,
    read_consent,
    declare_consent,
    export,
    forget,
    make_link,
    similar,
    continue_list,
    list_shadows,
    *audience_routes,
    *reuse_routes,
]
