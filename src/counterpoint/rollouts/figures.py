"""The figures of a running step, through the experiments' own aggregation: nothing about a user leaves the engine."""

from datetime import datetime

from counterpoint.errors import InputError
from counterpoint.experiments.estimates import estimates_of
from counterpoint.experiments.journal_totals import totals_now
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.model import Guardrail as Compared
from counterpoint.experiments.totals import ArmTotals, Totals
from counterpoint.rollouts.judging import Observed
from counterpoint.rollouts.model import Rollout, State
from counterpoint.stats import Pair
from counterpoint.workspace import Workspace

__all__ = ["experiment_of", "observe", "observed_of"]


def experiment_of(rollout: Rollout, started: datetime | None) -> Experiment:
    """The comparison of treatment and measured control since the run began, on the guardrails' metrics."""
    return Experiment(
        name=rollout.name,
        flag=rollout.flag,
        flag_set=rollout.flag_set,
        control=rollout.control,
        treatments=(rollout.treatment,),
        kind="rollout",
        guardrails=tuple(Compared(each.metric, each.margin, each.scale) for each in rollout.guardrails),
        start=started,
    )


def observe(workspace: Workspace, rollout: Rollout, state: State, now: datetime) -> Observed:
    """What the journal says of the present run."""
    plan = experiment_of(rollout, state.started)
    try:
        totals = totals_now(workspace, plan, now)
    except InputError as error:  # such as values that are no numbers: nothing can be said, and that is told
        return Observed(unknown={each.metric.name: error.message for each in rollout.guardrails})
    return observed_of(plan, totals)


def observed_of(plan: Experiment, totals: Totals) -> Observed:
    """What totals say of the arms and of each guardrail."""
    control, treated = totals.arm(plan.control), totals.arm(plan.treatments[0])
    lasts = [arm.last for arm in (control, treated) if arm is not None and arm.last is not None]
    pairs: dict[str, Pair] = {}
    if control is not None and treated is not None:
        for each in plan.guardrails:
            name = each.metric.name
            pairs[name] = estimates_of(plan, each.metric, control.metrics[name], treated.metrics[name]).pair
    return Observed(
        control_users=_users(control),
        treatment_users=_users(treated),
        mixed_users=totals.mixed,
        last_exposure=max(lasts, default=None),
        pairs=pairs,
    )


def _users(arm: ArmTotals | None) -> int:
    return arm.users if arm else 0
