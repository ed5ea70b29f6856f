"""The controls of a flag: sent as forms, without a script."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose, ramp
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity.accounts import create_account

from .pages import HTML, Forms, definition, last_reason, plans, read, send

ME = local_actor()
KEY = "new/home ✓ <b>"
PAGE = "/flags/-/control/default?flag=new%2Fhome+%E2%9C%93+%3Cb%3E"
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
PLANS: dict[str, Any] = {
    "segments": {"nordic": {"in": [{"var": "country"}, ["SE", "NO"]]}},
    "layers": {"shelf": {}},
    "holdouts": {"quarter": {"percent": 5}},
    "flags": {
        KEY: {**PLAIN, "ramp": 10, "overrides": {"on": ["ana"]}},
        "other": {**PLAIN, "ramp": 50, "layer": {"name": "shelf", "from": 0, "to": 40}},
    },
}
BOOLEAN = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
HAND: dict[str, Any] = {
    "plain": BOOLEAN,
    "split": {**BOOLEAN, "targeting": {"fractional": [["on", 25], ["off", 75]]}},
    "turned": {**BOOLEAN, "targeting": {"fractional": [["off", 75], ["on", 25]]}},
    "gated": {**BOOLEAN, "targeting": {"if": [{"in": [{"var": "country"}, ["SE"]]}, "on"]}},
    "branches": {**BOOLEAN, "targeting": {"if": [{"var": "a"}, "on", {"var": "b"}, "off", "on"]}},
    "alone": {**BOOLEAN, "variants": {"off": False}},
    "codes": {"state": "ENABLED", "variants": {"on": True, "off": False}},
    "computed": {**BOOLEAN, "targeting": {"fractional": [["on", {"var": "x"}], ["off", 75]]}},
}
Make = Callable[..., TestClient[Any]]


@pytest.fixture
def client(workspace: Workspace, make: Make) -> TestClient[Any]:
    write_set(workspace, ME, "default", {"flags": HAND})
    compose(workspace, ME, "default", PLANS)
    return make(auth=False)


def flag(workspace: Workspace, key: str = KEY) -> dict[str, Any]:
    found: dict[str, Any] = definition(workspace)["flags"][key]
    return found


def plan(workspace: Workspace, key: str = KEY) -> dict[str, Any]:
    found: dict[str, Any] = plans(workspace)["flags"][key]
    return found


def control(key: str) -> str:
    return f"/flags/-/control/default?flag={key}"


def test_each_step_of_the_ramp_says_who_enters_and_is_taken_with_one_press(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, PAGE)
    assert "10 % get ‘on’ and the rest get ‘off’. 1 named always gets ‘on’." in page.words
    assert "25 % 15 % of users enter, nobody leaves or changes arm." in page.words.replace("  ", " ")
    assert "Nobody enters, 9 % leave, those who came last, nobody changes arm." in page.words
    before = flag(workspace)
    answer = send(client, page, "ramp", percent="25", reason="All is well.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}&done=3")
    assert plan(workspace)["ramp"] == 25
    assert flag(workspace)["targeting"] != before["targeting"]
    assert last_reason(workspace) == f"Ramp of {KEY!r} to 25 %: All is well."
    assert "Saved as version 3." in read(client, answer.headers["location"]).words


def test_any_other_percentage_can_be_written_and_what_is_none_is_said_beside_it(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, PAGE)
    assert send(client, page, "ramp", percent="other", other="12,5 %").status_code == 303
    assert send(client, read(client, PAGE), "ramp", other="12.5").headers["location"].endswith("flags-as-before")  # fmt: skip
    assert send(client, read(client, PAGE), "ramp", other="13").status_code == 303  # typed, and not chosen
    assert send(client, read(client, PAGE), "ramp", percent="25", other="13").status_code == 303
    assert plan(workspace)["ramp"] == 25
    assert send(client, read(client, PAGE), "ramp", percent="other", other="12.5").status_code == 303
    for wrong in ("101", "-1", "x", "", "nan", "1.2345"):
        answer = send(client, read(client, PAGE), "ramp", percent="other", other=wrong)
        assert answer.status_code == 400
        assert "Nothing was changed" in answer.text
    assert plan(workspace)["ramp"] == 12.5


def test_a_preview_asks_invented_users_writes_nothing_and_its_form_saves(
    client: TestClient[Any], workspace: Workspace
) -> None:
    shown = send(client, read(client, PAGE), "ramp", step="preview", percent="50", reason="Half.")
    assert shown.status_code == 200
    page = type(read(client, PAGE))(shown.text)
    assert f"Ramp of {KEY!r} 10 % → 50 %: 40 % of users enter" in page.words
    assert "'off' → 'on'" in page.words
    assert "10,000 invented users" in page.words
    assert plan(workspace)["ramp"] == 10
    confirm = next(fields for _, fields in page.found if ("percent", "50") in fields)
    assert ("reason", "Half.") in confirm
    answer = client.post(PAGE, data={**dict(confirm), "step": "save"}, follow_redirects=False)
    assert answer.status_code == 303
    assert plan(workspace)["ramp"] == 50


def test_a_kill_keeps_the_plan_and_a_revival_gives_everybody_back_what_they_had(
    client: TestClient[Any], workspace: Workspace
) -> None:
    before = flag(workspace)
    assert send(client, read(client, PAGE), "kill", reason="It burns.").status_code == 303
    page = read(client, PAGE)
    assert "It is killed (It burns.): everybody gets ‘off’ until it is revived." in page.words
    assert flag(workspace)["targeting"] == {}
    assert plan(workspace)["ramp"] == 10
    assert send(client, page, "revive").status_code == 303
    assert flag(workspace) == before


def test_a_kill_says_first_which_flags_build_on_it(client: TestClient[Any], workspace: Workspace) -> None:
    child = {**PLAIN, "ramp": 100, "prerequisites": [{"flag": KEY, "variant": "on"}]}
    compose(workspace, ME, "default", {**PLANS, "flags": {**PLANS["flags"], "child": child}})
    page = read(client, PAGE)
    assert "What this flag gives decides about others as well: child needs it." in page.words
    shown = type(page)(send(client, page, "kill", step="preview").text)
    assert f"'child': its prerequisite {KEY!r} changes" in shown.words


def test_off_and_on_keep_rule_and_plan(client: TestClient[Any], workspace: Workspace) -> None:
    before = flag(workspace)
    assert send(client, read(client, PAGE), "off").status_code == 303
    assert flag(workspace) == {**before, "state": "DISABLED"}
    page = read(client, PAGE)
    assert "It is switched off: everybody gets the default in the code." in page.words
    assert send(client, page, "on").status_code == 303
    assert flag(workspace) == before
    assert plan(workspace)["ramp"] == 10


def test_a_flag_without_a_plan_is_killed_and_turned_on_without_losing_its_rule(
    client: TestClient[Any], workspace: Workspace
) -> None:
    before = flag(workspace, "branches")
    assert send(client, read(client, control("branches")), "kill", reason="Odd.").status_code == 303
    assert flag(workspace, "branches") == {**before, "state": "DISABLED"}
    assert send(client, read(client, control("branches")), "on").status_code == 303
    assert flag(workspace, "branches") == before


@pytest.mark.parametrize(
    ("key", "says", "plan_is"),
    [
        ("plain", "Everybody gets 'off'; nobody is enrolled in 'on' yet.", {"ramp": 0}),
        ("split", "25 % of users get 'on'; whoever else, and whoever asks without a targetingKey, gets 'off'.", {"ramp": 25}),
        ("gated", "100 % of those for whom its condition is true get 'on'", {"ramp": 100, "audience": {"rule": {"in": [{"var": "country"}, ["SE"]]}}}),
    ],
)  # fmt: skip
def test_a_rule_that_a_plan_can_say_is_put_under_one_and_nobody_changes_sides(
    client: TestClient[Any], workspace: Workspace, key: str, says: str, plan_is: dict[str, Any]
) -> None:
    page = read(client, control(key))
    assert says in page.words
    assert "change sides" not in page.words
    answers = [
        {"targetingKey": f"user-{number}", "country": "SE" if number % 2 else "DK"} for number in range(500)
    ]
    with workspace.graph.read() as reader:
        before = [read_set(reader, "default").flags.evaluate(key, each).value for each in answers]
    assert send(client, page, "adopt").status_code == 303
    with workspace.graph.read() as reader:
        assert [read_set(reader, "default").flags.evaluate(key, each).value for each in answers] == before
    found = plan(workspace, key)
    assert {name: found.get(name) for name in plan_is} == plan_is


def test_a_rule_that_draws_in_another_order_says_so_and_the_preview_counts(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, control("turned"))
    assert "some of them change sides once" in page.words
    shown = send(client, page, "adopt", step="preview")
    assert "'off' → 'on'" in type(page)(shown.text).words
    assert "turned" not in plans(workspace)["flags"]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("branches", "its rule decides in another way"),
        ("alone", "It has one variant only"),
        ("codes", "It leaves its default to the code"),
        ("computed", "Its split has computed parts"),
    ],
)
def test_a_rule_that_no_plan_can_say_is_explained(client: TestClient[Any], key: str, why: str) -> None:
    page = read(client, control(key))
    assert why in page.words
    assert all(("do", "adopt") not in fields for _, fields in page.found)


def test_the_forms_change_what_they_show_and_keep_the_rest_of_the_plan(
    client: TestClient[Any], workspace: Workspace
) -> None:
    def sent(form: str, **fields: Any) -> None:
        answer = send(client, read(client, PAGE), form, **fields)
        assert answer.status_code == 303, answer.text

    sent("schedule", at=["2099-12-01T09:00", ""], to=["25", ""])
    sent("layer", layer="shelf", start="40", end="100")
    sent("holdouts", holdouts=["quarter"], new_holdout="year", holdout_percent="1")
    sent("needs", needed=["other", ""], variant=["on", ""])
    sent("audience", segments_in=["nordic"], new_segment="staff", segment_rule='{"var": "staff"}', rule="")
    assert plan(workspace) == {
        **PLAIN_STORED,
        "ramp": 10,
        "overrides": {"on": ["ana"]},
        "schedule": [{"at": "2099-12-01T09:00:00Z", "ramp": 25}],
        "layer": {"name": "shelf", "from": 40, "to": 100},
        "holdouts": ["quarter", "year"],
        "prerequisites": [{"flag": "other", "variant": "on"}],
        "audience": {"segments": ["nordic", "staff"]},
    }
    page = read(client, PAGE)
    assert "0–40 %: other" in page.words
    assert page.of("schedule")[1]["at"][0] == "2099-12-01T09:00"
    sent("schedule", at=[""], to=[""])
    sent("layer", layer="")
    sent("holdouts", holdouts=[])
    sent("needs", needed=[""], variant=[""])
    sent("audience", segments_in=[])
    assert plan(workspace) == {**PLAIN_STORED, "ramp": 10, "overrides": {"on": ["ana"]}}


PLAIN_STORED = {
    "variants": {"on": True, "off": False},
    "default": "off",
    "treatments": {"on": 1},
    "bucketing": "v2",
}


@pytest.mark.parametrize(
    ("form", "fields", "says"),
    [
        ("schedule", {"at": ["tomorrow"], "to": ["25"]}, "'tomorrow' is no moment"),
        ("schedule", {"at": ["2099-12-01T09:00"], "to": [""]}, "Write a number from 0 to 100"),
        ("layer", {"layer": "shelf", "start": "30", "end": "50"}, "overlaps 0 to 40 %"),
        ("layer", {"layer": "shelf", "start": "60", "end": "50"}, "not after its start"),
        ("layer", {"layer": "nope", "start": "0", "end": "50"}, "There is no layer"),
        ("holdouts", {"new_holdout": "quarter", "holdout_percent": "3"}, "There is a holdout"),
        ("holdouts", {"new_holdout": "x/y", "holdout_percent": "3"}, "cannot be a name here"),
        ("needs", {"needed": ["nobody"], "variant": ["on"]}, "There is no flag"),
        ("needs", {"needed": [KEY], "variant": ["on"]}, "go round in a circle"),
        ("needs", {"needed": ["other"], "variant": [""]}, "names a flag and the variant"),
        ("audience", {"rule": "{"}, "This is not JSON"),
        ("audience", {"rule": "3"}, "is no rule"),
        ("audience", {"new_segment": "staff", "segment_rule": ""}, "A segment has a rule"),
        ("nonsense", {}, "There is no form"),
    ],
)
def test_what_cannot_be_used_is_said_beside_the_form_and_what_was_typed_stays(
    client: TestClient[Any], workspace: Workspace, form: str, fields: dict[str, Any], says: str
) -> None:
    before = plans(workspace)
    page = read(client, PAGE)
    shown = "ramp" if form == "nonsense" else form
    action, sent = page.of(shown)
    sent |= {"do": [form], "step": ["save"], "reason": ["Because <i>."], **fields}
    answer = client.post(action, data=sent, headers=HTML)
    assert answer.status_code == 400
    again = type(page)(answer.text)
    assert says in again.words
    if form == "nonsense":
        return  # no form was meant
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            assert not each or name == "layer" or each in again.of(form)[1][name]
    assert again.of(form)[1]["reason"] == ["Because <i>."]
    assert plans(workspace) == before


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("schedule", {"at": ["0001-01-01T00:00+14:00"], "to": ["5"]}),
        ("schedule", {"at": ["9999-12-31T23:59:59-14:00"], "to": ["5"]}),
        ("schedule", {"at": ["2099-12-01T09:00"] * 30, "to": ["5"] * 30}),
        ("ramp", {"percent": "1e999"}),
        ("ramp", {"percent": "٣"}),
        ("layer", {"layer": "shelf", "start": "1e-9", "end": "99"}),
        ("audience", {"rule": "[" * 50_000}),
        ("audience", {"rule": '{"!": ' * 900 + "1" + "}" * 900}),
        ("audience", {"rule": '{"==": [{"var": "a"}, NaN]}'}),
        ("audience", {"rule": '{"==": [{"var": "a"}, "\\u0000"]}'}),
        ("audience", {"new_segment": "\x00", "segment_rule": "{}"}),
        ("audience", {"segments_in": ["__proto__"]}),
        ("holdouts", {"new_holdout": "<b>" * 5_000, "holdout_percent": "5"}),
        ("needs", {"needed": ["x\x00y"], "variant": ["on"]}),
    ],
)
def test_hostile_input_is_refused_in_words_and_changes_nothing(
    client: TestClient[Any], workspace: Workspace, form: str, fields: dict[str, Any]
) -> None:
    before = (definition(workspace), plans(workspace))
    answer = send(client, read(client, PAGE), form, **fields)
    if form == "ramp" and fields["percent"] == "٣":
        assert answer.status_code == 303  # digits of any script are digits
        return
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert "<b><b>" not in answer.text
    assert (definition(workspace), plans(workspace)) == before


def test_a_change_of_another_flag_meanwhile_is_no_obstacle(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, PAGE)
    ramp(workspace, ME, "default", "other", 60)
    assert send(client, page, "ramp", percent="25").status_code == 303
    assert (plan(workspace)["ramp"], plan(workspace, "other")["ramp"]) == (25, 60)


def test_a_change_of_the_same_flag_meanwhile_is_shown_and_neither_is_lost(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, PAGE)
    ramp(workspace, ME, "default", KEY, 20, reason="Ana was here.")
    answer = send(client, page, "holdouts", holdouts=["quarter"], reason="Mine.")
    assert answer.status_code == 412
    again = type(page)(answer.text)
    assert "Somebody was faster" in again.words
    assert "Ana was here." in again.words
    assert "from 10 % to 20 %" in again.words
    assert "its holdouts are now 'quarter'" in again.words
    assert plan(workspace)["ramp"] == 20
    assert "holdouts" not in plan(workspace)
    confirm = next(fields for _, fields in again.found if ("holdouts", "quarter") in fields)
    saved = client.post(PAGE, data={**dict(confirm), "step": "save"}, follow_redirects=False)
    assert saved.status_code == 303
    assert (plan(workspace)["ramp"], plan(workspace)["holdouts"]) == (20, ["quarter"])


def test_a_kill_does_not_ask_what_others_have_done(client: TestClient[Any], workspace: Workspace) -> None:
    page = read(client, PAGE)
    ramp(workspace, ME, "default", KEY, 90)
    assert send(client, page, "kill").status_code == 303
    assert plan(workspace)["killed"] is True


def test_what_was_just_saved_is_undone_with_one_press(client: TestClient[Any], workspace: Workspace) -> None:
    before = (definition(workspace), plans(workspace))
    saved = send(client, read(client, PAGE), "ramp", percent="100")
    page = read(client, saved.headers["location"])
    undone = send(client, page, "/flags/-/restore/default")
    assert undone.status_code == 303
    assert undone.headers["location"].startswith(f"{PAGE}&told=")
    assert (definition(workspace), plans(workspace)) == before
    assert last_reason(workspace) == "Restored version 2: Undone."


def test_a_plan_whose_flag_was_edited_rests_and_can_be_let_drive_it_again(
    client: TestClient[Any], workspace: Workspace
) -> None:
    document = definition(workspace)
    before = document["flags"][KEY]["targeting"]
    write_set(workspace, ME, "default", {**document, "flags": {**document["flags"], KEY: {**document["flags"][KEY], "targeting": {}}}})  # fmt: skip
    page = read(client, PAGE)
    assert "The rule was edited by hand" in page.words
    assert send(client, page, "reattach").status_code == 303
    assert flag(workspace)["targeting"] == before


def test_a_plan_can_be_taken_away_and_the_flag_stays_as_it_is(
    client: TestClient[Any], workspace: Workspace
) -> None:
    before = flag(workspace)
    assert send(client, read(client, PAGE), "release").status_code == 303
    assert KEY not in plans(workspace)["flags"]
    assert flag(workspace) == before


def test_plans_that_cannot_be_read_leave_on_and_off(client: TestClient[Any], workspace: Workspace) -> None:
    with workspace.graph.write(ME) as writer:
        entity = writer.require("flagset:default/default")
        writer.put({**entity.document, "spec": {**entity.spec, "composition": {"flags": {"x": 3}}}})
    page = read(client, PAGE)
    assert "The set's plans cannot be read" in page.words
    assert send(client, page, "kill").status_code == 303
    assert flag(workspace)["state"] == "DISABLED"


def test_what_does_not_exist_is_not_found(client: TestClient[Any]) -> None:
    assert "did you mean" in client.get(control("plan"), headers={"accept": "text/html"}).text
    read(client, control("zzz"), status=404)
    read(client, "/flags/-/control/zzz?flag=plain", status=404)
    read(client, "/flags/-/control/default", status=404)


def test_who_does_not_own_the_set_reads_whom_to_ask_and_cannot_write(
    workspace: Workspace, make: Make
) -> None:
    squad = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": "home"},
        "spec": {"type": "squad", "profile": {"displayName": "Squad Home"}, "children": []},
    }
    with workspace.graph.write(ME) as writer:
        writer.put(squad)
    write_set(workspace, ME, "default", {"flags": HAND}, owner="group:default/home")
    write_set(workspace, ME, "default", {"flags": {**HAND, "new": BOOLEAN}})
    create_account(workspace.graph, ME, "root", "correct horse battery")
    create_account(workspace.graph, ME, "eve", "correct horse battery")
    client = make(auth=True)
    token = (
        client.get("/login", headers=HTML).text.partition('name="_csrf_token" value="')[2].partition('"')[0]
    )
    client.post("/login", data={"account": "eve", "password": "correct horse battery", "_csrf_token": token})
    for path in (control("plain"), "/flags/-/restore/default?version=1", "/flags/-/promote/default?from=staging&to=production"):  # fmt: skip
        page = read(client, path)
        assert "eve is no member; ask them, or join." in page.words
        assert "Ask SH Squad Home" in page.words
    shown = send(client, read(client, control("plain")), "kill", step="preview")
    assert "everybody gets the default in the code" in type(read(client, control("plain")))(shown.text).words
    refused = send(client, read(client, control("plain")), "kill")
    assert refused.status_code == 403
    assert flag(workspace, "plain")["state"] == "ENABLED"
    undone = client.post("/flags/-/restore/default", data={"version": "1", "_csrf_token": _token(client)}, headers=HTML)  # fmt: skip
    assert undone.status_code == 403
    assert "new" in definition(workspace)["flags"]


def _token(client: TestClient[Any]) -> str:
    return read(client, control("plain")).of("kill")[1]["_csrf_token"][0]


def test_a_schedule_begins_in_the_future(client: TestClient[Any], workspace: Workspace) -> None:
    answer = send(client, read(client, PAGE), "schedule", at=["2020-01-01T00:00"], to=["50"])
    assert answer.status_code == 400
    assert "2020-01-01T00:00:00Z is past" in answer.text
    assert "schedule" not in plan(workspace)


def test_a_typed_percentage_is_what_the_form_shows_when_it_comes_back(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, PAGE)
    ramp(workspace, ME, "default", KEY, 20)
    answer = send(client, page, "ramp", other="30")
    assert answer.status_code == 412
    assert re.search(r'value="other" id="percent-other" checked', answer.text)


def test_who_always_gets_a_variant_is_written_in_lines(client: TestClient[Any], workspace: Workspace) -> None:
    page = read(client, PAGE)
    assert page.of("overrides")[1]["keys"] == ["ana", ""]
    answer = send(client, page, "overrides", keys=["ana\r\n  bo \r\n\r\nbo", "cy"], reason="They test it.")
    assert answer.status_code == 303
    assert plan(workspace)["overrides"] == {"on": ["ana", "bo"], "off": ["cy"]}
    assert last_reason(workspace) == "They test it."
    flags = read_workspace(workspace)
    assert [flags.evaluate(KEY, {"targetingKey": who}).variant for who in ("bo", "cy")] == ["on", "off"]
    twice = send(client, read(client, PAGE), "overrides", keys=["ana", "ana"])
    assert (twice.status_code, "is given 'on' already" in unescape(twice.text)) == (400, True)
    assert read_forms(twice).of("overrides")[1]["keys"] == ["ana", "ana"]
    assert send(client, read(client, PAGE), "overrides", keys=["", ""]).status_code == 303
    assert "overrides" not in plan(workspace)


def test_keys_that_lines_cannot_show_are_left_alone(client: TestClient[Any], workspace: Workspace) -> None:
    kept = {"on": [" ana ", "bo"]}
    compose(workspace, ME, "default", {**PLANS, "flags": {KEY: {**PLAIN, "overrides": kept}}})
    assert send(client, read(client, PAGE), "overrides").headers["location"].endswith("flags-as-before")
    assert plan(workspace)["overrides"] == kept
    compose(workspace, ME, "default", {**PLANS, "flags": {KEY: {**PLAIN, "overrides": {"on": ["a\nb"]}}}})
    page = read(client, PAGE)
    assert "1 targeting key of these cannot be shown in lines" in page.words
    assert not [
        fields for _, fields in page.found if ("do", "overrides") in fields and "keys" in dict(fields)
    ]


THREE = {"variants": {"off": "", "red": "r", "blue ": "b", "green": "g"}, "default": "off"}


def test_shares_of_arms_are_written_beside_their_percentages(
    client: TestClient[Any], workspace: Workspace
) -> None:
    compose(
        workspace,
        ME,
        "default",
        {"flags": {"three": {**THREE, "treatments": {"red": 1, "blue ": 1}, "ramp": 60}}},
    )
    page = read(client, control("three"))
    assert page.of("arms")[1]["arm"] == ["red", "blue ", "green"]
    assert page.of("arms")[1]["share"] == ["1", "1", ""]
    assert "red 50.0 % blue 50.0 % green No arm" in page.words
    told = send(client, page, "arms", step="preview", share=["50", "30", "20"])
    assert (told.status_code, "Who changes" in told.text) == (200, True)
    confirm = next(
        fields
        for _, fields in read_forms(told).found
        if ("share", "30") in fields and ("step", "save") not in fields
    )
    data: dict[str, list[str]] = {}
    for name, value in confirm:
        data.setdefault(name, []).append(value)
    assert (
        client.post(control("three"), data={**data, "step": "save"}, follow_redirects=False).status_code
        == 303
    )
    assert plan(workspace, "three")["treatments"] == {"red": 50, "blue ": 30, "green": 20}
    send(client, read(client, control("three")), "arms", share=["0" * 12 + "7", "1", "1"])
    assert plan(workspace, "three")["treatments"]["red"] == 7
    for wrong in ("-1", "1.5", "x", "²"):
        answer = send(client, read(client, control("three")), "arms", share=[wrong, "1", "1"])
        assert (answer.status_code, f"‘{wrong}’" in answer.text or "is no share" in answer.text) == (
            400,
            True,
        )
    assert send(client, read(client, control("three")), "arms", share=["", "0", ""]).status_code == 400
    assert send(client, read(client, control("three")), "arms", share=["1", "0", ""]).status_code == 303
    assert plan(workspace, "three")["treatments"] == {"red": 1}


def read_forms(answer: Any) -> Forms:
    return Forms(answer.text)


def read_workspace(workspace: Workspace) -> Any:
    with workspace.graph.read() as reader:
        return read_set(reader, "default").flags
