"""How one unit learns from its experiments: what each taught, and why some taught nothing. Never beside another's."""

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.learning import Split, split
from counterpoint.experiments.listing import Listed
from counterpoint.experiments.overview import overview_of
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

__all__ = ["Lessons", "lessons_of", "units_with_experiments"]


class Lessons(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the experiments of a unit taught that have ended, the newest reading first."""

    owner: str
    split: Split
    taught: tuple[Listed, ...]
    unread: tuple[Listed, ...]
    """Those whose end has come, and that nobody has read since."""


def lessons_of(workspace: Workspace, owner: str) -> Lessons:
    """What a unit learned from its experiments, by their newest readings.

    Raises:
        InputError: the owner is a person; how a person's experiments end is nobody else's to count.
        NotFoundError: there is no such unit.
    """
    ref = parse_ref(owner, default_kind="group")
    if ref.kind != "group":
        raise InputError(
            f"{owner} is no unit: experiments are counted by unit, never by person. Name a group, such as group:default/games."
        )
    with workspace.graph.read() as reader:
        reader.require(ref)
    lines = [line for _, group in overview_of(workspace, owner=str(ref)).groups for line in group]
    taught = [line.item for line in lines if line.item.learning is not None]
    taught.sort(key=lambda item: item.read_at.timestamp() if item.read_at else 0.0, reverse=True)
    unread = [
        line.item for line in lines if line.item.learning is None and line.state in {"to decide", "ended"}
    ]
    return Lessons(
        owner=str(ref),
        split=split(item.learning for item in taught if item.learning is not None),
        taught=tuple(taught),
        unread=tuple(unread),
    )


def units_with_experiments(workspace: Workspace) -> tuple[str, ...]:
    """References of the units that own an experiment, in the order of their names."""
    return tuple(owner for owner in overview_of(workspace).owners if parse_ref(owner).kind == "group")
