"""Segments without the events of some people: each file is read, and where need be written anew beside itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from counterpoint.errors import WorkspaceError
from counterpoint.journal.manifest import Segment
from counterpoint.journal.model.row import BINARY
from counterpoint.journal.rewriting import rewritten
from counterpoint.journal.segments import DamagedError, read_segment
from counterpoint.journal.sought import COLUMNS_SEARCHED, Sought

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Purged", "holds", "purge"]


class Purged(NamedTuple):
    """A segment that held people."""

    old: Segment
    gone: int
    """Events that are in the old file only."""
    new: Sequence[Segment] = ()
    """What is left; none where nothing is."""
    others: int = 0
    """Of the events that are gone, those whose subject is somebody else: they name the people elsewhere."""


def holds(folder: Path, segment: Segment, sought: Sought) -> int:
    """How many events of a segment are about the people.

    Raises:
        WorkspaceError: the file is missing or damaged.
    """
    return _counts(folder, segment, sought)[0]


def _counts(folder: Path, segment: Segment, sought: Sought) -> tuple[int, int]:
    """How many events are about the people, and how many of those are of other subjects."""
    gone = others = 0
    try:
        for table in read_segment(folder, segment, columns=COLUMNS_SEARCHED):
            places = _places(table, sought)
            gone += len(places)
            subjects = table["subject"].take(places).to_pylist() if places else []
            others += sum(subject is None or not sought.places(subject) for subject in subjects)
        return gone, others
    except DamagedError as error:
        raise WorkspaceError(
            f"The journal's file {folder / segment.path} cannot be read, so nobody can say whom it holds; nothing was"
            " changed. `counterpoint doctor` lists what to restore."
        ) from error


def purge(folder: Path, segment: Segment, sought: Sought) -> Purged | None:
    """The segment without the people, on the disk and in no manifest yet; none where it holds none of them.

    Raises:
        WorkspaceError: the file is missing or damaged, or the disk refuses.
    """
    gone, others = _counts(folder, segment, sought)
    if not gone:
        return None
    if gone == segment.events:
        return Purged(segment, gone, others=others)
    # A column may be named after a person: an attribute whose key is their text.
    columns = tuple(column for column in segment.columns if not sought.places(column.name))
    source = msgspec.structs.replace(segment, columns=columns)
    return Purged(segment, gone, rewritten(folder, source, lambda table: _others(table, sought)), others)


def _others(table: "pa.Table", sought: Sought) -> "pa.Array":
    """For each row whether it is about none of the people."""
    import numpy as np
    import pyarrow as pa

    keep = np.ones(table.num_rows, dtype=bool)
    keep[_places(table, sought)] = False
    return pa.array(keep)


def _places(table: "pa.Table", sought: Sought) -> list[int]:
    """The rows that are about the people."""
    candidates = _candidates(table, sought)
    if not len(candidates):
        return []
    rows = _rows(table.select(list(COLUMNS_SEARCHED)).take(candidates))
    return [place for place, row in zip(candidates.to_pylist(), rows, strict=True) if sought.in_row(row)]


def _rows(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    import pyarrow as pa

    columns = [
        table[name].cast(pa.int64()) if name == "received" else table[name] for name in COLUMNS_SEARCHED
    ]
    return zip(*(column.to_pylist() for column in columns), strict=True)


def _candidates(table: "pa.Table", sought: Sought) -> "pa.Array":
    """The rows that may be about the people: what is sure is left to `Sought.in_row`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask: Any = pa.repeat(pa.scalar(value=False), table.num_rows)
    for name in ("source", "id", "type", "subject"):
        wanted = [
            text for text in pc.unique(table[name]).to_pylist() if text is not None and sought.places(text)
        ]
        if wanted:
            mask = pc.or_(mask, pc.is_in(table[name], value_set=pa.array(wanted, pa.string())))
    for name in ("data", "attributes"):
        mask = pc.or_(mask, pc.fill_null(_document_mask(table[name], sought), fill_value=False))
    return pc.indices_nonzero(mask)


def _document_mask(column: "pa.ChunkedArray", sought: Sought) -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    if sought.needles is None:
        return pc.is_valid(column)
    # An escape such as \\u0061 can spell any text, and base64 hides it: those are decoded one by one.
    mask = pc.or_(pc.match_substring(column, "\\"), pc.match_substring(column, BINARY))
    for needle in sought.needles:
        mask = pc.or_(mask, pc.match_substring(column, needle))
    return mask
