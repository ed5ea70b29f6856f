"""Cases A and B of the reference: integer arithmetic, so every tool computes the same data."""

import numpy as np

from counterpoint.stats import Comoments, CovariatePair, RatioPair, Slopes

INDEX = np.arange(20_000)
TREATED = INDEX % 2 == 1

DENOMINATOR = 1 + 7919 * INDEX % 13
NUMERATOR = DENOMINATOR * (25 + 104729 * INDEX % 31 + 2 * TREATED) // 100

COVARIATE = (6151 * INDEX % 997) / 100
OUTCOME = 2 + 0.5 * COVARIATE + 0.03 * TREATED + (7919 * INDEX % 503) / 100


def arms(*columns: np.ndarray) -> tuple[Comoments, Comoments]:
    """The columns of control and treatment."""
    table = np.stack(columns, axis=1)
    return Comoments.of(table[~TREATED]), Comoments.of(table[TREATED])


def ratio_case() -> RatioPair:
    """Case A."""
    return RatioPair(*arms(NUMERATOR, DENOMINATOR))


def covariate_case(slopes: Slopes = "per-arm", offset: float = 0.0) -> CovariatePair:
    """Case B, moved by an offset in outcome and covariate."""
    return CovariatePair(*arms(OUTCOME + offset, COVARIATE + offset), slopes)
