"""Which version answers a listener: what the recommender's flag says of them, as of anybody in any rollout."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from counterpoint.discover.plan import Plan
from counterpoint.errors import CounterpointError
from counterpoint.flags.exposure import exposures_of
from counterpoint.flags.exposure_event import Exposure
from counterpoint.flags.ready_sets import flag_sets
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = ["Choice", "choice_of", "expose", "number_of"]


class Choice(msgspec.Struct, frozen=True, rename="camel"):
    """The version that a listener is answered by."""

    number: int
    variant: str | None = None
    """The flag's; none where no flag chose."""
    reason: str = "DEFAULT"
    """The flag's, as in `flags.flag.Evaluation`."""
    note: Said | None = None
    """Why the flag did not choose, where it should have."""


def choice_of(
    workspace: Workspace, plan: Plan, ready: Sequence[int], listener: str, *, exposed: bool = True
) -> Choice:
    """The version among those that are ready, the newest first; `ready` is not empty.

    What the flag answered goes to the journal as an exposure, unless nothing is shown yet (`exposed`). A flag that is missing, broken or names no version that
    is ready leaves the listener with the newest: whatever becomes of a flag, people hear music.
    """
    newest = ready[0]
    if plan.flag is None:
        return Choice(newest)
    try:
        sets = flag_sets(workspace)
        stored = sets.cached(plan.flag_set) or sets.get(plan.flag_set)
    except CounterpointError as error:
        return Choice(newest, note=f"The flag set '{plan.flag_set}' cannot be used: {error.message}")
    if stored is None or plan.flag not in stored.flags:
        return Choice(newest, note=f"The flag set '{plan.flag_set}' has no flag '{plan.flag}'.")
    answer = stored.flags.evaluate(plan.flag, {"targetingKey": listener})
    choice = Choice(newest, answer.variant, reason=answer.reason)
    if exposed:
        expose(workspace, plan, choice, listener)
    number = number_of(answer.value)
    if number is None or number not in ready:
        said = answer.error_message or f"it answered {answer.value!r}, and no such version is ready"
        return replace(choice, note=f"The flag '{plan.flag}' chose no version: {said}.")
    return replace(choice, number=number)


def expose(workspace: Workspace, plan: Plan, choice: Choice, listener: str) -> None:
    """Note that a listener is shown what the flag chose for them."""
    if plan.flag is not None and choice.variant is not None:
        exposures_of(workspace).note(
            Exposure(plan.flag_set, plan.flag, choice.variant, listener, choice.reason, time.time())
        )


def number_of(value: Any) -> int | None:
    """The number of a version that a variant's value is: a whole number, or one written as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= 15 else None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**15:
        return int(value) if value == int(value) else None
    return None
