"""Which cheap test a bet runs next: by what it is worth a week, with the reason in words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from counterpoint.bets.judgement.estimates import RISKS, Quantity, Range, fit
from counterpoint.bets.judgement.information import binary_test_value
from counterpoint.said import Said

__all__ = ["METHODS", "STRENGTHS", "Advised", "Method", "Outlook", "TestWorth", "advise", "outlook"]

STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.95)
"""How often a test of each strength from 0 to 4 is right, both ways. At 0 it is the toss of a coin. A convention of
ours, which says what the strengths of evidence mean; not a measurement."""
TEAM_OF_A_TEST = 0.4
"""Which share of a week of the whole unit a week of testing takes: about three people of seven."""
UNKNOWN_CHANCE = 0.5
"""What is taken for a risk of which nobody has said anything."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to test a risk."""

    risk: Quantity
    label: str
    strength: int
    """0 to 4."""
    weeks: float


METHODS = (
    Method(Quantity.RISK_VALUE, "Talk with five of those it is for", 1, 0.5),
    Method(Quantity.RISK_VALUE, "Prototype in the hands of eight of them", 2, 1.0),
    Method(Quantity.RISK_VALUE, "Door without a room: offer it, count who comes", 3, 2.0),
    Method(Quantity.RISK_VALUE, "Experiment with a few per cent", 4, 4.0),
    Method(Quantity.RISK_USABILITY, "Walk through it with three colleagues", 1, 0.2),
    Method(Quantity.RISK_USABILITY, "Usability test with five people", 3, 1.0),
    Method(Quantity.RISK_FEASIBILITY, "Ask those who have built the like", 1, 0.2),
    Method(Quantity.RISK_FEASIBILITY, "Spike: the hardest piece only", 3, 1.0),
    Method(Quantity.RISK_VIABILITY, "Ask law, finance and partners", 2, 0.5),
    Method(Quantity.RISK_VIABILITY, "Pilot with one partner or market", 3, 3.0),
)
"""What nearly everybody can do; weeks and strengths are starting points, for the unit to correct by its own tests."""


class Outlook(msgspec.Struct, frozen=True, rename="camel"):
    """How a bet looks today: expected gain, cost, and the chance that each risk holds."""

    gain: float
    low_gain: float
    high_gain: float
    """At the 10 % and the 90 % point of the value."""
    cost: float
    weekly: float
    """What a week of testing costs."""
    chances: dict[str, float]
    """By the name of the quantity; `guessed` names those that nobody has estimated."""
    guessed: tuple[str, ...]
    unit: str = ""

    @property
    def chance(self) -> float:
        """The chance that all four risks hold, taken to be independent."""
        product = 1.0
        for chance in self.chances.values():
            product *= chance
        return product

    @property
    def worth(self) -> float:
        """What going on is worth today, in expectation; below 0 where stopping is better."""
        return self.chance * self.gain - self.cost


class TestWorth(msgspec.Struct, frozen=True, rename="camel"):
    """A test of one risk and what it is worth."""

    __test__ = False  # no test of pytest's

    risk: str
    label: str
    strength: int
    weeks: float
    cost: float
    evsi: float
    """Expected value of what it says, before its cost."""
    low: float
    high: float
    """The same where the value of the bet is at its 10 % and at its 90 % point, the lower one first."""
    evppi: float
    """Of knowing the risk for certain: no test of it is worth more."""
    a_week: float
    """(EVSI − cost) / weeks; the order of the tests."""


class Advised(msgspec.Struct, frozen=True, rename="camel"):
    """The tests of a bet, the best first, and what to do next in words."""

    outlook: Outlook | None
    tests: tuple[TestWorth, ...] = ()
    sentence: Said = ""
    why: Said = ""
    missing: tuple[str, ...] = ()
    """The quantities without which nothing can be said."""

    @property
    def best(self) -> TestWorth | None:
        """The next test; none where no test pays."""
        return self.tests[0] if self.tests and self.tests[0].a_week > 0 else None


def outlook(estimates: Mapping[Quantity, Range], unit: str = "") -> Outlook | None:
    """How the bet looks from its estimates; None without value and cost."""
    if Quantity.VALUE not in estimates or Quantity.COST not in estimates:
        return None
    value = estimates[Quantity.VALUE]
    cost = fit(Quantity.COST, estimates[Quantity.COST]).mean
    duration = estimates.get(Quantity.DURATION)
    weeks = fit(Quantity.DURATION, duration).mean if duration else 12.0
    return Outlook(
        gain=fit(Quantity.VALUE, value).mean,
        low_gain=value.p10,
        high_gain=value.p90,
        cost=cost,
        weekly=cost / weeks * TEAM_OF_A_TEST,
        chances={
            risk.value: fit(risk, estimates[risk]).mean if risk in estimates else UNKNOWN_CHANCE
            for risk in RISKS
        },
        guessed=tuple(risk.value for risk in RISKS if risk not in estimates),
        unit=unit,
    )


def advise(
    estimates: Mapping[Quantity, Range], unit: str = "", methods: Iterable[Method] = METHODS
) -> Advised:
    """The tests of a bet by what each is worth a week, and the next one in words."""
    found = outlook(estimates, unit)
    if found is None:
        missing = tuple(each.value for each in (Quantity.VALUE, Quantity.COST) if each not in estimates)
        return Advised(
            None,
            sentence="Nothing can be said yet of what a test is worth.",
            why=f"Estimate {' and '.join(missing)} first, as a range that you are 80 % sure of.",
            missing=missing,
        )
    tests = sorted(
        (_worth(found, method) for method in methods), key=lambda test: (-test.a_week, test.weeks, test.label)
    )
    sentence, why = _words(found, tests)
    return Advised(found, tuple(tests), sentence, why)


def _worth(found: Outlook, method: Method) -> TestWorth:
    holds = found.chances[method.risk.value]
    rest = 1.0
    for risk, chance in found.chances.items():
        rest *= 1.0 if risk == method.risk.value else chance
    right = STRENGTHS[method.strength]

    def value(gain: float, right: float) -> float:
        return binary_test_value(
            holds, gain=gain, cost=found.cost, sensitivity=right, specificity=right, rest=rest
        )

    worth = value(found.gain, right)
    ends = sorted((value(found.low_gain, right), value(found.high_gain, right), worth))
    cost = method.weeks * found.weekly
    return TestWorth(
        risk=method.risk.value,
        label=method.label,
        strength=method.strength,
        weeks=method.weeks,
        cost=cost,
        evsi=worth,
        low=ends[0],
        high=ends[-1],
        evppi=value(found.gain, 1.0),
        a_week=(worth - cost) / method.weeks,
    )


def _words(found: Outlook, tests: list[TestWorth]) -> tuple[str, str]:
    now = "to go on" if found.worth > 0 else "to stop"
    if not tests or tests[0].a_week <= 0:
        return (
            "No cheap test pays for itself now.",
            f"With these estimates it is best {now} (worth {_number(found.worth)} in expectation), and no test would change that often enough to pay for its own cost. Decide, or estimate again.",
        )
    best = tests[0]
    other = "stop instead" if found.worth > 0 else "go on after all"
    sentence = f"Next: {best.label}. It is worth about {_number(best.evsi)} {found.unit}".rstrip() + (
        f" (between {_number(best.low)} and {_number(best.high)}) and costs about {_number(best.cost)}."
    )
    why = (
        f"Today the estimates say {now}, with a chance of {found.chance:.0%} that all four risks hold. "
        f"This test takes {best.weeks:g} weeks and could let you {other}; a week of it is worth more than a week "
        "of any other test here."
    )
    if found.guessed:
        why += f" Nobody has estimated {', '.join(found.guessed)}; each counts as one half."
    return sentence, why


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
