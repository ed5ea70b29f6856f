"""The page that plans: from the values of its address to a plan, its size, and the same plan made otherwise. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.model import Experiment, Guardrail, Metric, Scale, Target
from counterpoint.experiments.planning_rule import decision_of, decision_text, shares_of, shares_text
from counterpoint.experiments.sizing import MetricSize, Sizing, size
from counterpoint.experiments.stopping import Family, Stopping
from counterpoint.said import Said
from counterpoint.web.forms import count_of, number_of, one_of, text_of

__all__ = ["MOST_ROWS", "PlanForm", "Planned", "Row", "Variant", "form_of", "planned_of", "read_form"]

T = TypeVar("T")
SPENDINGS: Final[dict[str, Family]] = {
    "power": "power",
    "obrien-fleming": "obrien-fleming",
    "pocock": "pocock",
    "hwang-shih-decani": "hwang-shih-decani",
}
"""Families of spending functions, which the form offers."""
MOST_ROWS = 12
UNLIMITED = 10**15
"""Users at which a plan ends whose size is still to be found."""
USERS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Shares of the needed users at which the power is drawn."""
DEFAULT_LOOKS = 14
CHANGE = "5"
"""Percent that stand in where a plan names no change."""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric as it was typed."""

    name: str = ""
    role: str = "success"
    kind: str = "rate"
    """ "rate" of users, or "mean" per user."""
    mean: str = ""
    sd: str = ""
    change: str = ""
    """What is worth detecting, or the margin of a guardrail: in percent of the mean, or in the metric's unit."""
    correlation: str = ""
    scale: str = "relative"
    """ "relative" to the mean, or "absolute"."""
    direction: str = "increase"


@dataclass(frozen=True, slots=True)
class PlanForm:
    """All that was typed; texts, so that what is wrong stays as it was."""

    rows: tuple[Row, ...] = (Row("conversion", "success", "rate", "0.1", "", CHANGE, ""),)
    method: str = "fixed"
    looks: str = str(DEFAULT_LOOKS)
    treatments: str = "1"
    alpha: str = "0.05"
    beta: str = "0.2"
    alpha_minus: str = "0.05"
    shares: str = ""
    """Of the arms, the control first; empty means equal ones."""
    spending: str = "power"
    parameter: str = ""
    """Of the spending family; empty means its usual one."""
    decision: str = "rule-2"
    """A rule, or a tree on one line as a descriptor has it."""
    per_day: str = "1000"
    experiment: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """The plan made in another way, for comparison."""

    name: Said
    sizing: Sizing
    power: tuple[tuple[float, float], ...]
    """Users in all arms, and the power of the deciding test there."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The size of a plan, or what is wrong with the form."""

    errors: dict[str, str] = field(default_factory=dict)
    plan: Experiment | None = None
    variants: tuple[Variant, ...] = ()
    """The plan itself first."""

    @property
    def sizing(self) -> Sizing | None:
        """Of the plan itself."""
        return self.variants[0].sizing if self.variants else None


def read_form(query: Mapping[str, Any]) -> PlanForm:
    """The form as an address has it; what it does not say is as at first."""
    first = PlanForm()
    if not any(key.startswith("name") for key in query):
        return replace_form(first, query)
    asked = one_of(query, "rows")
    typed = [count_of(key[4:]) or 0 for key in query if key.startswith("name")]
    count = count_of(asked) or max(typed)
    rows = tuple(
        Row(*(one_of(query, f"{part}{index}") or default for part, default in _PARTS))
        for index in range(1, min(max(count, 1), MOST_ROWS) + 1)
    )
    return replace_form(PlanForm(rows=rows), query)


_PARTS = (
    ("name", ""),
    ("role", "success"),
    ("kind", "rate"),
    ("mean", ""),
    ("sd", ""),
    ("change", ""),
    ("correlation", ""),
    ("scale", "relative"),
    ("direction", "increase"),
)


def replace_form(form: PlanForm, query: Mapping[str, Any]) -> PlanForm:
    """The form with the fields that are one for the whole plan."""
    return PlanForm(
        rows=form.rows,
        method=one_of(query, "method") or form.method,
        looks=one_of(query, "looks") or form.looks,
        treatments=one_of(query, "treatments") or form.treatments,
        alpha=one_of(query, "alpha") or form.alpha,
        beta=one_of(query, "beta") or form.beta,
        alpha_minus=one_of(query, "alphaMinus") or form.alpha_minus,
        shares=one_of(query, "shares"),
        spending=one_of(query, "spending") or form.spending,
        parameter=one_of(query, "parameter"),
        decision=one_of(query, "decision") or form.decision,
        per_day=one_of(query, "perDay") if "perDay" in query else form.per_day,
        experiment=one_of(query, "experiment"),
    )


def form_of(plan: Experiment, sizing: Sizing, experiment: str) -> PlanForm:
    """The form filled in from an experiment and what the journal knows of its metrics."""
    directions = {metric.name: metric.direction for metric in plan.metrics}
    rows = tuple(
        Row(
            name=each.name,
            role="success" if each.test == "superiority" else "guardrail",
            kind=_kind(each),
            mean=_short(each.baseline.mean if each.baseline else None),
            sd=_short(each.baseline.sd if each.baseline and _kind(each) == "mean" else None),
            change=_change(plan, each),
            correlation=_short(each.baseline.correlation or None if each.baseline else None),
            scale="absolute" if _absolute(plan, each) else "relative",
            direction=directions[each.name],
        )
        for each in sizing.metrics[:MOST_ROWS]
    )
    return PlanForm(
        rows=rows or PlanForm().rows,
        method=plan.reading.method,
        looks=str(sizing.looks or plan.reading.looks or DEFAULT_LOOKS),
        treatments=str(len(plan.treatments)),
        alpha=text_of(plan.alpha),
        beta=text_of(plan.beta),
        alpha_minus=text_of(plan.minus),
        shares=shares_text(plan.planned),
        spending=plan.reading.spending,
        parameter=_short(plan.reading.parameter),
        decision=decision_text(plan.decision),
        per_day=_short(sizing.per_day),
        experiment=experiment,
    )


def _absolute(plan: Experiment, metric: MetricSize) -> bool:
    """Whether the plan names the change or the margin in the metric's unit."""
    if metric.test == "non-inferiority":
        return any(each.metric.name == metric.name and each.scale == "absolute" for each in plan.guardrails)
    return plan.targets.get(metric.name, Target()).scale == "absolute"


def _change(plan: Experiment, metric: MetricSize) -> str:
    """The change or margin that the plan names, known even where nothing of the metric is yet."""
    margins = {each.metric.name: each.margin for each in plan.guardrails}
    named = plan.targets.get(metric.name, Target()).mde
    size = margins.get(metric.name) if metric.test == "non-inferiority" else named
    if size is None:
        return CHANGE if metric.relative is None else _short(metric.relative * 100)
    return _short(size if _absolute(plan, metric) else size * 100)


def _kind(metric: MetricSize) -> str:
    known = metric.baseline
    rate = (
        known and 0 < known.mean < 1 and abs(known.sd**2 - known.mean * (1 - known.mean)) < 0.01 * known.sd**2
    )
    return "rate" if rate else "mean"


def _short(value: float | None) -> str:
    return "" if value is None else text_of(float(f"{value:.5g}"))


def planned_of(form: PlanForm) -> Planned:
    """The size of what was typed, and of the same without covariates and read once."""
    reader = _Reader(form)
    plan = reader.plan()
    if plan is None:
        return Planned(errors=reader.errors)
    per_day = reader.per_day or None
    sizing = size(plan, {}, per_day=per_day)
    missing = [each.missing for each in sizing.metrics if each.missing]
    if not sizing.total:
        return Planned(errors={"": missing[0] if missing else "There is nothing to show."})
    decides = sizing.decides
    others = [("As planned", plan), *_otherwise(plan)]
    return Planned(
        plan=plan,
        variants=tuple(
            Variant(
                name, size(other, {}, per_day=per_day), tuple(_power(other, sizing.total, decides, per_day))
            )
            for name, other in others
        ),
    )


def _otherwise(plan: Experiment) -> Iterator[tuple[str, Experiment]]:
    if any(target.correlation for target in plan.targets.values()):
        yield "Unadjusted", replace(plan, covariates=False)
    if plan.reading.method in {"group-sequential", "confidence-sequence"}:
        yield "Read once", replace(plan, stopping=Stopping(method="fixed"))


def _power(
    plan: Experiment, total: int, decides: str | None, per_day: float | None
) -> Iterator[tuple[float, float]]:
    """The power of the test that decides, at other numbers of users."""
    for share in USERS:
        users = max(round(total * share), 4)
        found = size(plan, {}, per_day=per_day, users=users)
        for each in found.metrics:
            if f"{each.test}: {each.name}" == decides and each.power is not None:
                yield float(users), each.power


class _Reader:
    """Reads texts as numbers, and keeps what is wrong by the name of the field."""

    def __init__(self, form: PlanForm) -> None:
        self.form = form
        self.errors: dict[str, str] = {}
        self.per_day = self.number("perDay", form.per_day, "New users a day", optional=True, above=0.0) or 0.0

    def number(
        self,
        name: str,
        text: str,
        label: str,
        *,
        optional: bool = False,
        above: float | None = None,
        below: float | None = None,
    ) -> float | None:
        """The number of a field; none where it is empty or wrong."""
        if not text:
            if not optional:
                self.errors[name] = f"{label} is missing."
            return None
        try:
            value = float(number_of(text))
        except ValueError:
            self.errors[name] = f"{label} is {text!r}, which is no number."
            return None
        if (above is not None and value <= above) or (below is not None and value >= below):
            bounds = " and ".join(
                part
                for part in (
                    f"above {above:g}" if above is not None else "",
                    f"below {below:g}" if below is not None else "",
                )
                if part
            )
            self.errors[name] = f"{label} is {value:g}; it must be {bounds}."
            return None
        return value

    def plan(self) -> Experiment | None:
        """The plan, unless something is wrong."""
        form = self.form
        alpha = self.number("alpha", form.alpha, "α", above=0, below=0.5)
        beta = self.number("beta", form.beta, "β", above=0, below=1)
        minus = self.number("alphaMinus", form.alpha_minus, "α₋", above=0, below=1)
        treatments = self.number("treatments", form.treatments, "Treatments", above=0, below=21)
        looks = self.number("looks", form.looks, "Looks", optional=True, above=0, below=401)
        found = [row for index, row in enumerate(form.rows, 1) if row.name and self.row(index, row)]
        if not any(row.name for row in form.rows):
            self.errors["name1"] = "Name at least one metric."
        if self.errors or alpha is None or beta is None or minus is None or treatments is None:
            return None
        many = int(treatments)
        arms = ("treatment",) if many == 1 else tuple(f"treatment-{i + 1}" for i in range(many))
        shares = self.parsed("shares", "Shares", lambda: shares_of(form.shares, ("control", *arms)))
        decision = self.parsed("decision", "The decision", lambda: decision_of(form.decision))
        parameter = self.number("parameter", form.parameter, "The parameter", optional=True)
        if form.spending not in SPENDINGS:
            self.errors["spending"] = f"Spending is {form.spending!r}; it must be {', '.join(SPENDINGS)}."
        if self.errors or shares is None or decision is None:
            return None
        try:
            return Experiment(
                name="plan",
                flag="plan",
                control="control",
                treatments=arms,
                shares=shares,
                decision=decision,
                success=tuple(_metric(row) for row in found if row.role == "success"),
                guardrails=tuple(
                    Guardrail(_metric(row), _size(row), _scale(row))
                    for row in found
                    if row.role == "guardrail"
                ),
                targets={row.name: _target(row) for row in found},
                alpha=alpha,
                beta=beta,
                alpha_minus=minus,
                stopping=_stopping(form, int(looks or DEFAULT_LOOKS), parameter),
            )
        except InputError as error:
            self.errors[""] = " ".join(problem.message for problem in error.problems) or error.message
            return None

    def parsed(self, name: str, label: str, read: Callable[[], T]) -> T | None:
        """What a field says, or none where it says nothing that can be read."""
        try:
            return read()
        except ValueError as error:
            self.errors[name] = f"{label} {error}"
            return None

    def row(self, index: int, row: Row) -> bool:
        """Whether a metric's figures can be used."""
        before, label = len(self.errors), row.name
        rate = row.kind == "rate"
        self.number(
            f"mean{index}",
            row.mean,
            f"The mean of {label}",
            above=0 if rate else None,
            below=1 if rate else None,
        )
        if not rate:
            self.number(f"sd{index}", row.sd, f"The standard deviation of {label}", above=0)
        what = "margin" if row.role == "guardrail" else "change"
        self.number(f"change{index}", row.change, f"The {what} of {label}", above=0)
        self.number(
            f"correlation{index}",
            row.correlation,
            f"The correlation of {label}",
            optional=True,
            above=-1,
            below=1,
        )
        return len(self.errors) == before


def _metric(row: Row) -> Metric:
    return Metric(
        name=row.name,
        event="event",
        aggregation="any" if row.kind == "rate" else "mean",
        direction="decrease" if row.direction == "decrease" else "increase",
    )


def _scale(row: Row) -> Scale:
    return "absolute" if row.scale == "absolute" else "relative"


def _size(row: Row) -> float:
    """The change or margin as a plan has it; typed shares are in percent."""
    size = float(number_of(row.change))
    return size if row.scale == "absolute" else size / 100


def _target(row: Row) -> Target:
    return Target(
        mde=_size(row),
        scale=_scale(row),
        mean=number_of(row.mean),
        sd=number_of(row.sd) if row.kind == "mean" else None,
        correlation=number_of(row.correlation) if row.correlation else None,
    )


def _stopping(form: PlanForm, looks: int, parameter: float | None) -> Stopping:
    known: dict[str, Literal["fixed", "group-sequential", "confidence-sequence", "fixed-power"]] = {
        "group-sequential": "group-sequential",
        "confidence-sequence": "confidence-sequence",
        "fixed-power": "fixed-power",
    }
    method = known.get(form.method, "fixed")
    if method != "group-sequential":
        return Stopping(method=method)
    return Stopping(
        method=method,
        looks=looks,
        maximum=UNLIMITED,
        spending=SPENDINGS[form.spending],
        parameter=parameter,
    )
