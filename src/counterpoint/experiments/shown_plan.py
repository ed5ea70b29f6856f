"""What the page that plans shows: curves of users, power and days, the sizes of metrics, and the plan as YAML."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.experiments import wording
from counterpoint.experiments.planning import Planned, Variant
from counterpoint.experiments.planning_rule import decision_text
from counterpoint.said import Said
from counterpoint.web.charts import Series, line_chart

__all__ = ["Curve", "SizeRow", "costs_of", "curves_of", "size_rows", "yaml_of"]

LEAST, MOST = 0.5, 2.0
"""Multiples of the change to be shown that are drawn."""
FINE = 24
TESTS = {"superiority": "better by", "non-inferiority": "within a margin of", "deterioration": "no worse by"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve with what it says."""

    title: str
    chart: Markup
    caption: Said


@dataclass(frozen=True, slots=True)
class SizeRow:
    """What one metric needs."""

    label: str
    asks: str
    level: str
    power: str
    total: str
    looking: str
    """What looking more than once costs it."""
    detectable: str
    decides: bool


def size_rows(planned: Planned) -> list[SizeRow]:
    """The metrics in the order of the decision."""
    sizing = planned.sizing
    if sizing is None:
        return []
    return [
        SizeRow(
            each.label,
            f"{TESTS[each.test]} {wording.percent(each.relative)}",
            f"{each.alpha:.3g}",
            wording.percent(1 - each.beta, places=1),
            wording.count(each.total) if each.total else "–",
            f"+{wording.percent(each.inflation - 1)}" if each.inflation > 1 else "nothing",
            wording.percent(each.detectable_relative) if each.detectable_relative else "–",
            f"{each.test}: {each.name}" == sizing.decides,
        )
        for each in sizing.metrics
    ]


def costs_of(planned: Planned) -> list[Said]:
    """What covariates save and what looking costs, in sentences."""
    return list(_costs(planned))


def _costs(planned: Planned) -> Iterator[str]:
    whole = planned.sizing.total if planned.sizing else None
    for other in planned.variants[1:]:
        total = other.sizing.total
        if not whole or not total:
            continue
        share = wording.percent(abs(total - whole) / total, places=0)
        if total == whole:
            yield f"{other.name}, it needs as many users: the metric that decides is the same either way."
        elif other.name == "Unadjusted":
            yield f"Values before exposure (CUPED) save {share} of the users: without them it needs {wording.count(total)}."
        elif whole >= total:
            more = wording.percent((whole - total) / total, places=0)
            yield f"Reading it before its end costs {more} more users; read once it needs {wording.count(total)}."
        else:
            yield f"Read once it needs {wording.count(total)} users."


def curves_of(planned: Planned, tell: Callable[[str], str]) -> list[Curve]:
    """Users over the change, power over users, and days over the change."""
    sizing = planned.sizing
    if sizing is None or planned.plan is None:
        return []
    label = next((each.label for each in sizing.metrics if f"{each.test}: {each.name}" == sizing.decides), "")
    drawn = [planned.variants[0]]
    drawn += [
        each
        for each in planned.variants[1:]
        if _needed(each, sizing.decides) != _needed(drawn[0], sizing.decides)
    ]
    users = [Series(each.name, tuple(_users(each, sizing.decides))) for each in drawn]
    powers = [Series(each.name, each.power) for each in drawn]
    found = [
        Curve(
            "Users by the change to be shown",
            line_chart(
                users,
                title=tell("Users by the change to be shown"),
                write_x=_share,
                write_y=_thousands,
                from_zero=True,
            ),
            f"Users in all arms that {label} needs to show a change of this size. Half the change needs four times the users.",
        ),
        Curve(
            "Power by users",
            line_chart(
                powers,
                title=tell("Power by users"),
                write_x=_thousands,
                write_y=_share,
                from_zero=True,
                targets=[(1 - _beta(planned), "planned")],
            ),
            f"Chance that the test of {label} shows the change, if it is as large as said. The decision as a whole has at least {wording.percent(sizing.power, places=0)} where each test reaches its own line.",
        ),
    ]
    per_day = sizing.per_day
    if per_day:
        days = [Series(each.name, tuple((x, y / per_day) for x, y in each.points)) for each in users]
        chart = line_chart(
            days,
            title=tell("Days by the change to be shown"),
            write_x=_share,
            write_y=lambda value: f"{value:,.0f}",
            from_zero=True,
        )
        caption = f"Days until enough users have come, at {wording.count(round(per_day))} new users a day."
        found.append(Curve("Days by the change to be shown", chart, caption))
    return found


def _needed(variant: Variant, decides: str | None) -> int | None:
    """Users that the condition needs in a variant of the plan."""
    return next(
        (each.total for each in variant.sizing.metrics if f"{each.test}: {each.name}" == decides), None
    )


def _beta(planned: Planned) -> float:
    sizing = planned.sizing
    found = (
        each.beta
        for each in (sizing.metrics if sizing else ())
        if sizing and f"{each.test}: {each.name}" == sizing.decides
    )
    return next(found, 0.2)


def _users(variant: Variant, decides: str | None) -> Iterator[tuple[float, float]]:
    """Users by relative change; between the sizes that were computed, users × change² is nearly a line."""
    metric = next((each for each in variant.sizing.metrics if f"{each.test}: {each.name}" == decides), None)
    if metric is None or metric.relative is None:
        return
    points = [(x, point.total) for point in metric.curve if (x := point.relative) is not None]
    for step in range(FINE + 1):
        share = LEAST + (MOST - LEAST) * step / FINE
        x = metric.relative * share
        after = next((index for index, (at, _) in enumerate(points) if at >= x - 1e-12), None)
        if after is None:
            return
        (x1, n1), (x0, n0) = points[after], points[max(after - 1, 0)]
        part = (x - x0) / (x1 - x0) if x1 > x0 else 1.0
        yield x, (n0 * x0**2 * (1 - part) + n1 * x1**2 * part) / x**2


def _share(value: float) -> str:
    return f"{value * 100:.3g} %"


def _thousands(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value / 1e3:.3g} k" if value >= 10_000 else f"{value:,.0f}"


def yaml_of(planned: Planned) -> str:
    """The plan as the descriptor of an experiment has it."""
    plan, sizing = planned.plan, planned.sizing
    if plan is None or sizing is None or sizing.total is None:
        return ""
    stopping = plan.reading
    rule = [f"method: {stopping.method}", f"maximum: {sizing.total}"]
    if stopping.looks:
        rule.insert(1, f"looks: {stopping.looks}")
        if stopping.spending != "power" or stopping.parameter is not None:
            rule.insert(2, f"spending: {stopping.spending}")
        if stopping.parameter is not None:
            rule.insert(3, f"parameter: {stopping.parameter:g}")
    lines = [f"alpha: {plan.alpha:g}", f"beta: {plan.beta:g}", f"alphaMinus: {plan.minus:g}"]
    lines.append(f"stopping: {{{', '.join(rule)}}}")
    if plan.shares:
        lines.append(f"shares: {{{', '.join(f'{arm}: {share:g}' for arm, share in plan.shares.items())}}}")
        lines.insert(0, f"control: {plan.control}\ntreatments: [{', '.join(plan.treatments)}]")
    if plan.decision != "rule-2":
        lines.append(f"decision: {decision_text(plan.decision)}")
    for word, names in (
        ("success", [metric.name for metric in plan.success]),
        ("guardrails", [each.metric.name for each in plan.guardrails]),
    ):
        if names:
            lines.append(f"{word}:")
            lines += [f"  - {{{_item(planned, name, word)}}}" for name in names]
    return "\n".join(lines) + "\n"


def _item(planned: Planned, name: str, word: str) -> str:
    target = planned.plan.targets[name] if planned.plan else None
    if target is None:
        return f"metric: {name}"
    figures = [f"mean: {target.mean:g}"] if target.mean is not None else []
    figures += [f"sd: {target.sd:g}"] if target.sd is not None else []
    figures += [f"correlation: {target.correlation:g}"] if target.correlation else []
    size = "mde" if word == "success" else "margin"
    scale = ", scale: absolute" if target.scale == "absolute" else ""
    return f"metric: {name}, {size}: {target.mde:g}{scale}, baseline: {{{', '.join(figures)}}}"
