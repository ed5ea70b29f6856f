"""What becomes of each treatment where an experiment has several. Pure.

The rule is applied to each treatment by itself, at levels that all comparisons share. A treatment whose rule fails before
the end, since harm was shown, is stopped: that is recorded and stands, and the others go on at the levels that they
had. From then on the arm counts neither for when the others are read nor for whether the data are valid, so that its
users can be given to the other arms, in their planned proportion.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from counterpoint.experiments.going import stops_of
from counterpoint.experiments.looks import Reading
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.recommendation import clause, recommend
from counterpoint.experiments.result import Comparison, Taken, Verdict
from counterpoint.experiments.wording import count, day

__all__ = ["verdicts_of", "whole"]

ORDER = {"ship": 0, "keep running": 1, "do not ship": 2}
"""Which treatment speaks for the experiment: one that may ship, else one that is open."""


def verdicts_of(plan: Experiment, comparisons: Sequence[Comparison], reading: Reading) -> list[Verdict]:
    """What each treatment's own conditions say; what was recorded of one that was stopped stands."""
    stops = stops_of(reading.taken)
    return [
        _recorded(stop) if (stop := stops.get(each.treatment)) else recommend(plan, each, reading)
        for each in comparisons
    ]


def _recorded(stop: Taken) -> Verdict:
    return Verdict(
        state=stop.verdict,
        sentence=f"{stop.sentence} This was decided with {count(stop.users)} users, on {day(stop.as_of)}, and stands.",
        condition=stop.condition,
        would_change=stop.would_change,
        treatment=stop.treatment,
    )


def whole(plan: Experiment, comparisons: Sequence[Comparison], verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of all treatments: of one that may ship, else of one that is open; and what harm the others do.

    While one is open, the others that failed are named as stopped, with their reason first: it cannot wait.
    """
    first = min(verdicts, key=lambda verdict: ORDER[verdict.state])
    if len(verdicts) == 1:
        return first
    failed = [each for each in verdicts if each is not first and each.state == "do not ship"]
    if first.state == "keep running" and failed:
        return _going_on(plan, first, failed, comparisons, verdicts)
    harmful = [each for each in failed if each.condition.startswith("deterioration")]
    others = [
        f" In {each.treatment}, {clause(harm)}."
        for each, verdict in zip(comparisons, verdicts, strict=True)
        if verdict is not first and verdict not in harmful
        for harm in [metric for metric in each.metrics if metric.worse][:1]
    ]
    if first.state == "do not ship":
        rest = [each.treatment or "" for each in failed if each not in harmful]
        others.insert(0, f" Nor is there reason to ship {_listed(rest)}." if rest else "")
    said = "".join(f" {each.sentence}" for each in harmful) + "".join(others)
    return replace(first, sentence=f"{first.sentence}{said}")


def _going_on(
    plan: Experiment,
    first: Verdict,
    failed: Sequence[Verdict],
    comparisons: Sequence[Comparison],
    verdicts: Sequence[Verdict],
) -> Verdict:
    names = [each.treatment or "" for each in failed]
    left = [
        each.treatment
        for each, verdict in zip(comparisons, verdicts, strict=True)
        if verdict.state == "keep running"
    ]
    reasons = " ".join(each.sentence for each in failed)
    return replace(
        first,
        sentence=f"{reasons} {_listed(left)} {'goes' if len(left) == 1 else 'go'} on. {first.sentence}",
        would_change=f"{first.would_change} Stop {_listed(names)} now{_then(plan, names)}",
        stopped=tuple(names),
    )


def _then(plan: Experiment, names: Sequence[str]) -> str:
    """What has to be done so that the others can be read to their end."""
    if plan.mended:
        # What is left has the levels that it had: they are shared among as many treatments as there are.
        k, left = len(plan.treatments), len(plan.treatments) - len(names)
        alphas = f"alpha to {plan.alpha * left / k:.6g}"
        if plan.alpha_minus is not None:
            alphas += f" and alphaMinus to {plan.alpha_minus * left / k:.6g}"
        one = len(names) == 1
        return (
            f". The table is read anew each time, so {'an arm that gets' if one else 'arms that get'} fewer users would make"
            f" the experiment invalid: take {'it' if one else 'them'} out of treatments, and set {alphas}, so that the others"
            " keep the levels that they had."
        )
    return (
        f": share {'its' if len(names) == 1 else 'their'} users out among the other arms in the planned proportion, which"
        " alone are read and compared from here on."
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
