"""What the page of interactions shows: each pair with its figures. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from counterpoint.experiments import wording
from counterpoint.experiments.coordination.interaction import Interaction
from counterpoint.experiments.coordination.together import Interactions
from counterpoint.experiments.measures import Aggregation

__all__ = ["PairShown", "Row", "pairs_of"]


@dataclass(frozen=True, slots=True)
class _Unit:
    """How a metric's figures are written."""

    aggregation: Aggregation
    unit: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """The interaction of two treatments on one metric."""

    label: str
    treatments: str
    users: int
    alone: str
    together: str
    difference: str
    interval: str
    p: str
    adjusted: str


@dataclass(frozen=True, slots=True)
class PairShown:
    """Two experiments."""

    one: str
    other: str
    many: bool
    """Whether one of them has several treatments."""
    found: tuple[Interaction, ...]
    """Those that stay after correction."""
    rows: tuple[Row, ...]
    untested: tuple[str, ...]
    """Labels of metrics of which nothing can be said."""


def pairs_of(found: Interactions, units: Mapping[str, tuple[Aggregation, str | None]]) -> list[PairShown]:
    """The pairs in the order of the surest interaction of each.

    Args:
        found: What was looked at.
        units: Aggregation and unit of each metric by its name.
    """
    by_pair: dict[tuple[str, str], list[Interaction]] = {}
    for each in found.items:
        by_pair.setdefault((each.one, each.other), []).append(each)
    return [
        PairShown(
            one,
            other,
            len({(each.treatment, each.other_treatment) for each in items}) > 1,
            tuple(each for each in items if each.found),
            tuple(
                _row(each, _Unit(*units.get(each.metric, ("mean", None))))
                for each in items
                if each.state == "tested"
            ),
            tuple(dict.fromkeys(each.label for each in items if each.state != "tested")),
        )
        for (one, other), items in by_pair.items()
    ]


def _row(each: Interaction, unit: _Unit) -> Row:
    def write(amount: float | None) -> str:
        return "withheld" if amount is None else wording.value(unit, amount, signed=True, unit=False)

    return Row(
        each.label + (f", {unit.unit}" if unit.unit and unit.aggregation != "any" else ""),
        f"{each.treatment} and {each.other_treatment}",
        sum(each.users),
        write(each.alone),
        write(each.together),
        write(each.difference),
        f"{write(each.low)} to {write(each.high)}",
        wording.p_value(each.p),
        wording.p_value(each.p_adjusted),
    )
