"""A bet lived through at random: every state and transition, under every policy, and nobody is ever blocked."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from counterpoint.bets.decisions import ReasonWantedError, decide, decisions
from counterpoint.bets.evidence import Direction, EvidenceInput, Method
from counterpoint.bets.evidence_log import add_evidence, read_evidence
from counterpoint.bets.follow_ups import follow_ups_of, learn
from counterpoint.bets.model import Answer, Decision, Horizon, Party, Risk, Stage, State
from counterpoint.bets.ranking import Move
from counterpoint.bets.ranks import plan, rank, ranks_of
from counterpoint.bets.stances import take_stance
from counterpoint.bets.store import read, write
from counterpoint.bets.transitions import Choice
from counterpoint.errors import CounterpointError, InputError
from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.practices import RULES, Policy

OWNER = Actor("user:default/ana", "Ana", "person", units=frozenset({"group:default/discovery"}))
ENDS = {Choice.PAUSE: State.PAUSED, Choice.KILL: State.KILLED, Choice.RETIRE: State.RETIRED}
STAGES = list(Stage)
BLOCKED = ("block", "forbidden", "not allowed", "denied", "permission", "may not")


def expected(stage: Stage, state: State, choice: Choice, to: Stage | None) -> tuple[Stage, State] | None:
    """The table of the model, written anew: where a choice leads; None where `to` does not fit it."""
    if to is not None:
        fits = (choice is Choice.ADVANCE and to.rank > stage.rank) or (
            choice is Choice.PIVOT and to.rank <= stage.rank
        )
        return (to, State.ACTIVE) if fits else None
    if choice in ENDS:
        return stage, ENDS[choice]
    if choice is Choice.ADVANCE:
        last = stage is Stage.TWEAK
        return (stage, State.RETIRED) if last else (STAGES[stage.rank + 1], State.ACTIVE)
    after = {
        Choice.SHIP: STAGES[max(stage.rank, 2)],
        Choice.PIVOT: STAGES[max(stage.rank - 1, 0)],
        Choice.REIMAGINE: Stage.THINK,
        Choice.PERSEVERE: stage,
    }
    return after[choice], State.ACTIVE


class BetLife(RuleBasedStateMachine):
    graph: ClassVar[Graph]
    number: ClassVar[int] = 0

    @initialize(policies=st.dictionaries(st.sampled_from(sorted(RULES)), st.sampled_from(Policy), max_size=5))
    def pitch(self, policies: dict[str, Policy]) -> None:
        type(self).number += 1
        self.name = f"bet-{self.number}"
        self.ref = f"bet:default/{self.name}"
        self.stage, self.state = Stage.THINK, State.ACTIVE
        self.decided = 0
        self.overrides: set[str] = set()
        self.evidence = 0
        pack: dict[str, Any] = {
            "owner": "discovery",
            "policies": {key: each.value for key, each in policies.items()},
        }
        with self.graph.write(SYSTEM) as writer:
            writer.put({"apiVersion": "counterpoint.dev/v1", "kind": "PolicyPack", "metadata": {"name": "pack"}, "spec": pack})  # fmt: skip
        write(
            self.graph,
            {
                "apiVersion": "counterpoint.dev/v1",
                "kind": "Bet",
                "metadata": {"name": self.name},
                "spec": {"owner": "discovery"},
            },
            actor=OWNER,
            new=True,
        )

    @rule(choice=st.sampled_from(Choice), to=st.none() | st.sampled_from(Stage), says_why=st.booleans())
    def choose(self, choice: Choice, to: Stage | None, says_why: bool) -> None:
        after = expected(self.stage, self.state, choice, to)
        made = self.attempt(choice, to, "We know enough." if says_why else "")
        if isinstance(made, ReasonWantedError):
            assert not says_why, "with a reason every override is recorded"
            assert not any(word in str(made).casefold() for word in BLOCKED)
            made = self.attempt(choice, to, "We know enough.")
            assert isinstance(made, Decision)
            assert made.override
        if isinstance(made, InputError):
            assert after is None, "only a stage that does not fit the choice is sent back"
            assert made.problems[0].pointer == "/to"
            return
        assert after is not None
        assert (made.stage_before, made.state_before) == (self.stage, self.state)
        assert (made.stage_after, made.state_after) == after
        self.stage, self.state = after
        self.decided += 1
        if made.override:
            assert made.reason
            self.overrides.add(made.id)

    def attempt(self, choice: Choice, to: Stage | None, reason: str) -> Decision | InputError:
        try:
            return decide(self.graph, self.ref, choice, actor=OWNER, to=to, reason=reason)
        except InputError as error:
            return error

    @rule(side=st.sampled_from(Party), answer=st.sampled_from(Answer))
    def answer(self, side: Party, answer: Answer) -> None:
        take_stance(self.graph, self.ref, side, answer, actor=OWNER)
        held = {each.side: each.answer for each in read(self.graph, self.ref).stances}
        assert held[side] is answer

    @rule(
        risk=st.sampled_from(Risk),
        direction=st.sampled_from(Direction),
        method=st.sampled_from(Method),
        strength=st.integers(0, 4),
    )
    def find_out(self, risk: Risk, direction: Direction, method: Method, strength: int) -> None:
        given = EvidenceInput(risk=risk, method=method, direction=direction, strength=strength)
        add_evidence(self.graph, self.ref, given, actor=OWNER, today=date(2026, 5, 3))
        self.evidence += 1

    @rule(data=st.data())
    def learn_from_an_override(self, data: st.DataObject) -> None:
        if self.overrides:
            chosen = data.draw(st.sampled_from(sorted(self.overrides)))
            learn(self.graph, self.ref, chosen, actor=OWNER, learned="It was right.")

    @rule(horizon=st.sampled_from(Horizon), move=st.sampled_from(Move))
    def move_on_the_board(self, horizon: Horizon, move: Move) -> None:
        plan(self.graph, self.ref, horizon, actor=OWNER)
        try:
            rank(self.graph, "discovery", self.ref, actor=OWNER, move=move)
        except CounterpointError:
            assert self.state.closed, "whatever is open stands on its owner's board"

    @invariant()
    def everything_is_kept(self) -> None:
        line = read(self.graph, self.ref)
        assert (line.bet.stage, line.bet.state) == (self.stage, self.state)
        assert len(line.decisions) == self.decided
        assert {each.id for each in line.decisions if each.override} == self.overrides
        assert len(read_evidence(self.graph, self.ref)) == self.evidence
        assert {view.risk for view in line.risks} == set(Risk)
        with self.graph.read() as reader:
            assert {each.decision for each in follow_ups_of(reader, [self.ref])} == self.overrides
            positions = list(ranks_of(reader, "group:default/discovery").values())
        assert sorted(positions) == list(range(len(positions)))


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Graph]:
    file = tmp_path / "graph.db"
    file.touch()
    with Graph(file) as made:
        made.migrate()
        with made.write(SYSTEM) as writer:
            writer.put(
                {
                    "apiVersion": "backstage.io/v1alpha1",
                    "kind": "Group",
                    "metadata": {"name": "discovery"},
                    "spec": {"type": "squad", "children": []},
                }
            )
        yield made


def test_every_transition_leads_where_the_model_says_and_nobody_is_blocked(lived: Graph) -> None:
    BetLife.graph = lived
    run_state_machine_as_test(
        BetLife,
        settings=settings(
            max_examples=6,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("stage", list(Stage))
def test_from_every_state_every_choice_is_recorded_with_a_reason(
    lived: Graph, stage: Stage, state: State
) -> None:
    for number, choice in enumerate(Choice):
        name = f"bet-{number}"
        document = {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": name},
            "spec": {"owner": "discovery", "stage": stage.value, "state": state.value},
        }
        write(lived, document, actor=OWNER)
        made = decide(lived, name, choice, actor=OWNER, reason="We know enough.")
        assert (made.stage_after, made.state_after) == expected(stage, state, choice, None)
        assert len(decisions(lived, name)) == 1
