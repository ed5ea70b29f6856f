"""Versions of a flag set: what each changed and why, any two compared, any one restored, and who wins a race."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.errors import NotAllowedError, NotFoundError, PreconditionError
from counterpoint.flags.store import delete_set, flag_sets, read_set, write_set
from counterpoint.flags.versions import (
    VersionItem,
    difference_of,
    read_version,
    restore_set,
    versions_of_set,
)
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.settings import Settings

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
OFF = ON | {"state": "DISABLED"}
ANA = Actor("user:default/ana", "Ana", "person")


def entity(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    api = "counterpoint.dev/v1" if kind in ("Bet", "FlagSet") else "backstage.io/v1alpha1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def house(graph: Graph, tmp_path: Path) -> Workspace:
    """A workspace over a graph on each database."""
    return Workspace(tmp_path, Settings(), graph)


def write(house: Workspace, reason: str | None = None, **flags: Any) -> str:
    stored = write_set(house, local_actor(), "mobile", {"flags": flags}, reason=reason).stored
    assert stored is not None
    return stored.etag


def versions(house: Workspace, **options: Any) -> list[VersionItem]:
    with house.graph.read() as reader:
        return list(versions_of_set(reader, "mobile", **options).items)


def test_every_version_tells_who_changed_which_flags_and_why(house: Workspace) -> None:
    write(house, "a start", a=ON)
    write(house, "errors rose", a=OFF)
    write_set(house, ANA, "other", {"flags": {}})
    write(house, None, a=OFF, b=ON)
    found = versions(house)
    assert [(item.version, item.action, item.reason, item.said) for item in found] == [
        (3, "updated", None, "added 'b'"),
        (2, "updated", "errors rose", "turned 'a' off"),
        (1, "created", "a start", "added 'a'"),
    ]
    assert {item.actor for item in found} == {local_actor().ref}
    assert [(flag.key, flag.parts, flag.state) for flag in found[1].flags] == [("a", ("state",), "DISABLED")]


def test_versions_come_page_by_page(house: Workspace) -> None:
    for number in range(5):
        write(house, f"step {number}", **{f"f{number}": ON})
    seen: list[int] = []
    cursor = None
    with house.graph.read() as reader:
        for _ in range(3):
            page = versions_of_set(reader, "mobile", limit=2, cursor=cursor)
            assert page.total == 5
            seen += [item.version for item in page.items]
            assert all(
                item.said == f"added 'f{item.version - 1}', removed 'f{item.version - 2}'"
                for item in page.items
                if item.version > 1
            )
            cursor = page.next_cursor
    assert (seen, cursor) == ([5, 4, 3, 2, 1], None)


def test_a_version_is_read_as_it_was_written(house: Workspace) -> None:
    first = write(house, "why", a=ON)
    write(house, a=OFF)
    with house.graph.read() as reader:
        found = read_version(reader, "mobile", 1)
        assert (found.definition, found.etag, found.bucketing, found.reason) == (
            {"flags": {"a": ON}},
            first,
            "v2",
            "why",
        )
        for number in (0, 3, -1, 2**70):
            with pytest.raises(NotFoundError):
                read_version(reader, "mobile", number)
        for name in ("nobody", "no name"):
            with pytest.raises(NotFoundError, match="never was"):
                read_version(reader, name, 1)


def test_any_two_versions_are_compared(house: Workspace) -> None:
    write(house, a=ON)
    write(house, a=OFF)
    write(house, b=ON)
    with house.graph.read() as reader:
        assert difference_of(reader, "mobile").changes.said == "added 'b', removed 'a'"
        assert difference_of(reader, "mobile", new=2).changes.said == "turned 'a' off"
        back = difference_of(reader, "mobile", old=2, new=1)
        assert (back.before, back.after, back.changes.said) == ("mobile@2", "mobile@1", "turned 'a' on")
        assert difference_of(reader, "mobile", old=0, new=1).changes.said == "added 'a'"
        assert not difference_of(reader, "mobile", old=2, new=2).changes
        with pytest.raises(NotFoundError, match="newest is 3"):
            difference_of(reader, "mobile", new=4)


def test_a_version_is_restored_as_a_new_one(house: Workspace) -> None:
    write_set(house, local_actor(), "mobile", {"flags": {"a": ON}}, bucketing="v3", owner="squad")
    tag = write_set(house, local_actor(), "mobile", {"flags": {}}, bucketing="v2", owner="tribe").stored
    assert tag is not None
    tried = restore_set(house, local_actor(), "mobile", 1, dry_run=True)
    assert (tried.outcome, tried.changes.said) == ("checked", "added 'a', set the bucketing to v3")
    with pytest.raises(PreconditionError):
        restore_set(house, local_actor(), "mobile", 1, if_match=["other"])
    done = restore_set(house, local_actor(), "mobile", 1, if_match=[tag.etag], reason="it was right")
    assert done.stored is not None
    assert (done.stored.flags.bucketing, done.stored.entity.version) == ("v3", 3)
    assert done.stored.entity.owner == "group:default/tribe"
    found = flag_sets(house).get("mobile")
    assert found is not None
    assert found.flags.evaluate("a").value is True
    assert versions(house)[0].reason == "Restored version 1: it was right"
    assert restore_set(house, local_actor(), "mobile", 3).outcome == "unchanged"
    with pytest.raises(NotFoundError):
        restore_set(house, local_actor(), "mobile", 9)


def test_who_may_not_write_a_set_may_not_restore_or_delete_it(house: Workspace) -> None:
    with house.graph.write(local_actor()) as writer:
        writer.put(entity("Group", "squad", type="squad", children=[]))
    write_set(house, local_actor(), "mobile", {"flags": {"a": ON}}, owner="squad")
    write(house, a=OFF)
    for dry_run in (False, True):
        with pytest.raises(NotAllowedError):
            restore_set(house, ANA, "mobile", 1, dry_run=dry_run)
        with pytest.raises(NotAllowedError):
            delete_set(house, ANA, "mobile", dry_run=dry_run)
        with pytest.raises(NotAllowedError):
            write_set(house, ANA, "mobile", {"flags": {}}, dry_run=dry_run)
    assert len(versions(house)) == 2


def test_a_deleted_set_says_what_it_was_joined_to_and_comes_back(house: Workspace) -> None:
    named = ON | {"metadata": {"bet": "weekly", "component": "player"}}
    tag = write(house, a=named)
    assert flag_sets(house).get("mobile") is not None
    with pytest.raises(PreconditionError):
        delete_set(house, local_actor(), "mobile", if_match=["other"])
    tried = delete_set(house, local_actor(), "mobile", dry_run=True)
    assert len(versions(house)) == 1
    gone = delete_set(house, local_actor(), "mobile", if_match=[tag], reason="moved")
    assert tried == gone
    assert [(link.relation, link.ref) for link in gone.links] == [
        ("flagOf", "component:default/player"),
        ("implementsBet", "bet:default/weekly"),
    ]
    assert flag_sets(house).get("mobile") is None
    found = versions(house)
    assert (found[0].action, found[0].reason, found[0].said) == ("deleted", "moved", "removed 'a'")
    with house.graph.read() as reader, pytest.raises(NotFoundError, match="deleted the set"):
        read_version(reader, "mobile", 2)
    with pytest.raises(NotFoundError):
        delete_set(house, local_actor(), "mobile")
    back = restore_set(house, local_actor(), "mobile", 1)
    assert (back.outcome, back.stored.entity.version if back.stored else 0) == ("created", 3)
    assert [item.action for item in versions(house)] == ["created", "deleted", "created"]


def test_of_writers_that_read_the_same_version_exactly_one_wins(house: Workspace) -> None:
    tag = write(house, a=ON)
    start, outcomes = threading.Barrier(6), []

    def race(number: int) -> None:
        start.wait()
        try:
            write_set(house, local_actor(), "mobile", {"flags": {f"f{number}": ON}}, if_match=[tag])
            outcomes.append(number)
        except PreconditionError:
            outcomes.append(None)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if outcome is not None]
    with house.graph.read() as reader:
        assert list(read_set(reader, "mobile").flags.flags) == [f"f{winner}"]
    assert len(versions(house)) == 2


RACER = """
import sys
from counterpoint import Workspace
from counterpoint.errors import PreconditionError
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.graph import Graph
from counterpoint.settings import Settings
address, tag, number = sys.argv[1:]
from pathlib import Path
graph = Graph(Path(address) if "://" not in address else address)
with Workspace(Path("."), Settings(), graph) as workspace:
    print("ready", flush=True)
    sys.stdin.readline()
    flag = {"state": "ENABLED", "variants": {"on": True}}
    try:
        write_set(workspace, local_actor(), "mobile", {"flags": {"f" + number: flag}}, if_match=[tag])
        print("won", flush=True)
    except PreconditionError:
        print("lost", flush=True)
"""


def test_of_processes_that_read_the_same_version_exactly_one_wins(house: Workspace) -> None:
    tag = write(house, a=ON)
    command = [sys.executable, "-c", RACER, str(house.graph.address), tag]
    racers = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    streams = [(racer, racer.stdin, racer.stdout) for racer in racers]
    for _, _, out in streams:
        assert out is not None
        assert out.readline() == "ready\n"
    for _, into, _ in streams:
        assert into is not None
        into.write("go\n")
        into.flush()
    outcomes = [racer.communicate()[0].strip() for racer in racers]
    assert sorted(outcomes) == ["lost", "lost", "won"]
    found = flag_sets(house).get("mobile")
    assert found is not None
    assert list(found.flags.flags) == [f"f{outcomes.index('won')}"]
