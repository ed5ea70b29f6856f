"""What the activity log keeps of listening as figures: taken back once somebody who was in them counts no more.

Who kept nothing else could subtract a figure of before from the same one of after, and have the difference: one
person. So of a fit the log keeps that it was, of an evaluation that it was, and of evidence on a bet which way it points.
"""

from typing import Any, Final

import sqlalchemy as sa

from counterpoint.discover.tables import SHADOW
from counterpoint.graph.tables import activity, decode, encode
from counterpoint.graph.writer import Writer

__all__ = ["FITTED", "forget_figures"]

FITTED: Final = "recommender.fitted"
EVALUATED: Final = "recommender.evaluated"
MADE: Final = "recommender.week-made"
OFFERED: Final = "evidence.offered"
KEPT: Final = {
    FITTED: ("number", "method", "options"),
    EVALUATED: (),
    MADE: ("week",),
    OFFERED: ("risk", "method", "direction", "link", "source"),
}
"""What stays of each kind of entry; what is more than that goes."""
GONE: Final = (
    "Its figures are not kept: somebody who had a part in them has been forgotten, or has withdrawn, since."
)


def forget_figures(writer: Writer, recommender: str) -> None:
    """Take back what the log and the sums of shadows say of a recommender's listeners, in the writer's transaction."""
    run = writer.connection.execute
    run(sa.delete(SHADOW).where(SHADOW.c.recommender == recommender))
    mine = sa.and_(activity.c.action.in_([FITTED, EVALUATED, MADE]), activity.c.subject == recommender)
    # Evidence is about a bet, and says in its source what it was read from.
    of_mine = sa.and_(
        activity.c.action == OFFERED,
        activity.c.after.contains(encode(f"{recommender}#")[1:-1], autoescape=True),  # type: ignore[index]
    )
    query = sa.select(activity.c.seq, activity.c.action, activity.c.after).where(sa.or_(mine, of_mine))
    for seq, action, text in run(query).all():
        told = decode(text)
        left = _left(action, told)
        if left != told:
            run(sa.update(activity).where(activity.c.seq == seq).values(after=encode(left)))


def _left(action: str, told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    left = {name: told[name] for name in KEPT[action] if name in told}
    return left | {"note": GONE} if action == OFFERED else left
