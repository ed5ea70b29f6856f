"""The git checkouts that the catalog was read from: where the code is that its components are made of."""

from pathlib import Path

from counterpoint.graph.reader import Reader

__all__ = ["checkouts_of"]

FILE = "file:"


def checkouts_of(reader: Reader) -> list[Path]:
    """The roots of the checkouts that hold a file which an entity came from, each once, in order.

    What is not on this machine any more, or was never in a checkout, is left out.
    """
    places = (place.removeprefix(FILE) for place, _ in reader.facets("location") if place.startswith(FILE))
    roots: dict[Path, Path | None] = {}
    for folder in sorted({Path(place).parent for place in places}):
        _root(folder, roots)
    return sorted({root for root in roots.values() if root})


def _root(folder: Path, known: dict[Path, Path | None]) -> Path | None:
    if folder not in known:
        above = None if folder == folder.parent else _root(folder.parent, known)
        known[folder] = folder if (folder / ".git").exists() else above
    return known[folder]
