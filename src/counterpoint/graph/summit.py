"""The unit above all others, whose people speak for the whole organisation."""

from collections import defaultdict

import sqlalchemy as sa

from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import relation, revision

__all__ = ["top_unit"]


def top_unit(reader: Reader) -> str | None:
    """The unit that is part of none and has the most units below it, by reference; none where no unit has parts.

    Of several that have as many, the first by reference. Size decides, so that nobody comes to speak for
    everybody by making a small unit beside all others.
    """
    there = sa.select(revision.c.ref).where(revision.c.valid_to.is_(None), revision.c.kind == "Group")
    query = (
        sa.select(relation.c.source, relation.c.target)
        .where(relation.c.type == "childOf", relation.c.valid_to.is_(None))
        .where(relation.c.source.in_(there), relation.c.target.in_(there))
        .distinct()
    )
    parts: dict[str, list[str]] = defaultdict(list)
    below = set()
    for part, whole in reader.connection.execute(query):
        parts[whole].append(part)
        below.add(part)
    sizes = {unit: _size(unit, parts) for unit in parts if unit not in below}
    return min(sizes, key=lambda unit: (-sizes[unit], unit), default=None)


def _size(unit: str, parts: dict[str, list[str]]) -> int:
    seen, waiting = {unit}, [unit]
    while waiting:
        new = [part for part in parts.get(waiting.pop(), ()) if part not in seen]
        seen.update(new)
        waiting += new
    return len(seen)
