"""Concerns attacked through HTTP: API, pages, search, activity, history, live stream, logs and command line."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.cli import run
from counterpoint.moments import today_utc
from tests.asking import assisted, put_beside
from tests.server.conftest import _quick_hashes, csrf, csrf_of, make_client, sign_in, token

from .conftest import ANA, BET, BO, fill

__all__ = ["_quick_hashes", "csrf", "make_client", "sign_in", "token"]

Client = TestClient[Any]
TEXT = "Zebra: the licences will not be there in time"
HTML = {"Accept": "text/html"}
DOCS = Path(__file__).parents[3] / "docs" / "concerns.md"


class Person:
    """Somebody who is signed in, on the one client of the test."""

    def __init__(self, client: Client, cookies: dict[str, str]) -> None:
        self._client, self._cookies = client, cookies

    def get(self, path: str, **more: Any) -> Any:
        return self._as(self._client.get, path, more)

    def post(self, path: str, **more: Any) -> Any:
        return self._as(self._client.post, path, more)

    def _as(self, send: Callable[..., Any], path: str, more: dict[str, Any]) -> Any:
        self._client.cookies.clear()
        self._client.cookies.update(self._cookies)
        return send(path, **more)


@pytest.fixture
def people(
    workspace: Workspace, make_client: Callable[..., Client], sign_in: Callable[..., Any]
) -> Callable[[str], Person]:
    """Signs in people of the little organisation; root is an administrator."""
    fill(workspace.graph)
    put_beside(workspace.graph)
    client = make_client()

    def enter(name: str) -> Person:
        client.cookies.clear()
        sign_in(client, name, admin=name == "root")
        return Person(client, dict(client.cookies))

    return enter


def send(client: Person, path: str, page: str = "/concerns/new", **data: str) -> Any:
    form = client.get(page, headers=HTML)
    return client.post(path, data=data | {"_csrf_token": csrf_of(form)}, headers=HTML, follow_redirects=False)


ROUTES = (
    "/api/v1/concerns",
    f"/api/v1/concerns?bet={BET}",
    "/api/v1/concerns?unit=discovery",
    "/api/v1/concerns/figures?unit=discovery",
    "/concerns",
    f"/concerns?bet={BET}",
    "/bets/default/weekly",
    "/bets",
    "/api/v1/bets/default/weekly",
    "/api/v1/bets",
    "/search?q=zebra",
    "/api/v1/search?q=zebra",
    "/activity",
    "/api/v1/activity",
    f"/activity?subject={BET}",
    "/catalog/bet/default/weekly",
    "/api/v1/entities/bet/default/weekly/history",
    "/bets/board?unit=discovery",
    "/api/v1/boards?unit=discovery",
    "/bets/reviews?unit=discovery",
    "/api/v1/reviews?unit=discovery",
    "/bets/digest",
    "/api/v1/digest",
    "/my-week",
    "/api/v1/my-week",
    "/api/v1/people/export",
    "/api/catalog/entities",
    "/api/catalog/entities/by-name/bet/default/weekly",
    "/units/default/discovery",
    "/people/default/ana",
    "/",
    "/metrics",
    "/api/openapi.json",
)
"""Everything that could tell of a concern."""


@pytest.mark.parametrize("naming", ["named", "squad", "anonymous"])
def test_no_door_tells_anybody_outside_before_the_day(people: Callable[[str], Person], naming: str) -> None:
    ana, boss, root = people("ana"), people("tove"), people("root")
    raised = send(ana, "/concerns/new", bet=BET, text=TEXT, risk="quality", naming=naming)
    assert raised.status_code in (200, 303)
    items = ana.get("/api/v1/concerns").json()["items"]
    number = items[0]["concern"]["id"]
    for client in (boss, root):
        for route in (*ROUTES, f"/concerns/{number}", f"/api/v1/concerns/{number}"):
            answer = client.get(route, headers={} if route.startswith("/api/") else HTML)
            assert answer.status_code == (404 if number in route else 200), route
            text = answer.text
            assert "Zebra" not in text, route
            assert number not in text or number in route, route
        told = "".join(assisted(client.post, "zebra"))
        assert "Zebra" not in told
        assert number not in told
        missing = client.get("/api/v1/concerns/" + "0" * 32)
        hidden = client.get(f"/api/v1/concerns/{number}")
        assert (missing.status_code, hidden.status_code) == (404, 404)
        assert missing.text.replace("0" * 32, number).split("instance")[0] == hidden.text.split("instance")[0]
        for move in ("acknowledge", "publish", "resolve", "withdraw"):
            answer = client.post(
                f"/api/v1/concerns/{number}/answers",
                json={"move": move, "text": "x"},
                headers={"X-CSRF-Token": csrf_of(client.get("/concerns/new", headers=HTML))},
            )
            assert answer.status_code == 404


def test_a_token_and_the_local_user_see_no_more_than_anybody(
    workspace: Workspace,
    people: Callable[[str], Person],
    token: Callable[..., dict[str, str]],
    make_client: Callable[..., Client],
) -> None:
    raise_concern(workspace.graph, BET, TEXT, actor=ANA)
    header = token("read", "write")
    assert make_client().get("/api/v1/concerns", headers=header).json() == {"items": [], "nextCursor": None}
    assert make_client(auth=False).get("/api/v1/concerns").json() == {"items": [], "nextCursor": None}
    early = today_utc() - timedelta(days=9)
    raise_concern(workspace.graph, BET, TEXT, actor=ANA, naming="anonymous", today=early)
    assert '"author":"' not in "".join(assisted(make_client().post, "zebra", header))
    found = make_client().get("/api/v1/concerns", headers=header).json()["items"]
    assert [each["concern"]["author"] for each in found] == [None]
    answered = make_client().post(
        "/api/v1/concerns", headers=header, json={"bet": BET, "text": "x", "naming": "squad"}
    )
    assert answered.status_code == 403


def test_the_request_log_has_no_line_about_concerns(people: Callable[[str], Person]) -> None:
    ana = people("ana")
    with structlog.testing.capture_logs() as lines:
        send(ana, "/concerns/new", bet=BET, text=TEXT, risk="quality", naming="anonymous")
        ana.get("http://counterpoint.localhost//concerns/new")
        ana.get("/api/v1/concerns")
        ana.get("/bets/default/weekly")
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/bets/default/weekly"]


def test_no_count_that_anybody_may_read_tells_when_one_was_raised(people: Callable[[str], Person]) -> None:
    ana = people("ana")

    def counts() -> list[str]:
        lines = ana.get("/metrics").text.splitlines()
        return [
            line
            for line in lines
            if "requests" in line and "/metrics" not in line and "in_flight" not in line
        ]

    ana.get("/concerns/new", headers=HTML)
    before = counts()
    send(ana, "/concerns/new", bet=BET, text=TEXT, naming="anonymous")
    ana.get("/api/v1/concerns")
    assert counts() == before


def test_a_failure_is_logged_without_who_and_what(
    people: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = people("ana")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"[parameters: ({ANA.ref}, {TEXT})]")

    monkeypatch.setattr("counterpoint.bets.concerns.pages.raise_concern", fail)
    with structlog.testing.capture_logs() as lines:
        assert send(ana, "/concerns/new", bet=BET, text=TEXT, naming="anonymous").status_code == 500
    assert [(line["event"], line["path"]) for line in lines] == [
        ("request_failed", "/concerns"),
        ("request", "/concerns"),
    ]
    assert "ana" not in repr(lines)
    assert "Zebra" not in repr(lines)


def test_a_nameless_concern_is_answered_with_a_receipt_that_no_address_holds(
    people: Callable[[str], Person],
) -> None:
    ana, bo = people("ana"), people("bo")
    page = send(ana, "/concerns/new", bet=BET, text=TEXT, naming="anonymous")
    assert page.status_code == 200
    assert "may guess" in page.text
    receipt = page.text.split("<code>")[1].split("</code>")[0]
    number = bo.get("/api/v1/concerns").json()["items"][0]["concern"]["id"]
    url = f"/concerns/{number}"
    refused = send(bo, url, move="withdraw", receipt="guess")
    assert refused.status_code == 403
    assert "receipt" in refused.text
    assert send(ana, url, move="withdraw", receipt=receipt).status_code == 303
    assert bo.get(f"/api/v1{url}").json()["concern"]["state"] == "withdrawn"


def test_leaders_answer_on_the_page_once_the_squad_has_published(people: Callable[[str], Person]) -> None:
    ana, boss = people("ana"), people("tove")
    where = send(ana, "/concerns/new", bet=BET, text=TEXT, naming="squad").headers["location"]
    url = where.partition("?")[0]
    assert send(ana, url, move="publish").status_code == 303
    page = boss.get(url, headers=HTML).text
    assert "Change a constraint" in page
    assert "demand" not in page.lower()
    assert send(boss, url, move="acknowledge").status_code == 303
    assert "Write what help you offer" in send(boss, url, move="offer_help").text
    assert send(boss, url, move="resolve", text="No.").status_code == 403
    assert send(ana, url, move="resolve", text="We moved the date.").status_code == 303
    assert send(boss, url, move="ask", text="Why?").status_code == 409
    activity = boss.get("/api/v1/activity").text
    assert "concern.resolved" in activity
    assert "moved the date" not in activity
    assert "user:default/ana" not in json.dumps(
        [each for each in boss.get("/api/v1/activity").json()["items"] if "concern" in each["action"]]
    )


def test_wrong_input_is_told_at_its_field(people: Callable[[str], Person]) -> None:
    cleo = people("cleo")
    page = send(cleo, "/concerns/new", bet=BET, text="", naming="named")
    assert page.status_code == 400
    assert "Say in a sentence" in page.text
    assert send(cleo, "/concerns/new", bet="bet:default/none", text="x").status_code == 400
    refused = send(cleo, "/concerns/new", bet=BET, text="x", naming="anonymous")
    assert "raise it by name" in refused.text
    assert "about_on" in send(cleo, "/concerns/new", bet=BET, text="x", about_on="soon").text


def test_the_live_stream_is_not_woken_by_a_concern(workspace: Workspace) -> None:
    fill(workspace.graph)
    before = workspace.graph.last_activity()
    raise_concern(workspace.graph, BET, TEXT, actor=BO, naming="squad", publish=True)
    assert workspace.graph.last_activity() == before


def test_the_command_line_raises_lists_and_answers(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(workspace.graph)
    where = ["-w", str(workspace.path), "--json"]
    assert run([*where, "concerns", "raise", BET, TEXT, "--risk", "quality"]) == 0
    number = json.loads(capsys.readouterr().out)["concern"]["id"]
    raise_concern(workspace.graph, BET, "hidden", actor=ANA)
    assert run([*where, "concerns", "list"]) == 0
    assert [each["concern"]["id"] for each in json.loads(capsys.readouterr().out)["items"]] == [number]
    assert run([*where, "concerns", "answer", number, "withdraw"]) == 0
    assert json.loads(capsys.readouterr().out)["concern"]["state"] == "withdrawn"
    assert run([*where, "concerns", "raise", BET, TEXT, "--about", "soon"]) == 2


def test_a_concern_is_raised_within_twenty_seconds(people: Callable[[str], Person]) -> None:
    """By the keystroke-level model (Card, Moran and Newell, 1980), with what the form asks for and nothing more."""
    page = people("ana").get(f"/concerns/new?bet={BET}", headers=HTML).text
    form = page.partition('action="/concerns/new"')[2].partition("</form>")[0]
    asked = re.findall(r"<(?:input|textarea|select)(?![^>]*type=\"hidden\")[^>]*\brequired[^>]*>", form)
    typed = [each for each in asked if 'type="radio"' not in each]
    assert len(typed) == 1, "one field is to be written"
    assert 'name="text"' in typed[0]
    assert " autofocus" in typed[0]
    for choice in ("risk", "naming"):
        assert len(re.findall(rf'name="{choice}"[^>]* checked', form)) == 1, "chosen already"
    assert len(re.findall(r"<button(?![^>]*type=.button)", form)) == 1, "Ctrl and Enter send it"
    think, key, letters = 1.35, 0.28, 50
    seconds = think + key + think + letters * key + 2 * key  # c, a sentence, Ctrl and Enter
    assert f"that is {seconds:.1f} s for a sentence of {letters} characters" in DOCS.read_text()
    assert seconds < 20
