"""Following files: saves, new and vanished files, renames, what placeholders take in, and other processes."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.problems import list_problems
from counterpoint.catalog.watching import Watch, watching
from counterpoint.graph import Graph, local_actor

GROUP = (
    "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: %s, children: []}\n"
)
LOCATION = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: ['%s']}\n"
PATIENCE = 20.0
"""Seconds that a busy machine gets; a save is read within one where nothing else runs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file that was imported as a whole."""
    made = tmp_path / "catalog"
    made.mkdir()
    (made / "a.yaml").write_text(GROUP % ("a", "squad"))
    return made


def load(graph: Graph, target: Path) -> None:
    import_targets(graph, local_actor(), [str(target)])


def kind_of(graph: Graph, name: str) -> str | None:
    with graph.read() as reader:
        found = reader.get(f"group:default/{name}")
    return None if found is None else str(found.spec["type"])


def orphaned(graph: Graph, name: str) -> bool:
    with graph.read() as reader:
        found = reader.require(f"group:default/{name}")
    return "backstage.io/orphan" in found.metadata["annotations"]


def eventually(check: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def watched(workspace: Workspace, folder: Path) -> Iterator[Watch]:
    """The folder, imported and followed."""
    load(workspace.graph, folder)
    with watching(workspace.graph) as watch:
        assert watch.ready.wait(PATIENCE)
        yield watch


def test_a_save_is_read(watched: Watch, folder: Path) -> None:
    (folder / "a.yaml").write_text(GROUP % ("a", "tribe"))
    eventually(lambda: kind_of(watched.graph, "a") == "tribe")


def test_a_save_by_renaming_over_the_file_is_read(watched: Watch, folder: Path) -> None:
    (folder / ".a.yaml.swp").write_text(GROUP % ("a", "tribe"))
    (folder / ".a.yaml.swp").rename(folder / "a.yaml")
    eventually(lambda: kind_of(watched.graph, "a") == "tribe")


def test_a_new_file_and_a_new_folder_are_read(watched: Watch, folder: Path) -> None:
    (folder / "b.yaml").write_text(GROUP % ("b", "squad"))
    eventually(lambda: kind_of(watched.graph, "b") == "squad")
    (folder / "deep").mkdir()
    (folder / "deep" / "c.yaml").write_text(GROUP % ("c", "squad"))
    eventually(lambda: kind_of(watched.graph, "c") == "squad")
    (folder / "deep" / "c.yaml").write_text(GROUP % ("c", "tribe"))
    eventually(lambda: kind_of(watched.graph, "c") == "tribe")


def test_a_file_that_vanishes_leaves_orphans_and_brings_them_back(watched: Watch, folder: Path) -> None:
    (folder / "b.yaml").write_text(GROUP % ("b", "squad"))
    eventually(lambda: kind_of(watched.graph, "b") == "squad")
    (folder / "a.yaml").unlink()
    eventually(lambda: orphaned(watched.graph, "a"))
    (folder / "a.yaml").write_text(GROUP % ("a", "squad"))
    eventually(lambda: not orphaned(watched.graph, "a"))


def test_a_file_that_is_renamed_takes_its_entities_along(watched: Watch, folder: Path) -> None:
    with watched.graph.read() as reader:
        uid = reader.require("group:default/a").uid
    (folder / "a.yaml").rename(folder / "z.yaml")

    def moved() -> bool:
        with watched.graph.read() as reader:
            found = reader.require("group:default/a")
        return found.location == f"file:{folder / 'z.yaml'}" and found.uid == uid

    eventually(moved)
    assert not orphaned(watched.graph, "a")


def test_a_half_written_file_is_a_problem_until_it_is_whole(watched: Watch, folder: Path) -> None:
    def problems() -> int:
        with watched.graph.read() as reader:
            return len(list_problems(reader, level="error"))

    (folder / "a.yaml").write_text("kind: {")
    eventually(lambda: problems() == 1)
    assert kind_of(watched.graph, "a") == "squad"
    (folder / "a.yaml").write_text(GROUP % ("a", "tribe"))
    eventually(lambda: problems() == 0)
    assert kind_of(watched.graph, "a") == "tribe"


def test_what_another_process_imports_is_followed_too(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    with watching(workspace.graph) as watch:
        assert watch.ready.wait(PATIENCE)
        load(workspace.graph, folder)

        def follows() -> bool:
            (folder / "a.yaml").write_text(GROUP % ("a", "tribe"))
            os.utime(folder / "a.yaml")
            return kind_of(workspace.graph, "a") == "tribe"

        eventually(follows)


def test_a_change_of_what_a_placeholder_takes_in_is_read(workspace: Workspace, folder: Path) -> None:
    (folder / "words.txt").write_text("one")
    (folder / "a.yaml").write_text(
        (GROUP % ("a", "squad")).replace("{name: a}", "{name: a, description: {$text: ./words.txt}}")
    )
    load(workspace.graph, folder)
    with watching(workspace.graph) as watch:
        assert watch.ready.wait(PATIENCE)
        (folder / "words.txt").write_text("two")

        def read() -> bool:
            with workspace.graph.read() as reader:
                return reader.require("group:default/a").description == "two"

        eventually(read)


def test_what_a_pattern_of_a_location_matches_anew_is_read(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "catalog-info.yaml"
    root.write_text(LOCATION % "./units/*.yaml")
    (tmp_path / "units").mkdir()
    (tmp_path / "units" / "a.yaml").write_text(GROUP % ("a", "squad"))
    load(workspace.graph, root)
    with watching(workspace.graph) as watch:
        assert watch.ready.wait(PATIENCE)
        (tmp_path / "units" / "b.yaml").write_text(GROUP % ("b", "squad"))
        eventually(lambda: kind_of(workspace.graph, "b") == "squad")


def test_what_was_saved_before_is_caught_up_with(workspace: Workspace, folder: Path) -> None:
    load(workspace.graph, folder)
    (folder / "a.yaml").write_text(GROUP % ("a", "tribe"))
    with watching(workspace.graph):
        eventually(lambda: kind_of(workspace.graph, "a") == "tribe")


def test_nothing_is_orphaned_because_a_checkout_was_removed_before_the_server_started(
    workspace: Workspace, folder: Path
) -> None:
    load(workspace.graph, folder)
    (folder / "a.yaml").unlink()
    with watching(workspace.graph) as watch:
        assert watch.ready.wait(PATIENCE)
    assert not orphaned(workspace.graph, "a")


def test_changes_of_other_files_read_nothing(workspace: Workspace, folder: Path) -> None:
    load(workspace.graph, folder)
    watch = Watch(workspace.graph)
    read: list[object] = []
    watched = watch.look()
    for name in ("x.txt", ".a.yaml.swp", "a.yaml~"):
        (folder / name).write_text("x")
    watch._log = type("Log", (), {"info": lambda *given, **named: read.append(named)})()
    watch.take(watched, [str(folder / name) for name in ("x.txt", ".a.yaml.swp", "a.yaml~")])
    assert read == []
