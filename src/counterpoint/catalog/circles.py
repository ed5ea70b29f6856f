"""Units that are parts of themselves, told at each of them: a tree cannot be drawn of them, whoever is right."""

from pathlib import Path

from counterpoint.catalog.locations import shown_path
from counterpoint.catalog.problems import add_problems, drop_problems, refs_with
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.sources import places_of
from counterpoint.catalog.storing import Storing
from counterpoint.errors import Problem
from counterpoint.graph import Writer
from counterpoint.graph.circles import circles_through, round_text

__all__ = ["tell_circles"]

POINTER = "/spec/parent"


def tell_circles(writer: Writer, storing: Storing) -> list[Remark]:
    """Keep an error for each unit on a circle of parents, and drop those that are over; what there is to tell."""
    standing = refs_with(writer, "circle")
    read = {ref for ref in storing.report.refs if ref.startswith("group:")}
    circles = circles_through(writer, standing | read) if standing or read else []
    along = {ref: round_text(circle) for circle in reversed(circles) for ref in circle}
    drop_problems(writer, "circle", standing - along.keys())
    told = []
    for ref, place in sorted(places_of(writer, along).items()):
        remark = _remark(ref, along[ref], place, storing)
        if ref not in standing and place is not None:
            add_problems(writer, place, [remark])
        if place is None or place in storing.named:
            told.append(remark)
    return told


def _remark(ref: str, circle: str, place: str | None, storing: Storing) -> Remark:
    message = (
        f"{ref} is a part of itself: {circle}. Give one of these units another parent, or none; until then no"
        " tree can be drawn of them"
    )
    source, line = storing.first.get(ref, (None, None))
    kind, _, target = (place or "").partition(":")
    file = source.shown if source is not None else shown_path(Path(target)) if kind == "file" else target
    return Remark("error", Problem(message, POINTER, file or None, line), "circle", ref)
