"""When an experiment may be read: the stopping plan that is declared beforehand. Pure."""

import math
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from counterpoint.errors import Problem
from counterpoint.stats import Spending

__all__ = ["METHODS", "Family", "Method", "Stopping", "stopping_problems"]

Method = Literal["fixed", "group-sequential", "confidence-sequence", "fixed-power"]
Family = Literal["power", "obrien-fleming", "pocock", "hwang-shih-decani"]

METHODS: Final[dict[str, str]] = {
    "fixed": "read once, at the end",
    "group-sequential": "read at looks that were declared, each with its own boundary",
    "confidence-sequence": "read at any time",
    "fixed-power": "read once, when the pooled variance says that there are users enough",
}
"""The methods, in words that go on from "it is"."""
MOST_LOOKS = 400
TUNED_AT = 5000
PARAMETERS: Final[dict[str, float]] = {"power": 2.0, "hwang-shih-decani": -4.0}
"""What a spending family's parameter is if the plan does not say."""


class Stopping(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By which method results are read, and how often."""

    method: Method = "fixed"
    looks: int | None = None
    """Looks at equal shares of `maximum`, the last one at the end."""
    every_days: float | None = None
    """Days from one look to the next, instead of a number of looks."""
    spending: Family = "power"
    """Family of the function that says how much of α is spent by when."""
    parameter: float | None = None
    """Of the family: ρ of "power", γ of "hwang-shih-decani"."""
    maximum: int | None = None
    """Users in all arms together at which the experiment ends: there its information is 1."""
    tuned_at: int = TUNED_AT
    """Users in all arms at which a confidence sequence is narrowest."""
    tuning: Literal["exact", "growthbook"] = "exact"
    """How a confidence sequence is tuned to that number: exactly, or by GrowthBook's formula."""

    @property
    def shape(self) -> float:
        """The parameter of the spending family; 0 where it has none."""
        return PARAMETERS.get(self.spending, 0.0) if self.parameter is None else self.parameter

    @property
    def alpha_spending(self) -> Spending:
        """How much of α is spent by when."""
        return Spending(self.spending, self.shape)

    @property
    def continuous(self) -> bool:
        """Whether every reading is a test of its own right."""
        return self.method == "confidence-sequence"


def stopping_problems(stopping: Stopping) -> Iterator[Problem]:
    """What is wrong with a stopping plan."""
    place = "/spec/stopping"
    if stopping.maximum is not None and stopping.maximum < 2:
        yield Problem(
            f"maximum is {stopping.maximum}; it is a number of users in all arms.", f"{place}/maximum"
        )
    if stopping.tuned_at < 2:
        yield Problem(f"tunedAt is {stopping.tuned_at}; it is a number of users.", f"{place}/tunedAt")
    if stopping.method == "group-sequential":
        yield from _sequential_problems(stopping, place)
    else:
        for name, value in (("looks", stopping.looks), ("everyDays", stopping.every_days)):
            if value is not None:
                yield Problem(
                    f"The method {stopping.method} has no looks: it is {METHODS[stopping.method]}."
                    " Leave this out, or write method: group-sequential.",
                    f"{place}/{name}",
                )
    if stopping.parameter is not None and stopping.spending not in PARAMETERS:
        yield Problem(f"The family {stopping.spending} has no parameter; leave it out.", f"{place}/parameter")
    if not math.isfinite(stopping.shape):
        yield Problem(f"parameter is {stopping.shape:g}; it must be a finite number.", f"{place}/parameter")
    elif stopping.spending == "power" and not stopping.shape > 0:
        yield Problem(f"parameter is {stopping.shape:g}; it must be above 0.", f"{place}/parameter")


def _sequential_problems(stopping: Stopping, place: str) -> Iterator[Problem]:
    if stopping.maximum is None:
        yield Problem(
            "A group-sequential plan needs `maximum`, the users in all arms at which it ends;"
            " `counterpoint experiments plan NAME` computes it.",
            f"{place}/maximum",
        )
    if (stopping.looks is None) is (stopping.every_days is None):
        yield Problem(
            "Say how often it is read, by looks (their number) or by everyDays, and not by both.",
            f"{place}/looks",
        )
    if stopping.looks is not None and not 1 <= stopping.looks <= MOST_LOOKS:
        yield Problem(f"looks is {stopping.looks}; it must be from 1 to {MOST_LOOKS}.", f"{place}/looks")
    if stopping.every_days is not None and not 0 < stopping.every_days < math.inf:
        yield Problem(
            f"everyDays is {stopping.every_days:g}; it must be above 0 and finite.", f"{place}/everyDays"
        )
