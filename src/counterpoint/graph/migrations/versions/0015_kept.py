"""What only grows is not emptied either, and answers to concerns stay as they were given.

PostgreSQL's TRUNCATE passes the triggers of rows by; SQLite has none. Of an answer a name may be erased, nothing more.
"""

from alembic import op

revision = "0015_kept"
down_revision = "0014_evidence"
branch_labels = None
depends_on = None

GROWING = (
    "bets_decisions",
    "rollouts_event",
    "bets_estimate",
    "bets_prediction_question",
    "bets_prediction",
    "bets_prediction_step",
    "bets_record",
    "bets_record_step",
    "bets_record_advice",
    "bets_boundary",
    "bets_review",
    "bets_review_step",
    "bets_cadence",
    "bets_brief",
    "bets_brief_answer",
    "bets_evidence",
    "bets_stance",
    "bets_follow_up",
    "bets_concern",
    "bets_concern_answer",
)
ANSWER = "answers to concerns do not change"
CHANGED = " OR ".join(
    f'OLD."{column}" <> NEW."{column}"' for column in ("concern", "number", "move", "on", "text", "outside")
)
"""None of these columns takes NULL."""
GAINS = """(NEW."by" <> '' AND NEW."by" <> OLD."by")"""


def upgrade() -> None:
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER bets_concern_answer_no_update BEFORE UPDATE ON bets_concern_answer WHEN {CHANGED} OR {GAINS} BEGIN SELECT RAISE(ABORT, '{ANSWER}'); END",
        f"CREATE TRIGGER bets_concern_answer_no_delete BEFORE DELETE ON bets_concern_answer BEGIN SELECT RAISE(ABORT, '{ANSWER}'); END",
    ]


def _postgresql() -> list[str]:
    return [
        f"CREATE FUNCTION bets_concern_answer_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{ANSWER}'; END $$",
        f"CREATE TRIGGER bets_concern_answer_no_update BEFORE UPDATE ON bets_concern_answer FOR EACH ROW WHEN ({CHANGED} OR {GAINS}) EXECUTE FUNCTION bets_concern_answer_keep()",
        "CREATE TRIGGER bets_concern_answer_no_delete BEFORE DELETE ON bets_concern_answer FOR EACH ROW EXECUTE FUNCTION bets_concern_answer_keep()",
        "CREATE FUNCTION kept_from_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was recorded here is kept'; END $$",
        *(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kept_from_truncate()"
            for table in GROWING
        ),
    ]
