"""A large file that a second process reads: the graph is the same as if one process had done all, whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.catalog import importer
from counterpoint.catalog.beside import Beside, BesideError
from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.report import ImportReport
from counterpoint.catalog.tables import PROBLEMS, SOURCES
from counterpoint.cli import run
from counterpoint.graph import Graph, Writer, local_actor
from counterpoint.graph.index import Index, file_of
from counterpoint.graph.index.stitching import stitch_all
from counterpoint.graph.tables import activity, posting, relation, revision, tag

HEAD = "apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n"
PLAIN = HEAD + (
    "  title: The {name}\n  tags: [grpc, java]\n"
    "spec:\n  type: service\n  lifecycle: production\n  owner: squad-{squad}\n  dependsOn: [resource:default/{name}-data]\n"
)
UNUSUAL = (
    HEAD.format(kind="Group", name="squad-1") + "spec: {type: squad, children: []}\n",
    HEAD.format(kind="Group", name="squad-2") + "spec:\n  type: squad\n  children:\n    - ghosts\n",
    HEAD.format(kind="Component", name="twice") + "spec:\n  type: a\n  lifecycle: b\n  owner: squad-1\n",
    HEAD.format(kind="Component", name="twice") + "spec:\n  type: c\n  lifecycle: d\n  owner: squad-2\n",
    HEAD.format(kind="Component", name="bad name") + "spec:\n  type: c\n  lifecycle: d\n  owner: squad-2\n",
    HEAD.format(kind="Component", name="ownerless") + "spec:\n  type: c\n  lifecycle: d\n",
    HEAD.format(kind="Gadget", name="unknown") + "spec:\n  type: c\n",
    "- a list\n- and no entity\n",
    HEAD.format(kind="API", name="taken-in")
    + "spec:\n  type: openapi\n  lifecycle: d\n  owner: squad-1\n  definition:\n    $text: ./api.txt\n",
    HEAD.format(kind="API", name="not-there")
    + "spec:\n  type: openapi\n  lifecycle: d\n  owner: squad-1\n  definition:\n    $text: ./missing.txt\n",
    HEAD.format(kind="Location", name="below") + "spec:\n  targets: [./below.yaml, ./nothing.yaml]\n",
    (
        "apiVersion: counterpoint.dev/v1\nkind: Bet\nmetadata: {name: slip}\n"
        "spec: {type: bet, owner: squad-1, hypothesys: it pays, hypothesis: it pays, stage: idea, status: idea}\n"
    ),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A large file with everything in it that a file can have, and what it leads to."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    plain = [PLAIN.format(kind="Component", name=f"part-{n:04}", squad=n % 4) for n in range(2_400)]
    plain[1_200:1_200] = UNUSUAL
    (folder / "catalog.yaml").write_text("---\n".join(plain))
    (folder / "api.txt").write_text("openapi: 3.1.0")
    below = [HEAD.format(kind="Group", name="ghosts") + "spec: {type: squad, children: []}\n", plain[0]]
    (folder / "below.yaml").write_text("---\n".join(below))
    return folder / "catalog.yaml"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count what the tests import as large."""
    monkeypatch.setattr(importer, "LARGE", 100_000)
    monkeypatch.setattr("counterpoint.catalog.beside.cores", lambda: 2)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Graph]:
    """An empty graph that one process writes."""
    file = tmp_path / "alone.db"
    file.touch()
    with Graph(file) as made:
        made.migrate()
        yield made


def _load(graph: Graph, *targets: Path, **options: Any) -> ImportReport:
    return import_targets(graph, local_actor(), [str(target) for target in targets], **options)


def _held(graph: Graph) -> dict[str, Any]:
    """Everything that the graph holds, but for moments and uids."""
    with graph.read() as reader:

        def rows(table: sa.Table, *left_out: str) -> list[tuple[Any, ...]]:
            columns = [column for column in table.columns if column.name not in left_out]
            return sorted(map(tuple, reader.connection.execute(sa.select(*columns)).all()), key=repr)

        stitched = dict(stitch_all(reader))
        assert len({entity["metadata"].pop("uid") for entity in stitched.values()}) == len(stitched)
        return {
            "revisions": rows(revision, "uid", "valid_from", "valid_to"),
            "tags": rows(tag),
            "relations": rows(relation, "seq", "valid_from", "valid_to"),
            "words": rows(posting),
            "activity": rows(activity, "at"),
            "problems": rows(PROBLEMS, "id", "since"),
            "sources": rows(SOURCES, "read_at"),
            "entities": stitched,
        }


def _forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Beside, "started", classmethod(lambda *_: None))


def _count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What `add_new` was given, each time that it went well."""
    added: list[int] = []
    original = Writer.add_new

    def counting(writer: Writer, rows: Any) -> None:
        original(writer, rows)
        added.append(len(rows.revision))

    monkeypatch.setattr(Writer, "add_new", counting)
    return added


@pytest.mark.usefixtures("small")
def test_two_processes_make_of_a_file_what_one_makes(
    checkout: Path, graph: Graph, alone: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = _count(monkeypatch)
    together = _load(graph, checkout)
    assert sum(added) > 2_400
    _forbid(monkeypatch)
    added.clear()
    by_one = _load(alone, checkout)
    assert added == []
    assert together.record() == by_one.record()
    assert together.held == by_one.held
    assert together.leads == by_one.leads
    assert together.faults == by_one.faults
    assert _held(graph) == _held(alone)
    assert graph.check() == []
    again = _load(graph, checkout)
    assert again.total("created") + again.total("updated") == 0


@pytest.mark.usefixtures("small")
def test_what_the_graph_knows_already_is_read_by_one_process(
    checkout: Path, graph: Graph, alone: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = checkout.parent / "earlier.yaml"
    last.write_text(PLAIN.format(kind="Component", name="part-2399", squad=0))
    reports = []
    for each in (graph, alone):
        _load(each, last)
        reports.append(_load(each, checkout))
        _forbid(monkeypatch)
    assert reports[0].record() == reports[1].record()
    assert reports[0].total("refused") > 0
    assert _held(graph) == _held(alone)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("after", [0, 1])
def test_a_second_process_that_ends_is_done_without(
    checkout: Path, graph: Graph, alone: Graph, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    original = Beside.read

    def ending(beside: Beside, job: Any) -> Iterator[Any]:
        coming = original(beside, job)
        for _ in range(after):
            yield next(coming)
        os.kill(beside._process.pid, signal.SIGKILL)
        beside._process.wait()
        # What it had sent before is still in the pipe; nobody can know whether it is all.
        raise BesideError("The second process has ended.")

    monkeypatch.setattr(Beside, "read", ending)
    together = _load(graph, checkout)
    _forbid(monkeypatch)
    assert together.record() == _load(alone, checkout).record()
    assert _held(graph) == _held(alone)


@pytest.mark.usefixtures("small")
def test_a_trial_and_an_import_by_a_strict_graph_are_left_to_one_process(
    checkout: Path, alone: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = _count(monkeypatch)
    assert _load(alone, checkout, dry_run=True).total("created") > 2_400
    alone.strict = True
    _load(alone, checkout)
    assert added == []


def test_a_small_file_starts_no_second_process(
    checkout: Path, alone: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Beside, "__init__", lambda _self: pytest.fail("a process was started"))
    small = checkout.parent / "below.yaml"
    assert Beside.for_large((str(small), "https://example.com/catalog.yaml", "\0")) is None
    _load(alone, small)


def test_where_there_is_one_core_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.catalog.beside.cores", lambda: 1)
    assert Beside.started() is None


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("leads", [True, False])
def test_the_second_process_leaves_the_index_that_reading_the_graph_makes(
    checkout: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, leads: bool
) -> None:
    monkeypatch.setattr("counterpoint.catalog.beside.LARGE", 100_000)
    if not leads:
        documents = checkout.read_text().split("---\n")
        checkout.write_text("---\n".join(each for each in documents if "kind: Location" not in each))
    assert run(["-w", str(workspace.path), "import", "catalog", str(checkout)]) == 1  # something is refused
    file = file_of(workspace)
    assert file.exists() is not leads
    if leads:
        return
    by_file, by_graph = Index(workspace.graph, file).snapshot(), Index(workspace.graph).snapshot()
    assert len(by_file.parts) == 2  # what the second process knows, and the Location that stands for the file
    assert len(by_file) == len(by_graph) > 2_400
    assert b"".join(by_file.content()) == b"".join(by_graph.content())
    keys = ("kind", "spec.owner", "metadata.tags", "relations.ownedby", "metadata.tags.java", "metadata.uid")
    assert by_file.facets(keys) == by_graph.facets(keys)
    with workspace.graph.read() as reader:
        assert by_file.seq == reader.last_activity()


KILLED = """
import os, signal, sys
from counterpoint import Workspace
from counterpoint.catalog import beside, importer
from counterpoint.graph import Writer, local_actor
importer.LARGE, beside.cores = 100_000, lambda: 2
original = Writer.add_new
def once(writer, rows):
    original(writer, rows)
    os.kill(os.getpid(), signal.SIGKILL)
Writer.add_new = once
with Workspace.open(sys.argv[1]) as workspace:
    importer.import_targets(workspace.graph, local_actor(), [sys.argv[2]])
"""


@pytest.mark.usefixtures("small")
def test_an_import_that_is_killed_between_two_batches_leaves_nothing_and_the_next_one_all(
    checkout: Path, workspace: Workspace
) -> None:
    command = [sys.executable, "-c", KILLED, str(workspace.path), str(checkout)]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    with workspace.graph.read() as reader:
        assert list(reader.all()) == []
    assert workspace.graph.check() == []
    assert _load(workspace.graph, checkout).total("created") > 2_400
    assert workspace.graph.check() == []
