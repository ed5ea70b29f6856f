"""The words of decisions, kept beside them, so that the log is searched without reading it; see migration 0019.

As everywhere, a word finds what has it as a whole or as a beginning, and all words of a question have to be there.
"""

from collections.abc import Iterable
from itertools import islice

import sqlalchemy as sa

from counterpoint.bets.deciding.model import DecisionRecord
from counterpoint.bets.decision_log import DECISION_WORDS, DECISIONS
from counterpoint.graph.query import WORDS, beginning_with, valid
from counterpoint.graph.search import NAME, words_of
from counterpoint.graph.tables import INTEGER, TEXT, posting, revision
from counterpoint.graph.writer import Writer

__all__ = ["asked_words", "bets_with", "keep_words", "kind_word", "records_with"]

RECORD_WORDS = sa.Table(
    "bets_record_word",
    sa.MetaData(),
    sa.Column("word", TEXT, primary_key=True),
    sa.Column("number", INTEGER, primary_key=True),
)
MOST = 5_000
"""Words kept of one record, the first ones; its texts may have more."""


def asked_words(text: str) -> list[str]:
    """The words of a question, each once."""
    return list(dict.fromkeys(words_of(text)))[:WORDS]


def kind_word(kind: str) -> str:
    """The word that stands for the kind of a record; it begins as no word of a text does."""
    return f":{kind}"


def keep_words(writer: Writer, record: DecisionRecord) -> None:
    """Keep the words of a record as it is now."""
    wanted = {*islice(dict.fromkeys(_words(record)), MOST), kind_word(record.content.kind.value)}
    here = RECORD_WORDS.c.number == record.number
    held = set(writer.connection.execute(sa.select(RECORD_WORDS.c.word).where(here)).scalars())
    for some in _batches(sorted(held - wanted)):
        writer.connection.execute(sa.delete(RECORD_WORDS).where(here, RECORD_WORDS.c.word.in_(some)))
    rows = [(word, record.number) for word in sorted(wanted - held)]
    writer.insert(RECORD_WORDS, ("word", "number"), rows)


def records_with(words: Iterable[str], kind: str = "") -> list[sa.Select[tuple[int]]]:
    """For each of the words, and the kind where one is named, the numbers of the records that have it."""
    column = RECORD_WORDS.c.word
    conditions = [beginning_with(column, word) for word in words]
    conditions += [column == kind_word(kind)] if kind else []
    return [sa.select(RECORD_WORDS.c.number).where(condition).distinct() for condition in conditions]


def bets_with(words: Iterable[str]) -> list[sa.ColumnElement[bool]]:
    """What decisions about bets meet that have each word in their choice or reason, or in the name of their bet."""
    found: list[sa.ColumnElement[bool]] = []
    for word in words:
        said = sa.select(DECISION_WORDS.c.seq).where(beginning_with(DECISION_WORDS.c.word, word))
        called = (
            sa.select(revision.c.ref)
            .join(posting, posting.c.revision == revision.c.seq)
            .where(
                beginning_with(posting.c.word, word),
                posting.c.rank == NAME,
                revision.c.kind == "Bet",
                valid(revision, None),
            )
        )
        found.append(sa.or_(DECISIONS.c.seq.in_(said), DECISIONS.c.bet.in_(called)))
    return found


def _words(record: DecisionRecord) -> Iterable[str]:
    content = record.content
    texts = [content.title, content.chosen, content.because, content.context, content.more]
    texts += (*content.drivers, *content.good, *content.bad)
    for option in content.options:
        texts += (option.title, *option.good, *option.bad)
    texts += (each.text for each in record.advice)
    texts += (step.reason for step in record.steps)
    for text in texts:
        yield from words_of(text)


def _batches(words: list[str]) -> Iterable[list[str]]:
    return (words[start : start + 500] for start in range(0, len(words), 500))
