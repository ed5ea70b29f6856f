"""Whether the process lives, whether it can serve, and its figures."""

import os
import shutil
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from prometheus_client import generate_latest

from counterpoint.errors import CounterpointError, Problem, WorkspaceError
from counterpoint.workspace import Workspace

__all__ = ["health", "metrics", "ready"]

LEAST_FREE = 32 * 1024 * 1024
"""Bytes that must be free for the journal, so that it can be moved and compacted."""


@get("/healthz", tags=["operation"], security=[{}], sync_to_thread=False)
def health() -> dict[str, str]:
    """Whether the process answers at all."""
    return {"status": "ok"}


@get("/readyz", tags=["operation"], security=[{}], sync_to_thread=True)
def ready(ws: NamedDependency[Workspace]) -> dict[str, str]:
    """Whether the graph can be read and the journal written; 503 with the reasons otherwise."""
    if problems := [*_graph_problems(ws), *_journal_problems(ws)]:
        raise WorkspaceError("The workspace cannot be used.", problems)
    return {"status": "ready"}


@get(
    "/metrics", media_type="text/plain; version=0.0.4", tags=["operation"], security=[{}], sync_to_thread=True
)
def metrics(request: Request[Any, Any, Any]) -> bytes:
    """Figures of this process in Prometheus's text format."""
    return generate_latest(request.app.state.meters.registry)


def _graph_problems(ws: Workspace) -> list[Problem]:
    try:
        with ws.graph.read() as reader:
            reader.last_activity()
    except CounterpointError as error:
        return [Problem(error.message, file="graph")]
    return []


def _journal_problems(ws: Workspace) -> list[Problem]:
    folder = ws.path / "journal"
    place = folder if folder.exists() else ws.path
    if not os.access(place, os.W_OK):
        return [Problem("the folder cannot be written; change its owner or its mode", file="journal")]
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE:
        return [Problem(f"only {free} bytes are free, at least {LEAST_FREE} are needed", file="journal")]
    try:
        ws.journal.version()
    except CounterpointError:  # its message names the folder, which concerns no stranger
        return [Problem("it cannot be read; `counterpoint doctor` says why", file="journal")]
    return []
