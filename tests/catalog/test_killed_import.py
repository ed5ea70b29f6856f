"""An import that is killed: every file that was done is there in full, the others not at all, and the next one ends it."""

import subprocess
import sys
from pathlib import Path

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
from counterpoint.graph.index import index_of

FILES, EACH = 40, 50
"""Files, and components in each of them."""

IMPORT = """
import sys
from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
with Workspace.open(sys.argv[1]) as workspace:
    def done(count, _of):
        print(int(count), flush=True)
    import_targets(workspace.graph, local_actor(), [sys.argv[2]], progress=done)
"""


def _checkout(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        documents = [_component(f"service-{number}-{index}") for index in range(EACH)]
        (folder / f"part-{number:02}").mkdir()
        (folder / f"part-{number:02}" / "catalog-info.yaml").write_text("---\n".join(documents))
    return folder


def _component(name: str) -> str:
    return (
        f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}, tags: [killed]}}\n"
        f"spec: {{type: service, lifecycle: production, owner: group:nobody, dependsOn: [component:{name}]}}\n"
    )


def _by_file(workspace: Workspace) -> dict[str, int]:
    found: dict[str, int] = {}
    with workspace.graph.read() as reader:
        for entity in reader.all(kind="Component"):
            found[str(entity.location)] = found.get(str(entity.location), 0) + 1
    return found


def test_a_killed_import_keeps_whole_files_and_the_next_one_brings_the_rest(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout")
    path = tmp_path / "workspace"
    Workspace.create(path).close()
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(path), str(checkout)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    acknowledged = max(int(process.stdout.readline()) for _ in range(5))
    process.kill()
    process.communicate(timeout=60)
    with Workspace.open(path) as workspace:
        held = _by_file(workspace)
        assert workspace.graph.check() == []
        assert set(held.values()) == {EACH}
        assert acknowledged <= len(held) <= FILES
        with workspace.graph.read() as reader:
            uids = {entity.ref: entity.uid for entity in reader.all()}
        report = import_targets(workspace.graph, local_actor(), [str(checkout)])
        assert report.outcomes["unchanged"]["Component"] == len(held) * EACH
        assert report.outcomes["created"]["Component"] == (FILES - len(held)) * EACH
        assert _by_file(workspace).keys() == {f"file:{file}" for file in checkout.rglob("*.yaml")}
        with workspace.graph.read() as reader:
            assert {ref: reader.require(ref).uid for ref in uids} == uids
        shown = index_of(workspace).snapshot()
        assert shown.facets(["kind"])["kind"][0] == ("Component", FILES * EACH)
        assert len(shown.facets(["metadata.tags"])["metadata.tags"]) == 1
