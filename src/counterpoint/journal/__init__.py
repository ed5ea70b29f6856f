"""What happened: an append-only log of events in CloudEvents form, in one folder.

model/          events and the rules that make a document one; what operations answer
journal         the journal: append, read, care for
intake          where events land: a synced SQLite log with one writer
segments        immutable, sorted Parquet files
manifest        which files the journal consists of
hashing         the 64-bit hash of a subject
columns         attributes as columns of a file, and the map of those that have none
leases          files that were replaced stay for their readers
compaction      from the intake into segments
merging         small segments become larger ones
rewriting       a segment anew without some of its events
retention       what is too old goes
snapshot        one moment of the journal as Ibis tables
engines/        what the tables live on: DuckDB, Spark, ClickHouse
daily           sums that were computed from segments and are kept beside them
tally           counts of what arrives, kept in the same transaction
refused         counts and samples of what is refused
arrivals        what both counted, by minute and hour
attributes      reading attributes, wherever each file keeps them
recent          the newest events, page by page
erasure         forgetting people, for good: sought (whom), purging (segments), uncounting, residue (the proof)
forgotten       whom, as keyed hashes that a restored backup is held to
check           is everything there?
mapping         how the columns of a table become events
readers         events out of NDJSON, CSV and Parquet files
otlp            flag evaluations out of OpenTelemetry's logs
wire            events as they come over HTTP
bodies          how much of a request's body is taken
commands, erasure_commands, routes, receiving, logs, pages     the doors
"""

from counterpoint.journal.attributes import Attribute
from counterpoint.journal.journal import Journal
from counterpoint.journal.model.event import EXPOSURE, Event, Refusal, read_event
from counterpoint.journal.model.outcome import Compacted, Receipt, Rejected, TypeCount
from counterpoint.journal.recent import cursor_after
from counterpoint.journal.snapshot import Snapshot

__all__ = [
    "EXPOSURE",
    "Attribute",
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
