"""What one reading of an experiment may show: which look it is, what its tests may spend, what is withheld. Pure.

Tests of the metrics' roles follow the stopping plan. Harm does not: it is watched every day by a group
sequential test of its own, whose α₋ is spent by the same function whatever the main method, so that nobody
has to choose between stopping harm and spending the evidence.

Every boundary is used as a level: a boundary of z standard errors tests at 1 − Φ(z). So each test, its p and
its interval (the repeated confidence interval of the look) agree as they do without looks, and Student's t
counts where arms are small (Jennison, Turnbull (2000), Group Sequential Methods, section 3.8).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from counterpoint.experiments.going import going, share_going
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import BETWEEN, Progress, Taken
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import Totals
from counterpoint.experiments.wording import count, day
from counterpoint.stats import (
    Look,
    Spending,
    boundaries,
    confidence_sequence_margin,
    next_boundary,
    rho2_growthbook,
    rho2_tuned,
)
from counterpoint.stats.distributions import normal_tail

__all__ = [
    "UNDECLARED",
    "Reading",
    "always_level",
    "fingerprint",
    "harm_level_on",
    "key_of_level",
    "nominal_level",
    "reading_of",
]

MOST_DAYS = 60
"""Looks of the watch over harm; a longer experiment is watched that often, evenly."""
NEVER = 1e-300
"""Level of a test that may not reject at this look."""
SLACK = 1e-9
UNDECLARED = (
    "The plan does not say when it is read, so effects on success metrics are withheld: declare end, unitsPerArm or"
    " stopping in it."
)


@dataclass(frozen=True)
class Reading:
    """How one reading stands in the plan: pure values, and the level that each test has here."""

    plan: Experiment
    progress: Progress
    taken: tuple[Taken, ...] = ()
    past: tuple[float, ...] = ()
    """Information at the earlier looks, as recorded or else as planned."""
    days: tuple[float, ...] = ()
    """Information at each day's look for harm up to now, the last one being now; empty watches at any time."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Users of each arm that goes on."""
    share: float = 1.0
    """Planned share of the arms that go on, of all arms."""

    @property
    def everybody(self) -> int:
        """Users of all arms, as many as those of the arms that go on stand for: the clock of a confidence sequence."""
        return round(self.progress.users / self.share)

    @property
    def stopping(self) -> Stopping:
        """The plan's stopping rule."""
        return self.plan.reading

    @property
    def final(self) -> bool:
        """Whether the end was reached."""
        return self.progress.final

    @property
    def open(self) -> bool:
        """Whether the tests of the metrics' roles may be read."""
        return self.progress.open

    def level(self, alpha: float) -> float:
        """Level at this reading of a one-sided test of a role with `alpha` over all readings."""
        method = self.stopping.method
        if method == "confidence-sequence" or self.progress.exploratory:
            return always_level(self.stopping, self.everybody, alpha)
        return nominal_level(self.look(alpha).boundary) if method == "group-sequential" else alpha

    def look(self, alpha: float) -> Look:
        """This look of the group sequential test with `alpha`: what was recorded of it is never computed anew."""
        return self._recorded(self.progress.look, alpha) or self.looks(alpha)[-1]

    def looks(self, alpha: float) -> list[Look]:
        """The looks of the group sequential test with `alpha` up to this one."""
        past: list[Look] = []
        for index, information in enumerate(self.past, 1):
            known = self._recorded(index, alpha)
            past.append(known or self._next(past, information, alpha, last=False))
        this = self._recorded(self.progress.look, alpha)
        return [*past, this or self._next(past, self.progress.information or 1.0, alpha, last=self.final)]

    def harm_level(self, alpha: float) -> float:
        """Level at this reading of the test of harm with `alpha` over the whole run."""
        if not self.days:
            return always_level(self.stopping, self.everybody, alpha)
        return nominal_level(_watch(self.days, alpha))

    def shown_at(self, condition: str, treatment: str) -> int | None:
        """The earlier look at which a condition was shown; what was shown once stays shown."""
        name = f"{condition}: {treatment}"
        at = [look.index for look in self.taken if name in look.shown]
        return min(at, key=lambda index: (index == BETWEEN, index), default=None)

    def _next(self, past: Sequence[Look], information: float, alpha: float, *, last: bool) -> Look:
        spending = self.stopping.alpha_spending
        return next_boundary(past, information, alpha=alpha, sides=1, spending=spending, last=last)

    def _recorded(self, index: int | None, alpha: float) -> Look | None:
        look = next((each for each in self.taken if each.index == index), None)
        spent = look.spent.get(key_of_level(alpha)) if look else None
        if look is None or spent is None:
            return None
        return Look(look.information, spent[0], math.inf if spent[1] is None else spent[1])


def key_of_level(alpha: float) -> str:
    """A level as the log of looks names it."""
    return f"{alpha:.10g}"


def fingerprint(totals: Totals) -> str:
    """A short name of the data that were read: users and events of each group, and the last exposure.

    Sums of values are not in it, since an engine may add them in another order the next time.
    """
    parts = [str(totals.last_exposure), str(totals.outside)]
    for group in totals.groups:
        parts.append(f"{group.variant} {group.mixed} {group.users}")
        parts += [
            f"{name} {group.metrics[name].moments.n} {group.metrics[name].events}"
            for name in sorted(group.metrics)
        ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def reading_of(
    plan: Experiment,
    totals: Totals,
    as_of: datetime,
    *,
    taken: Sequence[Taken] = (),
    needed: int | None = None,
    explore: bool = False,
) -> Reading:
    """Where a reading stands.

    Args:
        plan: The plan.
        totals: What was read.
        as_of: The moment of reading.
        taken: The looks that were recorded, in their order. A look that was due and not recorded counts as
            taken at its planned time, so that reading less often never makes a boundary weaker than planned.
        needed: Users per arm that the pooled variance asks for ("fixed-power" alone).
        explore: Look at a plan that does not say when it is read; its intervals are those of a confidence sequence,
            since nobody knows how often it is looked at. No other plan is read sooner by it.
    """
    taken = tuple(taken)
    found = _reading(going(plan, taken), totals, as_of, taken, needed, explore=explore)
    return with_fields(found, plan=plan, share=share_going(plan, taken))


def _reading(
    plan: Experiment,
    totals: Totals,
    as_of: datetime,
    taken: tuple[Taken, ...],
    needed: int | None,
    *,
    explore: bool,
) -> Reading:
    """Where a reading stands, by the plan of the arms that go on."""
    stopping = plan.reading
    sizes = [arm.users if (arm := totals.arm(variant)) else 0 for variant in plan.arms]
    users = sum(sizes)
    ended = _ended(plan, totals.last_exposure, as_of)
    full = stopping.maximum is not None and users >= stopping.maximum
    days = _days(plan, totals, as_of, sizes, final=ended or full)
    if stopping.method == "group-sequential":
        found = _sequential(
            plan,
            totals,
            as_of,
            tuple(look for look in taken if look.index != BETWEEN),
            days,
            final=ended or full,
        )
        return with_fields(found, taken=taken)
    if stopping.method == "confidence-sequence":
        progress = Progress(
            method=stopping.method,
            declared=True,
            final=ended or full,
            open=True,
            users=users,
            maximum=stopping.maximum,
        )
    elif not plan.has_end:
        progress = _undeclared(users, explore=explore)
    else:
        progress = _once(plan, sizes, ended=ended, full=full, needed=needed)
        if any(look.data == fingerprint(totals) and look.index != BETWEEN for look in taken):
            progress = replace(progress, look=1, looks=1, information=1.0)
    return Reading(plan, progress, taken, days=days, sizes=dict(zip(plan.arms, sizes, strict=True)))


def _ended(plan: Experiment, last: datetime | None, as_of: datetime) -> bool:
    return plan.end is not None and (as_of >= plan.end or (last is not None and last >= plan.end))


def _undeclared(users: int, *, explore: bool) -> Progress:
    """A reading of a plan that does not say when it is read: nothing of its success metrics, or a look that is told as one."""
    return Progress(
        method="fixed",
        declared=False,
        final=False,
        open=explore,
        users=users,
        exploratory=explore,
        condition="" if explore else "plan",
        why="" if explore else UNDECLARED,
    )


def _once(plan: Experiment, sizes: Sequence[int], *, ended: bool, full: bool, needed: int | None) -> Progress:
    """A reading of a plan that is read once, at its end."""
    stopping, users, smallest = plan.reading, sum(sizes), min(sizes)
    waits, condition = "", ""
    if stopping.method == "fixed-power" and not (ended or full) and (needed is None or smallest < needed):
        condition = "power"
        waits = (
            f"the variance of both arms together asks for {count(needed)} users in each arm, and"
            f" {plan.arms[sizes.index(smallest)]} has {count(smallest)}"
            if needed is not None
            else "no metric has values enough to say how many users it needs"
        )
    elif stopping.method == "fixed" and plan.end and not ended and not full:
        condition, waits = "end", f"its end, {day(plan.end)}, has not come"
    elif plan.units_per_arm and smallest < plan.units_per_arm:
        condition = "units"
        waits = (
            f"{plan.arms[sizes.index(smallest)]} has {count(smallest)} of {count(plan.units_per_arm)} users"
        )
    elif stopping.method == "fixed" and stopping.maximum and not plan.end and not full:
        condition, waits = "units", f"it has {count(users)} of {count(stopping.maximum)} users"
    maximum = stopping.maximum or (plan.units_per_arm * len(sizes) if plan.units_per_arm else None)
    return Progress(
        method=stopping.method,
        declared=True,
        final=not waits,
        open=not waits,
        users=users,
        maximum=maximum,
        needed=needed,
        condition=condition,
        why=f"The plan reads it once, and {waits}." if waits else "",
    )


def _sequential(
    plan: Experiment,
    totals: Totals,
    as_of: datetime,
    taken: tuple[Taken, ...],
    days: tuple[float, ...],
    *,
    final: bool,
) -> Reading:
    stopping = plan.reading
    maximum = stopping.maximum or 1
    users = sum(arm.users for variant in plan.arms if (arm := totals.arm(variant)))
    counted = _counted(plan, totals, users)
    information = counted / maximum
    begun = plan.start or totals.first_exposure or as_of
    planned = stopping.looks or _planned_looks(plan, begun)
    latest = max((look.index for look in taken), default=0)
    if stopping.looks:
        due = min(math.floor(information * stopping.looks + SLACK), stopping.looks)
        due = min(due, stopping.looks - 1)  # the last one is the end
    else:
        due = math.floor((as_of - begun) / timedelta(days=stopping.every_days or 1.0) + SLACK)
    index, ended = due, final
    closed = next((look for look in taken if look.final), None)
    same = next((look for look in taken if look.data == fingerprint(totals)), None)
    repeated = closed if final and closed else same
    if repeated is not None:
        index = repeated.index
    elif final:
        index = max(due, latest) + 1 if stopping.looks or latest >= due else due
    open_ = counted > 0 and index > 0 and (repeated is not None or index > latest)
    earlier = _earlier(stopping, taken, index, information)
    at = repeated.information if repeated else information
    progress = Progress(
        method=stopping.method,
        declared=True,
        final=ended,
        open=open_,
        users=users,
        maximum=maximum,
        look=index if open_ else None,
        looks=max(planned, index) if planned else None,
        information=at,
        condition="" if open_ else "look",
        why="" if open_ else "The plan reads it at its looks, and this is between two of them.",
        following="" if ended else _following(stopping, max(index, latest), begun, users, maximum),
    )
    return Reading(plan, progress, taken, past=earlier, days=days)


def _counted(plan: Experiment, totals: Totals, users: int) -> int:
    """Users whose values count for every metric that decides: a window that is not over holds some back."""
    arms = [arm for variant in plan.arms if (arm := totals.arm(variant))]
    names = [metric.name for metric in plan.success] + [each.metric.name for each in plan.guardrails]
    counts = [
        sum(arm.metrics[name].moments.n for arm in arms)
        for name in names
        if all(name in arm.metrics for arm in arms)
    ]
    return min([users, *counts])


def _planned_looks(plan: Experiment, begun: datetime) -> int | None:
    every = plan.reading.every_days
    if plan.end is None or not every:
        return None
    return max(math.ceil((plan.end - begun) / timedelta(days=every) - SLACK), 1)


def _earlier(stopping: Stopping, taken: Sequence[Taken], index: int, information: float) -> tuple[float, ...]:
    """Information at the looks before this one; one that nobody took counts at its planned time."""
    known = {look.index: look.information for look in taken}
    found: list[float] = []
    for each in range(1, index):
        planned = each / stopping.looks if stopping.looks else information * each / index
        at = known.get(each, min(planned, information))
        found.append(max(at, found[-1] if found else 0.0))
    return tuple(found)


def _following(stopping: Stopping, index: int, begun: datetime, users: int, maximum: int) -> str:
    """When the next look is, in words that go on from "the next look is"."""
    if stopping.looks:
        at = math.ceil((index + 1) / stopping.looks * maximum)
        return f"at {count(at)} users ({count(users)} so far)"
    return f"on {day(begun + timedelta(days=(stopping.every_days or 1.0) * (index + 1)))}"


def _days(
    plan: Experiment, totals: Totals, as_of: datetime, sizes: Sequence[int], *, final: bool
) -> tuple[float, ...]:
    """Information at each look for harm so far, if the plan says when it ends."""
    begun = plan.start or totals.first_exposure
    if begun is None and final and plan.end:
        return (1.0,)  # a table without moments that is read after its end: there was no day to look before
    users, stopping = sum(sizes), plan.reading
    maximum = stopping.maximum or (plan.units_per_arm * len(sizes) if plan.units_per_arm else 0)
    if begun is None or not users or not (plan.end or maximum):
        return ()
    now = max(as_of if plan.end is None else min(as_of, plan.end), begun)
    passed = math.floor((now - begun) / timedelta(days=1)) + 1
    if plan.end:
        planned = max(math.ceil((plan.end - begun) / timedelta(days=1) - SLACK), 1)
        looks = min(planned, MOST_DAYS)
        done = looks if final else min(max(math.ceil(passed * looks / planned), 1), looks)
        whole = done / looks
    else:
        share = users / maximum if stopping.maximum else min(sizes) * len(sizes) / maximum
        done = min(passed, MOST_DAYS)
        whole = 1.0 if final else min(share, 1.0)
    return tuple(whole * each / done for each in range(1, done + 1))


@lru_cache(maxsize=4096)
def _watch(days: tuple[float, ...], alpha: float) -> float:
    return boundaries(days, alpha=alpha, sides=1, spending=Spending())[-1]


def harm_level_on(
    plan: Experiment, totals: Totals, at: datetime, alpha: float, *, share: float = 1.0
) -> float:
    """Level that the daily watch over harm had on a day, with the totals of then; that of `Reading.harm_level`, before the end.

    `plan` is that of the arms which went on then, and `share` theirs of all arms.
    """
    sizes = [arm.users if (arm := totals.arm(variant)) else 0 for variant in plan.arms]
    users = sum(sizes)
    maximum = plan.reading.maximum
    final = _ended(plan, None, at) or (maximum is not None and users >= maximum)
    days = _days(plan, totals, at, sizes, final=final)
    return (
        nominal_level(_watch(days, alpha))
        if days
        else always_level(plan.reading, round(users / share), alpha)
    )


def always_level(stopping: Stopping, users: int, alpha: float) -> float:
    """Level that a confidence sequence leaves to a one-sided test now: its margin, as a number of errors.

    The sequence bounds both sides at once, so a one-sided α takes one of 2α.
    """
    if users < 2:
        return NEVER
    both = min(2 * alpha, 0.999)
    tune = rho2_growthbook if stopping.tuning == "growthbook" else rho2_tuned
    return nominal_level(
        confidence_sequence_margin(1.0, users, alpha=both, rho2=tune(stopping.tuned_at, both))
    )


def nominal_level(boundary: float) -> float:
    """The level of a test at a boundary of so many standard errors."""
    return max(normal_tail(boundary), NEVER) if boundary < math.inf else NEVER
