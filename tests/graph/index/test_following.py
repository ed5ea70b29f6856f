"""An index stays in step with its graph: own writes and others', merges, restarts, damaged files."""

import os
import random
import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from counterpoint import Workspace
from counterpoint.graph import Graph, local_actor
from counterpoint.graph.index import Equals, Index, Order, follower, index_of
from counterpoint.graph.index import file as files
from counterpoint.graph.tables import status
from tests.graph.documents import component, group, user
from tests.graph.index.oracle import Oracle

ACTOR = local_actor()


def put(graph: Graph, *documents: dict[str, Any]) -> None:
    with graph.write(ACTOR) as writer:
        for document in documents:
            writer.put(document)


def truth(graph: Graph) -> list[dict[str, Any]]:
    """The final entities, made from what the reader says."""
    with graph.read() as reader:
        return [
            {
                **entity.document,
                "metadata": {**entity.metadata, "uid": entity.uid, "etag": entity.etag},
                "relations": [{"type": edge.type, "targetRef": edge.target} for edge in entity.relations],
            }
            for entity in reader.all()
        ]


def content(index: Index) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(b"[" + b"".join(index.snapshot().content()) + b"]")
    return found


def assert_in_step(index: Index, graph: Graph) -> None:
    oracle = Oracle(truth(graph))
    assert content(index) == oracle.entities
    now = index.snapshot()
    for by in (Order(), Order("metadata.name"), Order("relations.ownedby", descending=True)):
        assert [(row.value, row.uid) for row in now.page(None, by, limit=1000)] == oracle.ordered(None, by)
    assert now.facets(["kind"])["kind"] == oracle.facets("kind", None)
    assert len(now) == len(oracle.entities)


def test_an_empty_graph_has_an_empty_index(graph: Graph) -> None:
    index = Index(graph)
    assert not index.is_current()
    now = index.snapshot()
    assert (len(now), now.count(), now.page(), now.facets(["kind"])) == (0, 0, [], {"kind": []})
    assert b"".join(now.content()) == b""
    assert index.is_current()


def test_what_was_written_is_in_the_next_snapshot_and_not_in_the_last(graph: Graph) -> None:
    index = Index(graph)
    put(graph, group("discovery"), component("a"))
    before = index.snapshot()
    put(graph, component("b", owner="discovery"))
    assert not index.is_current()
    assert_in_step(index, graph)
    assert before.by_ref("component:default/b") is None
    assert len(before) == 2


def test_relations_of_neighbours_change_with_an_entity(graph: Graph) -> None:
    index = Index(graph)
    put(graph, group("discovery"), group("player"), component("a", owner="discovery"))
    index.snapshot()
    put(graph, component("a", owner="player"))
    assert_in_step(index, graph)
    owned = index.snapshot().by_ref("group:default/player")
    assert owned is not None
    assert owned.entity["relations"] == [{"type": "ownerOf", "targetRef": "component:default/a"}]
    with graph.write(ACTOR) as writer:
        writer.delete("component:default/a")
    assert_in_step(index, graph)
    assert index.snapshot().count(Equals("relations.ownerof", ("component:default/a",))) == 0


def test_an_entity_that_comes_back_is_found_again(graph: Graph) -> None:
    index = Index(graph)
    put(graph, component("a"))
    index.snapshot()
    with graph.write(ACTOR) as writer:
        writer.delete("component:default/a")
    assert index.snapshot().by_ref("component:default/a") is None
    put(graph, component("a"))
    assert_in_step(index, graph)


def test_a_change_about_something_else_changes_nothing(graph: Graph) -> None:
    index = Index(graph)
    put(graph, component("a"))
    before = index.snapshot()
    with graph.write(ACTOR) as writer:
        writer.record("token.created", "token:default/x")
        writer.record("component.looked_at", "component:default/a")
    after = index.snapshot()
    assert after.seq > before.seq
    assert after.parts == before.parts


def test_status_items_show_once_they_are_recorded(graph: Graph) -> None:
    index = Index(graph)
    put(graph, component("a"))
    index.snapshot()
    item = {"type": "backstage.io/catalog-processing", "level": "error", "message": "bad"}
    with graph.write(ACTOR) as writer:
        row = {"ref": "component:default/a", "items": msgspec.json.encode([item]).decode()}
        writer.connection.execute(sa.insert(status), [row])
        writer.record("entity.status", "component:default/a")
    found = index.snapshot().by_ref("component:default/a")
    assert found is not None
    assert found.entity["status"] == {"items": [item]}


def test_many_small_changes_are_merged_into_few_parts(graph: Graph) -> None:
    index = Index(graph)
    for number in range(40):
        put(graph, component(f"c{number:02}"))
        index.snapshot()
    assert len(index.snapshot().parts) <= 4
    assert_in_step(index, graph)


def test_more_changes_than_half_are_read_as_a_whole(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "QUICK", 3)
    index = Index(graph, background=False)
    put(graph, *(component(f"a{number}") for number in range(4)))
    index.snapshot()
    put(graph, *(component(f"b{number}") for number in range(12)))
    assert_in_step(index, graph)
    assert len(index.snapshot().parts) == 1


def test_parts_are_merged_in_the_background_while_changes_go_on(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "QUICK", 8)
    index = Index(graph, tmp_path / "index" / "entities.idx")
    put(graph, *(component(f"a{number}") for number in range(20)))
    index.snapshot()
    chosen = random.Random(1)  # noqa: S311 - which are chosen is no secret
    for number in range(30):
        put(graph, component(f"b{number}"), component(f"a{chosen.randrange(20)}", owner=f"o{number}"))
        assert_in_step(index, graph)
    index.wait()
    assert_in_step(index, graph)


def test_what_is_replaced_while_parts_are_merged_stays_replaced(graph: Graph) -> None:
    index = Index(graph)
    put(graph, *(component(f"a{number}") for number in range(6)))
    index.snapshot()
    put(graph, component("a1", owner="x"), component("new"))
    index.snapshot()
    state = index._state
    assert state is not None
    merged = index._merged(state, 0)
    put(graph, component("a2", owner="y"), component("new", owner="z"))
    with graph.write(ACTOR) as writer:
        writer.delete("component:default/a3")
    index.snapshot()
    with index._following:
        index._replace(state, 0, merged)
    assert_in_step(index, graph)


def test_several_threads_may_ask_at_once(graph: Graph) -> None:
    index = Index(graph)
    put(graph, component("a"))
    wrong: list[str] = []

    def ask(number: int) -> None:
        for step in range(10):
            name = f"t{number}-{step}"
            put(graph, component(name))
            if index.snapshot().by_ref(f"component:default/{name}") is None:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert_in_step(index, graph)


def test_changes_of_another_process_are_seen(workspace: Workspace) -> None:
    index = index_of(workspace)
    put(workspace.graph, component("a"))
    index.snapshot()
    with Workspace.open(workspace.path) as other:  # connections of its own, as another process has
        put(other.graph, component("b"))
        assert index.snapshot().by_ref("component:default/b") is not None
        assert index_of(other).snapshot().by_ref("component:default/a") is not None
    assert index_of(workspace) is index


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index" / "entities.idx"


@pytest.fixture
def kept(graph: Graph, file: Path) -> Path:
    """A graph of three entities whose index is in a file."""
    put(graph, group("discovery"), component("a"), component("b", metadata={"tags": ["java"]}))
    Index(graph, file).snapshot()
    assert file.exists()
    return file


def test_a_restart_takes_the_file_and_reads_only_what_came_after(
    graph: Graph, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(graph, component("c"))
    with monkeypatch.context() as patched:
        patched.setattr(follower, "build_whole", lambda *_: pytest.fail("everything was read again"))
        index = Index(graph, kept)
        assert_in_step(index, graph)
    assert index.snapshot().count(Equals("metadata.tags.java", ("true",))) == 1


def test_an_index_without_its_file_is_made_anew(graph: Graph, kept: Path) -> None:
    shutil.rmtree(kept.parent)
    assert_in_step(Index(graph, kept), graph)
    assert kept.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "other", "older"])
def test_a_file_that_is_damaged_is_thrown_away(graph: Graph, kept: Path, damage: str) -> None:
    whole = kept.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "emptied": b"",
        "other": b"something else entirely" * 50,
        "older": whole.replace(b"counterpoint index 1", b"counterpoint index 0"),
    }[damage]
    kept.write_bytes(damaged)
    assert files.read_segment(kept) is None
    assert_in_step(Index(graph, kept), graph)
    assert files.read_segment(kept) is not None


def test_every_single_flipped_byte_is_noticed_or_harmless(graph: Graph, kept: Path) -> None:
    whole = kept.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 200)):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        found = files.read_segment(kept)
        assert found is None or content(Index(graph, kept)) == content(Index(graph))


def test_a_file_of_another_graph_is_not_believed(graph: Graph, kept: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.touch()
    with Graph(other) as elsewhere:
        elsewhere.migrate()
        put(elsewhere, component("x"), component("y"), component("z"), component("w"))
        assert_in_step(Index(elsewhere, kept), elsewhere)


def test_a_graph_that_went_back_is_read_anew(graph: Graph, kept: Path) -> None:
    """As after a backup was put back: the file knows changes that are not there any more."""
    put(graph, component("c"))
    shutil.copy(kept, kept.with_suffix(".old"))
    index = Index(graph, kept)
    index.snapshot()
    with graph.write(ACTOR) as writer:
        writer.connection.execute(sa.text("UPDATE activity SET at = at + 1"))
        writer.record("workspace.restored", "workspace:default/x")
    assert_in_step(index, graph)
    assert_in_step(Index(graph, kept), graph)


def test_a_folder_that_cannot_be_written_only_costs_the_file(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(follower, "write_segment", refuse)
    put(graph, component("a"))
    index = Index(graph, tmp_path / "nowhere" / "entities.idx")
    assert_in_step(index, graph)
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    assert_in_step(Index(graph, blocked / "entities.idx"), graph)


def test_no_draft_stays_behind(graph: Graph, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.unlink()

    def fail(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files, "_with_commas", fail)
        assert_in_step(Index(graph, kept), graph)
    assert [entry.name for entry in os.scandir(kept.parent) if "draft" in entry.name] == []


def test_the_draft_of_a_process_that_was_killed_goes_and_a_fresh_one_stays(graph: Graph, kept: Path) -> None:
    old, fresh = (kept.with_name(f"{kept.name}.{number}.draft") for number in (1, 2))
    for draft in (old, fresh):
        draft.write_bytes(b"half of an index")
    os.utime(old, (0, 0))
    kept.unlink()
    assert_in_step(Index(graph, kept), graph)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_the_pulse_survives_a_lost_connection(graph: Graph) -> None:
    put(graph, component("a"))
    number = graph.last_activity()
    assert number > 0
    graph._pulse._driver.close()
    assert graph.last_activity() == number


@cache
def empty_graph() -> Path:
    """A file with empty tables, to be copied: making them takes longer than many steps."""
    file = Path(tempfile.mkdtemp()) / "graph.db"
    file.touch()
    with Graph(file) as made:
        made.migrate()
    return file


class Steps(RuleBasedStateMachine):
    """Random changes, looks and restarts; whatever happens, the index says what the graph says."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.graph = Graph(shutil.copy(empty_graph(), Path(self.folder.name) / "graph.db"))
        self.file = Path(self.folder.name) / "index" / "entities.idx"
        self.index = Index(self.graph, self.file)

    names = st.sampled_from(["a", "b", "c", "d", "e"])
    tags = st.lists(st.sampled_from(["java", "go"]), unique=True, max_size=2)

    @rule(name=names, owner=names, tags=tags, others=st.lists(names, max_size=2))
    def put_component(self, name: str, owner: str, tags: list[str], others: list[str]) -> None:
        depends = sorted(f"component:{other}" for other in others)  # as they come out
        put(self.graph, component(name, owner=owner, metadata={"tags": tags}, dependsOn=depends))

    @rule(names=st.lists(names, min_size=1, max_size=4, unique=True), parent=names)
    def put_groups_and_users(self, names: list[str], parent: str) -> None:
        put(self.graph, *(group(name, parent=parent) for name in names), user(names[0], parent))

    @rule(name=names, kind=st.sampled_from(["component", "group"]))
    def delete(self, name: str, kind: str) -> None:
        ref = f"{kind}:default/{name}"
        with self.graph.write(ACTOR) as writer:
            if writer.exists(ref):
                writer.delete(ref)

    @rule()
    def look(self) -> None:
        self.index.snapshot()

    @rule()
    def restart(self) -> None:
        self.index.wait()
        self.index = Index(self.graph, self.file)

    @rule()
    def damage(self) -> None:
        if self.file.exists():
            whole = self.file.read_bytes()
            self.file.write_bytes(whole[: len(whole) // 3] + b"x" + whole[len(whole) // 3 + 1 :])
            self.restart()

    @invariant()
    def in_step(self) -> None:
        if hasattr(self, "index"):
            assert_in_step(self.index, self.graph)

    def teardown(self) -> None:
        if hasattr(self, "graph"):
            self.index.wait()
            self.graph.close()
            self.folder.cleanup()


Steps.TestCase.settings = settings(max_examples=5, stateful_step_count=10, deadline=None)
test_random_steps = Steps.TestCase
