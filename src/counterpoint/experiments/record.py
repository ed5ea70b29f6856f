"""The decision record of an experiment: one page of Markdown that stays when the experiment is forgotten. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from counterpoint.experiments.by_level import each_once, effects_of
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.result import MetricResult, Result
from counterpoint.experiments.segment import Segment
from counterpoint.experiments.wording import (
    change,
    count,
    day,
    difference,
    means_apart,
    p_value,
    percent,
    span,
    stopped,
    written,
)

__all__ = ["About", "Taken", "record_of"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision about the bet, or a reading, that somebody took."""

    what: str
    who: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What is known around an experiment."""

    title: str
    reference: str = ""
    asked: str = ""
    """What was asked: the description of the experiment."""
    owner: str = ""
    bet: str = ""
    hypothesis: str = ""
    decisions: Sequence[Taken] = ()
    """Newest first."""
    readings: Sequence[Taken] = ()
    """Newest first."""


def record_of(about: About, plan: Experiment, result: Result) -> str:
    """The record as Markdown."""
    parts = (
        _head(about, result),
        _asked(about, plan),
        _plan(plan, result),
        _verdict(result),
        _figures(result),
        _quality(result),
        *(_segment(result, each) for each in result.segments),
        _decision(about),
        _sources(result),
    )
    return "\n".join(line for part in parts for line in (*part, ""))


def _head(about: About, result: Result) -> Iterator[str]:
    yield f"# Decision record: {_line(about.title)}"
    yield ""
    facts = [about.reference, f"owner {about.owner}" if about.owner else ""]
    facts.append(f"read {day(result.as_of)} {result.as_of:%H:%M} UTC")
    yield _line(" · ".join(fact for fact in facts if fact))


def _asked(about: About, plan: Experiment) -> Iterator[str]:
    yield "## What was asked"
    yield ""
    yield about.asked.strip() or f"Does {' or '.join(plan.treatments)} do better than {plan.control}?"
    if about.bet:
        yield ""
        yield f"It tests the bet {_line(about.bet)}{': ' + _line(about.hypothesis) if about.hypothesis else '.'}"


def _plan(plan: Experiment, result: Result) -> Iterator[str]:
    yield "## Plan"
    yield ""
    where = f"table {result.source}" if result.source else f"flag {plan.flag}"
    yield f"- Compared: {', '.join(plan.treatments)} with {plan.control}, from the {where}."
    shares = " to ".join(f"{share * 100:g}" for share in plan.planned)
    yield f"- Planned shares: {shares} ({', '.join(plan.arms)})."
    if plan.start or plan.end:
        begin, end = day(plan.start) if plan.start else "open", day(plan.end) if plan.end else "open"
        yield f"- Dates: {begin} to {end}."
    for metric in plan.success:
        yield f"- Success: {_name(metric)} should {metric.direction}."
    for guardrail in plan.guardrails:
        bound = (
            f"may get worse by {percent(guardrail.margin)} at most"
            if guardrail.margin is not None
            else "must not get worse"
        )
        yield f"- Guardrail: {_name(guardrail.metric)} {bound}."
    yield (
        f"- Level {plan.alpha:g}, one-sided; the sample ratio is a mismatch below p {plan.srm_threshold:g}."
    )
    gates = ", ".join(f"{each.test.replace('-', ' ')} ({each.level:.3g})" for each in plan.gates)
    yield f"- Further tests that make it invalid, with their levels: {gates or 'none'}."


def _verdict(result: Result) -> Iterator[str]:
    verdict = result.verdict
    yield f"## Verdict: {verdict.state}"
    yield ""
    yield verdict.sentence
    yield ""
    yield f"- The condition that decides: {verdict.condition}."
    yield f"- What would change it: {verdict.would_change}"
    if len(result.comparisons) > 1:
        yield from (
            f"- {each.treatment}: {each.verdict.state}. {each.verdict.sentence}"
            for each in result.comparisons
            if each.verdict is not None
        )


def _figures(result: Result) -> Iterator[str]:
    yield "## Figures"
    yield ""
    if result.verdict.state == "invalid":
        yield "The experiment is invalid, so these figures are no evidence; they are here for finding the cause."
        yield ""
    many = len(result.comparisons) > 1
    yield "| Metric | Role | Control | Treatment | Difference | Change | Interval | p | Level | Result |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |"
    for metric in result.metrics:
        yield _row(metric, many=many)
    notes = [f"{metric.label}: {metric.note}" for metric in result.metrics if metric.note]
    notes += [
        f"{metric.label}, without the bias of stopping: {stopped(metric)}."
        for metric in result.metrics
        if metric.stopped
    ]
    if notes:
        yield ""
        yield from (f"- {_line(note)}" for note in notes)
    yield ""
    yield "p is one-sided, of the test that decides; each end of an interval is the bound of the test on its side."


def _row(metric: MetricResult, *, many: bool) -> str:
    control, treatment = means_apart(metric)
    name = f"{metric.label}, {metric.treatment}" if many else metric.label
    role = metric.role if metric.margin is None else f"{metric.role}, margin {percent(metric.margin)}"
    cells = (
        name,
        role,
        control,
        treatment,
        difference(metric),
        change(metric) if metric.relative is not None else "–",
        span(metric) or "–",
        p_value(metric.p) if metric.p is not None else "–",
        f"{metric.alpha:.3g}",
        metric.outcome,
    )
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _quality(result: Result) -> Iterator[str]:
    check = result.quality.sample_ratio
    yield "## Quality of the data"
    yield ""
    for arm in result.arms:
        share = "none" if arm.share is None else percent(arm.share, places=2)
        yield f"- {arm.variant} ({arm.role}): {count(arm.users)} users, {share}; {percent(arm.planned_share, places=2)} were planned."
    if check.p is None:
        yield "- Sample ratio: not tested, too few users."
    else:
        said = "mismatch" if check.rejected else "as planned"
        yield f"- Sample ratio: {said}, p {p_value(check.p)}, threshold {check.threshold:g}."
    for each in result.quality.checks:
        if each.p is not None and each.level is not None and (each.gates or each.rejected):
            said = "rejected" if each.rejected else "nothing found"
            yield (
                f"- {each.test.replace('-', ' ').capitalize()}: {said}, p {p_value(each.p)}, level {each.level:.3g};"
                f" where it rejects, {'the experiment is invalid' if each.gates else 'it is a warning'}."
                + (f" {_line(each.note)}" if each.rejected and each.note else "")
            )
    if result.quality.mixed_users:
        yield f"- {count(result.quality.mixed_users)} users saw several variants and are left out."
    if result.first_exposure and result.last_exposure:
        yield f"- First and last exposure: {day(result.first_exposure)}, {day(result.last_exposure)}."
    yield from (f"- {_line(warning)}" for warning in result.quality.warnings)


def _segment(result: Result, segment: Segment) -> Iterator[str]:
    yield f"## By {_line(segment.name)}"
    yield ""
    yield f"Exploration, no part of the verdict. {segment.sentence}"
    yield from (f"{_line(warning)}" for warning in segment.warnings)
    if not segment.levels:
        return
    yield ""
    yield f"| {_cell(segment.name)} | Users | Metric | Change | Interval ({percent(1 - segment.level, places=0)}) | p | p corrected |"
    yield "| --- | ---: | --- | ---: | --- | ---: | ---: |"
    many = len(result.comparisons) > 1
    for metric in each_once(result):
        for level, effect in effects_of(metric, segment):
            amount, ends = written(metric, effect)
            name = f"{metric.label}, {metric.treatment}" if many else metric.label
            cells = (
                level.name or "(none)",
                count(sum(level.users.values())),
                name,
                amount,
                ends or "–",
                p_value(effect.p),
                p_value(effect.p_adjusted),
            )
            yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _decision(about: About) -> Iterator[str]:
    yield "## Decision"
    yield ""
    if not about.decisions:
        yield "None is recorded yet. A verdict is advice; the squad decides, and its decision about the bet appears here."
    for each in about.decisions:
        reason = f" {_line(each.reason)}" if each.reason else ""
        yield f"- **{_line(each.what)}**, {day(each.at)}, by {_line(each.who)}.{reason}"
    if about.readings:
        yield ""
        yield "Readings that were recorded:"
        yield ""
        yield from (
            f"- {day(each.at)} {each.at:%H:%M} UTC, {_line(each.what)}, by {_line(each.who)}"
            for each in about.readings
        )


def _sources(result: Result) -> Iterator[str]:
    yield "## The query that ran"
    yield ""
    yield f"On {result.engine or 'an engine'}; only counts and moments of each arm left it."
    if result.sql:
        fence = "```"
        while fence in result.sql:
            fence += "`"
        yield ""
        yield f"{fence}sql"
        yield result.sql
        yield fence


def _name(metric: Metric) -> str:
    if metric.numerator and metric.denominator:
        return _line(f"{metric.label} (ratio of {metric.numerator.label} to {metric.denominator.label})")
    return _line(f"{metric.label} ({metric.aggregation} of {' then '.join(metric.steps) or metric.event})")


def _line(text: str) -> str:
    """A text on one line, in which no HTML begins."""
    return " ".join(text.split()).replace("<", "&lt;")
