"""What Arpeggio's people say to each other early: a concern about a date that led to help, and one that waits."""

from datetime import date, timedelta

from counterpoint.bets.concerns.model import Move, Naming, Risk
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.concerns.store import answer
from counterpoint.bets.dependencies.model import Severity, Step
from counterpoint.bets.dependencies.store import report_dependency, take_step
from counterpoint.bets.feedback.doors import give, open_door
from counterpoint.bets.feedback.store import settle
from counterpoint.graph import Actor
from counterpoint.moments import today_utc
from counterpoint.workspace import Workspace

__all__ = ["voice"]

CALLUM = Actor("user:default/callum.ashworth", "Callum Ashworth", "person")
"""Product owner of Player."""
NGOZI = Actor("user:default/ngozi.balogun", "Ngozi Balogun", "person")
"""Leads Listening, which Player is in."""
BABAK = Actor("user:default/babak.moradi", "Babak Moradi", "person")
"""Leads Platform."""
IMOGEN = Actor("user:default/imogen.pritchard", "Imogen Pritchard", "person")
"""Product owner of Podcasts."""
DESPINA = Actor("user:default/despina.ioannou", "Despina Ioannou", "person")
"""Product owner of Ingestion."""
ANA = Actor("user:default/ana.moreira", "Ana Moreira", "person")
"""Product owner of Discovery."""
WEEKLY = "bet:default/discover-weekly"
DATE = "bet:default/instant-start"
SHELF = "bet:default/podcast-shelf"


def voice(workspace: Workspace) -> None:
    """Let units and people say to each other what is in the way."""
    _concerns(workspace)
    _dependencies(workspace)
    _feedback(workspace)


def _concerns(workspace: Workspace) -> None:
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
        "Half of the shows on the shelf have no time marks, and people who skip to the news cannot.",
        actor=BABAK,
        risk=Risk.QUALITY,
        today=_before(today, 10),
    )


def _dependencies(workspace: Workspace) -> None:
    """One that both sides see and have a plan for, one that is disputed, one that the next review hears of."""
    graph, today = workspace.graph, today_utc()
    storage = report_dependency(
        graph,
        "player",
        "platform",
        "The new storage layer",
        actor=CALLUM,
        severity=Severity.SLOWING,
        since=_before(today, 20),
        words="Without it, older phones keep the old start screen.",
    )
    number = storage.dependency.id
    take_step(graph, number, Step.CONFIRM, actor=BABAK)
    plan = "Platform ships the reading half in three weeks; Player tests it on five phones."
    take_step(graph, number, Step.AGREE, plan, actor=BABAK)
    marks = report_dependency(
        graph,
        "podcasts",
        "ingestion",
        "Time marks of shows",
        actor=IMOGEN,
        severity=Severity.BLOCKING,
        since=_before(today, 24),
        words="Half of the shows come without marks; the shelf cannot skip to the news.",
    )
    words = "We pass on what publishers send. Most of them send no marks at all."
    take_step(graph, marks.dependency.id, Step.DISPUTE, words, actor=DESPINA)


def _feedback(workspace: Workspace) -> None:
    """Listeners write about the weekly playlist; one of them becomes evidence."""
    graph, today = workspace.graph, today_utc()
    _, form = open_door(
        graph, "discovery", "What do you miss in your weekly playlist?", actor=ANA, bet=WEEKLY
    )
    said = "I found a band on my second Monday, and I now look forward to the third."
    first = give(graph, form, said, today=_before(today, 12))
    thanks = "Thank you. A habit is what we hope for; you are the first to say so in your own words."
    settle(
        graph, first.feedback.id, "evidence", actor=ANA, reply=thanks, risk="value", today=_before(today, 11)
    )
    give(
        graph,
        form,
        "My children use my account, and now half of the list is lullabies.",
        today=_before(today, 3),
    )


def _before(today: date, days: int) -> date:
    return today - timedelta(days=days)
