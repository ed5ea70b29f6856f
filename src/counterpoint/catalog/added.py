"""New entities of a large file that are written while a second process still reads it."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from counterpoint.catalog.beside import Batch
from counterpoint.catalog.gathering import Declared, Sheet
from counterpoint.catalog.locations import Source
from counterpoint.graph import Writer
from counterpoint.yaml12.reader import Document, document_again

__all__ = ["Added", "add_all"]


@dataclass(slots=True)
class Added:
    """What is kept of them: enough to find one in its file again."""

    source: Source
    data: bytes = field(repr=False)
    refs: list[str] = field(default_factory=list)
    """Their references, in the order of the file."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many there are of each kind."""
    targets: set[str] = field(default_factory=set)
    """What their relations lead to."""
    _places: list[Any] = field(default_factory=list)
    _edges: list[tuple[str, str]] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        """Take some more, which are written."""
        self.refs += [row[1] for row in batch.rows.revision]
        self.kinds.update(row[5] for row in batch.rows.revision)
        self._places += batch.places
        edges = [(origin, target) for origin, source, _, target, _ in batch.rows.relation if source == origin]
        self._edges += edges
        self.targets.update(target for _, target in edges)

    def lines(self) -> Iterator[tuple[str, int]]:
        """Each reference with the line of its name."""
        return zip(self.refs, (place[0] for place in self._places), strict=True)

    def naming(self, targets: Collection[str]) -> list[Declared]:
        """Those with a relation to one of the targets, as they were read, in the order of the file."""
        wanted = {origin for origin, target in self._edges if target in targets}
        pairs = zip(self.refs, self._places, strict=True)
        return [self._declared(ref, place) for ref, place in pairs if ref in wanted]

    def _declared(self, ref: str, place: tuple[Any, ...]) -> Declared:
        _, index, *rest = place
        if len(rest) == 1:
            read = document_again(self.data, rest[0], name=self.source.shown, index=index)
            return Declared(ref, read.value, read, self.source)
        value, positions, document = rest
        return Declared(ref, document, Document(value, self.source.shown, index, positions), self.source)


def add_all(writer: Writer, coming: Iterator[Batch | Sheet], added: Added, *, expected: int) -> Sheet:
    """Write entities as they come, about so many as are expected; the sheet that ends them.

    Raises:
        BesideError: the second process has failed.
        NotNewError: an entity is not new. The transaction must be undone after either.
    """
    sheet: Sheet | None = None
    with writer.many(expected):
        for each in coming:
            if isinstance(each, Sheet):
                sheet = each
            else:
                writer.add_new(each.rows)
                added.take(each)
    assert sheet is not None  # noqa: S101 - it ends them, or an error does
    return sheet
