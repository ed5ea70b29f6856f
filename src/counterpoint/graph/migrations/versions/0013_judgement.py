"""Estimates, questions and predictions of bets, decision records, reviews and briefs. All of it only grows: a correction is another row.

The database itself refuses a prediction of a question that was revealed or withdrawn. A person's predictions may be
deleted, unread, where their data must be erased; nothing may be changed.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013_judgement"
down_revision = "0012_rollouts"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.Float().with_variant(sa.REAL(), "sqlite")


def _text(name: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, TEXT, nullable=False, **more)


def _integer(name: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, INTEGER, nullable=False, **more)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, NUMBER, nullable=False)


TABLES: dict[str, tuple[sa.Column[Any], ...]] = {
    "bets_estimate": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("bet"),
        _text("quantity"),
        _number("p10"),
        _number("p50"),
        _number("p90"),
        _text("unit"),
        _text("note"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_prediction_question": (
        _text("id", primary_key=True),
        _integer("seq", unique=True),
        _text("bet"),
        _text("question"),
        _text("reveal_on"),
        _text("resolves_on"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_prediction": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("question"),
        _text("person"),
        _number("p"),
    ),
    "bets_prediction_step": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("question"),
        _text("step"),
        sa.Column("outcome", INTEGER, nullable=True),
        _text("note"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_record": (
        _integer("seq", primary_key=True, autoincrement=False),
        _integer("number"),
        _integer("version"),
        _text("unit"),
        _text("bet"),
        _text("content"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_record_step": (
        _integer("seq", primary_key=True, autoincrement=False),
        _integer("number"),
        _text("step"),
        _text("reason"),
        sa.Column("by_number", INTEGER, nullable=True),
        _text("actor"),
        _integer("at"),
    ),
    "bets_record_advice": (
        _integer("seq", primary_key=True, autoincrement=False),
        _integer("number"),
        _text("kind"),
        _text("whom"),
        _text("text"),
        _text("stance"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_boundary": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("unit"),
        _text("kind"),
        _text("text"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_review": (
        _text("id", primary_key=True),
        _integer("seq", unique=True),
        _text("board"),
        _text("agenda"),
        _text("salt"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_review_step": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("review"),
        _text("step"),
        _text("minutes"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_cadence": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("board"),
        _integer("weeks"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_brief": (
        _text("id", primary_key=True),
        _integer("seq", unique=True),
        _text("unit"),
        _text("title"),
        _text("text"),
        _text("readers"),
        _text("actor"),
        _integer("at"),
    ),
    "bets_brief_answer": (
        _integer("seq", primary_key=True, autoincrement=False),
        _text("brief"),
        _text("person"),
        _text("unit"),
        _text("text"),
        _integer("at"),
    ),
}
BALLOTS: dict[str, tuple[sa.Column[Any], ...]] = {
    "bets_review_fist": (
        _text("id", primary_key=True),
        _text("review"),
        _integer("fist"),
        _text("receipt"),
    ),
    "bets_review_mark": (_text("mark", primary_key=True), _text("review")),
}
"""Rows that are written anew with each vote, in the order of chance. Without a rowid, which would keep the order."""
INDEXES = (
    ("bets_estimate", ["bet", "seq"]),
    ("bets_prediction_question", ["bet", "seq"]),
    ("bets_prediction", ["question", "person", "seq"]),
    ("bets_prediction", ["person", "seq"]),
    ("bets_prediction_step", ["question", "seq"]),
    ("bets_record", ["number", "seq"]),
    ("bets_record_step", ["number", "seq"]),
    ("bets_record_advice", ["number", "seq"]),
    ("bets_boundary", ["unit", "seq"]),
    ("bets_review", ["board", "seq"]),
    ("bets_review_step", ["review", "seq"]),
    ("bets_cadence", ["board", "seq"]),
    ("bets_brief_answer", ["brief", "seq"]),
)
OWN = ("bets_prediction", "bets_brief_answer")
"""What belongs to a person, and may be erased with them."""
KEPT = tuple(table for table in TABLES if table not in OWN)
"""Tables of which nothing is deleted either."""
LOCKED = "the question was revealed or withdrawn, and its predictions are locked"


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.create_table(table, *columns, sqlite_strict=True)
    for table, columns in BALLOTS.items():
        op.create_table(table, *columns, sqlite_strict=True, sqlite_with_rowid=False)
        op.create_index(f"{table}_review", table, ["review"])
    for table, indexed in INDEXES:
        op.create_index("_".join([table, *indexed[:-1]]), table, indexed)
    statements = _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql()
    for statement in statements:
        op.execute(statement)


def _sqlite() -> list[str]:
    found = [
        f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'what was recorded here does not change'); END"
        for table in TABLES
        for what in (("UPDATE", "DELETE") if table in KEPT else ("UPDATE",))
    ]
    found.append(
        f"CREATE TRIGGER bets_prediction_locked BEFORE INSERT ON bets_prediction WHEN EXISTS (SELECT 1 FROM bets_prediction_step WHERE question = NEW.question) BEGIN SELECT RAISE(ABORT, '{LOCKED}'); END"
    )
    return found


def _postgresql() -> list[str]:
    found = [
        "CREATE FUNCTION bets_judgement_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was recorded here does not change'; END $$",
        f"CREATE FUNCTION bets_prediction_locked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM bets_prediction_step WHERE question = NEW.question) THEN RAISE EXCEPTION '{LOCKED}'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER bets_prediction_locked BEFORE INSERT ON bets_prediction FOR EACH ROW EXECUTE FUNCTION bets_prediction_locked()",
    ]
    for table in TABLES:
        what = "UPDATE OR DELETE" if table in KEPT else "UPDATE"
        found.append(
            f"CREATE TRIGGER {table}_keep BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION bets_judgement_keep()"
        )
    return found
