"""The tables of the intake, step by step: a file of an older version is brought forward by the steps it lacks."""

from typing import Final

__all__ = ["STEPS"]

EVENTS: Final = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, subject TEXT,
    time INTEGER NOT NULL, received INTEGER NOT NULL,
    flag_set TEXT, flag TEXT, variant TEXT, value REAL,
    data TEXT, attributes TEXT,
    UNIQUE (source, id)
) STRICT;
CREATE TABLE identities (hash BLOB PRIMARY KEY, day INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE segments (
    path TEXT PRIMARY KEY, type TEXT NOT NULL, period TEXT NOT NULL,
    events INTEGER NOT NULL, bytes INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, added INTEGER NOT NULL
) STRICT;
CREATE INDEX segments_type ON segments (type, last);
"""
# AUTOINCREMENT: a number is never given twice, so a compaction can delete up to the last one it read.

LAYOUT: Final = """
ALTER TABLE segments ADD COLUMN layout INTEGER NOT NULL DEFAULT 1;
ALTER TABLE segments ADD COLUMN lowest INTEGER;
ALTER TABLE segments ADD COLUMN highest INTEGER;
ALTER TABLE segments ADD COLUMN columns TEXT NOT NULL DEFAULT '[]';
CREATE TABLE retired (
    number INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE,
    events INTEGER NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE removed (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, why TEXT NOT NULL,
    type TEXT, before INTEGER, events INTEGER NOT NULL, files INTEGER NOT NULL
) STRICT;
"""
# segments: lowest and highest are of the subjects' hashes, columns is JSON (AttributeColumn).
# retired: files that readers may still need. removed: receipts of what the journal gave up.

ERASURE: Final = """
CREATE TABLE erasures (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL,
    events INTEGER NOT NULL, types TEXT NOT NULL, files INTEGER NOT NULL,
    bytes_before INTEGER NOT NULL, bytes_after INTEGER NOT NULL,
    finished INTEGER, noted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE forgotten (
    erasure INTEGER NOT NULL REFERENCES erasures (number), key BLOB NOT NULL, hash BLOB NOT NULL,
    at INTEGER NOT NULL, UNIQUE (key, hash, at)
) STRICT;
CREATE TABLE backups (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, made INTEGER NOT NULL, purged INTEGER NOT NULL
) STRICT;
"""
# `forgotten` names nobody: its hashes are keyed. `purged` is the last erasure that a backup has seen.

TALLY: Final = """
CREATE TABLE tally (
    span INTEGER NOT NULL, start INTEGER NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
    accepted INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    waited INTEGER NOT NULL, longest INTEGER NOT NULL,
    future INTEGER NOT NULL, second INTEGER NOT NULL, minute INTEGER NOT NULL,
    hour INTEGER NOT NULL, day INTEGER NOT NULL, later INTEGER NOT NULL,
    PRIMARY KEY (span, start, type, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    span INTEGER NOT NULL, start INTEGER NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (span, start, reason, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE refused (
    number INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, source TEXT NOT NULL,
    at INTEGER NOT NULL, sample TEXT NOT NULL
) STRICT;
CREATE INDEX refused_reason ON refused (reason, number);
"""
# `span` is 1 for a minute, 60 for an hour, 0 for all that is older and -1 for everything; `start` counts minutes since
# 1970. `waited` and `longest` are milliseconds; see tally.py.

STEPS: Final = (EVENTS, LAYOUT, ERASURE, TALLY)
"""Never change a step that was released; append another."""
