"""Evidence as values: what counts, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from counterpoint.bets.evidence import (
    LADDER,
    METHODS,
    Direction,
    Evidence,
    EvidenceInput,
    Method,
    checked,
    standing,
)
from counterpoint.bets.model import Risk
from counterpoint.errors import InputError

TODAY = date(2026, 5, 3)
AT = datetime(2026, 5, 3, 9, tzinfo=UTC)


def evidence(number: str, **fields: Any) -> Evidence:
    plain: dict[str, Any] = {
        "id": number,
        "bet": "bet:default/weekly",
        "risk": Risk.VALUE,
        "method": Method.INTERVIEW,
        "direction": Direction.FOR,
        "strength": 1,
        "date": TODAY,
        "at": AT + timedelta(minutes=int(number)),
        "actor": "user:default/ana",
    }
    return Evidence(**plain | fields)


def given(**fields: Any) -> EvidenceInput:
    plain: dict[str, Any] = {"risk": Risk.VALUE, "method": Method.OFFLINE, "direction": Direction.FOR}
    return EvidenceInput(**plain | fields)


def test_the_ladder_has_a_rung_for_every_strength_and_every_method_stands_on_one() -> None:
    assert [rung.strength for rung in LADDER] == [0, 1, 2, 3, 4]
    assert {guide.method for guide in METHODS} == set(Method)
    assert all(0 <= guide.strength <= 4 for guide in METHODS)


def test_what_is_left_out_is_that_of_the_method_and_today() -> None:
    filled = checked(given(), TODAY)
    assert (filled.strength, filled.date) == (2, TODAY)
    assert checked(given(strength=0), TODAY).strength == 0


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"strength": 5}, "/strength"),
        ({"strength": -1}, "/strength"),
        ({"sample": 0}, "/sample"),
        ({"cost": -0.5}, "/cost"),
        ({"cost": float("nan")}, "/cost"),
        ({"date": TODAY + timedelta(days=1)}, "/date"),
        ({"link": "javascript:alert(1)"}, "/link"),
        ({"note": "x" * 2001}, "/note"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(given(**fields), TODAY)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    assert [row.id for row in standing([evidence("1"), evidence("2", corrects="1"), evidence("3")])] == [
        "3",
        "2",
    ]


def test_a_later_reading_of_the_same_thing_takes_the_place_of_the_earlier() -> None:
    first = evidence("1", source="experiment:default/a#4")
    second = evidence("2", source="experiment:default/a#9")
    other = evidence("3", source="experiment:default/b#5")
    assert {row.id for row in standing([second, first, other])} == {"2", "3"}


def test_one_source_may_speak_of_several_risks() -> None:
    rows = [evidence("1", source="study"), evidence("2", source="study", risk=Risk.USABILITY)]
    assert len(standing(rows)) == 2
