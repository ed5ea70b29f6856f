"""What operators and tools ask of a server: ids, headers, health, figures, the API document."""

import re
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.errors import WorkspaceError
from counterpoint.server.middleware.headers import CONTENT_SECURITY_POLICY
from counterpoint.server.middleware.logs import printable


@pytest.mark.parametrize("given", ["request-0001", "a.b:c_d-e" * 3, "0" * 128])
def test_a_valid_request_id_is_taken_over(client: TestClient, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "short", "0" * 129, "with space 1", "<script>alert", "é" * 10])
def test_an_invalid_request_id_is_replaced(client: TestClient, given: str) -> None:
    headers = {b"X-Request-ID": given.encode("latin-1")}
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/healthz", headers=headers).headers["x-request-id"])


@pytest.mark.parametrize(
    "path", ["/healthz", "/settings", "/nothing", "/static/base.css", "/static/nothing", "/api/v1/activity"]
)
def test_every_answer_tells_browsers_to_be_careful(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers.get_list("cache-control")[0]


def test_the_policy_lets_no_inline_script_or_style_run_and_nobody_frame_us() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'self'" in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("path", ["/settings", "/login", "/nothing"])
def test_our_own_pages_keep_to_the_policy(client: TestClient, path: str) -> None:
    text = client.get(path, headers={"Accept": "text/html"}).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<[^>]+\sstyle=", text)
    assert not re.search(r"<[^>]+\son\w+=", text)
    assert "<style" not in text


def test_static_files_are_kept_by_version_and_checked_otherwise(client: TestClient) -> None:
    plain = client.get("/static/base.css")
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.headers["content-type"] == "text/css; charset=utf-8"
    again = client.get("/static/base.css", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in client.get("/static/~1/base.css").headers["cache-control"]
    assert client.get("/static/~1").status_code == 404


@pytest.mark.parametrize(
    "path", ["/healthz", "/settings", "/static/base.css", "/nothing", "/api/v1/activity/stream"]
)
def test_head_has_the_status_and_headers_of_get_and_no_body(client: TestClient, path: str) -> None:
    response = client.head(path)
    assert response.content == b""
    assert response.status_code == (404 if path == "/nothing" else 200)
    assert response.headers["content-type"]


def test_a_working_server_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_server_whose_journal_cannot_be_written_is_alive_but_not_ready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterpoint.server.status.os.access", lambda *_: False)
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert "cannot be written" in response.json()["errors"][0]["message"]


def test_a_server_whose_journal_is_gone_is_not_ready_and_names_no_folder(
    client: TestClient, workspace: Workspace
) -> None:
    assert client.get("/readyz").status_code == 200
    (workspace.path / "journal").rename(workspace.path / "elsewhere")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["errors"][0]["file"] == "journal"
    assert str(workspace.path) not in response.text
    (workspace.path / "elsewhere").rename(workspace.path / "journal")
    assert client.get("/readyz").status_code == 200


def test_a_server_on_a_full_disk_is_not_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.server.status.LEAST_FREE", 1 << 62)
    assert "bytes are free" in client.get("/readyz").json()["errors"][0]["message"]


def test_a_server_whose_graph_cannot_be_read_is_not_ready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise WorkspaceError("The graph cannot be used.")

    monkeypatch.setattr("counterpoint.graph.reader.Reader.last_activity", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["errors"][0]["file"] == "graph"


def test_figures_count_requests_under_their_route_and_never_under_a_path(
    client: TestClient, workspace: Workspace
) -> None:
    for path in ("/api/v1/bets/default/one", "/api/v1/bets/default/two", "/nothing", "/static/base.css"):
        client.get(path)
    workspace.journal.append([{"specversion": "1.0", "id": "1", "source": "s", "type": "t"}])
    text = client.get("/metrics").text
    route = 'method="GET",route="/api/v1/bets/{namespace}/{name}"'
    assert f'counterpoint_http_requests_total{{{route},status="404"}} 2.0' in text
    assert 'route="unmatched",status="404"' in text
    assert 'route="/static"' in text
    assert f"counterpoint_http_request_seconds_count{{{route}}} 2.0" in text
    assert "counterpoint_http_requests_in_flight 1.0" in text
    assert "counterpoint_journal_events 1.0" in text
    assert "/nothing" not in text


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    loaded: dict[str, Any] = response.json()
    return loaded


def test_the_api_document_says_what_it_is(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Counterpoint"
    assert {"token", "apiKey", "session"} == document["components"]["securitySchemes"].keys()
    assert {"/healthz", "/readyz", "/metrics", "/api/events", "/api/v1/activity"} <= document["paths"].keys()
    assert not [path for path in document["paths"] if path in {"/login", "/settings", "/"}]


def test_every_operation_of_the_document_is_named_tagged_and_declares_its_errors(
    document: dict[str, Any],
) -> None:
    known = {tag["name"] for tag in document["tags"]}
    names = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert set(operation.get("tags", [])) & known, where
            assert operation.get("summary") or operation.get("description"), where
            names.append(operation.get("operationId", where))
            for status, response in operation["responses"].items():
                assert response["description"], where
                if status == "default":
                    foreign = path.startswith(("/api/catalog/", "/api/techdocs/", "/ofrep/"))
                    media = "application/json" if foreign else "application/problem+json"
                    media = "application/scim+json" if path.startswith("/scim/") else media
                    assert list(response["content"]) == [media], where
    assert len(names) == len(set(names))


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    def check(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                target: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part.replace("~1", "/").replace("~0", "~")]
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(document)


def test_every_path_parameter_of_the_document_is_declared(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        wanted = set(re.findall(r"{(\w+)}", path))
        for operation in item.values():
            declared = {p["name"] for p in operation.get("parameters", []) if p.get("in") == "path"}
            assert wanted == declared, path


def test_importing_the_server_and_every_door_loads_no_engine() -> None:
    import subprocess
    import sys

    # Recommenders answer requests out of SciPy's matrices, a tenth of a second at the start; nothing else does.
    code = (
        "import sys, counterpoint.server.process, counterpoint.server.mounting as m\n"
        "def loaded(rooms):\n"
        "    [m._door(room, door) for room in rooms for door in ('routes', 'pages')]\n"
        "    return [name for name in 'ibis duckdb pyarrow scipy alembic'.split() if name in sys.modules]\n"
        "print(loaded([room for room in m.ROOMS if room != 'discover']), loaded(['discover']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['scipy']"


def test_a_path_cannot_command_the_terminal_that_shows_the_log() -> None:
    shown = printable(None, "info", {"path": "/a\x1b]0;owned\x07\nrequest path=/forged", "status": 404})
    assert shown == {"path": "/a\\x1b]0;owned\\x07\\nrequest path=/forged", "status": 404}
