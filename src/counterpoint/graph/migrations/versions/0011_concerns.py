"""Concerns with their answers, dependencies between units, and feedback from outside.

None of them are entities, so that no search, catalog, export or history tells of them. A concern has no moment,
only days, and its rows are stored in the order of their random ids, not in that of their arrival.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_concerns"
down_revision = "0010_words"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

KEPT = "naming, author, raised_on, unit and owner of a concern do not change"
SAME = " OR ".join(
    f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in ("naming", "raised_on", "unit", "owner")
)
GAINS = "(NEW.author IS NOT NULL AND NEW.author IS DISTINCT FROM OLD.author)"
"""A name may be erased, never given or replaced."""
CHANGED = f"{SAME} OR {GAINS}"
SQLITE = (
    (
        # SQLite knows IS DISTINCT FROM from 3.39 on, and has always had IS NOT for the same.
        f"CREATE TRIGGER bets_concern_keep BEFORE UPDATE ON bets_concern WHEN {CHANGED.replace('IS DISTINCT FROM', 'IS NOT')}"
        f" BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
    ),
)
POSTGRESQL = (
    (
        "CREATE FUNCTION bets_concern_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '{KEPT}'; END $$"
    ),
    (
        f"CREATE TRIGGER bets_concern_keep BEFORE UPDATE ON bets_concern FOR EACH ROW WHEN ({CHANGED})"
        " EXECUTE FUNCTION bets_concern_keep()"
    ),
)


def upgrade() -> None:
    op.create_table(
        "bets_concern",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("bet", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("risk", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("naming", TEXT, nullable=False),
        sa.Column("author", TEXT),
        sa.Column("receipt", TEXT),
        sa.Column("raised_on", TEXT, nullable=False),
        sa.Column("about_on", TEXT),
        sa.Column("shared", INTEGER, nullable=False),
        sa.Column("published_on", TEXT),
        sa.Column("state", TEXT, nullable=False),
        # Who is nameless leaves no name: the database itself refuses one.
        sa.CheckConstraint("naming = 'named' OR author IS NULL", name="bets_concern_nameless"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("bets_concern_bet", "bets_concern", ["bet"])
    op.create_table(
        "bets_concern_answer",
        sa.Column("concern", TEXT, primary_key=True),
        sa.Column("number", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("move", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("on", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("outside", INTEGER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bets_dependency",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("from_unit", TEXT, nullable=False),
        sa.Column("to_unit", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("since", TEXT, nullable=False),
        sa.Column("severity_since", TEXT, nullable=False),
        sa.Column("reporter", TEXT, nullable=False),
        sa.Column("bet", TEXT),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("from_words", TEXT, nullable=False),
        sa.Column("to_words", TEXT, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("bets_dependency_from", "bets_dependency", ["from_unit"])
    op.create_index("bets_dependency_to", "bets_dependency", ["to_unit"])
    op.create_table(
        "bets_feedback_door",
        sa.Column("secret", TEXT, primary_key=True),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("bet", TEXT),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("made_by", TEXT, nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("closed_at", INTEGER),
        sqlite_strict=True,
    )
    op.create_table(
        "bets_feedback",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("bet", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("door", TEXT),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("giver", TEXT, nullable=False),
        sa.Column("contact", TEXT, nullable=False),
        sa.Column("secret", TEXT),
        sa.Column("received_on", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reply", TEXT, nullable=False),
        sa.Column("became", TEXT),
        sa.Column("seq", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("bets_feedback_unit", "bets_feedback", ["unit", "seq"])
    op.create_index("bets_feedback_secret", "bets_feedback", ["secret"], unique=True)
    op.create_index("bets_feedback_door_day", "bets_feedback", ["door", "received_on"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
