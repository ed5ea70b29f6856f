"""Pure numerics: numbers and arrays in, frozen values out; no I/O, no pandas, no `scipy.stats`.

The map: `moments` and `comoments` (n, means, centred sums of squares and products; they add), `contrast` (a weighted difference of two
means: what each test is made of), `difference` (Welch, rates), `relative` (Fieller), `noninferiority`
(guardrail margins), `srm` (planned shares), `correction` (how α and β are shared), `power` (sizes).

>>> from counterpoint import stats
>>> control, treatment = stats.rate(200, 1000), stats.rate(250, 1000)
>>> round(stats.difference(control, treatment).p, 4)
0.0074
"""

from counterpoint.stats.comoments import Comoments
from counterpoint.stats.contrast import Contrast, Interval, State, contrast
from counterpoint.stats.correction import alpha_deterioration, alpha_guardrail, alpha_success, beta_each
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
from counterpoint.stats.srm import SampleRatio, sample_ratio

__all__ = [
    "Comoments",
    "Contrast",
    "Difference",
    "Direction",
    "Interval",
    "Moments",
    "Noninferiority",
    "Relative",
    "SampleRatio",
    "Side",
    "State",
    "alpha_deterioration",
    "alpha_guardrail",
    "alpha_success",
    "beta_each",
    "contrast",
    "detectable_difference",
    "detectable_rate_difference",
    "difference",
    "noninferiority",
    "rate",
    "rate_difference",
    "relative",
    "sample_ratio",
    "units_per_arm",
    "units_per_arm_rate",
]
