"""Scorecards over HTTP, on pages and on the command line."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.scorecards import history
from counterpoint.catalog.scorecards.builtin import BUILT_IN
from counterpoint.catalog.scorecards.recording import recording
from counterpoint.catalog.scorecards.shown import EXAMPLE, entity_section, unit_section
from counterpoint.catalog.scorecards.standing import Standing
from counterpoint.cli import run
from counterpoint.graph.descriptor import validate
from counterpoint.graph.predicate import OPERATORS, TOGETHER
from counterpoint.server.app import create_app
from counterpoint.web.render import environment
from counterpoint.yaml12.reader import read_text
from tests.catalog.scorecards.conftest import card, put
from tests.graph.documents import component

GUIDE = Path(__file__).parents[3] / "docs" / "scorecards.md"
HTML = {"Accept": "text/html"}
FACTS = "/api/v1/facts/component/default/web"


@pytest.fixture
def asked(carded: Workspace) -> Iterator[TestClient]:
    """A client of the workspace with a scorecard."""
    app = create_app(carded, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as client:
        yield client


def test_scorecards_are_listed_with_counts_and_without_a_score(asked):
    (item,) = asked.get("/api/v1/scorecards").json()["items"]
    assert item["entities"] == 3
    assert item["checks"][0] | {"why": "", "remedy": ""} == {
        "id": "owned", "title": "Its owner exists", "level": "known", "why": "", "remedy": "",
        "link": "/catalog?kind=Group", "passes": 2, "fails": 1, "exempt": 0,
    }  # fmt: skip
    assert not {"score", "rank", "grade"} & item.keys()
    assert asked.get("/api/v1/scorecards/default/ready").json() == item
    assert asked.get("/api/v1/scorecards/default/none").status_code == 404


def test_entities_of_a_check_page_by_cursor(asked):
    seen, cursor = [], None
    while True:
        query = {"check": "covered", "outcome": "fails", "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = asked.get("/api/v1/scorecards/default/ready/entities", params=query).json()
        assert answer["total"] == 3
        seen += [item["entity"] for item in answer["items"]]
        cursor = answer.get("nextCursor")
        if not cursor:
            break
    assert seen == ["component:default/core", "component:default/lost", "component:default/web"]


def test_what_comes_next_is_listed_by_owner_and_pages(asked):
    first = asked.get("/api/v1/scorecards/next?limit=2").json()
    assert [item["title"] for item in first["items"]] == ["nobody", "platform"]
    rest = asked.get("/api/v1/scorecards/next", params={"limit": 2, "cursor": first["nextCursor"]}).json()
    assert [item["owner"] for item in rest["items"]] == ["group:default/player"]
    assert rest["nextCursor"] is None
    only = asked.get("/api/v1/scorecards/next?owner=platform&nested=false").json()
    assert only["items"][0]["items"][0]["checks"][0]["id"] == "covered"


def test_an_entity_has_its_scorecards(asked):
    (item,) = asked.get("/api/v1/entities/component/default/lost/scorecards").json()["items"]
    assert (item["nextLevel"], [check["id"] for check in item["next"]]) == ("known", ["owned"])
    assert asked.get("/api/v1/entities/group/default/player/scorecards").json() == {"items": []}


def test_a_fact_is_put_and_counts_in_the_next_answer(asked):
    answer = asked.put(FACTS, json={"facts": {"coverage": 91}, "source": "ci", "at": "2026-05-03T00:00:00Z"})
    assert answer.status_code == 200
    assert answer.json()["items"][0] | {"since": ""} == {
        "name": "coverage", "value": 91, "source": "ci", "at": "2026-05-03T00:00:00Z", "since": "",
        "actor": answer.json()["items"][0]["actor"],
    }  # fmt: skip
    assert asked.get(FACTS).json() == answer.json()
    (item,) = asked.get("/api/v1/scorecards").json()["items"]
    assert item["checks"][2]["passes"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/scorecards?at=yesterday", None),
        ("GET", "/api/v1/scorecards/next?owner=:", None),
        ("GET", "/api/v1/scorecards/next?limit=0", None),
        ("GET", "/api/v1/scorecards/next?cursor=x", None),
        ("GET", "/api/v1/scorecards/default/ready/entities?outcome=great", None),
        ("GET", "/api/v1/scorecards/default/ready/trend?from=2026-13-01", None),
        ("GET", "/api/v1/scorecards/default/ready/trend?from=2020-01-01&to=2026-01-01", None),
        ("PUT", FACTS, {"facts": {"coverage": [1]}}),
        ("PUT", FACTS, {"facts": {"docs.present": True}}),
        ("PUT", FACTS, {}),
        ("PUT", "/api/v1/facts/user/default/ana", {"facts": {"speed": 1}}),
    ],
)
def test_requests_that_mean_nothing_are_400(asked, method, path, body):
    answer = asked.request(method, path, json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_past_date_is_answered_over_http_and_on_pages(asked, carded):
    history.keep(carded)
    with carded.graph.read() as reader:
        then = reader.activity(limit=1)[0].at.isoformat()
    put(carded, component("web", owner="player", lifecycle="deprecated"))
    now = asked.get("/api/v1/scorecards/default/ready").json()
    before = asked.get("/api/v1/scorecards/default/ready", params={"at": then}).json()
    assert (now["checks"][1]["passes"], before["checks"][1]["passes"]) == (2, 3)
    page = asked.get("/scorecards/default/ready", params={"at": then}, headers=HTML)
    assert "As it was on" in page.text
    today = datetime.now(UTC).date().isoformat()
    trend = asked.get("/api/v1/scorecards/default/ready/trend", params={"from": today}).json()["items"]
    assert [(point["day"], point["passes"]) for point in trend] == [(today, 5)]


def test_pages_show_what_to_do_and_never_a_rank(asked):
    page = asked.get("/scorecards", headers=HTML)
    assert page.status_code == 200
    assert "4 things" in page.text
    one = asked.get("/scorecards/default/ready?check=owned", headers=HTML)
    assert "> of 3 pass" in one.text.replace("2</a>", ">")
    assert "Name a unit." in one.text
    todo = one.text[one.text.index('id="next"') :]
    assert todo.index("nobody") < todo.index("platform") < todo.index("player")
    mine = asked.get("/scorecards/next?owner=platform", headers=HTML)
    assert "every unit below it" in mine.text
    assert "lost" not in mine.text
    assert asked.get("/scorecards/default/none", headers=HTML).status_code == 404


def test_an_empty_page_gives_a_scorecard_to_copy_that_is_valid(workspace):
    assert [validate(each.value) for each in read_text(EXAMPLE).documents] == [[]]
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        assert "counterpoint import catalog scorecard.yaml" in client.get("/scorecards", headers=HTML).text
        assert "Nothing to do" in client.get("/scorecards/next", headers=HTML).text


def test_the_guide_names_every_fact_and_operator_and_its_scorecard_is_valid():
    text = GUIDE.read_text(encoding="utf-8")
    for name in BUILT_IN:
        assert f"`fact.{name}`" in text
    for operator in (*OPERATORS, *TOGETHER):
        assert f"`{operator}`" in text
    (example,) = re.findall(r"```yaml\n(apiVersion.*?)```", text, re.S)
    assert [validate(each.value) for each in read_text(example).documents] == [[]]


def test_the_sections_for_other_pages_say_what_comes_next(carded):
    templates = environment()
    section = templates.get_template("catalog/scorecards/entity.html").module.section
    assert "Its owner exists" in section(entity_section(carded, "component:default/lost"))
    assert section(entity_section(carded, "group:default/player")).strip() == ""
    unit = templates.get_template("catalog/scorecards/unit.html").module.section
    assert "Tests cover it" in unit(unit_section(carded, "group:default/platform"), "group:default/platform")


def test_the_command_says_what_passes_and_keeps_the_history(carded, capsys):
    carded.close()
    at = ["-w", str(carded.path)]
    assert run([*at, "scorecards", "check"]) == 0
    shown = capsys.readouterr().out
    assert "2 of 3 pass" in shown
    assert "web: Tests cover it" in shown
    assert run([*at, "--json", "scorecards", "check", "ready", "--entity", "web"]) == 0
    assert json.loads(capsys.readouterr().out)["scorecards"][0]["next"][0]["id"] == "covered"
    assert run([*at, "scorecards", "check", "none"]) == 1
    assert "There is no scorecard:default/none" in capsys.readouterr().err
    assert run([*at, "scorecards", "check", "--entity", "none"]) == 1
    with Workspace.open(carded.path) as again, again.graph.read() as reader:
        assert len(history.spans(reader, "component:default/web")) == 1


def test_a_running_server_keeps_what_changes(carded):
    async def serve() -> None:
        async with recording(carded, period=0.01):
            for _ in range(500):
                await asyncio.sleep(0.01)
                with carded.graph.read() as reader:
                    if history.spans(reader, "component:default/web"):
                        return
            raise AssertionError("nothing was kept")

    asyncio.run(serve())


def test_forty_thousand_checks_take_far_less_than_two_seconds(workspace):
    checks = [
        {
            "id": f"c{i}",
            "title": "t",
            "predicate": {"spec.lifecycle": "production", "fact.owner.exists": True},
        }
        for i in range(20)
    ]
    put(
        workspace,
        card(levels=[], checks=checks),
        *(component(f"c{i}", owner="platform") for i in range(2_000)),
    )
    start = time.process_time()
    held = Standing(workspace).now().held
    assert len(held["scorecard:default/ready"]) == 2_000
    assert time.process_time() - start < 2
