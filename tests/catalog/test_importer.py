"""Imports: what is kept beside what is refused, idempotence, conflicts, orphans, and paths that lead out."""

import errno
import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.locations import Source, find_sources
from counterpoint.catalog.problems import count_problems, list_problems
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.removal import named_places
from counterpoint.cli import run
from counterpoint.graph import Actor, local_actor

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
COMPONENT = (
    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n"
    "spec:\n  type: service\n  lifecycle: production\n  owner: %s\n"
)
LOCATION = (
    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: %s}\nspec:\n  targets:\n    - %s\n"
)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "checkout"
    made.mkdir()
    return made


def write(folder, name, *documents):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(documents))
    return path


def load(workspace, *targets, **options):
    return import_targets(workspace.graph, local_actor(), [str(target) for target in targets], **options)


def counts(report):
    return tuple(report.total(outcome) for outcome in ("created", "updated", "unchanged", "refused"))


def messages(report, level="error"):
    return [remark.problem.message for remark in report.remarks if remark.level == level]


def refs(workspace, **filters):
    with workspace.graph.read() as reader:
        return [entity.ref for entity in reader.all(**filters)]


def test_a_file_becomes_a_location_with_its_generated_entity(workspace, folder):
    path = write(folder, "catalog-info.yaml", GROUP % "a", COMPONENT % ("web", "a"))
    report = load(workspace, path)
    digest = hashlib.sha1(f"file:{path}".encode(), usedforsecurity=False).hexdigest()
    assert report.refs == [
        "component:default/web",
        "group:default/a",
        f"location:default/generated-{digest}",
    ]
    with workspace.graph.read() as reader:
        generated = reader.require(f"location:default/generated-{digest}")
        web = reader.require("component:default/web")
    assert generated.spec == {"type": "file", "target": str(path)}
    assert web.metadata["annotations"] == {
        "backstage.io/managed-by-location": f"file:{path}",
        "backstage.io/managed-by-origin-location": f"file:{path}",
    }
    assert web.location == f"file:{path}"
    assert web.owner == "group:default/a"


def test_importing_again_changes_nothing(workspace, folder):
    write(folder, "catalog-info.yaml", GROUP % "a", LOCATION % ("more", "./more/*.yaml"))
    write(folder, "more/web.yaml", COMPONENT % ("web", "a"))
    assert counts(load(workspace, folder)) == (4, 0, 0, 0)
    assert counts(load(workspace, folder)) == (0, 0, 4, 0)
    with workspace.graph.read() as reader:
        assert len(reader.history("component:default/web")) == 1


def test_a_changed_file_updates_only_what_changed(workspace, folder):
    path = write(folder, "catalog-info.yaml", GROUP % "a", COMPONENT % ("web", "a"))
    load(workspace, path)
    write(folder, "catalog-info.yaml", GROUP % "a", COMPONENT % ("web", "a") + "  system: shop\n")
    assert counts(load(workspace, path)) == (0, 1, 2, 0)


def test_good_entities_are_kept_beside_broken_and_invalid_ones(workspace, folder):
    path = write(
        folder,
        "catalog-info.yaml",
        GROUP % "a",
        COMPONENT % ("one", "a"),
        "kind: [\n",
        COMPONENT % ("-bad-", "a"),
        "- a list\n",
        COMPONENT % ("two", "a"),
    )
    report = load(workspace, path)
    assert refs(workspace, kind="Component") == ["component:default/one", "component:default/two"]
    assert report.failed
    assert report.total("refused") == 3
    places = {(remark.problem.line, remark.problem.pointer) for remark in report.remarks}
    # The third document, the name of the fourth, and the fifth as a whole.
    assert places == {(16, ""), (20, "/metadata/name"), (26, "")}


def test_every_problem_of_an_invalid_entity_is_named_with_its_line(workspace, folder):
    text = COMPONENT % ("web", "a") + "  dependsOn: [svc]\n"
    path = write(folder, "catalog-info.yaml", text.replace("  lifecycle: production\n", "  lifecycle: 3\n"))
    report = load(workspace, path)
    found = [(remark.problem.line, remark.problem.pointer) for remark in report.remarks]
    assert found == [(7, "/spec/lifecycle"), (9, "/spec/dependsOn/0")]
    assert refs(workspace) == [ref for ref in refs(workspace) if ref.startswith("location:")]


def test_an_owner_that_does_not_exist_is_an_error_but_the_entity_stays(workspace, folder):
    path = write(folder, "catalog-info.yaml", GROUP % "discovery", COMPONENT % ("web", "discvery"))
    report = load(workspace, path)
    (remark,) = report.remarks
    assert remark.level == "error"
    assert (remark.problem.line, remark.problem.pointer) == (13, "/spec/owner")
    assert "did you mean group:default/discovery?" in remark.problem.message
    assert "component:default/web" in refs(workspace)


def test_the_order_of_files_does_not_matter_for_owners(workspace, folder):
    write(folder, "a.yaml", COMPONENT % ("web", "z"))
    write(folder, "z.yaml", GROUP % "z")
    assert not load(workspace, folder).remarks


def test_other_missing_targets_are_warnings(workspace, folder):
    path = write(folder, "c.yaml", GROUP % "a", COMPONENT % ("web", "a") + "  dependsOn: ['resource:db']\n")
    report = load(workspace, path)
    assert not report.failed
    assert messages(report, "warning") == ["resource:default/db does not exist"]


def test_a_reference_declared_twice_keeps_the_first_and_names_both_places(workspace, folder):
    write(folder, "a.yaml", GROUP % "a")
    write(folder, "b.yaml", "\n" + GROUP % "A")
    report = load(workspace, folder)
    (message,) = messages(report)
    assert "declared twice" in message
    assert f"{folder / 'a.yaml'}:3" in message
    assert report.remarks[0].problem.file == str(folder / "b.yaml")
    assert report.remarks[0].problem.line == 4


def test_an_entity_of_another_file_is_a_conflict_and_stays_there(workspace, folder):
    first = write(folder, "a.yaml", GROUP % "a")
    load(workspace, first)
    report = load(workspace, write(folder, "b.yaml", GROUP % "a"))
    assert str(first) in messages(report)[0]
    with workspace.graph.read() as reader:
        assert reader.require("group:default/a").location == f"file:{first}"


def test_an_entity_moves_with_its_file(workspace, folder):
    old = write(folder, "a.yaml", GROUP % "a")
    load(workspace, old)
    uid = _uid(workspace, "group:default/a")
    new = old.rename(folder / "b.yaml")
    report = load(workspace, new)
    assert not report.failed
    assert _uid(workspace, "group:default/a") == uid


def _uid(workspace, ref):
    with workspace.graph.read() as reader:
        return reader.require(ref).uid


def test_what_a_file_no_longer_declares_is_kept_as_an_orphan_until_it_comes_back(workspace, folder):
    path = write(folder, "catalog-info.yaml", GROUP % "a", GROUP % "b")
    load(workspace, path)
    write(folder, "catalog-info.yaml", GROUP % "a")
    report = load(workspace, path)
    assert "group:default/b is no longer declared" in messages(report, "warning")[0]
    assert not report.failed
    assert _orphan(workspace, "group:default/b") == "true"
    assert not load(workspace, path).remarks
    write(folder, "catalog-info.yaml", GROUP % "a", GROUP % "b")
    load(workspace, path)
    assert _orphan(workspace, "group:default/b") is None


def _orphan(workspace, ref):
    with workspace.graph.read() as reader:
        return reader.require(ref).metadata["annotations"].get("backstage.io/orphan")


def test_what_a_vanished_file_declared_is_an_orphan(workspace, folder):
    write(folder, "a.yaml", GROUP % "a")
    gone = write(folder, "b.yaml", GROUP % "b")
    load(workspace, folder)
    gone.unlink()
    report = load(workspace, folder)
    assert len(messages(report, "warning")) == 1  # the location of the file went with it
    assert _orphan(workspace, "group:default/b") == "true"


def test_nothing_becomes_an_orphan_because_of_a_broken_or_invalid_document(workspace, folder):
    path = write(folder, "c.yaml", GROUP % "a", GROUP % "b")
    load(workspace, path)
    for damage in ("kind: {\n", GROUP.replace("children", "childs") % "b"):
        write(folder, "c.yaml", GROUP % "a", damage)
        load(workspace, path)
        assert _orphan(workspace, "group:default/b") is None


@pytest.mark.parametrize("target", ["../secret.yaml", "/etc/passwd", "./link.yaml", "../*.yaml", "../"])
def test_locations_that_lead_out_of_the_folder_are_refused(workspace, folder, target):
    write(folder.parent, "secret.yaml", GROUP % "secret")
    (folder / "link.yaml").symlink_to(folder.parent / "secret.yaml")
    write(folder, "catalog-info.yaml", LOCATION % ("all", target), GROUP % "a")
    report = load(workspace, folder)
    assert "leads out" in messages(report)[0]
    (error,) = [remark for remark in report.remarks if remark.level == "error"]
    assert error.problem.pointer == "/spec/targets/0"
    assert refs(workspace, kind="Group") == ["group:default/a"]


def test_a_link_in_the_folder_that_leads_out_is_refused(workspace, folder):
    write(folder.parent, "secret.yaml", GROUP % "secret")
    (folder / "link.yaml").symlink_to(folder.parent / "secret.yaml")
    write(folder, "a.yaml", GROUP % "a")
    assert "leads out" in messages(load(workspace, folder))[0]
    assert refs(workspace, kind="Group") == ["group:default/a"]


def test_locations_follow_files_folders_and_patterns_once(workspace, folder):
    write(
        folder,
        "catalog-info.yaml",
        LOCATION % ("all", "./a.yaml\n    - b.yaml\n    - ./c\n    - ./**/*.yaml"),
    )
    write(folder, "a.yaml", GROUP % "a", LOCATION % ("back", "./catalog-info.yaml"))
    write(folder, "b.yaml", GROUP % "b")
    write(folder, "c/catalog-info.yml", GROUP % "c")
    write(folder, "node_modules/x/y.yaml", GROUP % "foreign")
    report = load(workspace, folder / "catalog-info.yaml")
    assert refs(workspace, kind="Group") == [f"group:default/{name}" for name in "abc"]
    assert not report.failed
    assert "relative to this file" in messages(report, "note")[0]
    generated = [ref for ref in refs(workspace, kind="Location") if "generated-" in ref]
    assert len(generated) == 1


def test_missing_targets_are_errors_unless_they_are_optional(workspace, folder):
    write(folder, "catalog-info.yaml", LOCATION % ("all", "./none.yaml"))
    assert "matches no file" in messages(load(workspace, folder))[0]
    write(folder, "catalog-info.yaml", LOCATION % ("all", "./none.yaml\n  presence: optional"))
    assert not load(workspace, folder).remarks


def test_addresses_are_skipped_with_a_note(workspace, folder):
    write(folder, "catalog-info.yaml", LOCATION % ("all", "https://a.example/catalog-info.yaml"))
    report = load(workspace, folder)
    assert not report.failed
    assert "not read" in messages(report, "note")[0]


def test_placeholders_take_files_beside_the_descriptor(workspace, folder):
    api = (
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: %s}\n"
        "spec: {type: openapi, lifecycle: production, owner: a, definition: {$text: %s}}\n"
    )
    write(folder, "api/spec.txt", "openapi: 3.1.0\n")
    write(folder.parent, "secret.txt", "secret")
    write(folder, "extra.json", '{"x": [1]}')
    path = write(
        folder,
        "catalog-info.yaml",
        GROUP % "a",
        api % ("good", "./api/spec.txt"),
        api % ("outside", "../secret.txt"),
        api % ("missing", "./none.txt"),
        api % ("remote", "https://a.example/spec"),
        COMPONENT % ("web", "a") + "  extra: {$json: extra.json}\n",
    )
    report = load(workspace, path)
    with workspace.graph.read() as reader:
        assert reader.require("api:default/good").spec["definition"] == "openapi: 3.1.0\n"
        assert reader.require("api:default/remote").spec["definition"] == "https://a.example/spec"
        assert reader.require("component:default/web").spec["extra"] == {"x": [1]}
        assert reader.get("api:default/outside") is None
        assert reader.get("api:default/missing") is None
    assert len(messages(report)) == 2
    assert len(messages(report, "warning")) == 1


def test_a_folder_without_catalog_info_gives_every_descriptor_in_it(workspace, folder):
    write(folder, "teams.yaml", GROUP % "a")
    write(folder, "deep/er/b.yml", GROUP % "b")
    write(folder, ".git/c.yaml", GROUP % "c")
    write(folder, "values.yaml", "replicas: 3\n")
    write(folder, "deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
    report = load(workspace, folder)
    assert not report.remarks
    assert refs(workspace, kind="Group") == ["group:default/a", "group:default/b"]


def test_descriptors_that_nothing_refers_to_are_mentioned(workspace, folder):
    write(folder, "catalog-info.yaml", GROUP % "a")
    write(folder, "teams.yaml", GROUP % "b")
    assert "teams.yaml" in messages(load(workspace, folder), "note")[0]


def test_a_dry_run_says_the_same_and_keeps_nothing(workspace, folder):
    path = write(folder, "c.yaml", GROUP % "a", COMPONENT % ("web", "nobody"))
    report = load(workspace, path, dry_run=True)
    assert counts(report) == (3, 0, 0, 0)
    assert report.failed
    assert refs(workspace) == []


def test_what_the_actor_may_not_write_is_refused_and_the_rest_is_kept(workspace, folder):
    theirs = write(folder, "t.yaml", COMPONENT % ("theirs", "b"))
    load(workspace, write(folder, "g.yaml", GROUP % "a", GROUP % "b"), theirs)
    actor = Actor("user:default/ana", "Ana", "person", units=frozenset({"group:default/a"}))
    write(folder, "t.yaml", (COMPONENT % ("theirs", "b")).replace("production", "deprecated"))
    mine = write(folder, "m.yaml", COMPONENT % ("mine", "a"))
    report = import_targets(workspace.graph, actor, [str(mine), str(theirs)])
    assert "component:default/mine" in report.refs
    assert "component:default/theirs" not in report.refs
    assert report.failed


def test_arpeggio_imports_with_the_one_problem_that_is_left_in_it(workspace):
    folder = Path(str(files("counterpoint.demo").joinpath("arpeggio")))
    report = load(workspace, folder)
    (left,) = [remark for remark in report.remarks if remark.level != "note"]
    assert (left.level, left.target) == ("warning", "api:default/listening-history-api")
    with workspace.graph.read() as reader:
        units = dict(reader.facets("type", kind="Group"))
        kinds = dict(reader.facets("kind"))
        assert reader.require("component:default/discover-weekly").owner == "group:default/discovery"
    assert (units["tribe"], units["squad"], units["chapter"], units["guild"]) == (4, 18, 8, 4)
    assert kinds["User"] == 140
    assert 115 <= kinds["Component"] <= 130
    assert kinds["Bet"] == 7


def call(workspace, *arguments):
    return run(["-w", str(workspace.path), *arguments])


def test_the_command_prints_problems_one_per_line_and_ends_with_1(workspace, folder, capsys):
    write(folder, "catalog-info.yaml", GROUP % "a", COMPONENT % ("web", "b"))
    assert call(workspace, "import", "catalog", str(folder)) == 1
    out, err = capsys.readouterr()
    assert f"{folder}/catalog-info.yaml:13:10 /spec/owner" in err
    assert "Traceback" not in err
    assert "created" in out


def test_the_command_answers_in_json(workspace, folder, capsys):
    write(folder, "catalog-info.yaml", GROUP % "a")
    assert call(workspace, "--json", "import", "catalog", str(folder)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["created"], answer["refused"], answer["problems"]) == (2, 0, [])
    assert "group:default/a" in answer["entities"]


@pytest.mark.parametrize("target", ["none.yaml", "none/*.yaml", "https://a.example/x.yaml"])
def test_targets_that_are_nothing_are_named(workspace, capsys, target):
    assert call(workspace, "import", "catalog", target) == 1
    assert target in capsys.readouterr().err


def test_an_empty_folder_says_what_was_looked_for(workspace, folder, capsys):
    assert call(workspace, "import", "catalog", str(folder)) == 1
    assert "catalog-info.yaml" in capsys.readouterr().err


def test_without_targets_it_is_wrong_usage(workspace, capsys):
    assert call(workspace, "import", "catalog") == 2


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "catalog-info.yaml").write_text("kind: Group\n")
    listed = os.scandir

    def scandir(place: str | Path) -> Any:
        if Path(place).name == "secret":
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    source, remark = find_sources(str(tmp_path))
    assert isinstance(source, Source)
    assert isinstance(remark, Remark)
    assert str(remark.problem) == f"{tmp_path / 'secret'}: cannot be read: Permission denied"


def test_a_link_that_leads_nowhere_names_its_end(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (remark,) = find_sources(str(tmp_path / "link.yaml"))
    assert isinstance(remark, Remark)
    assert "is a link to nowhere, which does not exist" in str(remark.problem)


BET = (
    "apiVersion: counterpoint.dev/v1\nkind: Bet\nmetadata: {name: guests}\nspec:\n  owner: squad\n"
    "  hypotesis: We believe\n  colour: red\n  guardrails:\n    - {metric: m, Margin: 1}\n"
)
EXPERIMENT = (
    "apiVersion: counterpoint.dev/v1\nkind: Experiment\nmetadata: {name: gate}\n"
    "spec: {owner: squad, flag: f, control: a, treatments: [b]}\n"
)


def test_a_slip_in_a_field_of_ours_is_a_warning_and_other_keys_are_not(workspace, folder):
    (folder / "bet.yaml").write_text((GROUP % "squad") + "---\n" + BET)
    report = import_targets(workspace.graph, local_actor(), [str(folder / "bet.yaml")])
    slips = [
        (remark.level, remark.problem.line, remark.problem.message)
        for remark in report.remarks
        if "no field" in remark.problem.message
    ]
    assert slips == [
        ("warning", 11, "hypotesis is no field of Bet; did you mean hypothesis?"),
        ("warning", 14, "Margin is no field of Bet; did you mean margin?"),
    ]


def test_a_default_that_the_file_does_not_name_is_not_missed(workspace, folder):
    (folder / "experiment.yaml").write_text((GROUP % "squad") + "---\n" + EXPERIMENT)
    report = import_targets(workspace.graph, local_actor(), [str(folder / "experiment.yaml")])
    assert report.remarks == []


PART = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, parent: %s, children: []}\n"


def test_units_that_are_parts_of_each_other_are_told_at_both_until_one_is_mended(workspace, folder):
    one = write(folder, "one/catalog-info.yaml", PART % ("gc1", "gc2"))
    write(
        folder, "two/catalog-info.yaml", PART % ("gc2", "gc1"), PART % ("below", "gc2"), PART % ("me", "me")
    )
    for _ in range(2):
        report = load(workspace, folder)
        told = [each for each in report.remarks if each.code == "circle"]
        assert [(each.level, each.ref, each.problem.pointer) for each in told] == [
            ("error", "group:default/gc1", "/spec/parent"),
            ("error", "group:default/gc2", "/spec/parent"),
            ("error", "group:default/me", "/spec/parent"),
        ]
        assert "group:default/gc1 → group:default/gc2 → group:default/gc1" in told[0].problem.message
        assert standing(workspace, "circle") == [each.ref for each in told]
    one.write_text(PART % ("gc1", "other"))
    load(workspace, one)
    assert standing(workspace, "circle") == ["group:default/me"]


def test_a_circle_that_is_undone_by_hand_is_over_at_once(workspace, folder):
    write(folder, "one/catalog-info.yaml", PART % ("gc1", "gc2"), PART % ("gc2", "gc1"))
    load(workspace, folder)
    assert standing(workspace, "circle") == ["group:default/gc1", "group:default/gc2"]
    with workspace.graph.write(local_actor()) as writer:
        document = writer.require("group:default/gc1").document
        writer.put({**document, "spec": {"type": "squad", "children": []}})
    assert standing(workspace, "circle") == []
    with workspace.graph.read() as reader:
        assert not count_problems(reader).get("error")


def standing(workspace, code):
    with workspace.graph.read() as reader:
        return [each.ref for _, each in list_problems(reader, code=code)]


def test_a_file_named_by_mistake_leaves_nothing_behind(workspace, folder, capsys):
    path = folder / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/bin/false\n")
    listed = folder / "list.txt"
    listed.write_text("- one\n- two\n")
    for each in (path, listed):
        report = load(workspace, each)
        assert report.failed
    assert run(["-w", str(workspace.path), "problems"]) == 0
    assert refs(workspace) == []
    with workspace.graph.read() as reader:
        assert named_places(reader) == set()


def test_a_descriptor_that_is_broken_is_followed_until_it_is_mended(workspace, folder):
    path = write(folder, "c.yaml", "apiVersion: backstage.io/v1alpha1\nkind: [\n")
    load(workspace, path)
    with workspace.graph.read() as reader:
        assert [each.code for _, each in list_problems(reader)] == ["syntax"]
        assert named_places(reader) == {str(path)}


def test_the_location_of_a_file_goes_with_the_file(workspace, folder):
    path = write(folder, "a/catalog-info.yaml", GROUP % "one")
    load(workspace, folder)
    for name in ("b", "c"):
        (folder / name).mkdir()
        path = path.rename(folder / name / "catalog-info.yaml")
        report = load(workspace, folder)
        assert [each.code for each in report.remarks] == ["moved"]
    assert len(refs(workspace, kind=["Location"])) == 1
    path.unlink()
    write(folder, "d/catalog-info.yaml", GROUP % "two")
    load(workspace, folder)
    assert standing(workspace, "orphan") == ["group:default/one"]
    assert len(refs(workspace, kind=["Location"])) == 1


def test_what_was_imported_is_listed_and_taken_back_with_all_that_came_from_it(workspace, folder, capsys):
    first = write(folder, "one/catalog-info.yaml", GROUP % "one")
    second = write(folder, "two.yaml", GROUP % "two", "kind: [\n")
    load(workspace, folder / "one")
    load(workspace, second)
    at = ["-w", str(workspace.path)]
    assert run([*at, "locations", "list"]) == 0
    assert str(second) in capsys.readouterr().out
    assert run([*at, "locations", "remove", str(first)]) == 1
    assert f"was imported with '{folder / 'one'}'" in capsys.readouterr().err
    assert run([*at, "locations", "remove", str(second)]) == 0
    assert run([*at, "problems"]) == 0
    assert [each for each in refs(workspace) if each.startswith("group:")] == ["group:default/one"]
    assert run([*at, "locations", "remove", str(folder / "one")]) == 0
    assert refs(workspace) == []
    assert run([*at, "locations", "remove", "nothing"]) == 1


def test_a_retired_unit_that_leaves_its_file_is_no_orphan(workspace, folder):
    path = write(folder, "c.yaml", GROUP % "a", GROUP % "b")
    load(workspace, path)
    with workspace.graph.write(local_actor()) as writer:
        document = writer.require("group:default/b").document
        writer.put({**document, "spec": {**document["spec"], "lifecycle": "retired"}})
    path.write_text(GROUP % "a")
    assert load(workspace, path).remarks == []
    assert standing(workspace, "orphan") == []
    assert "group:default/b" in refs(workspace)


def test_a_target_that_is_no_address_of_the_web_is_told_so(workspace, folder):
    path = write(folder, "c.yaml", LOCATION % ("away", "file:///etc/hosts"))
    (remark,) = load(workspace, path).remarks
    assert "no address of the web" in remark.problem.message
