"""Versions of a recommender: fitted from the journal, kept in the workspace's folder, loaded by whoever serves.

A version is a row of `discover_version` and a file `discover/<namespace>.<name>/<number>.npz` that holds items and
what comes together, and no listener. Where somebody was forgotten since it was fitted, and it has not followed that
yet, it answers with what everybody hears, counted anew (see `forgetting.py`).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.continued import unpacked
from counterpoint.discover.crowds import Counts, people_by, worded_by
from counterpoint.discover.fitting import heard_by, rows_of
from counterpoint.discover.kept import load
from counterpoint.discover.listened import Attributes
from counterpoint.discover.listening import listening_of
from counterpoint.discover.making import file_of, fit_version
from counterpoint.discover.plan import read_plan
from counterpoint.discover.playlists import Continuation
from counterpoint.discover.popularity import Popularity
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.version import (
    Evaluated,
    Figure,
    KeptVersion,
    State,
    Tried,
    Version,
    everybody,
    kept_versions,
)
from counterpoint.errors import InputError, NotFoundError, WorkspaceError
from counterpoint.workspace import Workspace

__all__ = [
    "Evaluated",
    "Figure",
    "Fitted",
    "State",
    "Tried",
    "Version",
    "fit_version",
    "load_version",
    "versions",
]

LOADED = 8
"""Versions that stay in memory, those that were asked for last."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A version ready to answer."""

    version: Version
    model: Recommender
    items: tuple[str, ...]
    """The model's columns."""
    columns: Mapping[str, int]
    attributes: Attributes
    heard: NDArray[np.int32]
    """For each item, how many listeners heard it."""
    people: Counts
    """For each item, how many people heard it or keep it in a playlist; see `crowds`."""
    worded: Counts
    """For each word of the continuation, how many people have it in a title."""
    continuation: Continuation | None
    """None where there are no playlists."""
    personal: bool
    """False while it has yet to follow a forgetting, or its file is lost: the model is popularity, counted anew."""
    behind: bool = False
    """Whether it has yet to follow a forgetting."""
    stale: int = 0
    """Microseconds since 1970: weeks made until then from another listening are not shown; see `weeks_renewed`."""


@dataclass(slots=True)
class _Memory:
    """What is loaded in this process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    loading: dict[tuple[str, int], threading.Lock] = field(default_factory=dict)
    rows: dict[tuple[str, int], tuple[int, KeptVersion]] = field(default_factory=dict)
    """With the number of the graph's newest change when it was read."""
    loaded: dict[tuple[str, int], tuple[tuple[int, ...], Fitted]] = field(default_factory=dict)
    """With how often it was fitted, which erasure it has followed, which it should have, and what weeks wait."""


def versions(workspace: Workspace, name: str) -> list[Version]:
    """The versions of a recommender, the newest first.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    newest = workspace.journal.last_erasure()
    with workspace.graph.read() as reader:
        entity, _ = read_plan(reader, name)
        found = kept_versions(reader, entity.ref)
    return [_told(workspace, each, newest) for each in reversed(found)]


def load_version(workspace: Workspace, ref: str, number: int) -> Fitted:
    """A version ready to answer, kept in memory while it stays the same.

    Args:
        workspace: where it lives.
        ref: the recommender's reference.
        number: the version's.

    Raises:
        NotFoundError: there is no such version, or it is not fitted.
        WorkspaceError: its file is damaged.
    """
    memory = workspace.keep(_Memory, lambda _: _Memory())
    newest = workspace.journal.last_erasure()
    with memory.lock:
        kept = _row(workspace, memory, ref, number)
        loading = memory.loading.setdefault((ref, number), threading.Lock())
    state = (kept.version.fits, kept.erasures, max(newest, kept.erasures), kept.stale)
    with loading:  # of many who ask at once one loads, and who asks for another version does not wait
        with memory.lock:
            held = memory.loaded.pop((ref, number), None)
        fitted = held[1] if held is not None and held[0] == state else _load(workspace, kept, newest)
        with memory.lock:
            memory.loaded[ref, number] = (state, fitted)  # the last one again
            while len(memory.loaded) > LOADED:
                del memory.loaded[next(iter(memory.loaded))]
    return fitted


def _told(workspace: Workspace, kept: KeptVersion, newest: int) -> Version:
    version = kept.version
    behind = kept.erasures < newest or not file_of(workspace, version.recommender, version.number).exists()
    if kept.erasures < newest:  # figures of before have somebody in them who counts no more
        version = msgspec.structs.replace(version, counts={}, left_out={}, trials=(), evaluation=(), bytes=0)
    return msgspec.structs.replace(version, following=version.state == "ready" and behind)


def _row(workspace: Workspace, memory: _Memory, ref: str, number: int) -> KeptVersion:
    activity = workspace.graph.last_activity()
    held = memory.rows.get((ref, number))
    if held is not None and held[0] == activity:
        return held[1]
    with workspace.graph.read() as reader:
        found = kept_versions(reader, ref, number=number)
        others = [] if found else [each.version.number for each in kept_versions(reader, ref)]
    if not found:
        listed = f" There are {', '.join(map(str, others))}." if others else " There is none yet."
        raise NotFoundError(f"{ref} has no version {number}.{listed}")
    if found[0].version.state != "ready":
        raise NotFoundError(f"Version {number} of {ref} is {found[0].version.state}; it cannot answer.")
    memory.rows[ref, number] = (activity, found[0])
    return found[0]


def _load(workspace: Workspace, kept: KeptVersion, newest: int) -> Fitted:
    version = _told(workspace, kept, newest)
    if version.following:
        # It answers by another listening than it was fitted on, and by another one after each forgetting.
        version = msgspec.structs.replace(version, digest=everybody(kept.erasures, newest))
        return _impersonal(workspace, version, behind=kept.erasures < newest, stale=kept.stale)
    file = file_of(workspace, version.recommender, version.number)
    try:
        found = load(file)
    except InputError as error:
        raise WorkspaceError(
            f"{error.message} Remove the file, and `counterpoint discover follow` fits version {version.number} anew."
        ) from error
    attributes = {
        item: {facet: tuple(values) for facet, values in facets.items()}
        for item, facets in found.about["attributes"].items()
    }
    return Fitted(
        version,
        found.model,
        found.items,
        {item: at for at, item in enumerate(found.items)},
        attributes,
        found.beside["heard"],
        # A version of before these were counted tells everybody only what many heard, and nothing by a title.
        found.beside.get("people", found.beside["heard"]),
        found.beside.get("worded", np.zeros(0, dtype=np.int32)),
        unpacked(found.beside, found.about["continued"]),
        personal=True,
        stale=kept.stale,
    )


def _impersonal(workspace: Workspace, version: Version, *, behind: bool, stale: int) -> Fitted:
    """What everybody hears, counted in the journal as it is now: nobody who was forgotten is in it."""
    listened = listening_of(workspace, version.recommender, version.plan)
    items = tuple(str(each) for each in listened.items)
    model = Popularity.fit(rows_of(listened)[0])
    columns = {item: at for at, item in enumerate(items)}
    attributes, heard = listened.attributes, heard_by(listened)
    people, worded = people_by(listened), worded_by(listened, None)
    return Fitted(
        version,
        model,
        items,
        columns,
        attributes,
        heard,
        people,
        worded,
        None,
        personal=False,
        behind=behind,
        stale=stale,
    )
