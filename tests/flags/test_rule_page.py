"""The page that builds a rule from rows, as a form without a script."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose
from counterpoint.flags.rule_form import fields_of, form_of
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from tests.flags.pages import HTML, Forms, definition, last_reason, read, send

ME = local_actor()
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
RULE: dict[str, Any] = {"if": [{"in": [{"var": "country"}, ["SE", "NO"]]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}  # fmt: skip
HAND = {"if": [{"<": [1, {"var": "age"}, 3]}, "on"]}
ODD = 'odd "key"?/<b>&'
START: dict[str, Any] = {
    "flags": {"one": ON, "ruled": {**ON, "targeting": RULE}, "hand": {**ON, "targeting": HAND}, ODD: {**ON, "targeting": {}}},
    "$evaluators": {"nordic": {"in": [{"var": "country"}, ["SE"]]}},
}  # fmt: skip


def page_of(key: str) -> str:
    return f"/flags/-/rule/shop?flag={key}"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        write_set(made, ME, "shop", START)
        yield made


def flag(ws: Workspace, key: str) -> dict[str, Any]:
    found: dict[str, Any] = definition(ws, "shop")["flags"][key]
    return found


def test_the_rows_say_the_rule_and_saving_them_as_they_are_changes_nothing(
    client: TestClient, ws: Workspace
) -> None:
    page = read(client, page_of("ruled"))
    assert 'If country is one of "SE", "NO" : on' in page.words
    sent = page.of(page_of("ruled"))[1]
    form = form_of(RULE)
    assert form is not None
    for name, value in fields_of(form).items():
        given = sent.get(name, [""])
        assert (given[: len(value)] if isinstance(value, list) else given[0]) == value, name
        spare = [] if name.endswith(("-op", "-variant")) else given[len(value) :]
        assert not isinstance(value, list) or not any(spare)
    answer = send(client, page, page_of("ruled"))
    assert (answer.status_code, "flags-as-before" in answer.headers["location"]) == (303, True)
    for key in ("one", "odd%20%22key%22%3F%2F%3Cb%3E%26"):
        page = read(client, page_of(key))
        action = next(action for action, _ in page.found if action.startswith("/flags/-/rule/"))
        answer = send(client, page, action)
        assert "flags-as-before" in answer.headers["location"]
    assert definition(ws, "shop") == START


def rows(**fields: Any) -> dict[str, Any]:
    return {"b0-attr": "plan", "b0-op": "==", "b0-value": "beta", "b0-join": "and", "b0-out": "=on", **fields}


def test_whoever_adds_moves_or_removes_a_rule_by_keyboard_goes_on_there(client: TestClient) -> None:
    def focused(answer: Any) -> list[str]:
        return re.findall(r'id="([\w-]+)" autofocus', answer.text)

    page = read(client, page_of("one"))
    for there, step, expected in (
        (0, "more", ["b0-attr"]),
        (1, "more", ["b1-attr"]),
        (2, "more", ["b2-attr"]),
        (3, "up-2", ["b1-attr"]),
        (3, "drop-0", ["b0-attr"]),
        (2, "drop-1", ["b0-attr"]),
        (1, "drop-0", []),
        (1, "up-x", ["b0-attr"]),
    ):
        outcomes = {f"b{number}-out": "=on" for number in range(there)}
        answer = send(client, page, page_of("one"), step=step, **outcomes)
        assert focused(answer) == expected, step
    assert focused(client.get(page_of("one"))) == []


def test_a_rule_is_built_without_a_word_of_json_and_previewed_before_it_is_saved(
    client: TestClient, ws: Workspace
) -> None:
    more = send(client, read(client, page_of("one")), page_of("one"), step="more")
    assert (more.status_code, "Rule 1" in more.text) == (200, True)
    filled = rows(**{"otherwise-out": "%", "otherwise-weight": ["25", "75"], "otherwise-by": "company"})
    page = Forms(more.text)
    told = send(client, page, page_of("one"), step="preview", **filled)
    shown = Forms(told.text)
    assert told.status_code == 200
    assert "10,000 invented users" in shown.words
    assert 'If plan is "beta" : on' in shown.words
    assert re.search(r"Everybody else: on 25\s?%, off 75\s?%", shown.words)
    assert "targeting" not in flag(ws, "one")
    answer = send(client, shown, page_of("one"), reason="Betas first")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flags/shop/one?told=flags-saved")
    assert flag(ws, "one") == {**ON, "targeting": {"if": [{"==": [{"var": "plan"}, "beta"]}, "on", {"fractional": [{"var": "company"}, ["on", 25], ["off", 75]]}]}}  # fmt: skip
    assert last_reason(ws) == "Betas first"
    assert definition(ws, "shop")["flags"].keys() == START["flags"].keys()


def test_rules_are_moved_and_taken_away(client: TestClient, ws: Workspace) -> None:
    two = rows(**{"b1-attr": "a", "b1-op": "set", "b1-value": "", "b1-join": "and", "b1-out": "=off"})
    page = read(client, page_of("one"))
    moved = Forms(send(client, page, page_of("one"), step="up-1", **two).text)
    assert [moved.of(page_of("one"))[1][f"b{number}-attr"][0] for number in (0, 1)] == ["a", "plan"]
    assert send(client, moved, page_of("one")).status_code == 303
    assert [list(each) for each in flag(ws, "one")["targeting"]["if"][::2]] == [["!!"], ["=="]]
    left = Forms(send(client, read(client, page_of("one")), page_of("one"), step="drop-0").text)
    assert send(client, left, page_of("one")).status_code == 303
    assert flag(ws, "one")["targeting"] == {"if": [{"==": [{"var": "plan"}, "beta"]}, "on"]}
    bare = Forms(send(client, read(client, page_of("one")), page_of("one"), step="drop-0").text)
    assert send(client, bare, page_of("one")).status_code == 303
    assert flag(ws, "one") == ON
    for odd in ("up-0", "up-9", "drop--1", "drop-x", "drop-²", "near"):
        assert send(client, read(client, page_of("one")), page_of("one"), step=odd).status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"b0-value": ""}, "plan is what?"),
        ({"b0-attr": ""}, "Which attribute is beta?"),
        ({"b0-out": "%", "b0-variant": ["on"], "b0-weight": ["x"]}, "‘x’ is no weight"),
        (
            {"b0-out": "%", "b0-variant": ["on"], "b0-weight": ["2147483648"]},
            "A weight is at most 2,147,483,647.",
        ),
        ({"b0-out": "%", "b0-variant": ["on"], "b0-weight": ["0" * 12 + "9" * 5000]}, "A weight is at most"),
        ({"b0-op": "near"}, "is no comparison"),
        ({"b0-op": "shared", "b0-attr": "nowhere"}, "The rule cannot run"),
        ({"b0-out": "=gone"}, "gone"),
    ],
)
def test_what_is_wrong_is_said_while_it_is_typed_and_nothing_is_saved(
    client: TestClient, ws: Workspace, fields: dict[str, Any], words: str
) -> None:
    more = Forms(send(client, read(client, page_of("one")), page_of("one"), step="more").text)
    sent = {**more.of(page_of("one"))[1], **rows(**fields)}
    checked = client.post("/flags/-/rule-check/shop?flag=one", data=sent)
    assert checked.status_code == 200
    assert words.replace("‘", "'").replace("’", "'") in Forms(checked.text).words.replace("‘", "'").replace(
        "’", "'"
    )
    if "gone" not in words:
        answer = send(client, more, page_of("one"), **rows(**fields))
        assert answer.status_code == 400
        assert "Nothing was changed" in answer.text
        assert flag(ws, "one") == ON


def test_what_rows_cannot_say_is_told_and_edited_as_text(client: TestClient, ws: Workspace) -> None:
    page = read(client, page_of("hand"))
    assert "This rule is more than rows can say" in page.words
    assert "age is between 1 and 3 exclusive" in page.words
    assert "/flags/-/edit/shop?flag=hand" in client.get(page_of("hand"), headers=HTML).text
    assert read(client, page_of("nowhere"), status=404)


def test_nobody_overwrites_what_others_did_meanwhile(client: TestClient, ws: Workspace) -> None:
    page = read(client, page_of("one"))
    changed = {**START, "flags": {**START["flags"], "one": {**ON, "defaultVariant": "on"}}}
    write_set(ws, ME, "shop", changed)
    answer = send(client, page, page_of("one"), **rows())
    assert (answer.status_code, "Somebody was faster" in answer.text) == (412, True)
    assert flag(ws, "one") == {**ON, "defaultVariant": "on"}
    assert send(client, Forms(answer.text), page_of("one")).status_code == 303
    assert flag(ws, "one")["defaultVariant"] == "on"
    assert json.dumps(flag(ws, "one")["targeting"]) == json.dumps(
        {"if": [{"==": [{"var": "plan"}, "beta"]}, "on"]}
    )


def test_a_planned_flag_leads_to_its_controls(client: TestClient, ws: Workspace) -> None:
    plain: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
    compose(ws, ME, "shop", {"flags": {"planned": plain}})
    assert "A plan drives this flag" in read(client, page_of("planned")).words
