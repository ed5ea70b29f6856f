"""Every state and transition, by machines that try what comes: of the pure model, and of a whole workspace."""

import tempfile
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from counterpoint import Workspace
from counterpoint.errors import ConflictError
from counterpoint.flags.composing import kill, ramp, read_plans, revive
from counterpoint.flags.store import read_set
from counterpoint.graph.actor import SYSTEM, local_actor
from counterpoint.rollouts import store
from counterpoint.rollouts.acting import COMMANDS, act, commands_for
from counterpoint.rollouts.controller import Checked, check, commit, step
from counterpoint.rollouts.deciding import FlagFacts, decide, event_of
from counterpoint.rollouts.judging import Observed, judge
from counterpoint.rollouts.log import MovedOnError
from counterpoint.rollouts.looks import spacing
from counterpoint.rollouts.model import ACTIVE, TRANSITIONS, Event, Figures, State, apply, state_of

from .conftest import NOW, furnish, observed_of, plan_of

REF = "rollout:default/weekly"
PLAN = plan_of()
HOURS = st.integers(-200, 400).map(lambda quarters: timedelta(minutes=15 * quarters))
"""How the clock moves from one thing to the next; it may be set back."""
SEEN = st.tuples(
    st.sampled_from([0, 50, 150, 2_000, 40_000]),
    st.sampled_from([0.1, 0.12, 0.3]),
    st.sampled_from([1.0, 0.5]),
)
"""Users, crashes in the treatment, and how much of the treatment reached the journal."""
FLAGS = st.sampled_from(["driven", "driven", "driven", "killed", "edited", "missing"])


def journal(at: datetime, seen: tuple[int, float, float]) -> Observed:
    users, crashes, share = seen
    return observed_of(at, users=users, treatment=crashes, treated=round(users * share))


def assert_follows(events: list[Event], event: Event, before: State) -> None:
    """What must be so of every event, whoever made it."""
    after = apply(before, event)
    assert event.sequence == len(events)
    assert before.at is None or event.at >= before.at
    assert before.phase in TRANSITIONS[event.kind][0]
    assert after == state_of(events)
    if event.kind != "started":
        assert after.step - before.step in (0, 1) or event.rule == "completed by hand"
    if event.actor != SYSTEM.ref:
        return
    step_ = PLAN.steps[before.step]
    if event.kind in ("advanced", "completed"):
        assert before.since is not None
        assert event.at - before.since >= timedelta(seconds=step_.hold_seconds)
        assert after.step - before.step == (1 if event.kind == "advanced" else 0)
        if step_.monitored:
            assert event.figures is not None
            assert event.figures.last_exposure is not None
            assert event.figures.last_exposure >= before.since
            open_ = [each for each in event.figures.guardrails if each.metric not in before.overridden]
            wanted = {"pass"} | ({"inconclusive"} if step_.inconclusive == "proceed" else set())
            assert {each.verdict for each in open_} <= wanted
        if event.kind == "advanced" and PLAN.steps[after.step].approval:
            assert before.approved
    if event.kind == "rolled-back":
        assert event.figures is not None
        said = {each.verdict for each in event.figures.guardrails}
        assert "fail" in said or before.trouble_since is not None


class Pure(RuleBasedStateMachine):
    """Model and rules alone: thousands of steps a second."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.events: list[Event] = []
        self.state = State()

    def happen(self, event: Event) -> None:
        before = self.state
        self.events.append(event)
        self.state = apply(before, event)
        assert_follows(self.events, event, before)

    @rule(passed=HOURS)
    def wait(self, passed: timedelta) -> None:
        self.now += passed

    @rule(seen=SEEN, age=st.sampled_from([0, 0, 0, 30, 300]), later=st.sampled_from([0, 1, 1, 24, 169]))
    @precondition(lambda self: self.state.plan is not None)
    def look(self, seen: tuple[int, float, float], age: int, later: int) -> None:
        self.now = max(self.now, self.state.at or self.now) + timedelta(hours=later)
        self.check(journal(self.now - timedelta(minutes=age), seen), "driven")

    @rule(users=st.sampled_from([150, 2_000, 40_000]))
    @precondition(lambda self: self.state.phase in ("running", "holding"))
    def look_on_a_good_day(self, users: int) -> None:
        self.now = max(self.now, self.state.at or self.now) + timedelta(hours=1)
        self.check(journal(self.now, (users, 0.1, 1.0)), "driven")

    @rule(flag=FLAGS, passed=HOURS)
    @precondition(lambda self: self.state.phase in ACTIVE)
    def look_at_an_edited_flag(self, flag: Any, passed: timedelta) -> None:
        self.now += passed
        self.check(journal(self.now, (2_000, 0.1, 1.0)), flag)

    def check(self, observed: Observed, flag: Any) -> None:
        moment = max(self.now, self.state.at or self.now)
        is_watched = self.state.phase in ACTIVE and PLAN.steps[self.state.step].monitored
        figures = judge(PLAN, self.state, observed, moment) if is_watched else Figures(as_of=moment)
        facts = FlagFacts(flag, self.state.percent, PLAN.salt)
        move = decide(PLAN, self.state, figures, facts, self.now)
        assert move == decide(PLAN, self.state, figures, facts, self.now)
        if move.kind is not None:
            self.happen(event_of(move, self.state, now=self.now, actor=SYSTEM.ref, figures=figures))

    @rule()
    @precondition(lambda self: "start" in commands_for(self.state))
    def start(self) -> None:
        self.act("start")

    @rule(command=st.sampled_from(["approve", "approve", "pause", "resume", "proceed"]))
    def go_on(self, command: Any) -> None:
        self.act(command)

    @rule(command=st.sampled_from(["roll-back", "complete"]), seldom=st.integers(0, 4))
    def end(self, command: Any, seldom: int) -> None:
        if not seldom:
            self.act(command)

    def act(self, command: Any) -> None:
        if command not in commands_for(self.state):
            return
        move = act(PLAN, self.state, command, None, reason="Because.")
        event = event_of(move, self.state, now=self.now, actor="user:default/ana", figures=None)
        self.happen(replace(event, plan=PLAN) if command == "start" else event)

    @invariant()
    def is_sound(self) -> None:
        state = self.state
        assert (state.plan is None) is (state.phase == "pending")
        assert (state.trouble is not None) is (state.phase == "holding")
        if state.phase in ACTIVE:
            assert state.percent == PLAN.steps[state.step].percent
        if state.phase == "rolled-back":
            assert state.percent == 0
        for looks in state.looks.values():  # no look comes before its time, whoever is waited for
            assert [each.index for each in looks] == list(range(1, len(looks) + 1))
            sizes = [each.information for each in looks]
            assert all(after >= spacing(PLAN.level) * before for before, after in pairwise(sizes))
            assert looks[-1].spent < PLAN.level


class Whole(RuleBasedStateMachine):
    """A workspace with two controllers, people, a flag that others edit, and a clock that jumps."""

    users: ClassVar[list[str]] = [f"u{user}" for user in range(60)]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.workspace = furnish(Workspace.create(Path(self.folder.name) / "w", name="Test"))
        self.now = NOW
        self.journal: tuple[int, float, float] = (0, 0.1, 1.0)
        self.other: Checked | None = None
        self.count = 0
        self.touched = False
        """Whether somebody has edited the flag since the rollout last published."""
        self.patch = patch("counterpoint.rollouts.controller.observe", lambda *_: self.seen())
        self.patch.start()

    def seen(self) -> Observed:
        return journal(self.now, self.journal)

    def teardown(self) -> None:
        self.patch.stop()
        self.workspace.close()
        self.folder.cleanup()

    @property
    def state(self) -> State:
        return store.load(self.workspace, "weekly").state

    def look_back(self) -> None:
        """Check what has been recorded since the last time."""
        events = list(store.load(self.workspace, "weekly").events)
        for number in range(self.count, len(events)):
            assert_follows(events[: number + 1], events[number], state_of(events[:number]))
            if events[number].percent is not None:
                self.touched = False
        self.count = len(events)

    @rule(passed=HOURS, seen=SEEN)
    def wait(self, passed: timedelta, seen: tuple[int, float, float]) -> None:
        self.now += passed
        self.journal = seen

    @rule()
    def step(self) -> None:
        step(self.workspace, REF, now=self.now)
        self.look_back()

    @rule(users=st.sampled_from([2_000, 40_000]))
    @precondition(lambda self: self.state.phase in ("running", "holding"))
    def step_on_a_good_day(self, users: int) -> None:
        self.now = max(self.now, self.state.at or self.now) + timedelta(hours=1)
        self.journal = (users, 0.1, 1.0)
        step(self.workspace, REF, now=self.now)
        self.look_back()

    @rule()
    @precondition(lambda self: self.state.phase not in ACTIVE)
    def start(self) -> None:
        self.act("start")

    @rule()
    def other_looks(self) -> None:
        """A second controller reads and decides, and is slow."""
        self.other = check(self.workspace, REF, now=self.now)

    @rule()
    @precondition(lambda self: self.other is not None and self.other.move.kind is not None)
    def other_acts(self) -> None:
        assert self.other is not None
        found, self.other = self.other, None
        event = event_of(found.move, found.state, now=self.now, actor=SYSTEM.ref, figures=found.figures)
        is_late = self.state.sequence != found.state.sequence
        try:
            commit(self.workspace, SYSTEM, REF, found.state, event)
        except MovedOnError:
            assert is_late
        else:
            assert not is_late
        self.look_back()

    @rule(command=st.sampled_from(list(COMMANDS)))
    def do(self, command: Any) -> None:
        self.act(command)

    def act(self, command: Any) -> None:
        if command in commands_for(self.state):
            try:
                store.command(
                    self.workspace, local_actor(), "weekly", command, reason="Because.", now=self.now
                )
            except ConflictError:
                assert self.flag_is_killed()
        self.look_back()

    @rule(percent=st.sampled_from([0, 3, 100]), seldom=st.integers(0, 3))
    def edit(self, percent: float, seldom: int) -> None:
        if seldom:
            return
        ramp(self.workspace, local_actor(), "default", "weekly-list", percent, reason="By hand.")
        self.touched = True

    @rule(on=st.sampled_from([True, True, False]))
    def switch(self, on: bool) -> None:
        (revive if on else kill)(self.workspace, local_actor(), "default", "weekly-list")

    def flag_is_killed(self) -> bool:
        with self.workspace.graph.read() as reader:
            return read_plans(reader, "default")[0].flags["weekly-list"].killed is not None

    @invariant()
    def the_flag_is_where_the_log_says(self) -> None:
        state = self.state
        with self.workspace.graph.read() as reader:
            plan = read_plans(reader, "default")[0].flags["weekly-list"]
            flags = read_set(reader, "default").flags
        assert plan.rollout == (REF if state.phase in ACTIVE else None)
        assert plan.salt is None
        if state.plan is not None and not self.touched:
            assert plan.ramp == state.percent * 1000
        if plan.killed is not None or (not self.touched and state.phase == "rolled-back"):
            got = {flags.evaluate("weekly-list", {"targetingKey": user}).variant for user in self.users}
            assert got == {"off"}


TestPure = Pure.TestCase
TestPure.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWhole = Whole.TestCase
TestWhole.settings = settings(
    max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
