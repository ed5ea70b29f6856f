"""Two years of an organisation that is kept in YAML alone, asked for dates between its changes.

Each step replaces the files of one folder and imports it, as a repository that somebody edits: units are
split, renamed, merged and given up, people move. Everything is asked over HTTP, on both databases.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import SYSTEM
from counterpoint.server.app import create_app
from tests.graph.documents import component, group, user

Files = dict[str, list[dict[str, Any]]]


@pytest.fixture
def kept(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose graph is on either database."""
    with Workspace.create(tmp_path / "workspace") as made:
        yield made


def organisation(members: dict[str, str], parents: dict[str, str], owners: dict[str, str]) -> Files:
    """The files of one step: one for each unit, one for all people, one for all things."""
    files = {name: [group(name, type="squad", parent=parent)] for name, parent in parents.items()}
    files["company"] = [group("acme", type="organisation"), group("music", type="tribe", parent="acme")]
    files["people"] = [user(name, *units.split()) for name, units in members.items()]
    files["things"] = [component(name, owner=owner) for name, owner in owners.items()]
    return files


CRAFT = {"craft": "acme"}
FOUNDED = organisation(
    {"ana": "alpha", "ben": "alpha craft", "cleo": "beta", "dan": "beta craft"},
    CRAFT | {"alpha": "music", "beta": "music"},
    {"player": "alpha", "radio": "alpha", "search": "beta"},
)
SPLIT = organisation(
    {"ana": "alpha", "ben": "gamma craft", "cleo": "beta", "dan": "beta craft"},
    CRAFT | {"alpha": "music", "beta": "music", "gamma": "music"},
    {"player": "alpha", "radio": "gamma", "search": "beta"},
)
RENAMED = organisation(
    {"ana": "aurora", "ben": "gamma craft", "cleo": "beta", "dan": "beta craft"},
    CRAFT | {"aurora": "music", "beta": "music", "gamma": "acme"},
    {"player": "aurora", "radio": "gamma", "search": "beta"},
)
MERGED = organisation(
    {"ana": "aurora", "ben": "delta craft", "cleo": "delta", "dan": "delta craft"},
    CRAFT | {"aurora": "music", "delta": "music"},
    {"player": "aurora", "radio": "delta", "search": "delta"},
)
GIVEN_UP = organisation(
    {"ana": "aurora", "ben": "aurora", "cleo": "aurora"},
    {"aurora": "music"},
    {"player": "aurora", "radio": "delta", "search": "aurora"},
)
STEPS = {
    "2024-01-10": (FOUNDED, ()),
    "2024-06-01": (SPLIT, ()),
    "2024-12-01": (RENAMED, ("group:alpha",)),
    "2025-05-01": (MERGED, ("group:beta", "group:gamma")),
    "2025-10-01": (GIVEN_UP, ("group:delta", "group:craft", "user:dan")),
}
"""On each day the files, and what is deleted since no file declares it any more."""


def replay(workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, write = workspace.graph, workspace.graph.write
    for day, (files, deleted) in STEPS.items():
        at = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, documents in files.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(documents))
        with monkeypatch.context() as patch:
            patch.setattr(graph, "write", lambda actor, at=at: write(actor, at=at))
            report = import_targets(graph, SYSTEM, [str(folder / "*.yaml")])
        assert not report.failed, report.remarks
        with write(SYSTEM, at=at) as writer:
            for ref in deleted:
                writer.delete(ref)


def asked(client: TestClient[Any], path: str, **query: str) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def seen(client: TestClient[Any], day: str) -> dict[str, Any]:
    """What the API says of a day, by names."""
    units = asked(client, "/api/v1/units", at=day)["items"]
    held = asked(client, "/api/v1/memberships", at=day)["items"]
    things = asked(client, "/api/v1/ownership", at=day)["items"]
    drawn = asked(client, "/api/v1/organisation", at=day)
    for unit in units:
        listed = asked(client, "/api/v1/entities", at=day, owner=unit["ref"], kind="component")["items"]
        assert sorted(each["ref"] for each in listed) == [
            each["ref"] for each in things if each["owner"] == unit["ref"]
        ]
        one = asked(client, f"/api/v1/units/default/{_name(unit['ref'])}", at=day)
        assert (one["people"], one["ownedWithParts"]) == (unit["people"], unit["owned"])
    listed = asked(client, "/api/v1/entities", at=day, kind="group")["items"]
    assert sorted(each["ref"] for each in listed) == sorted(unit["ref"] for unit in units)
    sums = {_name(each["ref"]): each["people"] for each in units}
    assert all(sums[_name(each["ref"])] == each["people"] for each in drawn["places"])
    return {
        "members": {(_name(each["person"]), _name(each["unit"])) for each in held},
        "owners": {_name(each["ref"]): _name(each["owner"]) for each in things},
        "parents": {_name(each["ref"]): _name(each["parent"]) for each in units if each["parent"]},
        "people": sums,
        "owned": {_name(each["ref"]): each["owned"] for each in units},
    }


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def expected(files: Files) -> tuple[set[tuple[str, str]], dict[str, str], dict[str, str]]:
    """Members, owners and parents as the files of a step say."""
    people = {each["metadata"]["name"]: each["spec"]["memberOf"] for each in files["people"]}
    owners = {each["metadata"]["name"]: each["spec"]["owner"] for each in files["things"]}
    units = [each for documents in files.values() for each in documents if each["kind"] == "Group"]
    parents = {
        each["metadata"]["name"]: each["spec"]["parent"] for each in units if each["spec"].get("parent")
    }
    return {(person, unit) for person, of in people.items() for unit in of}, owners, parents


def test_two_years_of_files_are_answered_for_every_date_between(kept, tmp_path, monkeypatch):
    replay(kept, tmp_path / "org", monkeypatch)
    with TestClient(create_app(kept, auth=False), base_url="http://127.0.0.1") as client:
        before = seen(client, "2024-01-09")
        assert before == {"members": set(), "owners": {}, "parents": {}, "people": {}, "owned": {}}
        days = {
            "2024-01-10": FOUNDED,
            "2024-05-31": FOUNDED,
            "2024-06-01": SPLIT,
            "2024-11-30": SPLIT,
            "2024-12-24": RENAMED,
            "2025-04-30": RENAMED,
            "2025-05-01": MERGED,
            "2025-09-30": MERGED,
            "2025-10-02": GIVEN_UP,
        }
        for day, files in days.items():
            found = seen(client, day)
            told = (found["members"], found["owners"], found["parents"])
            assert (day, *told) == (day, *expected(files))

        assert seen(client, "2024-03-01")["people"] == {
            "acme": 4,
            "music": 4,
            "alpha": 2,
            "beta": 2,
            "craft": 2,
        }
        assert seen(client, "2025-03-01")["people"] == {
            "acme": 4, "music": 3, "aurora": 1, "beta": 2, "gamma": 1, "craft": 2
        }  # fmt: skip
        assert seen(client, "2025-03-01")["owned"]["music"] == 2
        assert seen(client, "2025-06-01")["owned"] == {
            "acme": 3, "music": 3, "aurora": 1, "delta": 2, "craft": 0
        }  # fmt: skip
        assert seen(client, "2026-01-01")["people"] == {"acme": 3, "music": 3, "aurora": 3}

        (lost,) = asked(client, "/api/v1/ownership/orphans")["items"]
        assert (lost["ref"], lost["why"]) == ("component:default/radio", "missing")
        assert asked(client, "/api/v1/ownership/orphans", at="2025-09-30")["items"] == []
        tenures = asked(client, "/api/v1/ownership/component/default/radio")["items"]
        assert [(_name(each["owner"]), each["from"][:10]) for each in tenures] == [
            ("alpha", "2024-01-10"),
            ("gamma", "2024-06-01"),
            ("delta", "2025-05-01"),
        ]
        assert client.get("/api/v1/units/default/alpha", params={"at": "2025-01-01"}).status_code == 404
        assert client.get("/units/default/alpha", params={"at": "2024-07-01"}).status_code == 200
