"""Feedback from outside: taken in, made something of, seen by its giver, erased; and what a public form withstands."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.decisions import decide
from counterpoint.bets.evidence import standing
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.bets.feedback import doors
from counterpoint.bets.feedback.doors import close_door, door_of, give, list_doors, open_door
from counterpoint.bets.feedback.model import FeedbackState, Source
from counterpoint.bets.feedback.store import (
    erase,
    erase_own,
    feedback_page,
    import_feedback,
    list_feedback,
    read_feedback,
    settle,
    status_of,
    take_in,
)
from counterpoint.bets.store import read
from counterpoint.cli import run
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, OverloadedError
from counterpoint.graph import Graph
from tests.bets.concerns.conftest import ADMIN, ANA, BET, BOSS, CLEO, TOKEN, fill
from tests.server.conftest import csrf_of

Client = TestClient[Any]
DAY = date(2026, 11, 26)
HTML = {"Accept": "text/html"}


def test_a_piece_becomes_evidence_and_its_giver_sees_it(org: Graph) -> None:
    _, secret = open_door(org, "discovery", "What do you miss?", actor=ANA, bet=BET)
    given = give(org, secret, "Old songs.", giver="Ada", contact="ada@example.org", today=DAY)
    assert status_of(org, given.secret).state is FeedbackState.NEW
    number = given.feedback.id
    with pytest.raises(NotAllowedError):
        settle(org, number, "kept", actor=CLEO)
    made = settle(
        org, number, "evidence", actor=ANA, reply="Thank you.", risk="value", direction="against", today=DAY
    )
    assert made.evidence is not None
    assert (made.evidence.bet, made.evidence.strength, made.evidence.direction) == (BET, 1, "against")
    status = status_of(org, given.secret)
    assert (status.state, status.reply, status.about, status.unit) == (
        FeedbackState.EVIDENCE,
        "Thank you.",
        "Weekly",
        "Discovery",
    )
    with org.read() as reader:
        told = reader.activity(subject=BET, action="feedback.settled")[0]
    assert told.after["evidence"]["risk"] == "value"
    assert "Ada" not in repr(told)
    assert "Old songs" not in repr(told)


def test_feedback_that_is_settled_anew_is_heard_once(org: Graph) -> None:
    number = take_in(org, "discovery", "Too slow.", actor=ANA, bet=BET).feedback.id

    def counting() -> list[tuple[str, str, int]]:
        rows = standing(read_evidence(org, BET))
        return sorted((row.risk.value, row.direction.value, row.strength) for row in rows)

    settle(org, number, "evidence", actor=ANA, direction="for")
    settle(org, number, "evidence", actor=ANA, direction="against")
    assert counting() == [("value", "against", 1)]
    decide(org, BET, "persevere", actor=ANA)  # which writes down what it saw
    settle(org, number, "evidence", actor=ANA, risk="usability", direction="against")
    assert counting() == [("usability", "against", 1), ("value", "unclear", 0)]
    settle(org, number, "declined", actor=ANA)
    assert counting() == [("usability", "unclear", 0), ("value", "unclear", 0)]
    assert status_of_bet(org) == (0.0, 0.0)


def status_of_bet(org: Graph) -> tuple[float, float]:
    risks = read(org, BET).risks
    return max(each.supporting for each in risks), max(each.opposing for each in risks)


def test_of_many_who_come_at_once_only_the_last_free_place_is_given(
    org: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes between the look at the day's count and the turn to write."""
    _, secret = open_door(org, "discovery", "What?", actor=ANA)
    monkeypatch.setattr(doors, "PER_DAY", 1)
    take = doors._pace.take

    def meanwhile(door: str, now: float) -> None:
        monkeypatch.setattr(doors._pace, "take", take)
        give(org, secret, "first", today=DAY)

    monkeypatch.setattr(doors._pace, "take", meanwhile)
    with pytest.raises(OverloadedError, match="tomorrow"):
        give(org, secret, "second", today=DAY)
    assert [each.feedback.text for each in list_feedback(org, actor=ANA)] == ["first"]


def test_feedback_is_read_page_by_page_and_what_comes_meanwhile_moves_nothing(org: Graph) -> None:
    for text in ("one", "two", "three"):
        take_in(org, "discovery", text, actor=ANA)
    first = feedback_page(org, actor=ANA, limit=2)
    take_in(org, "discovery", "four", actor=ANA)
    second = feedback_page(org, actor=ANA, limit=2, cursor=first.next_cursor)
    texts = [each.feedback.text for page in (first, second) for each in page.items]
    assert (texts, second.next_cursor) == (["three", "two", "one"], None)
    with pytest.raises(InputError, match="no cursor"):
        feedback_page(org, actor=ANA, cursor="x")


def test_of_two_who_settle_it_at_once_the_second_is_told(org: Graph) -> None:
    number = take_in(org, "discovery", "Faster, please.", actor=CLEO).feedback.id
    seen = read_feedback(org, number, actor=ANA).feedback.version
    settled = settle(org, number, "idea", actor=ANA, version=seen).feedback
    with pytest.raises(ConflictError, match="it is idea now"):
        settle(org, number, "declined", actor=ANA, version=seen, reply="No.")
    held = read_feedback(org, number, actor=ANA).feedback
    assert (held.state, held.reply, held.version) == (FeedbackState.IDEA, "", settled.version)
    again = settle(org, number, "kept", actor=ANA, version=settled.version)
    assert again.feedback.state is FeedbackState.KEPT


def test_only_people_of_the_unit_see_who_gave_it(org: Graph) -> None:
    number = take_in(org, "discovery", "Hm.", actor=CLEO, giver="Ada", contact="ada@x").feedback.id
    assert read_feedback(org, number, actor=ANA).feedback.giver == "Ada"
    for actor in (CLEO, BOSS, ADMIN, TOKEN):
        shown = read_feedback(org, number, actor=actor).feedback
        assert (shown.text, shown.giver, shown.contact) == ("Hm.", "", "")
        assert "ada" not in repr(list_feedback(org, actor=actor)).lower()


def test_erasing_leaves_nothing_of_it_in_the_database(org: Graph) -> None:
    secrets = []
    for word in ("zebra", "quagga"):
        given = take_in(org, "discovery", word, actor=ANA, giver=f"{word}-giver", contact=f"{word}@x")
        settle(org, given.feedback.id, "kept", actor=ANA, reply=f"Dear {word}")
        secrets.append(given)
    erase_own(org, secrets[0].secret)
    erase(org, secrets[1].feedback.id, actor=ADMIN)
    with org.read() as reader:
        for table in ("bets_feedback", "activity", "revision"):
            rows = reader.connection.execute(sa.text(f"SELECT * FROM {table}")).all()
            assert "zebra" not in repr(rows)
            assert "quagga" not in repr(rows)
    for given in secrets:
        with pytest.raises(NotFoundError):
            status_of(org, given.secret)
        with pytest.raises(NotFoundError):
            read_feedback(org, given.feedback.id, actor=ANA)
    assert list_feedback(org, actor=ANA) == ()
    with pytest.raises(NotFoundError):
        erase_own(org, "")


def test_secrets_are_kept_as_hashes_and_a_form_can_be_closed(org: Graph) -> None:
    with pytest.raises(NotAllowedError):
        open_door(org, "discovery", "What?", actor=CLEO)
    door, secret = open_door(org, "discovery", "What?", actor=ANA)
    given = give(org, secret, "This.")
    with org.read() as reader:
        for table in ("bets_feedback", "bets_feedback_door", "activity"):
            text = repr(reader.connection.execute(sa.text(f"SELECT * FROM {table}")).all())
            assert secret not in text
            assert given.secret not in text
    assert [each.id for each in list_doors(org, actor=ANA)] == [door.id]
    assert list_doors(org, actor=CLEO) == ()
    for wrong in ("", door.id[:4], "%", door.id + "0", "x" * 70_000):
        with pytest.raises(NotFoundError):
            close_door(org, wrong, actor=ANA)
    close_door(org, door.id, actor=ANA)
    with pytest.raises(NotFoundError, match="closed"):
        give(org, secret, "More.")
    with pytest.raises(NotFoundError):
        door_of(org, door.id)


def test_a_form_takes_so_much_in_a_minute_and_in_a_day(org: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(doors, "monotonic", lambda: now[0])
    monkeypatch.setattr(doors, "PER_DAY", 22)
    _, secret = open_door(org, "discovery", "What?", actor=ANA)
    for _ in range(doors.PER_MINUTE):
        give(org, secret, "spam", today=DAY)
    with pytest.raises(OverloadedError, match="minute"):
        give(org, secret, "spam", today=DAY)
    now[0] += 61
    for _ in range(2):
        give(org, secret, "spam", today=DAY)
    with pytest.raises(OverloadedError, match="tomorrow"):
        give(org, secret, "spam", today=DAY)
    for text in ("", " ", "x" * 5001):
        with pytest.raises(InputError):
            give(org, secret, text, today=DAY.replace(day=1))


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"outcome": "deleted"}, "/outcome"),
        ({"outcome": "new"}, "/outcome"),
        ({"outcome": "evidence"}, "/bet"),
        ({"outcome": "evidence", "bet": BET, "risk": "taste"}, "/risk"),
    ],
)
def test_a_wrong_outcome_changes_nothing(org: Graph, given: dict[str, str], pointer: str) -> None:
    number = take_in(org, "discovery", "Hm.", actor=ANA).feedback.id
    with pytest.raises(InputError) as caught:
        settle(org, number, actor=ANA, **given)  # type: ignore[arg-type]
    assert [each.pointer for each in caught.value.problems] == [pointer]
    assert read_feedback(org, number, actor=ANA).feedback.state is FeedbackState.NEW


def test_an_import_keeps_what_is_good_and_names_the_rest(org: Graph, tmp_path: Path) -> None:
    file = tmp_path / "feedback.csv"
    file.write_text("text,bet,received\nGood,weekly,2026-11-02\nLost,nowhere,\n,,\nAlso good,,\n")
    assert import_feedback(org, file, "discovery", actor=ANA, dry_run=True).taken == 2
    assert list_feedback(org, actor=ANA) == ()
    done = import_feedback(org, file, "discovery", actor=ANA)
    assert (done.taken, [each.line for each in done.problems]) == (2, [3])
    found = [each.feedback for each in list_feedback(org, actor=ANA, unit="discovery")]
    assert [(each.text, each.bet, each.source) for each in found] == [
        ("Also good", None, Source.CSV),
        ("Good", BET, Source.CSV),
    ]
    assert status_of(org, done.secrets[0]).text == "Good"
    assert found[1].received_on == date(2026, 11, 2)


def send(client: Client, path: str, page: str, **data: str) -> Any:
    token = csrf_of(client.get(page, headers=HTML))
    return client.post(path, data=data | {"_csrf_token": token}, headers=HTML, follow_redirects=False)


def test_the_whole_way_through_the_pages(
    workspace: Workspace, make_client: Callable[..., Client], sign_in: Callable[..., Any]
) -> None:
    fill(workspace.graph)
    client = make_client()
    sign_in(client, "ana")
    made = send(client, "/feedback/doors", "/feedback/doors", unit="group:default/discovery", title="What?")
    path = found(made.text, "/feedback/to/")
    cookies = dict(client.cookies)
    client.cookies.clear()  # whoever is outside has no account
    assert client.get("/feedback", headers=HTML, follow_redirects=False).status_code in (303, 401)
    assert "It goes to Discovery" in client.get(path, headers=HTML).text
    assert (
        client.post(path, data={"text": "forged"}, headers={"Origin": "http://evil.example"}).status_code
        == 403
    )
    assert send(client, path, path, text="").status_code == 400
    assert "/feedback/status/" not in send(client, path, path, text="x", website="spam").text
    status = found(send(client, path, path, text="<b>Old</b> songs", giver="Ada").text, "/feedback/status/")
    assert "&lt;b&gt;Old" in client.get(status, headers=HTML).text
    outside = dict(client.cookies)
    client.cookies.clear()
    client.cookies.update(cookies)
    items = client.get("/api/v1/feedback").json()["items"]
    assert [each["feedback"]["giver"] for each in items] == ["Ada"]
    url = f"/feedback/{items[0]['feedback']['id']}"
    assert "Ada" in client.get(url, headers=HTML).text
    assert send(client, url, url, outcome="idea", reply="We try it.").status_code == 303
    client.cookies.clear()
    client.cookies.update(outside)
    told = client.get(status, headers=HTML).text
    assert "kept as an idea" in told
    assert "We try it." in told
    assert "is erased" in send(client, status, status).text
    assert client.get(status, headers=HTML).status_code == 404


def found(page: str, beginning: str) -> str:
    """The address on a page that begins so."""
    match = re.search(rf"{re.escape(beginning)}[\w-]+", page)
    assert match, page
    return match.group(0)


def test_an_idea_fills_the_form_of_a_bet_and_becomes_its_first_evidence(
    workspace: Workspace, make_client: Callable[..., Client]
) -> None:
    fill(workspace.graph)
    said = "Let me skip the first song. It is always the same, and I know it."
    number = take_in(
        workspace.graph, "discovery", said, actor=CLEO, giver="Ada Long", contact="ada@x"
    ).feedback.id
    settle(workspace.graph, number, "idea", actor=ANA, reply="Good idea.")
    client = make_client(auth=False)
    assert f"/bets/new?feedback={number}" in client.get(f"/feedback/{number}", headers=HTML).text
    page = client.get(f"/bets/new?feedback={number}", headers=HTML)
    form = page.text
    assert 'value="Let me skip the first song"' in form
    assert said in form
    assert "Ada Long" not in form
    sent = client.post(
        "/bets/new",
        data={"_csrf_token": csrf_of(page), "title": "Skip", "owner": "discovery", "feedback": number},
        headers=HTML,
        follow_redirects=False,
    )
    assert sent.headers["location"] == "/bets/default/skip?told=bet-placed-from-feedback"
    held = read_feedback(workspace.graph, number, actor=ANA).feedback
    assert (held.state, held.became, held.reply) == (FeedbackState.EVIDENCE, "bet:default/skip", "Good idea.")
    line = read(workspace.graph, "bet:default/skip")
    assert [each.method for each in read_evidence(workspace.graph, line.bet.ref)] == ["feedback"]


def test_the_command_imports(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(workspace.graph)
    file = tmp_path / "feedback.csv"
    file.write_text("text\nGood\n")
    where = ["-w", str(workspace.path), "--json", "feedback", "import", str(file), "--unit"]
    assert run([*where, "discovery"]) == 0
    assert json.loads(capsys.readouterr().out) == {"taken": 1, "problems": []}
    assert run([*where, "nobody"]) == 1
    assert "There is no unit" in capsys.readouterr().err
