"""The pages of recommenders, of creators, and the page that a listener's link opens."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient
from msgspec.structs import replace

from counterpoint import Workspace
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.discover.consent import consents, declare
from counterpoint.discover.corrections import corrections_of
from counterpoint.discover.evaluations import evaluate_recommender
from counterpoint.discover.links import link_of
from counterpoint.discover.overview import public
from counterpoint.discover.shown import EXAMPLE
from counterpoint.discover.versions import fit_version, versions
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import SYSTEM, local_actor
from counterpoint.graph.descriptor import validate
from counterpoint.server.app import create_app
from tests.discover.heard import NOW, described, opened, planted, played, recommender, tell
from tests.discover.streaming import change
from tests.test_renamed import Reading, left_in

PAGE = "/discover/default/weekly"
SONGS = "recommender:default/songs"


def document(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1" if kind == "Group" else "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, "title": name.title()},
        "spec": spec,
    }


@pytest.fixture(scope="module")
def radio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Sixty listeners, two versions that a flag chooses from, an experiment on it, and an evaluation."""
    with opened(tmp_path_factory.mktemp("radio") / "ws") as workspace:
        recommender(workspace, flag="weekly-model", shadow=2)
        recommender(workspace, "empty")
        recommender(workspace, "quiet", signals=[{"event": "nothing.played"}])
        with workspace.graph.write(SYSTEM) as writer:
            writer.put(document("Group", "discovery", type="squad", children=[]))
            writer.put(document("Bet", "taste", owner="discovery", hypothesis="Taste helps."))
            writer.put(
                document(
                    "Metric",
                    "plays",
                    owner="discovery",
                    event="track.played",
                    aggregation="count",
                    direction="increase",
                )
            )
            writer.put(
                document(
                    "Experiment", "model", owner="discovery", flag="weekly-model", control="v1",
                    treatments=["v2"], success=[{"metric": "plays"}], bet="taste",
                )
            )  # fmt: skip
        tell(workspace, planted(60), described("n", artist="Nina/Simone", title="Sinner"))
        tell(workspace, (played(f"l{at:03d}", "n", ago=22, context="search") for at in range(30)))
        for method in ("popularity", "neighbours"):
            fit_version(workspace, SYSTEM, "weekly", method=method, until=NOW)
        flag = {
            "state": "ENABLED",
            "variants": {"v1": 1, "v2": 2, "v9": 9},
            "defaultVariant": "v1",
            "targeting": {"fractional": [["v1", 75], ["v2", 25]]},
        }
        write_set(
            workspace,
            local_actor(),
            "default",
            {"flags": {"weekly-model": flag}},
            owner="group:default/discovery",
        )
        evaluate_recommender(
            workspace, SYSTEM, "weekly", methods=("popularity", "neighbours"), budget=0.01, until=NOW
        )
        yield workspace


@pytest.fixture(scope="module")
def client(radio: Workspace) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(radio, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        made.headers["Accept"] = "text/html"
        yield made


def send(client: TestClient[Any], path: str, /, **data: str) -> Any:
    found = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(path).text)
    assert found
    return client.post(path, data={"_csrf_token": found[1], **data}, follow_redirects=False)


def test_the_list_shows_what_serves_and_what_is_still_to_be_fitted(client: TestClient[Any]) -> None:
    shown = client.get("/discover").text
    for words in (f'href="{PAGE}"', "neighbours", "None is ready", "/flags/default/weekly-model"):
        assert words in shown
    assert client.get("/catalog/recommender/default/weekly").status_code == 200


def test_an_empty_list_says_how_to_begin_with_an_example_that_is_valid(workspace: Workspace) -> None:
    with TestClient(create_app(workspace, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        shown = made.get("/discover", headers={"Accept": "text/html"}).text
    assert "counterpoint import catalog recommender.yaml" in shown
    assert not validate(yaml.safe_load(EXAMPLE))


def test_a_recommender_shows_who_is_served_and_how_methods_compare(client: TestClient[Any]) -> None:
    shown = unescape(client.get(PAGE).text).replace("\u00a0", " ")
    assert shown.index("Which version serves whom") < shown.index("How the methods compare")
    for words in (
        "not ready: the newest answers", "/experiments/default/model", "/bets/default/taste", "Recall at 20 places",
        "points more than", "track.played (+1, where msPlayed is above 30000)",
    ):  # fmt: skip
        assert words in shown, words
    assert "<svg" in shown
    assert "MAP at 20 places" in client.get(f"{PAGE}?measure=map").text
    assert "counterpoint discover fit empty" in client.get("/discover/default/empty").text
    assert client.get("/discover/default/nothing").status_code == 404


def test_exposure_shows_tiers_and_calibration_of_each_method(client: TestClient[Any]) -> None:
    shown = client.get(f"{PAGE}/exposure?method=popularity").text
    for words in (
        "other half",
        "Lorenz curves",
        "own mix of genres",
        "Places by tier of popularity: popularity",
    ):
        assert words in shown, words
    assert "counterpoint discover evaluate empty" in client.get("/discover/default/empty/exposure").text


def test_an_evaluation_is_put_on_a_bet_from_its_page(client: TestClient[Any], radio: Workspace) -> None:
    found = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(PAGE).text)
    assert found
    sent = client.post(
        f"{PAGE}/evidence", data={"_csrf_token": found[1], "bet": "bet:default/taste"}, follow_redirects=False
    )
    assert (sent.status_code, sent.headers["location"]) == (303, "/bets/default/taste?told=evidence-offered")
    assert [each.method for each in read_evidence(radio.graph, "taste")] == ["offline"]


def test_creators_have_a_page_whatever_their_name(client: TestClient[Any]) -> None:
    assert "Nina/Simone" in client.get(f"{PAGE}/creators?find=nina").text
    assert "Nobody of that name" in client.get(f"{PAGE}/creators?find=zzz").text
    shown = client.get(f"{PAGE}/creators/Nina/Simone").text
    for words in ("30", "search", "Audiences to try next", "No figure is of fewer than 20 listeners"):
        assert words in shown
    assert client.get(f"{PAGE}/creators/Nobody").status_code == 404
    assert "No creators yet" in client.get("/discover/default/quiet/creators").text


def test_the_api_tells_of_versions_audiences_and_evaluations(
    client: TestClient[Any], radio: Workspace
) -> None:
    base = "/api/v1/discover/weekly"
    assert [each["number"] for each in client.get(f"{base}/versions").json()["items"]] == [2, 1]
    first = client.get(f"{base}/creators?limit=2").json()
    rest = client.get(f"{base}/creators", params={"cursor": first["nextCursor"]}).json()
    names = [each["name"] for each in (*first["items"], *rest["items"])]
    assert "Nina/Simone" in names
    assert len(set(names)) == len(names)
    assert client.get(f"{base}/creators/Nina/Simone").json()["listeners"] == 30
    evaluation = client.get(f"{base}/evaluation").json()
    assert evaluation["compared"]["methods"][0]["tiers"][0]["name"] == "top 1 %"
    assert client.get("/api/v1/discover/empty/evaluation").status_code == 404
    told = client.post(f"{base}/evaluation/evidence", json={"bet": "taste"})
    assert (told.status_code, told.json()["bet"]) == (201, "bet:default/taste")
    assert client.post(f"{base}/evaluation/evidence", json={"bet": "none"}).status_code == 404


def test_measures_of_few_listeners_are_shown_to_nobody(radio: Workspace) -> None:
    (newest, _) = versions(radio, "weekly")
    assert public(newest, least=20).evaluation == newest.evaluation
    few = {**newest.left_out, "listeners without consent": 3}
    small = replace(newest.evaluation[0], recall=replace(newest.evaluation[0].recall, listeners=7))
    shown = public(replace(newest, evaluation=(small,), left_out=few), least=20)
    assert (shown.evaluation, "listeners without consent" in shown.left_out) == ((), False)
    assert "Fewer than 20 listeners" in shown.notes[-1]


@pytest.fixture
def mine(songs: Workspace) -> Iterator[tuple[TestClient[Any], str]]:
    """A browser without an account, and the link of user-3."""
    with TestClient(create_app(songs, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        made.headers["Accept"] = "text/html"
        yield made, link_of(songs, SYSTEM, SONGS, "user-3").path


def test_a_page_that_keeps_back_who_was_left_out_does_not_say_that_nobody_was(
    mine: tuple[TestClient[Any], str], songs: Workspace
) -> None:
    declare(songs, "user-3", "personalisation", given=False, source="//app")
    version = fit_version(songs, SYSTEM, "songs", method="popularity")
    assert version.left_out["listeners without consent"] == 1
    shown = mine[0].get("/discover/default/songs").text
    assert "listeners without consent" not in shown
    assert "Nothing, or too few listeners to be told of." in shown
    assert "Fewer than 20 listeners are not counted here" in shown


def test_what_a_recommender_links_to_is_on_its_page(
    mine: tuple[TestClient[Any], str], songs: Workspace
) -> None:
    client, path = mine
    assert 'id="links"' not in client.get("/discover/default/songs").text
    with songs.graph.write(local_actor()) as writer:
        found = writer.require(SONGS).document
        links = [{"url": f"http://127.0.0.1:7700{path}", "title": "A made-up listener"}]
        writer.put(found | {"metadata": found["metadata"] | {"links": links}})
    shown = client.get("/discover/default/songs").text
    assert 'id="links"' in shown
    assert f'href="http://127.0.0.1:7700{path}"' in shown


def test_a_link_opens_the_listener_s_own_page_and_nothing_else_does(
    mine: tuple[TestClient[Any], str],
) -> None:
    client, path = mine
    answer = client.get(path)
    shown = unescape(answer.text)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    for words in (
        "This week's playlist", "Not my taste", "Begin a private session", "Genres", "Export everything",
        "Be forgotten", "jazz artist", "Often comes together with",
    ):  # fmt: skip
        assert words in shown, words
    assert 'href="/bets"' not in shown, "it has no navigation of the organisation"
    assert client.get(path[:-2] + "xx").status_code == 404
    assert client.get("/discover/default/songs/listeners/user-3").status_code == 404


def test_who_is_signed_in_is_turned_away_from_a_listener_s_page(
    songs: Workspace, clients: Callable[..., TestClient[Any]]
) -> None:
    path = link_of(songs, SYSTEM, SONGS, "user-3").path
    for answer in (
        clients(person="ana").get(path, headers={"Accept": "text/html"}),
        clients(person="bo").post(path, data={"do": "private"}, headers={"Accept": "text/html"}),
        clients(person="cy").get(f"{path}/export"),
    ):
        assert answer.status_code == 403
        assert "user-3" not in answer.text
    visitor = clients()
    visitor.headers["Accept"] = "text/html"
    assert visitor.get(path).status_code == 200
    assert visitor.post(path, data={"do": "private"}).status_code == 403, "a form of another site"
    assert send(visitor, path, do="private").status_code == 303


def test_what_a_listener_says_on_their_page_holds_at_once(
    mine: tuple[TestClient[Any], str], songs: Workspace
) -> None:
    client, path = mine

    def said() -> Any:
        with songs.graph.read() as reader:
            return corrections_of(reader, SONGS, "user-3")

    sent = send(client, path, do="not-my-taste", facet="genre", value="metal")
    assert sent.headers["location"].startswith(path)
    assert said().traits == (("genre", "metal"),)
    assert "Take it back" in client.get(path).text
    send(client, path, do="my-taste-again", facet="genre", value="metal")
    send(client, path, do="not-my-taste", item="jazz-1")
    send(client, path, do="private")
    assert (said().traits, said().items, said().private[-1].end) == ((), ("jazz-1",), None)
    assert "A private session goes on" in client.get(path).text
    send(client, path, do="public")
    assert said().private[-1].end is not None
    send(client, path, do="consent", personalisation="yes")
    with songs.journal.snapshot() as snapshot:
        assert consents(snapshot, "research", forgotten={}, listeners=["user-3"]) == {"user-3": False}
        assert consents(snapshot, "personalisation", forgotten={}, listeners=["user-3"]) == {"user-3": True}
    assert send(client, path, do="dance").status_code == 400


def test_consent_that_is_assumed_is_ticked_and_that_for_advertising_is_not(
    mine: tuple[TestClient[Any], str], songs: Workspace
) -> None:
    client, path = mine
    ticked = re.findall(r'name="(\w+)" value="yes"( checked)?', client.get(path).text)
    assert dict(ticked) == {
        "personalisation": " checked",
        "research": " checked",
        "advertising": "",
        "sure": "",
    }
    change(songs, consent="required")
    ticked = re.findall(r'name="(\w+)" value="yes"( checked)?', client.get(path).text)
    assert set(dict(ticked).values()) == {""}


def test_a_listener_takes_everything_along_and_is_forgotten_only_if_they_mean_it(
    mine: tuple[TestClient[Any], str], songs: Workspace
) -> None:
    client, path = mine
    taken = client.get(f"{path}/export")
    assert taken.headers["content-disposition"].startswith("attachment")
    assert taken.json()["profile"]["listener"] == "user-3"
    evaluate_recommender(songs, SYSTEM, "songs", methods=("popularity",), budget=0.01)
    assert "Places by tier" in client.get("/discover/default/songs/exposure").text
    assert send(client, path, do="forget").status_code == 400
    assert "You are forgotten" in send(client, path, do="forget", sure="yes").text
    assert client.get(path).status_code == 404
    shown = client.get("/discover/default/songs/exposure").text
    assert "Not measured yet" in shown, "their listening had a say in the evaluation"


def test_without_a_version_a_link_opens_a_page_that_says_so(
    client: TestClient[Any], radio: Workspace
) -> None:
    shown = client.get(link_of(radio, SYSTEM, "recommender:default/empty", "l001").path).text
    assert "Nothing is recommended yet" in shown
    assert "What it may be used for" in shown


def test_listeners_and_recommenders_are_called_what_the_organisation_calls_them(
    songs: Workspace, clients: Callable[..., TestClient[Any]]
) -> None:
    nouns = {"listener": "viewer", "recommender": "programmer"}
    with songs.graph.write(SYSTEM) as writer:
        writer.put(document("Vocabulary", "words", owner="discovery", nouns=nouns))
    evaluate_recommender(songs, SYSTEM, "songs", methods=("popularity",), budget=0.01)
    path = link_of(songs, local_actor(), SONGS, "user-0").path
    staff, own = clients(auth=False), clients()
    read = [
        (staff, "/discover"),
        (staff, "/discover/default/songs"),
        (staff, "/discover/default/songs/creators"),
        (staff, "/discover/default/songs/evaluation"),
        (staff, "/discover/-/evaluation/default/songs"),
    ]
    texts = [text for client, page in [*read, (own, path)] for text in Reading(client.get(page).text).texts]
    said = " ".join(texts)
    assert "viewers" in said
    assert "programmer" in said.lower()
    left = [place for text in texts for place in left_in(text)]
    assert not [place for place in left if re.search(r"(?i)\b(?:listener|recommender)s?\b(?!:)", place)]
