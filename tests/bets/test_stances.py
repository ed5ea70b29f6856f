"""The answers to exit questions, and overrides that come back."""

from datetime import date, timedelta
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.bets.decisions import ReasonWantedError, decide, decisions
from counterpoint.bets.follow_ups import AFTER, follow_ups_of, learn, open_ones
from counterpoint.bets.model import Answer, Party
from counterpoint.bets.stances import stances_of, take_stance
from counterpoint.bets.store import read, write
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor

BET = "bet:default/weekly"
ANA = Actor("user:default/ana", "Ana", "person", units=frozenset({"group:default/discovery"}))
SPONSOR = Actor("user:default/sponsor", "Sponsor", "person")
EVE = Actor("user:default/eve", "Eve", "person")


@pytest.fixture
def bet(org: Workspace, full_spec: dict[str, Any]) -> Workspace:
    spec = full_spec | {"stage": "think", "sponsor": "sponsor"}
    write(
        org.graph,
        {"apiVersion": "counterpoint.dev/v1", "kind": "Bet", "metadata": {"name": "weekly"}, "spec": spec},
        actor=SYSTEM,
    )
    return org


def answer(ws: Workspace, side: Party, given: Answer, actor: Actor = SYSTEM, reason: str = "") -> None:
    take_stance(ws.graph, BET, side, given, actor=actor, reason=reason)


def missing(ws: Workspace) -> set[str]:
    return {item.code for item in read(ws.graph, BET).advice}


def test_both_sides_answer_and_every_answer_is_kept(bet: Workspace) -> None:
    answer(bet, Party.SQUAD, Answer.NO, ANA, "Not yet.")
    answer(bet, Party.SPONSOR, Answer.YES, SPONSOR)
    answer(bet, Party.SQUAD, Answer.YES, ANA)
    assert [(each.side, each.answer) for each in read(bet.graph, BET).stances] == [
        (Party.SQUAD, Answer.YES),
        (Party.SPONSOR, Answer.YES),
    ]
    with bet.graph.read() as reader:
        assert len(stances_of(reader, [BET])[BET]) == 3


def test_the_sponsor_answers_only_for_the_sponsor_and_strangers_for_nobody(bet: Workspace) -> None:
    with pytest.raises(NotAllowedError):
        answer(bet, Party.SQUAD, Answer.YES, SPONSOR)
    for side in Party:
        with pytest.raises(NotAllowedError):
            answer(bet, side, Answer.YES, EVE)


def test_advice_asks_for_both_and_tells_dissent(bet: Workspace) -> None:
    assert "stances" in missing(bet)
    answer(bet, Party.SQUAD, Answer.YES)
    assert "stances" in missing(bet)
    answer(bet, Party.SPONSOR, Answer.NO, reason="Too dear.")
    assert missing(bet) & {"stances", "dissent-sponsor"} == {"dissent-sponsor"}


def test_a_stage_that_is_entered_again_is_asked_about_again(bet: Workspace) -> None:
    answer(bet, Party.SQUAD, Answer.YES)
    decide(bet.graph, BET, "advance", actor=ANA)
    assert read(bet.graph, BET).stances == ()
    decide(bet.graph, BET, "pivot", actor=ANA)
    assert read(bet.graph, BET).stances == ()


def test_where_both_stances_are_asked_for_dissent_is_kept_and_nothing_is_blocked(bet: Workspace) -> None:
    pack = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "PolicyPack",
        "metadata": {"name": "pack"},
        "spec": {"owner": "discovery", "policies": {"I1": "ask_joint"}},
    }
    with bet.graph.write(SYSTEM) as writer:
        writer.put(pack)
    answer(bet, Party.SQUAD, Answer.YES, ANA)
    answer(bet, Party.SPONSOR, Answer.NO, SPONSOR, "Half have old phones.")
    with pytest.raises(ReasonWantedError) as caught:
        decide(bet.graph, BET, "advance", actor=ANA)
    assert "no" in str(caught.value)
    made = decide(bet.graph, BET, "advance", actor=ANA, reason="New phones alone are worth it.")
    assert made.stage_after.value == "build"
    assert made.override
    assert [(each.side, each.answer, each.reason) for each in made.known.stances] == [
        (Party.SQUAD, Answer.YES, ""),
        (Party.SPONSOR, Answer.NO, "Half have old phones."),
    ]


@pytest.mark.parametrize(
    ("side", "given", "field"), [("boss", "yes", "/side"), ("squad", "maybe", "/answer")]
)
def test_what_is_no_answer_is_refused_with_its_place(
    bet: Workspace, side: str, given: str, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        take_stance(bet.graph, BET, side, given, actor=ANA)
    assert caught.value.problems[0].pointer == field


def test_an_override_comes_back_and_what_was_learned_is_kept(bet: Workspace) -> None:
    made = decide(bet.graph, BET, "ship", actor=ANA, reason="Everybody asked for it.")
    due = made.at.date() + AFTER
    with bet.graph.read() as reader:
        (asked,) = follow_ups_of(reader, [BET])
    assert (asked.due, asked.state(made.at.date()), asked.state(due)) == (due, "recorded", "due")
    assert open_ones([asked], due) == (asked,)
    learn(bet.graph, BET, made.id, actor=ANA, due=due + timedelta(days=7))
    learn(bet.graph, BET, made.id, actor=ANA, learned="It was too early.")
    with bet.graph.read() as reader:
        (learned,) = follow_ups_of(reader)
    assert (learned.learned, learned.state(due), learned.due) == (
        "It was too early.",
        "learned",
        due + timedelta(days=7),
    )
    assert open_ones([learned], date.max) == ()


def test_only_overrides_come_back_and_the_day_can_be_chosen(bet: Workspace) -> None:
    plain = decide(bet.graph, BET, "persevere", actor=ANA)
    day = date(2031, 1, 2)
    decide(bet.graph, BET, "ship", actor=ANA, reason="So.", follow_up_on=day)
    with bet.graph.read() as reader:
        assert [each.due for each in follow_ups_of(reader, [BET])] == [day]
    with pytest.raises(NotFoundError):
        learn(bet.graph, BET, plain.id, actor=ANA, learned="x")
    with pytest.raises(InputError):
        learn(bet.graph, BET, decisions(bet.graph, BET)[0].id, actor=ANA)
    with pytest.raises(NotAllowedError):
        learn(bet.graph, BET, decisions(bet.graph, BET)[0].id, actor=EVE, learned="x")
