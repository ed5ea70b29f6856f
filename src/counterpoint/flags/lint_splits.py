"""Splits that do not split as they look: weights, variants, and who falls together by the same seed."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import MAX_WEIGHT
from counterpoint.flags.levels import Level
from counterpoint.flags.ruletree import Node
from counterpoint.flags.sentences import condition

__all__ = ["correlated_findings", "entries_of", "seed_of", "split_findings"]


def entries_of(node: Node) -> tuple[Node | None, Sequence[Node]]:
    """The bucketing expression of a `fractional` (None: flag and targeting key) and its entries."""
    if node.parts and not isinstance(node.parts[0].rule, list):
        return node.parts[0], node.parts[1:]
    return None, node.parts


def seed_of(node: Node) -> str:
    """What tells by whom a split hashes: the same text, the same users."""
    expression, _ = entries_of(node)
    return "" if expression is None or expression.rule is None else json.dumps(expression.rule)


def split_findings(key: str, tree: Node) -> Iterator[tuple[Level, Problem]]:
    """What is odd about the splits of one rule."""
    splits = [node for node in tree.walk() if node.name == "fractional"]
    for node in splits:
        yield from _of_weights(key, node)
    yield from _nested(key, tree, ())
    yield from _totals(key, splits)


def _weights(entries: Sequence[Node]) -> list[int | float | None]:
    """The weights as written; None for one that is computed."""
    found: list[int | float | None] = []
    for entry in entries:
        weight = entry.parts[1].rule if len(entry.parts) == 2 else 1
        plain = isinstance(weight, int | float) and not isinstance(weight, bool)
        found.append(max(weight, 0) if plain else None)
    return found


def _of_weights(key: str, node: Node) -> Iterator[tuple[Level, Problem]]:
    _, entries = entries_of(node)
    place = f"{node.pointer}/fractional"
    if not entries or not all(
        isinstance(entry.rule, list) and 1 <= len(entry.parts) <= 2 for entry in entries
    ):
        yield (
            "warning",
            Problem(
                f"A split of {key!r} has a part that is no [variant, weight]; it decides nothing, and everybody gets the default. Write each part as a list.",
                place,
            ),
        )
        return
    weights = _weights(entries)
    computed = [entry for entry, weight in zip(entries, weights, strict=True) if weight is None]
    if computed:
        yield (
            "note",
            Problem(
                f"A weight of {key!r} is computed, so that the total can change, and with it the variant of users whose own weight did not. Let the weights always sum up to the same total.",
                computed[0].parts[1].pointer,
            ),
        )
    elif sum(weight or 0 for weight in weights) == 0:
        yield (
            "warning",
            Problem(
                f"The weights of a split of {key!r} sum up to 0; it decides nothing, and everybody gets the default. Give a variant a weight.",
                place,
            ),
        )
        return
    elif sum(weight or 0 for weight in weights) > MAX_WEIGHT or any(
        weight and weight != weight // 1 for weight in weights
    ):
        yield (
            "warning",
            Problem(
                f"The weights of a split of {key!r} are no whole numbers with a sum up to {MAX_WEIGHT:,}; it decides nothing, and everybody gets the default.",
                place,
            ),
        )
        return
    if len(entries) == 1:
        yield (
            "note",
            Problem(
                f"A split of {key!r} has one part only, so that everybody with a targeting key gets it. Name the variant instead, or add the other part.",
                place,
            ),
        )
        return
    names: dict[str, Node] = {}
    for entry, weight in zip(entries, weights, strict=True):
        name = json.dumps(entry.parts[0].rule)
        if weight == 0:
            yield (
                "note",
                Problem(
                    f"{condition(entry.parts[0].rule)} of {key!r} has the weight 0: nobody gets it here. Remove the part if no ramp is to raise it.",
                    entry.pointer,
                ),
            )
        if name in names and entry.parts[0].name is None:
            yield (
                "note",
                Problem(
                    f"{condition(entry.parts[0].rule)} is in a split of {key!r} twice. Give it one part with the sum of the weights, unless a ramp needs both.",
                    entry.pointer,
                ),
            )
        names[name] = entry


def _nested(key: str, node: Node, outer: tuple[Node, ...]) -> Iterator[tuple[Level, Problem]]:
    """A split that decides after another one by the same seed: its users are not spread anew."""
    if node.name in ("if", "?:"):
        asked: tuple[Node, ...] = ()
        for index, part in enumerate(node.parts):
            is_condition = index % 2 == 0 and index < len(node.parts) - 1
            yield from _nested(key, part, outer if is_condition else (*outer, *asked))
            if is_condition:
                asked += tuple(inner for inner in part.walk() if inner.name == "fractional")
        return
    if node.name == "fractional":
        same = next((one for one in outer if seed_of(one) == seed_of(node)), None)
        if same is not None and same.rule != node.rule:
            by = condition(json.loads(seed_of(node))) if seed_of(node) else "flag and targeting key"
            yield (
                "warning",
                Problem(
                    f"Two splits of {key!r} after each other go by the same seed ({by}): who is in the first decides where they fall in the second. Give the inner one a seed of its own, such as a cat of a word and the targeting key.",
                    f"{node.pointer}/fractional",
                ),
            )
        outer = (*outer, node)
    for part in node.parts:
        yield from _nested(key, part, outer)


def _totals(key: str, splits: Sequence[Node]) -> Iterator[tuple[Level, Problem]]:
    """Splits of one flag by one seed with different totals: changing between them moves more users than it need."""
    first: dict[str, tuple[Node, int | float]] = {}
    for node in splits:
        weights = _weights(entries_of(node)[1])
        if not weights or None in weights:
            continue
        total = sum(weight or 0 for weight in weights)
        before, known = first.setdefault(seed_of(node), (node, total))
        if known != total and before.pointer != node.pointer:
            yield (
                "note",
                Problem(
                    f"Splits of {key!r} by the same seed have different totals ({known} and {total}): users who come from one to the other may change variant though no share did. Use one total, such as 100000.",
                    f"{node.pointer}/fractional",
                ),
            )
            return


def correlated_findings(trees: Mapping[str, Node]) -> Iterator[tuple[Level, Problem]]:
    """Flags that split by an attribute alone: the same users come first in each of them."""
    shared: dict[str, dict[str, Node]] = defaultdict(dict)
    for key, tree in trees.items():
        for node in tree.walk():
            expression, _ = entries_of(node) if node.name == "fractional" else (None, ())
            if expression is not None and expression.name == "var" and "flagKey" not in seed_of(node):
                shared[seed_of(node)].setdefault(key, node)
    for seed, nodes in shared.items():
        if len(nodes) > 1:
            names = ", ".join(map(repr, list(nodes)[:5])) + (
                f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
            )
            by, node = _words(seed), next(iter(nodes.values()))
            yield (
                "note",
                Problem(
                    f"{names} split by {by} alone, so that the same users get the first part of each. Where that is not meant, leave the expression out, or join it with the flag key.",
                    f"{node.pointer}/fractional",
                ),
            )


def _words(seed: str) -> str:
    rule: Any = json.loads(seed)
    return condition(rule)
