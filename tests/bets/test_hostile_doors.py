"""What is wrong, too large or not there is refused at every door of this room with its place; nothing breaks."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.deciding.model import Content
from counterpoint.bets.deciding.records import propose
from counterpoint.bets.dependencies.store import report_dependency
from counterpoint.bets.feedback.store import take_in
from counterpoint.bets.judgement import predicting
from counterpoint.bets.reviews import sittings
from counterpoint.bets.reviews.briefs import write_brief
from counterpoint.moments import today_utc
from counterpoint.server import mounting
from counterpoint.server.app import create_app
from tests.bets.concerns.conftest import ADMIN, ANA, BET, SQUAD, fill

Client = TestClient[Any]
ROOMS = (
    "bets",
    *(
        f"bets.{part}"
        for part in ["deciding", "judgement", "reviews", "concerns", "dependencies", "feedback"]
    ),
)
HTML = {"Accept": "text/html"}
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 10**30, 1e308, [], [None], {}, "", "\x00", "\ud800", "x" * 30_000, "::/", "bet:../..", "2026-13-45",
)  # fmt: skip
RAW = (b"", b"{", b"null", b'"x"', b"[]", b'{"p": NaN}', b"\xff\xfe", b"[" * 3_000)


@pytest.fixture
def house(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The local user's browser, in an organisation that has one of everything."""
    graph = workspace.graph
    fill(graph)
    early = today_utc() - timedelta(days=20)
    raise_concern(graph, BET, "Late", actor=ANA, today=early)
    report_dependency(graph, "discovery", "player", "Storage", actor=ADMIN)
    take_in(graph, "discovery", "Old songs", actor=ANA)
    predicting.ask(graph, BET, "Will it?", actor=ADMIN)
    propose(graph, Content(title="Lists", unit="discovery"), actor=ANA)
    sittings.open_review(graph, SQUAD, actor=ADMIN)
    write_brief(graph, "discovery", "Know", "This", "discovery", actor=ANA)
    monkeypatch.setattr(mounting, "ROOMS", ROOMS)
    with TestClient(
        create_app(workspace, auth=False), base_url="http://127.0.0.1", raise_server_exceptions=False
    ) as made:
        yield made


def numbers(client: Client) -> dict[str, str]:
    """The number of the one thing that is behind each address."""

    def first(path: str) -> Any:
        return client.get(f"/api/v1/{path}").json()["items"][0]

    return {
        "concerns": first("concerns")["concern"]["id"],
        "dependencies": first("dependencies")["dependency"]["id"],
        "feedback": first("feedback")["feedback"]["id"],
        "decisions": str(first("decisions")["number"]),
        "predictions": first("bets/default/weekly/questions")["id"],
        "reviews": first("reviews?unit=discovery")["id"],
        "briefs": first("briefs")["id"],
    }


def addresses(client: Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address and schema of the body of every operation that takes one."""
    spec, known = client.get("/api/openapi.json").json(), numbers(client)
    schemas = spec["components"]["schemas"]
    for path, operations in spec["paths"].items():
        room = path.removeprefix("/api/v1/").partition("/")[0]
        number = known["predictions"] if "questions" in path else known.get(room, "0")
        filled = path.replace("{namespace}", "default").replace("{name}", "weekly")
        filled = re.sub(r"\{[^}]+\}", number, filled)
        for method, operation in operations.items():
            if path.startswith("/api/v1/") and "requestBody" in operation:
                (body,) = operation["requestBody"]["content"].values()
                schema = body["schema"]
                while "$ref" in schema:
                    schema = schemas[schema["$ref"].rpartition("/")[2]]
                yield method, filled, schema


def test_no_body_breaks_an_operation_and_each_refusal_says_what_is_wrong(house: Client) -> None:
    seen = 0
    for method, path, schema in addresses(house):
        fields = list(schema.get("properties", {})) or ["kind", "metadata", "spec"]
        bodies = [
            json.dumps({fields[place % len(fields)]: value}).encode() for place, value in enumerate(HOSTILE)
        ]
        bodies += [json.dumps(dict.fromkeys(fields, value)).encode() for value in HOSTILE[::4]]
        for body in (*bodies, *RAW):
            answered = house.request(
                method.upper(), path, content=body, headers={"content-type": "application/json"}
            )
            seen += 1
            assert answered.status_code < 500, (method, path, body[:80], answered.text[:300])
            if answered.status_code >= 400:
                assert answered.headers["content-type"].startswith("application/problem+json"), path
                problem = answered.json()
                assert problem["detail"], (method, path, body[:80])
    assert seen > 400


PAGES = (
    "/bets/new", "/bets/default/weekly", "/bets/default/weekly/edit", "/bets/default/weekly/judgement",
    "/bets/default/weekly/evidence", "/bets/board?unit=discovery", "/bets/why/new?kind=Belief", "/concerns/new",
    "/concerns/{concerns}", "/dependencies/new", "/dependencies/{dependencies}", "/feedback/new",
    "/feedback/{feedback}", "/feedback/doors", "/decisions/new", "/decisions/{decisions}",
    "/decisions/{decisions}/edit", "/boundaries?unit=discovery", "/predictions/{predictions}",
    "/bets/reviews?unit=discovery", "/bets/reviews/{reviews}", "/briefs", "/briefs/{briefs}",
)  # fmt: skip


def test_no_form_breaks_by_what_is_missing_or_typed_into_it(house: Client) -> None:
    known, seen = numbers(house), 0
    for address in PAGES:
        page = house.get(address.format_map(known), headers=HTML)
        assert page.status_code == 200, address
        for form in re.findall(r'<form[^>]*method="post".*?</form>', page.text, re.S):
            action = re.search(r'action="([^"]*)"', form)
            names = set(re.findall(r'name="([^"]+)"', form)) - {"_csrf_token"}
            token = re.search(r'name="_csrf_token" value="([^"]+)"', form)
            assert token, address
            to = (action.group(1).replace("&amp;", "&") if action else "") or address.format_map(known)
            for typed in (None, "x" * 30_000, "\x00", "::/", "1e400"):
                data = dict.fromkeys(names, typed) if typed is not None else {}
                sent = house.post(
                    to, data=data | {"_csrf_token": token[1]}, headers=HTML, follow_redirects=False
                )
                seen += 1
                assert sent.status_code < 500, (to, typed and typed[:20])
    assert seen > 100
