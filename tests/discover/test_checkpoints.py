"""A fit that is broken off goes on, and comes to the same bit for bit, wherever it was broken off."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from counterpoint import Workspace
from counterpoint.discover import Model, graph, item_graph, low_rank
from counterpoint.discover.checkpoints import Stage
from counterpoint.discover.forgetting import forget_listener
from counterpoint.discover.making import file_of, stages_of
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.resuming import Stages
from counterpoint.discover.version import kept_versions
from counterpoint.discover.versions import fit_version
from counterpoint.graph.actor import SYSTEM
from tests.discover.heard import NOW, REF, opened, planted, tell

FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "als": ("als", {"factors": 5, "iterations": 4}),
    "ease": ("ease", {}),
    "item graph": ("item-graph", {"rank": 20, "neighbours": 9}),
    "item graph without a filter": ("item-graph", {"rank": 0}),
}


class Kept:
    """Keeps stages in memory, and breaks the fit off after so many."""

    def __init__(self, after: int | None = None) -> None:
        self.stages: dict[str, Stage] = {}
        self.left = after

    def found(self, stage: str) -> Stage | None:
        return self.stages.get(stage)

    def keep(self, stage: str, values: Stage) -> None:
        self.stages[stage] = {name: each.copy() for name, each in values.items()}
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, so that a small matrix has many, and all of it the long way."""
    monkeypatch.setattr(low_rank, "BLOCK", 8)
    monkeypatch.setattr(low_rank, "EXACT", 0)
    monkeypatch.setattr(graph, "BLOCK", 2_000)
    monkeypatch.setattr(item_graph, "KEPT_PAIRS", 100)


def plays(seed: int = 5) -> sp.csr_matrix:
    return sp.csr_matrix(sp.random(300, 90, 0.08, random_state=np.random.default_rng(seed)))


def parts(model: Recommender) -> dict[str, bytes]:
    """Every array of a model, with its kind and layout."""
    found: dict[str, Any] = {}
    for each in fields(model):  # type: ignore[arg-type]
        value = getattr(model, each.name)
        if isinstance(value, sp.csr_matrix):
            found |= {f"{each.name}.{name}": getattr(value, name) for name in ("data", "indices", "indptr")}
        elif isinstance(value, np.ndarray):
            found[each.name] = value
    return {name: f"{value.dtype}{value.shape}".encode() + value.tobytes() for name, value in found.items()}


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", FITS)
def test_broken_off_at_any_stage_it_comes_to_the_same(name: str, tmp_path: Path) -> None:
    method, options = FITS[name]

    def fit(checkpoints: Any) -> Recommender:
        return Model(method, options=options, device="cpu").fit(plays(), checkpoints=checkpoints).fitted

    whole = Kept()
    expected = parts(fit(whole))
    assert parts(Model(method, options=options).fit(plays()).fitted) == expected, "keeping changes nothing"
    after, broken = 1, True
    seen = 0
    while broken:
        kept = Kept(after)
        try:
            assert parts(fit(kept)) == expected
            broken = False
        except KeyboardInterrupt:
            seen += 1
            files = Stages(tmp_path / str(after), (name,)).of("fit")
            for stage, values in kept.stages.items():
                files.keep(stage, values)
            assert parts(fit(files)) == expected, "by files"
            kept.left = None
            assert parts(fit(kept)) == expected, "by memory"
        after += 1
    assert seen >= {"als": 4, "ease": 2, "item graph": 8}.get(name, 2)


def test_nothing_that_was_done_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    expected = parts(Model("ease").fit(plays(), checkpoints=kept).fitted)
    monkeypatch.setattr(np.linalg, "inv", lambda _: pytest.fail("the inverse was found already"))
    assert parts(Model("ease").fit(plays(), checkpoints=kept).fitted) == expected


def test_what_is_of_another_listening_or_torn_is_done_again(tmp_path: Path) -> None:
    first = Stages(tmp_path, ("a",)).of("fit")
    first.keep("one", {"x": np.arange(3), "m": sp.csr_matrix(np.eye(2))})
    found = Stages(tmp_path, ("a",)).of("fit").found("one")
    assert found is not None
    assert found["x"].tolist() == [0, 1, 2]
    assert found["m"].toarray().tolist() == [[1, 0], [0, 1]]
    assert first.found("two") is None
    (file,) = tmp_path.rglob("one.npz")
    file.write_bytes(file.read_bytes()[:100])
    assert first.found("one") is None
    assert Stages(tmp_path, ("b",)).of("fit").found("one") is None
    assert not file.exists(), "somebody may have been in it"


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "heard") as made:
        tell(made, planted())
        yield made


def fit(workspace: Workspace, progress: Callable[[str], None] = lambda _: None) -> bytes:
    version = fit_version(
        workspace, SYSTEM, "weekly", method="als", options={"factors": 4}, until=NOW, progress=progress
    )
    return file_of(workspace, REF, version.number).read_bytes()


def test_killed_in_a_fit_the_next_process_goes_on_where_it_was(heard: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.discover.dying_fit", str(heard.path), "iteration 6"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    said: list[str] = []
    first = fit(heard, said.append)
    assert said[0] == "going on with version 1, whose fit was broken off"
    iterations = [each for each in said if each.startswith("iteration")]
    assert iterations[0] == "iteration 6 of 8", "five were done"
    assert not list(heard.path.rglob("*.stages")), "what is done is not kept twice"
    with heard.graph.read() as reader:
        (kept,) = kept_versions(reader, REF)
    assert kept.version.state == "ready"
    second = fit(heard)
    assert len(first) == len(second)
    assert numbers(heard, 1) == numbers(heard, 2), "as one that was never broken off"


def numbers(workspace: Workspace, number: int) -> bytes:
    with np.load(file_of(workspace, REF, number)) as file:
        return bytes(file["factors"].tobytes())


def test_what_a_broken_fit_has_kept_goes_with_who_is_forgotten(heard: Workspace) -> None:
    def broken(line: str) -> None:
        if line.startswith("iteration 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(heard, broken)
    with heard.graph.read() as reader:
        (kept,) = kept_versions(reader, REF)
    assert list(stages_of(heard, kept.version).rglob("*.npz"))
    forget_listener(heard, SYSTEM, None, "l003")
    assert not stages_of(heard, kept.version).exists()
