"""The words of a unit: every noun with what it is called and by whom, and changing it."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Custom, UnitCustoms
from counterpoint.graph.entity import Entity
from counterpoint.graph.store import Graph
from counterpoint.people.holding import change
from counterpoint.said import Said
from counterpoint.spelling import near
from counterpoint.vocabulary import NOUNS, PACKS, Noun, Words, check_nouns, read_nouns

__all__ = [
    "SAMPLE",
    "NounRow",
    "VocabularyView",
    "Whence",
    "noun_rows",
    "preview",
    "rename",
    "view",
    "whence",
]

SAMPLE = (
    "A squad writes down a bet: what it believes, which metric should move, and what would end it. "
    "Its tribe sees the bets of all its squads. Chapters and guilds share what each experiment taught them."
)
"""Says how a vocabulary sounds before it is kept."""


class Whence(msgspec.Struct, frozen=True, rename="camel"):
    """Where a custom comes from."""

    ref: str
    """Of the document."""
    title: str
    unit: str | None
    """The unit that it names; none for the whole organisation."""
    unit_title: str


class NounRow(msgspec.Struct, frozen=True, rename="camel"):
    """One noun, and what it is called."""

    key: str
    meaning: Said
    one: str
    many: str
    renamed: bool
    whence: Whence | None = None
    """None where it is our own word."""


class VocabularyView(msgspec.Struct, frozen=True, rename="camel"):
    """The words that hold for a unit, or for the organisation where `unit` is none."""

    unit: str | None
    nouns: tuple[NounRow, ...]


def whence(custom: Custom[Any] | None) -> Whence | None:
    """The origin of a custom as plain JSON."""
    origin = custom.origin if custom else None
    return Whence(origin.ref, origin.title, origin.unit, origin.unit_title) if origin else None


def noun_rows(customs: UnitCustoms) -> tuple[NounRow, ...]:
    """Every noun in the order in which they are listed."""
    return tuple(_row(noun, customs) for noun in NOUNS.values())


def view(customs: UnitCustoms) -> VocabularyView:
    """The words of a unit as the API answers them."""
    return VocabularyView(customs.unit, noun_rows(customs))


def _row(noun: Noun, customs: UnitCustoms) -> NounRow:
    words = customs.words
    one, many = words.one(noun.key), words.many(noun.key)
    renamed = (one, many) != (noun.one, noun.many)
    return NounRow(noun.key, noun.meaning, one, many, renamed, whence(customs.nouns.get(noun.key)))


def rename(
    graph: Graph,
    actor: Actor,
    unit: str | None,
    nouns: Mapping[str, Any],
    *,
    pack: str | None = None,
    reason: str | None = None,
    if_match: Collection[str] | None = None,
) -> Entity:
    """Rename nouns for a unit; a noun whose value is none takes again what the units above say.

    With `pack` all that the unit has renamed is replaced by a ready vocabulary, before `nouns`.

    Raises:
        InputError: a noun or a word is not valid; the problems point to it.
        NotFoundError: there is no such pack.
        ConflictError, NotAllowedError, PreconditionError: as `holding.change`.
    """
    start = None if pack is None else _pack(pack)
    given = {key: value for key, value in nouns.items() if value is not None}
    problems = [*check_nouns(given, "/nouns"), *_unknown(key for key in nouns if nouns[key] is None)]
    if problems:
        raise InputError("The vocabulary was not changed.", problems)

    def edit(spec: dict[str, Any]) -> dict[str, Any]:
        kept = dict(spec.get("nouns") or {}) if start is None else start
        kept = {key: value for key, value in kept.items() if key not in nouns} | given
        return spec | {"nouns": {key: kept[key] for key in NOUNS if key in kept}}

    return change(graph, actor, "Vocabulary", unit, edit, reason=reason, if_match=if_match)


def preview(customs: UnitCustoms, nouns: Mapping[str, Any]) -> str:
    """The sample text with some nouns renamed on top of what holds."""
    held = {key: custom.value for key, custom in customs.nouns.items()}
    given = {key: value for key, value in nouns.items() if value is not None}
    return str(Words(held | read_nouns(given)).tell(SAMPLE))


def _pack(name: str) -> dict[str, Any]:
    if name not in PACKS:
        raise NotFoundError(
            f"There is no vocabulary '{name}'{near(name, list(PACKS))}; ready are {', '.join(PACKS)}."
        )
    return {key: {"one": one, "many": many} for key, (one, many) in PACKS[name].items()}


def _unknown(keys: Any) -> list[Problem]:
    return [problem for key in keys if key not in NOUNS for problem in check_nouns({key: ""}, "/nouns")]
