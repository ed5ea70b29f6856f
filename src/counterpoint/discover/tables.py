"""The tables of discover, in the graph's database; migrations 0016 and 0019 make them.

Rows of `WEEK`, `CORRECTIONS` and `LINK` belong to one listener, and go when the listener is forgotten. The
activity log tells of changes to them without the listener's name: it is read by everybody.
"""

from sqlalchemy import Column, MetaData, Table

from counterpoint.graph.tables import INTEGER, REAL, TEXT

__all__ = ["CORRECTIONS", "EVALUATION", "LINK", "METADATA", "OF_LISTENERS", "SHADOW", "VERSION", "WEEK"]

METADATA = MetaData()

VERSION = Table(
    "discover_version",
    METADATA,
    Column("recommender", TEXT, primary_key=True),
    Column("number", INTEGER, primary_key=True),
    Column("state", TEXT, nullable=False),
    Column("until", INTEGER, nullable=False),
    Column("known", INTEGER, nullable=False),
    Column("erasures", INTEGER, nullable=False),
    Column("fits", INTEGER, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("version", TEXT, nullable=False),
    Column("refusals", INTEGER, nullable=False),
    Column("stale", INTEGER, nullable=False),
)
"""`until` cuts events by their time, `known` by when they arrived; `erasures` is the newest erasure of the journal that
was followed, `refusals` how many words against personalisation were, `fits` how often its file was written, `stale`
until when weeks that it made from another listening are to be made again; `version` is a `Version` as JSON. See
`versions.py`, `forgetting.py` and `weeks_renewed.py`."""
WEEK = Table(
    "discover_week",
    METADATA,
    Column("recommender", TEXT, primary_key=True),
    Column("listener", TEXT, primary_key=True),
    Column("week", TEXT, primary_key=True),
    Column("at", INTEGER, nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("until", INTEGER, nullable=False),
    Column("seed", TEXT, nullable=False),
    Column("inputs", TEXT, nullable=False),
    Column("playlist", TEXT, nullable=False),
    Column("listening", TEXT, nullable=False),
)
"""`week` is an ISO week such as 2026-W48, `number` that of the version, `until` the cut of the journal, `inputs` the
digest of what it was made from, `playlist` its tracks, reasons and propensities as JSON, `listening` the digest of what
the version was fitted on."""
CORRECTIONS = Table(
    "discover_corrections",
    METADATA,
    Column("recommender", TEXT, primary_key=True),
    Column("listener", TEXT, primary_key=True),
    Column("at", INTEGER, nullable=False),
    Column("corrections", TEXT, nullable=False),
)
"""`corrections` is a `Corrected` as JSON, see `corrections.py`."""
LINK = Table(
    "discover_link",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("recommender", TEXT, nullable=False),
    Column("listener", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("until", INTEGER, nullable=False),
)
"""Links that were made for listeners: without its row a link opens nothing."""
SHADOW = Table(
    "discover_shadow",
    METADATA,
    Column("recommender", TEXT, primary_key=True),
    Column("number", INTEGER, primary_key=True),
    Column("shadow", INTEGER, primary_key=True),
    Column("day", TEXT, primary_key=True),
    Column("requests", INTEGER, nullable=False),
    Column("overlap", REAL, nullable=False),
    Column("seconds", REAL, nullable=False),
    Column("shadow_seconds", REAL, nullable=False),
)
"""How a shadow compared with the version that was shown: sums over the requests of a day, of nobody in particular."""
EVALUATION = Table(
    "discover_evaluation",
    METADATA,
    Column("recommender", TEXT, primary_key=True),
    Column("started", INTEGER, nullable=False),
    Column("touched", INTEGER, nullable=False),
    Column("done", INTEGER, nullable=False),
    Column("total", INTEGER, nullable=False),
    Column("asked", TEXT, nullable=False),
    Column("ended", INTEGER),
    Column("entry", INTEGER),
    Column("problem", TEXT),
)
"""How far the last evaluation is that a server was asked for: `asked` is a `Wanted` as JSON, `entry` where the activity
log has what was found. See `evaluators.py`."""
OF_LISTENERS = (WEEK, CORRECTIONS, LINK)
