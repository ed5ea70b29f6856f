"""The effect of a group sequential test that has stopped, without the bias of stopping. Pure."""

from functools import lru_cache

from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.looks import Reading
from counterpoint.experiments.result import Comparison, Hypothesis, MetricResult, Range, Stopped
from counterpoint.stats import Stagewise, stagewise_estimate

__all__ = ["with_stopped"]

UNREACHED = 37.0
"""Standard errors; beyond it a tail is 0 in floating point."""


def with_stopped(comparison: Comparison, reading: Reading) -> Comparison:
    """The comparison with what its success tests say now that they have stopped."""
    if reading.stopping.method != "group-sequential" or not reading.open:
        return comparison
    return replace(comparison, metrics=tuple(_stopped(metric, reading) for metric in comparison.metrics))


def _stopped(metric: MetricResult, reading: Reading) -> MetricResult:
    test = metric.hypothesis("superiority")
    if test is None or metric.difference is None or not metric.se or not _stops_here(test, reading):
        return metric
    looks = reading.looks(test.total_alpha)
    # A look that nobody took has spent its level, but could not stop the test: the order of outcomes lacks it.
    taken = {look.index for look in reading.taken}
    if not all(index in taken for index in range(1, len(looks))):
        return metric
    gain = 1 if metric.direction == "increase" else -1
    try:
        found = _estimate(
            gain * metric.difference,
            metric.se,
            tuple(look.information for look in looks),
            # A look that may not reject has a boundary that nothing reaches.
            tuple(min(look.boundary, UNREACHED) for look in looks[:-1]),
            test.total_alpha,
        )
    except InputError:  # information that did not grow between looks
        return metric
    interval = Range(found.interval.low, None) if gain > 0 else Range(None, -found.interval.low)
    return replace(
        metric,
        stopped=Stopped(estimate=gain * found.estimate, interval=interval, p=found.p, seen=metric.difference),
    )


def _stops_here(test: Hypothesis, reading: Reading) -> bool:
    """Whether it rejects for the first time at this look, or this is the last one and it has not rejected."""
    if test.shown_at is not None:
        return test.shown_at == reading.progress.look
    return test.rejected or (reading.final and test.p is not None)


@lru_cache(maxsize=256)
def _estimate(
    difference: float, se: float, information: tuple[float, ...], boundaries: tuple[float, ...], alpha: float
) -> Stagewise:
    return stagewise_estimate(difference, se, information, boundaries, alpha=alpha, sides=1)
