"""Thousands of simulated rollouts at once: who comes, what is seen of them, and how each ends. Pure, by a generator.

A crowd is checked by the boundaries, contrasts and rules of `judging` and `deciding`, as arrays; a test drives the
rules themselves over the same figures.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np

from counterpoint.rollouts.judging import CONCENTRATION, distance, weight_of_margin
from counterpoint.rollouts.looks import comes_once, spacing
from counterpoint.rollouts.model import Guardrail, Rollout, Step
from counterpoint.rollouts.vectors import anytime_boundaries, least_boundary, looks_of, mismatches
from counterpoint.said import Said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = [
    "COMPLETED",
    "ENDS",
    "MINUTES",
    "PAUSED",
    "ROLLED_BACK",
    "UNDER_WAY",
    "Baseline",
    "Crowd",
    "Paths",
    "Policy",
    "simulate_once",
]

MINUTES: Final = 1_440
LONGEST: Final = 120 * MINUTES
"""Minutes after which what is still under way is counted so."""
GROWTH: Final = 0.002
"""Share by which an arm's users grow at least from one simulated check to the next: checks between are left out, for
nearly the same users say nearly the same."""
LOOKED: Final = 5
"""How many times as large that may be where guardrails are looked at only once a fifth more is known (`looks.spacing`)."""
IDLE: Final = 0.5
"""Users of an arm who come on the mean at least from one simulated check to the next."""
FEW: Final = 0.01
"""Share of the crowd whose steps and limits may end a little late, so that each end is no check of its own."""
END = Literal["completed", "rolled back", "paused", "under way"]


class Baseline(msgspec.Struct, frozen=True, rename="camel"):
    """What a metric is per user without the change."""

    mean: float
    sd: float | None = None
    """None for a share of users, whose spread follows from the mean."""


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """Who decides, and how often."""

    name: Said
    kind: Literal["plan", "threshold"]
    minutes: int
    """From one check to the next."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What became of each simulated rollout."""

    end: "NDArray[np.int8]"
    """Index into `ENDS`."""
    minutes: "Floats"
    """When it ended."""
    exposed: "Floats"
    """Users who had the treatment until then, in measured steps."""


ENDS: Final[tuple[END, ...]] = ("under way", "completed", "rolled back", "paused")
UNDER_WAY, COMPLETED, ROLLED_BACK, PAUSED = range(4)


def simulate_once(
    rollout: Rollout,
    baselines: Mapping[str, Baseline],
    users_per_day: float,
    policy: Policy,
    regression: float,
    *,
    runs: int,
    rng: np.random.Generator,
) -> Paths:
    """Many rollouts of one true effect under one policy."""
    worlds = [
        _World(each, baselines[each.metric.name], regression if index == 0 else 0.0)
        for index, each in enumerate(rollout.guardrails)
    ]
    paths = Paths(np.zeros(runs, np.int8), np.full(runs, float(LONGEST)), np.zeros(runs))
    crowd = Crowd(rollout, worlds, runs)
    now = 0.0
    judge = _judged_by_plan if policy.kind == "plan" else _judged_by_threshold
    each_check = policy.kind != "plan" or any(comes_once(each.metric) for each in rollout.guardrails)
    growth = GROWTH if each_check else LOOKED * GROWTH
    while crowd.size and now < LONGEST:
        passed = policy.minutes * crowd.checks_at_once(
            rollout,
            users_per_day * policy.minutes / MINUTES,
            now=now,
            minutes=policy.minutes,
            growth=growth,
        )
        now += passed
        # Known before anybody moves: whoever comes to a step now has had this check's users already.
        for index, here in [(index, crowd.in_step(index)) for index in crowd.steps_present()]:
            crowd.let_come(here, rollout.steps[index], users_per_day * passed / MINUTES, rng)
            over, ended = judge(crowd, here, rollout, rollout.steps[index], now)
            crowd.go_on(here, over, ended, rollout, now)
        crowd.hand_over(paths, now)
    crowd.hand_over(paths, now, everybody=True)
    return paths


@dataclass(frozen=True, slots=True)
class _World:
    """One guardrail's metric, in both arms."""

    guardrail: Guardrail
    baseline: Baseline
    regression: float

    @property
    def treated_mean(self) -> float:
        return self.baseline.mean * (1 - self.guardrail.metric.gain * self.regression)

    def sums(self, users: Any, mean: float, rng: np.random.Generator) -> Any:
        """Sums over so many users of an arm."""
        if self.baseline.sd is None:
            return rng.binomial(users, min(mean, 1.0)).astype(np.float64)
        return users * mean + np.sqrt(users) * self.baseline.sd * rng.standard_normal(users.shape)

    def variances(self, means: Any) -> Any:
        """Variance of one user's value in arms of these means."""
        return means * (1 - means) if self.baseline.sd is None else self.baseline.sd**2


class Crowd:
    """The rollouts that are under way, as arrays; what has ended is taken out."""

    def __init__(self, rollout: Rollout, worlds: Sequence[_World], runs: int) -> None:
        self.worlds = worlds
        shares = [index for index, world in enumerate(worlds) if world.baseline.sd is None]
        self.thinned = shares[0] if shares else None
        """The first guardrail that is a share: users with and without the event come independently."""
        self.numbers = np.arange(runs)
        self.step = np.zeros(runs, np.int16)
        self.since = np.zeros(runs)
        self.users = np.zeros((2, runs))
        """Of control and treatment."""
        self.sums = np.zeros((len(worlds), 2, runs))
        self.trouble = np.full(runs, np.inf)
        """Since when figures cannot be judged."""
        self.unclear = np.full(runs, np.inf)
        """Since when the step is inconclusive though its time is over."""
        self.looks = np.zeros((len(worlds), runs))
        """Of each guardrail of which not every check is a look: the newest one's number, or its size where it is
        anytime-valid."""
        self.said = np.zeros((len(worlds), runs), np.int8)
        """What that look said: -1 fail, 1 pass."""
        self.first = np.zeros((2, len(worlds), runs))
        """Users and precision (`looks.size_of`) at its first look; 0 before it."""
        self.end = np.zeros(runs, np.int8)

    @property
    def size(self) -> int:
        return len(self.numbers)

    def steps_present(self) -> Iterator[int]:
        """Steps in which somebody is, as of now."""
        first = int(self.step[0])
        yield from [first] if (self.step == first).all() else [int(each) for each in np.unique(self.step)]

    def checks_at_once(
        self, rollout: Rollout, users: float, *, now: float, minutes: int, growth: float
    ) -> int:
        """How many checks pass as one: until users have grown enough to be looked at, or a time is over.

        Where users come evenly, the checks of a step of any length are a few thousand at most. Until an arm has
        1 / `growth` checks' worth of users, every one that sees anybody new is simulated.
        """
        rates = users * np.array([each.percent / 100 if each.monitored else 0.0 for each in rollout.steps])
        rate = rates[self.step]
        watched = rate > 0
        checks = float(LONGEST)
        if watched.any():
            apart = np.maximum(growth * self.users[1, watched], IDLE) / rate[watched]
            checks = float(_low(apart, FEW * len(apart)))
        limits = rollout.limits
        over = self.since + np.array([each.hold_seconds / 60 for each in rollout.steps])[self.step]
        if ((over <= now) & ~watched).any():
            return 1  # a step without guardrails whose time is over ends at the next check
        ends = np.concatenate(
            (
                over,
                self.trouble + limits.trouble_seconds / 60,
                self.unclear + limits.patience_seconds / 60,
            )
        )
        if len(ends := ends[(ends > now) & np.isfinite(ends)]):
            checks = min(checks, math.ceil((_low(ends, FEW * self.size) - now) / minutes))
        return max(int(checks), 1)

    def in_step(self, index: int) -> Any:
        """Those in a step: a slice of all where everybody is, which costs nothing."""
        inside = self.step == index
        return slice(None) if inside.all() else np.flatnonzero(inside)

    def let_come(self, here: Any, step: Step, users: float, rng: np.random.Generator) -> None:
        """New users of both arms with their values; of a step that is not monitored nothing is measured."""
        if not step.monitored:
            return
        rate, count = users * step.percent / 100, len(self.numbers[here])
        for arm in (0, 1):
            means = [world.treated_mean if arm else world.baseline.mean for world in self.worlds]
            new = None
            if self.thinned is not None:  # exact, and half the time of a binomial draw
                with_event = rng.poisson(rate * means[self.thinned], count)
                new = with_event + rng.poisson(rate * (1 - means[self.thinned]), count)
                self.sums[self.thinned, arm, here] += with_event
            new = rng.poisson(rate, count) if new is None else new
            self.users[arm, here] += new
            for index, world in enumerate(self.worlds):
                if index != self.thinned:
                    self.sums[index, arm, here] += world.sums(new, means[index], rng)

    def contrast(self, index: int, here: Any) -> tuple["Floats", "Floats"]:
        """Distance from the margin and its standard error; not a number where an arm is empty."""
        world, users = self.worlds[index], self.users[:, here]
        with np.errstate(divide="ignore", invalid="ignore"):
            means = self.sums[index][:, here] / users
            variance = world.variances(means) / (users - 1)
            weight = weight_of_margin(world.guardrail)
            error = np.sqrt(variance[1] + weight * weight * variance[0])
        return distance(world.guardrail, means[0], means[1]), error

    def go_on(
        self, here: Any, over: "Bools", ended: "NDArray[np.int8]", rollout: Rollout, now: float
    ) -> None:
        """Move those whose step is over, and note those that have ended."""
        at = np.arange(self.size)[here]
        self.end[at] = ended
        going = at[over & (ended == UNDER_WAY)]
        if not len(going):
            return
        self.step[going] += 1
        self.since[going] = now
        self.trouble[going] = self.unclear[going] = np.inf
        steps = rollout.steps
        while len(going):  # steps without guardrails and without time follow at once
            done = going[self.step[going] >= len(steps)]
            self.end[done] = COMPLETED
            going = going[self.step[going] < len(steps)]
            idle = np.array(
                [not steps[each].monitored and steps[each].hold_seconds <= 0 for each in self.step[going]],
                bool,
            )
            going = going[idle]
            self.step[going] += 1

    def hand_over(self, paths: Paths, now: float, *, everybody: bool = False) -> None:
        """Write down what has ended, and go on without it."""
        gone = np.ones(self.size, bool) if everybody else self.end != UNDER_WAY
        if not gone.any():
            return
        numbers = self.numbers[gone]
        paths.end[numbers] = self.end[gone]
        paths.minutes[numbers] = now
        paths.exposed[numbers] = self.users[1, gone]
        left = ~gone
        for name in ("numbers", "step", "since", "trouble", "unclear", "end"):
            setattr(self, name, getattr(self, name)[left])
        self.users, self.looks, self.said = self.users[:, left], self.looks[:, left], self.said[:, left]
        self.sums, self.first = self.sums[:, :, left], self.first[:, :, left]


def _low(values: "Floats", count: float) -> float:
    """The value below which fewer than so many lie."""
    at = min(max(math.ceil(count) - 1, 0), len(values) - 1)
    return float(np.partition(values, at)[at])


def _judged_by_plan(
    crowd: Crowd, here: Any, rollout: Rollout, step: Step, now: float
) -> tuple["Bools", "NDArray[np.int8]"]:
    """Which steps are over, and which rollouts end, by the rules of `deciding` in their order."""
    over = now - crowd.since[here] >= step.hold_seconds / 60
    ended = np.zeros(len(over), np.int8)
    if not step.monitored:
        return over, ended
    users = crowd.users[:, here]
    least = np.minimum(users[0], users[1])
    is_known = least >= max(rollout.least, 2)
    failed, shown = np.zeros(len(over), bool), np.ones(len(over), bool)
    for index in range(len(crowd.worlds)):
        bad, good = _sides(crowd, index, here, rollout, is_known, asks_good=bool(over.any()))
        failed |= bad
        shown &= good
    ended[failed] = ROLLED_BACK
    unequal = mismatches(users[0], users[1], rollout.sample_ratio_alpha, CONCENTRATION)
    troubled = ~failed & (unequal | (over & ((least < step.minimum_sample) | ~is_known)))
    _wait(crowd.trouble, here, troubled, now)
    ended[troubled & (now - crowd.trouble[here] >= rollout.limits.trouble_seconds / 60)] = ROLLED_BACK
    ready = over & ~failed & ~troubled
    if step.inconclusive == "proceed":
        return ready, ended
    unclear = ready & ~shown
    _wait(crowd.unclear, here, unclear, now)
    ended[unclear & (now - crowd.unclear[here] >= rollout.limits.patience_seconds / 60)] = PAUSED
    return ready & shown, ended


def _wait(since: "Floats", here: Any, waits: "Bools", now: float) -> None:
    """Since when each waits; for ever where it does not."""
    since[here] = np.where(waits, np.minimum(since[here], now), np.inf)


def _sides(
    crowd: Crowd, index: int, here: Any, rollout: Rollout, is_known: "Bools", *, asks_good: bool
) -> tuple["Bools", "Bools"]:
    """Which rollouts a guardrail fails in, and which it passes in (asked only where a step may end)."""
    guardrail = crowd.worlds[index].guardrail
    away, error = crowd.contrast(index, here)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(is_known & (error > 0), away / error, 0.0)
    users = crowd.users[0, here] + crowd.users[1, here]

    def boundary(at: "Bools") -> "Floats":
        return anytime_boundaries(sizes[at], rollout.level, rollout.tuned_at)

    is_sequential = guardrail.test == "group-sequential"
    if is_sequential or not comes_once(guardrail.metric):
        is_known = is_known & (error > 0)
        sizes = _sizes(crowd, index, here, users, error)
        newest = crowd.looks[index, here]
        if is_sequential:
            bounds = looks_of(guardrail, rollout.level)
            share = sizes / (guardrail.maximum or 1)
            due = np.minimum(np.floor(share * guardrail.looks + 1e-9), guardrail.looks)
            new = is_known & (due > newest)
            return _looked(
                crowd, index, here, new, due, statistic, lambda at: bounds[due[at].astype(int) - 1]
            )
        new = is_known & (sizes >= spacing(rollout.level) * newest)
        return _looked(crowd, index, here, new, sizes, statistic, boundary)
    sizes = users
    bad, good = np.zeros(len(users), bool), np.zeros(len(users), bool)
    # No boundary is below that of a single look, so most rollouts need none computed.
    near = statistic <= -least_boundary(rollout.level)
    bad[near] = statistic[near] <= -boundary(near)
    if asks_good:
        near = statistic >= least_boundary(rollout.level)
        good[near] = statistic[near] >= boundary(near)
    return bad, good


def _sizes(crowd: Crowd, index: int, here: Any, users: "Floats", error: "Floats") -> "Floats":
    """`looks.size_of` of each; where no look has been, the users and precision of now are kept as those of the first."""
    if comes_once(crowd.worlds[index].guardrail.metric):
        return users
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (crowd.sums[index][:, here] / crowd.users[:, here]).mean(axis=0)
        precision = np.where(mean > 0, (mean / error) ** 2, 0.0)
        is_first = crowd.looks[index, here] == 0
        for place, now in enumerate((users, precision)):
            crowd.first[place, index, here] = np.where(is_first, now, crowd.first[place, index, here])
        had, known = crowd.first[:, index, here]
        return np.where(is_first | ~(known > 0), users, np.fmax(users, had * precision / known))


def _looked(
    crowd: Crowd,
    index: int,
    here: Any,
    new: "Bools",
    mark: "Floats",
    statistic: "Floats",
    boundary: "Callable[[Bools], Floats]",
) -> tuple["Bools", "Bools"]:
    """What the newest looks say, where some are new; `mark` is what is kept of those."""
    if new.any():
        at = np.arange(crowd.size)[here][new]
        away, bound = statistic[new], boundary(new)
        crowd.looks[index, at] = mark[new]
        crowd.said[index, at] = (away >= bound).astype(np.int8) - (away <= -bound)
    said = crowd.said[index, here]
    return said < 0, said > 0


def _judged_by_threshold(
    crowd: Crowd, here: Any, rollout: Rollout, step: Step, now: float
) -> tuple["Bools", "NDArray[np.int8]"]:
    """Taken back where a mean is worse by more than the margin now; otherwise only time counts."""
    over = now - crowd.since[here] >= step.hold_seconds / 60
    ended = np.zeros(len(over), np.int8)
    if not step.monitored:
        return over, ended
    is_known = np.minimum(crowd.users[0, here], crowd.users[1, here]) >= max(rollout.least, 2)
    for index in range(len(crowd.worlds)):
        away, _ = crowd.contrast(index, here)
        with np.errstate(invalid="ignore"):
            ended[is_known & (away < 0)] = ROLLED_BACK
    return over, ended
