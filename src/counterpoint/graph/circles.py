"""Units that are parts of themselves: parents that go round in a circle. Backstage takes them, and so do we; we say so."""

from collections.abc import Iterable

import sqlalchemy as sa

from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import relation

__all__ = ["circles_through", "round_text"]

BATCH = 500
"""References in one statement."""


def circles_through(reader: Reader, units: Iterable[str]) -> list[tuple[str, ...]]:
    """The circles of parents that some of the units lie on or below, each once, from its first unit by reference up."""
    above = _above(reader, units)
    found: dict[frozenset[str], tuple[str, ...]] = {}
    cleared: set[str] = set()
    for start in sorted(above):
        path: dict[str, None] = {}
        ends = [iter(above[start])] if start not in cleared else []
        path[start] = None
        while ends:
            unit = next(ends[-1], None)
            if unit is None:
                ends.pop()
                cleared.add(path.popitem()[0])
            elif unit in path:
                circle = list(path)[list(path).index(unit) :]
                found.setdefault(frozenset(circle), _from_first(circle))
            elif unit not in cleared:
                path[unit] = None
                ends.append(iter(above.get(unit, ())))
    return sorted(found.values())


def round_text(circle: tuple[str, ...]) -> str:
    """The circle in words, once round."""
    return " → ".join((*circle, circle[0]))


def _above(reader: Reader, units: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What each of the units, and each unit above them, is a part of."""
    above: dict[str, tuple[str, ...]] = {}
    waiting = sorted(set(units))
    while waiting:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        above |= dict.fromkeys(batch, ())
        query = (
            sa.select(relation.c.source, relation.c.target)
            .where(relation.c.source.in_(batch), relation.c.type == "childOf", relation.c.valid_to.is_(None))
            .distinct()
            .order_by(relation.c.source, relation.c.target)
        )
        for part, whole in reader.connection.execute(query):
            above[part] = (*above[part], whole)
        new = {whole for part in batch for whole in above[part]} - above.keys()
        waiting = sorted(new.union(waiting))
    return above


def _from_first(circle: list[str]) -> tuple[str, ...]:
    first = circle.index(min(circle))
    return tuple(circle[first:] + circle[:first])
