"""Segments, layers and holdouts as forms: changed, renamed and removed, with who uses them and whom that reaches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose
from counterpoint.flags.composition import document_of, read_composition
from counterpoint.flags.form_fields import FormError
from counterpoint.flags.shared_forms import edit_of, shared_of
from counterpoint.flags.store import read_set
from counterpoint.graph.actor import local_actor
from tests.flags.pages import Forms, last_reason, plans, read

ME = local_actor()
PAGE = "/flags/-/shared/shop"
PLAIN: dict[str, Any] = {
    "variants": {"on": True, "off": False},
    "default": "off",
    "treatment": "on",
    "ramp": 50,
}
NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}
PLANS: dict[str, Any] = {
    "segments": {"nordic": NORDIC, "spare": {"==": [{"var": "plan"}, "beta"]}},
    "layers": {"first screen": {}},
    "holdouts": {"quarter": {"percent": 5}},
    "flags": {
        "a": {**PLAIN, "audience": {"segments": ["nordic"], "except": ["spare"]}, "holdouts": ["quarter"]},
        "b": {
            **PLAIN,
            "audience": {"except": ["nordic"]},
            "layer": {"name": "first screen", "from": 0, "to": 40},
        },
    },
}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        compose(made, ME, "shop", PLANS)
        yield made


def ask(client: TestClient, kind: str, which: str, /, *, step: str = "save", **fields: Any) -> Any:
    """Send the form of one, as the page shows it, with some fields filled in."""
    removing = "remove" in fields
    for _, sent in read(client, PAGE).found:
        form = dict(sent)
        if (form.get("kind"), form.get("which"), "remove" in form) == (kind, which, removing):
            return client.post(PAGE, data={**form, "step": step, **fields}, follow_redirects=False)
    raise AssertionError(f"there is no form of {kind} {which!r}")


def variant(ws: Workspace, key: str, **context: Any) -> str | None:
    with ws.graph.read() as reader:
        found: str | None = (
            read_set(reader, "shop").flags.evaluate(key, {"targetingKey": "u", **context}).variant
        )
        return found


def test_each_shows_what_it_is_and_who_uses_it(client: TestClient) -> None:
    words = read(client, PAGE).words
    assert 'nordic country is one of "SE", "NO" 2 flags' in words
    assert "a for those in it b for those who are not in it" in words
    assert "b has 0 to 40 % of it" in words
    assert "quarter 5 % by targetingKey 1 flag" in words
    assert "spare" in words


def test_a_form_that_is_sent_as_it_is_changes_nothing(client: TestClient, ws: Workspace) -> None:
    before = plans(ws, "shop")
    for kind, name in (("segment", "nordic"), ("layer", "first screen"), ("holdout", "quarter")):
        answer = ask(client, kind, name)
        assert (answer.status_code, "flags-as-before" in answer.headers["location"]) == (303, True)
    assert plans(ws, "shop") == before


def test_a_segment_is_changed_for_every_flag_after_a_preview_and_undone(
    client: TestClient, ws: Workspace
) -> None:
    rule = '{"in": [{"var": "country"}, ["DK"]]}'
    told = ask(client, "segment", "nordic", step="preview", rule=rule)
    words = Forms(told.text).words
    assert told.status_code == 200
    assert "'a': the segment 'nordic' changes." in words
    assert "'b': the segment 'nordic' changes." in words
    assert "invented users" in words
    assert plans(ws, "shop")["segments"]["nordic"] == NORDIC
    confirm = next(dict(sent) for _, sent in Forms(told.text).found if dict(sent).get("rule") == rule and "etag" in dict(sent))  # fmt: skip
    answer = client.post(
        PAGE, data={**confirm, "step": "save", "reason": "Denmark first"}, follow_redirects=False
    )
    assert answer.headers["location"] == f"{PAGE}?done=2"
    assert last_reason(ws) == "Denmark first"
    assert variant(ws, "b", country="DK") == "off"
    page = read(client, answer.headers["location"])
    action, undo = next((action, dict(sent)) for action, sent in page.found if "restore" in action)
    assert client.post(action, data={**undo, "step": "save"}, follow_redirects=False).status_code == 303
    assert plans(ws, "shop")["segments"]["nordic"] == NORDIC


def test_renaming_reaches_the_plans_and_draws_nobody_anew(client: TestClient, ws: Workspace) -> None:
    people = [(key, country, user) for key in "ab" for country in ("SE", "US") for user in range(60)]

    def given() -> list[str | None]:
        return [variant(ws, key, country=country, targetingKey=f"u{user}") for key, country, user in people]

    before = given()
    for kind, old, new in (("segment", "nordic", "north"), ("layer", "first screen", "home"), ("holdout", "quarter", "q4")):  # fmt: skip
        assert ask(client, kind, old, name=new).status_code == 303
    after = plans(ws, "shop")
    assert list(after["segments"]) == ["north", "spare"]
    assert after["flags"]["a"]["audience"] == {"segments": ["north"], "except": ["spare"]}
    assert (after["flags"]["a"]["holdouts"], after["flags"]["b"]["layer"]["name"]) == (["q4"], "home")
    assert given() == before


def test_what_is_used_goes_only_with_a_word_and_its_flags_are_told(client: TestClient, ws: Workspace) -> None:
    refused = ask(client, "segment", "nordic", remove="yes")
    assert (refused.status_code, "It is used by a, b" in refused.text) == (400, True)
    told = ask(client, "segment", "nordic", remove="yes", also="yes", step="preview")
    assert "'b': its audience is now everybody." in Forms(told.text).words
    assert "nordic" in plans(ws, "shop")["segments"]
    for kind, name in (("segment", "nordic"), ("layer", "first screen"), ("holdout", "quarter")):
        assert ask(client, kind, name, remove="yes", also="yes", reason="Done with it").status_code == 303
    after = plans(ws, "shop")
    assert (list(after["segments"]), "layers" in after, "holdouts" in after) == (["spare"], False, False)
    assert after["flags"]["a"]["audience"] == {"except": ["spare"]}
    assert not after["flags"]["b"].keys() & {"audience", "layer"}
    assert ask(client, "segment", "spare", remove="yes").status_code == 400


def test_new_ones_are_added(client: TestClient, ws: Workspace) -> None:
    assert ask(client, "segment", "", name="testers", rule='{"!!": [{"var": "tester"}]}').status_code == 303
    assert ask(client, "layer", "", name="home", bucket_by="company").status_code == 303
    assert ask(client, "holdout", "", name="year", percent="2,5 %").status_code == 303
    after = plans(ws, "shop")
    assert after["segments"]["testers"] == {"!!": [{"var": "tester"}]}
    assert after["layers"]["home"] == {"salt": "layer:home", "bucketBy": "company"}
    assert after["holdouts"]["year"] == {"percent": 2.5, "salt": "holdout:year"}


@pytest.mark.parametrize(
    ("kind", "which", "fields", "words"),
    [
        ("segment", "nordic", {"rule": "{"}, "This is not JSON"),
        ("segment", "nordic", {"rule": ""}, "A segment has a rule"),
        ("segment", "nordic", {"rule": "5"}, "is no rule"),
        ("segment", "nordic", {"name": "spare"}, "There is a segment 'spare' already"),
        ("segment", "nordic", {"name": ""}, "A segment has a name"),
        ("segment", "", {"name": "a/b", "rule": '{"!!": [{"var": "x"}]}'}, "cannot be a name here"),
        ("holdout", "quarter", {"percent": "101"}, "is no percentage"),
        ("holdout", "quarter", {"bucket_by": "a b"}, "is no path of an attribute"),
        ("layer", "first screen", {"kind": "shelf"}, "There is no form 'shelf'"),
        ("layer", "first screen", {"which": "gone"}, "There is no layer 'gone' any more"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    client: TestClient, ws: Workspace, kind: str, which: str, fields: dict[str, Any], words: str
) -> None:
    before = plans(ws, "shop")
    answer = ask(client, kind, which, **fields)
    assert answer.status_code == 400
    plain = Forms(answer.text).words.replace("‘", "'").replace("’", "'")
    assert words in plain
    assert plans(ws, "shop") == before


def test_nobody_overwrites_what_others_did_meanwhile(client: TestClient, ws: Workspace) -> None:
    form = next(dict(sent) for _, sent in read(client, PAGE).found if dict(sent).get("which") == "quarter")
    compose(ws, ME, "shop", {**PLANS, "holdouts": {"quarter": {"percent": 7}}})
    answer = client.post(PAGE, data={**form, "step": "save", "percent": "6"}, follow_redirects=False)
    assert (answer.status_code, "Somebody was faster" in answer.text) == (412, True)
    assert plans(ws, "shop")["holdouts"]["quarter"]["percent"] == 7


def test_plans_that_rest_are_renamed_with_the_others() -> None:
    resting = {"detached": {"c": {**PLAIN, "holdouts": ["quarter"]}}}
    composition = read_composition({**PLANS, **resting})
    shared = {each.name: each for each in shared_of(composition)}
    assert [(use.flag, use.resting) for use in shared["quarter"].uses] == [("a", False), ("c", True)]
    renamed = edit_of({"kind": "holdout", "which": "quarter", "name": "q", "percent": "5"})(composition)
    assert document_of(renamed)["detached"]["c"]["holdouts"] == ["q"]
    with pytest.raises(FormError):
        edit_of({"kind": "holdout", "which": "quarter", "remove": "yes"})(composition)
