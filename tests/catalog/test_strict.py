"""Strict: files are taken as Backstage takes them, as a whole or not at all, with its texts; orphans are deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.locations import generated_name
from counterpoint.errors import InputError
from counterpoint.graph import Graph, local_actor
from counterpoint.settings import load_settings

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
LEADS = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: leads}\nspec: {targets: [%s]}\n"
COMPONENT = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: web}\nspec: {type: service, lifecycle: x%s}\n"


@pytest.fixture
def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv("COUNTERPOINT_CATALOG__STRICT", "true")
    with Workspace.create(tmp_path / "ws") as workspace:
        yield workspace.graph


def write(folder: Path, name: str, *documents: str) -> Path:
    path = folder / "files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(documents))
    return path


def load(graph: Graph, *paths: Path) -> Any:
    return import_targets(graph, local_actor(), [str(path) for path in paths])


def shown(graph: Graph) -> list[str]:
    with graph.read() as reader:
        found = [entity.ref for entity in reader.find(limit=100).items]
    return sorted(ref for ref in found if "/generated-" not in ref)


def generated(graph: Graph, path: Path) -> bool:
    with graph.read() as reader:
        return reader.get(f"location:default/{generated_name(f'file:{path}')}") is not None


def status(graph: Graph, ref: str) -> Any:
    from counterpoint.graph.tables import decode
    from counterpoint.graph.tables import status as table

    with graph.read() as reader:
        found = reader.connection.execute(table.select().where(table.c.ref == ref)).first()
    return None if found is None else decode(found.items if isinstance(found.items, str) else found[1])


@pytest.mark.parametrize(
    "document",
    [
        "only text\n",
        "- a list\n",
        "a: [\n",
        "a: 1\na: 2\n",
        "apiVersion: backstage.io/v1alpha1\nmetadata: {name: x}\n",
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: 1}\n",
        "apiVersion: backstage.io/v1alpha1\nkind: Forbidden\nmetadata: {name: x}\nspec: {}\n",
    ],
)
def test_a_file_that_holds_something_that_is_no_entity_shows_nothing_at_all(
    strict: Graph, tmp_path: Path, document: str
) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", document, GROUP % "b")
    assert load(strict, path).failed
    assert shown(strict) == []
    assert not generated(strict, path)


def test_an_entity_that_is_not_valid_costs_only_itself(strict: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", COMPONENT % "", GROUP % "b-")
    load(strict, path)
    assert shown(strict) == ["group:default/a"]
    assert generated(strict, path)


@pytest.mark.parametrize("document", ["", "---\nnull\n", "# nothing\n"])
def test_a_file_without_a_document_is_a_location(strict: Graph, tmp_path: Path, document: str) -> None:
    path = write(tmp_path, "c.yaml", document)
    load(strict, path)
    assert generated(strict, path)


@pytest.mark.parametrize(
    "target", ["./gone.yaml", "parts/good.yaml", "./parts", "./parts/bad.yaml", "./none/*.yaml"]
)
def test_a_location_with_a_target_that_cannot_be_taken_shows_neither_itself_nor_the_others(
    strict: Graph, tmp_path: Path, target: str
) -> None:
    write(tmp_path, "parts/good.yaml", GROUP % "good")
    write(tmp_path, "parts/bad.yaml", "text")
    load(strict, write(tmp_path, "c.yaml", GROUP % "a", LEADS % f"./parts/good.yaml, {target}"))
    assert shown(strict) == ["group:default/a"]


def test_what_was_good_once_stays_and_its_location_says_why_in_backstages_words(
    strict: Graph, tmp_path: Path
) -> None:
    part = write(tmp_path, "parts/a.yaml", GROUP % "a")
    root = write(tmp_path, "c.yaml", LEADS % "./parts/a.yaml")
    load(strict, root)
    part.write_text("only text")
    load(strict, root)
    assert shown(strict) == ["group:default/a", "location:default/leads"]
    (item,) = status(strict, "location:default/leads")
    assert item["message"] == "Error: Expected object at root, got string"
    assert item["error"] == {"name": "Error", "message": "Expected object at root, got string"}
    part.write_text(GROUP % "a")
    load(strict, root)
    assert status(strict, "location:default/leads") is None


def test_the_status_of_an_entity_has_backstages_words_and_cause(strict: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", COMPONENT % ", owner: a")
    load(strict, path)
    path.write_text(COMPONENT % "")
    load(strict, path)
    (item,) = status(strict, "component:default/web")
    cause = "/spec must have required property 'owner' - missingProperty: owner"
    assert item["error"]["cause"] == {"name": "TypeError", "message": cause}
    assert item["message"] == (
        "InputError: Processor BuiltinKindsEntityProcessor threw an error while validating"
        f" the entity component:default/web; caused by TypeError: {cause}"
    )


def test_the_last_of_two_documents_of_a_name_counts(strict: Graph, tmp_path: Path) -> None:
    load(strict, write(tmp_path, "c.yaml", GROUP % "a", (GROUP % "a").replace("squad", "tribe")))
    with strict.read() as reader:
        assert reader.require("group:default/a").spec["type"] == "tribe"


def test_a_relative_placeholder_in_a_file_costs_its_entity(strict: Graph, tmp_path: Path) -> None:
    write(tmp_path, "type.txt", "squad")
    load(
        strict, write(tmp_path, "c.yaml", (GROUP % "a").replace("squad", "{$text: ./type.txt}"), GROUP % "b")
    )
    assert shown(strict) == ["group:default/b"]


def test_what_no_file_declares_any_more_is_deleted(strict: Graph, tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", GROUP % "a", GROUP % "b")
    load(strict, path)
    path.write_text(GROUP % "a")
    report = load(strict, path)
    assert shown(strict) == ["group:default/a"]
    assert not report.failed
    assert any("was deleted" in remark.problem.message for remark in report.remarks)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ("", ["group:default/a", "group:default/b"]),
        ('orphans = "delete"', ["group:default/a"]),
        ('strict = true\norphans = "keep"', ["group:default/a", "group:default/b"]),
    ],
)
def test_what_becomes_of_orphans_is_a_setting(tmp_path: Path, settings: str, left: list[str]) -> None:
    Workspace.create(tmp_path / "ws").close()
    (tmp_path / "ws" / "counterpoint.toml").write_text(f"[catalog]\n{settings}\n")
    path = write(tmp_path, "c.yaml", GROUP % "a", GROUP % "b")
    with Workspace.open(tmp_path / "ws") as workspace:
        load(workspace.graph, path)
        path.write_text(GROUP % "a")
        load(workspace.graph, path)
        assert shown(workspace.graph) == left


def test_another_word_for_orphans_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    file = tmp_path / "counterpoint.toml"
    file.write_text('[catalog]\norphans = "forget"\n')
    with pytest.raises(InputError) as caught:
        load_settings(file, {})
    assert "it must be keep or delete, not forget" in caught.value.problems[0].message
