"""A real server over a small workspace, and the system's Chromium in front of it."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from counterpoint import Workspace
from counterpoint.server.app import create_app
from tests.browser.story import tell


@dataclass
class Served:
    """A running server."""

    url: str
    workspace: Workspace


@dataclass
class Watched:
    """A page of the browser, and all that went wrong on it."""

    page: Any
    errors: list[str] = field(default_factory=list)

    def go(self, path: str) -> Any:
        """Open a path of the server and return the response."""
        return self.page.goto(path, wait_until="load")


def serve(workspace: Workspace) -> Iterator[Served]:
    """Serve a workspace on a free port until the generator is closed."""
    config = uvicorn.Config(create_app(workspace, auth=False), log_level="warning", ws="none", lifespan="on")
    listener = socket.create_server(("127.0.0.1", 0))  # listens at once, so that no test has to wait
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", workspace)
    server.should_exit = True
    thread.join(timeout=20)
    listener.close()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over a workspace with a short story in it."""
    with Workspace.create(tmp_path_factory.mktemp("browser") / "workspace", name="Arpeggio") as workspace:
        tell(workspace)
        yield from serve(workspace)


@pytest.fixture(scope="package")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over a workspace in which nothing has happened."""
    with Workspace.create(tmp_path_factory.mktemp("empty") / "workspace", name="New") as workspace:
        yield from serve(workspace)


# For the package and no longer: while Playwright lives, its event loop counts as running in this thread, and
# a test elsewhere that runs one of its own would fail.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The system's Chromium; without one the tests are skipped, or fail where CI says that it must be there."""
    program = next(
        (
            path
            for path in (
                "/usr/bin/chromium",
                shutil.which("chromium"),
                shutil.which("chromium-browser"),
                shutil.which("google-chrome"),
            )
            if path and Path(path).exists()
        ),
        None,
    )
    if program is None:
        reason = "Chromium is not installed (apt-get install chromium fonts-dejavu)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    if os.environ.get("CI") == "true":
        import playwright.sync_api as playwright  # under CI a missing package is a failure
    else:
        playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Watched]]:
    """Open pages in contexts of their own; an error on any of them fails the test at its end."""
    opened: list[tuple[Any, Watched]] = []

    def opening(base: str, *, width: int = 1440, theme: str = "light", **options: Any) -> Watched:
        context = chromium.new_context(
            base_url=base,
            viewport={"width": width, "height": 900 if width > 600 else 844},
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        watched = Watched(context.new_page())
        opened.append((context, watched))

        def only_here(route: Any) -> None:
            if urlsplit(route.request.url).hostname in {"127.0.0.1", "localhost"}:
                route.continue_()
            else:
                watched.errors.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", only_here)
        watched.page.on(
            "console",
            lambda message: (
                watched.errors.append(f"{message.location.get('url')}: {message.text}")
                if message.type == "error"
                else None
            ),
        )
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        return watched

    yield opening
    errors = [error for _, watched in opened for error in watched.errors]
    for context, _ in opened:
        context.close()
    assert not errors
