from typing import Any

import pytest

from counterpoint.bets.form import (
    BetForm,
    GuardrailRow,
    SuccessRow,
    descriptor,
    field_errors,
    form_of,
    read_form,
)
from counterpoint.errors import Problem
from counterpoint.web.forms import name_from

TYPED: dict[str, Any] = {
    "title": "A playlist for every Monday",
    "owner": "discovery",
    "purpose": "music",
    "beliefs": "taste, media/finding-music-is-work",
    "hypothesis": "We believe …\r\nbecause …",
    "success_metric": ["retention", ""],
    "success_expect": ["up by 3 %", ""],
    "guardrail_metric": ["start", ""],
    "guardrail_margin": ["1,5 %", ""],
    "kill": "Nobody opens it.",
    "patience": "2026-09-30",
}


def test_a_form_makes_the_same_descriptor_as_yaml_would() -> None:
    document, errors = descriptor(read_form(TYPED))
    assert errors == {}
    assert document == {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "a-playlist-for-every-monday", "title": "A playlist for every Monday"},
        "spec": {
            "owner": "discovery",
            "purpose": "music",
            "beliefs": ["taste", "media/finding-music-is-work"],
            "hypothesis": "We believe …\nbecause …",
            "success": [{"metric": "retention", "expect": "up by 3 %"}],
            "guardrails": [{"metric": "start", "margin": 0.015}],
            "kill": "Nobody opens it.",
            "patience": "2026-09-30",
        },
    }


def test_fields_left_empty_are_left_out() -> None:
    document, errors = descriptor(read_form({"title": "Weekly", "owner": "discovery"}))
    assert errors == {}
    assert document["spec"] == {"owner": "discovery"}


def test_editing_keeps_what_the_form_does_not_show() -> None:
    before = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "weekly", "title": "Weekly", "labels": {"a": "b"}},
        "spec": {"owner": "discovery", "stage": "ship", "kill": "Old.", "learned": "much"},
    }
    document, errors = descriptor(BetForm(title="New", owner="player"), before)
    assert errors == {}
    assert document["metadata"] == {"name": "weekly", "title": "New", "labels": {"a": "b"}}
    assert document["spec"] == {"owner": "player", "stage": "ship", "learned": "much"}
    assert before["spec"]["kill"] == "Old."


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "***"}, "name"),
        ({"owner": " "}, "owner"),
        ({"patience": "soon"}, "patience"),
        ({"guardrail_margin": ["a bit", ""]}, "guardrails"),
        ({"guardrail_margin": ["-1", ""]}, "guardrails"),
        ({"guardrail_margin": ["nan", ""]}, "guardrails"),
        ({"guardrail_metric": ["", ""]}, "guardrails"),
        ({"success_metric": ["", ""]}, "success"),
    ],
)
def test_each_error_stands_at_its_field(change: dict[str, Any], field: str) -> None:
    _, errors = descriptor(read_form(TYPED | change))
    assert list(errors) == [field]


def test_what_was_typed_is_kept_as_it_was() -> None:
    form = read_form(TYPED | {"guardrail_margin": ["a bit", ""], "patience": "soon"})
    assert form.guardrails == (GuardrailRow("start", "a bit"),)
    assert form.success == (SuccessRow("retention", "up by 3 %"),)
    assert form.patience == "soon"


def test_a_bet_survives_its_own_form(make_bet: Any, full_spec: dict[str, Any]) -> None:
    before = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "weekly", "title": "weekly"},
        "spec": full_spec,
    }
    document, errors = descriptor(form_of(make_bet(full_spec, title="weekly")), before)
    assert errors == {}
    assert document["spec"] == full_spec | {"owner": "group:default/discovery"}


@pytest.mark.parametrize(
    ("title", "name"),
    [("Été: new look!", "ete-new-look"), ("A" * 80, "a" * 63), ("***", ""), ("  Two  words ", "two-words")],
)
def test_names_are_made_of_titles(title: str, name: str) -> None:
    assert name_from(title) == name


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/spec/owner", "owner"),
        ("/metadata/name", "name"),
        ("/spec/guardrails/0/margin", "guardrails"),
        ("/spec/stage", ""),
        ("", ""),
    ],
)
def test_problems_find_their_field(pointer: str, field: str) -> None:
    assert field_errors([Problem("no", pointer)]) == {field: "no"}


def test_a_title_that_makes_no_name_asks_for_one() -> None:
    _, errors = descriptor(BetForm(title="週間", owner="discovery"))
    assert list(errors) == ["name"]
