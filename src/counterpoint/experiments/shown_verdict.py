"""What the page of an experiment shows of its verdict: the decision's tree, the levels, and the looks as a chart."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.experiments import wording
from counterpoint.experiments.course import Course
from counterpoint.experiments.decision import Branch
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Comparison, MetricResult, Result, Verdict
from counterpoint.said import Said
from counterpoint.web.charts import Boundary, boundary_chart

__all__ = ["LevelRow", "TreeRow", "chart_of", "levels_of", "trees_of"]

ANSWERS = {True: "met", False: "failed", None: "open"}
GROUPS = {"all": "All of these", "any": "Any one of these"}
KINDS = {"superiority": "better", "non-inferiority": "within its margin", "deterioration": "worse"}
RANKS = {"superiority": 0, "non-inferiority": 1, "deterioration": 2}


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One node of the decision's tree."""

    text: Said
    answer: str
    """ "met", "failed", or "open" while more data may still settle it."""
    evidence: str
    decides: bool
    """Whether it is the one condition that decides the verdict."""
    parts: "tuple[TreeRow, ...]" = ()


@dataclass(frozen=True, slots=True)
class LevelRow:
    """The level of one kind of test, and where it comes from."""

    label: str
    kind: str
    treatment: str
    whole: str
    """Its level over all readings."""
    because: Said
    now: str
    """Its level at this reading."""


def trees_of(result: Result) -> list[tuple[str, Verdict | None, TreeRow]]:
    """For each treatment its own verdict, and its tree with the answers; none while an invalid experiment's figures are withheld."""
    if result.verdict.state == "invalid" and not result.acknowledged:
        return []  # what is met would tell the effect
    return [
        (each.treatment, each.verdict, _row(each.decision, each, result))
        for each in result.comparisons
        if each.decision is not None
    ]


def _row(node: Branch, comparison: Comparison, result: Result) -> TreeRow:
    if node.metric is None:
        parts = tuple(_row(part, comparison, result) for part in node.parts)
        return TreeRow(GROUPS[node.word], ANSWERS[node.met], "", decides=False, parts=parts)
    metric = comparison.find(node.metric, node.word)
    verdict = comparison.verdict or result.verdict
    decides = verdict.condition == f"{node.word}: {node.metric}" and verdict.treatment in {
        None,
        comparison.treatment,
    }
    label = metric.label if metric else node.metric
    return TreeRow(_asks(node.word, label, metric), ANSWERS[node.met], _evidence(metric, node.word), decides)


def _asks(word: str, label: str, metric: MetricResult | None) -> str:
    if word == "superiority":
        return f"{label} is better"
    if word == "deterioration":
        return f"{label} is not significantly worse"
    if metric is None or metric.margin is None:
        return f"{label} is within its margin"
    share = metric.margin_scale == "relative"
    size = wording.percent(metric.margin) if share else wording.value(metric, metric.margin)
    return f"{label} {'loses' if metric.direction == 'increase' else 'rises'} less than {size}"


def _evidence(metric: MetricResult | None, word: str) -> str:
    test = metric.hypothesis(word) if metric else None
    if test is None:
        return ""
    if test.shown_at is not None and not test.rejected:
        return f"shown at look {test.shown_at}" if test.shown_at else "shown before"
    if test.p is None:
        return "withheld" if test.state == "withheld" else ""
    return f"p {wording.p_value(test.p)}, level {test.alpha:.3g}"


def levels_of(plan: Experiment, result: Result) -> list[LevelRow]:
    """The level of every test, with the arithmetic that gave it."""
    rows = [
        LevelRow(
            metric.label,
            KINDS[test.kind],
            metric.treatment if len(result.comparisons) > 1 else "",
            f"{test.total_alpha:.3g}",
            _because(plan, test.kind, test.total_alpha),
            f"{test.alpha:.3g}" if test.alpha > 1e-200 else "0",
        )
        for metric in result.metrics
        for test in sorted(metric.hypotheses, key=lambda each: RANKS[each.kind])
    ]
    gate = result.quality.sample_ratio.threshold
    rows.append(LevelRow("Sample ratio", "as planned", "", f"{gate:.3g}", "declared", f"{gate:.3g}"))
    because = "that of the sample ratio" if plan.quality is None else "declared, or a share of α₋"
    for each in plan.gates:
        level, named = f"{each.level:.3g}", each.test.replace("-", " ").capitalize()
        rows.append(LevelRow(named, "as it should be", "", level, because, level))
    return rows


def _because(plan: Experiment, kind: str, whole: float) -> str:
    many = len(plan.treatments)
    over = f" × {many} treatments" if many > 1 else ""
    if kind == "deterioration":
        return f"α₋ {plan.minus:g} over {plan.watched} tests of harm and quality{over}"
    if not isinstance(plan.decision, str):
        return f"α {plan.alpha:g}, shared by the tree: any divides it, all does not"
    if kind == "superiority":
        count = len(plan.success)
        return f"α {plan.alpha:g} over {count} success metrics{over}" if count > 1 else _undivided(plan, many)
    return _undivided(plan, many)


def _undivided(plan: Experiment, many: int) -> str:
    return f"α {plan.alpha:g} over {many} treatments" if many > 1 else f"α {plan.alpha:g}, not divided"


def chart_of(course: Course, title: str) -> Markup:
    """Evidence and boundary over information."""
    return boundary_chart(
        [
            Boundary(place.information, place.boundary, place.score, frozen=place.state == "frozen")
            for place in course.places
        ],
        title=title,
        description="; ".join(_spoken(course)),
    )


def _spoken(course: Course) -> Iterator[str]:
    for place in course.places:
        bound = "none" if place.boundary is None else f"{place.boundary:.2f}"
        score = "" if place.score is None else f", evidence {place.score:.2f}"
        yield f"look {place.index} at {wording.percent(place.information, places=0)}: boundary {bound}{score}"
