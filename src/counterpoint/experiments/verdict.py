"""The verdict: what the decision's tree answers, as a recommendation in plain words. Pure.

In this order: are there users, are the data valid, has a recorded look decided, and then the tree for each
treatment (`recommendation`), of which one speaks for the experiment (`treatments`). The tree's default is rule 2 of Schultzberg,
Ankargren, Frånberg (2024), arXiv 2402.11609: ship if at least one success metric is significantly better, every
guardrail is significantly within its margin, nothing is significantly worse, and no test of quality rejects.
"""

from collections.abc import Sequence

from counterpoint.experiments.looks import Reading
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.recommendation import of_looks
from counterpoint.experiments.result import BETWEEN, Arm, Comparison, Quality, QualityCheck, Verdict
from counterpoint.experiments.treatments import verdicts_of, whole
from counterpoint.experiments.wording import count, day, p_value, percent

__all__ = ["decide", "decided"]

MEND = "Find and mend the cause, and start again; figures of this run are not evidence."
MISSING_THERE = (
    "Find why users are missing from an arm there (redirects, crashes, filters, late logging, bots), mend it and start"
    " again; figures of this run are not evidence. If the shares themselves were changed while it ran, start it anew from"
    " the day of the change."
)


def decide(
    plan: Experiment,
    *,
    arms: Sequence[Arm],
    quality: Quality,
    comparisons: Sequence[Comparison],
    reading: Reading,
) -> Verdict:
    """Recommend what to do, from the first condition that decides."""
    waiting = _no_users(plan, arms) or _invalid(quality, arms) or decided(reading)
    if waiting:
        return waiting
    return whole(plan, comparisons, verdicts_of(plan, comparisons, reading))


def _no_users(plan: Experiment, arms: Sequence[Arm]) -> Verdict | None:
    if any(arm.users for arm in arms):
        return None
    return Verdict(
        state="keep running",
        sentence=f"There is nothing to read yet: the journal holds no exposure of {plan.flag} to {_listed(plan.arms, 'or')}.",
        condition="exposures",
        would_change="Exposures fill this page: serve the flag to users through /ofrep/v1, or import them with"
        " `counterpoint import events FILE`; metric events come the same way.",
    )


def _invalid(quality: Quality, arms: Sequence[Arm]) -> Verdict | None:
    check, failed = quality.sample_ratio, [each for each in quality.checks if each.gates and each.rejected]
    if not check.rejected:
        return _spoilt(failed)
    arms = [arm for arm in arms if not arm.stopped]
    sizes = " and ".join(f"{count(arm.users)} in {arm.variant} ({percent(arm.share)})" for arm in arms)
    planned = " to ".join(f"{arm.planned_share * 100:g}" for arm in arms)
    return Verdict(
        state="invalid",
        sentence=f"The experiment is invalid: the arms hold {sizes}, where {planned} was planned"
        f" (p {p_value(check.p)}, below {check.threshold:g}), so a difference between them may come from who is missing.{_too(failed)}",
        condition="sample ratio",
        would_change="Find why users are missing from an arm (redirects, crashes, filters, late logging, bots), mend it and start again;"
        " figures of this run are not evidence.",
    )


def _spoilt(failed: Sequence[QualityCheck]) -> Verdict | None:
    """The verdict where further tests of quality that gate reject; the first of them decides."""
    if not failed:
        return None
    first = failed[0]
    level = (
        f"p {p_value(first.p)}, below {first.level:g}" if first.p is not None and first.level else "rejected"
    )
    found = f" {first.note.rstrip('.')}." if first.note else ""
    return Verdict(
        state="invalid",
        sentence=f"The experiment is invalid: {_named(first)} is not as it should be ({level}), so a difference"
        f" between the arms may come from the data and not from the change.{found}{_too(failed[1:])}",
        condition=f"quality: {first.test}",
        would_change=MISSING_THERE if "sample-ratio" in first.test else MEND,
    )


def _named(check: QualityCheck) -> str:
    return f"the {check.test.replace('-', ' ')}"


def _too(failed: Sequence[QualityCheck]) -> str:
    """The other gates that failed, so that nobody mends one of several causes only."""
    if not failed:
        return ""
    names = _listed([_named(each) for each in failed], "and")
    return f" {names[0].upper()}{names[1:]} {'is' if len(failed) == 1 else 'are'} not as it should be either."


def decided(reading: Reading) -> Verdict | None:
    """A look that was recorded and decided stands, whatever came after it."""
    taken = next(
        (look for look in reading.taken if look.verdict in {"ship", "do not ship"} and look.stops is None),
        None,
    )
    if taken is None or taken.index == reading.progress.look:
        return None  # the same look again tells its figures anew, which are the same
    when = (
        f"with {count(taken.users)} users"
        if taken.index == BETWEEN
        else "by the one reading that the plan asks for"
        if reading.plan.read_once
        else f"at look {taken.index}{of_looks(reading)}"
    )
    return Verdict(
        state=taken.verdict,
        sentence=f"{taken.sentence} This was decided {when}, on {day(taken.as_of)},"
        " and stands: what came after it is not read for the decision.",
        condition=taken.condition,
        would_change=taken.would_change,
        treatment=taken.treatment,
    )


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
