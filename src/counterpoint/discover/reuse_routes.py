"""The API of what else a taste is used for: items of another kind such as podcasts, and advertising."""

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.discover.campaigns import Advert, CampaignInput, Effect, advertise, effect_of
from counterpoint.discover.paths import BASE, TAGS, ref_of
from counterpoint.discover.reuse import Across, across_of
from counterpoint.discover.serving import service_of
from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["reuse_routes"]

LISTENER = BASE + "/listeners/{listener:str}"


class AdvertQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of these campaigns is to be shown."""

    campaigns: tuple[CampaignInput, ...]
    noted: bool = True
    """Whether the answer counts as shown."""


@get(LISTENER + "/across", tags=TAGS, sync_to_thread=True)
def read_across(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    where: Annotated[
        list[str], QueryParameter(description="Which items, such as `show:*` or `kind:podcast`.")
    ],
    count: Annotated[int, QueryParameter(name="k", description="How many items, at most 500.")] = 20,
) -> Across:
    """Items of another kind, such as podcasts for who listens to music: by listeners that both share, and by words."""
    return across_of(service_of(ws), actor, ref_of(recommender), listener, where=where, count=count)


@post(LISTENER + "/advertising", tags=TAGS, status_code=200, sync_to_thread=True)
def choose_campaign(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    listener: FromPath[str],
    data: JSONBody[AdvertQuestion],
) -> Advert:
    """Which campaign to show a listener now: relevance times consent, within caps and an even pace; the holdout none."""
    return advertise(service_of(ws), actor, ref_of(recommender), listener, data.campaigns, noted=data.noted)


@get(BASE + "/campaigns/{campaign:str}/effect", tags=TAGS, sync_to_thread=True)
def read_effect(
    ws: NamedDependency[Workspace],
    recommender: FromPath[str],
    campaign: FromPath[str],
    event: FromQuery[str],
    days: FromQuery[float] = 28.0,
) -> Effect:
    """What a campaign changed in how many do something within so many days, by its holdout; of nobody in particular."""
    return effect_of(service_of(ws), ref_of(recommender), campaign, event, days=days)


reuse_routes: list[Any] = [read_across, choose_campaign, read_effect]
