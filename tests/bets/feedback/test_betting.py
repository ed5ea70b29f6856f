"""A bet that begins with feedback: the bet and its first evidence come together, or neither does."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.bets.feedback import betting
from counterpoint.bets.feedback.betting import form_from, place, would_join
from counterpoint.bets.feedback.model import FeedbackState
from counterpoint.bets.feedback.store import erase, read_feedback, settle, take_in
from counterpoint.errors import ConflictError, InputError
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ANA, BET, BO, CLEO, fill
from tests.server.conftest import csrf_of

MADE = "bet:default/skip"
HTML = {"Accept": "text/html"}


def document(owner: str = "discovery") -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "skip", "title": "Skip"},
        "spec": {"owner": owner},
    }


def said(graph: Graph, unit: str = "discovery") -> str:
    return take_in(graph, unit, "Let me skip it.", actor=CLEO).feedback.id


def there(graph: Graph) -> bool:
    with graph.read() as reader:
        return reader.exists(MADE)


def test_the_bet_and_its_first_evidence_come_in_one_transaction(org: Graph) -> None:
    number = said(org)
    form = form_from(org, number, actor=ANA)
    assert would_join(org, number, ANA)
    line, joined = place(org, document(), number, actor=ANA, version=form.feedback_version)
    assert (line.bet.ref, joined) == (MADE, True)
    held = read_feedback(org, number, actor=ANA).feedback
    assert (held.state, held.became) == (FeedbackState.EVIDENCE, MADE)
    assert len(read_evidence(org, MADE)) == 1
    with org.read() as reader:
        told = {entry.action: entry.at for entry in reader.activity(subject=MADE)}
    assert told["entity.created"] == told["feedback.settled"]


@pytest.mark.parametrize("broken", ["settle_in", "the database"])
def test_what_fails_in_the_middle_leaves_neither(
    org: Graph, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = said(org)
    if broken == "settle_in":

        def die(*_: Any, **__: Any) -> None:
            raise OSError("the process dies here")

        monkeypatch.setattr(betting, "settle_in", die)
        expected: type[BaseException] = OSError
    else:
        refusal = (
            "CREATE TRIGGER no_more BEFORE UPDATE ON bets_feedback BEGIN SELECT RAISE(ABORT, 'no'); END"
            if org.file
            else "ALTER TABLE bets_feedback ADD CONSTRAINT no_more CHECK (state <> 'evidence')"
        )
        with org.write(Actor("system:default/test", "Test", "system", admin=True)) as writer:
            writer.connection.exec_driver_sql(refusal)
        expected = sa.exc.DBAPIError
    with org.read() as reader:
        before = reader.last_activity()
    with pytest.raises(expected):
        place(org, document(), number, actor=ANA)
    assert not there(org)
    assert read_feedback(org, number, actor=ANA).feedback.state is FeedbackState.NEW
    with org.read() as reader:
        assert reader.last_activity() == before
    monkeypatch.undo()


def test_who_has_not_seen_what_became_of_it_places_nothing_until_they_look(org: Graph) -> None:
    number = said(org)
    form = form_from(org, number, actor=ANA)
    settle(org, number, "declined", actor=BO)
    with pytest.raises(ConflictError, match="declined now"):
        place(org, document(), number, actor=ANA, version=form.feedback_version)
    assert not there(org)
    again = betting.renewed(org, form)
    assert place(org, document(), number, actor=ANA, version=again.feedback_version)[1]


def test_what_was_erased_meanwhile_begins_no_bet(org: Graph) -> None:
    number = said(org)
    form = form_from(org, number, actor=ANA)
    erase(org, number, actor=ANA)
    with pytest.raises(ConflictError, match="erased"):
        place(org, document(), number, actor=ANA)
    assert not there(org)
    assert betting.renewed(org, form).feedback == ""
    assert not would_join(org, number, ANA)


def test_a_bet_that_is_refused_leaves_the_feedback_as_it_was(org: Graph) -> None:
    number = said(org)
    with pytest.raises(InputError):
        place(org, document("nobody"), number, actor=ANA)
    assert read_feedback(org, number, actor=ANA).feedback.state is FeedbackState.NEW


def test_what_is_anothers_or_evidence_already_stays_as_it_is(org: Graph) -> None:
    others, taken = said(org, "player"), said(org)
    settle(org, taken, "evidence", bet=BET, actor=ANA)
    for number in (others, taken):
        before = read_feedback(org, number, actor=ANA).feedback
        assert not would_join(org, number, ANA)
        made = document()
        made["metadata"]["name"] = f"skip-{number[:8]}"
        assert not place(org, made, number, actor=ANA)[1]
        assert read_feedback(org, number, actor=ANA).feedback == before


def test_the_form_keeps_what_was_typed_and_tells_what_happened_meanwhile(
    workspace: Workspace, make_client: Callable[..., TestClient[Any]]
) -> None:
    fill(workspace.graph)
    number = said(workspace.graph)
    client = make_client(auth=False)
    page = client.get(f"/bets/new?feedback={number}", headers=HTML)
    assert "becomes evidence for it" in page.text
    settle(workspace.graph, number, "kept", actor=ANA)
    data = {
        "_csrf_token": csrf_of(page),
        "title": "Skip",
        "owner": "discovery",
        "feedback": number,
        "feedback_version": form_version(page.text),
    }
    refused = client.post("/bets/new", data=data, headers=HTML)
    assert refused.status_code == 409
    assert "it is kept now" in refused.text
    assert 'value="Skip"' in refused.text
    assert not there(workspace.graph)
    data["feedback_version"] = form_version(refused.text)
    placed = client.post("/bets/new", data=data, headers=HTML, follow_redirects=False)
    assert placed.headers["location"] == "/bets/default/skip?told=bet-placed-from-feedback"


def form_version(page: str) -> str:
    return page.partition('name="feedback_version" value="')[2].partition('"')[0]
