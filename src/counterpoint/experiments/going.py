"""The arms that go on where a treatment was stopped before the end. Pure."""

import math
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Taken

__all__ = ["going", "share_going", "stops_of"]


def stops_of(taken: Iterable[Taken]) -> dict[str, Taken]:
    """By treatment, what was recorded when it was stopped while others went on."""
    return {look.stops: look for look in taken if look.stops is not None}


def going(plan: Experiment, taken: Sequence[Taken]) -> Experiment:
    """The plan of the arms that go on, by which it is told when they are read and whether their data are valid.

    The maximum of all arms is theirs in proportion. Levels are not to be taken from it: they stay as they were shared
    among all treatments, since a treatment that is dropped for what was seen gives nothing back.
    """
    stopped = stops_of(taken).keys()
    left = tuple(each for each in plan.treatments if each not in stopped)
    if len(left) in {0, len(plan.treatments)}:
        return plan
    shares = {arm: share for arm, share in zip(plan.arms, plan.planned, strict=True) if arm not in stopped}
    stopping = plan.stopping
    if stopping is not None and stopping.maximum is not None:
        stopping = replace(stopping, maximum=max(round(stopping.maximum * sum(shares.values())), 2))
    return replace(plan, treatments=left, shares=shares, stopping=stopping)


def share_going(plan: Experiment, taken: Sequence[Taken]) -> float:
    """Planned share of the arms that go on, of all arms."""
    left = going(plan, taken).arms
    return math.fsum(share for arm, share in zip(plan.arms, plan.planned, strict=True) if arm in left)
