"""A whole graph read in stretches, by several processes, is the index that one reading makes."""

import threading
from pathlib import Path

import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.graph import Graph
from counterpoint.graph.index import Index, follower, whole
from counterpoint.graph.index.stitching import cut, stitch_all
from counterpoint.graph.index.whole import build_whole
from tests.graph.documents import component, group, user
from tests.graph.index.test_following import ACTOR, assert_in_step, put


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index" / "entities.idx"


@pytest.fixture
def filled(graph: Graph) -> Graph:
    documents = [component(f"c{number}", metadata={"tags": ["java", f"t{number}"]}) for number in range(9)]
    put(graph, group("discovery"), user("ann"), *documents)
    with graph.write(ACTOR) as writer:
        writer.delete("component:default/c3")
    return graph


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "STRETCH", 3)
    monkeypatch.setattr(whole, "cores", lambda: 2)


short = pytest.mark.usefixtures("_short")


@short
def test_processes_read_the_stretches_and_leave_nothing_behind(
    filled: Graph, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "_read", lambda *_: pytest.fail("a stretch was read here"))
    assert_in_step(Index(filled, file), filled)
    assert {found.name for found in file.parent.iterdir()} == {"entities.idx", "entities.lock"}


@short
@pytest.mark.parametrize("trouble", ["no second core", "no program", "a program that fails", "no folder"])
def test_what_no_other_process_reads_is_read_here(
    filled: Graph, file: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "no second core":
        monkeypatch.setattr(whole, "cores", lambda: 1)
    elif trouble == "no folder":
        file.parent.write_text("in the way")
    else:
        program = "/bin/false" if trouble == "a program that fails" else "/nowhere/python"
        monkeypatch.setattr("sys.executable", program)
    assert_in_step(Index(filled, file), filled)


@short
def test_without_a_file_everything_is_read_here(filled: Graph) -> None:
    assert_in_step(Index(filled), filled)


@short
@pytest.mark.parametrize("beside", [False, True])
def test_a_process_that_stops_does_not_finish(
    filled: Graph, file: Path, monkeypatch: pytest.MonkeyPatch, *, beside: bool
) -> None:
    monkeypatch.setattr(whole, "cores", lambda: 2 if beside else 1)
    stop = threading.Event()
    stop.set()
    with pytest.raises(WorkspaceError, match="stopping"):
        build_whole(filled, file, stop)
    assert not list(file.parent.glob("*.draft"))


@short
def test_what_changes_while_it_is_read_is_in_the_first_snapshot(
    filled: Graph, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(*given: object) -> object:
        built = build_whole(*given)  # type: ignore[arg-type]
        put(filled, component("late"), component("c1", owner="discovery"))
        return built

    monkeypatch.setattr(whole, "cores", lambda: 1)
    monkeypatch.setattr(follower, "build_whole", changing)
    index = Index(filled, file)
    assert index.snapshot().by_ref("component:default/late") is not None
    assert_in_step(index, filled)
    assert_in_step(Index(filled, file), filled)


def test_stretches_end_where_so_many_entities_are_behind(filled: Graph) -> None:
    with filled.read() as reader:
        refs = [ref for ref, _ in stitch_all(reader)]
        assert refs == sorted(refs)
        assert len(refs) == 10
        for size in range(1, 12):
            assert cut(reader, size) == refs[size - 1 :: size]
        assert [ref for ref, _ in stitch_all(reader, refs[2], refs[5])] == refs[3:6]
        assert not list(stitch_all(reader, refs[-1]))
