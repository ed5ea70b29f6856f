"""What a change of a flag set would do, before it is made: flag by flag in words, and to how many people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.model import FlagSet
from counterpoint.flags.part_words import CODE_DEFAULT, shown, words_of, words_of_rest
from counterpoint.flags.store import Written
from counterpoint.graph.flag_changes import SetChanges
from counterpoint.said import Said

if TYPE_CHECKING:
    from counterpoint.flags.simulation import Change, Outcome

__all__ = ["Effect", "FlagEffect", "People", "Step", "effect_between", "effect_of", "flag_effects"]

USERS: Final = ((3, 10_000), (30, 1_000), (200, 200))
"""Flags of one change up to which so many invented users are asked, before and after; of more only words are told."""


@dataclass(frozen=True, slots=True)
class Step:
    """How many go from one answer to another."""

    before: Said
    after: Said
    users: int


@dataclass(frozen=True, slots=True)
class People:
    """What happens to the invented users of one flag."""

    users: int
    changed: int
    steps: tuple[Step, ...]
    """Of those who get something else, the most frequent first."""

    @property
    def percent(self) -> float:
        """Percent of the users who get something else."""
        return 100 * self.changed / self.users


@dataclass(frozen=True, slots=True)
class FlagEffect:
    """What becomes of one flag."""

    key: str
    action: str
    """added, removed or changed."""
    words: tuple[Said, ...]
    parts: tuple[tuple[str, str, str], ...]
    """Each part that differs, as JSON before and after."""
    people: People | None = None
    """None where it was not simulated."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do."""

    flags: tuple[FlagEffect, ...]
    sentences: tuple[Said, ...] = ()
    """What it does by the plans, where it changes some."""
    others: tuple[Said, ...] = ()
    """What else of the set it changes."""
    warnings: tuple[Problem, ...] = ()
    users: int = 0
    """Invented users that were asked."""

    def __bool__(self) -> bool:
        """Whether anything would change."""
        return bool(self.flags or self.sentences or self.others)


def effect_of(
    before: Mapping[str, Any] | None,
    written: Written,
    sentences: Sequence[str] = (),
    *,
    simulated: bool = True,
) -> Effect:
    """What a write, tried as a dry run, would do.

    Args:
        before: the set's document as it is; None where there is none.
        written: what the dry run has told.
        sentences: what plans say of it.
        simulated: whether to ask invented users, about 0.2 s for each of up to three flags that change.
    """
    sides = before, written.document
    return effect_between(sides, written.changes, sentences, warnings=written.warnings, simulated=simulated)


def effect_between(
    sides: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    changes: SetChanges,
    sentences: Sequence[str] = (),
    *,
    warnings: tuple[Problem, ...] = (),
    simulated: bool = True,
) -> Effect:
    """What differs between two documents of a set, before and after, does to people; see `effect_of`."""
    before, after = sides
    flags = flag_effects(changes)
    users = next((users for most, users in USERS if len(flags) <= most), 0) if simulated else 0
    if users and after is not None:
        people = _people(before, after, [flag.key for flag in flags], users)
        flags = tuple(
            FlagEffect(each.key, each.action, each.words, each.parts, people.get(each.key)) for each in flags
        )
    return Effect(flags, tuple(sentences), tuple(words_of_rest(changes)), warnings, users)


def flag_effects(changes: SetChanges) -> tuple[FlagEffect, ...]:
    """Each flag that differs, in words and as JSON."""
    return tuple(
        FlagEffect(
            flag.key,
            flag.action,
            tuple(words_of(flag)),
            tuple((part.part, shown(part.before), shown(part.after)) for part in flag.parts),
        )
        for flag in changes.flags
    )


def _people(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], keys: Sequence[str], users: int
) -> dict[str, People]:
    from counterpoint.flags.simulation import population_for, simulate  # and numpy with it

    try:
        old, new = _flags(before, keys), _flags(after, keys)
    except FlagSetError:
        return {}  # what is there now answers nobody, so that nothing can be compared
    population = population_for(old, new, users)
    return {each.key: _counted(each) for each in simulate(old, new, population, keys=keys)}


def _flags(document: Mapping[str, Any] | None, keys: Sequence[str]) -> FlagSet:
    """These flags of a set; a thousand others need not be compiled for them."""
    spec = document["spec"] if document else {"definition": {"flags": {}}}
    bucketing: Bucketing = "v3" if spec.get("bucketing") == "v3" else "v2"
    definition = spec["definition"]
    listed = definition.get("flags")
    chosen: Any
    if isinstance(listed, list):
        chosen = [flag for flag in listed if isinstance(flag, Mapping) and flag.get("key") in keys]
    else:
        chosen = {key: flag for key, flag in (listed or {}).items() if key in keys}
    return FlagSet.from_flagd({**definition, "flags": chosen}, bucketing)


def _counted(change: "Change") -> People:
    steps = [
        Step(_outcome(each.before), _outcome(each.after), each.users)
        for each in change.transitions
        if each.changes
    ]
    return People(change.users, change.changed, tuple(steps))


def _outcome(outcome: "Outcome") -> str:
    if outcome.error == "FLAG_NOT_FOUND":
        return "no such flag"
    if outcome.error:
        return f"an error ({outcome.error})"
    return CODE_DEFAULT if outcome.variant is None else f"'{outcome.variant}'"
