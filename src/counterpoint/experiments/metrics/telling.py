"""Figures of metrics as people read them."""

from counterpoint.experiments import wording
from counterpoint.experiments.metrics.definition import Definition
from counterpoint.experiments.metrics.reading import Figure

__all__ = ["WITHHELD", "amount_text", "figure_text", "users_text"]

WITHHELD = "withheld"
"""What stands in the place of a figure that is withheld."""


def amount_text(metric: Definition, amount: float | None) -> str:
    """An amount in the metric's unit; a share as a percentage."""
    if amount is None:
        return "–"
    if metric.aggregation in {"count", "users"} and float(amount).is_integer():
        text = f"{amount:,.0f}"
        return f"{text} {metric.unit}" if metric.unit else text
    return wording.value(metric, amount)


def figure_text(metric: Definition, figure: Figure) -> str:
    """A figure in the metric's unit; a dash where there is nothing, and words where it is withheld."""
    return WITHHELD if figure.withheld else amount_text(metric, figure.value)


def users_text(figure: Figure) -> str:
    """How many users a figure is of."""
    return WITHHELD if figure.withheld else wording.count(figure.users)
