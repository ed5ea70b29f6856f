"""What a rollout needs of its flag before it runs: a plan with one treatment and a measured control, alive."""

from msgspec.structs import replace

from counterpoint.errors import ConflictError, NotFoundError
from counterpoint.flags.composing import read_plans
from counterpoint.flags.composition import CompositionError, FlagPlan
from counterpoint.flags.composition.changes import plan_of
from counterpoint.flags.composition.plan import salt_of
from counterpoint.rollouts.model import Rollout
from counterpoint.workspace import Workspace

__all__ = ["ready", "require_driven"]


def ready(workspace: Workspace, plan: Rollout) -> Rollout:
    """The plan with the arms and the draw of its flag, which a run keeps from its start on.

    Raises:
        ConflictError: the flag has no plan, or one that cannot be moved; the message says how to mend it.
    """
    return _with_arms(plan, require_driven(workspace, plan))


def require_driven(workspace: Workspace, plan: Rollout) -> FlagPlan:
    """The plan of the rollout's flag, which can be moved.

    Raises:
        ConflictError: it cannot, or there is none; the message says how to mend it.
    """
    key = plan.flag
    try:
        with workspace.graph.read() as reader:
            found = plan_of(read_plans(reader, plan.flag_set)[0], key)
    except (NotFoundError, CompositionError) as error:
        # The rollout is there, and what it moves is not: neither is the address wrong, nor the command.
        raise ConflictError(
            f"{plan.ref} cannot move the flag {key!r} of the flag set {plan.flag_set!r} yet. {error.message}"
        ) from error
    if found.killed is not None:
        raise ConflictError(
            f"The flag {key!r} is killed, so nobody would get its treatment. Revive it first: counterpoint flags revive {key}"
        )
    return found


def _with_arms(rollout: Rollout, plan: FlagPlan) -> Rollout:
    key = rollout.flag
    if len(plan.treatments) != 1:
        raise ConflictError(
            f"The plan of the flag {key!r} has {len(plan.treatments)} treatments, and a rollout moves one."
            " Give it one `treatment`."
        )
    if plan.control is None and any(each.monitored for each in rollout.steps):
        raise ConflictError(
            f"The plan of the flag {key!r} has no measured control, so guardrails have nothing to compare with."
            " Give it a `control`, a variant of its own with the value of the default."
        )
    return replace(
        rollout,
        treatment=next(iter(plan.treatments)),
        control=plan.control or "",
        salt=salt_of(key, plan),
        bucketing=plan.bucketing or "",
    )
