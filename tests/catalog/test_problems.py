"""Problems: kept with place and date, over when they are mended, told on the page, over HTTP and on the command line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.locations import generated_name
from counterpoint.catalog.problems import count_problems, list_problems
from counterpoint.catalog.removal import remove_place
from counterpoint.catalog.rereading import reread_places
from counterpoint.cli import run
from counterpoint.errors import NotAllowedError, NotFoundError
from counterpoint.graph import Actor, Graph, local_actor
from counterpoint.server.app import create_app

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
COMPONENT = (
    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n"
    "spec:\n  type: service\n  lifecycle: production\n  owner: %s\n"
)
LEADS = (
    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: leads}\nspec: {targets: ['%s']}\n"
)


def write(folder: Path, name: str, *documents: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(documents))
    return path


def load(graph: Graph, *targets: Path) -> Any:
    return import_targets(graph, local_actor(), [str(target) for target in targets])


def standing(graph: Graph, **asked: Any) -> list[tuple[str, str, int | None]]:
    with graph.read() as reader:
        return [(each.code, each.level, each.line) for _, each in list_problems(reader, **asked)]


def status(graph: Graph, ref: str) -> Any:
    import sqlalchemy as sa

    from counterpoint.graph.tables import decode
    from counterpoint.graph.tables import status as table

    with graph.read() as reader:
        return decode(
            reader.connection.execute(sa.select(table.c["items"]).where(table.c.ref == ref)).scalar()
        )


def orphans(graph: Graph) -> list[str]:
    with graph.read() as reader:
        return [each.ref or "" for _, each in list_problems(reader, code="orphan")]


def test_problems_are_kept_with_their_places_until_they_are_mended(graph: Graph, tmp_path: Path) -> None:
    path = write(
        tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("bad-", "a"), "kind: [\n", COMPONENT % ("w", "no")
    )
    load(graph, path)
    assert sorted(standing(graph)) == [
        ("invalid", "error", 9),
        ("owner", "error", 24),
        ("syntax", "error", 16),
    ]
    write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("w", "a"))
    load(graph, path)
    assert standing(graph) == []


def test_a_problem_keeps_its_date_while_it_stands(graph: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("bad-", "a"))
    load(graph, path)
    with graph.read() as reader:
        ((_, first),) = list_problems(reader)
    write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("bad-", "a"), GROUP % "b", COMPONENT % ("_bad", "a"))
    load(graph, path)
    with graph.read() as reader:
        ((_, again), (_, second)) = list_problems(reader)
    assert again.since == first.since < second.since


def test_a_missing_owner_is_over_as_soon_as_any_file_brings_it(graph: Graph, tmp_path: Path) -> None:
    load(graph, write(tmp_path, "one/c.yaml", COMPONENT % ("web", "late")))
    assert standing(graph) == [("owner", "error", 8)]
    load(graph, write(tmp_path, "two/g.yaml", GROUP % "late"))
    assert standing(graph) == []
    with graph.read() as reader:
        assert count_problems(reader) == {}


def test_an_entity_that_was_good_keeps_its_last_good_version_and_says_what_is_wrong(
    graph: Graph, tmp_path: Path
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("web", "a"))
    load(graph, path)
    before = status(graph, "component:default/web")
    broken = (COMPONENT % ("web", "a")).replace("  type: service\n", "")
    write(tmp_path, "c.yaml", GROUP % "a", broken)
    load(graph, path)
    (item,) = status(graph, "component:default/web")
    assert before is None
    assert (item["type"], item["level"]) == ("backstage.io/catalog-processing", "error")
    assert item["error"]["name"] == "InputError"
    assert item["error"]["message"] in item["message"]
    assert "/spec/type" in item["message"]
    with graph.read() as reader:
        assert reader.require("component:default/web").spec["type"] == "service"
        assert [each.action for each in reader.activity(subject="component:default/web")][:1] == [
            "entity.status"
        ]
    write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("web", "a"))
    load(graph, path)
    assert status(graph, "component:default/web") is None


def test_a_file_that_cannot_be_parsed_any_more_says_so_at_its_location_and_keeps_its_entities(
    graph: Graph, tmp_path: Path
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", GROUP % "b")
    load(graph, path)
    own = f"location:default/{generated_name(f'file:{path}')}"
    write(tmp_path, "c.yaml", GROUP % "a", "kind: {\n")
    load(graph, path)
    assert status(graph, "group:default/a") is None
    assert status(graph, "group:default/b") is None
    assert "not valid YAML" in status(graph, own)[0]["message"]
    path.write_bytes(b"\xff\xfe")
    load(graph, path)
    assert "not UTF-8" in status(graph, own)[0]["message"]
    write(tmp_path, "c.yaml", GROUP % "a", GROUP % "b")
    load(graph, path)
    assert status(graph, own) is None


def test_a_target_that_cannot_be_read_says_so_at_its_location_and_orphans_nothing(
    graph: Graph, tmp_path: Path
) -> None:
    write(tmp_path, "parts/a.yaml", GROUP % "a")
    root = write(tmp_path, "root.yaml", LEADS % "./parts/a.yaml")
    load(graph, root)
    (tmp_path / "parts/a.yaml").unlink()
    load(graph, root)
    (item,) = status(graph, "location:default/leads")
    assert item["error"]["name"] == "NotFoundError"
    assert orphans(graph) == []
    write(tmp_path, "parts/a.yaml", "only text")
    load(graph, root)
    (item,) = status(graph, "location:default/leads")
    assert "plain text" in item["message"]
    assert orphans(graph) == []
    write(tmp_path, "parts/a.yaml", GROUP % "a")
    load(graph, root)
    assert status(graph, "location:default/leads") is None


def test_a_broken_part_that_is_read_alone_says_so_at_what_led_to_it_until_it_is_mended(
    graph: Graph, tmp_path: Path
) -> None:
    part = write(tmp_path, "parts/a.yaml", GROUP % "a")
    load(graph, write(tmp_path, "root.yaml", LEADS % "./parts/a.yaml"))
    write(tmp_path, "parts/a.yaml", "kind: {")
    reread_places(graph, [f"file:{part}"])
    assert "not valid YAML" in status(graph, "location:default/leads")[0]["message"]
    write(tmp_path, "parts/a.yaml", GROUP % "a")
    reread_places(graph, [f"file:{part}"])
    assert status(graph, "location:default/leads") is None


def test_a_file_that_was_named_and_is_gone_keeps_its_entities_and_says_so(
    graph: Graph, tmp_path: Path
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a")
    load(graph, path)
    path.unlink()
    assert load(graph, path).failed
    assert orphans(graph) == []
    (item,) = status(graph, f"location:default/{generated_name(f'file:{path}')}")
    assert item["error"]["name"] == "NotFoundError"


def test_a_conflict_names_both_places_and_is_over_when_one_gives_way(graph: Graph, tmp_path: Path) -> None:
    first = write(tmp_path, "one/a.yaml", GROUP % "a")
    second = write(tmp_path, "two/a.yaml", GROUP % "a")
    load(graph, first)
    load(graph, second)
    with graph.read() as reader:
        ((_, each),) = list_problems(reader)
    assert each.code == "conflict"
    assert each.location == f"file:{second}"
    assert str(first) in each.message
    first.write_text(GROUP % "other")
    load(graph, first)
    assert standing(graph, code="conflict") == [("conflict", "error", 3)]
    load(graph, second)
    assert standing(graph, level="error") == []
    with graph.read() as reader:
        assert reader.require("group:default/a").location == f"file:{second}"


def test_an_entity_that_moves_within_one_import_is_no_orphan_on_the_way(graph: Graph, tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", GROUP % "x")
    write(tmp_path, "b.yaml", GROUP % "moving", GROUP % "y")
    load(graph, tmp_path)
    with graph.read() as reader:
        uid = reader.require("group:default/moving").uid
    write(tmp_path, "a.yaml", GROUP % "x", GROUP % "moving")  # read before the file that has it now
    write(tmp_path, "b.yaml", GROUP % "y")
    report = load(graph, tmp_path)
    assert not report.failed
    with graph.read() as reader:
        moved = reader.require("group:default/moving")
        assert (moved.uid, moved.location) == (uid, f"file:{tmp_path / 'a.yaml'}")
        assert len(reader.history(moved.ref)) == 2
    assert standing(graph) == [("moved", "note", 8)]


def test_the_uid_survives_orphaning_moving_and_coming_back(graph: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "one/c.yaml", GROUP % "a", GROUP % "b")
    load(graph, path)
    with graph.read() as reader:
        uid = reader.require("group:default/b").uid
    write(tmp_path, "one/c.yaml", GROUP % "a")
    load(graph, path)
    assert standing(graph) == [("orphan", "warning", None)]
    load(graph, write(tmp_path, "two/c.yaml", GROUP % "b"))
    with graph.read() as reader:
        back = reader.require("group:default/b")
    assert back.uid == uid
    assert "backstage.io/orphan" not in back.metadata["annotations"]
    assert standing(graph, code="orphan") == []


def test_an_orphan_whose_name_was_probably_changed_names_the_new_one(graph: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a")
    load(graph, path)
    write(tmp_path, "c.yaml", GROUP % "b")
    load(graph, path)
    with graph.read() as reader:
        ((_, each),) = list_problems(reader)
    assert "group:default/b was added there at the same time" in each.message


def test_what_a_location_no_longer_leads_to_is_an_orphan(graph: Graph, tmp_path: Path) -> None:
    location = (
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: [%s]}\n"
    )
    write(tmp_path, "x.yaml", GROUP % "x")
    write(tmp_path, "y.yaml", GROUP % "y")
    root = write(tmp_path, "catalog-info.yaml", location % "./x.yaml, ./y.yaml")
    load(graph, root)
    write(tmp_path, "catalog-info.yaml", location % "./x.yaml")
    load(graph, root)
    with graph.read() as reader:
        ((_, each),) = list_problems(reader)
    assert (each.code, each.ref) == ("orphan", "group:default/y")
    write(
        tmp_path, "catalog-info.yaml", "kind: ["
    )  # what it leads to is unknown now, so nothing is an orphan
    load(graph, root)
    assert standing(graph, code="orphan") == [("orphan", "warning", None)]


def test_an_unchanged_file_is_told_again_without_being_read_again(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("web", "nobody"), COMPONENT % ("bad-", "a"))
    first = load(graph, path)
    monkeypatch.setattr("counterpoint.catalog.gathering.read_data", None)
    second = load(graph, path)
    assert second.failed
    assert second.total("unchanged") == 3
    assert second.refs == first.refs
    messages = [remark.problem.message for remark in first.remarks]
    assert [remark.problem.message for remark in second.remarks] == messages


def test_a_file_is_read_again_where_somebody_changed_what_it_declares(graph: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a")
    load(graph, path)
    with graph.write(local_actor()) as writer:
        writer.delete("group:default/a")
    load(graph, path)
    with graph.read() as reader:
        assert reader.get("group:default/a") is not None


@pytest.fixture
def troubled(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with an invalid component, an ownerless one and an orphan."""
    path = write(tmp_path, "c.yaml", GROUP % "a", GROUP % "gone")
    load(workspace.graph, path)
    write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("web", "nobody"), COMPONENT % ("-<b>-", "a"))
    load(workspace.graph, path)
    return workspace


@pytest.fixture
def pages(troubled: Workspace) -> Iterator[TestClient]:
    """A client of its pages."""
    app = create_app(troubled, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as made:
        yield made


def test_the_page_names_file_line_reason_and_way_out(pages: TestClient, tmp_path: Path) -> None:
    text = pages.get("/catalog/problems").text
    assert str(tmp_path / "c.yaml") in text
    assert "line 18" in text
    assert "&lt;b&gt;" in text
    assert "<b>-" not in text
    assert "Declare the owner, or name one that exists" in text
    assert "Delete it if it is gone, or declare it again" in text


def test_the_page_is_narrowed_by_level_and_owner(pages: TestClient) -> None:
    warnings = pages.get("/catalog/problems?level=warning").text
    assert "orphan" in warnings
    assert "no owner" not in warnings
    assert (
        "group:default/nobody does not exist"
        in pages.get("/catalog/problems?owner=group:default/nobody").text
    )
    assert "Nothing of this kind" in pages.get("/catalog/problems?level=note").text
    assert pages.get("/catalog/problems?level=all").status_code == 400
    assert pages.get("/catalog/problems?cursor=x").status_code == 400


def test_the_catalog_says_how_many_problems_there_are(pages: TestClient) -> None:
    assert "3 problems" in pages.get("/catalog").text


def test_an_empty_page_says_what_to_do(visitor: TestClient, client: TestClient) -> None:
    assert "Nothing is wrong" in client.get("/catalog/problems").text


def _posted(pages: TestClient, path: str, **fields: str) -> Any:
    html = {"accept": "text/html"}
    token = re.search(
        r'name="_csrf_token" value="([^"]*)"', pages.get("/catalog/problems", headers=html).text
    )
    assert token is not None
    return pages.post(path, data={"_csrf_token": token[1], **fields}, headers=html, follow_redirects=False)


def test_an_orphan_is_deleted_from_the_page_and_nothing_else_is(
    pages: TestClient, troubled: Workspace
) -> None:
    assert _posted(pages, "/catalog/problems/delete", ref="group:default/a").status_code == 400
    answer = _posted(pages, "/catalog/problems/delete", ref="group:default/gone", level="warning")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/catalog/problems?level=warning&told=deleted"
    with troubled.graph.read() as reader:
        assert reader.get("group:default/gone") is None
        assert reader.get("group:default/a") is not None
    assert standing(troubled.graph, code="orphan") == []


def test_a_file_is_read_again_from_the_page(pages: TestClient, troubled: Workspace, tmp_path: Path) -> None:
    write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % ("web", "a"))
    assert _posted(pages, "/catalog/problems/read", location="file:/etc/passwd").status_code == 404
    answer = _posted(pages, "/catalog/problems/read", location=f"file:{tmp_path / 'c.yaml'}")
    assert answer.status_code == 303
    assert standing(troubled.graph, level="error") == []


def test_the_api_lists_problems_page_by_page(pages: TestClient) -> None:
    whole = pages.get("/api/v1/problems").json()
    assert whole["counts"] == {"error": 2, "warning": 1}
    assert {item["code"] for item in whole["items"]} == {"invalid", "owner", "orphan"}
    seen, cursor = [], None
    while True:
        asked = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = pages.get("/api/v1/problems", params=asked).json()
        seen += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == whole["items"]
    (missed,) = pages.get("/api/v1/problems?entity=component:default/web").json()["items"]
    assert missed["missing"] == "group:default/nobody"
    assert missed["remedy"]
    assert pages.get("/api/v1/problems?entity=component:default/web").json()["counts"] == {"error": 1}
    assert pages.get("/api/v1/problems?limit=0").status_code == 400


def test_problems_of_an_owner_are_counted_by_themselves_and_a_slip_is_no_owner(
    pages: TestClient, troubled: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = pages.get("/api/v1/problems?owner=nobody").json()
    assert ([each["entity"] for each in missing["items"]], missing["counts"]) == (
        ["component:default/web"],
        {"error": 1},
    )
    assert pages.get("/api/v1/problems?owner=a").json()["counts"] == {}
    answer = pages.get("/api/v1/problems?owner=nobodie")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == "/owner"
    assert run(["-w", str(troubled.path), "problems", "--owner", "nope"]) == 1
    assert "There is no unit 'group:default/nope'" in capsys.readouterr().err
    assert run(["-w", str(troubled.path), "problems", "--owner", "a"]) == 0
    assert "Nothing is wrong in what group:default/a owns." in capsys.readouterr().out
    for owner in ("a", "group:default/a"):
        assert "Nothing of this kind" in pages.get(f"/catalog/problems?owner={owner}").text
    assert pages.get("/catalog/problems?owner=nope").status_code == 404


def test_the_command_names_each_problem_and_ends_with_1(
    troubled: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(troubled.path), "problems"]) == 1
    out = capsys.readouterr().out
    assert "c.yaml:18" in out
    assert "2 errors, 1 warning." in out
    assert run(["-w", str(troubled.path), "problems", "--level", "warning"]) == 0
    capsys.readouterr()
    assert run(["-w", str(troubled.path), "--json", "problems"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"] == {"error": 2, "warning": 1}


def test_the_command_says_when_nothing_is_wrong(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(workspace.path), "problems"]) == 0
    assert "Nothing is wrong" in capsys.readouterr().out


def test_a_person_cannot_take_what_is_not_theirs_by_importing(graph: Graph, tmp_path: Path) -> None:
    load(graph, write(tmp_path, "g.yaml", GROUP % "a", GROUP % "b", COMPONENT % ("theirs", "b")))
    actor = Actor("user:default/ana", "Ana", "person", units=frozenset({"group:default/a"}))
    changed = (COMPONENT % ("theirs", "b")).replace("production", "deprecated")
    path = write(tmp_path, "g.yaml", GROUP % "a", GROUP % "b", changed)
    report = import_targets(graph, actor, [str(path)])
    assert report.failed
    assert standing(graph) == [("forbidden", "error", 14)]
    with graph.read() as reader:
        assert reader.require("component:default/theirs").spec["lifecycle"] == "production"


def test_a_file_that_left_an_orphan_is_not_read_again_for_it(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", GROUP % "b")
    load(graph, path)
    write(tmp_path, "c.yaml", GROUP % "a")
    load(graph, path)
    monkeypatch.setattr("counterpoint.catalog.gathering.read_data", None)
    assert load(graph, path).total("unchanged") == 3


def test_a_place_that_was_named_by_mistake_is_taken_back_on_the_page_by_who_named_it(
    pages: TestClient, troubled: Workspace, tmp_path: Path
) -> None:
    place = f"file:{tmp_path / 'c.yaml'}"
    assert "Read it no more" in pages.get("/catalog/problems").text
    with pytest.raises(NotAllowedError, match="brought in by"):
        remove_place(troubled.graph, Actor("user:default/cy", "Cy", "person"), str(tmp_path / "c.yaml"))
    assert _posted(pages, "/catalog/problems/forget", location=place).status_code == 303
    assert standing(troubled.graph) == []
    with pytest.raises(NotFoundError, match="never imported"):
        remove_place(troubled.graph, local_actor(), str(tmp_path / "c.yaml"))
