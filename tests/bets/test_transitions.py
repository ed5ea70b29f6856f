from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from counterpoint.bets.model import Bet, Reading, Stage, State
from counterpoint.bets.transitions import CHOICES, RULES, Choice, Policy, Position, choices_for, weigh

THINK, BUILD, SHIP, TWEAK = Stage
ACTIVE, PAUSED, KILLED, RETIRED = State


def bet(stage: Stage, state: State = ACTIVE) -> Bet:
    return Bet(
        ref="bet:default/weekly",
        namespace="default",
        name="weekly",
        title="Weekly",
        owner="group:default/discovery",
        etag="e",
        stage=stage,
        state=state,
    )


def verdict(text: str) -> tuple[Reading, ...]:
    return (
        Reading(
            experiment="experiment:default/x",
            title="Weekly test",
            at=datetime(2026, 5, 3, tzinfo=UTC),
            verdict=text,
            sentence="Plays rose by 3 %.",
        ),
    )


@pytest.mark.parametrize(
    ("before", "choice", "to", "after", "override"),
    [
        (Position(THINK), "advance", None, Position(BUILD), False),
        (Position(BUILD), "advance", None, Position(SHIP), False),
        (Position(SHIP), "advance", None, Position(TWEAK), False),
        (Position(TWEAK), "advance", None, Position(TWEAK, RETIRED), False),
        (Position(THINK), "advance", SHIP, Position(SHIP), True),
        (Position(BUILD), "advance", TWEAK, Position(TWEAK), True),
        (Position(THINK), "ship", None, Position(SHIP), True),
        (Position(BUILD), "ship", None, Position(SHIP), False),
        (Position(SHIP), "ship", None, Position(SHIP), False),
        (Position(TWEAK), "ship", None, Position(TWEAK), False),
        (Position(SHIP), "persevere", None, Position(SHIP), False),
        (Position(SHIP, PAUSED), "persevere", None, Position(SHIP), False),
        (Position(SHIP), "pivot", None, Position(BUILD), False),
        (Position(SHIP), "pivot", THINK, Position(THINK), False),
        (Position(THINK), "pivot", None, Position(THINK), False),
        (Position(TWEAK), "reimagine", None, Position(THINK), False),
        (Position(BUILD), "pause", None, Position(BUILD, PAUSED), False),
        (Position(BUILD), "kill", None, Position(BUILD, KILLED), False),
        (Position(BUILD, PAUSED), "kill", None, Position(BUILD, KILLED), False),
        (Position(TWEAK), "retire", None, Position(TWEAK, RETIRED), False),
        (Position(BUILD), "retire", None, Position(BUILD, RETIRED), True),
        (Position(BUILD, KILLED), "persevere", None, Position(BUILD), True),
        (Position(TWEAK, RETIRED), "reimagine", None, Position(THINK), True),
        (Position(BUILD, KILLED), "retire", None, Position(BUILD, RETIRED), False),
    ],
)
def test_each_decision_moves_the_bet(
    before: Position, choice: str, to: Stage | None, after: Position, override: bool
) -> None:
    ruling = weigh(bet(before.stage, before.state), Choice(choice), to=to)
    assert (ruling.before, ruling.after, ruling.override) == (before, after, override)


@pytest.mark.parametrize(
    ("stage", "choice", "text", "override"),
    [
        (SHIP, "ship", "ship", False),
        (SHIP, "ship", "do not ship", True),
        (SHIP, "ship", "keep collecting", True),
        (SHIP, "advance", "do not ship", True),
        (BUILD, "advance", "do not ship", False),
        (SHIP, "persevere", "do not ship", False),
        (SHIP, "pivot", "do not ship", False),
        (SHIP, "kill", "do not ship", False),
        (SHIP, "kill", "ship", True),
        (SHIP, "pivot", "ship", True),
        (SHIP, "pause", "ship", False),
        (TWEAK, "advance", "do not ship", False),
    ],
)
def test_a_decision_against_the_verdict_is_an_override(
    stage: Stage, choice: str, text: str, override: bool
) -> None:
    assert weigh(bet(stage), Choice(choice), verdict(text)).override is override


def test_an_override_quotes_the_verdict_that_it_goes_against() -> None:
    assert weigh(bet(SHIP), Choice.SHIP, verdict("do not ship")).overrides == (
        "Weekly test does not say ship: Plays rose by 3 %.",
    )


def test_the_policy_inform_asks_for_no_reason() -> None:
    ruling = weigh(bet(THINK), Choice.SHIP)
    assert ruling.asks_reason()
    assert not ruling.asks_reason(Policy.INFORM)


@pytest.mark.parametrize(
    ("choice", "to"),
    [(Choice.ADVANCE, THINK), (Choice.ADVANCE, BUILD), (Choice.PIVOT, SHIP), (Choice.KILL, THINK)],
)
def test_a_stage_that_does_not_fit_names_the_choice_that_does(choice: Choice, to: Stage) -> None:
    with pytest.raises(ValueError, match="choose"):
        weigh(bet(BUILD), choice, to=to)


@given(
    st.sampled_from(Stage),
    st.sampled_from(State),
    st.sampled_from(Choice),
    st.sampled_from(["ship", "do not ship", "invalid"]),
)
def test_no_choice_is_ever_refused(stage: Stage, state: State, choice: Choice, text: str) -> None:
    ruling = weigh(bet(stage, state), choice, verdict(text))
    assert ruling.rule in {row.name for row in RULES}


def test_every_rule_has_a_name_of_its_own_and_a_reason_to_exist() -> None:
    assert len({row.name for row in RULES}) == len(RULES)
    assert all(row.why.endswith(".") for row in RULES)


def test_every_choice_is_described_once() -> None:
    assert sorted(guide.choice for guide in CHOICES) == sorted(Choice)


@pytest.mark.parametrize("stage", list(Stage))
def test_the_form_offers_no_choice_that_would_always_be_an_override(stage: Stage) -> None:
    offered = {guide.choice for guide in choices_for(bet(stage))}
    assert {Choice.PERSEVERE, Choice.PIVOT, Choice.PAUSE, Choice.KILL, Choice.SHIP} <= offered
    assert (Choice.ADVANCE in offered) is (stage is not TWEAK)
    assert (Choice.REIMAGINE in offered) is (stage is TWEAK)


class LifeOfABet(RuleBasedStateMachine):
    """Any owner may take any sequence of decisions; each leaves the bet in a known place."""

    def __init__(self) -> None:
        super().__init__()
        self.position = Position(THINK)
        self.history: list[Position] = [self.position]

    @rule(choice=st.sampled_from(Choice), text=st.sampled_from(["ship", "do not ship", "invalid"]))
    def decide(self, choice: Choice, text: str) -> None:
        ruling = weigh(bet(self.position.stage, self.position.state), choice, verdict(text))
        assert ruling.before == self.position
        self.position = ruling.after
        self.history.append(ruling.after)

    @invariant()
    def the_stage_is_kept_by_all_but_forward_and_back_moves(self) -> None:
        if len(self.history) > 1 and self.position.state is not ACTIVE:
            assert self.position.stage is self.history[-2].stage


TestLifeOfABet = LifeOfABet.TestCase
