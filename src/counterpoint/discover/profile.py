"""What a listener sees of themselves: the profile with its reasons, what they may change, and what they take along."""

from datetime import datetime

import msgspec

from counterpoint.discover.corrections import Corrected
from counterpoint.discover.week import Week
from counterpoint.said import Said

__all__ = [
    "Consents",
    "CorrectionsChange",
    "Export",
    "HeardOnce",
    "ItemName",
    "OneTaste",
    "Profile",
    "ProfileFacet",
    "ProfileTrait",
    "Range",
]


class ItemName(msgspec.Struct, frozen=True, rename="camel"):
    """An item and what it is called."""

    item: str
    title: str


class Range(msgspec.Struct, frozen=True, rename="camel"):
    """A share with its 90 % interval."""

    mean: float
    low: float
    high: float


class ProfileTrait(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One value of a facet, such as the genre jazz."""

    value: str
    share: Range
    lift: float
    """The share beside that of everybody: 2 is twice as much as others."""
    surely: float
    """The probability that it is above everybody's."""
    because: tuple[ItemName, ...]
    """Items that said it, the ones that said most first."""


class ProfileFacet(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One facet of a taste."""

    name: str
    traits: tuple[ProfileTrait, ...]
    """The largest share first."""
    others: int
    """Values that are not shown."""
    plays: float
    drift: float
    """How far the last four weeks are from before, from 0 to 1."""
    drifted: bool
    """Whether chance alone would hardly give so much."""


class OneTaste(msgspec.Struct, frozen=True, rename="camel"):
    """One of several tastes that are kept apart."""

    share: float
    """Of the items that are liked."""
    items: tuple[ItemName, ...]
    """Those that are liked most."""


class Consents(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a listener said, purpose by purpose; none where they said nothing.

    A word on a purpose that there is not is refused: a misspelt no must not be taken for nothing.
    """

    personalisation: bool | None = None
    research: bool | None = None
    advertising: bool | None = None


class Profile(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a listener's listening says of their taste."""

    recommender: str
    listener: str
    version: int
    at: datetime
    personal: bool
    """False where their listening may not be used; then there is nothing to see."""
    plays: float
    """Effective plays: older ones count less."""
    facets: tuple[ProfileFacet, ...] = ()
    discovery: Range | None = None
    """How much of what they hear is new to them."""
    contexts: dict[str, dict[str, float]] = {}
    """For each context with enough listening, the lift of each genre in it beside the listener's own."""
    tastes: tuple[OneTaste, ...] = ()
    """Several where the items fall apart clearly, the largest first; else none."""
    corrections: Corrected
    consents: Consents
    note: Said | None = None


class CorrectionsChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A change of what a listener says of the picture that is made of them."""

    add_items: tuple[str, ...] = ()
    """Not my taste."""
    remove_items: tuple[str, ...] = ()
    add_traits: tuple[tuple[str, str], ...] = ()
    """Facet and value, such as ["genre", "polka"] or ["artist", "Ana Blue"]."""
    remove_traits: tuple[tuple[str, str], ...] = ()
    private: bool | None = None
    """True begins a private session now, False ends it."""


class HeardOnce(msgspec.Struct, frozen=True, rename="camel"):
    """One event of the listening that counts."""

    item: str
    at: datetime
    weight: float


class Export(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Everything that is kept of a listener for a recommender, to take along."""

    profile: Profile
    weeks: tuple[Week, ...]
    listening: tuple[HeardOnce, ...]
    liking: dict[str, float]
    """What each item counts now."""
    against: dict[str, float]
