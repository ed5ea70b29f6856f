"""What is recommended of one treatment of a valid experiment, in plain words. Pure.

What the stopping plan does not let be read is open, so before its end the answer is to wait, unless harm is shown.
"""

from collections.abc import Callable, Sequence

from counterpoint.experiments.decision import (
    Branch,
    Condition,
    Group,
    answer,
    branch_of,
    conditions,
    deciding,
)
from counterpoint.experiments.looks import Reading
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import BETWEEN, Comparison, MetricResult, Verdict
from counterpoint.experiments.wording import change, count, day, means, p_value, percent, span, value

__all__ = ["branch", "clause", "of_looks", "recommend"]


def recommend(plan: Experiment, comparison: Comparison, reading: Reading) -> Verdict:
    """Apply the decision to one treatment of a valid experiment."""
    tree, found = plan.tree, _answers(plan, comparison, reading)
    met = answer(tree, found)
    leaf, group = deciding(tree, found, _closeness(comparison))
    if reading.progress.exploratory and met is not False:
        return _explored(comparison)
    if met is True:
        return _ship(comparison, leaf)
    if met is False:
        return _FAILED[leaf.word](plan, comparison, leaf, group, reading)
    return _open(plan, comparison, leaf, reading)


def branch(plan: Experiment, comparison: Comparison, reading: Reading) -> Branch:
    """The decision's tree for one treatment, with the answer of every node."""
    return branch_of(plan.tree, _answers(plan, comparison, reading))


def _answers(plan: Experiment, comparison: Comparison, reading: Reading) -> dict[Condition, bool | None]:
    """What the tests say of each condition: met, failed, or open while the plan goes on."""
    found: dict[Condition, bool | None] = {}
    for leaf in conditions(plan.tree):
        metric = comparison.find(leaf.metric, leaf.word)
        test = metric.hypothesis(leaf.word) if metric else None
        if leaf.word == "deterioration":
            found[leaf] = test is None or not test.rejected
        elif test is not None and test.shown:
            found[leaf] = True
        else:
            found[leaf] = False if reading.final else None
    return found


def _closeness(comparison: Comparison) -> Callable[[Condition], float]:
    """How near each condition's test is to rejecting: its p; beyond all p where there is none."""

    def of(leaf: Condition) -> float:
        metric = comparison.find(leaf.metric, leaf.word)
        test = metric.hypothesis(leaf.word) if metric else None
        return 2.0 if test is None or test.p is None else test.p

    return of


def of_looks(reading: Reading) -> str:
    """How many looks are planned, in words that follow the number of one; empty where that is open."""
    return f" of {reading.progress.looks}" if reading.progress.looks else ""


def _open(plan: Experiment, comparison: Comparison, leaf: Condition, reading: Reading) -> Verdict:
    """The verdict while the plan goes on and nothing has decided."""
    progress, harmed = reading.progress, [metric for metric in comparison.metrics if metric.worse]
    seen = f" So far {clause(harmed[0])}." if harmed else ""
    if progress.condition in _WAITS:
        return _WAITS[progress.condition](plan, reading, seen)
    metric = comparison.find(leaf.metric, leaf.word)
    told = (
        f"{metric.label} is not {_SHOWN[leaf.word]} yet, {_figures(metric)}"
        if metric
        else "nothing is shown yet"
    )
    if progress.look:
        at = f"look {progress.look}{of_looks(reading)}, with {percent(progress.information)} of the users"
        nxt = f"The next look is {progress.following}." if progress.following else "The end."
        return _keep(f"Keep running: at {at}, {told}.{seen}", leaf.text, nxt)
    return _keep(
        f"Keep running: {told}.{seen}",
        leaf.text,
        "More users: this plan may be read at any time, and ships as soon as everything it asks for is shown.",
    )


_SHOWN = {"superiority": "shown to be better", "non-inferiority": "shown to stay within its margin"}


def _keep(sentence: str, condition: str, would_change: str) -> Verdict:
    return Verdict(state="keep running", sentence=sentence, condition=condition, would_change=would_change)


def _until_end(plan: Experiment, reading: Reading, seen: str) -> Verdict:
    until = f" until {day(plan.end)}, the end that was planned" if plan.end else ""
    calm = "" if seen else " No metric is significantly worse so far."
    return _keep(
        f"Keep running{until}: effects on the success metrics are withheld till then.{calm}{seen}",
        "end",
        "The planned end; reading the test before it, and again, finds differences that are not there. Harm is"
        " watched every day, and shows as soon as it is significant.",
    )


def _until_units(plan: Experiment, reading: Reading, seen: str) -> Verdict:
    progress = reading.progress
    if not plan.units_per_arm:
        missing = (progress.maximum or 0) - progress.users
        return _keep(
            f"Keep running: there are {count(progress.users)} of the {count(progress.maximum or 0)} users that were"
            f" planned.{seen}",
            "units",
            f"{count(missing)} more users.",
        )
    arm, users = _smallest(reading)
    return _keep(
        f"Keep running: {arm} has {count(users)} of the {count(plan.units_per_arm)} users"
        f" that the plan asks of each arm.{seen}",
        "units",
        f"{count(plan.units_per_arm - users)} more users in {arm}.",
    )


def _until_power(plan: Experiment, reading: Reading, seen: str) -> Verdict:
    arm, users = _smallest(reading)
    needed = reading.progress.needed
    asks = f"{count(needed)} users in each arm, and {arm} has {count(users)}" if needed else "more values"
    return _keep(
        f"Keep running: the variance of both arms together asks for {asks}; effects on the success metrics are"
        f" withheld till then.{seen}",
        "power",
        f"{count(needed - users)} more users in {arm}." if needed else "Events of the metrics.",
    )


def _until_look(plan: Experiment, reading: Reading, seen: str) -> Verdict:
    progress = reading.progress
    last = next((look for look in reversed(reading.taken) if look.index != BETWEEN), None)
    before = f" Look {last.index}{of_looks(reading)} was on {day(last.as_of)}." if last else ""
    return _keep(
        f"Keep running: the next look is {progress.following or 'the end'}. Effects on the success metrics are"
        f" withheld between looks.{before}{seen}",
        "look",
        f"The next look, {progress.following}." if progress.following else "The end.",
    )


def _until_declared(plan: Experiment, reading: Reading, seen: str) -> Verdict:
    calm = "" if seen else " No metric is significantly worse so far."
    return _keep(
        f"Keep running: the plan does not say when it is read, so effects on the success metrics are withheld.{calm}{seen}",
        "plan",
        "A declared stopping plan: write end, unitsPerArm or stopping into the descriptor, with the number of users that"
        " `counterpoint experiments plan NAME` says, before anybody looks. `counterpoint experiments explore NAME` shows figures"
        " that are no evidence, and notes that in the activity log.",
    )


def _explored(comparison: Comparison) -> Verdict:
    """An exploratory look: its figures, and that they decide nothing."""
    tested = [
        metric for metric in comparison.metrics if metric.difference is not None and metric.p is not None
    ]
    seen = f" What it saw: {'; '.join(map(clause, tested))}." if tested else ""
    return _keep(
        "Keep running: this was an exploratory look at a plan that does not say when it is read, so it is no evidence and"
        f" ships nothing.{seen}",
        "plan",
        "A declared stopping plan, and users who come after it: write end, unitsPerArm or stopping into the descriptor,"
        " with a start after this look.",
    )


_WAITS: dict[str, Callable[[Experiment, Reading, str], Verdict]] = {
    "end": _until_end,
    "units": _until_units,
    "power": _until_power,
    "look": _until_look,
    "plan": _until_declared,
}


def _smallest(reading: Reading) -> tuple[str, int]:
    return min(reading.sizes.items(), key=lambda item: item[1])


def _worse(
    plan: Experiment, comparison: Comparison, leaf: Condition, group: Group | None, reading: Reading
) -> Verdict:
    """Nothing may be significantly worse, not even a guardrail that keeps within its margin."""
    worst = _metric(comparison, leaf)
    names = {each.metric for each in conditions(plan.tree) if each.word == "deterioration"}
    harmed = {metric.name for metric in comparison.metrics if metric.worse and metric.name in names}
    more = len(harmed) - 1
    also = f" ({more} more {'metric is' if more == 1 else 'metrics are'} worse as well)" if more > 0 else ""
    early = "" if reading.final else " Harm was found before the end, by the test that watches it every day."
    return Verdict(
        state="do not ship",
        sentence=f"Do not ship {comparison.treatment}: {worst.label} got significantly worse, {_figures(worst)}{also}.{early}",
        condition=leaf.text,
        would_change=f"A changed {comparison.treatment} that does no harm to {worst.label}, in a new experiment.",
        treatment=comparison.treatment,
    )


def _metric(comparison: Comparison, leaf: Condition) -> MetricResult:
    """The metric that a condition of the tree names, which the plan has in that role."""
    return next(
        each for each in comparison.metrics if each.name == leaf.metric and each.hypothesis(leaf.word)
    )


def _no_success(
    plan: Experiment, comparison: Comparison, leaf: Condition, group: Group | None, reading: Reading
) -> Verdict:
    """A success metric that must be better is not, or none of those of which one must be."""
    nearest = _metric(comparison, leaf)
    many = len(group.parts) if group else 1
    start = f"Do not ship {comparison.treatment}:"
    if nearest.note and nearest.p is None:
        return Verdict(
            state="do not ship",
            sentence=f"{start} {nearest.label} could not be tested. {nearest.note}",
            condition=leaf.text,
            would_change=f"Events of type {nearest.event} of the users in these arms: `counterpoint import events FILE`.",
            treatment=comparison.treatment,
        )
    which = (
        f"in {nearest.label}"
        if many == 1
        else f"in any of {many} success metrics; nearest is {nearest.label}"
    )
    told = f"{nearest.label} got significantly worse" if nearest.worse else f"no clear change {which}"
    return Verdict(
        state="do not ship",
        sentence=f"{start} {told}, {_figures(nearest)}.",
        condition=leaf.text,
        would_change=_power(nearest, plan),
        treatment=comparison.treatment,
    )


def _guardrail_open(
    plan: Experiment, comparison: Comparison, leaf: Condition, group: Group | None, reading: Reading
) -> Verdict:
    """A guardrail must be significantly within its margin: not knowing is not enough."""
    first = _metric(comparison, leaf)
    better = [metric for metric in comparison.of_role("success") if metric.holds]
    although = f"although {clause(better[0])}, " if better else ""
    margin = _margin(first)
    test = first.hypothesis("non-inferiority")
    if test is None or test.p is None:
        shown = f"could not be tested against its margin. {first.note}"
    else:
        shown = f"is not shown to stay within its margin of {margin}, {_figures(first)}."
    return Verdict(
        state="do not ship",
        sentence=f"Do not ship {comparison.treatment}: {although}{first.label} {shown}",
        condition=leaf.text,
        would_change=f"More users would tell whether {first.label} loses less than {margin};"
        " a wider margin is a decision to take before the next run, not after this one.",
        treatment=comparison.treatment,
    )


_FAILED: dict[str, Callable[[Experiment, Comparison, Condition, Group | None, Reading], Verdict]] = {
    "deterioration": _worse,
    "superiority": _no_success,
    "non-inferiority": _guardrail_open,
}


def _margin(metric: MetricResult) -> str:
    if metric.margin_scale == "absolute":
        return value(metric, metric.margin)
    return percent(metric.margin)


def _ship(comparison: Comparison, leaf: Condition) -> Verdict:
    better = [metric for metric in comparison.of_role("success") if metric.holds]
    because = " and ".join(clause(metric) for metric in better)
    kept = _kept([metric for metric in comparison.of_role("guardrail") if metric.holds])
    return Verdict(
        state="ship",
        sentence=f"Ship {comparison.treatment}: {', and '.join(part for part in (because, kept) if part)}.",
        condition=leaf.text,
        would_change="A metric that turns significantly worse, or a sample ratio mismatch; watch both while it reaches more users.",
        treatment=comparison.treatment,
    )


def clause(metric: MetricResult) -> str:
    """A metric with its figures as a clause: "retention rose by 4.3 % (…)"."""
    if metric.difference is None:
        return f"{metric.label} is withheld"
    moved = metric.worse or any(test.shown for test in metric.hypotheses)
    if not moved and abs(metric.difference) <= 1e-12 * abs(metric.control_mean):  # no more than rounding
        return f"{metric.label} did not move ({_inside(metric)})"
    verb = "rose" if metric.difference > 0 else "fell"
    size = change(metric).lstrip("+−")
    return f"{metric.label} {verb} by {size} ({_inside(metric)})"


def _figures(metric: MetricResult) -> str:
    if metric.withheld:
        return "with figures withheld"
    return f"{change(metric)} ({_inside(metric)})"


def _inside(metric: MetricResult) -> str:
    interval = f", interval {span(metric)}" if span(metric) else ""
    missed = "" if metric.p is None or metric.p <= metric.alpha else f", above {metric.alpha:.3g}"
    return f"{means(metric)}{interval}, p {p_value(metric.p)}{missed}"


def _power(metric: MetricResult, plan: Experiment) -> str:
    if metric.detectable is None:
        return "More users."
    size = percent(metric.detectable) if metric.relative is not None else value(metric, metric.detectable)
    return (
        f"With {count(min(metric.control_users, metric.treatment_users))} users per arm a change of {size} or more would have been"
        f" shown with {percent(1 - plan.beta, places=0)} power for the whole rule; a smaller one needs more users."
    )


def _kept(guardrails: Sequence[MetricResult]) -> str:
    """What is said of guardrails that all hold; nothing where there are none."""
    if not guardrails:
        return ""
    if len(guardrails) > 1:
        bounded = all(metric.margin is not None for metric in guardrails)
        return f"all {len(guardrails)} guardrails {'stayed within their margins' if bounded else 'held'}"
    (metric,) = guardrails
    interval = f", interval {span(metric)}" if span(metric) else ""
    if metric.margin is None:
        return f"{metric.label} shows no harm ({change(metric)}{interval})"
    return f"{metric.label} stayed within its margin of {_margin(metric)} ({change(metric)}{interval})"
