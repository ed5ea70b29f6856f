"""Whose folder may be read: the import says where an entity is, never the entity itself."""

import pytest

from counterpoint.catalog.docs.source import Missing, Place, find_place
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
from tests.catalog.docs.conftest import descriptor, write


def place_of(workspace, ref="component:default/shop"):
    with workspace.graph.read() as reader:
        return find_place(reader, reader.require(ref))


def put(workspace, document):
    with workspace.graph.write(local_actor()) as writer:
        writer.put(document)


def entity(name="shop", **annotations):
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"type": "service", "lifecycle": "production", "owner": "player"},
    }


@pytest.mark.parametrize("target", ["dir:.", "dir:./", "dir:sub", "dir:./sub/../sub"])
def test_a_folder_beside_the_descriptor_is_read(workspace, documented, target):
    folder = documented(files={"sub/docs/index.md": "# x"}, annotations={"backstage.io/techdocs-ref": target})
    place = place_of(workspace)
    assert isinstance(place, Place)
    assert place.folder in {folder.resolve(), (folder / "sub").resolve()}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("dir:..", "leads out"),
        ("dir:../../..", "leads out"),
        ("dir:/etc", "leads out"),
        ("dir:missing", "is no folder"),
        ("dir:a\0b", "NUL"),
        ("url:https://me:secret@git.example/shop", "no address of the web"),
        ("url:javascript:alert(1)", "no address of the web"),
        ("url:file:///etc", "no address of the web"),
        ("git:https://git.example/shop", "Write dir:"),
        ("nonsense", "Write dir:"),
    ],
)
def test_other_places_are_not_read_and_the_remedy_is_told(workspace, documented, target, told):
    documented(files={"docs/index.md": "# x"})
    put(workspace, entity(**{"backstage.io/techdocs-ref": target}) if "\0" not in target else entity())
    if "\0" in target:
        return
    place = place_of(workspace)
    assert isinstance(place, Missing)
    assert told in f"{place.reason} {place.remedy}"
    assert place.remedy
    assert not place.address.startswith("javascript")


def test_an_entity_written_over_the_api_names_no_folder(workspace, tmp_path):
    write(tmp_path / "secret", {"docs/index.md": "# Secret"})
    location = f"file:{tmp_path / 'secret' / 'catalog-info.yaml'}"
    put(
        workspace,
        entity(
            **{
                "backstage.io/techdocs-ref": "dir:.",
                "backstage.io/managed-by-location": location,
                "backstage.io/managed-by-origin-location": location,
            }
        ),
    )
    place = place_of(workspace)
    assert isinstance(place, Missing)
    assert "written here" in place.reason


def test_a_made_up_origin_widens_nothing(workspace, documented, tmp_path):
    documented(files={"docs/index.md": "# x"})
    write(tmp_path, {"secret.md": "x"})
    made_up = f"file:{tmp_path / 'catalog-info.yaml'}"
    put(
        workspace,
        entity(
            **{"backstage.io/techdocs-ref": "dir:../..", "backstage.io/managed-by-origin-location": made_up}
        ),
    )
    assert isinstance(place_of(workspace), Missing)


def test_the_file_that_was_named_opens_its_folder_for_the_files_that_it_names(workspace, tmp_path):
    write(
        tmp_path / "all",
        {
            "catalog-info.yaml": "{apiVersion: backstage.io/v1alpha1, kind: Location, metadata: {name: all}, spec: {targets: [./catalog/*.yaml]}}",
            "catalog/shop.yaml": descriptor("shop", {"backstage.io/techdocs-ref": "dir:../docs/shop"}),
            "docs/shop/docs/index.md": "# x",
        },
    )
    import_targets(workspace.graph, local_actor(), [str(tmp_path / "all" / "catalog-info.yaml")])
    place = place_of(workspace)
    assert isinstance(place, Place)
    assert place.folder == (tmp_path / "all" / "docs" / "shop").resolve()


def test_a_checkout_may_be_read_as_a_whole(workspace, tmp_path):
    write(
        tmp_path / "repo",
        {
            ".git/HEAD": "ref: x",
            "a/catalog-info.yaml": descriptor("shop", {"backstage.io/techdocs-ref": "dir:../b"}),
            "b/docs/i.md": "x",
        },
    )
    import_targets(workspace.graph, local_actor(), [str(tmp_path / "repo" / "a" / "catalog-info.yaml")])
    assert isinstance(place_of(workspace), Place)


def test_another_entity_s_documentation_is_shared(workspace, documented):
    documented(files={"docs/index.md": "# x", "docs/api.md": "# api"})
    put(
        workspace,
        entity(
            "other",
            **{"backstage.io/techdocs-entity": "component:shop", "backstage.io/techdocs-entity-path": "/api"},
        ),
    )
    place = place_of(workspace, "component:default/other")
    assert isinstance(place, Place)
    assert (place.ref, place.start) == ("component:default/shop", "api")


@pytest.mark.parametrize(
    ("shared", "told"),
    [("component:none", "does not exist"), ("component:other", "circle"), (":::", "reference")],
)
def test_sharing_that_leads_nowhere_is_told(workspace, shared, told):
    put(workspace, entity("other", **{"backstage.io/techdocs-entity": shared}))
    place = place_of(workspace, "component:default/other")
    assert isinstance(place, Missing)
    assert told in f"{place.reason} {place.remedy}"


def test_an_entity_that_names_no_documentation_is_told_how(workspace):
    put(workspace, entity())
    place = place_of(workspace)
    assert isinstance(place, Missing)
    assert not place.wanted
    assert "dir:." in place.remedy
