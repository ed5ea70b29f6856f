"""How much two things are alike: text, shared relations, the same metric, the same name. Pure.

Each ground takes away a part of what speaks against the match, so that the score stays between 0 and 1,
grows with every ground, and no ground but the text suffices: 1 - (1 - text)(1 - a·relations)(1 - b·metric)...
"""

from collections.abc import Callable

import msgspec

__all__ = [
    "LIKELY",
    "NEAR",
    "TEXT",
    "Likeness",
    "Thing",
    "are_candidates",
    "are_likely",
    "documentation_of",
    "entity_of",
    "likeness",
]

RELATIONS, METRIC, NAME, TOGETHER = 0.3, 0.2, 0.25, 0.05
"""What each ground takes away at most of what speaks against a match."""
TEXT = 0.18
"""The least nearness of the texts of twins: below it, two things that use the same database are neighbours."""
LIKELY = 0.42
"""The least score of likely twins."""
WORDS = 3
"""Words that the texts of twins share at least: of "Payment API" and "Playback API" only one is the same."""
NEAR = 0.12
"""The least nearness of a text that is worth showing to who writes something new."""
DOCUMENTATION = "/docs"
"""What the reference of documentation ends with; no name of an entity holds a slash."""


class Thing(msgspec.Struct, frozen=True):
    """What is known of an entity, or of its documentation, that may exist twice."""

    ref: str
    """The entity's reference, followed by `/docs` where its documentation is meant."""
    kind: str
    title: str
    body: str
    owner: str | None
    links: frozenset[str] = frozenset()
    """What it is part of, provides, consumes, depends on, serves or rests on."""
    metrics: frozenset[str] = frozenset()
    """The success metrics of a bet."""
    ended: bool = False
    """Whether it is over: a bet that was killed or retired, software that is deprecated."""

    @property
    def name(self) -> str:
        """The name in its reference."""
        return entity_of(self.ref).rpartition("/")[2]

    @property
    def text(self) -> str:
        """Title and body in one."""
        return f"{self.title}. {self.body}"


class Likeness(msgspec.Struct, frozen=True, rename="camel"):
    """How much two things are alike, and on what grounds."""

    score: float
    text: float
    """Cosine of the two texts."""
    shared: tuple[str, ...] = ()
    """References of what both are related to, the rarest first."""
    metrics: tuple[str, ...] = ()
    """References of metrics that both want to move."""
    same_name: bool = False
    together: bool = False
    """Whether neither is over."""


def documentation_of(ref: str) -> str:
    """What stands for the documentation of the entity with this canonical reference."""
    return ref + DOCUMENTATION


def entity_of(ref: str) -> str:
    """The entity that a thing is, or that it documents.

    >>> entity_of("component:default/player/docs"), entity_of("component:default/docs")
    ('component:default/player', 'component:default/docs')
    """
    return ref.removesuffix(DOCUMENTATION) if ref.count("/") > 1 else ref


def likeness(
    first: Thing, second: Thing, text: float, rarity: Callable[[str], float] = lambda _ref: 1.0
) -> Likeness:
    """The likeness of two things whose texts have this cosine.

    `rarity` says how telling a shared relation is: a database that all use says less than one that two use.
    """
    shared = first.links & second.links
    every = sum(map(rarity, first.links | second.links))
    relations = sum(map(rarity, shared)) / (every + 1)  # the one more: of two relations two are little
    metrics = first.metrics & second.metrics
    same_name = first.name == second.name and first.kind == second.kind
    together = not first.ended and not second.ended
    against = (
        (1 - min(max(text, 0.0), 1.0))
        * (1 - RELATIONS * relations)
        * (1 - METRIC * bool(metrics))
        * (1 - NAME * same_name)
        * (1 - TOGETHER * together)
    )
    return Likeness(
        score=round(1 - against, 4),
        text=round(min(max(text, 0.0), 1.0), 4),
        shared=tuple(sorted(shared, key=lambda ref: (-rarity(ref), ref))),
        metrics=tuple(sorted(metrics)),
        same_name=same_name,
        together=together,
    )


def are_candidates(first: Thing, second: Thing) -> bool:
    """Whether two things may be twins: of one kind, of different owners, and neither part of the other."""
    return (
        first.kind == second.kind
        and first.owner is not None
        and second.owner is not None
        and first.owner != second.owner
        and first.ref not in second.links
        and second.ref not in first.links
    )


def are_likely(alike: Likeness, words: int) -> bool:
    """Whether so much likeness, with so many different words that both texts have, is worth a person's look."""
    return alike.text >= TEXT and alike.score >= LIKELY and (words >= WORDS or alike.same_name)
