"""The editor and the page of a new flag, as forms without a script."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags import new_page
from counterpoint.flags.composing import compose
from counterpoint.flags.editing import pretty, with_flag
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from tests.flags.pages import HTML, definition, last_reason, read, send

ME = local_actor()
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
ODD = 'odd "key"?/<b>&'
START: dict[str, Any] = {"flags": {"one": ON, "two": ON, ODD: ON}, "metadata": {"team": "a"}}
WHOLE = "/flags/-/edit/shop"
ONE = "/flags/-/edit/shop?flag=one"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        write_set(made, ME, "shop", START)
        yield made


def changed(**parts: Any) -> str:
    return pretty(ON | parts)


def test_one_flag_is_saved_and_the_others_stay(client: TestClient, ws: Workspace) -> None:
    page = read(client, ONE)
    answer = send(client, page, ONE, text=changed(defaultVariant="on"), reason="It is time")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/flags/shop/one?told=flags-saved"
    assert definition(ws, "shop") == with_flag(START, "one", ON | {"defaultVariant": "on"})
    assert last_reason(ws) == "It is time"
    assert "Saved as a new version" in client.get(answer.headers["location"], headers=HTML).text


def test_keys_hold_any_character(client: TestClient, ws: Workspace) -> None:
    page = read(client, "/flags/-/edit/shop?flag=" + "odd%20%22key%22%3F%2F%3Cb%3E%26")
    assert "<b>" not in html.escape(page.words).replace("&lt;b&gt;", "")
    action = next(action for action, fields in page.found if "text" in dict(fields))
    answer = send(client, page, action, text=changed(defaultVariant="on"))
    assert answer.status_code == 303
    assert definition(ws, "shop")["flags"][ODD]["defaultVariant"] == "on"


def test_a_broken_text_keeps_the_line_breaks_at_its_ends(client: TestClient, ws: Workspace) -> None:
    answer = send(client, read(client, ONE), ONE, text="\r\n{\r\n\r\n")
    assert answer.status_code == 400
    assert ">\n\n{\n\n</textarea>" in answer.text


def test_what_is_broken_is_told_with_its_line_and_the_text_is_kept(client: TestClient, ws: Workspace) -> None:
    text = changed(defaultVariant="of")
    answer = send(client, read(client, ONE), ONE, text=text)
    assert answer.status_code == 400
    assert html.escape("the default variant 'of'", quote=True) in answer.text.replace("&#39;", "&#x27;")
    assert 'data-line="4"' in answer.text
    assert "&#34;of&#34;" in answer.text
    assert definition(ws, "shop") == START


def test_a_preview_tells_whom_it_reaches_and_writes_nothing(client: TestClient, ws: Workspace) -> None:
    text = changed(targeting={"fractional": [["on", 25], ["off", 75]]})
    answer = send(client, read(client, ONE), ONE, step="preview", text=text, reason="Later")
    assert answer.status_code == 200
    assert "What saving would do" in answer.text
    assert "It gets a rule." in answer.text
    assert "25" in answer.text.split("What saving would do")[1]
    assert 'value="Later"' in answer.text
    assert definition(ws, "shop") == START


def test_two_people_with_different_flags_both_keep_theirs(client: TestClient, ws: Workspace) -> None:
    page = read(client, WHOLE)
    theirs = with_flag(START, "two", ON | {"defaultVariant": "on"})
    write_set(ws, ME, "shop", theirs, reason="I was faster")
    mine = with_flag(START, "one", ON | {"state": "DISABLED"})
    answer = send(client, page, WHOLE, text=pretty(mine))
    assert answer.status_code == 412
    assert "Both changes fit together" in answer.text
    assert "I was faster" in answer.text
    assert definition(ws, "shop") == theirs, "nothing is written unasked"
    again = send(client, type(page)(answer.text), WHOLE)
    assert again.status_code == 303
    assert definition(ws, "shop") == with_flag(theirs, "one", ON | {"state": "DISABLED"})


def test_two_people_with_the_same_flag_see_both_and_decide(client: TestClient, ws: Workspace) -> None:
    page = read(client, ONE)
    theirs = with_flag(
        with_flag(START, "one", ON | {"defaultVariant": "on"}), "two", ON | {"state": "DISABLED"}
    )
    write_set(ws, ME, "shop", theirs)
    answer = send(client, page, ONE, text=changed(state="DISABLED"))
    assert answer.status_code == 412
    assert "Both of you changed the same" in answer.text
    assert "Its default is" in answer.text
    assert send(client, type(page)(answer.text), ONE).status_code == 303
    assert definition(ws, "shop") == with_flag(theirs, "one", ON | {"state": "DISABLED"})


def test_a_flag_is_deleted_and_only_that_one(client: TestClient, ws: Workspace) -> None:
    page = read(client, ONE)
    action, fields = next(each for each in page.found if each[0] == ONE and "text" not in dict(each[1]))
    answer = client.post(
        action,
        data={**dict(fields), "step": "delete", "reason": "Done"},
        headers=HTML,
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/flags/shop?told=flags-deleted"
    assert list(definition(ws, "shop")["flags"]) == ["two", ODD]
    assert client.get(ONE, headers=HTML).status_code == 404


def test_a_planned_flag_says_what_becomes_of_its_plan(client: TestClient, ws: Workspace) -> None:
    compose(ws, ME, "shop", {"flags": {"one": {"default": "off", "treatment": "on", "ramp": 5}}})
    assert "A plan drives this flag" in read(client, ONE).words
    assert "Plans drive 1 flag of this set" in read(client, WHOLE).words


def test_the_script_asks_what_is_wrong(client: TestClient) -> None:
    _, fields = read(client, ONE).of(ONE)
    sent = {name: value[0] for name, value in fields.items()} | {"text": changed(defaultVariant="of")}
    answer = client.post("/flags/-/check/shop?flag=one", data=sent)
    assert answer.status_code == 200
    assert answer.json()["good"] is False
    assert answer.json()["remarks"][0]["line"] == 4
    assert (
        client.post(
            "/flags/-/check/shop?flag=one", data={"text": "{}"}, headers={"Sec-Fetch-Site": "cross-site"}
        ).status_code
        == 403
    )


def test_a_new_flag_is_made_from_fields(client: TestClient, ws: Workspace) -> None:
    page = read(client, "/flags/-/new/shop")
    answer = send(client, page, "/flags/-/new/shop", key="fresh", percent="10", description="For all")
    assert answer.headers["location"] == "/flags/shop/fresh?told=flags-saved"
    made = definition(ws, "shop")["flags"]["fresh"]
    assert made["targeting"] == {"fractional": [["on", 10_000], ["off", 90_000]]}
    assert made["metadata"] == {"description": "For all"}
    wrong = send(client, page, "/flags/-/new/shop", key="one", percent="x")
    assert wrong.status_code == 400
    assert "already" in wrong.text
    assert "percentage from 0 to 100" in wrong.text


def test_a_flag_is_made_like_another(client: TestClient, ws: Workspace) -> None:
    rule = {"if": [{"==": [{"var": "a"}, 1]}, "on", "off"]}
    write_set(ws, ME, "shop", with_flag(START, "one", ON | {"targeting": rule}))
    page = read(client, "/flags/-/new/shop?like=one")
    assert send(client, page, "/flags/-/new/shop").status_code == 303
    assert definition(ws, "shop")["flags"]["one-2"]["targeting"] == rule


def test_a_new_flag_is_put_into_what_others_write_at_the_same_time(
    client: TestClient, ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = with_flag(START, "theirs", ON)
    tries = []

    def late(*given: Any, **named: Any) -> Any:
        tries.append(given)
        if len(tries) == 1:
            write_set(ws, ME, "shop", theirs)
        return write_set(*given, **named)

    monkeypatch.setattr(new_page, "write_set", late)
    page = read(client, "/flags/-/new/shop")
    assert send(client, page, "/flags/-/new/shop", key="fresh").status_code == 303
    assert len(tries) == 2
    assert list(definition(ws, "shop")["flags"]) == ["one", "two", ODD, "theirs", "fresh"]


def test_a_thousand_flags_are_opened_and_checked_soon(client: TestClient, ws: Workspace) -> None:
    many = {
        "flags": {
            f"flag-{n:04}": ON | {"targeting": {"fractional": [["on", n], ["off", 1000]]}}
            for n in range(1000)
        }
    }
    write_set(ws, ME, "shop", many)
    page = read(client, WHOLE)
    _, fields = page.of(WHOLE)
    text = pretty(with_flag(many, "flag-0500", ON | {"defaultVariant": "of"}))
    answer = client.post("/flags/-/check/shop", data={"_csrf_token": fields["_csrf_token"][0], "text": text})
    (remark,) = answer.json()["remarks"]
    assert "'flag-0500'" in remark["message"]
    assert '"defaultVariant": "of"' in text.splitlines()[remark["line"] - 1]


def test_a_member_that_is_written_twice_is_remarked(client: TestClient) -> None:
    text = changed().replace('"state": "ENABLED",', '"state": "ENABLED",\n  "state": "DISABLED",')
    _, fields = read(client, ONE).of(ONE)
    sent = {name: value[0] for name, value in fields.items()} | {"text": text}
    (remark,) = client.post("/flags/-/check/shop?flag=one", data=sent).json()["remarks"]
    assert (remark["level"], "more than once" in remark["message"]) == ("warning", True)
    assert remark["line"] in (2, 3)


def test_a_save_without_an_etag_overwrites_nothing(client: TestClient, ws: Workspace) -> None:
    answer = send(client, read(client, ONE), ONE, text=changed(state="DISABLED"), etag="")
    assert answer.status_code == 412
    assert definition(ws, "shop") == START
