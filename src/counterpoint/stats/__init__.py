"""Pure numerics: numbers and arrays in, frozen values out; no I/O, no pandas, no `scipy.stats`.

The map: `moments` (n, mean, centred sum of squares; they add), `contrast` (a weighted difference of two
means: what each test is made of), `difference` (Welch, rates), `relative` (Fieller), `noninferiority`
(guardrail margins), `srm` (planned shares), `correction` (how α and β are shared), `power` (sizes).

Tests that look more than once: `spending` (how α is spent), `boundaries` (a boundary for each look),
`crossing` (the recursion under both).

>>> from counterpoint import stats
>>> control, treatment = stats.rate(200, 1000), stats.rate(250, 1000)
>>> round(stats.difference(control, treatment).p, 4)
0.0074
"""

from counterpoint.stats.boundaries import Look, boundaries, classical_boundaries, next_boundary
from counterpoint.stats.contrast import Contrast, Interval, State, contrast
from counterpoint.stats.correction import alpha_deterioration, alpha_guardrail, alpha_success, beta_each
from counterpoint.stats.crossing import Crossing, crossing, type_one_error
from counterpoint.stats.difference import Difference, Side, difference, rate_difference
from counterpoint.stats.moments import Moments, rate
from counterpoint.stats.noninferiority import Direction, Noninferiority, noninferiority
from counterpoint.stats.power import (
    detectable_difference,
    detectable_rate_difference,
    units_per_arm,
    units_per_arm_rate,
)
from counterpoint.stats.relative import Relative, relative
from counterpoint.stats.spending import Spending
from counterpoint.stats.srm import SampleRatio, sample_ratio

__all__ = [
    "Contrast",
    "Crossing",
    "Difference",
    "Direction",
    "Interval",
    "Look",
    "Moments",
    "Noninferiority",
    "Relative",
    "SampleRatio",
    "Side",
    "Spending",
    "State",
    "alpha_deterioration",
    "alpha_guardrail",
    "alpha_success",
    "beta_each",
    "boundaries",
    "classical_boundaries",
    "contrast",
    "crossing",
    "detectable_difference",
    "detectable_rate_difference",
    "difference",
    "next_boundary",
    "noninferiority",
    "rate",
    "rate_difference",
    "relative",
    "sample_ratio",
    "type_one_error",
    "units_per_arm",
    "units_per_arm_rate",
]
