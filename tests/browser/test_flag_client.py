"""The unmodified OFREP web provider of npm in a real browser, on a page of another origin than the server."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from counterpoint import Workspace
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity.tokens import create_token
from tests.flags.conftest import serve

CLIENTS = Path(__file__).parent.parent / "flags" / "clients"


class _Files(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the page, on an origin of its own."""
    if not (CLIENTS / "node_modules" / "@openfeature" / "ofrep-web-provider").exists():
        reason = "OFREP's client is missing; install Node and run `npm ci` in tests/flags/clients."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(CLIENTS))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/page.html"
        server.shutdown()
        thread.join()


def definition(variant: str) -> dict[str, Any]:
    flag = {"state": "ENABLED", "variants": {"a": "x", "b": "y"}, "defaultVariant": variant}
    return {"flags": {"text": flag, "same": flag | {"defaultVariant": "a"}}}


def test_a_page_of_another_origin_gets_flags_and_is_told_of_a_change(
    site: str, chromium: Any, tmp_path: Path
) -> None:
    with Workspace.create(tmp_path / "workspace") as workspace:
        write_set(workspace, local_actor(), "default", definition("a"))
        key = create_token(workspace.graph, local_actor(), "page", frozenset({"flags:evaluate"}))[1]
        for served in serve(workspace, auth=True):
            context = chromium.new_context()
            page = context.new_page()
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(f"{site}?{urlencode({'url': served.url, 'key': key})}")
            page.wait_for_function("document.querySelector('#text').textContent === 'x'")
            with page.expect_response(lambda response: "/ofrep/v1/sse" in response.url and response.ok):
                page.reload()
            page.wait_for_function("document.querySelector('#text').textContent === 'x'")
            write_set(workspace, local_actor(), "default", definition("b"))
            page.wait_for_function("document.querySelector('#text').textContent === 'y'")
            assert page.text_content("#changed") == "text"
            assert any("flagConfigEtag=" in url for url in asked)
            context.close()
