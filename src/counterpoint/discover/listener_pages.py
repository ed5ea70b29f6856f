"""A listener's own page, which their link opens: what was learnt of them, this week's playlist, and their say in both.

Nobody in the organisation sees it: there is no address of it but the link's, and whoever is signed in is turned away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from markupsafe import Markup

from counterpoint.discover import profiles, weeks
from counterpoint.discover.access import listening_actor
from counterpoint.discover.consent import PURPOSES
from counterpoint.discover.corrections import Corrected
from counterpoint.discover.links import Link, listener_of
from counterpoint.discover.profile import Consents, CorrectionsChange, Profile, ProfileFacet
from counterpoint.discover.serving import Service, service_of
from counterpoint.discover.week import Week
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.said import Said
from counterpoint.web import PageContext, render
from counterpoint.web.charts import Interval, interval_plot
from counterpoint.web.formats import percent
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["listener_pages"]

Posted = URLEncodedBody[dict[str, Any]]
PATH = "/discover/listen/{token:str}"
PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex"}
DRAWN = 8
FACETS = {
    "genre": "Genres",
    "artist": "Artists",
    "show": "Shows",
    "language": "Languages",
    "era": "Eras",
    "mood": "Moods",
    "kind": "Kinds",
}
"""What the facets of a taste are called; others go by their own name."""
MEANINGS: dict[str, Said] = {
    "personalisation": "What I hear may be used to recommend me what I may like.",
    "research": "What I hear may be counted, among many others, in what artists are told of their listeners.",
    "advertising": "What was learnt of my taste may choose what is advertised to me.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of a listener shows."""

    link: Link
    entity: Entity | None
    profile: Profile | None
    week: Week | None
    consents: Consents
    assumed: bool
    """Whether consent is assumed of who has said nothing."""
    makers: Mapping[str, str] = field(default_factory=dict)
    """Who made each track of the week."""
    waits: Said = ""
    """Why there is no profile or playlist yet."""


@get(PATH, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_listener(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], token: FromPath[str]
) -> Response[str]:
    """The page."""
    link = _opened(ws, page, token)
    return Response(_page(ws, page, link), media_type=MediaType.HTML, headers=PRIVATE)


@post(PATH, include_in_schema=False, sync_to_thread=True)
def act(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    token: FromPath[str],
    data: Posted,
) -> Response[Any]:
    """Do what the listener asks: take something out of their taste or back, go private, consent, or be forgotten."""
    link = _opened(ws, page, token)
    service, actor = service_of(ws), listening_actor()
    wanted = one_of(data, "do")
    if wanted == "forget":
        if one_of(data, "sure") != "yes":
            told = "Tick the box to say that you mean it; it cannot be taken back."
            return again(_page(ws, page, link, {"sure": told}))
        profiles.forget(service, actor, link.recommender, link.listener)
        return Response(
            render(page, "discover/forgotten.html"),
            media_type=MediaType.HTML,
            headers=PRIVATE,
            status_code=200,
        )
    if wanted == "consent":
        said = Consents(**{purpose: one_of(data, purpose) == "yes" for purpose in PURPOSES})
        profiles.declare_consent(service, actor, link.recommender, link.listener, said)
        told = "listener-consent"
    else:
        change = _change(wanted, data)
        profiles.change_corrections(service, actor, link.recommender, link.listener, change)
        told = "listener-private" if change.private is not None else "listener-corrected"
    return Redirect(with_query(link.path, told=told), status_code=303)


@get(PATH + "/export", include_in_schema=False, sync_to_thread=True)
def export(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], token: FromPath[str]
) -> Response[bytes]:
    """Everything that is kept of the listener, as a file."""
    link = _opened(ws, page, token)
    found = profiles.export_of(service_of(ws), listening_actor(), link.recommender, link.listener)
    named = {"content-disposition": 'attachment; filename="my-listening.json"'}
    content = msgspec.json.format(msgspec.json.encode(found), indent=2)
    return Response(content, media_type=MediaType.JSON, headers=PRIVATE | named)


def _opened(ws: Workspace, page: PageContext, token: str) -> Link:
    if page.signed_in:
        raise NotAllowedError(
            "This page is its listener's alone, and you are signed in as somebody of the organisation, to whom nothing"
            " about a listener is shown. If it is yours, open the link where you are not signed in."
        )
    return listener_of(ws, token)


def _change(wanted: str, data: dict[str, Any]) -> CorrectionsChange:
    item, facet, value = (one_of(data, name) for name in ("item", "facet", "value"))
    items = (item,) if item else ()
    traits = ((facet, value),) if facet and value else ()
    if wanted == "not-my-taste" and (items or traits):
        return CorrectionsChange(add_items=items, add_traits=traits)
    if wanted == "my-taste-again" and (items or traits):
        return CorrectionsChange(remove_items=items, remove_traits=traits)
    if wanted in ("private", "public"):
        return CorrectionsChange(private=wanted == "private")
    raise InputError(f'do is "{wanted}"; go back, load the page again and repeat.')


def _shown(ws: Workspace, link: Link) -> Shown:
    service, actor = service_of(ws), listening_actor()
    with ws.graph.read() as reader:
        entity = _entity(reader, link.recommender)
    said = profiles.consents_of(service, actor, link.recommender, link.listener)
    assumed = service.plan(link.recommender)[1].consent == "assumed"
    try:
        profile = profiles.profile_of(service, actor, link.recommender, link.listener)
        week = _week(service, link)
        attributes = service.newest(link.recommender).shelf.attributes
    except NotFoundError:
        waits = "Nothing is recommended yet: nobody has been learnt from so far."
        return Shown(link, entity, None, None, said, assumed, waits=waits)
    named = {each.item: attributes.get(each.item, {}) for each in week.tracks} if week else {}
    makers = {
        item: ", ".join(known.get("artist") or known.get("show") or ()) for item, known in named.items()
    }
    return Shown(link, entity, profile, week, said, assumed, makers)


def _week(service: Service, link: Link) -> Week | None:
    try:
        return weeks.week_of(service, listening_actor(), link.recommender, link.listener)
    except NotFoundError:
        return None


def _entity(reader: Reader, ref: str) -> Entity | None:
    return reader.get(ref)


def _page(ws: Workspace, page: PageContext, link: Link, errors: dict[str, str] | None = None) -> str:
    shown = _shown(ws, link)
    profile = shown.profile
    return render(
        page.about(shown.entity.owner if shown.entity else None),
        "discover/listen.html",
        shown=shown,
        profile=profile,
        week=shown.week,
        corrected=profile.corrections if profile else Corrected(),
        private=_is_private(profile.corrections) if profile else False,
        facets=[(each, FACETS.get(each.name, each.name), facet_plot(each)) for each in profile.facets]
        if profile
        else [],
        contexts=_contexts(profile),
        meanings=_meanings(shown),
        makers=shown.makers,
        titles=_titles(shown),
        errors=errors or {},
    )


def _meanings(shown: Shown) -> list[tuple[str, Said, bool, Said | None]]:
    """Each purpose with what it means, whether it holds now, and that nothing was said where nothing was.

    Advertising is never assumed.
    """
    found: list[tuple[str, Said, bool, Said | None]] = []
    for purpose in PURPOSES:
        said: bool | None = getattr(shown.consents, purpose)
        holds = said if said is not None else shown.assumed and purpose != "advertising"
        hint = None
        if said is None:
            hint = f"You have said nothing about it, so it is {'assumed' if holds else 'left alone'}."
        found.append((purpose, MEANINGS[purpose], holds, hint))
    return found


def _is_private(corrected: Corrected) -> bool:
    return bool(corrected.private) and corrected.private[-1].end is None


def facet_plot(facet: ProfileFacet) -> Markup:
    """The shares of the values of a facet, with their 90 % ranges."""
    rows = [
        Interval(
            each.value,
            each.share.mean,
            each.share.low,
            each.share.high,
            tone="good" if each.surely >= 0.9 else "quiet",
        )
        for each in facet.traits[:DRAWN]
    ]
    return interval_plot(
        rows,
        title=f"{FACETS.get(facet.name, facet.name)}: the share of your listening, with its 90 % range",
        write=lambda value: percent(value, 0),
        lower="less",
        higher="more",
    )


def _contexts(profile: Profile | None) -> list[tuple[str, list[tuple[str, float]], list[tuple[str, float]]]]:
    """For each context what is heard more and less in it than else, the clearest first."""
    found = []
    for context, genres in (profile.contexts if profile else {}).items():
        ordered = sorted(genres.items(), key=lambda each: (-each[1], each[0]))
        more = [each for each in ordered if each[1] >= 1.2][:3]
        less = [each for each in reversed(ordered) if each[1] <= 0.8][:3]
        found.append((context, more, less))
    return found


def _titles(shown: Shown) -> dict[str, str]:
    """What items are called, as far as the page has met them."""
    found: dict[str, str] = {}
    for facet in shown.profile.facets if shown.profile else ():
        found |= {each.item: each.title for trait in facet.traits for each in trait.because}
    for track in shown.week.tracks if shown.week else ():
        found |= {track.item: track.title, **{each.item: each.title for each in track.because}}
    return found


listener_pages: list[Any] = [show_listener, act, export]
