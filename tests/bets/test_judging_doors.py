"""Judgement, decisions and reviews through their doors: API, pages, commands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.store import write
from counterpoint.cli import run
from counterpoint.graph.actor import SYSTEM
from counterpoint.server import mounting
from counterpoint.server.app import create_app

Client = TestClient[Any]
HTML = {"Accept": "text/html"}
BET = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Bet",
    "metadata": {"name": "weekly", "title": "Weekly"},
    "spec": {"owner": "discovery"},
}
PAGE = "/bets/default/weekly/judgement"


@pytest.fixture
def house(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the local user, with a bet; the application has the room and its parts."""
    write(org.graph, BET, actor=SYSTEM)
    rooms = ("bets", "bets.deciding", "bets.judgement", "bets.reviews")
    monkeypatch.setattr(mounting, "ROOMS", rooms)
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def post(client: Client, page: str, address: str, **fields: str) -> Any:
    """Send a form of a page as a browser does, and follow where it leads."""
    token = re.search(r'name="_csrf_token" value="([^"]+)"', client.get(page, headers=HTML).text)
    assert token
    return client.post(address, data=fields | {"_csrf_token": token[1]}, headers=HTML)


def test_a_range_is_asked_for_locked_revealed_and_resolved_on_its_page(house: Client) -> None:
    page = post(
        house,
        PAGE,
        f"{PAGE.removesuffix('judgement')}questions",
        question="How many weeks?",
        quantity="duration",
    )
    address = str(page.url).partition("?")[0].removeprefix("http://127.0.0.1")
    wrong = post(house, address, address, p10="4", p50="2", p90="9")
    assert (wrong.status_code, "write the low end first" in wrong.text, 'value="4"' in wrong.text) == (
        400,
        True,
        True,
    )
    assert post(house, address, address, p10="2", p50="4", p90="9").status_code == 200
    api = f"/api/v1{address}"
    assert house.get(api).json()["mineRange"] == {"p10": 2.0, "p50": 4.0, "p90": 9.0}
    assert house.post(api, json={"p": 0.5}).status_code == 400
    assert house.post(api, json={}).json()["errors"][0]["pointer"] == "/p"
    assert house.post(api, json={"p10": 2, "p50": 5, "p90": 9}).status_code == 201
    shown = post(house, address, f"{address}/steps", step="reveal")
    assert "1 person predicted" in shown.text
    assert house.post(f"{api}/estimate").status_code == 409
    wrong = post(house, address, f"{address}/steps", step="resolve", amount="soon")
    assert "is no number" in wrong.text
    done = post(house, address, f"{address}/steps", step="resolve", amount="6")
    assert "It came to 6" in done.text


@pytest.mark.parametrize("page", ["/bets/digest?unit=discovery", "/bets/digest", "/boundaries"])
def test_units_are_named_as_elsewhere_and_a_page_without_one_says_what_to_do(
    house: Client, page: str
) -> None:
    shown = house.get(page, headers=HTML)
    assert shown.status_code == 200
    assert page != "/boundaries" or "Choose a unit above" in shown.text


def test_estimates_are_written_in_per_cent_and_units_and_lead_to_a_test(house: Client) -> None:
    fields = {
        f"{name}-{point}": text
        for name, texts in {
            "value": ("3000", "5000", "9000"),
            "cost": ("80", "120", "200"),
            "risk-value": ("15", "30 %", "50"),
        }.items()
        for point, text in zip(("p10", "p50", "p90"), texts, strict=True)
    }
    kept = post(house, PAGE, PAGE, unit="kEUR", **fields)
    assert kept.status_code == 200
    assert "Next:" in kept.text
    answer = house.get("/api/v1/bets/default/weekly/estimates").json()
    assert [(each["quantity"], each["p50"]) for each in answer["estimates"]] == [
        ("value", 5000),
        ("cost", 120),
        ("risk-value", 0.3),
    ]
    assert answer["advised"]["outlook"]["unit"] == "kEUR"
    assert "Next:" in house.get("/bets/default/weekly", headers=HTML).text


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("1", "", "3"), "Fill in all three"),
        (("many", "2", "3"), "is no number"),
        (("3", "2", "1"), "low end first"),
    ],
)
def test_a_wrong_range_is_shown_again_and_nothing_is_kept(
    house: Client, texts: tuple[str, ...], message: str
) -> None:
    fields = {f"value-{point}": text for point, text in zip(("p10", "p50", "p90"), texts, strict=True)}
    answer = post(house, PAGE, PAGE, **fields, **{"cost-p10": "1", "cost-p50": "2", "cost-p90": "3"})
    assert answer.status_code == 400
    assert message in answer.text
    assert f'value="{texts[0]}"' in answer.text
    assert house.get("/api/v1/bets/default/weekly/estimates").json()["estimates"] == []


def test_a_question_is_asked_predicted_revealed_and_resolved_on_its_pages(house: Client) -> None:
    asked = post(house, PAGE, "/bets/default/weekly/questions", question="Will it?", resolvesOn="2026-12-01")
    address = asked.url.path
    assert post(house, address, address, p="all").status_code == 400
    assert post(house, address, address, p="100").status_code == 400
    assert "Your prediction is locked" in post(house, address, address, p="70").text
    assert "1 person predicted" in post(house, address, f"{address}/steps", step="reveal").text
    assert post(house, address, f"{address}/steps", step="resolve").status_code == 400
    assert "It came true" in post(house, address, f"{address}/steps", step="resolve", outcome="yes").text
    assert "Only you can see this" in house.get("/predictions", headers=HTML).text
    assert post(house, PAGE, "/bets/default/weekly/questions", question=" ").status_code == 400


def test_the_order_of_bets_says_what_is_missing(house: Client) -> None:
    assert "No ranges yet" in house.get("/bets/portfolio", headers=HTML).text
    for quantity in ("cost-of-delay", "duration"):
        body = {"quantity": quantity, "p10": 1, "p50": 2, "p90": 3, "unit": "kEUR"}
        assert house.post("/api/v1/bets/default/weekly/estimates", json=body).status_code == 201
    assert "Counted in kEUR" in house.get("/bets/portfolio", headers=HTML).text
    assert house.get("/api/v1/bets/portfolio").json()["orders"][0]["bets"] == ["bet:default/weekly"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (
            "/api/v1/bets/default/weekly/estimates",
            {"quantity": "value", "p10": 3, "p50": 2, "p90": 1},
            "/p50",
        ),
        ("/api/v1/bets/default/weekly/questions", {"question": ""}, "/question"),
        ("/api/v1/decisions", {"title": "", "unit": "discovery"}, "/title"),
        ("/api/v1/decisions/markdown", {"markdown": "no title"}, "/title"),
        ("/api/v1/reviews/cadence", {"unit": "discovery", "weeks": 0}, "/weeks"),
        ("/api/v1/briefs", {"unit": "discovery", "title": "", "text": "T", "readers": "discovery"}, "/title"),
    ],
)
def test_bad_input_is_a_problem_with_its_place(
    house: Client, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = house.post(path, json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_decision_is_proposed_advised_and_accepted_on_its_pages(house: Client) -> None:
    options = "Lists\n+ simple\n- slow\nGraph"
    made = post(
        house,
        "/decisions/new",
        "/decisions/new",
        title="Lists it is",
        unit="discovery",
        kind="architecture",
        options=options,
    )
    assert made.url.path == "/decisions/1"
    assert "Nobody is named who is affected" in made.text
    assert (
        post(house, "/decisions/1", "/decisions/1/advice", kind="asked", whom="nobody", text="?").status_code
        == 400
    )
    asked = post(
        house, "/decisions/1", "/decisions/1/advice", kind="asked", whom="discovery", text="Does it hold?"
    )
    assert "was asked" in asked.text
    against = post(
        house, "/decisions/1", "/decisions/1/advice", kind="given", stance="against", text="Not for two."
    )
    assert "Not for two." in against.text
    refused = post(house, "/decisions/1", "/decisions/1/steps", step="accept")
    assert "Write into the record what was chosen: one of Lists, Graph" in refused.text
    edited = post(
        house,
        "/decisions/1/edit",
        "/decisions/1/edit",
        title="Lists it is",
        unit="discovery",
        options=options,
        chosen="Lists",
        version="1",
    )
    assert edited.status_code == 200
    assert "The decision is accepted" in post(house, "/decisions/1", "/decisions/1/steps", step="accept").text
    assert "1 dissent" in house.get("/decisions?q=lists", headers=HTML).text
    markdown = house.get("/api/v1/decisions/1/markdown")
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert 'Chosen option: "Lists"' in markdown.text
    assert (
        house.post("/api/v1/decisions/markdown", json={"markdown": markdown.text}).json()["record"]["number"]
        == 2
    )


def test_a_stale_form_says_so_and_keeps_what_was_typed(house: Client) -> None:
    house.post("/api/v1/decisions", json={"title": "One", "unit": "discovery"})
    house.put("/api/v1/decisions/1", json={"title": "Two", "unit": "discovery"})
    stale = post(
        house, "/decisions/1/edit", "/decisions/1/edit", title="Three", unit="discovery", version="1"
    )
    assert stale.status_code == 409
    assert 'value="Three"' in stale.text


def test_boundaries_stand_beside_a_decision(house: Client) -> None:
    kept = post(
        house,
        "/boundaries?unit=discovery",
        "/boundaries",
        unit="group:default/discovery",
        spend="Up to 5 kEUR",
    )
    assert "Up to 5 kEUR" in kept.text
    house.post("/api/v1/decisions", json={"title": "One", "unit": "discovery"})
    assert "Up to 5 kEUR" in house.get("/decisions/1", headers=HTML).text


def test_a_review_is_opened_and_closed_on_its_pages(house: Client) -> None:
    board = "/bets/reviews?unit=discovery"
    assert "What a review would talk about now" in house.get(board, headers=HTML).text
    assert post(house, board, "/bets/reviews/cadence", unit="discovery", weeks="some").status_code == 400
    opened = post(house, board, "/bets/reviews", unit="discovery")
    address = opened.url.path
    house.post("/api/v1/bets/default/weekly/decisions", json={"choice": "pause"})
    closed = post(house, address, f"{address}/steps", step="close")
    assert "its minutes are what was decided" in closed.text
    assert "pause" in closed.text
    assert "with 1 decision" in house.get("/bets/digest", headers=HTML).text


def test_a_brief_is_given_and_answered_on_its_pages(house: Client) -> None:
    made = post(
        house,
        "/briefs",
        "/briefs",
        title="Winter",
        unit="discovery",
        readers="discovery",
        text="We go first.",
    )
    address = made.url.path
    assert post(house, address, address, text=" ").status_code == 400
    assert "somebody of Discovery" in post(house, address, address, text="Nothing changes.").text
    assert (
        post(
            house, "/briefs", "/briefs", title="", unit="discovery", readers="discovery", text="T"
        ).status_code
        == 400
    )
    assert "You belong to no unit yet" in house.get("/my-week", headers=HTML).text


def test_commands_estimate_order_and_tell(
    house: Client, org: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        code = run(["-w", str(org.path), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert call("bets", "estimate", "weekly", "cost-of-delay", "10", "20", "40", "--unit", "kEUR")[0] == 0
    assert call("bets", "estimate", "weekly", "duration", "2", "3", "5")[0] == 0
    code, said = call("bets", "estimate", "weekly", "luck", "1", "2", "3")
    assert (code, "choose one of value" in said) == (1, True)
    assert "Weekly" in call("bets", "portfolio")[1]
    assert "It tests value, the risk with most left to burn" in call("bets", "next-test", "weekly")[1]
    assert "No prediction has been resolved yet." in call("bets", "calibration")[1]
    assert "1 active: 1 in Think it." in call("bets", "agenda", "discovery")[1]
    assert "was estimated" in call("bets", "digest")[1]
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("# Lists it is\n\n## Considered Options\n\n* Lists\n* Graph\n")
    bad.write_text("nothing")
    code, said = call("decisions", "import", str(good), str(bad), "--unit", "discovery")
    assert (code, "Proposed 1, left out 1" in said, "Write the title" in said) == (1, True, True)
    assert "Lists it is" in call("decisions", "list", "graph")[1]
    assert call("decisions", "export", "--folder", str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out" / "0001-lists-it-is.md").read_text().count("* Lists") == 1


def test_a_cadence_or_a_review_of_no_unit_is_refused_with_what_to_name(house: Client) -> None:
    page = "/bets/reviews?unit=discovery"
    for unit, status in (("", 400), ("::", 400), ("nobody", 404)):
        assert post(house, page, "/bets/reviews/cadence", unit=unit, weeks="1").status_code == status
        assert post(house, page, "/bets/reviews", unit=unit).status_code == status
    wrong = post(house, page, "/bets/reviews/cadence", unit="discovery", weeks="x")
    assert (wrong.status_code, "choose from 1 to" in wrong.text) == (400, True)
