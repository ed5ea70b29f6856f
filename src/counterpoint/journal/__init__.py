"""What happened: an append-only log of events in CloudEvents form, in one folder.

model/          events and the rules that make a document one; what operations answer
journal         the journal: append, read, care for
intake          where events land: a synced SQLite log with one writer
segments        immutable Parquet files and their manifest
compaction      from the intake into segments
snapshot        one moment of the journal as Ibis tables
daily           sums that were computed from segments and are kept beside them
recent          the newest events, page by page
check           is everything there?
mapping         how the columns of a table become events
readers         events out of NDJSON, CSV and Parquet files
otlp            flag evaluations out of OpenTelemetry's logs
commands, routes, logs, pages     the doors
"""

from counterpoint.journal.journal import Journal
from counterpoint.journal.model.event import EXPOSURE, Event, Refusal, read_event
from counterpoint.journal.model.outcome import Compacted, Receipt, Rejected, TypeCount
from counterpoint.journal.recent import cursor_after
from counterpoint.journal.snapshot import Snapshot

__all__ = [
    "EXPOSURE",
    "Compacted",
    "Event",
    "Journal",
    "Receipt",
    "Refusal",
    "Rejected",
    "Snapshot",
    "TypeCount",
    "cursor_after",
    "read_event",
]
