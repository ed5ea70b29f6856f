"""What the journal says of playlists and items: of each, its newest event counts."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from counterpoint.discover.listened import FACETS, Attributes, KeptPlaylist
from counterpoint.discover.plan import Plan
from counterpoint.moments import to_datetime

if TYPE_CHECKING:
    from counterpoint.journal.snapshot import Snapshot

__all__ = ["described_items", "described_playlists"]

Row = dict[str, Any]


def described_playlists(
    snapshot: "Snapshot",
    plan: Plan,
    *,
    until: int,
    known: int | None,
    listeners: Collection[str] | None,
    before: Mapping[str, int],
    gone: dict[str, int],
) -> list[KeptPlaylist]:
    """Every playlist as it was at the cut, those without items too; what names none is counted in `gone`.

    `before` says until which arrival nothing of a listener counts.
    """
    source = plan.playlists
    if source is None:
        return []
    found: dict[str, KeptPlaylist] = {}
    nameless = entries = 0
    for row in _rows(snapshot, source.event, until=until, known=known, listeners=listeners):
        if row["arrived"] <= before.get(row["subject"], 0):
            continue
        data = _data(row)
        name = _text(data.get(source.playlist))
        if name is None:
            nameless += 1
            continue
        listed = data.get(source.items)
        items = [_entry(each) for each in listed] if isinstance(listed, list) else [None]
        entries += items.count(None)
        title = data.get(source.title)
        found[name] = KeptPlaylist(
            name,
            row["subject"],
            title if isinstance(title, str) else "",
            tuple(each for each in items if each is not None),
            row["at"],
        )
    gone["playlists without a name"] = nameless
    gone["entries of playlists that name no item"] = entries
    return list(found.values())


def described_items(snapshot: "Snapshot", plan: Plan, *, until: int, known: int | None) -> Attributes:
    """What each item is, as far as it is known at the cut."""
    if plan.items is None:
        return {}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in _rows(snapshot, plan.items.event, until=until, known=known, listeners=None):
        data = _data(row)
        name = _text(data.get(plan.items.item))
        if name is not None:
            facets = {facet: _texts(data.get(facet)) for facet in FACETS}
            found[name] = {facet: values for facet, values in facets.items() if values}
    return found


def _rows(
    snapshot: "Snapshot", event: str, *, until: int, known: int | None, listeners: Collection[str] | None
) -> Iterator[Row]:
    """The events of a type until the cut, oldest first: by time, then arrival, then identity."""
    import pyarrow as pa

    if event not in snapshot.types:
        return
    events = snapshot.events(event)
    events = events.filter(events.time <= to_datetime(until))
    if known is not None:
        events = events.filter(events.received <= to_datetime(known))
    if listeners is not None:
        events = events.filter(events.subject.isin(list(listeners)))
    table = events.select(
        "subject", "source", "id", "data", at=events.time, arrived=events.received
    ).to_pyarrow()
    for column in ("at", "arrived"):
        micros = table[column].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
        table = table.set_column(table.schema.get_field_index(column), column, micros)
    order = [(name, "ascending") for name in ("at", "arrived", "source", "id")]
    yield from table.sort_by(order).to_pylist()


def _data(row: Row) -> dict[str, Any]:
    data = msgspec.json.decode(row["data"]) if row["data"] else None
    return data if isinstance(data, dict) else {}


def _entry(value: Any) -> str | None:
    """The name of an item in a playlist: a text, a number, or an object that has it under `item`."""
    return _text(value.get("item") if isinstance(value, dict) else value)


def _text(value: Any) -> str | None:
    """A name: a text that is not blank, or a whole number of 64 bits as text, as a signal's event has it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return str(value)
    return None


def _texts(value: Any) -> tuple[str, ...]:
    """The values of a facet, each once."""
    found = [_text(each) for each in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(each for each in found if each is not None))
