"""p-values adjusted for how many were looked at, for exploration beside the decision.

The decision's own levels are shared in advance by `correction`, which is what sample sizes are made for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, level, share, whole

__all__ = ["ADJUSTMENTS", "Adjusted", "AdjustmentRule", "adjust", "interval_alpha"]

AdjustmentRule = Literal[
    "bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg", "benjamini-yekutieli"
]
"""The procedure by which p-values are adjusted."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What a procedure promises, and when."""

    controls: Literal["family-wise error", "false discovery rate"]
    holds: Literal["always", "independent or positively dependent tests"]
    intervals: bool = False
    """Whether intervals at `interval_alpha` agree with the adjusted p-values; no other should be shown."""


ADJUSTMENTS: Mapping[AdjustmentRule, Guarantee] = MappingProxyType(
    {
        "bonferroni": Guarantee("family-wise error", "always", intervals=True),
        "holm": Guarantee("family-wise error", "always"),
        "hochberg": Guarantee("family-wise error", "independent or positively dependent tests"),
        "hommel": Guarantee("family-wise error", "independent or positively dependent tests"),
        "benjamini-hochberg": Guarantee("false discovery rate", "independent or positively dependent tests"),
        "benjamini-yekutieli": Guarantee("false discovery rate", "always"),
    }
)
"""The procedures. Only Bonferroni's has an interval for each test that excludes the null when it rejects."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Adjusted p-values in the order of those given: reject where one is at most alpha."""

    p: tuple[float, ...]
    rule: AdjustmentRule

    @property
    def guarantee(self) -> Guarantee:
        """What the procedure promises, and whether it has intervals."""
        return ADJUSTMENTS[self.rule]


def adjust(p: Sequence[float], rule: AdjustmentRule = "holm") -> Adjusted:
    """Adjust p-values so that each can be held against the level of the whole family.

    With p in rising order, of m: Bonferroni m·p; Holm the running maximum of (m − i + 1)·p_i; Hochberg the
    running minimum from the top of the same; Hommel by closed Simes tests; Benjamini–Hochberg the running
    minimum of m·p_i/i; Benjamini–Yekutieli that times Σ 1/i. Which hypotheses are tested must not depend
    on the outcome, so leave none out because it looks hopeless.

    Args:
        p: The p-values.
        rule: The procedure; what each promises is in `ADJUSTMENTS`.

    Raises:
        InputError: a p-value is not between 0 and 1, or there is no such rule.

    References:
        Holm (1979), Scand. J. Statist. 6, 65-70. Hochberg (1988), Biometrika 75, 800-802. Hommel (1988),
        Biometrika 75, 383-386. Benjamini, Hochberg (1995), J. R. Statist. Soc. B 57, 289-300. Benjamini,
        Yekutieli (2001), Annals of Statistics 29, 1165-1188.

    >>> [round(each, 3) for each in adjust([0.04, 0.01, 0.03], "holm").p]
    [0.06, 0.03, 0.06]
    >>> adjust([0.04, 0.01, 0.03], "hommel").guarantee.intervals
    False
    """
    choice("rule", rule, tuple(ADJUSTMENTS))
    for i, each in enumerate(p):
        share(f"p[{i}]", each)
    order = sorted(range(len(p)), key=lambda i: p[i])
    rising = [p[i] for i in order]
    m = len(rising)
    if rule == "bonferroni":
        found = [m * each for each in rising]
    elif rule == "holm":
        found = _climb([(m - i) * each for i, each in enumerate(rising)])
    elif rule == "hochberg":
        found = _descend([(m - i) * each for i, each in enumerate(rising)])
    elif rule == "hommel":
        found = _hommel(rising)
    else:
        factor = math.fsum(1 / i for i in range(1, m + 1)) if rule == "benjamini-yekutieli" else 1.0
        found = _descend([factor * m * each / (i + 1) for i, each in enumerate(rising)])
    adjusted = [0.0] * m
    for place, value in zip(order, found, strict=True):
        adjusted[place] = min(value, 1.0)
    return Adjusted(tuple(adjusted), rule)


def interval_alpha(alpha: float, tests: int, rule: AdjustmentRule = "bonferroni") -> float:
    """The level of each test's interval that agrees with the adjusted p-values at `alpha`.

    Raises:
        InputError: the rule has no such interval; show adjusted p-values alone.

    >>> interval_alpha(0.05, 5)
    0.01
    """
    level("alpha", alpha)
    choice("rule", rule, tuple(ADJUSTMENTS))
    whole("tests", tests, least=1)
    if not ADJUSTMENTS[rule].intervals:
        raise InputError(
            f'rule == "{rule}" has no interval that agrees with its tests; show p-values alone or use "bonferroni"'
        )
    return alpha / tests


def _climb(values: list[float]) -> list[float]:
    highest, found = 0.0, []
    for value in values:
        highest = max(highest, value)
        found.append(highest)
    return found


def _descend(values: list[float]) -> list[float]:
    lowest, found = math.inf, []
    for value in reversed(values):
        lowest = min(lowest, value)
        found.append(lowest)
    return found[::-1]


def _hommel(rising: list[float]) -> list[float]:
    """The largest Simes p over the sets that hold each hypothesis.

    Of the sets of one size that hold it the largest Simes p has the set of the largest other p-values, so one set for
    every size and hypothesis is enough.
    """
    m = len(rising)
    found = list(rising)
    for size in range(2, m + 1):
        # All but one of the set, its largest p-values, take ranks 2 and up; beside them stands a smaller one.
        top = min(size * rising[m - size + i] / (i + 1) for i in range(1, size))
        for j in range(m):
            inside = size * rising[j] if j < m - size + 1 else size * rising[m - size]
            found[j] = max(found[j], min(inside, top))
    return found
