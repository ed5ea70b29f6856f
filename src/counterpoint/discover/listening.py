"""What listeners heard, out of the journal: one snapshot, any engine, bounded and counted.

The engine picks the events of the plan's signals and a few of their attributes; `assembling.py` says what counts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.assembling import DAY, Coded, Entries, assembled
from counterpoint.discover.consent import consents
from counterpoint.discover.corrections import private_sessions
from counterpoint.discover.described import described_items, described_playlists
from counterpoint.discover.forgotten import forgotten
from counterpoint.discover.listened import Listened
from counterpoint.discover.plan import Plan, Signal
from counterpoint.journal.attributes import Attribute
from counterpoint.moments import to_micros
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from counterpoint.journal.snapshot import Snapshot

__all__ = ["listening_of"]

Columns = dict[str, Any]
PLAIN = ("listener", "item", "at", "context", "private", "zone")


def listening_of(
    workspace: Workspace,
    recommender: str,
    plan: Plan,
    *,
    until: datetime | None = None,
    known: int | None = None,
    listeners: Collection[str] | None = None,
) -> Listened:
    """What a recommender's listeners heard before a cut.

    Args:
        workspace: where it lives.
        recommender: its reference; private sessions are kept by it.
        plan: what it says of signals, bounds and consent.
        until: events of later are left out and counted; now if nothing is said.
        known: microseconds since 1970: events that arrived later are as if they were not there. Consent counts as
            it is known now, whatever this says.
        listeners: whose events are read; everybody's if nothing is said. What items are, and the playlists of
            others, is left out then: a version has both.
    """
    cut = workspace.journal.now() if until is None else to_micros(until)
    with workspace.graph.read() as reader:
        private = private_sessions(reader, recommender, listeners)
    gone: dict[str, int] = {}
    with workspace.journal.snapshot() as snapshot:
        before = forgotten(snapshot, recommender, listeners=listeners)
        said = consents(snapshot, "personalisation", forgotten=before, listeners=listeners)
        tables = _tables(snapshot, plan, until=cut, known=known, listeners=listeners, before=before)
        entries = _entries_of(
            [part for signals, table in tables for part in _by_signal(plan, signals, table, gone)]
        )
        playlists = described_playlists(
            snapshot, plan, until=cut, known=known, listeners=listeners, before=before, gone=gone
        )
        attributes = described_items(snapshot, plan, until=cut, known=known) if listeners is None else {}
    return assembled(
        plan,
        entries,
        until=cut,
        consents=said,
        private=private,
        playlists=playlists,
        attributes=attributes,
        left_out=gone,
    )


def _tables(
    snapshot: "Snapshot",
    plan: Plan,
    *,
    until: int,
    known: int | None,
    listeners: Collection[str] | None,
    before: Mapping[str, int],
) -> "Iterator[tuple[list[int], pa.Table]]":
    """Events by the signals that count them, without those that are to be forgotten."""
    since = None if plan.window is None else until - int(plan.window * DAY)
    for place, signals in enumerate(_alike(plan.signals)):
        if place and plan.signals[signals[0]].event not in snapshot.types:
            continue  # the first table is read all the same, for its columns
        alike = [plan.signals[at] for at in signals]
        table = _read(snapshot, plan, alike, since=since, known=known, listeners=listeners)
        yield signals, _remembered(table, before) if before else table


def _remembered(table: "pa.Table", before: Mapping[str, int]) -> "pa.Table":
    """Without what arrived of a listener until they were forgotten: as if it had never been there, and not counted."""
    import pyarrow as pa

    listeners = _coded(table["listener"])
    until = np.array([before.get(name, 0) for name in listeners.names] + [0], dtype=np.int64)
    return table.filter(pa.array(_micros(table["arrived"]) > until[listeners.codes]))


def _alike(signals: Sequence[Signal]) -> list[list[int]]:
    """Places of the signals that are read in one go: those of one type of event that name the item alike."""
    found: dict[tuple[str, str], list[int]] = {}
    for at, each in enumerate(signals):
        found.setdefault((each.event, each.item), []).append(at)
    return list(found.values())


def _numbers(signals: Sequence[Signal]) -> list[str]:
    """The attributes that bound any of them."""
    return sorted({each.attribute for each in signals if each.attribute is not None})


def _read(
    snapshot: "Snapshot",
    plan: Plan,
    signals: Sequence[Signal],
    *,
    since: int | None,
    known: int | None,
    listeners: Collection[str] | None,
) -> "pa.Table":
    """The events of signals that are alike, with a column `number0` and so on for each attribute that bounds one."""
    asked: dict[str, Attribute] = {
        "item_text": Attribute(signals[0].item, "string"),
        "item_number": Attribute(signals[0].item, "int64"),
        "context_text": Attribute(plan.context, "string"),
        "is_private": Attribute(plan.private, "boolean"),
    }
    if plan.zone is not None:
        asked["zone_text"] = Attribute(plan.zone, "string")
    numbers = [f"number{at}" for at in range(len(_numbers(signals)))]
    asked |= {
        column: Attribute(name, "float64") for column, name in zip(numbers, _numbers(signals), strict=True)
    }
    events = snapshot.events(signals[0].event, attributes=asked, data=False)
    events = events.filter(*_arrived(events, since=since, known=known, listeners=listeners))
    import ibis

    return events.select(
        listener=events.subject,
        item=ibis.coalesce(events.item_text, events.item_number.cast("string")),
        at=events.time,
        arrived=events.received,
        context=events.context_text,
        private=events.is_private,
        **({"zone": events.zone_text} if plan.zone is not None else {}),
        **{column: events[column] for column in numbers},
    ).to_pyarrow()


def _arrived(
    events: "ibis.Table", *, since: int | None, known: int | None, listeners: Collection[str] | None
) -> "list[ibis.expr.types.BooleanValue]":
    import ibis

    from counterpoint.moments import to_datetime

    found: list[Any] = [ibis.literal(True)]  # noqa: FBT003 - a filter of nothing
    if since is not None:
        found.append(events.time >= ibis.literal(to_datetime(since)))
    if known is not None:
        found.append(events.received <= ibis.literal(to_datetime(known)))
    if listeners is not None:
        found.append(events.subject.isin(list(listeners)))
    return found


def _by_signal(
    plan: Plan, signals: Sequence[int], table: "pa.Table", gone: dict[str, int]
) -> "Iterator[tuple[pa.Table, int]]":
    """The events that each signal counts."""
    import pyarrow as pa

    names = _numbers([plan.signals[at] for at in signals])
    numbers = {name: table[f"number{at}"].to_numpy() for at, name in enumerate(names)}
    for name, values in numbers.items():
        reason = f"events without a number under {name}"
        gone[reason] = gone.get(reason, 0) + int(np.isnan(values).sum())
    plain = table.select([each for each in table.column_names if each in PLAIN])
    for at in signals:
        signal = plan.signals[at]
        if signal.attribute is None:
            yield plain, at
            continue
        values = numbers[signal.attribute]
        low = -np.inf if signal.above is None else signal.above
        high = np.inf if signal.below is None else signal.below
        yield plain.filter(pa.array((values >= low) & (values < high))), at


def _entries_of(parts: "Sequence[tuple[pa.Table, int]]") -> Entries:
    import pyarrow as pa

    whole = pa.concat_tables([table for table, _ in parts])
    signals = np.repeat(
        np.array([signal for _, signal in parts], dtype=np.int16), [len(table) for table, _ in parts]
    )
    return Entries(
        _coded(whole["listener"]),
        _coded(whole["item"]),
        _micros(whole["at"]),
        signals,
        _coded(whole["context"]),
        whole["private"].fill_null(False).to_numpy().astype(bool),  # noqa: FBT003 - Arrow's own argument
        _coded(whole["zone"]) if "zone" in whole.column_names else None,
    )


def _micros(column: "pa.ChunkedArray") -> NDArray[np.int64]:
    import pyarrow as pa

    return np.asarray(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())


def _coded(column: "pa.ChunkedArray") -> Coded:
    import pyarrow as pa

    encoded = column.cast(pa.string()).dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # Arrow leaves a column without a row in no chunk
        encoded = pa.array([], pa.string()).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int32), tuple(encoded.dictionary.to_pylist()))
