"""What a Recommender says, with what holds where it says nothing. `read_plan` reads it out of the graph."""

from typing import Any, Literal

import msgspec

from counterpoint.discover.arranging import Arrangement
from counterpoint.discover.weekly import WeeklyOptions
from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.spelling import near

__all__ = [
    "Bounds",
    "ItemSource",
    "Plan",
    "PlaylistSource",
    "Signal",
    "WeeklyPlan",
    "plan_of",
    "read_plan",
    "recommenders",
]


class Signal(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=False):
    """One type of event that says something of an item."""

    event: str
    item: str = "item"
    """The attribute of the event that names the item."""
    weight: float = 1.0
    """What one event says; below 0 it speaks against the item."""
    attribute: str | None = None
    """A number of the event that `above` and `below` bound, such as msPlayed."""
    above: float | None = None
    """The event counts from this number on."""
    below: float | None = None
    """The event counts below this number."""


class PlaylistSource(msgspec.Struct, frozen=True, rename="camel"):
    """The events that say what a playlist holds; a newer one of a playlist replaces the older."""

    event: str
    playlist: str = "playlist"
    title: str = "title"
    items: str = "items"
    """A list of the items' names, in their order."""


class ItemSource(msgspec.Struct, frozen=True, rename="camel"):
    """The events that say what an item is: artist, album, genre, show, language, released; the newest counts."""

    event: str
    item: str = "item"


class Bounds(msgspec.Struct, frozen=True, rename="camel"):
    """Different items of one listener beyond which no person listens: who has more is left out."""

    day: float = 2_000
    all: float = 10_000


class WeeklyPlan(msgspec.Struct, frozen=True, rename="camel"):
    """What the week's playlist keeps to; see `weekly.WeeklyOptions` and `arranging.Arrangement`."""

    places: float = 30
    calibration: float = 0.5
    by_artist: float = 2
    gap: float = 3
    popular: float = 0.5
    small: float = 0.0
    candidates: float = 200
    known: float = 0.1
    explored: float = 2
    greed: float = 0.5

    def options(self) -> WeeklyOptions:
        """As the playlist's maker takes them."""
        arrangement = Arrangement(
            places=int(self.places),
            calibration=self.calibration,
            by_artist=int(self.by_artist),
            gap=int(self.gap),
            popular=self.popular,
            small=self.small,
        )
        return WeeklyOptions(
            arrangement=arrangement,
            candidates=int(self.candidates),
            known=self.known,
            explored=min(int(self.explored), arrangement.places),
            greed=self.greed,
        )


class Plan(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A recommender as its entity has it."""

    signals: tuple[Signal, ...] = (Signal("track.played"),)
    context: str = "context"
    """The attribute of a signal's event that says where it was played from."""
    private: str = "private"
    """The attribute that says whether it was heard in a private session."""
    zone: str | None = None
    """The attribute with the listener's time zone, such as Europe/Stockholm; none where events say nothing of it."""
    playlists: PlaylistSource | None = None
    items: ItemSource | None = None
    half_life: float = 180.0
    """Days after which an event counts half."""
    window: float | None = None
    """Days before the cut that are read; all of them where it is none."""
    most: float = 50.0
    """What one listener can say of one item at most."""
    most_items: Bounds = Bounds()
    consent: Literal["assumed", "required"] = "assumed"
    flag: str | None = None
    flag_set: str = "default"
    shadow: int | None = None
    """The number of a version that is computed beside the one that answers, and never shown."""
    weekly: WeeklyPlan = WeeklyPlan()
    budget: float = 120.0
    """CPU seconds that the choice of a method may take."""


def plan_of(spec: Any) -> Plan:
    """The plan that a `spec` gives.

    Raises:
        InputError: a field is of another type than the graph's checks let through.
    """
    try:
        return msgspec.convert(
            {key: value for key, value in spec.items() if key != "owner"}, Plan, strict=False
        )
    except msgspec.ValidationError as error:
        raise InputError(f"The recommender cannot be read: {error}") from None


def read_plan(reader: Reader, name: str) -> tuple[Entity, Plan]:
    """A recommender by its name or reference, with its plan.

    Raises:
        NotFoundError: there is none of that name; the message tells near ones.
        InputError: the name is no reference to a recommender.
    """
    ref = parse_ref(name, default_kind="recommender")
    if ref.kind != "recommender":
        raise InputError(
            f"{ref} is no recommender; write its name, or recommender:{ref.namespace}/{ref.name}."
        )
    entity = reader.get(ref)
    if entity is None:
        names = [parse_ref(each).short for each in recommenders(reader)]
        listed = (
            f" There are: {', '.join(names[:20])}."
            if names
            else " There is none yet: write one as YAML and import it with: counterpoint import catalog FILE"
        )
        raise NotFoundError(f"There is no recommender {ref.short}{near(ref.short, names) or '.'}{listed}")
    return entity, plan_of(entity.spec)


def recommenders(reader: Reader) -> list[str]:
    """The references of all recommenders, in the order of their names."""
    return sorted(each.ref for each in reader.all(kind="Recommender"))
