"""Attacks on the independence of predictions and fists, through every door of the whole application."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.judgement.predicting import ask, predict, take_step
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.reviews.sittings import Step as ReviewStep
from counterpoint.bets.reviews.sittings import advance, open_review, vote
from counterpoint.bets.store import write
from counterpoint.cli import run
from counterpoint.graph.actor import SYSTEM, Actor

HTML = {"Accept": "text/html"}
UNIT = frozenset({"group:default/discovery"})
PEOPLE = [Actor(f"user:default/p{number}", f"P{number}", "person", units=UNIT) for number in range(5)]
CHANCES = (0.81370941, 0.27190183, 0.46530727, 0.63110359, 0.54470213)
SECRET = re.compile("|".join(f"{p}|{str(p)[2:4]}[.]{str(p)[4:]}|\\b{p * 100:.0f}\\s?%" for p in CHANCES))
"""Each as a share and in per cent; their eight digits are in no time and in no id."""
WHO = re.compile(r"user:default/p[0-4]|\bP[0-4]\b")


class Links(HTMLParser):
    """Where a page leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


@pytest.fixture
def asked(workspace: Workspace) -> str:
    """A question that five people have predicted, and a review in which five have shown a fist."""
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Group",
                "metadata": {"name": "discovery"},
                "spec": {"type": "squad", "children": []},
            }
        )
    bet = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "weekly"},
        "spec": {"owner": "discovery"},
    }
    write(workspace.graph, bet, actor=SYSTEM)
    number = ask(workspace.graph, "bet:default/weekly", "Will it?", actor=SYSTEM).id
    for person, p in zip(PEOPLE, CHANCES, strict=True):
        predict(workspace.graph, number, p, actor=person)
    return number


def everything(client: TestClient[Any], number: str) -> Iterator[tuple[str, str]]:
    """What every page and every GET of the API says, by its address."""
    filled = {"namespace": "default", "name": "weekly", "number": number, "kind": "bet"}
    document = client.get("/api/openapi.json").json()
    queue = [
        "/",
        f"/predictions/{number}",
        "/predictions",
        "/my-week",
        "/bets/digest",
        "/activity",
        "/decisions",
    ]
    for path, methods in document["paths"].items():
        if "get" in methods and "event-stream" not in repr(methods["get"]) and "live" not in path:
            queue.append(re.sub(r"\{(\w+)[^}]*\}", lambda found: filled.get(found[1], "weekly"), path))
    queue += ["/search?q=will", "/api/v1/activity?limit=200", "/api/v1/entities/bet/default/weekly"]
    seen: set[str] = set()
    while queue and len(seen) < 400:
        path = queue.pop(0).partition("#")[0]
        if path in seen or not path.startswith("/") or path.startswith("/static/"):
            continue
        seen.add(path)
        answer = client.get(path, headers=HTML if not path.startswith("/api/") else {})
        yield path, answer.text
        if "html" in answer.headers.get("content-type", ""):
            queue += Links(answer.text).found


def test_no_door_shows_a_prediction_before_the_reveal_nor_whose_it_was_after_it(
    asked: str,
    workspace: Workspace,
    guarded: TestClient[Any],
    sign_in: Callable[..., httpx2.Response],
) -> None:
    assert sign_in(guarded, "eve", admin=True).status_code == 303  # sees all that anybody does
    looked = 0
    for path, text in everything(guarded, asked):
        looked += 1
        assert not SECRET.search(text), (path, SECRET.search(text))
        if "prediction" in path or path in ("/activity", "/my-week", "/bets/digest"):
            assert not WHO.search(text), path
    assert looked > 80
    take_step(workspace.graph, asked, Step.REVEAL, actor=SYSTEM)
    take_step(workspace.graph, asked, Step.RESOLVE, actor=SYSTEM, outcome=True)
    for path in (
        f"/predictions/{asked}",
        "/predictions",
        f"/api/v1/predictions/{asked}",
        "/api/v1/activity?limit=200",
    ):
        assert not WHO.search(guarded.get(path, headers=HTML).text), path
    answer = guarded.get(f"/api/v1/predictions/{asked}")
    revealed = answer.json()
    assert revealed["spread"].keys() <= {"n", "mean", "note"}
    assert revealed["spread"]["n"] == len(CHANCES)
    assert not any(str(chance) in answer.text for chance in CHANCES)
    assert revealed["mine"] is None
    assert guarded.get("/api/v1/predictions/mine").json()["items"] == []


def test_no_token_and_no_command_shows_a_prediction_before_the_reveal(
    asked: str,
    workspace: Workspace,
    guarded: TestClient[Any],
    token: Callable[..., dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for scopes in (("read",), ("read", "write"), ("admin",)):
        headers = token(*scopes)
        for path in (
            f"/api/v1/predictions/{asked}",
            "/api/v1/bets/default/weekly/questions",
            "/api/v1/activity",
        ):
            answer = guarded.get(path, headers=headers)
            assert answer.status_code == 200
            assert not SECRET.search(answer.text)
        late = guarded.post(f"/api/v1/predictions/{asked}", headers=headers, json={"p": 0.5})
        assert late.status_code == 403
    for command in (
        ["bets", "calibration"],
        ["bets", "next-test", "weekly"],
        ["bets", "digest"],
        ["decisions", "list"],
    ):
        run(["-w", str(workspace.path), *command, "--json"])
    said = capsys.readouterr()
    assert not SECRET.search(said.out + said.err)


def test_no_role_sees_fists_of_a_board_that_it_is_no_member_of(
    asked: str,
    workspace: Workspace,
    guarded: TestClient[Any],
    sign_in: Callable[..., httpx2.Response],
) -> None:
    number = open_review(workspace.graph, "discovery", actor=SYSTEM).id
    for person, fist in zip(PEOPLE, (1, 2, 2, 5, 5), strict=True):
        vote(workspace.graph, number, fist, actor=person)
    assert sign_in(guarded, "root", admin=True).status_code == 303
    for step in (None, ReviewStep.REVEAL, ReviewStep.CLOSE):
        if step:
            advance(workspace.graph, number, step, actor=SYSTEM)
        seen = guarded.get(f"/api/v1/reviews/{number}").json()
        assert (seen["fists"], seen["voted"], seen["member"]) == (None, 5, False)
        assert not WHO.search(guarded.get("/api/v1/activity?limit=200").text)
