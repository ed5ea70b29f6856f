"""Names that look misspelt, conditions written out several times, and flags that nobody could clean up."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from counterpoint.errors import Problem
from counterpoint.flags.flag import Flag
from counterpoint.flags.levels import Level
from counterpoint.flags.lint_splits import entries_of
from counterpoint.flags.model import FlagSet
from counterpoint.flags.ruletree import Node, variables
from counterpoint.flags.sentences import condition

__all__ = ["attribute_findings", "neglect_findings", "segment_findings"]

ATTRIBUTES: Final = "attributes"
"""The entry of a set's metadata that lists the attributes which evaluations carry, separated by commas."""
_GIVEN: Final = frozenset(("targetingKey", "$flagd", "$flagd.flagKey", "$flagd.timestamp"))
TOGETHER: Final = " A split hashes it by `cat`: who lacks it is drawn as if it were empty, all alike where nothing else tells them apart."


def attribute_findings(
    flags: FlagSet, trees: Mapping[str, Node], seen: Collection[str] = ()
) -> Iterator[tuple[Level, Problem]]:
    """Attributes that no evaluation carries, by those declared or seen; else by what the other rules call them.

    Args:
        flags: the set, whose metadata may declare `attributes`.
        trees: its rules.
        seen: attributes that evaluations have carried.
    """
    declared = flags.metadata.get(ATTRIBUTES)
    known = set(seen) | ({part.strip() for part in str(declared).split(",")} if declared else set())
    reads = [(node, path) for tree in trees.values() for node, path in variables(tree)]
    hashed = _hashed(trees)
    # Of an attribute that is read in several places the gravest is told.
    reads.sort(key=lambda read: read[0].pointer not in hashed)
    used = Counter(path for _, path in reads)
    told: set[str] = set()
    for node, path in reads:
        if path in told or path in _GIVEN or path.split(".")[0] in known or path in known:
            continue
        others = (
            known | _GIVEN
            if known
            else {one for one, count in used.items() if count > 2 * used[path]} | {"targetingKey"}
        )
        like = _like(path, others)
        if known or like:
            told.add(path)
            # What was seen came over HTTP alone: a service that evaluates in process may carry more.
            draws = node.pointer in hashed
            level: Level = "warning" if declared or like or draws else "note"
            message = _unknown(path, like, known=bool(known), remote=not declared)
            yield level, Problem(f"{message}{TOGETHER if draws else ''}", node.pointer)


def _hashed(trees: Mapping[str, Node]) -> set[str]:
    """The places of what splits hash as part of a text. What a split hashes by itself may be missing: it then draws otherwise."""
    splits = (node for tree in trees.values() for node in tree.walk() if node.name == "fractional")
    seeds = (seed for split in splits if (seed := entries_of(split)[0]) is not None)
    texts = (part for seed in seeds for part in seed.walk() if part.name == "cat")
    return {part.pointer for text in texts for part in text.walk()}


def _like(path: str, names: Collection[str]) -> str | None:
    folded = {name.casefold().replace("_", "").replace("-", ""): name for name in names if name != path}
    same = folded.get(path.casefold().replace("_", "").replace("-", ""))
    long = [name for name in names if name != path and len(name) > 3 < len(path)]
    return same or next(iter(get_close_matches(path, long, n=1, cutoff=0.8)), None)


def _unknown(path: str, like: str | None, *, known: bool, remote: bool) -> str:
    who = "No remote evaluation has carried" if remote else "No evaluation carries"
    what = f"{who} the attribute {path!r}" if known else f"The attribute {path!r} looks misspelt"
    if like:
        return f"{what}. Did you mean {like!r}?"
    if remote:
        return f"{what}, and where none does it counts as having no value. If services carry it in process, name it in the set's metadata under {ATTRIBUTES!r}."
    return f"{what}, so that it counts as having no value. Send it, or name it in the set's metadata under {ATTRIBUTES!r}."


def segment_findings(trees: Mapping[str, Node]) -> Iterator[tuple[Level, Problem]]:
    """Conditions of some size that several flags write out."""
    places: dict[str, dict[str, Node]] = defaultdict(dict)
    for key, tree in trees.items():
        for node in _conditions(tree):
            places[json.dumps(node.rule)].setdefault(key, node)
    for nodes in places.values():
        if len(nodes) > 1:
            first = next(iter(nodes.values()))
            names = ", ".join(map(repr, list(nodes)[:5])) + (
                f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
            )
            yield (
                "note",
                Problem(
                    f"{names} write out the same condition: {condition(first.rule)}. Put it into $evaluators under a name, and refer to it with $ref.",
                    first.pointer,
                ),
            )


def _conditions(tree: Node) -> Iterator[Node]:
    """The largest conditions of a rule that have at least two comparisons or a list of three, none of a shared evaluator."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.evaluator:
            continue
        if node.name in ("and", "or", "in") and _weight(node) >= 3:
            yield node
        else:
            waiting.extend(reversed(node.parts))


def _weight(node: Node) -> int:
    if any(part.evaluator or part.name == "fractional" for part in node.walk()):
        return 0
    return sum(1 for part in node.walk() if part.name is None and not isinstance(part.rule, list))


def neglect_findings(flags: FlagSet, *, owner: str | None = None) -> Iterator[tuple[Level, Problem]]:
    """What nobody could clean up: no owner, no description, nothing that says when the flag is done with.

    Args:
        flags: the set.
        owner: who owns the whole set.
    """
    for flag in flags:
        if lacks := _lacks(flag, owner):
            yield (
                "note",
                Problem(
                    f"The flag {flag.key!r} has {' and '.join(lacks)}. Add it to the flag's metadata.",
                    flag.pointer,
                ),
            )
        if flag.enabled and flag.default is None:
            yield (
                "note",
                Problem(
                    f"The flag {flag.key!r} has no default variant: where no rule decides, the default of the code counts. Name a variant if that is not meant.",
                    flag.pointer,
                ),
            )


def _lacks(flag: Flag, owner: str | None) -> list[str]:
    metadata = flag.metadata
    lacks = [] if metadata.get("owner") or owner else ["no owner"]
    if not metadata.get("description"):
        lacks.append("no description")
    if not metadata.get("bet") and not metadata.get("expires"):
        lacks.append("neither a bet nor a date under 'expires'")
    return lacks
