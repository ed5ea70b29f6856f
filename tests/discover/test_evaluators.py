"""Evaluations that a server makes beside requests: begun by who may, followed, kept as others are, and evidence."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.discover import Protocol, evaluators
from counterpoint.discover.evaluations import newest_evaluation
from counterpoint.discover.evaluators import Wanted, begin, evaluator_of, state_of
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.server.app import create_app
from tests.discover.heard import REF, opened, planted, tell

ANA = Actor("user:default/ana", "Ana", "person")
QUICK = Wanted(
    protocol=Protocol(split="within", places=(5, 10)), methods=("popularity", "neighbours"), budget=0.01
)
PAGE = "/discover/default/weekly/evaluation"
API = "/api/v1/discover/weekly/evaluation"
LONG = 120.0


def filled(workspace: Workspace) -> Workspace:
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Group",
                "metadata": {"name": "discovery"},
                "spec": {"type": "squad", "children": []},
            }
        )
        writer.put(
            {
                "apiVersion": "counterpoint.dev/v1",
                "kind": "Bet",
                "metadata": {"name": "taste"},
                "spec": {"owner": "discovery", "hypothesis": "Taste helps."},
            }
        )
    tell(workspace, planted(40))
    return workspace


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "ws") as workspace:
        yield filled(workspace)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with opened(tmp_path_factory.mktemp("heard") / "ws") as workspace:
        yield filled(workspace)


@pytest.fixture(scope="module")
def client(heard: Workspace) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(heard, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        yield made


def test_it_is_made_beside_whoever_begins_it_and_kept_as_others_are(either: Workspace) -> None:
    assert state_of(either, "weekly").state == "none"
    evaluator = evaluator_of(either)
    begun = begin(either, SYSTEM, "weekly", QUICK)
    assert (begun.state, begun.done, begun.total, begun.wanted) == ("under way", 0, 2, QUICK)
    assert begin(either, SYSTEM, "weekly", QUICK).started == begun.started, "one that is under way goes on"
    with pytest.raises(ConflictError, match="with other settings: 0 of 2 methods are tuned"):
        begin(either, SYSTEM, "weekly", Wanted())
    evaluator.start()
    assert evaluator.wait(LONG)
    evaluator.stop()
    done = state_of(either, "weekly")
    assert (done.state, done.done, done.total, done.problem) == ("done", 2, 2, "")
    kept = newest_evaluation(either, REF)
    assert kept is not None
    assert kept.entry.seq == done.entry
    assert kept.kept.compared.protocol == QUICK.protocol
    assert sum(tier.artists for tier in kept.kept.compared.methods[0].artists) == 6


def test_who_may_not_change_the_recommender_begins_nothing(heard: Workspace) -> None:
    before = state_of(heard, "weekly")
    with pytest.raises(NotAllowedError):
        begin(heard, ANA, "weekly", QUICK)
    with pytest.raises(NotFoundError, match="did you mean weekly"):
        begin(heard, SYSTEM, "weekli", QUICK)
    for wrong, words in (
        (Wanted(methods=("alss",)), "did you mean als"),
        (Wanted(budget=0), "budget == 0"),
        (Wanted(budget=1e9), "at most 3600"),
        (Wanted(protocol=Protocol(split="given")), "is for files"),
    ):
        with pytest.raises(InputError, match=words):
            begin(heard, SYSTEM, "weekly", wrong)
    assert state_of(heard, "weekly") == before


def test_what_goes_wrong_is_kept_with_its_remedy_and_one_that_fell_silent_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "ws") as empty:
        evaluator = evaluator_of(empty)
        evaluator.start()
        begin(empty, SYSTEM, "weekly", QUICK)
        assert evaluator.wait(LONG)
        assert "is in the journal" in state_of(empty, "weekly").problem

        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("secret")

        with monkeypatch.context() as patched:
            patched.setattr(evaluators, "evaluate_recommender", broken)
            begin(empty, SYSTEM, "weekly", QUICK)  # it may have failed before this returns
            assert evaluator.wait(LONG)
        failed = state_of(empty, "weekly")
        assert (failed.state, "server's log" in failed.problem, "secret" in failed.problem) == (
            "failed",
            True,
            False,
        )
        evaluator.stop()
        begin(empty, SYSTEM, "weekly", QUICK)
        later = datetime.now(UTC) + timedelta(hours=1)
        assert state_of(empty, "weekly", now=later).state == "stopped"
        evaluator.stop()
        assert "stopped before it began" in state_of(empty, "weekly").problem


def test_a_server_that_stops_says_so_where_it_was_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "ws") as workspace:
        evaluator = evaluator_of(workspace)

        def stopping(*_: Any, advance: Any, **__: Any) -> None:
            advance(1, 2)
            evaluator._worker.stopping = True
            advance(2, 2)

        monkeypatch.setattr(evaluators, "evaluate_recommender", stopping)
        evaluator.start()
        begin(workspace, SYSTEM, "weekly", QUICK)
        evaluator._worker.stop()
        state = state_of(workspace, "weekly")
        if state.state == "under way":  # it had not begun when it was stopped
            evaluator.stop()
            state = state_of(workspace, "weekly")
        assert state.state == "failed"
        assert "Begin it again" in state.problem


def test_the_api_begins_one_tells_how_far_it_is_and_puts_it_on_a_bet(
    heard: Workspace, client: TestClient[Any]
) -> None:
    wanted = {
        "protocol": {"split": "within", "candidates": "sampled", "sampled": 5, "places": [5, 10]},
        "methods": ["popularity", "neighbours"],
        "budget": 0.01,
        "bet": "taste",
    }
    answer = client.post(API, json=wanted)
    assert (answer.status_code, answer.json()["wanted"]["protocol"]["sampled"]) == (202, 5)
    assert evaluator_of(heard).wait(LONG)
    state = client.get(f"{API}/state").json()
    assert (state["state"], state["done"], state["total"]) == ("done", 2, 2)
    found = client.get(API).json()["compared"]
    assert (found["places"], found["protocol"]["split"]) == (5, "within")
    assert len(found["pairs"]) == 1 * 5 * 2
    assert "mislead" in found["warnings"][0]
    assert "tuned as hard" in client.get("/bets/default/taste", headers={"Accept": "text/html"}).text
    for wrong, words in (
        ({"protocol": {"split": "first"}}, "split"),
        ({"protocol": {"places": [0]}}, "places"),
        ({"bugdet": 1}, "bugdet"),
        ({"methods": ["alss"]}, "als"),
        ({"bet": "tatse"}, "taste"),
    ):
        refused = client.post(API, json=wrong)
        assert refused.status_code in (400, 404), refused.text
        assert words in refused.text
    assert client.get("/api/v1/discover/weekli/evaluation/state").status_code == 404


def test_the_page_begins_one_follows_it_and_shows_protocol_tables_and_plots(
    heard: Workspace, client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    html = {"Accept": "text/html"}

    def send(**fields: str) -> Any:
        token = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(PAGE, headers=html).text)
        assert token
        return client.post(
            PAGE, data={"_csrf_token": token[1], **fields}, headers=html, follow_redirects=False
        )

    for fields, words in (
        ({"places": "twenty"}, "Write whole numbers"),
        ({"places": "0"}, "Write whole numbers"),
        ({"budget": "-1"}, "Write a number of seconds"),
        ({"split": "first"}, "Choose one of the list"),
        ({"split": "within", "candidates": "available", "budget": "1e9"}, "at most 3600"),
    ):
        refused = send(**fields)
        assert (refused.status_code, words in refused.text) == (400, True), fields
        for value in fields.values():
            assert value in refused.text
    waiting: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(evaluator_of(heard), "submit", lambda *asked: waiting.append(asked))
        answer = send(split="within", places="5, 10", budget="0.01", bet="bet:default/taste")
        assert (answer.status_code, "told=recommender-evaluating" in answer.headers["location"]) == (
            303,
            True,
        )
        shown = client.get(PAGE, headers=html).text
        assert 'data-live="/discover/-/evaluation/default/weekly"' in shown
        assert "Methods that are tuned" in shown
        other = send(split="last")
        assert (other.status_code, "is under way, with other settings" in other.text) == (409, True)
        again = send(split="within", places="5, 10", budget="0.01", bet="bet:default/taste")
        assert again.status_code == 303
        assert len(waiting) == 1
    (actor, ref, wanted), *_ = waiting
    quick = Wanted(protocol=wanted.protocol, methods=QUICK.methods, budget=0.01, bet=wanted.bet)
    evaluator_of(heard).submit(actor, ref, quick)
    assert evaluator_of(heard).wait(LONG)
    for path in (PAGE, "/discover/-/evaluation/default/weekly", f"{PAGE}?measure=map"):
        shown = client.get(path, headers=html).text
        for words in (
            "Pair by pair",
            "The protocol",
            "Other lengths of lists",
            "20 % of each listener",
            "Holm",
        ):
            assert words in shown, (path, words)
        assert "data-live" not in shown
    assert f'href="{PAGE}"' in client.get("/discover/default/weekly", headers=html).text
    exposed = client.get("/discover/default/weekly/exposure", headers=html).text
    assert "Places by tier of artists" in exposed
