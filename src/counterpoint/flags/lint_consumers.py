"""Programs that hash otherwise than the set does: how many users they give something else."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.levels import Level
from counterpoint.flags.model import FlagSet
from counterpoint.flags.ruletree import Node

__all__ = ["CONSUMERS", "consumer_findings"]

CONSUMERS: Final = "consumers"
"""The entry of a set's metadata that lists who evaluates it, such as "python-flagd-core 2.0.0, flagd 0.16"."""
USERS: Final = 10_000
MOST_FLAGS: Final = 50
"""Flags with a split whose users are counted."""
_KNOWN: Final[Mapping[str, tuple[tuple[int, ...], Bucketing]]] = {
    "python-flagd-core": ((2,), "v3"),
    "openfeature-flagd-core": ((2,), "v3"),
    "npm-flagd-core": ((4,), "v2"),
    "@openfeature/flagd-core": ((4,), "v2"),
    "flagd": ((0, 16), "v2"),
}
"""By package: from which version on it hashes how. Sources: the packages themselves, run; the daemon's code, read."""


def consumer_findings(flags: FlagSet, trees: Mapping[str, Node]) -> Iterator[tuple[Level, Problem]]:
    """Who of those that the set's metadata names as consumers disagrees with its bucketing, and for how many users."""
    place = f"/metadata/{CONSUMERS}"
    declared = str(flags.metadata.get(CONSUMERS) or "")
    for consumer in filter(None, (part.strip() for part in declared.split(","))):
        name, _, written = consumer.rpartition(" ")
        version = tuple(map(int, re.findall(r"\d+", written)))
        known = _KNOWN.get(name)
        if known is None or not version or version < known[0]:
            names = ", ".join(f"{one} {'.'.join(map(str, since))}" for one, (since, _) in _KNOWN.items())
            message = f"How {consumer!r} hashes is not known. Known from these versions on: {names}."
            yield "note", Problem(message, place)
        elif known[1] != flags.bucketing:
            yield from _disagreement(flags, trees, consumer, known[1])


def _disagreement(
    flags: FlagSet, trees: Mapping[str, Node], consumer: str, bucketing: Bucketing
) -> Iterator[tuple[Level, Problem]]:
    split = [key for key, tree in trees.items() if any(node.name == "fractional" for node in tree.walk())]
    if not split:
        return
    differing = _differing(flags, trees, split[:MOST_FLAGS], bucketing)
    worst = ", ".join(f"{key!r} {percent:.1f} %" for key, percent in differing[:5])
    more = f" and {len(differing) - 5} more flags" if len(differing) > 5 else ""
    counted = f": of {USERS:,} simulated users, {worst}{more} get something else" if differing else ""
    message = (
        f"{consumer} hashes in {bucketing}, and the set in {flags.bucketing}{counted}. Evaluate over OFREP there, "
        f"or set the bucketing to {bucketing} if nobody hashes otherwise."
    )
    yield "warning", Problem(message, f"/metadata/{CONSUMERS}")


def _differing(
    flags: FlagSet, trees: Mapping[str, Node], keys: list[str], bucketing: Bucketing
) -> list[tuple[str, float]]:
    """Percent of users who get something else from each flag, the worst first."""
    from counterpoint.flags.population import invented  # and numpy with it
    from counterpoint.flags.simulation import simulate

    other = FlagSet.from_flagd(flags.definition, bucketing)
    population = invented(USERS, [trees[key] for key in keys])
    found = [(change.key, change.percent) for change in simulate(flags, other, population, keys=keys)]
    return sorted((one for one in found if one[1]), key=lambda one: -one[1])
