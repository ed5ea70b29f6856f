"""What an engine is asked for: per arm, users and the moments of every metric. Nothing user-level leaves it."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.measures import ADDED, Metric, Slots, quantile_levels, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.quality_totals import QualityTotals
from counterpoint.stats import Comoments, Moments
from counterpoint.stats.distributions import normal_quantile

__all__ = [
    "ADDED",
    "LARGEST_ORIGIN",
    "ArmTotals",
    "CovariateTotals",
    "MetricTotals",
    "Totals",
    "apart",
    "cross_name",
    "moments_of",
    "origin_of",
    "totals_of",
]


LARGEST_ORIGIN = 1e300
"""A ratio beyond is none: what a linear form is taken around must be a number on every engine."""


class CovariateTotals(msgspec.Struct, frozen=True):
    """A metric's value before each user's first exposure, over the users of one group (CUPED)."""

    moments: Moments
    comoment: float
    """Sum over users of the value's distance from its mean times the covariate's from its own."""

    @property
    def covariance(self) -> float | None:
        """Sample covariance with n − 1; none below two units, where it is not defined."""
        return self.comoment / (self.moments.n - 1) if self.moments.n > 1 else None


class MetricTotals(msgspec.Struct, frozen=True):
    """One metric over the users of one group whose window is over."""

    moments: Moments
    """Of the value. Of a ratio: of the value's linear form, whose mean is the arm's ratio and whose variance by n
    is that of the delta method; none of it where the denominator's total is not other than 0."""
    events: int = 0
    """Events that count: at or after the user's first exposure, in the window and within the plan's dates."""
    blank: int = 0
    """Those of them that have no number where a mean or a sum needs one; they add nothing."""
    covariate: CovariateTotals | None = None
    """Of the metric's `covariate_days`; none where it has none, and of a ratio."""
    comoments: Comoments | None = None
    """Of the value, or a ratio's numerator (less `origin` times the denominator) and denominator; then of their
    covariates, of which the numerator's is less as much of the denominator's, where both have one."""
    plain: Comoments | None = None
    """The same without the limits that the metric declares (`cap`, `event_cap`); none where it declares none."""
    incomplete: int = 0
    """Users of the group whose window is not over: they do not count for this metric yet."""

    quantile: "QuantileTotals | None" = None
    """Of a quantile; its comoments are of a user's events at or below it, and of all the user's events."""
    ratio: bool = False
    """Whether the first two columns of the comoments are numerator and denominator."""
    origin: float = 0.0
    """Of a ratio: a number near to it, what of the denominator was taken off the numerator."""
    covariates_too: bool = False
    """Whether as much was taken off the first covariate, of the second: those of numerator and denominator."""

    @property
    def apart(self) -> Comoments | None:
        """The comoments with a ratio's numerator as it is, whose digits may be few; around one origin for all."""
        return self._apart(self.comoments)

    @property
    def plain_apart(self) -> Comoments | None:
        """The same without the limits that the metric declares."""
        return self._apart(self.plain)

    def _apart(self, found: Comoments | None) -> Comoments | None:
        return found and apart(found, self.origin, covariates=self.covariates_too)

    @property
    def plain_moments(self) -> Moments | None:
        """As `moments`, without the limits that the metric declares; none where it declares none."""
        return None if self.plain is None else moments_of(self.plain, ratio=self.ratio, origin=self.origin)


class QuantileTotals(msgspec.Struct, frozen=True):
    """A quantile of single events, and quantiles around it."""

    levels: tuple[float, ...]
    """The level, then pairs below and above it, nearer and nearer."""
    values: tuple[float, ...]
    """The quantile at each level."""

    def density(self, n: float) -> float | None:
        """The density of the numbers at the quantile; none where they are all the same there.

        The distance is the one nearest to Hall and Sheather's for n numbers that is not without any spread.

        References:
            Hall, Sheather (1988), On the distribution of a studentized quantile. Journal of the Royal Statistical
            Society B 50(3), 381-391, with its constant for an interval of 95 %.
        """
        level, z = self.levels[0], normal_quantile(self.levels[0])
        height = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        best = (1.96**2 * 1.5 * height**2 / ((2 * z * z + 1) * max(n, 1.0))) ** (1 / 3)
        found = []
        for i in range(1, len(self.levels), 2):
            width = self.values[i + 1] - self.values[i]
            if width > 0:
                distance = abs(math.log((level - self.levels[i]) / best))
                found.append((distance, (self.levels[i + 1] - self.levels[i]) / width))
        return min(found)[1] if found else None


class ArmTotals(msgspec.Struct, frozen=True):
    """The users who saw one variant only, or (`mixed`) those who saw several."""

    variant: str | None
    mixed: bool
    users: int
    metrics: dict[str, MetricTotals]
    """By the metric's name."""
    early: int = 0
    """Events of the metrics before the user's first exposure; they do not count."""
    late: int = 0
    """Events of the metrics after the plan's end; they do not count."""
    assigned: int | None = None
    """Users before a trigger chose among them; none where the plan has no trigger."""
    first: datetime | None = None
    """The first of the moments at which its users began to count."""
    last: datetime | None = None
    """The last exposure of its users."""


class Totals(msgspec.Struct, frozen=True):
    """The sufficient statistics of an experiment."""

    groups: tuple[ArmTotals, ...] = ()
    first_exposure: datetime | None = None
    last_exposure: datetime | None = None
    outside: int = 0
    """Exposures outside the plan's dates; they do not count."""
    quality: QualityTotals | None = None
    """What was counted to judge the data; none where that was not asked."""
    segments: dict[str, dict[str, tuple[ArmTotals, ...]]] = {}
    """By the name of a segment and its value (empty: none), the arms that have users enough; without quantiles."""

    def arm(self, variant: str) -> ArmTotals | None:
        """The users who saw this variant and no other."""
        return next((group for group in self.groups if group.variant == variant and not group.mixed), None)

    @property
    def mixed(self) -> int:
        """Users who saw several variants."""
        return sum(group.users for group in self.groups if group.mixed)


def totals_of(plan: Experiment, rows: Sequence[Mapping[str, Any]]) -> Totals:
    """Read the rows of `totals_expression` as totals.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    parts = [row for row in rows if row.get("which")]
    rows = [row for row in rows if not row.get("which")]
    before: dict[tuple[str | None, bool], int] = {}
    for row in rows:
        group = (row["variant"], row["mixed"])
        before[group] = before.get(group, 0) + row.get("assigned", 0)
    groups = [_group(plan, row, before) for row in rows if row["first"] is not None]
    firsts = [_utc(row["first"]) for row in rows if row["first"] is not None]
    lasts = [_utc(row["last"]) for row in rows if row["last"] is not None]
    return Totals(
        groups=tuple(sorted(groups, key=lambda group: (group.mixed, group.variant or ""))),
        first_exposure=min(firsts, default=None),
        last_exposure=max(lasts, default=None),
        outside=sum(row["outside"] for row in rows),
        segments=_segments(plan, parts) if parts else {},
    )


def _group(
    plan: Experiment, row: Mapping[str, Any], before: Mapping[tuple[str | None, bool], int]
) -> ArmTotals:
    slots = slots_of(plan.metrics)
    metrics = {metric.name: _metric(slots, metric, row) for metric in plan.metrics}
    return ArmTotals(
        row["variant"],
        row["mixed"],
        row["users"],
        metrics,
        early=row["early"],
        late=row["late"],
        assigned=before.get((row["variant"], row["mixed"])) if plan.trigger else None,
        first=_utc(row["first"]),
        last=_utc(row["last"]),
    )


def _segments(
    plan: Experiment, rows: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, tuple[ArmTotals, ...]]]:
    """The arms of each value of each segment, in the order of the values."""
    found: dict[str, dict[str, list[ArmTotals]]] = {name: {} for name in plan.segments}
    for row in rows:
        levels = found[plan.segments[row["which"] - 1]]
        levels.setdefault(row["part"] or "", []).append(_group(plan, row, {}))
    return {name: {level: tuple(levels[level]) for level in sorted(levels)} for name, levels in found.items()}


def _metric(slots: Slots, metric: Metric, row: Mapping[str, Any]) -> MetricTotals:
    numbers = slots.numbers[metric.name]
    first, ratio = numbers[0], len(numbers) > 1
    found = _comoments(metric, row, slots.vector(metric), row.get(f"n{first}"))
    plain = None
    if metric.capped:
        plain = _comoments(metric, row, slots.vector(metric, raw=True), row.get(f"n{first}"))
    origin = origin_of(*(row[f"centre_m{i}"] for i in numbers)) if ratio else 0.0
    added = [i for i in numbers if slots.parts[i].aggregation in ADDED]
    if metric.aggregation == "quantile":
        return _quantile(metric, row, slots, found)
    return MetricTotals(
        moments_of(found, ratio=ratio, origin=origin),
        events=row[f"events{slots.first_of_span(first)}"],
        blank=sum(row[f"events{slots.first_of_span(i)}"] - row[f"known{i}"] for i in added),
        covariate=CovariateTotals(found.moments(1), found.cross[0][1])
        if len(found.means) == 2 and not ratio
        else None,
        comoments=found,
        plain=plain,
        incomplete=row["users"] - found.n,
        ratio=ratio,
        origin=origin,
        covariates_too=any(name.startswith("f") for name in slots.vector(metric)),
    )


def apart(found: Comoments, origin: float, *, covariates: bool) -> Comoments:
    """The comoments of a ratio with `origin` times the denominator put back on the numerator, and so of its covariates."""
    if not origin:
        return found
    columns = list(range(found.columns))
    ahead = {0: 1, 2: 3} if covariates else {0: 1}

    def put_back(row: Sequence[float]) -> list[float]:
        return [row[i] + (origin * row[ahead[i]] if i in ahead else 0.0) for i in columns]

    across = [put_back(row) for row in found.cross]
    down = [put_back([across[i][j] for i in columns]) for j in columns]
    cross = tuple(
        tuple(max(down[i][i], 0.0) if i == j else (down[i][j] + down[j][i]) / 2 for j in columns)
        for i in columns
    )
    return Comoments(found.n, tuple(put_back(found.means)), cross)


def origin_of(numerator: float, denominator: float) -> float:
    """The ratio of two pooled means, which the linear form of a ratio is taken around; 0 where there is none."""
    found = numerator / denominator if denominator else 0.0
    return found if abs(found) < LARGEST_ORIGIN else 0.0


def _quantile(metric: Metric, row: Mapping[str, Any], slots: Slots, found: Comoments) -> MetricTotals:
    """The totals of a quantile; its error is that of the share of events at or below it, by the density there.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics. KDD, section 4.2, for users who
        bring several events.
    """
    i = slots.numbers[metric.name][0]
    levels = tuple(quantile_levels(metric.quantile or 0.5))
    values = [row.get(f"q{i}_{number}") for number in range(len(levels))]
    events, incomplete = row[f"events{slots.first_of_span(i)}"], row["users"] - found.n
    if row["mixed"] or not found.n or any(value is None for value in values):
        nothing = Moments(0, 0.0, 0.0)
        return MetricTotals(nothing, events=events, comoments=found, incomplete=incomplete)
    around = QuantileTotals(levels, tuple(float(value) for value in values if value is not None))
    share = moments_of(found, ratio=True)
    density = around.density(found.n * found.means[1])
    spread = 0.0 if density is None else share.m2 / density**2
    return MetricTotals(
        Moments(found.n, around.values[0], spread),
        events=events,
        comoments=found,
        quantile=around,
        incomplete=incomplete,
    )


def cross_name(one: str, other: str) -> str:
    """The name of the sum of products of two columns."""
    return f"cross_{one}_{other}"


def _comoments(metric: Metric, row: Mapping[str, Any], names: Sequence[str], known: int | None) -> Comoments:
    """The comoments of columns, out of sums around the pooled means; of a ratio's linear form that is 0.

    Around them the correction is tiny, so nothing is lost; rounding may still take a square below 0.

    Raises:
        InputError: the values are not all finite numbers.
    """
    n = row["users"] if known is None else known
    if not n:
        zero = (0.0,) * len(names)
        return Comoments(0, zero, (zero,) * len(names))
    sums, centres = [row[f"sum_{name}"] for name in names], [row.get(f"centre_{name}", 0.0) for name in names]
    cross = [[0.0] * len(names) for _ in names]
    for i, one in enumerate(names):
        cross[i][i] = max(row[f"square_{one}"] - sums[i] * (sums[i] / n), 0.0)
        for j in range(i + 1, len(names)):
            cross[i][j] = cross[j][i] = row[cross_name(one, names[j])] - sums[i] * (sums[j] / n)
    means = tuple(centre + total / n for centre, total in zip(centres, sums, strict=True))
    if not all(math.isfinite(number) for number in (*means, *(cross[i][i] for i in range(len(names))))):
        raise InputError(
            f"The values of the metric {metric.name} are not all finite numbers; correct the events of type {' and '.join(metric.types)}."
        )
    return Comoments(n, means, tuple(map(tuple, cross)))


def moments_of(found: Comoments, *, ratio: bool, origin: float = 0.0) -> Moments:
    """The moments of a value; of a ratio those of numerator − R·denominator, by the denominator's mean, around R.

    `origin` is what of the denominator was taken off the numerator.
    """
    if not ratio:
        return found.moments(0)
    if not found.n or not found.means[1]:
        return Moments(0, 0.0, 0.0)
    (nn, nd), dd = found.cross[0][:2], found.cross[1][1]
    share = found.means[0] / found.means[1]
    m2 = max(nn - 2 * share * nd + share * share * dd, 0.0) / found.means[1] ** 2
    return Moments(found.n, origin + share, m2)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
