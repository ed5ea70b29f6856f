"""Versions of a recommender: fitted from the journal, kept in the workspace's folder, loaded by whoever serves.

A version is a row of `discover_version` and a file `discover/<namespace>.<name>/<number>.npz` that holds items and
what comes together, and no listener. Where somebody was forgotten since it was fitted, and it has not followed that
yet, it answers with what everybody hears, counted anew (see `forgetting.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.listened import Attributes
from counterpoint.discover.plan import Plan
from counterpoint.discover.playlists import Continuation
from counterpoint.discover.recommender import Recommender
from counterpoint.graph.actor import Actor
from counterpoint.said import Said
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

State = Literal["fitting", "ready", "gone"]
Progress = Callable[[str], None]


class Figure(msgspec.Struct, frozen=True, rename="camel"):
    """A mean over listeners with its 95 % interval."""

    mean: float
    low: float
    high: float


class Tried(msgspec.Struct, frozen=True, rename="camel"):
    """One trial of the search, on a slice that the method has not seen."""

    method: str
    options: dict[str, Any]
    recall: Figure
    ndcg: Figure
    seconds: float
    """CPU seconds."""


class Evaluated(msgspec.Struct, frozen=True, rename="camel"):
    """One method on what was held out, at 20 places."""

    method: str
    options: dict[str, Any]
    recall: Figure
    ndcg: Figure
    map: Figure
    r_precision: Figure
    coverage: float
    novelty: float
    exposure: float
    """The share of places that the most popular tenth of the items takes."""
    consumption: float
    """The share of what is heard that it has."""
    behind: float | None = None
    """How much less recall it has than the method that was fitted; none for that one."""
    p: float | None = None
    """How likely such a difference is by chance, paired over listeners."""


class Version(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One version of a recommender."""

    recommender: str
    """Its reference."""
    number: int
    state: State
    method: str
    """Empty until it is chosen."""
    options: dict[str, Any] = {}
    seed: int = 0
    budget: float = 0.0
    """CPU seconds that the choice could take; 0 where the method was given."""
    plan: Plan
    """What the recommender said when the fit began; a later fit of this version goes by it, too."""
    actor: str
    began: datetime
    fitted_at: datetime | None = None
    until: datetime
    """Events of later were left out."""
    digest: str = ""
    """Of the listening that it was fitted on."""
    trials: tuple[Tried, ...] = ()
    """Empty once somebody was forgotten who was among those it was tried on."""
    counts: dict[str, int] = {}
    """Listeners, items, interactions, playlists."""
    left_out: dict[str, int] = {}
    evaluation: tuple[Evaluated, ...] = ()
    """What was fitted first, then the others, the best first."""
    notes: tuple[Said, ...] = ()
    seconds: float = 0.0
    """CPU seconds of the fit."""
    bytes: int = 0
    """Of the file."""
    fits: int = 0
    """How often it was fitted: once, and again after each forgetting that concerned it."""
    following: bool = False
    """Whether somebody was forgotten since, and it has not followed that yet."""


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
    continuation: Continuation | None
    """None where there are no playlists."""
    personal: bool
    """False while it has yet to follow a forgetting: the model is popularity, counted anew."""


def fit_version(
    workspace: Workspace,
    actor: Actor,
    name: str,
    *,
    method: str | None = None,
    options: Mapping[str, Any] | None = None,
    budget: float | None = None,
    seed: int = 0,
    until: datetime | None = None,
    progress: Progress = lambda _: None,
) -> Version:
    """Fit the next version of a recommender, or go on with one whose fit was broken off.

    Args:
        workspace: where it lives.
        actor: who asks; they may write the recommender.
        name: the recommender's name or reference.
        method: one of `METHODS`; without it the one is chosen that does best on a held-out slice.
        options: of the method.
        budget: CPU seconds of the choice; as the recommender says without it.
        seed: the same events, method, options and seed give the same file.
        until: events of later are left out; now without it.
        progress: told in a line what is being done.

    Raises:
        NotFoundError, InputError: as `read_plan`; or nothing is there to be fitted on, or there is no such method.
        NotAllowedError: the recommender is somebody else's.
        ConflictError: another process fits this recommender.
    """
    raise NotImplementedError


def versions(workspace: Workspace, name: str) -> list[Version]:
    """The versions of a recommender, the newest first.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    raise NotImplementedError


def load_version(workspace: Workspace, ref: str, number: int) -> Fitted:
    """A version ready to answer, kept in memory while it stays the same.

    Args:
        workspace: where it lives.
        ref: the recommender's reference.
        number: the version's.

    Raises:
        NotFoundError: there is no such version, or it is not fitted.
        WorkspaceError: its file is missing or damaged.
    """
    raise NotImplementedError
