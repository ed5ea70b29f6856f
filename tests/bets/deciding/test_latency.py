"""How long decisions take and where they wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.deciding.latency import LEAST, latency_of, waits_of, where_open
from counterpoint.bets.deciding.model import (
    Advice,
    AdviceKind,
    Content,
    DecisionRecord,
    DecisionState,
    Stance,
    Step,
    StepTaken,
)

START = datetime(2026, 5, 1, tzinfo=UTC)
UNIT = "group:default/search"


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def made(
    asked: float | None = None, given_on: float | None = None, decided: float | None = None
) -> DecisionRecord:
    rows, steps = [], []
    if asked is not None:
        rows.append(
            Advice(kind=AdviceKind.ASKED, whom=UNIT, text="?", stance=Stance.OPEN, actor="a", at=day(asked))
        )
        steps.append(StepTaken(step=Step.ASK, reason="", actor="a", at=day(asked)))
    if given_on is not None:
        rows.append(
            Advice(kind=AdviceKind.GIVEN, whom=UNIT, text="!", stance=Stance.FOR, actor="b", at=day(given_on))
        )
    if decided is not None:
        steps.append(StepTaken(step=Step.ACCEPT, reason="", actor="a", at=day(decided)))
    state = (
        DecisionState.ACCEPTED
        if decided is not None
        else DecisionState.ADVICE
        if asked is not None
        else DecisionState.PROPOSED
    )
    return DecisionRecord(
        number=1,
        version=1,
        state=state,
        content=Content(title="T", unit=UNIT),
        proposed_at=START,
        proposed_by="a",
        advice=tuple(rows),
        steps=tuple(steps),
    )


@pytest.mark.parametrize(
    ("record", "waits"),
    [
        (made(asked=1, given_on=4, decided=6), (1, 3, 2)),
        (made(decided=6), (6, 0, 0)),
        (made(asked=1, decided=6), (1, 0, 5)),
        (made(asked=2), (2, 8, 0)),
        (made(asked=2, given_on=5), (2, 3, 5)),
        (made(), (10, 0, 0)),
    ],
)
def test_each_part_of_the_wait_has_its_days(
    record: DecisionRecord, waits: tuple[float, float, float]
) -> None:
    found = waits_of(record, day(10))
    assert (found.before_asking, found.for_advice, found.for_decision) == waits
    assert found.open == (record.decided is None)


@given(st.lists(st.floats(0, 30), min_size=3, max_size=3).map(sorted))
def test_the_parts_add_up_to_the_whole(days: list[float]) -> None:
    found = waits_of(made(*days), day(99))
    assert found.total == pytest.approx(days[2], abs=1e-6)


def test_few_decisions_give_no_figure_and_enough_say_where_they_wait() -> None:
    few = latency_of([made(decided=2)] * (LEAST - 1) + [made()], day(10))
    assert (few.decided, few.open, few.median, few.longest_open) == (LEAST - 1, 1, None, 10)
    enough = latency_of([made(asked=1, given_on=4, decided=length) for length in (5, 5, 6, 7, 9)], day(10))
    assert (enough.median, enough.for_advice) == (6, 3)
    assert enough.sentence == "Half are decided within 6.0 days; they wait longest for advice."


def test_an_open_decision_says_what_it_waits_for() -> None:
    assert where_open(made()) == "for advice to be asked, or for a decision"
    assert where_open(made(asked=1)) == "for advice"
