"""One demo, built once for every test that reads it: such tests are of the group "demo", which one worker runs."""

from pathlib import Path

import pytest

from counterpoint.cli import run


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "arpeggio-demo"
    assert run(["demo", str(folder), "--no-serve"]) == 0
    return folder
