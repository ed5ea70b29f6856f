"""Two arms' estimates with their joint variance: the shape in which every estimator meets every test.

An estimator (means, covariates, ratios, strata, clusters) only has to say where its two arms lie and how
uncertain they are together. The tests (`difference`, `relative`, `noninferiority`) ask any of them for the
contrast μ_t − weight·μ_c, so that they combine freely and their absolute and relative views agree.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice
from counterpoint.stats.comoments import Comoments
from counterpoint.stats.contrast import Contrast, State, state_of
from counterpoint.stats.moments import Moments

EXACT = 1e-13
"""Share of the variances below which that of a difference is rounding, and no noise."""

__all__ = [
    "Distribution",
    "Joint",
    "MatchedPair",
    "MeanPair",
    "Pair",
    "Part",
    "RatePair",
    "contrast",
    "joint_of",
    "pair_of",
]

Distribution = Literal["t", "z"]
"""Student's t with the estimator's degrees of freedom, or the normal that it tends to."""


@dataclass(frozen=True, slots=True)
class Part:
    """One independently estimated part of the variances of the two arms' estimates."""

    treatment: float
    """What it adds to the variance of the treatment's estimate."""
    control: float
    """What it adds to the variance of the control's estimate."""
    both: float
    """What it adds to their covariance."""
    df: float
    """Degrees of freedom with which it was estimated."""

    def at(self, weight: float) -> float:
        """What it adds to the variance of treatment − weight·control."""
        return max(self.treatment - 2 * weight * self.both + weight * weight * self.control, 0.0)


@dataclass(frozen=True, slots=True)
class Joint:
    """The two estimates and the parts of their variance."""

    control: float
    treatment: float
    parts: tuple[Part, ...]

    @property
    def control_variance(self) -> float:
        """Variance of the control's estimate."""
        return math.fsum(part.control for part in self.parts)

    @property
    def treatment_variance(self) -> float:
        """Variance of the treatment's estimate."""
        return math.fsum(part.treatment for part in self.parts)

    @property
    def covariance(self) -> float:
        """Covariance of the two estimates; 0 unless something is estimated from both arms."""
        return math.fsum(part.both for part in self.parts)

    def contrast(self, weight: float = 1.0) -> Contrast | None:
        """Estimate μ_t − weight·μ_c; none where that has no variance.

        Several parts give Welch–Satterthwaite degrees of freedom, (Σ v)²/Σ(v²/df).

        References:
            Satterthwaite (1946), An approximate distribution of estimates of variance components.
            Biometrics Bulletin 2(6), 110-114.
        """
        shares = [(part.at(weight), part.df) for part in self.parts]
        total = math.fsum(share for share, _ in shares)
        if not total > 0:
            return None
        # Shares instead of squares of variances: those underflow where values are tiny.
        doubt = math.fsum((share / total) ** 2 / df for share, df in shares)
        return Contrast(
            self.treatment - weight * self.control, math.sqrt(total), 1 / doubt if doubt > 0 else math.inf
        )

    def normal(self) -> "Joint":
        """The same with variances taken as known, so that tests are z-tests."""
        return Joint(
            self.control,
            self.treatment,
            tuple(Part(part.treatment, part.control, part.both, math.inf) for part in self.parts),
        )


class Pair(ABC):
    """The estimates of two arms of one experiment, from any estimator."""

    __slots__ = ()

    @property
    @abstractmethod
    def control(self) -> float:
        """The control's estimate, in the metric's unit."""

    @property
    @abstractmethod
    def treatment(self) -> float:
        """The treatment's estimate, in the metric's unit."""

    @property
    @abstractmethod
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""

    @property
    @abstractmethod
    def units(self) -> tuple[int, int]:
        """Units in the control and in the treatment."""

    @abstractmethod
    def joint(self) -> Joint | None:
        """The estimates with their variances; none unless `state` is "tested"."""

    def contrast(self, weight: float = 1.0) -> Contrast | None:
        """Estimate μ_t − weight·μ_c; none unless `state` is "tested"."""
        joint = self.joint()
        return joint.contrast(weight) if joint else None


@dataclass(frozen=True, slots=True)
class _OfMoments(Pair):
    """Two arms of which one column's moments are known."""

    control_arm: Moments
    treatment_arm: Moments

    @property
    def control(self) -> float:
        """Mean of the control."""
        return self.control_arm.mean

    @property
    def treatment(self) -> float:
        """Mean of the treatment."""
        return self.treatment_arm.mean

    @property
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""
        return state_of(self.control_arm, self.treatment_arm)

    @property
    def units(self) -> tuple[int, int]:
        """Units in the control and in the treatment."""
        return self.control_arm.n, self.treatment_arm.n


@dataclass(frozen=True, slots=True)
class MeanPair(_OfMoments):
    """The means of two arms, by default with Welch's unpooled variance.

    `equal_variances` pools the variance over the arms (Student's test, n_c + n_t − 2 degrees of
    freedom); it is exact where the variances are equal and wrong where they and the sizes differ.

    References:
        Welch (1947), The generalization of 'Student's' problem when several different population
        variances are involved. Biometrika 34, 28-35. Student (1908), The probable error of a mean.
        Biometrika 6(1), 1-25.

    >>> pair = MeanPair(Moments.of([1, 2, 3]), Moments.of([2, 4, 9]))
    >>> pair.treatment, round(pair.contrast().se, 9), round(pair.contrast().df, 4)
    (5.0, 2.160246899, 2.3059)
    >>> MeanPair(Moments.of([1, 2, 3]), Moments.of([2, 4, 9]), equal_variances=True).contrast().df
    4.0
    """

    equal_variances: bool = False

    def joint(self) -> Joint | None:
        """The means with the variances s²/n; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        control, treatment = self.control_arm, self.treatment_arm
        nc, nt = control.n, treatment.n
        if self.equal_variances:
            pooled = (control.m2 + treatment.m2) / (nc + nt - 2)
            parts: tuple[Part, ...] = (Part(pooled / nt, pooled / nc, 0.0, nc + nt - 2),)
        else:
            parts = (
                Part(treatment.m2 / (nt - 1) / nt, 0.0, 0.0, nt - 1),
                Part(0.0, control.m2 / (nc - 1) / nc, 0.0, nc - 1),
            )
        return Joint(control.mean, treatment.mean, parts)


@dataclass(frozen=True, slots=True)
class RatePair(_OfMoments):
    """The rates of two arms with the variances p(1 − p)/n, taken as known: tests are unpooled z-tests.

    The moments are those of a 0/1 outcome (see `rate`).

    References:
        Agresti (2013), Categorical Data Analysis, 3rd edition, section 3.1.

    >>> from counterpoint.stats import rate
    >>> round(RatePair(rate(30, 200), rate(45, 200)).contrast().se, 9)
    0.038850676
    """

    def joint(self) -> Joint | None:
        """The rates with the variances p(1 − p)/n; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        control, treatment = self.control_arm, self.treatment_arm
        parts = (
            Part(treatment.m2 / treatment.n**2, 0.0, 0.0, math.inf),
            Part(0.0, control.m2 / control.n**2, 0.0, math.inf),
        )
        return Joint(control.mean, treatment.mean, parts)


@dataclass(frozen=True, slots=True)
class MatchedPair(Pair):
    """The means of units that were each seen under both variants, or of matched twos: the paired t-test.

    Column 0 of the comoments is a unit's value under the control and column 1 under the treatment (of a market, say, in
    weeks with and without). The variance of the difference is (s_c² − 2·s_ct + s_t²)/n, with n − 1 degrees
    of freedom; Fieller's relative interval counts the covariance too.

    Raises:
        InputError: there are not two columns.

    References:
        Student (1908), The probable error of a mean. Biometrika 6(1), 1-25.

    >>> pair = MatchedPair(Comoments.of([[1, 2], [2, 4], [3, 3], [5, 7]]))
    >>> round(pair.contrast().estimate, 2), round(pair.contrast().se, 4), pair.contrast().df
    (1.25, 0.4787, 3.0)
    """

    both: Comoments

    def __post_init__(self) -> None:
        if self.both.columns != 2:
            raise InputError(
                f"both has {self.both.columns} columns; give two: the value under the control and that under the treatment"
            )

    @property
    def control(self) -> float:
        """Mean under the control."""
        return self.both.means[0]

    @property
    def treatment(self) -> float:
        """Mean under the treatment."""
        return self.both.means[1]

    @property
    def state(self) -> State:
        """Whether the variants can be compared; "no variance" where all units differ by the same."""
        if self.both.n < 2:
            return "too few units"
        (cc, ct), (_, tt) = self.both.cross
        left = cc - 2 * ct + tt
        return "tested" if left > EXACT * (cc + tt) else "no variance"

    @property
    def units(self) -> tuple[int, int]:
        """Units under the control and under the treatment: the same ones."""
        return self.both.n, self.both.n

    def joint(self) -> Joint | None:
        """The means with their variances and covariance; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        n, ((cc, ct), (_, tt)) = self.both.n, self.both.cross
        scale = 1 / (n - 1) / n
        return Joint(self.control, self.treatment, (Part(tt * scale, cc * scale, ct * scale, n - 1),))


def contrast(control: Moments, treatment: Moments, weight: float = 1.0) -> Contrast | None:
    """Estimate μ_t − weight·μ_c of two means with Welch's unpooled standard error and degrees of freedom.

    Returns none below two units in an arm, or where the estimate has no variance: then no test exists.
    Other estimators have it as a method of their pair.

    References:
        Welch (1947), The generalization of 'Student's' problem when several different population
        variances are involved. Biometrika 34, 28-35.

    >>> round(contrast(Moments.of([1, 2, 3]), Moments.of([2, 4, 9])).se, 9)
    2.160246899
    """
    return MeanPair(control, treatment).contrast(weight)


def pair_of(control: Moments | Pair, treatment: Moments | None = None) -> Pair:
    """The pair that was given, or the means of two arms given by their moments.

    Raises:
        InputError: a pair came with a second arm, or moments without one.
    """
    if isinstance(control, Pair):
        if treatment is not None:
            raise InputError("treatment was given beside a pair, which holds both arms; leave it out")
        return control
    if treatment is None:
        raise InputError("treatment is missing; give the moments of both arms, or one pair")
    return MeanPair(control, treatment)


def joint_of(pair: Pair, distribution: Distribution) -> Joint | None:
    """The pair's joint under the wanted distribution.

    Raises:
        InputError: the distribution is neither "t" nor "z".
    """
    choice("distribution", distribution, ("t", "z"))
    joint = pair.joint()
    return joint.normal() if joint and distribution == "z" else joint
