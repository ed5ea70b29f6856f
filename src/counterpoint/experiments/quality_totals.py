"""What is counted to judge the data of an experiment: sizes by day and by segment, repeats, crossovers, strays."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

__all__ = ["EPOCH", "QualityTotals", "Sizes", "quality_totals_of"]

EPOCH = date(1970, 1, 1)


class Sizes(msgspec.Struct, frozen=True):
    """Users by arm of one day, or of one value of a segment; those who saw several variants are not among them."""

    name: str
    """The day of the first exposure (or of the trigger) in UTC, as 2026-05-01; or the value, empty where there is none."""
    users: dict[str, int]
    """By variant."""

    def of(self, arms: Sequence[str]) -> list[int]:
        """The users of each arm."""
        return [self.users.get(arm, 0) for arm in arms]


class QualityTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What the query on quality gives; no row about a user is in it."""

    days: tuple[Sizes, ...] = ()
    """In order; days without users are not there."""
    segments: dict[str, tuple[Sizes, ...]] = {}
    """By the name of the segment, in the order of the values."""
    assigned: dict[str, int] = {}
    """Users by variant before a trigger chose among them; empty where the plan has none."""
    exposures: int = 0
    """Exposures within the dates."""
    repeated: int = 0
    """Those of them that are there twice: same user, variant and moment."""
    mixed: int = 0
    """Users who saw several variants."""
    linked: int = 0
    """Users who were seen under an id that a link joined to them."""
    crossed: int = 0
    """Those of them who saw several variants, mostly since each of their ids was assigned by itself."""
    strays: int = 0
    """Users whose trigger names another variant than the one that they were assigned."""

    @property
    def crossover(self) -> float | None:
        """Share of linked users who saw several variants; none where nobody is linked."""
        return self.crossed / self.linked if self.linked else None


def quality_totals_of(rows: Sequence[Mapping[str, Any]]) -> QualityTotals:
    """Read the rows of `quality_expression`."""
    sizes: dict[str, dict[str, dict[str, int]]] = {}
    assigned: dict[str, int] = {}
    counts = dict.fromkeys(("exposures", "repeated", "mixed", "linked", "crossed", "strays"), 0)
    for row in rows:
        if row["what"] == "users":
            for name in counts:
                counts[name] += int(row[name] or 0)
            if row["variant"] is not None and not row["mixed_group"]:
                assigned[row["variant"]] = assigned.get(row["variant"], 0) + int(row["users"])
        elif row["variant"] is not None and not row["mixed_group"]:
            users = sizes.setdefault(row["what"], {}).setdefault(row["part"] or "", {})
            users[row["variant"]] = users.get(row["variant"], 0) + int(row["users"])
    found = {what: tuple(Sizes(name, parts[name]) for name in sorted(parts)) for what, parts in sizes.items()}
    days = sorted(found.pop("day", ()), key=lambda each: int(each.name))
    return QualityTotals(
        days=tuple(Sizes((EPOCH + timedelta(days=int(each.name))).isoformat(), each.users) for each in days),
        segments={what.removeprefix("segment "): parts for what, parts in found.items()},
        assigned=assigned,
        **counts,
    )
