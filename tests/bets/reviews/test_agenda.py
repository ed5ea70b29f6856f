"""The agenda of a review out of what changed."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.reviews.agenda import (
    AgendaItem,
    BeliefFacts,
    BetFacts,
    Facts,
    ItemKind,
    RecordFacts,
    TermFacts,
    agenda,
)

TODAY = date(2026, 7, 27)
BOARD = "group:default/listening"


def bet(
    name: str = "weekly", *, stage: str = "ship", in_stage: int = 1, silent: int = 1, **more: object
) -> BetFacts:
    return BetFacts(
        ref=f"bet:default/{name}",
        title=name,
        stage=stage,
        entered=TODAY - timedelta(days=in_stage),
        last=TODAY - timedelta(days=silent),
        **more,
    )


def kinds(facts: Facts, *more: AgendaItem) -> list[str]:
    return [item.kind.value for item in agenda(facts, TODAY, more).items]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"bets": (bet(against="Plays fell by 3 %."),)}, "against"),
        ({"bets": (bet(news="Plays rose by 3 %."),)}, "news"),
        ({"bets": (bet(patience=TODAY - timedelta(days=1)),)}, "patience"),
        ({"bets": (bet(silent=21),)}, "silent"),
        ({"bets": (bet(in_stage=28),)}, "stalled"),
        ({"beliefs": (BeliefFacts("belief:default/a", "A", TODAY - timedelta(days=1), 2),)}, "expired"),
        (
            {"records": (RecordFacts(1, "A", BOARD, TODAY - timedelta(days=14), "for advice", None),)},
            "waiting",
        ),
        ({"records": (RecordFacts(1, "A", BOARD, None, "", TODAY + timedelta(days=7)),)}, "review"),
        ({"questions": (TermFacts("q", "bet:default/a", "Will it?", TODAY, to_reveal=True),)}, "question"),
        ({"ties": (("A", "B"),)}, "tie"),
        ({"bets": tuple(bet(name) for name in "abc")}, "mix"),
    ],
)
def test_each_change_brings_its_point(facts: dict[str, object], kind: str) -> None:
    assert kinds(Facts(board=BOARD, **facts)) == [kind]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"bets": (bet(),)},
        {"bets": (bet(patience=TODAY),)},
        {"bets": (bet(in_stage=27, silent=20),)},
        {
            "beliefs": (
                BeliefFacts("belief:default/a", "A", TODAY, 1),
                BeliefFacts("belief:default/b", "B", None, 1),
            )
        },
        {"records": (RecordFacts(1, "A", BOARD, TODAY - timedelta(days=13), "", None),)},
        {
            "questions": (
                TermFacts("q", "bet:default/a", "Will it?", TODAY + timedelta(days=1), to_reveal=True),
            )
        },
        {"bets": (bet("a", stage="think"), bet("b"), bet("c"))},
    ],
)
def test_where_nothing_changed_there_is_nothing_to_talk_about(facts: dict[str, object]) -> None:
    assert kinds(Facts(board=BOARD, **facts)) == []


def test_points_of_others_take_their_place_in_the_order() -> None:
    concern = AgendaItem(
        kind=ItemKind.CONCERN, subject="bet:default/a", title="A date", why="It is in danger."
    )
    facts = Facts(board=BOARD, bets=(bet(against="Plays fell."), bet("b", silent=40)))
    assert kinds(facts, concern) == ["against", "concern", "silent"]


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_agenda_does_not_depend_on_the_order_of_the_facts(names: list[str]) -> None:
    def made(order: list[str]) -> list[str]:
        found = agenda(Facts(board=BOARD, bets=tuple(bet(name, silent=30) for name in order)), TODAY)
        return [item.subject for item in found.items]

    assert made(names) == made(sorted(names))


def test_the_mix_is_told_in_words() -> None:
    found = agenda(Facts(board=BOARD, bets=(bet("a"), bet("b", stage="think"))), TODAY)
    assert found.mix == "2 active: 1 in Think it, 1 in Ship it."
