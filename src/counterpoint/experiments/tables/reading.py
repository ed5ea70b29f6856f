"""Experiments of a workspace whose figures come from a table: where its files lie, and reading it now."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.tables.opening import files_of, opened
from counterpoint.experiments.tables.source import Source
from counterpoint.graph.entity import Activity, Entity
from counterpoint.workspace import Workspace

__all__ = ["folders_of", "read_source", "state_of"]

FILE = "file:"
WAREHOUSE_SECONDS = 300
"""How long a result of a warehouse is shown again: whether its table changed cannot be asked."""


class _Loaded(Protocol):
    @property
    def entity(self) -> Entity: ...
    @property
    def plan(self) -> Experiment: ...
    @property
    def source(self) -> Source | None: ...
    @property
    def looks(self) -> tuple[Taken, ...]: ...
    @property
    def acknowledged(self) -> Activity | None: ...


def folders_of(workspace: Workspace, entity: Entity) -> list[Path]:
    """Where the paths of a descriptor begin: beside the descriptor, where it is a file here, or in the workspace."""
    beside = (
        [Path(entity.location.removeprefix(FILE)).parent]
        if (entity.location or "").startswith(FILE) and entity.location
        else []
    )
    return [*beside, Path(workspace.path)]


def read_source(
    workspace: Workspace, loaded: _Loaded, source: Source, now: datetime, *, explore: bool = False
) -> Result:
    """The result of an experiment on a table.

    Raises:
        InputError: the table is gone, or cannot be read; the message says what to do.
    """
    from counterpoint.experiments.tables.analysis import analyze_table

    files = files_of(source, folders_of(workspace, loaded.entity), inside=True) if source.file else []
    with opened(
        source,
        files=files,
        warehouses=workspace.settings.warehouses,
        folder=Path(workspace.path),
    ) as table:
        return analyze_table(
            loaded.plan,
            source,
            table,
            as_of=now,
            looks=loaded.looks,
            acknowledged=loaded.acknowledged is not None,
            explore=explore,
        )


def state_of(workspace: Workspace, loaded: _Loaded, now: datetime) -> tuple[object, ...]:
    """What the table's content is told by: size and time of its files; of a warehouse a span of minutes."""
    source = loaded.source
    if source is None or not source.file:
        return (source, int(now.timestamp()) // WAREHOUSE_SECONDS)
    files = files_of(source, folders_of(workspace, loaded.entity), inside=True)
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
