"""The shorter way of single evaluations: the same answers as the usual way, and no check left out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from litestar.testing import TestClient
from structlog.testing import capture_logs

from counterpoint import Workspace
from counterpoint.flags import ofrep, ready_sets, seen
from counterpoint.flags.exposure import exposures_of
from counterpoint.flags.ofrep import MAX_BODY, PATH
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import known, tokens
from counterpoint.server.identity.known import KnownCallers
from counterpoint.server.identity.model import Caller, hash_secret
from counterpoint.server.middleware import shortcut as shortcuts
from counterpoint.server.middleware.shortcut import Shortcut

from .conftest import DEFINITION

JSON = {"Content-Type": "application/json"}
SWEDE = b'{"context": {"targetingKey": "user-1", "country": "SE"}}'


@dataclass
class Way:
    """A client of an application, and whether its last request went the usual way."""

    client: TestClient[Any]
    shortcut: Shortcut
    usual: list[str] = field(default_factory=list)

    def ask(self, headers: dict[str, str], **options: Any) -> tuple[httpx2.Response, bool]:
        """The answer, and whether the shortcut gave it."""
        self.shortcut._renew()
        before = len(self.usual)
        request = {"method": "POST", "url": f"{PATH}/yes", "content": SWEDE, **options}
        answer = self.client.request(**request, headers=JSON | headers)
        return answer, len(self.usual) == before


@pytest.fixture
def _only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing looks at the graph but the tests, and nothing grows old."""
    monkeypatch.setattr(shortcuts, "RENEWED_EVERY", math.inf)
    monkeypatch.setattr(known, "HELD", math.inf)
    monkeypatch.setattr(ready_sets, "RECENT_SECONDS", math.inf)
    monkeypatch.setattr(seen, "ENOUGH", 1)


@pytest.fixture
def ways(
    make: Callable[..., TestClient], workspace: Workspace, _only_when_told: None
) -> Callable[..., tuple[Way, Way]]:
    """Makes two applications over the workspace: one as it is, and one without its shortcut."""
    definition = DEFINITION | {"flags": DEFINITION["flags"] | ODD}
    write_set(workspace, local_actor(), "default", definition)
    write_set(workspace, local_actor(), "shop", definition)

    def made(*, alone: bool = False, **settings: Any) -> tuple[Way, Way]:
        short = _way(make(**{"loopback": True, **settings}))
        if alone:
            return short, short
        usual = _way(make(**{"loopback": True, **settings}))
        usual.client.app.asgi_handler = usual.shortcut.app  # type: ignore[attr-defined]
        return short, usual

    return made


def _way(client: TestClient[Any]) -> Way:
    (found,) = client.app.state.shortcuts  # type: ignore[attr-defined]
    way, app = Way(client, found), found.app

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        way.usual.append(scope["path"])
        await app(scope, receive, send)

    found.app = noting
    return way


@pytest.fixture
def key(workspace: Workspace) -> Callable[..., str]:
    """Makes a token with these scopes."""

    def made(*scopes: str, **options: Any) -> str:
        name = "-".join(scopes).replace(":", ".")
        return tokens.create_token(workspace.graph, local_actor(), name, frozenset(scopes), **options)[1]

    return made


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


SHOP = {"Origin": "https://shop.example"}
ASKING = SHOP | {
    "Authorization": None,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}
"""What a browser asks before a page's first request; it sends no token with it."""
ODD = dict.fromkeys(("a/b", "x%2Fy", "a?b", "é t"), DEFINITION["flags"]["text"])
REQUESTS: list[tuple[str, bool, int, Mapping[str, str | None], dict[str, Any]]] = [
    ("plain", True, 200, {}, {}),
    ("a flag without a rule", True, 200, {}, {"url": f"{PATH}/text"}),
    ("a float", True, 200, {}, {"url": f"{PATH}/part"}),
    ("an object", True, 200, {}, {"url": f"{PATH}/thing"}),
    ("a disabled flag", True, 200, {}, {"url": f"{PATH}/off"}),
    ("a flag without default", True, 200, {}, {"url": f"{PATH}/bare"}),
    ("a flag set by name", True, 200, {"Flagd-Selector": "flagSetId=shop"}, {}),
    ("no context", True, 200, {}, {"content": b"{}"}),
    ("a context that is none", True, 200, {}, {"content": b'{"context": [1]}'}),
    ("an id of its own", True, 200, {"X-Request-ID": "abcdefgh-1"}, {}),
    ("an id that is none", True, 200, {"X-Request-ID": "a b\tc"}, {}),
    ("an origin", True, 200, SHOP, {}),
    ("an origin, and an id of its own", True, 200, SHOP | {"X-Request-ID": "abcdefgh-1"}, {}),
    ("an origin, from another site", True, 200, SHOP | {"Sec-Fetch-Site": "cross-site"}, {}),
    ("our own page", True, 200, {"Origin": "http://counterpoint.localhost", "Sec-Fetch-Site": "same-origin"}, {}),
    ("our own page, its host in capitals", True, 200, {"Origin": "http://Counterpoint.localhost"}, {}),
    ("an origin that may not", False, 403, {"Origin": "https://evil.example"}, {}),
    ("an origin that may, in capitals", False, 403, {"Origin": "https://SHOP.example"}, {}),
    ("no origin", False, 403, {"Origin": "null"}, {}),
    ("an empty origin", False, 403, {"Origin": ""}, {}),
    ("an origin with a cookie", False, 200, SHOP | {"Cookie": "counterpoint_session=x"}, {}),
    ("an origin, and no such flag", False, 404, SHOP, {"url": f"{PATH}/none"}),
    ("an origin, and all flags", False, 200, SHOP, {"url": PATH}),
    ("another site", True, 200, {"Sec-Fetch-Site": "cross-site"}, {}),
    ("a cookie", False, 200, {"Cookie": "counterpoint_session=x"}, {}),
    ("compressed", False, 400, {"Content-Encoding": "gzip"}, {"content": b"x"}),
    ("another host", False, 421, {"Host": "evil.example"}, {}),
    ("a host without name", False, 421, {"Host": ""}, {}),
    ("a query", False, 200, {}, {"params": {"a": "b"}}),
    ("an encoded key", True, 200, {}, {"url": f"{PATH}/a%2Fb"}),
    ("an encoded key, not encoded", True, 200, {}, {"url": f"{PATH}/a/b"}),
    ("a key that looks encoded, not encoded", True, 200, {}, {"url": f"{PATH}/x%2Fy"}),
    ("a key with a question mark", True, 200, {}, {"url": f"{PATH}/a%3Fb"}),
    ("a key with a space and an umlaut", True, 200, {}, {"url": f"{PATH}/%C3%A9%20t"}),
    ("a key with a half encoded sign", False, 404, {}, {"url": f"{PATH}/a%2"}),
    ("a key that is no UTF-8", False, 404, {}, {"url": f"{PATH}/%FF"}),
    ("an encoded key, from a page", True, 200, SHOP, {"url": f"{PATH}/a%2Fb"}),
    ("an encoded slash before the key", True, 200, {}, {"url": f"{PATH}%2Fyes"}),
    ("a path that begins alike", False, 404, {}, {"url": f"{PATH}x/yes"}),
    ("a lone percent sign", False, 404, {}, {"url": f"{PATH}/%"}),
    ("all flags", False, 200, {}, {"url": PATH}),
    ("all flags, with a slash", False, 200, {}, {"url": PATH + "/"}),
    ("no such flag", False, 404, {}, {"url": f"{PATH}/none"}),
    ("a rule that cannot run", False, 400, {}, {"url": f"{PATH}/broken"}),
    ("no such set", False, 404, {"Flagd-Selector": "nobody"}, {}),
    ("no body", False, 200, {}, {"content": b""}),
    ("no JSON", False, 400, {}, {"content": b"{"}),
    ("JSON but no object", False, 400, {}, {"content": b"[]"}),
    ("a large body", False, 413, {}, {"content": b" " * (MAX_BODY + 1)}),
    ("another method", False, 405, {}, {"method": "GET", "content": None}),
    ("preflight", True, 204, ASKING, {"method": "OPTIONS", "content": None}),
    ("preflight of all flags", True, 204, ASKING, {"method": "OPTIONS", "content": None, "url": PATH}),
    ("preflight of an encoded key", True, 204, ASKING, {"method": "OPTIONS", "content": None, "url": f"{PATH}/a%2Fb"}),
    ("preflight with an id", True, 204, ASKING | {"X-Request-ID": "abcdefgh-1"}, {"method": "OPTIONS", "content": None}),
    ("preflight of a page that may not", True, 204, ASKING | {"Origin": "https://evil.example"}, {"method": "OPTIONS", "content": None}),
    ("preflight with a cookie", False, 204, ASKING | {"Cookie": "a=b"}, {"method": "OPTIONS", "content": None}),
    ("preflight with a query", False, 204, ASKING, {"method": "OPTIONS", "content": None, "params": {"a": "b"}}),
    ("preflight for another host", False, 421, ASKING | {"Host": "evil.example"}, {"method": "OPTIONS", "content": None}),
    ("preflight of the stream", False, 204, ASKING, {"method": "OPTIONS", "content": None, "url": "/ofrep/v1/sse"}),
    ("preflight with a token", False, 204, SHOP, {"method": "OPTIONS", "content": None}),
    ("a page without a token", False, 401, SHOP | {"Authorization": None}, {}),
    ("no preflight", False, 405, {}, {"method": "OPTIONS", "content": None}),
]  # fmt: skip


def test_both_ways_answer_count_and_log_the_same(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str]
) -> None:
    pair = ways(origins=("https://shop.example",))
    sent = bearer(key("flags:evaluate"))
    for way in pair:
        know(way, sent)
    for row in REQUESTS:
        _compare(pair, sent, *row)


def _compare(
    pair: tuple[Way, Way],
    sent: dict[str, str],
    name: str,
    expected: bool,
    status: int,
    headers: Mapping[str, str | None],
    options: dict[str, Any],
) -> None:
    answers, lines, counts = [], [], []
    for way in pair:
        earlier = _counted(way)
        with capture_logs() as written:
            asked = {name: value for name, value in {**sent, **headers}.items() if value is not None}
            answer, at_once = way.ask(asked, **options)
            way.shortcut._lines.flush()
        assert at_once == (expected and way is pair[0]), name
        answers.append((answer.status_code, answer.content, _told(answer)))
        lines.append([_line(each) for each in written if each["event"] == "request"])
        counts.append({name: value - earlier.get(name, 0) for name, value in _counted(way).items()})
    assert answers[0] == answers[1], name
    assert answers[0][0] == status, name
    assert len(lines[0]) == 1, name
    assert lines[0] == lines[1], name
    assert counts[0] == counts[1], name
    assert sum(counts[0].values()) > 1, name


def know(way: Way, sent: dict[str, str]) -> None:
    """Let token, sets and attributes become known to the shortcut, where they may."""
    for name in ("default", "shop"):
        for _ in range(2):
            way.ask(sent | {"Flagd-Selector": name})
    way.shortcut._lines.flush()


def _told(answer: httpx2.Response) -> list[tuple[str, str]]:
    """The headers in their order; of the id only whether it is the one that was sent."""
    given = answer.request.headers.get("x-request-id")
    return [
        (name, str(value == given) if name == "x-request-id" else value)
        for name, value in answer.headers.multi_items()
    ]


def _line(line: Any) -> dict[str, Any]:
    assert line["ms"] >= 0
    return {name: line[name] for name in ("method", "path", "status", "actor", "log_level")}


def _counted(way: Way) -> dict[str, float]:
    """What the metrics count of requests, by name and labels; how long each took lies in different buckets."""
    metrics = way.client.app.state.meters.registry.collect()  # type: ignore[attr-defined]
    return {
        f"{sample.name}{sample.labels}": sample.value
        for metric in metrics
        for sample in metric.samples
        # What the journal counts follows a moment later, when exposures are written.
        if sample.name.startswith("counterpoint_http_")
        and sample.name.endswith(("_requests_total", "_seconds_count", "_in_flight"))
    }


def test_a_token_opens_on_both_ways_what_its_scopes_say(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str]
) -> None:
    pair = ways()
    opening = {"flags:evaluate": 200, "flags:evaluate:default": 200, "admin": 200}
    refused = {"flags:evaluate:shop": 403, "read": 403, "write": 403, "events:write": 403}
    for scope, status in (opening | refused).items():
        sent = {"X-API-Key": key(scope)}
        for way in pair:
            know(way, sent)
            answer, at_once = way.ask(sent | {"Flagd-Selector": "default"})
            assert (answer.status_code, at_once) == (status, status == 200 and way is pair[0]), scope


def test_without_a_token_or_with_a_made_up_one_nobody_passes(ways: Callable[..., tuple[Way, Way]]) -> None:
    short, _ = ways(alone=True)
    for sent in ({}, bearer("cpk_made-up"), {"X-API-Key": "cpt_x"}, {"Authorization": "Basic eDp5"}):
        for _ in range(2):
            answer, at_once = short.ask(sent)
            assert (answer.status_code, at_once) == (401, False)


def test_without_sign_in_programs_of_this_machine_take_the_shortcut(
    ways: Callable[..., tuple[Way, Way]],
) -> None:
    short, usual = ways(auth=False)
    know(short, {})
    (first, at_once), (second, _) = short.ask({}), usual.ask({})
    assert at_once
    assert (first.json(), _told(first)) == (second.json(), _told(second))
    for sent in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer, at_once = short.ask(sent)
        assert (answer.status_code, at_once) == (403, False)


def test_a_revoked_token_is_forgotten_at_the_next_look(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str], workspace: Workspace
) -> None:
    short, _ = ways(alone=True)
    mine, other = bearer(key("flags:evaluate")), bearer(key("flags:evaluate", "read"))
    for sent in (mine, other):
        know(short, sent)
    tokens.revoke_token(workspace.graph, local_actor(), "flags.evaluate")
    answer, at_once = short.ask(mine)
    assert (answer.status_code, at_once) == (401, False)
    assert short.ask(other)[1]  # a change of something else costs nobody the shortcut


def test_one_rate_counts_for_both_ways(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterpoint.flags.ofrep.time.monotonic", lambda: 1000.0)
    short, _ = ways(alone=True, rate=7)
    sent = bearer(key("flags:evaluate"))
    know(short, sent)
    answers = [short.ask(sent | extra)[0] for extra in ({}, {"Cookie": "a=b"}, {}, {})]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


def test_what_the_shortcut_answers_is_an_exposure(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str], workspace: Workspace
) -> None:
    short, _ = ways(alone=True)
    sent = bearer(key("flags:evaluate"))
    know(short, sent)
    body = b'{"context": {"targetingKey": "only-here", "country": "SE"}}'
    assert short.ask(sent, content=body)[1]
    exposures_of(workspace).flush()
    (event,) = workspace.journal.recent(subject="only-here")
    assert (event.flag, event.variant) == ("yes", "on")


def test_a_written_flag_answers_at_once(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str], workspace: Workspace
) -> None:
    short, _ = ways(alone=True)
    sent = bearer(key("flags:evaluate"))
    know(short, sent)
    flag = {"state": "ENABLED", "variants": {"new": 5}, "defaultVariant": "new"}
    write_set(workspace, local_actor(), "default", {"flags": {"yes": flag}})
    assert short.client.post(f"{PATH}/yes", content=SWEDE, headers=sent).json()["value"] == 5


def test_two_lines_of_one_header_go_the_usual_way(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str]
) -> None:
    short, _ = ways(alone=True)
    sent = bearer(key("flags:evaluate"))
    know(short, sent)
    before = len(short.usual)
    lines = [*sent.items(), ("Host", "localhost"), ("Host", "evil.example")]
    assert short.client.post(f"{PATH}/yes", content=SWEDE, headers=lines).status_code == 421
    assert len(short.usual) == before + 1


@pytest.fixture
def callers(workspace: Workspace) -> KnownCallers:
    """Known callers over the workspace, who have looked once."""
    found = KnownCallers(workspace.graph)
    found.renew()
    return found


def kept(callers: KnownCallers, workspace: Workspace, secret: str) -> str:
    """Keep a token as the shortcut does; returns its hash."""
    number = callers.number
    with workspace.graph.read() as reader:
        token = tokens.find_token(reader, secret, now=datetime.now(UTC))
    assert token
    caller = Caller(tokens.token_actor(token), "token", expires_at=token.expires_at)
    callers.keep(hash_secret(secret), caller, number=number)
    return hash_secret(secret)


def test_a_token_is_known_no_longer_than_it_lives_and_than_somebody_looks(
    key: Callable[..., str], workspace: Workspace, callers: KnownCallers, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    secret = key("flags:evaluate", expires_at=now + timedelta(hours=1))
    clock = [1000.0]
    monkeypatch.setattr("counterpoint.server.identity.known.time.monotonic", lambda: clock[0])
    callers.renew()
    digest = kept(callers, workspace, secret)
    assert callers.get(digest)
    clock[0] += known.HELD + 0.01
    assert callers.get(digest) is None
    callers.renew()
    assert callers.get(digest)
    clock[0] += known.LOOKED_UP_EVERY
    callers.renew()
    assert callers.get(digest) is None
    kept(callers, workspace, secret)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls.fromtimestamp((now + timedelta(hours=2)).timestamp(), tz)

    assert callers.get(digest)
    monkeypatch.setattr(known, "datetime", Later)
    assert callers.get(digest) is None


def test_who_was_looked_up_before_a_change_is_not_kept_after_it(
    key: Callable[..., str], workspace: Workspace, callers: KnownCallers
) -> None:
    secret = key("flags:evaluate")
    callers.renew()
    before = callers.number
    tokens.revoke_token(workspace.graph, local_actor(), "flags.evaluate")
    callers.renew()
    callers.keep(hash_secret(secret), Caller(local_actor(), "token"), number=before)
    assert callers.get(hash_secret(secret)) is None


def test_no_more_tokens_are_known_than_the_bound(
    callers: KnownCallers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "MOST", 2)
    for name in "abc":
        callers.keep(name, Caller(local_actor(), "token"), number=callers.number)
    assert [callers.get(name) is not None for name in "abc"] == [False, False, True]


def test_the_json_of_answers_is_kept_for_a_bounded_number(
    ways: Callable[..., tuple[Way, Way]], key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "MOST_BODIES", 3)
    short, usual = ways()
    asked = bearer(key("flags:evaluate"))
    for way in (short, usual):
        way.ask(asked)
    bodies = short.shortcut._quick._bodies  # type: ignore[attr-defined]
    for name in ["yes", *sorted(DEFINITION["flags"])] * 2:
        url = {"url": f"{PATH}/{name}"}
        (mine, _), (theirs, _) = short.ask(asked, **url), usual.ask(asked, **url)
        assert (mine.status_code, mine.content) == (theirs.status_code, theirs.content)
        assert len(bodies) <= 3
    assert not any(isinstance(found.value, dict | list) for found, _ in bodies.values())
