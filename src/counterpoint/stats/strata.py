"""Means post-stratified by groups that the units belonged to before the experiment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from counterpoint.errors import InputError
from counterpoint.stats.contrast import State
from counterpoint.stats.moments import Moments
from counterpoint.stats.pairs import Joint, Pair, Part

__all__ = ["StrataPair"]


@dataclass(frozen=True, slots=True)
class StrataPair(Pair):
    """Means of each arm as if both had the strata in the shares of all units.

    With w_s the share of stratum s among all units, an arm's estimate is Σ w_s·ȳ_s, and the variance of
    their difference Σ w_s²·(v_ts/n_ts + v_cs/n_cs), with Satterthwaite's degrees of freedom over all
    terms. Strata in which an arm has fewer than two units have no variance of their own; they are taken
    together, and with the smallest other stratum if that is not enough (`merged` counts them).

    `population` adds that the shares themselves are those of a sample, Σ w_s·(d_s − d)²/n with d_s the stratum's
    difference: for an effect in the population that the units come from. Without it the effect is that
    in the strata's shares as they are.

    Raises:
        InputError: the arms have not the same number of strata, or none.

    References:
        Miratrix, Sekhon, Yu (2013), Adjusting treatment effect estimates by post-stratification in
        randomized experiments. J. R. Statist. Soc. B 75(2), 369-396.

    >>> control = [Moments.of([1, 2, 3]), Moments.of([11, 12, 13, 14])]
    >>> treatment = [Moments.of([2, 3, 5, 4]), Moments.of([14, 13, 15])]
    >>> pair = StrataPair(control, treatment)
    >>> pair.control, pair.treatment, round(pair.contrast().se, 6)
    (7.25, 8.75, 0.612372)
    """

    control_strata: Sequence[Moments]
    """The control's moments, one for each stratum."""
    treatment_strata: Sequence[Moments]
    """The treatment's moments, of the same strata in the same order."""
    population: bool = False

    def __post_init__(self) -> None:
        counts = len(self.control_strata), len(self.treatment_strata)
        if counts[0] != counts[1] or not counts[0]:
            raise InputError(
                f"control has {counts[0]} strata and treatment {counts[1]}; give both the same, one or more,"
                " with empty moments where an arm has no unit"
            )

    @property
    def control(self) -> float:
        """Post-stratified mean of the control."""
        return self._estimates()[0]

    @property
    def treatment(self) -> float:
        """Post-stratified mean of the treatment."""
        return self._estimates()[1]

    @property
    def units(self) -> tuple[int, int]:
        """Units in the control and in the treatment."""
        return sum(arm.n for arm in self.control_strata), sum(arm.n for arm in self.treatment_strata)

    @property
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""
        if min(self.units) < 2:
            return "too few units"
        return "tested" if any(c.m2 + t.m2 > 0 for c, t in self._strata()) else "no variance"

    @property
    def merged(self) -> int:
        """Strata with units that were taken together with others because an arm has fewer than two there."""
        filled = sum(c.n + t.n > 0 for c, t in zip(self.control_strata, self.treatment_strata, strict=True))
        kept = len(self._strata())
        return filled - kept + 1 if filled > kept or self._short() else 0

    def joint(self) -> Joint | None:
        """The estimates with their variances; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        n = sum(self.units)
        control, treatment = self._estimates()
        parts = []
        for c, t in self._strata():
            share = (c.n + t.n) / n
            parts.append(Part(share * share * t.m2 / (t.n - 1) / t.n, 0.0, 0.0, t.n - 1))
            parts.append(Part(0.0, share * share * c.m2 / (c.n - 1) / c.n, 0.0, c.n - 1))
        if self.population:
            away = [((c.n + t.n) / n / n, t.mean - treatment, c.mean - control) for c, t in self._strata()]
            parts.append(
                Part(
                    math.fsum(share * t * t for share, t, _ in away),
                    math.fsum(share * c * c for share, _, c in away),
                    math.fsum(share * t * c for share, t, c in away),
                    n - 1,
                )
            )
        return Joint(control, treatment, tuple(parts))

    def _short(self) -> bool:
        pairs = zip(self.control_strata, self.treatment_strata, strict=True)
        return any(c.n + t.n > 0 and min(c.n, t.n) < 2 for c, t in pairs)

    def _strata(self) -> list[tuple[Moments, Moments]]:
        """The strata, with those too small for a variance taken together."""
        filled = [
            (c, t) for c, t in zip(self.control_strata, self.treatment_strata, strict=True) if c.n + t.n
        ]
        kept = sorted(
            (stratum for stratum in filled if min(stratum[0].n, stratum[1].n) >= 2),
            key=lambda stratum: -min(stratum[0].n, stratum[1].n),
        )
        small = [stratum for stratum in filled if min(stratum[0].n, stratum[1].n) < 2]
        rest = (Moments.merge(c for c, _ in small), Moments.merge(t for _, t in small))
        if small and min(rest[0].n, rest[1].n) < 2 and kept:
            c, t = kept.pop()
            rest = (rest[0] + c, rest[1] + t)
        return [*kept, rest] if small else kept

    def _estimates(self) -> tuple[float, float]:
        n = sum(self.units)
        strata = [((c.n + t.n) / n, c.mean, t.mean) for c, t in self._strata()] if n else []
        return (
            math.fsum(share * control for share, control, _ in strata),
            math.fsum(share * treatment for share, _, treatment in strata),
        )
