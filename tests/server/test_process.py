"""Real server processes: starting, refusing to start, sharing a workspace, stopping without loss."""

import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from counterpoint import Workspace
from counterpoint.cli import run as command_line

DEADLINE = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that no process has open."""
    with Workspace.create(tmp_path / "workspace", name="Test") as made:
        return made.path


@dataclass
class Done:
    """What a command in this process did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Runs a command that ends by itself, without the price of a new process."""

    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        code = command_line(arguments)
        return Done(code, *capfd.readouterr())

    return call


def event(number: int, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": str(number), "source": "test", "type": "play", "subject": "u"} | more


def events_of(folder: Path) -> int:
    with Workspace.open(folder) as workspace:
        return sum(each.count for each in workspace.journal.counts())


def test_a_server_says_where_it_listens_and_stops_cleanly_though_a_live_stream_is_open(
    folder: Path, running_server: Callable[..., Any]
) -> None:
    server = running_server(folder, "--no-auth")
    assert httpx2.get(f"{server.url}/readyz").json() == {"status": "ready"}
    begun = time.monotonic()
    with (
        httpx2.stream("GET", f"{server.url}/api/v1/activity/stream", timeout=DEADLINE) as stream,
        httpx2.stream("GET", f"{server.url}/ofrep/v1/sse", timeout=DEADLINE) as flags,
    ):
        assert next(stream.iter_lines()) == ": connected"
        lines = flags.iter_lines()
        assert next(lines).startswith("retry: ")
        assert "Stopped" in server.stop(signal_number=signal.SIGINT)
        assert "data" not in list(lines)[-1], "and it has ended as a stream ends, not in the middle"
    assert server.child.returncode == 0
    assert time.monotonic() - begun < 10


def test_a_request_in_flight_is_finished_and_its_events_are_kept_when_the_server_is_told_to_stop(
    folder: Path, running_server: Callable[..., Any]
) -> None:
    server = running_server(folder, "--no-auth")
    address = urlsplit(server.url)
    body = json.dumps(event(1)).encode()
    head = (
        f"POST /api/events HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/cloudevents+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=DEADLINE) as connection:
        connection.sendall(head.encode() + body[:10])
        # The metrics show when the request has reached the application.
        wait_for(lambda: "requests_in_flight 2.0" in httpx2.get(f"{server.url}/metrics").text)
        server.child.send_signal(signal.SIGTERM)
        wait_for(lambda: not listens(address.hostname, address.port))
        connection.sendall(body[10:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"accepted":1' in answer
    assert server.child.wait(timeout=DEADLINE) == 0
    assert events_of(folder) == 1


def test_a_port_in_use_is_one_line_that_names_it_and_another(folder: Path, run: Callable[..., Done]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("-w", str(folder), "serve", "--port", str(taken.getsockname()[1]))
        port = taken.getsockname()[1]
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert re.search(rf"Port {port} is in use .* --port \d+", line)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--no-auth", "--host", "0.0.0.0"), 2, "--no-auth is refused on 0.0.0.0"),  # noqa: S104 - refused
        (("--no-auth", "--host", "::"), 2, "--no-auth is refused"),
        (("--workers", "2"), 2, "share it safely"),
        (("--port", "70000"), 2, "must be 0 to 65535"),
        (("--host", "nowhere.invalid"), 1, "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(
    folder: Path, run: Callable[..., Done], options: tuple[str, ...], code: int, message: str
) -> None:
    done = run("-w", str(folder), "serve", *options)
    assert done.code == code
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_two_servers_and_a_command_share_a_workspace(
    folder: Path, running_server: Callable[..., Any], run: Callable[..., Done]
) -> None:
    servers = [running_server(folder, "--no-auth") for _ in range(2)]

    def send(number: int) -> None:
        batch = [event(number * 1000 + each) for each in range(50)]
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        for _ in range(2):  # twice, by both: what is known stays as it is
            for server in servers:
                httpx2.post(
                    f"{server.url}/api/events", json=batch, headers=headers, timeout=DEADLINE
                ).raise_for_status()

    threads = [Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    made = run("-w", str(folder), "token", "create", "ci", "--scope", "read")
    for thread in threads:
        thread.join()
    assert made.code == 0, made.err
    for server in servers:
        assert httpx2.get(f"{server.url}/api/v1/activity").json()["items"][0]["action"] == "token.created"
        server.stop(signal_number=signal.SIGTERM)
        assert server.child.returncode == 0
    assert events_of(folder) == 200


def test_accounts_and_tokens_are_made_shown_and_revoked_at_the_command_line(
    folder: Path, run: Callable[..., Done]
) -> None:
    at = ("-w", str(folder))
    made = run(*at, "account", "create", "ana", "--password-stdin", stdin="correct horse battery\n")
    assert "Made the account ana (an administrator)." in made.out
    refused = run(*at, "account", "create", "bo", "--password-stdin", stdin="short\n")
    assert (refused.code, "must have 10" in refused.err) == (1, True)
    secret = run(*at, "token", "create", "ci", "--scope", "read", "events:write")
    assert re.fullmatch(r"cpt_[\w-]{43}\n", secret.out)
    (listed,) = json.loads(run(*at, "--json", "token", "list").out)
    assert (listed["name"], listed["scopes"]) == ("ci", ["events:write", "read"])
    assert run(*at, "token", "revoke", "ci").code == 0
    again = run(*at, "token", "revoke", "ci")
    assert (again.code, "There is no token 'ci'" in again.err) == (1, True)
    wrong = run(*at, "token", "create", "x", "--scope", "root")
    assert (wrong.code, "'root' is no scope" in wrong.err) == (1, True)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end


def listens(host: str | None, port: int | None) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_server_that_runs_does_not_look_for_cycles_in_what_it_is_made_of(folder: Path) -> None:
    code = """
import gc, os, signal, sys
from counterpoint import Workspace
from counterpoint.server.app import create_app
from counterpoint.server.process import bind, run

def ready():
    print(gc.get_freeze_count(), len(gc.get_objects()))
    os.kill(os.getpid(), signal.SIGTERM)

with Workspace.open(sys.argv[1]) as workspace:
    run(create_app(workspace, auth=False, loopback=True), bind("127.0.0.1", 0), on_ready=ready)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    kept, looked_at = map(int, ended.stdout.split())
    assert kept > 20 * looked_at  # threads of a busy machine leave some thousands that are new
