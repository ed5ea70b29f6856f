"""What a protocol found of methods: each measure with its interval, and every pair of methods compared. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import msgspec

from counterpoint.discover.evaluation import Comparison, Evaluation, Measured, compare
from counterpoint.discover.exposure import Exposure
from counterpoint.errors import InputError
from counterpoint.spelling import near
from counterpoint.stats import adjust

if TYPE_CHECKING:
    from counterpoint.discover.protocol import Protocol

__all__ = ["Judgement", "Pair"]


class Pair(msgspec.Struct, frozen=True, rename="camel"):
    """Two methods compared by one measure, paired over listeners."""

    measure: str
    places: int
    better: str
    other: str
    difference: float
    low: float | None
    high: float | None
    """The ends of its interval, at the protocol's level; none where one listener alone was asked."""
    p: float
    """How likely such a difference is by chance."""
    adjusted: float
    """The same, given how many pairs of methods were compared by this measure (Holm)."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What methods are worth by one protocol on one set of data."""

    protocol: "Protocol"
    evaluations: Mapping[str, Mapping[int, Evaluation]]
    """By method and number of places."""
    exposures: Mapping[str, Exposure]
    """What lists show, with the first number of places."""

    def order(self) -> tuple[str, ...]:
        """The methods, the best first: by the first measure at the first number of places."""
        return tuple(
            sorted(self.evaluations, key=lambda name: -self.measured(name, self.protocol.measures[0]).mean)
        )

    def of(self, method: str, *, places: int | None = None) -> Evaluation:
        """One method; at the first number of places without `places`.

        Raises:
            InputError: it was not judged, or with other places.
        """
        if method not in self.evaluations:
            raise InputError(
                f'"{method}" was not judged; these were: {", ".join(self.evaluations)}{near(method, tuple(self.evaluations))}'
            )
        wanted = self.protocol.places[0] if places is None else places
        if wanted not in self.evaluations[method]:
            raise InputError(
                f"places == {wanted}, must be one of {', '.join(map(str, self.protocol.places))}"
            )
        return self.evaluations[method][wanted]

    def measured(self, method: str, measure: str, *, places: int | None = None) -> Measured:
        """The mean of a measure with its interval over rows."""
        return self.of(method, places=places).measured(measure, alpha=self.protocol.alpha)

    def compared(
        self, one: str, other: str, measure: str | None = None, *, places: int | None = None
    ) -> Comparison:
        """One method less another, paired over rows, by the protocol's test."""
        return compare(
            self.of(one, places=places),
            self.of(other, places=places),
            measure or self.protocol.measures[0],
            alpha=self.protocol.alpha,
            test=self.protocol.test,
            seed=self.protocol.seed,
        )

    def pairs(self) -> tuple[Pair, ...]:
        """Every two methods by every measure and number of places, the better one first."""
        found: list[Pair] = []
        two = list(combinations(self.order(), 2))
        for measure in self.protocol.measures:
            for places in self.protocol.places:
                each = [self.compared(one, other, measure, places=places) for one, other in two]
                adjusted = adjust([one.p for one in each]).p if each else ()
                found.extend(
                    _pair(*names, measure, places, one, float(p))
                    for names, one, p in zip(two, each, adjusted, strict=True)
                )
        return tuple(found)


def _pair(one: str, other: str, measure: str, places: int, found: Comparison, adjusted: float) -> Pair:
    low, high, mean = found.difference.low, found.difference.high, found.difference.mean
    if mean < 0:
        one, other, mean, low, high = other, one, -mean, -high, -low
    alone = found.difference.rows < 2
    return Pair(
        measure, places, one, other, mean, None if alone else low, None if alone else high, found.p, adjusted
    )
