"""`counterpoint demo` as it is called."""

import socket
from pathlib import Path

import pytest

from counterpoint.cli import run


def test_a_port_in_use_is_said_before_the_demo_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["demo", str(tmp_path / "demo"), "--port", str(port)]) == 1
    assert f"Port {port} is in use" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
