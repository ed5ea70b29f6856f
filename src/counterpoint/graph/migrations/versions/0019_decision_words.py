"""The words of decisions, by which the log is searched, with those of the decisions that are there; and indexes by day.

A word of a record is kept once for each record, of what it says now; those of a decision about a bet never change.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019_decision_words"
down_revision = "0018_ranges"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = re.compile(r"[^\W_]+")
LENGTH, MOST, BATCH = 64, 5_000, 20_000
NEWEST = """
    SELECT r.number, r.content FROM bets_record r
    WHERE r.version = (SELECT max(version) FROM bets_record WHERE number = r.number)
"""
SAID = (
    "SELECT number, text FROM bets_record_advice",
    "SELECT number, reason FROM bets_record_step WHERE reason <> ''",
)


def upgrade() -> None:
    for table, source in (("bets_record_word", "number"), ("bets_decision_word", "seq")):
        op.create_table(
            table,
            sa.Column("word", TEXT, primary_key=True),
            sa.Column(source, INTEGER, primary_key=True, autoincrement=False),
            sqlite_strict=True,
            sqlite_with_rowid=False,
        )
    op.create_index("bets_record_word_number", "bets_record_word", ["number"])
    op.create_index("bets_concern_raised", "bets_concern", ["raised_on", "id"])
    op.create_index("bets_decisions_at", "bets_decisions", ["at", "bet"])
    fill(op.get_bind())


def fill(connection: sa.Connection) -> None:
    """Keep the words of all decisions that are there."""
    _insert(connection, "bets_record_word", "number", _of_records(connection))
    decisions = connection.exec_driver_sql("SELECT seq, choice, reason FROM bets_decisions").all()
    rows = ((word, row.seq) for row in decisions for word in _words([row.choice, row.reason]))
    _insert(connection, "bets_decision_word", "seq", rows)


def _of_records(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    """The words of each record, a record at a time: what it says, what was advised, why it was decided."""
    said: dict[int, list[str]] = {}
    for query in SAID:
        for number, text in connection.exec_driver_sql(query):
            said.setdefault(number, []).append(text)
    for number, content in connection.exec_driver_sql(NEWEST).all():
        held = json.loads(content)
        texts = [held["title"], *(held.get(name, "") for name in ("chosen", "because", "context", "more"))]
        texts += [text for name in ("drivers", "good", "bad") for text in held.get(name, ())]
        for option in held.get("options", ()):
            texts += [option["title"], *option.get("good", ()), *option.get("bad", ())]
        words = _words([*texts, *said.get(number, ())])
        yield from ((word, number) for word in (*words, f":{held.get('kind', 'other')}"))


def _words(texts: Iterable[str]) -> list[str]:
    found = (word[:LENGTH] for text in texts for word in WORD.findall(text.casefold()))
    return list(islice(dict.fromkeys(found), MOST))


def _insert(connection: sa.Connection, table: str, source: str, rows: Iterator[tuple[str, int]]) -> None:
    target: Any = sa.table(table, sa.column("word"), sa.column(source))
    while batch := list(islice(rows, BATCH)):
        connection.execute(sa.insert(target), [{"word": word, source: number} for word, number in batch])
