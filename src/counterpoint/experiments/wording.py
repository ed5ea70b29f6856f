"""How figures are written in sentences and tables: true minus signs, as many digits as can be told apart."""

import math
from datetime import datetime
from typing import Protocol

from counterpoint.experiments.result import MetricResult
from counterpoint.experiments.segment import LevelEffect, Range

__all__ = [
    "change",
    "count",
    "credence",
    "day",
    "difference",
    "means",
    "means_apart",
    "p_value",
    "percent",
    "span",
    "value",
    "written",
]

MINUS = "−"
FAINT = 1e-3
"""Share of the standard error below which an expected loss is not worth its digits."""
WITHHELD = "withheld"
"""What stands for a figure that the stopping plan does not let be read yet."""


class _Shown(Protocol):
    @property
    def aggregation(self) -> str: ...
    @property
    def unit(self) -> str | None: ...


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


def percent(share: float | None, *, signed: bool = False, places: int | None = None) -> str:
    """A share as a percentage, with more places the smaller it is: 0.0432 is "4.3 %"."""
    if share is None:
        return "unbounded"
    size = abs(share) * 100
    if places is None:
        places = 0 if size >= 100 else 1 if size >= 1 or size < 0.0005 else 2 if size >= 0.1 else 3
    return _signed(f"{share * 100:,.{places}f}", signed=signed) + " %"


def value(
    metric: _Shown,
    amount: float | None,
    *,
    signed: bool = False,
    places: int | None = None,
    unit: bool = True,
) -> str:
    """A mean or a difference of a metric in its unit; of a 0/1 metric a percentage."""
    if amount is None:
        return "unbounded"
    amount = float(f"{amount:.12g}")  # a sum differs in its last bits from run to run; what is shown must not
    if metric.aggregation == "any":
        return _signed(f"{amount * 100:.2f}", signed=signed) + (" pp" if signed else " %")
    text = _signed(f"{amount:,.{_places(amount) if places is None else places}f}", signed=signed)
    return f"{text} {metric.unit}" if unit and metric.unit else text


def stopped(metric: MetricResult) -> str:
    """The difference of a test that has stopped, as "+1.2 min (at least +0.2 min; p 0.01 over all looks)"; empty for others."""
    found = metric.stopped
    if found is None:
        return ""
    low, high = found.interval.low, found.interval.high
    bound = (
        f"at least {value(metric, low, signed=True)}"
        if high is None
        else f"at most {value(metric, high, signed=True)}"
    )
    return f"{value(metric, found.estimate, signed=True)} ({bound}; p {p_value(found.p)} over all looks)"


def credence(metric: MetricResult) -> str:
    """What a Bayesian would say, as "97.3 % likely better; expected loss 0.01 min if shipped, 0.5 min if not"."""
    found = metric.credence
    if found is None:
        return ""
    losses = [
        value(metric, loss) if loss > (metric.se or 0.0) * FAINT else "next to nothing"
        for loss in (found.loss, found.loss_control)
    ]
    return f"{percent(found.better)} likely better; expected loss {losses[0]} if shipped, {losses[1]} if not"


def p_value(p: float | None) -> str:
    """A p as people read it: four places; results as JSON have all digits."""
    if p is None:
        return "none"
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"


def day(moment: datetime) -> str:
    """A day as people write it: 3 May 2026."""
    return f"{moment.day} {moment:%b %Y}"


def means(metric: MetricResult) -> str:
    """From the control mean to the treatment mean, in the metric's unit."""
    control, treatment = means_apart(metric)
    return f"{control} → {treatment}" + (
        f" {metric.unit}" if metric.unit and metric.aggregation != "any" else ""
    )


def means_apart(metric: MetricResult) -> tuple[str, str]:
    """The means of control and treatment with the same places and without their unit."""
    if metric.treatment_mean is None:
        return value(metric, metric.control_mean, unit=False), WITHHELD
    amounts = (metric.control_mean, metric.treatment_mean)
    places = _places(max(map(abs, amounts)))
    control, treatment = (value(metric, amount, places=places, unit=False) for amount in amounts)
    return control, treatment


def difference(metric: MetricResult, *, unit: bool = True) -> str:
    """The difference in the metric's unit, with its sign and no more places than the means can bear."""
    if metric.difference is None or metric.treatment_mean is None:
        return WITHHELD
    largest = max(abs(metric.control_mean), abs(metric.treatment_mean))
    places = min(_places(largest) + 3, _places(metric.difference))
    if abs(metric.difference) <= 1e-12 * largest:  # no more than rounding
        places = _places(largest)
    return value(metric, metric.difference, signed=True, places=places, unit=unit)


def change(metric: MetricResult) -> str:
    """The relative change with its sign, or the difference where a share has no meaning."""
    return difference(metric) if metric.relative is None else percent(metric.relative, signed=True)


def span(metric: MetricResult, *, unit: bool = True) -> str:
    """The interval that belongs to `change`, as "−1.0 % to +2.0 %"; empty without one."""
    relative = metric.relative is not None
    ends: Range | None = metric.relative_interval if relative else metric.interval
    if ends is None:
        return ""

    def end(amount: float | None) -> str:
        return percent(amount, signed=True) if relative else value(metric, amount, signed=True, unit=unit)

    return f"{end(ends.low)} to {end(ends.high)}"


def written(metric: MetricResult, effect: LevelEffect) -> tuple[str, str]:
    """The change of one value and its interval, in shares where there is one."""
    if effect.difference is None or effect.interval is None:
        return effect.state, ""
    if effect.relative is None or effect.relative_interval is None:
        ends = effect.interval
        low, high = (value(metric, end, signed=True) for end in (ends.low, ends.high))
        return value(metric, effect.difference, signed=True), f"{low} to {high}"
    ends = effect.relative_interval
    low, high = (percent(end, signed=True) for end in (ends.low, ends.high))
    return percent(effect.relative, signed=True), f"{low} to {high}"


def _digits(amount: float) -> int:
    """Digits before the point; below one, minus the zeros after it."""
    return math.floor(math.log10(abs(amount))) + 1 if amount else 1


def _places(amount: float) -> int:
    """Places after the point that make four significant digits, as far as that is sensible."""
    return min(12, max(0, 4 - _digits(amount)))


def _signed(text: str, *, signed: bool) -> str:
    if text.startswith("-"):
        return MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return f"+{text}" if signed and text.strip("0.,") else text
