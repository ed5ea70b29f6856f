"""Which experiments meet: by flag, by place, by time; and which cannot."""

from datetime import UTC, datetime
from typing import Any

import pytest

from counterpoint.experiments.coordination.model import (
    Placed,
    Slot,
    collisions,
    holdout_collisions,
    meetings,
    state_at,
)

NOW = datetime(2026, 6, 15, tzinfo=UTC)


def june(first: int, last: int) -> dict[str, datetime]:
    return {"start": datetime(2026, 6, first, tzinfo=UTC), "end": datetime(2026, 6, last, tzinfo=UTC)}


def placed(name: str, **given: Any) -> Placed:
    return Placed(
        ref=f"experiment:default/{name}", title=name, **{"places": ("surface home",), **june(1, 20), **given}
    )


def slot(start: float, end: float, layer: str = "first-screen") -> Slot:
    return Slot("flagset:default/home", layer, start, end)


HOME = {"flag_set": "flagset:default/home"}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "same place and time": ({}, {}, "place"),
    "another place": ({}, {"places": ("surface search",)}, None),
    "one shared of several": ({"places": ("surface home", "tag covers")}, {"places": ("tag covers",)}, "place"),
    "one after the other": (june(1, 9), june(10, 20), None),
    "open ends meet": ({"end": None}, {"start": None}, "place"),
    "ranges of one layer": ({"slot": slot(0, 50)}, {"slot": slot(50, 100)}, None),
    "ranges that overlap": ({"slot": slot(0, 51)}, {"slot": slot(50, 100)}, "place"),
    "ranges of two layers": ({"slot": slot(0, 50)}, {"slot": slot(50, 100, "other")}, "place"),
    "audiences apart": ({**HOME, "segments": ("staff",)}, {**HOME, "excluded": ("staff",)}, None),
    "audiences that may meet": ({**HOME, "segments": ("staff", "phones")}, {**HOME, "excluded": ("staff",)}, "place"),
    "the same flag": ({**HOME, "flag": "x"}, {**HOME, "flag": "x"}, "flag"),
    "the same flag in a layer": (
        {**HOME, "flag": "x", "slot": slot(0, 50)}, {**HOME, "flag": "x", "slot": slot(0, 50)}, "flag"),
    "the same flag, one after the other": (
        {**HOME, "flag": "x", **june(1, 9)}, {**HOME, "flag": "x", **june(10, 20)}, None),
    "a flag of that name in another set": (
        {"flag": "x", **HOME, "places": ()}, {"flag": "x", "flag_set": "flagset:default/web", "places": ()}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_two_experiments_collide_where_they_may_share_users(name: str) -> None:
    one, other, kind = CASES[name]
    for pair in ([placed("a", **one), placed("b", **other)], [placed("b", **other), placed("a", **one)]):
        found = collisions(pair, NOW)
        assert [each.kind for each in found] == ([kind] if kind else [])
        assert all(
            (each.one, each.other) == ("experiment:default/a", "experiment:default/b") for each in found
        )


def test_a_collision_says_what_is_shared_when_and_what_to_do() -> None:
    (found,) = collisions([placed("a", **june(1, 20)), placed("b", **june(10, 30))], NOW)
    assert found.shared == ("surface home",)
    assert (found.start, found.end) == (june(10, 1)["start"], june(1, 20)["end"])
    assert found.state == "running"
    assert "surface home" in found.sentence
    assert "layer" in found.remedy


def test_a_pair_that_shares_much_is_told_once_and_what_runs_comes_first() -> None:
    many = [
        placed("old-1", places=("tag x",), **june(1, 5)),
        placed("old-2", places=("tag x",), **june(1, 5)),
        placed("new-1", places=("tag y", "tag z")),
        placed("new-2", places=("tag y", "tag z")),
    ]
    assert [each.state for each in collisions(many, NOW)] == ["running", "past"]


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (june(1, 10), "past"),
        (june(1, 20), "running"),
        (june(20, 25), "planned"),
        ({"start": None, "end": None}, "undated"),
        ({"start": None, "end": june(1, 20)["end"]}, "running"),
    ],
)
def test_the_state_follows_the_dates(given: dict[str, Any], state: str) -> None:
    assert state_at(placed("a", **given), NOW) == state


HELD = {**HOME, "flag": "x", "holdouts": ("quarter",), "slot": slot(0, 50)}
SPARED: dict[str, tuple[dict[str, Any], bool]] = {
    "the other does not keep to it": (
        {**HOME, "flag": "y", "spared": ("quarter",), "slot": slot(50, 100)},
        True,
    ),
    "both keep to it": ({**HOME, "flag": "y", "holdouts": ("quarter",)}, False),
    "another place": ({**HOME, "flag": "y", "spared": ("quarter",), "places": ("surface search",)}, False),
    "another set": ({"flag": "y", "flag_set": "flagset:default/web", "spared": ("quarter",)}, False),
    "another time": ({**HOME, "flag": "y", "spared": ("quarter",), **june(21, 29)}, False),
}


@pytest.mark.parametrize("name", SPARED)
def test_an_experiment_collides_with_a_holdout_that_it_does_not_keep_to(name: str) -> None:
    other, meets = SPARED[name]
    found = holdout_collisions([placed("b", **other), placed("a", **HELD)], NOW)
    assert [(each.kind, each.one, each.other) for each in found] == (
        [("holdout", "experiment:default/a", "experiment:default/b")] if meets else []
    )
    for each in found:
        assert "“b” may treat users whom the holdout quarter keeps out of “a”" in each.sentence
        assert "Add quarter to the holdouts of the flag y" in each.remedy
        assert each in meetings([placed("a", **HELD), placed("b", **other)], NOW)
