"""What an experiment measures: one number per user, or a ratio of two, and which users it is known of."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from counterpoint.errors import Problem

__all__ = [
    "ADDED",
    "MOST_COVARIATE_DAYS",
    "PLAIN_FIELD",
    "PLAIN_WORDS",
    "Aggregation",
    "Direction",
    "Metric",
    "Slots",
    "Span",
    "followed",
    "in_words",
    "limited",
    "metric_problems",
    "quantile_levels",
    "slots_of",
]

Direction = Literal["increase", "decrease"]
Aggregation = Literal[
    "mean", "sum", "count", "any", "ratio", "retention", "funnel", "time to event", "quantile"
]
ADDED: Final = ("mean", "sum")
"""Aggregations that need a number of every event."""
CAPPED: Final = ("mean", "sum", "count")
LEAST_QUANTILE: Final = 0.5
"""Below it a cap would change the half of all values, and be no limit of outliers any more."""
MOST_COVARIATE_DAYS: Final = 365
MOST_DAYS: Final = 366
BANDWIDTHS: Final = (0.5, 0.15, 0.05)
"""Distances at which quantiles around a quantile are taken, as shares of its distance from 0 or 1."""
PLAIN_FIELD: Final = re.compile(r"\w[\w @#~/-]*(\.\w[\w @#~/-]*)*")
"""Names of fields that every engine's JSON paths take as they are."""
PLAIN_WORDS: Final = (
    "use letters, digits, spaces and _ - @ # ~ /, with a dot before what is inside of another field."
)


class Span(NamedTuple):
    """Which events count for a value: of one type, in days after the first exposure (`until` none: for ever)."""

    event: str
    since: int
    until: int | None


class Metric(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One number per user, computed from events, or a ratio of two; a user without such an event has 0."""

    name: str
    event: str = ""
    """Type of the events that it is computed from; a ratio and a funnel have none of their own."""
    direction: Direction = "increase"
    """The direction in which it gets better."""
    aggregation: Aggregation = "mean"
    """Per user: mean or sum of the field, count of events, or 1 where any event has a truthy field. `ratio`: the
    numerator's total by the denominator's. `retention`: 1 with an event in the window. `funnel`: 1 where all steps
    were done in order. `time to event`: days to the first event, or the whole window without one. `quantile`: of single events, of all users together."""
    field: str = "value"
    """Key in the events' data; for "any" an event without it counts as 1."""
    unit: str | None = None
    covariate_days: int = 0
    """Days before a user's first exposure whose events give the same value once more, as a covariate; 0 means none."""
    numerator: "Metric | None" = None
    """Of a ratio: the metric whose total is divided; its name, window and covariate are the ratio's."""
    denominator: "Metric | None" = None
    window_days: int | None = None
    """Days, from `offset_days` after the first exposure, in which events count. Only users count whose days are over."""
    offset_days: int = 0
    """Whole days between the first exposure and the begin of the window."""
    cap: float | None = None
    """What one user's value counts at most (winsorised); the figures without it are told as well."""
    cap_quantile: float | None = None
    """The same, as a quantile of all users' values of all arms together: 0.99 limits the largest hundredth."""
    event_cap: float | None = None
    """What the number of one event counts at most."""
    quantile: float | None = None
    """Of a quantile: its level, above 0 and below 1, over the numbers of single events of all users of an arm."""
    steps: tuple[str, ...] = ()
    """Of a funnel: types of events, in their order."""
    title: str | None = None
    ref: str | None = None
    """Reference of the entity that defines it."""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def gain(self) -> int:
        """1 where a higher value is better, −1 where a lower one is."""
        return 1 if self.direction == "increase" else -1

    @property
    def parts(self) -> "tuple[Metric, ...]":
        """What is computed per user: the metric itself, or a ratio's numerator and denominator."""
        if not (self.numerator and self.denominator):
            return (self,)
        return tuple(self._part(part) for part in (self.numerator, self.denominator))

    def _part(self, part: "Metric") -> "Metric":
        """One of a ratio's metrics, with what the ratio says of both."""
        both = {each.covariate_days for each in (self.numerator, self.denominator) if each}
        days = self.covariate_days or (both.pop() if len(both) == 1 else 0)
        if self.window_days is None:
            return replace(part, covariate_days=days)
        return replace(part, covariate_days=days, window_days=self.window_days, offset_days=self.offset_days)

    @property
    def types(self) -> tuple[str, ...]:
        """Types of the events that it needs, each once."""
        return tuple(dict.fromkeys(event for part in self.parts for event in (part.steps or (part.event,))))

    @property
    def days(self) -> int | None:
        """Days after the first exposure at which a user's value is known for good; none where it never is."""
        part = self.parts[0]
        return None if part.window_days is None else part.offset_days + part.window_days

    @property
    def span(self) -> "Span":
        """Which events count for it, if it is no ratio; of a funnel those of its first step."""
        return Span(self.steps[0] if self.steps else self.event, self.offset_days, self.days)

    @property
    def capped(self) -> bool:
        """Whether values are limited, so that there are figures without the limit too."""
        return any(limited(part) for part in self.parts)

    @property
    def simple(self) -> bool:
        """Whether sums of a user's days add up to it, so that they can be kept; a cap that all users together decide does not."""
        return all(
            part.aggregation in {"mean", "sum", "count", "any", "retention"} and part.cap_quantile is None
            for part in self.parts
        )


class Slots(msgspec.Struct, frozen=True):
    """The numbers per user that a plan needs, each once, and which of them a metric is made of.

    The columns of slot 2 are `m2`, its covariate `x2`, and `r2`, its value without a cap. Of the ratio that comes third
    `e2` is the numerator less the pooled ratio times the denominator, `g2` the same without caps, `f2` the same of the
    covariates: numerators and denominators may grow together, and their squares would have no digits left of that.
    """

    parts: tuple[Metric, ...]
    numbers: dict[str, tuple[int, ...]]
    """Slots by the metric's name: one, or a ratio's numerator and denominator."""

    def vector(self, metric: Metric, *, raw: bool = False) -> tuple[str, ...]:
        """The columns that a metric's comoments are of: value, or numerator and denominator; then covariates."""
        numbers = self.numbers[metric.name]
        if metric.aggregation == "quantile":
            return f"m{numbers[0]}", f"d{numbers[0]}"
        values = [f"{'r' if raw and limited(self.parts[i]) else 'm'}{i}" for i in numbers]
        covariates = [f"x{i}" for i in numbers if self.parts[i].covariate_days]
        if len(numbers) > 1:
            place = self.ratios.index(metric.name)
            values[0] = f"{'g' if raw and self._has_limits(numbers) else 'e'}{place}"
            if len(covariates) > 1:
                covariates[0] = f"f{place}"
        return *values, *covariates

    @property
    def ratios(self) -> list[str]:
        """The names of the ratios, in order."""
        return [name for name, numbers in self.numbers.items() if len(numbers) > 1]

    def _has_limits(self, numbers: Sequence[int]) -> bool:
        return any(limited(self.parts[i]) for i in numbers)

    @property
    def forms(self) -> dict[str, tuple[str, str]]:
        """By the name of a ratio's linear form the columns of its numerator and of its denominator."""
        found: dict[str, tuple[str, str]] = {}
        for place, name in enumerate(self.ratios):
            one, other = self.numbers[name]
            found[f"e{place}"] = f"m{one}", f"m{other}"
            if self._has_limits((one, other)):
                raw = [f"{'r' if limited(self.parts[i]) else 'm'}{i}" for i in (one, other)]
                found[f"g{place}"] = raw[0], raw[1]
            if self.parts[one].covariate_days and self.parts[other].covariate_days:
                found[f"f{place}"] = f"x{one}", f"x{other}"
        return found

    def origin_of(self, form: str) -> tuple[str, str]:
        """The columns whose pooled means give the origin of a form: those of the ratio's numerator and denominator."""
        one, other = self.numbers[self.ratios[int(form[1:])]]
        return f"m{one}", f"m{other}"

    def slot_of(self, column: str) -> int:
        """The slot whose window says for whom a column is known."""
        return int(column[1:]) if column[0] in "mdrx" else self.numbers[self.ratios[int(column[1:])]][0]

    def first_of_span(self, number: int) -> int:
        """The first slot for which the same events count, whose number of them holds for both."""
        spans = [part.span for part in self.parts]
        return spans.index(spans[number])

    def columns(self) -> list[str]:
        """All columns of numbers per user, those of ratios' linear forms last."""
        return [*self.base(), *self.forms]

    def base(self) -> list[str]:
        """The columns that the linear forms are made of."""
        found: list[str] = []
        for i, part in enumerate(self.parts):
            found += [
                f"m{i}",
                *([f"d{i}"] if part.aggregation == "quantile" else []),
                *([f"r{i}"] if limited(part) else []),
                *([f"x{i}"] if part.covariate_days else []),
            ]
        return found

    def pairs(self, metrics: Sequence[Metric]) -> list[tuple[str, str]]:
        """The pairs of columns whose products are summed, each once."""
        vectors = [self.vector(metric, raw=raw) for metric in metrics for raw in (False, True)]
        return list(dict.fromkeys(pair for vector in vectors for pair in _pairs(vector)))


def limited(part: Metric) -> bool:
    """Whether a user's value has a limit."""
    return any(each is not None for each in (part.cap, part.cap_quantile, part.event_cap))


def _pairs(vector: Sequence[str]) -> Iterator[tuple[str, str]]:
    for i, one in enumerate(vector):
        for other in vector[i + 1 :]:
            yield one, other


def slots_of(metrics: Sequence[Metric]) -> Slots:
    """Number what metrics are made of; metrics that stand alone come first, in their order."""
    alone = [metric for metric in metrics if metric.aggregation != "ratio"]
    parts = list(alone)
    numbers: dict[str, tuple[int, ...]] = {metric.name: (i,) for i, metric in enumerate(alone)}
    known = {meaning_of(part): i for i, part in reversed(list(enumerate(parts)))}
    for metric in metrics:
        if metric.name in numbers:
            continue
        found = []
        for part in metric.parts:
            if meaning_of(part) not in known:
                known[meaning_of(part)] = len(parts)
                parts.append(part)
            found.append(known[meaning_of(part)])
        numbers[metric.name] = tuple(found)
    return Slots(tuple(parts), numbers)


def meaning_of(part: Metric) -> tuple[object, ...]:
    """What tells numbers per user apart, whatever the metric is called."""
    return (
        part.event, part.aggregation, part.field, part.covariate_days, part.window_days, part.offset_days,
        part.cap, part.cap_quantile, part.event_cap, part.steps, part.quantile,
    )  # fmt: skip


def in_words(metric: Metric) -> str:
    """How a user's value is computed, as a sentence."""
    parts = metric.parts
    if len(parts) > 1:
        one, other = (f"{part.label}: {_value_in_words(part)}" for part in parts)
        what = f"two numbers ({one}; {other}), whose totals are divided"
    else:
        what = _value_in_words(metric)
    nothing = "" if metric.aggregation in {"time to event", "quantile"} else "; 0 without an event"
    return f"Per user {what}, {_span_in_words(parts[0])}{nothing}{_limits_in_words(parts)}."


def _value_in_words(part: Metric) -> str:
    return {
        "mean": f"the mean of {part.field} over the user's events",
        "sum": f"the sum of {part.field} over the user's events",
        "count": "the number of the user's events",
        "any": f"1 if any of the user's events has {part.field}, else 0",
        "quantile": f"the numbers {part.field} of the user's events, of which {(part.quantile or 0) * 100:g} % of all together are at most the quantile",
        "retention": "1 with an event, else 0",
        "funnel": f"1 if all steps came in their order ({', '.join(part.steps)}), else 0",
        "time to event": "the days to the first event, or those of the whole window without one",
    }[part.aggregation]


def _span_in_words(part: Metric) -> str:
    if part.days is None:
        return "from the first exposure on"
    begin = f"from day {part.offset_days} after" if part.offset_days else "from"
    return f"in {part.window_days} days {begin} the first exposure, of users for whom they are over"


def _limits_in_words(parts: Sequence[Metric]) -> str:
    limits = [f"a user counts at most {part.cap:,g}" for part in parts if part.cap is not None]
    limits += [
        f"a user counts at most what {part.cap_quantile * 100:g} % of all users of all arms have at most"
        for part in parts
        if part.cap_quantile is not None
    ]
    limits += [
        f"one event counts at most {part.event_cap:,g}" for part in parts if part.event_cap is not None
    ]
    return "".join(f"; {limit}" for limit in limits)


def quantile_levels(level: float) -> list[float]:
    """The level, then pairs below and above it at falling distances, from which the density there is read."""
    room = min(level, 1 - level)
    return [level, *(each for share in BANDWIDTHS for each in (level - share * room, level + share * room))]


def metric_problems(metric: Metric) -> Iterator[Problem]:
    """What contradicts itself in a metric."""
    if not 0 <= metric.covariate_days <= MOST_COVARIATE_DAYS:
        yield Problem(
            f"covariateDays of {metric.name} is {metric.covariate_days}; it must be from 0 to {MOST_COVARIATE_DAYS}.",
            "/spec/covariateDays",
        )
    if (
        metric.offset_days < 0
        or not 0 < (1 if metric.window_days is None else metric.window_days) <= MOST_DAYS
        or metric.offset_days > MOST_DAYS
    ):
        yield Problem(
            f"The window of {metric.name} is {metric.window_days} days from day {metric.offset_days};"
            f" it must be from 1 to {MOST_DAYS} days, from day 0 or later.",
            "/spec/window",
        )
    elif metric.offset_days and metric.window_days is None:
        yield Problem(
            f"{metric.name} begins {metric.offset_days} days after the first exposure and never ends;"
            " give its window days.",
            "/spec/window/days",
        )
    yield from _cap_problems(metric)
    yield from _form_problems(metric)


def _cap_problems(metric: Metric) -> Iterator[Problem]:
    if metric.cap is not None and metric.cap_quantile is not None:
        yield Problem(f"{metric.name} has two caps of a user's value; give one of them.", "/spec/userCap")
    if metric.cap_quantile is not None and not LEAST_QUANTILE <= metric.cap_quantile < 1:
        yield Problem(
            f"The cap of {metric.name} is the quantile {metric.cap_quantile:g}; it must be from {LEAST_QUANTILE:g} and below 1,"
            " since it is there for the few largest values.",
            "/spec/userCap/quantile",
        )
    if (metric.cap is not None or metric.cap_quantile is not None) and metric.aggregation not in CAPPED:
        yield Problem(
            f"{metric.name} has a cap, and a {metric.aggregation} has no values to limit; leave it out, or give it"
            " to the metrics that a ratio is of.",
            "/spec/userCap",
        )
    if metric.event_cap is not None and metric.aggregation not in ADDED:
        yield Problem(
            f"{metric.name} limits the number of one event, and {metric.aggregation} adds no such numbers; leave it out.",
            "/spec/cap",
        )


def _form_problems(metric: Metric) -> Iterator[Problem]:
    kind, parts = metric.aggregation, (metric.numerator, metric.denominator)
    if kind == "ratio":
        if not all(parts):
            yield Problem(
                f"{metric.name} is a ratio; name its numerator and its denominator.", "/spec/numerator"
            )
            return
        first, second = metric.parts
        if any(part.aggregation in {"ratio", "quantile"} for part in metric.parts):
            yield Problem(
                f"{metric.name} is a ratio of a ratio or a quantile; name metrics with one number per user.",
                "/spec/numerator",
            )
        elif (first.window_days, first.offset_days) != (second.window_days, second.offset_days):
            yield Problem(
                f"The two metrics of {metric.name} have different windows; give the ratio a window of its own.",
                "/spec/window",
            )
        return
    if any(parts):
        yield Problem(f"{metric.name} is no ratio and has a numerator or denominator.", "/spec/numerator")
    if kind == "funnel":
        if len(metric.steps) < 2:
            yield Problem(f"{metric.name} is a funnel; name two steps or more.", "/spec/steps")
    elif not metric.event:
        yield Problem(f"{metric.name} names no type of events.", "/spec/event")
    if kind in {"retention", "time to event"} and metric.window_days is None:
        yield Problem(
            f"{metric.name} is a {kind}; give its window days, since without an end nobody's value is known.",
            "/spec/window/days",
        )
    if kind == "quantile" and not 0 < (metric.quantile or 0) < 1:
        yield Problem(f"{metric.name} is a quantile; give its level, above 0 and below 1.", "/spec/quantile")
    if kind in {"funnel", "time to event", "quantile"} and metric.covariate_days:
        yield Problem(
            f"covariateDays of {metric.name} has no meaning for a {kind}; leave it out.",
            "/spec/covariateDays",
        )


def followed(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The metrics whose value on each day can be told from sums: no quantiles (of a cap neither), and no steps in an order."""
    return tuple(
        metric
        for metric in metrics
        if metric.aggregation != "quantile"
        and not any(part.steps or part.cap_quantile is not None for part in metric.parts)
    )
