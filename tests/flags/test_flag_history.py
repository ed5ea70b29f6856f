"""What became of one flag, read from the versions of its set: all of it, nothing of others, however large the set is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.flags import flag_history
from counterpoint.flags.flag_history import FlagHistory, history_of
from counterpoint.flags.store import write_set
from counterpoint.graph import reader as graph_reader
from tests.flags.test_list_page import ME, flag, split


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        yield made


def told(ws: Workspace, key: str = "it", limit: int = 50) -> FlagHistory:
    with ws.graph.read() as reader:
        return history_of(reader, "one", key, limit=limit)


def actions(found: FlagHistory) -> list[tuple[int, str]]:
    return [(each.version, each.words.action) for each in found.items]


def write(
    ws: Workspace, flags: dict[str, Any], *, definition: dict[str, Any] | None = None, **more: Any
) -> None:
    write_set(ws, ME, "one", {"flags": flags, **(definition or {})}, **more)


def test_versions_that_leave_the_flag_as_it_is_are_none_of_its(ws: Workspace) -> None:
    write(ws, {"other": flag()})
    write(ws, {"other": flag(), "it": flag()}, reason="We need it")
    write(ws, {"other": flag("on"), "it": flag()})
    write(ws, {"other": flag("on"), "it": flag("on")}, reason="It is good")
    write(ws, {"other": flag("on")})
    found = told(ws)
    assert found.whole
    assert actions(found) == [(5, "removed"), (4, "changed"), (2, "added")]
    assert [each.reason for each in found.items] == [None, "It is good", "We need it"]
    assert found.items[1].said == ("Changed default variant.",)
    assert found.items[2].said[0] == "Added."
    assert told(ws, "never-there") == FlagHistory((), whole=True)


def test_a_shared_rule_that_the_flag_names_is_a_part_of_it(ws: Workspace) -> None:
    def with_age(least: int, unused: int) -> dict[str, Any]:
        rules = {"grown": {">=": [{"var": "age"}, least]}, "unused": {"==": [{"var": "age"}, unused]}}
        return {"$evaluators": rules}

    flags = {"it": flag(rule={"if": [{"$ref": "grown"}, "on", "off"]}), "other": flag()}
    for least, unused in ((18, 1), (21, 1), (21, 2)):
        write(ws, flags, definition=with_age(least, unused))
    assert actions(told(ws)) == [(2, "changed"), (1, "added")]
    assert actions(told(ws, "other")) == [(1, "added")]


def test_as_many_as_were_asked_for_and_whether_there_are_more(ws: Workspace) -> None:
    for percent in range(1, 6):
        write(ws, {"it": flag(rule=split(percent))})
    assert [version for version, _ in actions(told(ws, limit=3))] == [5, 4, 3]
    assert not told(ws, limit=3).whole
    assert told(ws, limit=5).whole


@pytest.mark.parametrize("page", [1, 2, 4, 5, 6])
def test_pages_of_versions_meet_without_a_gap(ws: Workspace, monkeypatch: Any, page: int) -> None:
    monkeypatch.setattr(flag_history, "PAGE", page)
    for percent in range(1, 6):
        write(ws, {"it": flag(rule=split(percent))})
    found = told(ws)
    assert actions(found) == [*((version, "changed") for version in (5, 4, 3, 2)), (1, "added")]
    assert found.whole


def test_a_set_so_large_that_versions_come_one_by_one_has_its_whole_history(
    ws: Workspace, monkeypatch: Any
) -> None:
    monkeypatch.setattr(graph_reader, "HISTORY_CHARACTERS", 1)
    for percent in range(1, 6):
        write(ws, {"it": flag(rule=split(percent))})
    found = told(ws)
    assert actions(found) == [*((version, "changed") for version in (5, 4, 3, 2)), (1, "added")]
    assert found.whole


def test_it_looks_back_so_far_and_says_that_there_may_be_more(ws: Workspace, monkeypatch: Any) -> None:
    monkeypatch.setattr(flag_history, "PAGE", 2)
    monkeypatch.setattr(flag_history, "MOST", 2)
    write(ws, {"it": flag()})
    for percent in range(1, 5):
        write(ws, {"it": flag(), "other": flag(rule=split(percent))})
    assert told(ws) == FlagHistory((), whole=False)


def test_flags_in_a_list_have_a_history_too(ws: Workspace) -> None:
    for default in ("off", "on"):
        write_set(ws, ME, "one", {"flags": [{"key": "it", **flag(default)}, {"key": "other", **flag()}]})
    assert actions(told(ws)) == [(2, "changed"), (1, "added")]
    assert actions(told(ws, "other")) == [(1, "added")]
