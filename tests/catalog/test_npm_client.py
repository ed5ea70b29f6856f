"""The unmodified `@backstage/catalog-client` from npm: every method, against our server in a process of its own.

`client/calls.js` makes the calls and prints what each answered; the tests read that. The client is installed by
`npm ci` in `tests/catalog/client`, which `.ci/run` does.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("npm_client")

CLIENT = Path(__file__).parent / "client"
DEADLINE = 30.0
PRIVATE = {
    "requestIgnored", "requestRequired", "requestOptional", "getFilterValue",
    "queryEntitiesByPredicate", "getEntityFacetsByPredicate",
}  # fmt: skip
"""Methods that the client marks private or internal; the others call them."""

COMPONENTS = 60
TYPES = ("service", "library", "website")
COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {name}{more}}}
spec: {{type: {type}, lifecycle: production, owner: team}}
"""
OTHERS = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ana}
spec: {memberOf: [team]}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: whole, description: A system}
spec: {owner: team}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: a}
spec: {type: openapi, lifecycle: production, owner: team, definition: none}
"""


def component(number: int) -> str:
    more = ", tags: [java], labels: {tier: gold}" if number % 10 == 0 else ""
    return COMPONENT.format(name=f"c-{number:04}", type=TYPES[number % 3], more=more)


def names(*numbers: int) -> list[str]:
    return [f"c-{number:04}" for number in numbers]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every call of the client answered, in one run against one server."""
    _demand_the_client()
    folder = tmp_path_factory.mktemp("npm")
    (folder / "catalog.yaml").write_text("---\n".join([OTHERS, *map(component, range(COMPONENTS))]))
    with _files() as files, _server(folder, files) as base:
        done = subprocess.run(
            ["node", "calls.js", f"{base}/api/catalog", f"http://{files}"],
            cwd=CLIENT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _demand_the_client() -> None:
    if shutil.which("node") and (CLIENT / "node_modules" / "@backstage" / "catalog-client").is_dir():
        return
    reason = f"Node or the npm client is not installed; run `npm ci` in {CLIENT.relative_to(Path.cwd())}."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class _files:  # noqa: N801 - a context manager that reads as a function
    """Serves small descriptors on loopback; `host:port`."""

    def __enter__(self) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").removesuffix(".yaml")
                name = "from-url" if name == "one" else name
                body = COMPONENT.format(name=name, type="service", more="").encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_raised: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _server:  # noqa: N801 - as above
    """Our server as a process, on a workspace that holds the catalog; its address."""

    def __init__(self, folder: Path, read_host: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "COUNTERPOINT_CATALOG__READ_HOSTS": f'["{read_host}"]'}

    def __enter__(self) -> str:
        workspace = str(self.folder / "workspace")
        self._command("init", workspace)
        self._command("-w", workspace, "import", "catalog", str(self.folder / "catalog.yaml"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "counterpoint",
                "-w",
                workspace,
                "serve",
                "--no-auth",
                "--port",
                str(port),
            ],
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + DEADLINE
        while not _is_ready(port):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.__exit__()
                pytest.fail((self.folder / "log").read_text())
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_raised: object) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()

    def _command(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "counterpoint", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def answer(calls: dict[str, Any], name: str) -> Any:
    noted = calls["answers"][name]
    assert "error" not in noted, f"{name}: {noted}"
    return noted["answer"]


def status(calls: dict[str, Any], name: str) -> int:
    return calls["answers"][name]["error"]["status"]


def requests(calls: dict[str, Any], name: str) -> list[str]:
    return calls["answers"][name]["requests"]


def test_every_public_method_of_the_client_is_called(calls):
    assert set(calls["methods"]) - PRIVATE <= set(calls["called"])


def test_get_entities_takes_filters_fields_order_and_pages(calls):
    everything = answer(calls, "getEntities")
    assert sorted(each for each in everything if each.startswith("c-")) == names(*range(COMPONENTS))
    found = answer(calls, "getEntities filter")
    assert sorted(found) == sorted(["a", *names(*(n for n in range(COMPONENTS) if n % 3 != 2))])
    assert sorted(answer(calls, "getEntities exists")) == names(0, 10, 20, 30, 40, 50)
    assert answer(calls, "getEntities fields") == [{"kind": "System", "metadata": {"name": "whole"}}]
    assert answer(calls, "getEntities order") == names(58, 57, 56)
    assert answer(calls, "getEntities orders") == names(*range(COMPONENTS))
    assert status(calls, "getEntities refused") == 400


def test_thousands_of_references_are_answered_in_their_order(calls):
    found = answer(calls, "getEntitiesByRefs")
    assert found == [*names(*range(COMPONENTS)), *[None] * (2500 - COMPONENTS)]
    assert requests(calls, "getEntitiesByRefs") == ["POST /entities/by-refs"] * 3
    assert answer(calls, "getEntitiesByRefs options") == [{"kind": "Component"}, None, None]
    assert answer(calls, "getEntitiesByRefs query") == [None, "ana"]


@pytest.mark.parametrize(
    ("name", "wanted", "size", "methods"),
    [
        ("queryEntities", names(*range(COMPONENTS)), 17, {"GET", "POST"}),
        ("queryEntities desc", names(*reversed(range(COMPONENTS))), 25, {"GET", "POST"}),
        ("queryEntities predicate", names(*(n for n in range(COMPONENTS) if n % 3 != 2)), 11, {"POST"}),
        ("queryEntities both", names(*range(0, COMPONENTS, 3)), 9, {"POST"}),
        ("queryEntities text", names(*range(10)), 4, {"GET"}),
    ],
)
def test_pages_are_walked_to_the_end_and_back_by_get_and_by_post(calls, name, wanted, size, methods):
    found = answer(calls, name)
    pages = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    assert found["forward"] == pages
    assert found["totalItems"] == len(wanted)
    assert [each for page in found["back"] for each in page] == wanted
    # The client decodes the cursor: it goes on by POST where the cursor holds a query, as after a filter.
    assert {each.split()[0] for each in requests(calls, name)} == methods


def test_pages_without_an_order_hold_everything_once(calls):
    found = answer(calls, "queryEntities unordered")
    assert [len(page) for page in found["forward"]] == [25, 25, 10]
    assert sorted(each for page in found["forward"] for each in page) == names(*range(COMPONENTS))
    assert sorted(each for page in found["back"] for each in page) == names(*range(COMPONENTS))


def test_a_query_can_leave_out_fields_totals_and_items(calls):
    assert answer(calls, "queryEntities fields") == {
        "items": [{"metadata": {"name": "ana"}}],
        "totalItems": 0,
        "pageInfo": {},
    }
    assert answer(calls, "queryEntities count") == {"items": [], "totalItems": COMPONENTS, "pageInfo": {}}
    assert answer(calls, "queryEntities offset") == names(58, 59)
    assert status(calls, "queryEntities malformed") == 400


@pytest.mark.parametrize("name", ["streamEntities", "streamEntities predicate"])
def test_entities_are_streamed_page_by_page(calls, name):
    wanted = names(*range(COMPONENTS))
    assert answer(calls, name) == [wanted[:25], wanted[25:50], wanted[50:]]


def test_single_entities_are_found_whatever_the_case_and_missing_ones_are_undefined(calls):
    entity = answer(calls, "getEntityByRef")
    assert entity["metadata"]["name"] == "c-0001"
    assert len(entity["metadata"]["etag"]) == 40
    assert entity["relations"] == [{"type": "ownedBy", "targetRef": "group:default/team"}]
    assert answer(calls, "getEntityByRef compound") == "a"
    assert answer(calls, "getEntityByRef missing") is None
    assert answer(calls, "getEntityByName") == "ana"


def test_ancestors_lead_up_to_the_location(calls):
    assert answer(calls, "getEntityAncestors") == {
        "root": "component:default/c-0001",
        "items": [["Component", 1], ["Location", 0]],
    }
    assert status(calls, "getEntityAncestors missing") == 404


def test_facets_are_counted_by_filter_and_by_predicate(calls):
    assert answer(calls, "getEntityFacets") == {
        "facets": {
            "kind": [{"value": "Component", "count": COMPONENTS}],
            "spec.type": [{"value": each, "count": COMPONENTS // 3} for each in sorted(TYPES)],
        }
    }
    assert answer(calls, "getEntityFacets predicate") == {
        "facets": {"metadata.tags": [{"value": "java", "count": 2}]}
    }
    assert requests(calls, "getEntityFacets predicate") == ["POST /entity-facets"]
    assert status(calls, "getEntityFacets refused") == 400


def test_entities_are_refreshed_validated_and_analysed(calls):
    assert answer(calls, "refreshEntity") is None
    assert status(calls, "refreshEntity missing") == 404
    assert answer(calls, "validateEntity") == {"valid": True}
    refused = answer(calls, "validateEntity bad")
    assert refused["valid"] is False
    assert "-bad-" in refused["errors"][0]["message"]
    analysed = answer(calls, "analyzeLocation")
    assert analysed["existingEntityFiles"] == []
    assert analysed["generateEntities"][0]["entity"]["metadata"]["name"] == "some-repo"


def test_a_location_is_tried_registered_and_found(calls):
    assert answer(calls, "getLocations before") == {"items": []}
    tried = answer(calls, "addLocation dry run")
    assert tried["exists"] is False
    assert tried["kinds"] == ["Component", "Location"]
    made = answer(calls, "addLocation")
    assert made["entities"] == []
    assert made["location"]["type"] == "url"
    assert status(calls, "addLocation again") == 409
    assert answer(calls, "addLocation refresh") is True
    assert status(calls, "addLocation file") == 400
    assert answer(calls, "registered entity") == "from-url"
    assert [each["id"] for each in answer(calls, "getLocations")["items"]] == [made["location"]["id"]]
    assert answer(calls, "getLocationById") == tried["target"]
    assert answer(calls, "getLocationById missing") is None
    assert answer(calls, "getLocationByRef") is True
    assert answer(calls, "getLocationByEntity") is True
    assert answer(calls, "getLocationByEntity none") is None


def test_locations_are_listed_in_pages(calls):
    assert answer(calls, "queryLocations") == {"total": 4, "pages": [3, 1], "more": None}
    assert answer(calls, "streamLocations") == [3, 1]


def test_a_location_is_moved_and_removed_and_an_entity_removed(calls):
    assert answer(calls, "updateLocation") is True
    assert answer(calls, "moved entity") == "moved"
    assert answer(calls, "removeEntityByUid") == "done"
    assert answer(calls, "removeEntityByUid unknown") is None
    assert answer(calls, "removeLocationById") is None
    assert answer(calls, "removed location") is None
    assert status(calls, "removeLocationById again") == 404
