"""What Arpeggio's people say to each other early: a concern about a date that led to help, and one that waits."""

from datetime import date, timedelta

from counterpoint.bets.concerns.model import Move, Naming, Risk
from counterpoint.bets.concerns.store import answer, raise_concern, today_utc
from counterpoint.graph import Actor
from counterpoint.workspace import Workspace

__all__ = ["voice_concerns"]

CALLUM = Actor("user:default/callum.ashworth", "Callum Ashworth", "person")
"""Product owner of Player."""
NGOZI = Actor("user:default/ngozi.balogun", "Ngozi Balogun", "person")
"""Leads Listening, which Player is in."""
BABAK = Actor("user:default/babak.moradi", "Babak Moradi", "person")
"""Leads Platform."""
DATE = "bet:default/instant-start"
SHELF = "bet:default/podcast-shelf"


def voice_concerns(workspace: Workspace) -> None:
    """Raise, hear, help and resolve a concern about a date; and raise one that nobody has heard yet."""
    graph, today = workspace.graph, today_utc()
    raised = raise_concern(
        graph,
        DATE,
        "The new start screen will not be on older phones by the date we named: drawing from the cache"
        " needs the storage layer that Platform ships in January.",
        actor=CALLUM,
        risk=Risk.DEADLINE,
        naming=Naming.SQUAD,
        about_on=today + timedelta(days=40),
        today=_before(today, 14),
    )
    number = raised.concern.id
    answer(graph, number, Move.PUBLISH, actor=CALLUM, today=_before(today, 13))
    answer(graph, number, Move.ACKNOWLEDGE, actor=NGOZI, today=_before(today, 13))
    options = "Either we start with phones of the last three years, or we read the old cache until the new layer is there."
    answer(graph, number, Move.OFFER_OPTIONS, options, actor=CALLUM, today=_before(today, 10))
    help_offered = "Two of us can bring the reading half of the storage layer forward. It would be with you in three weeks."
    answer(graph, number, Move.OFFER_HELP, help_offered, actor=BABAK, today=_before(today, 9))
    eased = "The date holds for newer phones only. Older ones follow when the layer is there."
    answer(graph, number, Move.CHANGE_CONSTRAINT, eased, actor=NGOZI, today=_before(today, 8))
    ended = "We ship to newer phones on the date, with the reading half from Platform. Nobody works weekends for it."
    answer(graph, number, Move.RESOLVE, ended, actor=CALLUM, today=_before(today, 6))
    raise_concern(
        graph,
        SHELF,
        "Half of the shows on the shelf have no chapter marks, and people who skip to the news cannot.",
        actor=BABAK,
        risk=Risk.QUALITY,
        today=_before(today, 10),
    )


def _before(today: date, days: int) -> date:
    return today - timedelta(days=days)
