"""Pure numerics: numbers and arrays in, frozen values out; no I/O, no pandas, no `scipy.stats`.

The map. Samples: `moments` and `comoments` (n, means, centred sums of squares and products; they add).
Estimators, as pairs of arms: `pairs` (means, rates, matched units), `covariates` (CUPED), `regression` (the same
from units, with robust errors), `ratio`, `strata`, `clusters`, `quantile`. Tests that take any of them: `contrast` (a
weighted difference: what each test is made of), `difference`, `relative` (Fieller), `noninferiority` (guardrail
margins), `equivalence`. Rates of their own: `rates` (restricted variance), `scores` (intervals), `exact` with
`unconditional` (small counts). Beside them: `srm` (planned shares), `correction` (how α and β are shared), `adjust`
(p-values), `sample_size` and `power`, `bayes`, `bootstrap`, `shrinkage`.

Tests that look more than once: `spending` (how α is spent), `boundaries` (a boundary for each look),
`repeated` (intervals and p-values that fit them), `stagewise` (what is known once they have stopped), `sequential`
(power and units), `crossing` (the recursion under all of these), `sequences` (always valid, without a largest
n), `fixed_power` (stopping by variance).

>>> from counterpoint import stats
>>> control, treatment = stats.rate(200, 1000), stats.rate(250, 1000)
>>> round(stats.difference(control, treatment).p, 4)
0.0074
"""

from counterpoint.stats.adjust import ADJUSTMENTS, Adjusted, AdjustmentRule, adjust, interval_alpha
from counterpoint.stats.bayes import Belief, believed_difference, believed_rates
from counterpoint.stats.bootstrap import Bootstrap, bootstrap_difference
from counterpoint.stats.boundaries import Look, boundaries, classical_boundaries, next_boundary
from counterpoint.stats.clusters import ClusterPair, cluster_totals
from counterpoint.stats.comoments import Comoments
from counterpoint.stats.contrast import Contrast, Interval, State
from counterpoint.stats.correction import alpha_deterioration, alpha_guardrail, alpha_success, beta_each
from counterpoint.stats.covariates import Adjustment, CovariatePair, Dropped, Slopes
from counterpoint.stats.crossing import Crossing, crossing, type_one_error
from counterpoint.stats.difference import Difference, Side, difference, rate_difference
from counterpoint.stats.equivalence import Equivalence, equivalence
from counterpoint.stats.exact import ExactTest, RateExact, rate_exact
from counterpoint.stats.fixed_power import FixedPower, fixed_power, fixed_power_required, pooled_variance
from counterpoint.stats.moments import Moments, rate
from counterpoint.stats.noninferiority import Direction, Noninferiority, noninferiority
from counterpoint.stats.pairs import (
    Distribution,
    Joint,
    MatchedPair,
    MeanPair,
    Pair,
    Part,
    RatePair,
    contrast,
)
from counterpoint.stats.power import (
    detectable_difference,
    detectable_rate_difference,
    units_per_arm,
    units_per_arm_rate,
)
from counterpoint.stats.quantile import Quantile, QuantilePair, quantile, quantile_of_counts
from counterpoint.stats.rates import RateVariance, rate_noninferiority, restricted_rates
from counterpoint.stats.ratio import RatioPair
from counterpoint.stats.regression import RegressionPair, RobustErrors, regression
from counterpoint.stats.relative import Relative, Scale, relative
from counterpoint.stats.repeated import nominal_level, repeated_interval, repeated_p
from counterpoint.stats.sample_size import (
    Size,
    Target,
    detectable_effect,
    margin_target,
    mean_target,
    power_at,
    rate_margin_target,
    rate_target,
    ratio_variance,
    required_units,
)
from counterpoint.stats.scores import RateInterval, rate_interval, score_interval
from counterpoint.stats.sequences import (
    confidence_sequence_margin,
    confidence_sequence_p,
    mixture_margin,
    mixture_p,
    rho2_growthbook,
    rho2_tuned,
)
from counterpoint.stats.sequential import expected_information, inflation, sequential_power
from counterpoint.stats.shrinkage import Shrunk, shrunk
from counterpoint.stats.spending import Spending
from counterpoint.stats.srm import (
    SampleRatio,
    SequentialSampleRatio,
    exact_sample_ratio,
    sample_ratio,
    sequential_sample_ratio,
)
from counterpoint.stats.stagewise import Stagewise, stagewise_estimate, stagewise_p
from counterpoint.stats.strata import StrataPair

__all__ = [
    "ADJUSTMENTS",
    "Adjusted",
    "Adjustment",
    "AdjustmentRule",
    "Belief",
    "Bootstrap",
    "ClusterPair",
    "Comoments",
    "Contrast",
    "CovariatePair",
    "Crossing",
    "Difference",
    "Direction",
    "Distribution",
    "Dropped",
    "Equivalence",
    "ExactTest",
    "FixedPower",
    "Interval",
    "Joint",
    "Look",
    "MatchedPair",
    "MeanPair",
    "Moments",
    "Noninferiority",
    "Pair",
    "Part",
    "Quantile",
    "QuantilePair",
    "RateExact",
    "RateInterval",
    "RatePair",
    "RateVariance",
    "RatioPair",
    "RegressionPair",
    "Relative",
    "RobustErrors",
    "SampleRatio",
    "Scale",
    "SequentialSampleRatio",
    "Shrunk",
    "Side",
    "Size",
    "Slopes",
    "Spending",
    "Stagewise",
    "State",
    "StrataPair",
    "Target",
    "adjust",
    "alpha_deterioration",
    "alpha_guardrail",
    "alpha_success",
    "believed_difference",
    "believed_rates",
    "beta_each",
    "bootstrap_difference",
    "boundaries",
    "classical_boundaries",
    "cluster_totals",
    "confidence_sequence_margin",
    "confidence_sequence_p",
    "contrast",
    "crossing",
    "detectable_difference",
    "detectable_effect",
    "detectable_rate_difference",
    "difference",
    "equivalence",
    "exact_sample_ratio",
    "expected_information",
    "fixed_power",
    "fixed_power_required",
    "inflation",
    "interval_alpha",
    "margin_target",
    "mean_target",
    "mixture_margin",
    "mixture_p",
    "next_boundary",
    "nominal_level",
    "noninferiority",
    "pooled_variance",
    "power_at",
    "quantile",
    "quantile_of_counts",
    "rate",
    "rate_difference",
    "rate_exact",
    "rate_interval",
    "rate_margin_target",
    "rate_noninferiority",
    "rate_target",
    "ratio_variance",
    "regression",
    "relative",
    "repeated_interval",
    "repeated_p",
    "required_units",
    "restricted_rates",
    "rho2_growthbook",
    "rho2_tuned",
    "sample_ratio",
    "score_interval",
    "sequential_power",
    "sequential_sample_ratio",
    "shrunk",
    "stagewise_estimate",
    "stagewise_p",
    "type_one_error",
    "units_per_arm",
    "units_per_arm_rate",
]
