"""The API of discover: what a backend gets for its listeners, and that nobody in the organisation gets any of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.discover.access import listening_actor
from counterpoint.discover.consent import CONSENT
from counterpoint.discover.links import link_of, listener_of
from counterpoint.discover.serving import service_of
from counterpoint.discover.versions import fit_version
from counterpoint.discover.week import this_week
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.server.identity import accounts, tokens
from tests.discover.streaming import ADMIN, BACKEND, NOW, SKIPPED, event, play

BASE = "/api/v1/discover/songs"
MINE = f"{BASE}/listeners/user-0"
PERSONAL: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/recommendations", None),
    ("GET", "/weekly", None),
    ("GET", "/weekly/2026-W01", None),
    ("GET", "/profile", None),
    ("PUT", "/profile/corrections", {"items": ["jazz-1"]}),
    ("PATCH", "/profile/corrections", {"addItems": ["jazz-2"]}),
    ("GET", "/consent", None),
    ("PUT", "/consent", {"personalisation": False}),
    ("GET", "/export", None),
    ("POST", "/links", {"days": 1}),
    ("DELETE", "", None),
)
Client = TestClient[Any]
HTML = {"Accept": "text/html"}


def test_a_backend_acts_for_its_listener_through_every_door(
    clients: Callable[..., Client], songs: Workspace
) -> None:
    client = clients("discover")
    answer = client.get(
        f"{MINE}/recommendations", params={"k": 3, "where": ["genre:jazz", "genre:folk"]}
    ).json()
    assert len(answer["items"]) == 3
    assert {"item", "title", "score", "because", "rest", "known", "reason"} <= answer["items"][0].keys()
    first = answer["items"][0]["item"]
    changed = client.patch(f"{MINE}/profile/corrections", json={"addItems": [first], "private": True}).json()
    assert changed["items"] == [first]
    assert client.get(f"{MINE}/profile").json()["plays"] > 0
    assert first not in [each["item"] for each in client.get(f"{MINE}/recommendations").json()["items"]]
    put = client.put(f"{MINE}/profile/corrections", json={"traits": [["genre", "metal"]]})
    assert put.json() == {"items": [], "traits": [["genre", "metal"]], "private": []}
    week = client.get(f"{MINE}/weekly").json()
    assert week["week"] == this_week()
    assert client.get(f"{MINE}/weekly/{week['week']}").json() == week
    profile = client.get(f"{MINE}/profile").json()
    genres = next(each for each in profile["facets"] if each["name"] == "genre")
    assert genres["traits"][0]["value"] == "jazz"
    assert genres["traits"][0]["share"]["low"] < genres["traits"][0]["share"]["mean"]
    assert {each["name"] for each in profile["facets"]} >= {"artist", "genre", "era", "mood"}
    whole = client.get(f"{MINE}/export").json()
    assert whole["weeks"][0]["week"] == week["week"]
    assert whole["listening"]
    assert client.put(f"{MINE}/consent", json={"advertising": True}).json()["advertising"] is True
    assert client.get(f"{MINE}/consent").json() == {
        "personalisation": None,
        "research": None,
        "advertising": True,
    }
    link = client.post(f"{MINE}/links", json={"days": 2})
    assert link.status_code == 201
    assert listener_of(songs, link.json()["token"]).listener == "user-0"
    gone = client.delete(MINE)
    assert gone.status_code == 202
    assert gone.json()["rows"] == 3
    assert client.get(f"{MINE}/export").json()["listening"] == []
    with pytest.raises(NotFoundError):
        listener_of(songs, link.json()["token"])


def test_what_is_wrong_is_said_with_its_place(clients: Callable[..., Client]) -> None:
    client = clients("discover")
    for path, status in (
        (f"{MINE}/recommendations?k=0", 400),
        (f"{MINE}/recommendations?k=many", 400),
        (f"{MINE}/recommendations?where=jazz", 400),
        (f"{MINE}/recommendations?where=gender:x", 400),
        (f"{MINE}/recommendations?context=mondays", 400),
        (f"{MINE}/weekly/2026-W99", 400),
        (f"{MINE}/weekly/2026-W01", 404),
        ("/api/v1/discover/no-such/listeners/user-0/profile", 404),
        ("/api/v1/discover/other:songs/listeners/user-0/profile", 404),
        ("/api/v1/discover/a b/listeners/user-0/profile", 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert (
        client.put(f"{MINE}/profile/corrections", json={"items": [""]}).json()["errors"][0]["pointer"]
        == "/items"
    )
    assert client.patch(f"{MINE}/profile/corrections", json={"addItem": ["x"]}).status_code == 400
    assert client.post(f"{MINE}/links", json={"days": 0}).json()["errors"][0]["pointer"] == "/days"


@pytest.mark.parametrize(
    "who", ["nobody", "admin token", "read and write token", "administrator", "member", "no sign-in"]
)
def test_nobody_in_the_organisation_gets_through_a_listeners_door(
    clients: Callable[..., Client], songs: Workspace, who: str
) -> None:
    if who in ("administrator", "member"):
        if who == "member":  # the first account is an administrator's
            accounts.create_account(songs.graph, local_actor(), "first", "correct horse battery", admin=True)
        client = clients(person="ana" if who == "administrator" else "bo")
    else:
        scopes = {"admin token": ("admin",), "read and write token": ("read", "write")}.get(who, ())
        client = clients(*scopes, auth=who != "no sign-in")
    before = songs.graph.last_activity()
    for method, path, body in PERSONAL:
        for start in (MINE, MINE.replace("/listeners", "//listeners")):
            answer = client.request(method, start + path, json=body)
            assert answer.status_code in ({401} if who == "nobody" else {403, 404}), (method, path)
            assert "jazz" not in answer.text
    assert songs.graph.last_activity() == before


def test_what_was_recommended_is_found_nowhere_else(clients: Callable[..., Client], songs: Workspace) -> None:
    backend = clients("discover")
    play(songs, "secret-listener", "metal-1", "metal-2")
    play(songs, "secret-listener", "folk-5", kind=SKIPPED)
    mine = f"{BASE}/listeners/secret-listener"
    week = backend.get(f"{mine}/weekly").json()
    backend.get(f"{mine}/recommendations")
    backend.patch(f"{mine}/profile/corrections", json={"addItems": ["folk-7"], "private": True})
    backend.put(f"{mine}/consent", json={"advertising": True})
    link = backend.post(f"{mine}/links", json={}).json()
    admin = clients(person="ana")
    for path in (
        "/api/v1/activity?limit=200",
        "/activity",
        "/search?q=secret-listener",
        "/api/v1/search?q=secret-listener",
        "/catalog/recommender/default/songs",
        "/api/catalog/entities/by-name/recommender/default/songs",
        f"{BASE}/shadows",
        "/",
    ):
        text = admin.get(path, headers=HTML if not path.startswith("/api") else {}).text
        # The search says again what was asked for; nothing else may name the listener.
        named = () if "q=" in path else ("secret-listener",)
        assert not [word for word in (*named, "folk-7", week["inputs"], link["token"]) if word in text], path
    explored = [each["item"] for each in week["tracks"] if each["explored"]]
    for query in (
        "",
        "?subject=secret-listener",
        "?type=dev.counterpoint.discover.explored",
        "?type=dev.counterpoint.discover.consent",
    ):
        listed = admin.get(f"/api/v1/events{query}").json()["items"]
        assert not [each for each in listed if each["type"].startswith("dev.counterpoint.discover.")]
        page = admin.get(f"/events{query}", headers=HTML).text
        assert "propensity" not in page
    assert explored
    with songs.graph.read() as reader:
        told = [
            each
            for each in reader.activity(limit=200)
            if each.action.startswith(("recommender.", "discover."))
        ]
    assert {each.action for each in told} >= {
        "recommender.week-made",
        "recommender.corrected",
        "discover.link-made",
    }
    assert "secret-listener" not in repr(told)


def test_a_link_opens_one_listener_and_ends(songs: Workspace) -> None:
    at = datetime(2026, 11, 27, tzinfo=UTC)
    link = link_of(songs, BACKEND, "recommender:default/songs", "user-0", lifetime=timedelta(hours=1), now=at)
    found = listener_of(songs, link.token, now=at + timedelta(minutes=59))
    assert (found.recommender, found.listener) == ("recommender:default/songs", "user-0")
    assert "user-0" not in link.token
    other = link_of(songs, BACKEND, "recommender:default/songs", "user-1", now=at)
    mixed = f"{other.token.partition('.')[0]}.{link.token.partition('.')[2]}"
    for wrong in (link.token[:-1], link.token + "x", mixed, "", ".", "é.ü", "x" * 5_000):
        with pytest.raises(NotFoundError):
            listener_of(songs, wrong, now=at)
    with pytest.raises(NotFoundError):
        listener_of(songs, link.token, now=at + timedelta(hours=1))
    assert (songs.path / "discover/links.key").stat().st_mode & 0o777 == 0o600
    (songs.path / "discover/links.key").unlink()
    with pytest.raises(NotFoundError):
        listener_of(songs, link.token, now=at)


def test_no_log_holds_a_listeners_name(
    clients: Callable[..., Client], capsys: pytest.CaptureFixture[str]
) -> None:
    backend = clients("discover", "write", "read")
    for name in ("zebra", "zebra%2Fzebra", "zebra zebra"):
        for start in (f"{BASE}/listeners/{name}", f"/api/v1//discover/songs//listeners/{name}"):
            for last in (
                "",
                "/profile",
                "/weekly",
                "/weekly/2026-W01",
                "/no-such",
                "/links",
                "/across?where=x",
            ):
                for method in ("GET", "POST", "DELETE", "PATCH"):
                    backend.request(method, start + last, json={})
    log = capsys.readouterr().err
    assert "/listeners/{listener" in log
    assert "zebra" not in log


def test_links_are_made_by_who_acts_for_listeners_and_for_a_while(songs: Workspace) -> None:
    ref = "recommender:default/songs"
    for actor in (ADMIN, Actor("token:default/ci", "ci", "service", admin=True, scopes=frozenset({"admin"}))):
        with pytest.raises(NotAllowedError):
            link_of(songs, actor, ref, "user-0")
    for lifetime in (timedelta(0), timedelta(days=401)):
        with pytest.raises(InputError):
            link_of(songs, BACKEND, ref, "user-0", lifetime=lifetime)
    with pytest.raises(InputError):
        link_of(songs, BACKEND, ref, "  ")
    assert service_of(songs).recommend(listening_actor(), "songs", "user-0").personal


def test_the_aggregate_doors_are_open_to_readers(clients: Callable[..., Client]) -> None:
    client = clients("read", "discover")
    found = client.get(f"{BASE}/items/metal-1/similar", params={"k": 3}).json()
    assert len(found["items"]) == 3
    going = client.post(f"{BASE}/continue", json={"title": "gym power", "tracks": [], "k": 3})
    assert going.status_code == 200
    assert going.json()["items"][0]["item"].startswith("metal")
    assert client.get(f"{BASE}/shadows").json() == {"items": []}
    assert client.get(f"{BASE}/items/polka/similar").status_code == 404


def test_what_few_people_have_is_told_to_nobody_who_does_not_act_for_them(
    clients: Callable[..., Client], songs: Workspace
) -> None:
    """An item, a track or a title of one person would tell what else that person has."""
    for who in range(21):
        play(songs, f"user-{who}", "metal-1", "metal-2", "folk-1")
        title = "gym power" if who < 19 else "calm evening"
        content = {"playlist": f"new-{who}", "title": title, "items": ["metal-1", "metal-2"]}
        songs.journal.append([event("playlist.saved", f"user-{who}", NOW, **content)])
    play(songs, "user-0", "mine-1", "mine-2", "metal-1")
    hers = [{"playlist": f"hers-{at}", "title": "chemo days", "items": ["mine-1", "folk-1"]} for at in (1, 2)]
    songs.journal.append([event("playlist.saved", "user-0", NOW, **each) for each in hers])
    fit_version(songs, local_actor(), "songs", method="item-graph", options={"rank": 0})

    def names(client: Client, title: str, *tracks: str) -> list[str]:
        asked = {"title": title, "tracks": tracks, "k": 50}
        return [each["item"] for each in client.post(f"{BASE}/continue", json=asked).json()["items"]]

    backend, reader = clients("read", "discover"), clients("read")
    near = backend.get(f"{BASE}/items/mine-1/similar").json()["items"]
    assert "mine-2" in {each["item"] for each in near}
    refused = reader.get(f"{BASE}/items/mine-1/similar")
    assert refused.status_code == 404
    assert "20 people or more" in refused.json()["detail"]
    near = reader.get(f"{BASE}/items/metal-1/similar").json()["items"]
    assert {each["item"] for each in near} == {"metal-2", "folk-1"}
    assert set(names(backend, "chemo days")[:2]) == {"mine-1", "folk-1"}
    assert names(reader, "chemo days") == names(reader, "a title of nobody")
    assert names(reader, "x", "mine-1") == names(reader, "x")
    assert set(names(reader, "gym power", "metal-1")) == {"metal-2", "folk-1"}
    assert {"mine-1", "mine-2"} <= set(names(backend, "gym power", "metal-1"))


def test_nobody_gives_themselves_what_no_role_opens(clients: Callable[..., Client], songs: Workspace) -> None:
    """An administrator, signed in or by a token, makes no token that acts for listeners: the machine does."""
    admin, client = Actor("user:default/ana", "ana", "person", admin=True), clients(person="ana")
    service = Actor("token:default/ci", "ci", "service", admin=True, scopes=frozenset({"admin"}))
    for actor in (admin, service):
        with pytest.raises(NotAllowedError, match="on the machine"):
            tokens.create_token(songs.graph, actor, "mine", frozenset({"read", "discover"}))
    posted = client.post("/settings/tokens", data={"name": "mine", "scopes": "discover", "days": ""})
    assert posted.status_code == 403
    assert 'value="discover"' not in client.get("/settings", headers=HTML).text
    with songs.graph.read() as reader:
        assert tokens.list_tokens(reader) == []


@pytest.mark.parametrize(
    ("method", "path", "content", "pointer"),
    [
        ("PUT", "/consent", {"personalization": False}, ""),
        ("PUT", "/profile/corrections", {"item": ["jazz-1"]}, ""),
        ("POST", "/links", {"days": 1e308}, "/days"),
        ("GET", "/weekly/\u0662026-W01", None, "/week"),
        ("GET", "/weekly/2026-W+4", None, "/week"),
        *(
            (
                "POST",
                "/advertising",
                {"campaigns": [{"name": "x", "start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "budget": 9, "windowHours": hours}]},
                "/campaigns/0/windowHours",
            )
            for hours in (1e300, 9e8, -1)
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_where_it_stands(
    clients: Callable[..., Client], method: str, path: str, content: Any, pointer: str
) -> None:
    """A misspelt no to a purpose is not taken for silence, and a misspelt correction does not delete the others."""
    answer = clients("discover").request(method, MINE + path, json=content)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_nobody_who_is_signed_in_gives_a_listeners_word(
    clients: Callable[..., Client], songs: Workspace
) -> None:
    """Neither consent nor forgetting; what else they send is taken."""
    consent = {"purpose": "advertising", "given": True}
    word = {**event(CONSENT, "user-0", NOW, **consent), "id": "forged"}
    other = {**event("app.opened", "user-0", NOW), "id": "opened"}
    send = {"json": [word, other], "headers": {"Content-Type": "application/cloudevents-batch+json"}}
    answer = clients(person="ana").post("/api/events", **send).json()
    assert answer["accepted"] == 1
    assert "own word" in answer["rejected"][0]["reason"]
    assert not songs.journal.recent(type=CONSENT, personal=True)
    assert clients("events:write").post("/api/events", **send).json()["accepted"] == 1
    assert songs.journal.recent(type=CONSENT, personal=True)


@pytest.mark.parametrize(
    "name",
    ["AC/DC", "ü/ñ/日本", "50%2F50", "/", "//x/", "a?b#c", "x y&z=1+2", "recommendations/..", "'\";--"],
)
def test_a_name_of_any_kind_is_reached_by_every_door(
    clients: Callable[..., Client], songs: Workspace, name: str
) -> None:
    client = clients("discover", "read")
    play(songs, name, "jazz-1", "jazz-2")
    mine = f"{BASE}/listeners/{quote(name, safe='')}"
    heard = client.get(f"{mine}/export").json()
    assert (heard["profile"]["listener"], len(heard["listening"])) == (name, 2)
    assert client.get(f"{mine}/recommendations", params={"k": 2}).json()["personal"]
    assert client.get(f"{mine}/weekly").json()["listener"] == name
    assert client.get(f"{mine}/weekly/{this_week()}").json()["listener"] == name
    assert client.patch(f"{mine}/profile/corrections", json={"addItems": ["jazz-3"]}).status_code == 200
    assert client.put(f"{mine}/consent", json={"advertising": True}).json()["advertising"]
    link = client.post(f"{mine}/links", json={"days": 1}).json()
    assert (link["listener"], listener_of(songs, link["token"]).listener) == (name, name)
    assert client.get(f"{mine}/across", params={"where": "genre:folk"}).status_code == 200
    assert client.post(f"{mine}/advertising", json={"campaigns": []}).status_code == 200
    assert client.delete(mine).json()["rows"] == 3
    assert not client.get(f"{mine}/export").json()["listening"]
    effect = f"{BASE}/campaigns/{quote(name, safe='')}/effect"
    assert client.get(effect, params={"event": "x"}).json()["campaign"] == name
    missing = client.get(f"{BASE}/items/{quote(name, safe='')}/similar")
    assert missing.status_code == 404
    assert repr(name) in missing.json()["detail"]
    assert missing.json()["instance"] == f"{BASE}/items/{name.replace('/', '%2F')}/similar"


@pytest.mark.parametrize("name", ["%ff", "%fe", "a%C3", "%ed%a0%80", "%80%2Fx"])
def test_a_name_that_is_no_text_is_refused_before_it_is_taken_for_another(
    clients: Callable[..., Client], songs: Workspace, name: str
) -> None:
    client = clients("discover")
    before = songs.graph.last_activity()
    for method, path in (("GET", "/weekly"), ("DELETE", ""), ("PUT", "/consent")):
        answer = client.request(method, f"{BASE}/listeners/{name}{path}", json={"advertising": True})
        assert answer.status_code == 400
        assert "not UTF-8" in answer.json()["detail"]
    assert songs.graph.last_activity() == before


def test_a_slash_within_a_name_opens_no_other_door(clients: Callable[..., Client]) -> None:
    """Whether the caller may is asked of the path as it is routed."""
    reader = clients("read")
    for path in (
        "/listeners/a%2Fb/profile",
        "/listeners/x%2F..%2F..%2Fversions/profile",
        "/listeners%2Fa/profile",
    ):
        assert reader.get(BASE + path).status_code in (403, 404), path
    assert reader.get(BASE + "%2Fversions").status_code == 404
