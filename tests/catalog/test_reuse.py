"""Reuse: the API, the list of likely twins with its judgements, the page, the command, what an import says."""

import json
import threading

import pytest
from litestar.testing import TestClient

from counterpoint.catalog.reuse import store
from counterpoint.catalog.reuse.model import ENOUGH, precision_of
from counterpoint.catalog.reuse.standing import Standing
from counterpoint.cli import run
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import SYSTEM, Actor
from counterpoint.server.app import create_app
from counterpoint.settings import Settings
from tests.graph.documents import component, group, user

HTML = {"Accept": "text/html"}
MIX, WEEKLY = "component:default/mix", "component:default/weekly"
ANA = Actor("user:default/ana", "Ana", "person")
EVE = Actor("user:default/eve", "Eve", "person")


@pytest.fixture
def twinned(workspace):
    """A workspace in which two units make the same."""
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("discovery", profile={"email": "discovery@arpeggio.example"}))
        writer.put(group("home"))
        writer.put(user("ana", "home"))
        writer.put(user("eve"))
        writer.put(
            component(
                "weekly",
                metadata={"title": "Weekly", "description": "Thirty tracks for each listener every Monday."},
            )
        )
        writer.put(
            component(
                "mix",
                owner="home",
                metadata={
                    "title": "Mix",
                    "description": "A mix of thirty tracks for every listener on Monday.",
                },
            )
        )
    return workspace


@pytest.fixture
def client(twinned):
    with TestClient(create_app(twinned, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def test_the_api_answers_with_phrases_owner_and_how_to_reach_them(client):
    items = client.get("/api/v1/similar", params={"title": "Thirty tracks", "kind": "component"}).json()[
        "items"
    ]
    weekly = next(item for item in items if item["ref"] == WEEKLY)
    assert weekly["owner"] == "group:default/discovery"
    assert weekly["contacts"] == [
        {"label": "discovery@arpeggio.example", "url": "mailto:discovery@arpeggio.example"}
    ]
    assert "thirty tracks" in weekly["phrases"]
    assert weekly["url"] == "/catalog/component/default/weekly"


def test_what_a_unit_has_itself_can_be_left_out(client):
    query = {"title": "Thirty tracks", "owner": "discovery"}
    assert [each["ref"] for each in client.get("/api/v1/similar", params=query).json()["items"]] == [MIX]


def test_what_is_like_an_entity_leaves_itself_out(client):
    assert [each["ref"] for each in client.get("/api/v1/similar", params={"ref": MIX}).json()["items"]] == [
        WEEKLY
    ]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"title": "   "}, 400),
        ({"title": "x" * 30_000}, 200),
        ({"title": "\x00"}, 200),
        ({"ref": "component:default/none"}, 404),
        ({"ref": "user:default/ana"}, 400),
        ({"ref": "a:b:c/d/e"}, 404),
        ({"ref": MIX, "title": "x"}, 400),
        ({"title": "x", "kind": "Colour"}, 400),
        ({"title": "x", "limit": 0}, 400),
        ({"title": "x", "owner": ":"}, 400),
    ],
)
def test_odd_questions_are_answered_or_refused_by_name(client, query, status):
    answer = client.get("/api/v1/similar", params=query)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["detail"]


def test_the_list_names_the_pair_with_why(client):
    found = client.get("/api/v1/twins").json()
    [pair] = found["items"]
    assert (pair["first"], pair["second"]) == (MIX, WEEKLY)
    assert pair["phrases"]
    assert found["precision"] == {"judged": 0, "confirmed": 0, "share": None, "low": None, "high": None}
    assert client.get("/api/v1/twins", params={"owner": "home"}).json()["total"] == 1
    assert client.get("/api/v1/twins", params={"owner": "nobody"}).json()["total"] == 0


def test_a_dismissal_takes_the_pair_off_and_taking_it_back_puts_it_on(client, twinned):
    said = client.post(
        "/api/v1/twins/judgements",
        json={"first": WEEKLY, "second": MIX, "verdict": "dismissed", "reason": "One is a test."},
    )
    assert said.status_code == 201
    assert client.get("/api/v1/twins").json()["items"] == []
    [judgement] = client.get("/api/v1/twins/judgements").json()["items"]
    assert (judgement["reason"], judgement["first"]) == ("One is a test.", MIX)
    assert judgement["score"] > 0.4
    assert client.delete(f"/api/v1/twins/judgements/{judgement['id']}").status_code == 204
    assert client.get("/api/v1/twins").json()["total"] == 1
    assert client.delete(f"/api/v1/twins/judgements/{judgement['id']}").status_code == 409
    with twinned.graph.read() as reader:
        actions = [entry.action for entry in reader.activity(subject=MIX)]
    assert actions[:2] == ["twins.reopened", "twins.dismissed"]


def test_a_later_word_takes_the_place_of_the_earlier_one(twinned):
    store.judge(twinned, MIX, WEEKLY, "confirmed", "", actor=SYSTEM)
    assert store.twins(twinned).items[0].judgement.verdict == "confirmed"
    store.judge(twinned, MIX, WEEKLY, "dismissed", "We looked again.", actor=SYSTEM)
    assert [each.verdict for each in store.judgements(twinned)] == ["dismissed"]


@pytest.mark.parametrize(
    ("first", "verdict", "reason", "pointer"),
    [
        (MIX, "dismissed", "  ", "/reason"),
        (MIX, "deleted", "x", "/verdict"),
        (WEEKLY, "dismissed", "x", "/second"),
        (MIX, "dismissed", "x" * 2_001, "/reason"),
    ],
)
def test_a_judgement_that_says_nothing_is_refused(twinned, first, verdict, reason, pointer):
    with pytest.raises(InputError) as refused:
        store.judge(twinned, first, WEEKLY, verdict, reason, actor=SYSTEM)
    assert pointer in [problem.pointer for problem in refused.value.problems]
    assert store.judgements(twinned) == []


def test_only_who_may_change_one_of_the_two_may_judge(twinned):
    with pytest.raises(NotAllowedError):
        store.judge(twinned, MIX, WEEKLY, "dismissed", "No.", actor=EVE)
    judgement = store.judge(twinned, MIX, WEEKLY, "dismissed", "No.", actor=ANA)
    with pytest.raises(NotAllowedError):
        store.undo(twinned, judgement.id, actor=EVE)
    store.undo(twinned, judgement.id, actor=ANA)


@pytest.mark.parametrize("other", ["group:default/home", f"{WEEKLY}/docs"])
def test_what_is_never_compared_cannot_be_twins(twinned, other):
    with twinned.graph.write(SYSTEM) as writer:
        writer.put(group("home"))
    with pytest.raises(InputError) as refused:
        store.judge(twinned, MIX, other, "dismissed", "No.", actor=SYSTEM)
    assert [problem.pointer for problem in refused.value.problems] == ["/second"]
    assert "are never compared" in refused.value.problems[0].message


def test_what_does_not_exist_is_not_judged(twinned):
    with pytest.raises(NotFoundError):
        store.judge(twinned, MIX, "component:default/none", "dismissed", "No.", actor=SYSTEM)
    with pytest.raises(NotFoundError):
        store.undo(twinned, "nothing", actor=SYSTEM)
    judgement = store.judge(twinned, MIX, WEEKLY, "dismissed", "No.", actor=SYSTEM)
    store.undo(twinned, judgement.id, actor=SYSTEM)
    with pytest.raises(ConflictError):
        store.undo(twinned, judgement.id, actor=SYSTEM)


def test_judgements_are_kept_on_both_databases(graph, tmp_path):
    with graph.write(SYSTEM) as writer:
        for name in ("one", "other"):
            writer.put(component(name))

    class Opened:
        def __init__(self) -> None:
            self.graph, self.kept = graph, {}
            self.path, self.settings = tmp_path, Settings()

        def keep(self, kind, make):
            return self.kept.setdefault(kind, make(self)) if kind not in self.kept else self.kept[kind]

    opened = Opened()
    given = ("component:one", "component:other")
    first = store.judge(opened, *given, "dismissed", "NUL \x00 and é", actor=SYSTEM)
    store.undo(opened, first.id, actor=SYSTEM)
    store.judge(opened, *given, "confirmed", "", actor=SYSTEM)
    assert [(each.verdict, each.score) for each in store.judgements(opened)] == [("confirmed", None)]


def test_precision_is_not_told_before_there_is_enough_to_say():
    assert precision_of(["confirmed"] * (ENOUGH - 1)).share is None
    found = precision_of(["confirmed"] * 8 + ["dismissed"] * 2)
    assert found.share == 0.8
    # Wilson's interval of 8 in 10, as in Newcombe (1998) and any table of it
    assert (round(found.low, 3), round(found.high, 3)) == (0.490, 0.943)
    assert precision_of(["confirmed"] * 10).high == pytest.approx(1)


def test_the_page_shows_the_pair_takes_a_dismissal_and_takes_it_back(client):
    page = client.get("/catalog/twins", headers=HTML).text
    assert "Both say" in page
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    form = {"_csrf_token": token, "first": MIX, "second": WEEKLY, "verdict": "dismissed", "reason": ""}
    refused = client.post("/catalog/twins", data=form)
    assert refused.status_code == 400
    assert "Say why they are not the same" in refused.text
    client.post("/catalog/twins", data=form | {"reason": "<b>Two markets</b>"})
    after = client.get("/catalog/twins", headers=HTML).text
    assert "&lt;b&gt;Two markets&lt;/b&gt;" in after
    assert "Every pair that was found has been looked at" in after
    judgement = after.split('name="judgement" value="')[1].split('"')[0]
    client.post("/catalog/twins/undo", data={"_csrf_token": token, "judgement": judgement})
    assert "Both say" in client.get("/catalog/twins", headers=HTML).text


def test_a_catalog_without_twins_says_how_they_are_found(workspace):
    with TestClient(create_app(workspace, auth=False), base_url="http://counterpoint.localhost") as visitor:
        assert "No likely twins" in visitor.get("/catalog/twins", headers=HTML).text


def test_the_command_takes_a_text_or_a_reference(twinned, capsys):
    folder = str(twinned.path)
    assert run(["-w", folder, "similar", "thirty", "tracks"]) == 0
    assert "component:default/weekly" in capsys.readouterr().out
    assert run(["-w", folder, "--json", "similar", "component:mix"]) == 0
    assert [each["ref"] for each in json.loads(capsys.readouterr().out)["items"]] == [WEEKLY]
    assert run(["-w", folder, "similar", "zebra"]) == 0
    assert "Nothing like it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["x", "--limit", "0"], 2), (["component:none"], 1), (["x", "--kind", "Colour"], 1)],
)
def test_the_command_refuses_in_one_line(twinned, capsys, arguments, code):
    assert run(["-w", str(twinned.path), "similar", *arguments]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_import_notes_what_another_unit_has_already(twinned, tmp_path, capsys):
    file = tmp_path / "catalog-info.yaml"
    document = component(
        "again",
        owner="home",
        metadata={"title": "Weekly", "description": "Thirty tracks for each listener every Monday."},
    )
    file.write_text(json.dumps(document))
    assert run(["-w", str(twinned.path), "import", "catalog", str(file)]) == 0
    told = capsys.readouterr().err
    assert (
        "note: component:default/again is much like component:default/weekly of group:default/discovery"
        in told
    )
    assert run(["-w", str(twinned.path), "import", "catalog", str(file)]) == 0
    assert "much like" not in capsys.readouterr().err


def test_the_list_is_renewed_behind_the_readers_back(twinned):
    standing = Standing(twinned)
    assert standing.at_hand()[1] is True
    standing.start()
    standing.stop()
    pairs, holds = standing.at_hand()
    assert (len(pairs), holds) == (1, True)
    with twinned.graph.write(SYSTEM) as writer:
        writer.delete(MIX)
    assert standing.at_hand() == ([], True), "without a server it is made at once"


@pytest.mark.parametrize("steps", [0, 2, 4])
def test_stopping_does_not_wait_for_the_comparing_and_nothing_is_lost_by_it(twinned, monkeypatch, steps):
    standing = Standing(twinned)
    asked, reached, go_on = [], threading.Event(), threading.Event()
    step = Standing._step

    def held(self):
        asked.append(1)
        if len(asked) == steps + 1:
            reached.set()
            assert go_on.wait(60)
        step(self)

    monkeypatch.setattr(Standing, "_step", held)
    standing.start()
    waiting = standing.renew()
    assert reached.wait(60)
    stopper = threading.Thread(target=standing.stop)
    stopper.start()
    assert standing._stopping.wait(60)
    go_on.set()
    stopper.join(60)
    assert not stopper.is_alive()
    assert len(asked) == steps + 1, "no step was taken after the stop"
    assert waiting.exception() is not None
    assert len(standing.newest()) == 1, "without a server it is made at once, and whole"


def test_what_is_not_compared_does_not_make_the_list_anew(twinned):
    standing = Standing(twinned)
    first = standing.newest()
    with twinned.graph.write(SYSTEM) as writer:
        writer.put(group("other"))
    assert standing.newest() is first


def test_a_reader_of_a_server_gets_the_last_list_and_is_told(twinned):
    standing = Standing(twinned)
    standing.start()
    try:
        [pair] = standing.at_hand(patience=60)[0]
        with twinned.graph.write(SYSTEM) as writer:
            writer.delete(MIX)
        assert standing.at_hand() == ([pair], False)
    finally:
        standing.stop()
    assert standing.at_hand() == ([], True)


def test_what_is_written_over_the_api_comes_back_with_what_is_very_near(client):
    document = component(
        "again",
        owner="home",
        metadata={"title": "Weekly", "description": "Thirty tracks for each listener every Monday."},
    )
    made = client.put("/api/v1/entities/component/default/again", json=document)
    assert made.status_code == 201
    [near] = made.json()["similar"]
    assert (near["ref"], near["owner"]) == (WEEKLY, "group:default/discovery")
    assert near["phrases"]
    changed = client.put(
        "/api/v1/entities/component/default/again", json=document | {"spec": document["spec"] | {"type": "x"}}
    )
    assert (changed.status_code, changed.json()["similar"]) == (200, [])
    far = component("far", owner="home", metadata={"description": "Counts the bytes of a disk."})
    assert client.put("/api/v1/entities/component/default/far", json=far).json()["similar"] == []


def test_a_bet_that_is_made_comes_back_with_what_is_very_near(client):
    def bet(name, owner, hypothesis):
        return {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": name, "title": "A playlist every Monday"},
            "spec": {"owner": owner, "stage": "think", "state": "active", "hypothesis": hypothesis},
        }

    hypothesis = "A new playlist of thirty tracks every Monday brings listeners back."
    first = client.post("/api/v1/bets", json=bet("monday", "discovery", hypothesis))
    assert (first.status_code, first.json()["similar"]) == (201, [])
    second = client.post("/api/v1/bets", json=bet("tracks", "home", hypothesis))
    assert [near["ref"] for near in second.json()["similar"]] == ["bet:default/monday"]
    assert second.headers["location"] == "/api/v1/bets/default/tracks"
