"""A listener's taste profile in the workspace: seen with its reasons, corrected, exported, forgotten, by them alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from msgspec.structs import replace

from counterpoint.discover.access import acting, require_listeners
from counterpoint.discover.answering import liked
from counterpoint.discover.consent import PURPOSES, Purpose, declare
from counterpoint.discover.corrections import (
    Corrected,
    PrivateSession,
    corrections_of,
    keep_corrections,
)
from counterpoint.discover.follower import follower_of
from counterpoint.discover.forgetting import Followed, forget_at_once
from counterpoint.discover.hearing import Heard
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.profile import (
    Consents,
    CorrectionsChange,
    Export,
    HeardOnce,
    ItemName,
    OneTaste,
    Profile,
    ProfileFacet,
    ProfileTrait,
    Range,
)
from counterpoint.discover.serving import Ready, Service
from counterpoint.discover.taste import Facet, Taste, Trait, taste_of
from counterpoint.discover.tastes import tastes_of
from counterpoint.discover.traits import FACETS
from counterpoint.discover.weeks_kept import rows_of, week_in
from counterpoint.discover.weeks_renewed import waits
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.moments import rfc3339

__all__ = [
    "change_corrections",
    "consents_of",
    "declare_consent",
    "export_of",
    "forget",
    "profile_of",
    "set_corrections",
]

MOST: Final = 10_000
"""Items, traits and private sessions that one listener may name."""
LONGEST: Final = 1_000
"""Characters of a name."""
SHOWN: Final = 12
"""Values of a facet that are shown."""
SOURCE: Final = "/api/v1/discover"


def profile_of(
    service: Service, actor: Actor, recommender: str, listener: str, *, now: datetime | None = None
) -> Profile:
    """A listener's profile at this moment.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: no such recommender, or no version is ready.
    """
    require_listeners(actor, listener)
    ref, plan = service.plan(recommender)
    heard = service.hearing.of(ref, plan, listener)
    ready = service.chosen(recommender, listener, personal=heard.personal, exposed=False)
    at = now or datetime.now(UTC)
    said = _said(heard)
    if not heard.personal:
        return Profile(
            recommender=ref,
            listener=listener,
            version=ready.fitted.version.number,
            at=at,
            personal=False,
            plays=0.0,
            corrections=heard.corrected,
            consents=said,
            note="Without consent nothing is learnt from what is heard.",
        )
    traits = ready.traits
    taste = taste_of(
        heard.plays,
        traits.attributes,
        traits.everybody,
        now=at,
        corrections=heard.corrected.for_taste(),
        half_life=timedelta(days=plan.half_life),
    )
    return Profile(
        recommender=ref,
        listener=listener,
        version=ready.fitted.version.number,
        at=at,
        personal=True,
        plays=taste.plays,
        facets=_facets(ready, taste),
        discovery=Range(*taste.discovery),
        contexts={context: dict(genres) for context, genres in taste.contexts.items()},
        tastes=_tastes(ready, heard),
        corrections=heard.corrected,
        consents=said,
        note=None if heard.plays else "Nothing was heard yet, so nothing is known.",
    )


def consents_of(service: Service, actor: Actor, recommender: str, listener: str) -> Consents:
    """What a listener said that holds now, purpose by purpose.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: there is no such recommender.
    """
    require_listeners(actor, listener)
    return _said(service.hearing.of(*service.plan(recommender), listener))


def _said(heard: Heard) -> Consents:
    return Consents(**{str(purpose): word for purpose, word in heard.consents.items()})


def declare_consent(
    service: Service, actor: Actor, recommender: str, listener: str, change: Consents
) -> Consents:
    """Put a listener's word into the journal, for the purposes that it speaks of, and say what holds now.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: there is no such recommender.
        InputError: the listener's name is no subject of an event.
    """
    require_listeners(actor, listener)
    service.plan(recommender)
    for purpose in PURPOSES:
        given: bool | None = getattr(change, purpose)
        if given is not None:
            _declare(service, listener, purpose, given=given)
    if change.personalisation is False:
        follower_of(service.workspace).wake()
    return consents_of(service, actor, recommender, listener)


def _declare(service: Service, listener: str, purpose: Purpose, *, given: bool) -> None:
    declare(service.workspace, listener, purpose, given=given, source=SOURCE)


def set_corrections(
    service: Service, actor: Actor, recommender: str, listener: str, corrected: Corrected
) -> Corrected:
    """Replace everything that a listener said of the picture that is made of them. It counts at once.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        InputError: too many, or a name that is empty or too long.
    """
    require_listeners(actor, listener)
    checked = _checked(corrected)
    ref, _ = service.plan(recommender)
    with service.workspace.graph.write(acting(actor)) as writer:
        keep_corrections(writer, ref, listener, checked)
    return checked


def change_corrections(
    service: Service,
    actor: Actor,
    recommender: str,
    listener: str,
    change: CorrectionsChange,
    *,
    now: datetime | None = None,
) -> Corrected:
    """Add to what a listener said, or take it back; begin or end a private session. It counts at once.

    Raises:
        NotAllowedError, InputError: as `set_corrections`.
    """
    require_listeners(actor, listener)
    ref, _ = service.plan(recommender)
    at = now or datetime.now(UTC)
    with service.workspace.graph.write(acting(actor)) as writer:
        before = corrections_of(writer, ref, listener)
        items = [each for each in (*before.items, *change.add_items) if each not in change.remove_items]
        traits = [each for each in (*before.traits, *change.add_traits) if each not in change.remove_traits]
        checked = _checked(
            Corrected(tuple(items), tuple(traits), _sessions(before.private, at, private=change.private))
        )
        if checked != before:
            keep_corrections(writer, ref, listener, checked)
    return checked


def export_of(service: Service, actor: Actor, recommender: str, listener: str) -> Export:
    """Everything that is kept of a listener for a recommender; weeks that have yet to follow a forgetting are left out.

    Raises:
        NotAllowedError, NotFoundError: as `profile_of`.
    """
    profile = profile_of(service, actor, recommender, listener)
    ref, plan = service.plan(recommender)
    heard = service.hearing.of(ref, plan, listener)
    with service.workspace.graph.read() as reader:
        rows = rows_of(reader, ref, listener)
    return Export(
        profile=profile,
        weeks=tuple(week_in(row) for row in rows if not waits(service, ref, row)),
        listening=tuple(HeardOnce(each.item, each.at.astimezone(UTC), each.weight) for each in heard.plays),
        liking=dict(heard.liking.weights),
        against=dict(heard.liking.disliked),
    )


def forget(service: Service, actor: Actor, recommender: str, listener: str) -> Followed:
    """Forget a listener: what discover keeps of them goes, and no version answers with them from now on.

    Versions are fitted anew without them by a server's follower, or by `forgetting.follow`.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        NotFoundError: there is no such recommender.
    """
    require_listeners(actor, listener)
    ref, _ = service.plan(recommender)
    done = forget_at_once(service.workspace, acting(actor), ref, listener)
    follower_of(service.workspace).wake()
    return done


def _sessions(
    before: Sequence[PrivateSession], at: datetime, *, private: bool | None
) -> tuple[PrivateSession, ...]:
    is_open = bool(before) and before[-1].end is None
    if private and not is_open:
        return (*before, PrivateSession(at))
    if private is False and is_open:
        return (*before[:-1], replace(before[-1], end=at))
    return tuple(before)


def _checked(corrected: Corrected) -> Corrected:
    """Each name once, in the order in which it was said."""
    problems = []
    for place, values in (
        ("items", corrected.items),
        ("traits", corrected.traits),
        ("private", corrected.private),
    ):
        if len(values) > MOST:
            problems.append(Problem(f"{len(values)} are given; {MOST:,} are the most.", f"/{place}"))
    names = [
        *((each, "/items") for each in corrected.items),
        *((part, "/traits") for each in corrected.traits for part in each),
    ]
    problems += [
        Problem(f"{name[:40]!r} must have 1 to {LONGEST} characters.", place)
        for name, place in names
        if not 0 < len(name.strip()) <= LONGEST
    ]
    for at, each in enumerate(corrected.private):
        if each.start.tzinfo is None or (each.end is not None and each.end.tzinfo is None):
            problems.append(Problem("A time needs its zone, such as Z for UTC.", f"/private/{at}"))
        elif each.end is not None and each.end < each.start:
            problems.append(
                Problem(
                    f"It ends {rfc3339(each.end)}, before its start {rfc3339(each.start)}.",
                    f"/private/{at}/end",
                )
            )
    if problems:
        raise InputError("Nothing was changed.", problems)
    return replace(
        corrected, items=tuple(dict.fromkeys(corrected.items)), traits=tuple(dict.fromkeys(corrected.traits))
    )


def _facets(ready: Ready, taste: Taste) -> tuple[ProfileFacet, ...]:
    found = []
    for name in FACETS:
        facet = taste.facets.get(name)
        if facet is not None and facet.traits:
            found.append(_facet(ready, facet))
    return tuple(found)


def _facet(ready: Ready, facet: Facet) -> ProfileFacet:
    return ProfileFacet(
        name=facet.name,
        traits=tuple(_trait(ready, each) for each in facet.traits[:SHOWN]),
        others=max(0, len(facet.traits) - SHOWN),
        plays=facet.plays,
        drift=facet.drift,
        drifted=facet.drifted,
    )


def _trait(ready: Ready, trait: Trait) -> ProfileTrait:
    return ProfileTrait(
        value=trait.value,
        share=Range(trait.share, trait.low, trait.high),
        lift=trait.lift,
        surely=trait.surely,
        because=_named(ready, trait.reasons),
    )


def _named(ready: Ready, items: Sequence[str]) -> tuple[ItemName, ...]:
    return tuple(ItemName(each, ready.shelf.title(each)) for each in items)


def _tastes(ready: Ready, heard: Heard) -> tuple[OneTaste, ...]:
    """Tastes that are kept apart, by where their items lie among the broad directions of the item graph."""
    model = ready.shelf.model
    mine = liked(heard.liking, heard.corrected.for_taste(), ready.shelf).weights
    names = sorted(each for each in mine if each in ready.shelf.columns)
    if not isinstance(model, ItemGraph) or not model.vectors.shape[1] or not names:
        return ()
    found = tastes_of(model.vectors[np.array([ready.shelf.columns[each] for each in names])])
    if len(found.groups) < 2:
        return ()
    return tuple(
        OneTaste(
            len(group) / len(names),
            _named(ready, sorted((names[at] for at in group), key=lambda each: (-mine[each], each))[:5]),
        )
        for group in found.groups
    )
