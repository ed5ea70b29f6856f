"""Recommendations as a service: in process, and behind the API.

Who asks for a listener must act for listeners (`access`). Which version answers is the flag's word (`choosing`); what
the listener heard a moment ago counts (`hearing`); a shadow is asked beside the request (`shadow`). A version that
goes while it is asked for is replaced by the newest that is there: a swap fails no request.
"""

import dataclasses
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from counterpoint.discover.access import acts_for_listeners, require_listeners
from counterpoint.discover.answering import Picked, hidden_by, like, most_liked, recommended
from counterpoint.discover.choosing import Choice, choice_of
from counterpoint.discover.hearing import Heard, Hearing, in_context
from counterpoint.discover.plan import Plan, read_plan
from counterpoint.discover.playlists import Playlist
from counterpoint.discover.sentences import reasons_of
from counterpoint.discover.shadow import Shadows
from counterpoint.discover.shelf import Shelf
from counterpoint.discover.traits import Traits
from counterpoint.discover.versions import Fitted, load_version, versions
from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem, WorkspaceError
from counterpoint.flags.exposure import exposures_of
from counterpoint.graph.actor import Actor
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = [
    "MOST",
    "Because",
    "Ready",
    "Recommendation",
    "Recommendations",
    "Service",
    "Similar",
    "check_count",
    "conditions",
    "service_of",
]

MOST = 500
"""Items of one answer."""
MOST_SHELVES = 16
"""Versions that are kept at hand."""


class Because(msgspec.Struct, frozen=True, rename="camel"):
    """One item of the listener's own, and what it added to a score."""

    item: str
    title: str
    part: float


class Recommendation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One item with its reasons; their parts and the rest add up to the score."""

    item: str
    title: str
    """Of the item; its name where it has none."""
    score: float
    because: tuple[Because, ...] = ()
    rest: float = 0.0
    """What everything else that was heard added together."""
    known: bool = False
    reason: Said
    """The same in a sentence."""


class Recommendations(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What one listener is recommended."""

    recommender: str
    version: int
    variant: str | None = None
    """Of the flag that chose the version."""
    personal: bool
    """False where nothing may be said of the listener, or nothing is known: what most like."""
    items: tuple[Recommendation, ...]
    note: Said | None = None


class Similar(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Items that go with others, of nobody in particular."""

    recommender: str
    version: int
    items: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """A version at hand."""

    ref: str
    plan: Plan
    choice: Choice
    fitted: Fitted
    shelf: Shelf
    traits: Traits


@dataclass(frozen=True, slots=True)
class _Known:
    """A recommender as one look at the graph found it."""

    activity: int
    ref: str
    plan: Plan
    ready: tuple[int, ...]
    """Numbers of versions that can answer, the newest first."""


class Service:
    """The recommenders of one workspace. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.hearing = Hearing(workspace)
        self.shadows = Shadows(workspace)
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._shelves: dict[tuple[str, int], tuple[Fitted, Shelf, Traits]] = {}

    def recommend(
        self,
        actor: Actor,
        recommender: str,
        listener: str,
        *,
        count: int = 20,
        where: Iterable[str] = (),
        context: str | None = None,
        known: bool = False,
    ) -> Recommendations:
        """The best items for a listener now, what they have just heard included.

        Args:
            actor: who asks for the listener.
            recommender: its name or reference.
            listener: the subject of their events.
            count: how many items.
            where: conditions such as "genre:jazz"; those of one facet are alternatives.
            context: one of `taste.CONTEXTS`: what is heard then counts more.
            known: let items come back that the listener knows.

        Raises:
            NotAllowedError: the actor does not act for listeners.
            NotFoundError: there is no such recommender, or no version of it is ready.
            InputError: a count, condition or context that is none.
        """
        require_listeners(actor, listener)
        check_count(count)
        asked = conditions(where)
        begun = time.perf_counter()
        ready, heard = self.ready(recommender, listener)
        liking = in_context(heard, context)
        told = heard.corrected.for_taste()
        if heard.personal:
            picked = recommended(ready.shelf, liking, count, corrections=told, where=asked, known=known)
        else:
            hidden = hidden_by(liking, told, ready.shelf)
            picked = most_liked(ready.shelf, count, where=asked, hidden=hidden)
        answer = _recommendations(ready, picked, heard)
        self._compare(ready, answer, heard, time.perf_counter() - begun, count, asked, known=known)
        return answer

    def similar(
        self,
        recommender: str,
        item: str,
        *,
        count: int = 20,
        where: Iterable[str] = (),
        actor: Actor | None = None,
    ) -> Similar:
        """The items that go best with one, by the newest version.

        An `actor` who does not act for listeners is told of items that enough people have, and no others: what goes
        with an item of one person is what that person has. Raises:
            NotFoundError: there is no such recommender, version or item, or too few people have it.
        """
        check_count(count)
        ready = self.newest(recommender)
        least = self._least(actor)
        column = ready.shelf.columns.get(item)
        if column is None or ready.fitted.people[column] < least:
            few = f" that {least} people or more have" if least else ""
            raise NotFoundError(f"Version {ready.choice.number} of {ready.ref} knows no item {item!r}{few}.")
        told = ready.fitted.people >= least if least else None
        picked = like(ready.shelf, column, count, where=conditions(where), told=told)
        return Similar(recommender=ready.ref, version=ready.choice.number, items=_told(ready.shelf, picked))

    def continued(
        self,
        recommender: str,
        title: str,
        tracks: Sequence[str],
        *,
        count: int = 20,
        actor: Actor | None = None,
    ) -> Similar:
        """The tracks that continue a playlist best, from its title and its tracks in their order.

        Tracks that the version does not know are passed over; for an `actor` as in `similar`, also tracks and words
        that few people have. Raises:
            NotFoundError: there is no such recommender or version, or it was fitted without playlists.
            ConflictError: somebody was forgotten, and the version has yet to follow.
            InputError: there is neither a title nor a track that is known.
        """
        check_count(count)
        ready = self.newest(recommender)
        continuation = ready.fitted.continuation
        if ready.fitted.behind:
            raise ConflictError(
                "Somebody was forgotten, and no playlist is continued until that is followed."
            )
        if continuation is None:
            raise NotFoundError(
                f"Version {ready.choice.number} of {ready.ref} was fitted without playlists; say in its spec which events are playlists, and fit it again."
            )
        least = self._least(actor)
        told, worded = ready.fitted.people >= least, ready.fitted.worded
        found = (ready.shelf.columns.get(each) for each in tracks)
        known = tuple(dict.fromkeys(at for at in found if at is not None and told[at]))
        if not title.strip() and not known:
            raise InputError("The playlist has no title, and no track that this version knows; give either.")
        if least:
            voices = continuation.voices
            words = voices.words.of(title, lambda at: at < len(worded) and worded[at] >= least)
            continuation = dataclasses.replace(continuation, voices=dataclasses.replace(voices, words=words))
        ranking = continuation.recommend([Playlist(known, title)], len(told) if least else count)
        items = tuple(
            Recommendation(
                item=ready.shelf.items[at],
                title=ready.shelf.title(ready.shelf.items[at]),
                score=float(score),
                reason="Playlists of this kind have it.",
            )
            for at, score in zip(ranking.of(0), ranking.scores[0], strict=False)
            if told[at]
        )
        return Similar(recommender=ready.ref, version=ready.choice.number, items=items[:count])

    def _least(self, actor: Actor | None) -> int:
        """How many people must have what is told to an actor; anything goes in process, and for who acts for listeners."""
        if actor is None or acts_for_listeners(actor):
            return 0
        return self.workspace.settings.discover.least_listeners

    def ready(self, recommender: str, listener: str) -> tuple[Ready, Heard]:
        """The version that answers a listener, and what they heard; the flag's answer is noted as an exposure."""
        known = self._look(recommender)
        heard = self.hearing.of(known.ref, known.plan, listener)
        return self.chosen(recommender, listener, personal=heard.personal), heard

    def chosen(self, recommender: str, listener: str, *, personal: bool, exposed: bool = True) -> Ready:
        """The version that answers a listener."""
        choice = self.choice(recommender, listener, personal=personal, exposed=exposed)
        return self._load(self._look(recommender), choice)

    def choice(self, recommender: str, listener: str, *, personal: bool, exposed: bool = True) -> Choice:
        """Which version answers a listener. For who gave no consent no flag is asked: it is the newest."""
        known = self._look(recommender)
        plan = known.plan if personal else replace(known.plan, flag=None)
        return choice_of(self.workspace, plan, known.ready, listener, exposed=exposed)

    def plan(self, recommender: str) -> tuple[str, Plan]:
        """A recommender's reference and plan, whether a version is ready or not."""
        known = self._look(recommender, ready=False)
        return known.ref, known.plan

    def newest(self, recommender: str) -> Ready:
        """The newest version, for what concerns no listener."""
        known = self._look(recommender)
        return self._load(known, Choice(known.ready[0]))

    def version(self, recommender: str, number: int) -> Ready:
        """One version.

        Raises:
            NotFoundError: there is none of that number that is ready.
        """
        known = self._look(recommender)
        return self._take(known, Choice(number))

    def close(self) -> None:
        """Write what waits: exposures and the sums of shadows."""
        self.shadows.stop()
        exposures_of(self.workspace).flush()

    def _look(self, recommender: str, *, ready: bool = True) -> _Known:
        """The recommender as it is now; the graph is read only where it has changed."""
        activity = self.workspace.graph.last_activity()
        known = self._known.get(recommender)
        if known is None or known.activity != activity:
            with self.workspace.graph.read() as reader:
                entity, plan = read_plan(reader, recommender)
            numbers = tuple(
                each.number for each in versions(self.workspace, entity.ref) if each.state == "ready"
            )
            known = _Known(activity, entity.ref, plan, numbers)
            with self._lock:
                self._known[recommender] = known
        if ready and not known.ready:
            raise NotFoundError(
                f"No version of {known.ref} is ready to answer; make one with: counterpoint discover fit {recommender}"
            )
        return known

    def _load(self, known: _Known, choice: Choice) -> Ready:
        """The version that was chosen; where it has just gone, the newest that is there."""
        for number in (choice.number, *(each for each in known.ready if each != choice.number)):
            try:
                return self._take(
                    known, choice if number == choice.number else Choice(number, choice.variant)
                )
            except (NotFoundError, WorkspaceError):
                continue
        raise NotFoundError(f"No version of {known.ref} can be read; fit one anew.")

    def _take(self, known: _Known, choice: Choice) -> Ready:
        fitted = load_version(self.workspace, known.ref, choice.number)
        place = (known.ref, choice.number)
        kept = self._shelves.get(place)
        if kept is None or kept[0] is not fitted:
            follows = None if fitted.continuation is None else fitted.continuation.voices.follows
            shelf = Shelf(fitted.model, fitted.items, fitted.attributes, fitted.heard, follows)
            kept = fitted, shelf, Traits(shelf, fitted.continuation)
            with self._lock:
                if len(self._shelves) >= MOST_SHELVES:
                    self._shelves.clear()
                self._shelves[place] = kept
        return Ready(known.ref, known.plan, choice, *kept)

    def _compare(
        self,
        ready: Ready,
        answer: Recommendations,
        heard: Heard,
        seconds: float,
        count: int,
        where: frozenset[tuple[str, str]],
        *,
        known: bool,
    ) -> None:
        """Ask the shadow the same, off the request's path."""
        shadow = ready.plan.shadow
        if shadow is None or shadow == ready.choice.number or not heard.personal:
            return

        def ask() -> list[str]:
            other = self.version(ready.ref, shadow).shelf
            told = heard.corrected.for_taste()
            picked = recommended(other, heard.liking, count, corrections=told, where=where, known=known)
            return other.names(each.item for each in picked)

        shown = [each.item for each in answer.items]
        self.shadows.note(ready.ref, ready.choice.number, shadow, shown, seconds=seconds, ask=ask)


def service_of(workspace: Workspace) -> Service:
    """The service of a workspace, shared by all that use it."""
    return workspace.keep(Service, Service)


def check_count(count: int) -> None:
    """Refuse a list without items, or with more than `MOST`."""
    if not 1 <= count <= MOST:
        raise InputError("The request is not valid.", [Problem(f"k is {count}, must be 1 to {MOST}")])


def conditions(where: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Conditions as `Shelf.where` takes them.

    Raises:
        InputError: one is not written as facet:value.
    """
    found = set()
    for each in where:
        facet, colon, value = each.partition(":")
        if not (facet and colon and value):
            raise InputError(
                "The request is not valid.",
                [
                    Problem(
                        f'where is "{each}", must be a facet and a value such as genre:jazz, or show:* for any'
                    )
                ],
            )
        found.add((facet, value))
    return frozenset(found)


def _recommendations(ready: Ready, picked: Sequence[Picked], heard: Heard) -> Recommendations:
    personal = heard.personal and any(each.because for each in picked)
    note = ready.choice.note
    if not heard.personal:
        note = "Nothing personal is used without consent: this is what many listen to."
    elif not ready.fitted.personal:
        note = "Somebody was forgotten, and the version has yet to follow: this is what many listen to."
    return Recommendations(
        recommender=ready.ref,
        version=ready.choice.number,
        variant=ready.choice.variant,
        personal=personal,
        items=_told(ready.shelf, picked),
        note=note,
    )


def _told(shelf: Shelf, picked: Sequence[Picked]) -> tuple[Recommendation, ...]:
    reasons = reasons_of(
        shelf, [(each.item, [item for item, part in each.because if part > 0]) for each in picked]
    )
    return tuple(
        Recommendation(
            item=shelf.items[each.item],
            title=shelf.title(shelf.items[each.item]),
            score=each.score,
            because=tuple(
                Because(shelf.items[item], shelf.title(shelf.items[item]), part)
                for item, part in each.because
            ),
            rest=each.rest,
            known=each.known,
            reason=reason,
        )
        for each, reason in zip(picked, reasons, strict=True)
    )
