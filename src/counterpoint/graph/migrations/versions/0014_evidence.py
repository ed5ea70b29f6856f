"""Evidence, stances and follow-ups of bets, which only grow, and the order of boards, in which no two are equal."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014_evidence"
down_revision = "0013_judgement"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")

KEPT = {"bets_evidence": "recorded evidence", "bets_stance": "a recorded stance", "bets_follow_up": "a recorded follow-up"}  # fmt: skip


def _keep(table: str, what: str) -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT RAISE(ABORT, '{what} does not change'); END"
            for verb in ("update", "delete")
        ]
    return [
        f"CREATE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{what} does not change'; END $$",
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_keep()",
    ]


def _common() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("seq", INTEGER, nullable=False, unique=True),
        sa.Column("bet", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "bets_evidence",
        *_common(),
        sa.Column("risk", TEXT, nullable=False),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("direction", TEXT, nullable=False),
        sa.Column("strength", INTEGER, nullable=False),
        sa.Column("sample", INTEGER),
        sa.Column("cost", REAL),
        sa.Column("date", TEXT, nullable=False),
        sa.Column("link", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("source", TEXT),
        sa.Column("corrects", TEXT),
        sa.CheckConstraint("strength BETWEEN 0 AND 4", name="bets_evidence_strength"),
        sa.UniqueConstraint("bet", "source", name="bets_evidence_source"),
        sqlite_strict=True,
    )
    op.create_table(
        "bets_stance",
        *_common(),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "bets_follow_up",
        *_common(),
        sa.Column("decision", TEXT, nullable=False),
        sa.Column("due", TEXT, nullable=False),
        sa.Column("learned", TEXT),
        sqlite_strict=True,
    )
    op.create_table(
        "bets_rank",
        sa.Column("board", TEXT, primary_key=True),
        sa.Column("bet", TEXT, primary_key=True),
        sa.Column("position", INTEGER, nullable=False),
        sa.UniqueConstraint("board", "position", name="bets_rank_position"),
        sqlite_strict=True,
    )
    for table, what in KEPT.items():
        op.create_index(f"{table}_bet", table, ["bet", "seq"])
        for statement in _keep(table, what):
            op.execute(statement)
