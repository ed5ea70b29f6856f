"""The API of the line of sight."""

from typing import Annotated, Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from counterpoint.errors import InputError, Problem
from counterpoint.web.sight import Sight, sight_of, sight_of_flag
from counterpoint.workspace import Workspace

__all__ = ["routes"]

OfSet = Annotated[str, QueryParameter(name="set")]


@get("/api/v1/line", tags=["entities"], sync_to_thread=True)
def read_line(
    ws: NamedDependency[Workspace],
    ref: FromQuery[str] = "",
    flag: FromQuery[str] = "",
    set_: OfSet = "default",
) -> Sight:
    """What leads from an entity, or from a `flag` of a set, up to purposes, and what leads down from it."""
    if bool(ref) == bool(flag):
        message = "Name either an entity in `ref` or a flag in `flag`."
        raise InputError(message, [Problem(message, "/ref")])
    with ws.graph.read() as reader:
        return sight_of_flag(reader, set_, flag) if flag else sight_of(reader, ref)


routes: list[Any] = [read_line]
