"""Several processes on one graph: nothing is lost, nothing is torn, nobody is told that it is locked."""

import signal
import subprocess
import sys
from pathlib import Path

from counterpoint import Workspace
from counterpoint.graph import SYSTEM
from tests.graph.documents import component

COUNT = """
import sys
from counterpoint import Workspace
from counterpoint.graph import SYSTEM
with Workspace.open(sys.argv[1]) as workspace:
    for _ in range(40):
        with workspace.graph.write(SYSTEM) as writer:
            document = writer.require("component:counter").document
            document["spec"]["count"] += 1
            writer.put(document)
"""

WRITE = """
import sys
from counterpoint import Workspace
from counterpoint.graph import SYSTEM
with Workspace.open(sys.argv[1]) as workspace:
    start = int(sys.argv[2])
    for number in range(start, start + 10_000):
        with workspace.graph.write(SYSTEM) as writer:
            for half in ("left", "right"):
                spec = {"type": "service", "lifecycle": "production", "owner": half}
                metadata = {"name": f"{half}-{number}"}
                writer.put({"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": spec})
        print(number, flush=True)
"""

OPEN = """
import sys
from counterpoint import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    print(workspace.graph.state())
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_write_without_losing_an_update(workspace: Workspace) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(component("counter", count=0))
    processes = [start(COUNT, str(workspace.path)) for _ in range(2)]
    for process in processes:
        _out, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
    with workspace.graph.read() as reader:
        assert reader.require("component:counter").spec["count"] == 80
        assert len(reader.history("component:counter")) == 81
        assert reader.last_activity() == 81


def test_a_killed_writer_leaves_whole_transactions_and_all_that_it_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    Workspace.create(folder).close()
    acknowledged: list[int] = []
    for round_ in range(3):
        process = start(WRITE, str(folder), str(round_ * 10_000))
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(5 + round_)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.communicate(timeout=30)[0].split()]
        with Workspace.open(folder) as workspace:
            assert workspace.graph.check() == []
            with workspace.graph.read() as reader:
                written = {entity.name for entity in reader.all()}
                assert reader.last_activity() == len(written)
        left = {int(name.removeprefix("left-")) for name in written if name.startswith("left-")}
        assert written == {f"{half}-{number}" for half in ("left", "right") for number in left}
        assert left >= set(acknowledged)


def test_processes_that_open_an_old_workspace_at_once_all_find_it_current(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    Workspace.create(folder).close()
    for file in folder.glob("graph.db*"):
        file.unlink()
    (folder / "graph.db").touch()
    processes = [start(OPEN, str(folder)) for _ in range(3)]
    assert [process.communicate(timeout=60) for process in processes] == [("current\n", "")] * 3
