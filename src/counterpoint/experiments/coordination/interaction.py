"""Whether one experiment changes another's effect: the difference of an effect across the other's arms. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.totals import Totals
from counterpoint.said import Said
from counterpoint.stats import Moments, adjust
from counterpoint.stats.distributions import t_lower, t_quantile

__all__ = ["Interaction", "Pair", "adjusted", "both_name", "common_metrics", "interactions", "names_of"]

_BETWEEN = "\x1f"


class Pair(msgspec.Struct, frozen=True):
    """Two experiments that had users in common."""

    one: Experiment
    other: Experiment

    @property
    def plan(self) -> Experiment:
        """A plan whose variants are those of both and whose metrics are those of both, for the engine."""
        starts = [plan.start for plan in (self.one, self.other) if plan.start]
        ends = [plan.end for plan in (self.one, self.other) if plan.end]
        arms = [both_name(a, b) for a in self.one.arms for b in self.other.arms]
        return Experiment(
            name=f"{self.one.name} and {self.other.name}",
            flag=self.one.flag,
            control=arms[0],
            treatments=tuple(arms[1:]),
            success=common_metrics(self.one, self.other),
            start=max(starts, default=None),
            end=min(ends, default=None),
        )


class Interaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The interaction of two treatments on one metric."""

    one: str
    other: str
    metric: str
    label: str
    treatment: str
    """Of the one experiment."""
    other_treatment: str
    users: tuple[int, int, int, int]
    """In both experiments: both controls, treatment of the one only, of the other only, both treatments."""
    state: Literal["tested", "too few users", "no variance"]
    alone: float | None = None
    """Effect of the one's treatment on users in the other's control; none too while a plan does not let it be read."""
    together: float | None = None
    """Effect of the one's treatment on users in the other's treatment."""
    difference: float | None = None
    """`together` minus `alone`: nothing where neither changes the other's effect."""
    se: float | None = None
    df: float | None = None
    low: float | None = None
    """Of the difference, at 95 %, not corrected."""
    high: float | None = None
    p: float | None = None
    """Two-sided."""
    p_adjusted: float | None = None
    """Corrected for how many interactions were looked at (Benjamini–Hochberg: of those that are named, at most the level are wrong on average)."""
    found: bool = False
    """Whether the corrected p is at most 0.05."""
    sentence: Said = ""


def both_name(one: str | None, other: str | None) -> str:
    """The name of two variants together."""
    return f"{one}{_BETWEEN}{other}"


def names_of(both: str) -> tuple[str, str]:
    """The two variants of a name."""
    one, _, other = both.partition(_BETWEEN)
    return one, other


def common_metrics(one: Experiment, other: Experiment) -> tuple[Metric, ...]:
    """The metrics of both, each once."""
    found: dict[str, Metric] = {}
    for metric in (*one.metrics, *other.metrics):
        found.setdefault(metric.name, metric)
    return tuple(found.values())


def interactions(pair: Pair, totals: Totals, titles: Mapping[str, str]) -> list[Interaction]:
    """The interactions of a pair, for each metric and each two treatments; not corrected yet.

    Args:
        pair: the experiments.
        totals: of `pair.plan`.
        titles: of the experiments by name.
    """
    one, other = pair.one, pair.other
    found = []
    for metric in common_metrics(one, other):
        for treatment in one.treatments:
            for second in other.treatments:
                cells = [
                    _cell(totals, metric, a, b)
                    for a, b in (
                        (one.control, other.control),
                        (treatment, other.control),
                        (one.control, second),
                        (treatment, second),
                    )
                ]
                made = _tested(
                    Interaction(
                        one=one.ref or one.name,
                        other=other.ref or other.name,
                        metric=metric.name,
                        label=metric.label,
                        treatment=treatment,
                        other_treatment=second,
                        users=(cells[0].n, cells[1].n, cells[2].n, cells[3].n),
                        state="too few users",
                    ),
                    cells,
                )
                found.append(replace(made, sentence=_sentence(made, titles)))
    return found


def _cell(totals: Totals, metric: Metric, a: str, b: str) -> Moments:
    arm = totals.arm(both_name(a, b))
    return arm.metrics[metric.name].moments if arm else Moments(0, 0.0, 0.0)


def _tested(made: Interaction, cells: Sequence[Moments]) -> Interaction:
    """The contrast of four means, its variance without pooling, and Welch's degrees of freedom for four cells.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    """
    if min(cell.n for cell in cells) < LEAST:  # the mean of fewer would tell of them
        return made
    parts = [cell.m2 / (cell.n - 1) / cell.n for cell in cells]
    alone, together = cells[1].mean - cells[0].mean, cells[3].mean - cells[2].mean
    known = {"alone": alone, "together": together, "difference": together - alone}
    variance = sum(parts)
    if not variance > 0:
        return replace(made, state="no variance", **known)
    se = math.sqrt(variance)
    df = variance**2 / sum(part**2 / (cell.n - 1) for part, cell in zip(parts, cells, strict=True))
    half = t_quantile(df, 0.975) * se
    difference = together - alone
    p = min(1.0, 2 * t_lower(df, -abs(difference) / se))
    return replace(
        made, state="tested", se=se, df=df, low=difference - half, high=difference + half, p=p, **known
    )


def adjusted(
    found: Sequence[Interaction], titles: Mapping[str, str], *, level: float = 0.05
) -> list[Interaction]:
    """All interactions that were looked at, corrected for their number; the surest first."""
    tested = [each for each in found if each.p is not None]
    corrected = adjust([each.p for each in tested if each.p is not None], "benjamini-hochberg").p
    known = [replace(each, p_adjusted=p, found=p <= level) for each, p in zip(tested, corrected, strict=True)]
    known = [replace(each, sentence=_sentence(each, titles)) for each in known]
    rest = [each for each in found if each.p is None]
    return [*sorted(known, key=lambda each: (each.p_adjusted, each.p, each.metric)), *rest]


def _sentence(made: Interaction, titles: Mapping[str, str]) -> str:
    one, other = (f"“{titles.get(ref, ref)}”" for ref in (made.one, made.other))
    users = f"{sum(made.users):,} users in both"
    if made.state != "tested":
        why = (
            "too few users are in both" if made.state == "too few users" else "all users have the same value"
        )
        return f"{made.label}: whether {one} and {other} change each other's effect cannot be tested, {why}."
    if made.found:
        return (
            f"{made.label}: the effect of {one} is another one for users who also have {other}; neither effect holds for everybody"
            f" ({users})."
        )
    return f"{made.label}: no sign that {one} and {other} change each other's effect ({users}); a small interaction may hide."
