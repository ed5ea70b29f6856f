"""What Arpeggio thinks its bets are worth, what it predicted and how that came, and how it reviews."""

from random import Random

from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.estimating import estimate
from counterpoint.bets.judgement.predicting import ask, predict, take_step
from counterpoint.bets.judgement.prediction import Step as Ask
from counterpoint.bets.reviews.boards import set_cadence
from counterpoint.bets.reviews.briefs import answer, write_brief
from counterpoint.bets.reviews.sittings import Step, advance, open_review, vote
from counterpoint.demo.decided import SANJAY, person
from counterpoint.graph.store import Graph

__all__ = ["close_review", "tell_judgement", "tell_review"]

UNIT = "kEUR"
ANA = person("ana.moreira", "discovery")
OWNERS = {
    "discover-weekly": ANA,
    "instant-start": person("callum.ashworth", "player"),
    "monday-mix": person("kavya.deshpande", "home"),
    "podcast-shelf": person("imogen.pritchard", "podcasts"),
    "two-taps-to-taste": person("kavya.nair", "onboarding"),
}
ESTIMATES: dict[str, dict[Quantity, tuple[float, float, float]]] = {
    "discover-weekly": {
        Quantity.VALUE: (400, 900, 2400),
        Quantity.COST: (180, 240, 380),
        Quantity.COST_OF_DELAY: (18, 30, 55),
        Quantity.DURATION: (3, 4, 7),
        Quantity.RISK_VALUE: (0.75, 0.88, 0.95),
        Quantity.RISK_USABILITY: (0.8, 0.9, 0.96),
        Quantity.RISK_FEASIBILITY: (0.85, 0.93, 0.98),
        Quantity.RISK_VIABILITY: (0.7, 0.85, 0.94),
    },
    "instant-start": {
        Quantity.VALUE: (120, 260, 500),
        Quantity.COST: (60, 100, 170),
        Quantity.COST_OF_DELAY: (3, 6, 12),
        Quantity.DURATION: (4, 6, 10),
    },
    "monday-mix": {
        Quantity.VALUE: (260, 700, 1900),
        Quantity.COST: (110, 160, 260),
        Quantity.COST_OF_DELAY: (3, 8, 22),
        Quantity.DURATION: (5, 8, 14),
        Quantity.RISK_VALUE: (0.2, 0.4, 0.65),
        Quantity.RISK_USABILITY: (0.8, 0.9, 0.95),
        Quantity.RISK_FEASIBILITY: (0.85, 0.93, 0.97),
        Quantity.RISK_VIABILITY: (0.75, 0.87, 0.95),
    },
    "two-taps-to-taste": {
        Quantity.VALUE: (90, 240, 700),
        Quantity.COST: (40, 70, 130),
        Quantity.COST_OF_DELAY: (2, 5, 14),
        Quantity.DURATION: (3, 5, 9),
        Quantity.RISK_VALUE: (0.3, 0.5, 0.7),
        Quantity.RISK_USABILITY: (0.45, 0.65, 0.8),
    },
}
PREDICTORS = (
    "ana.moreira",
    "jonas.albrecht",
    "oskar.nystrom",
    "elsa.lindqvist",
    "kaveh.rahimi",
)
RESOLVED = (
    ("discover-weekly", "Will one listener in three open the first list?", 0.7, True),
    ("discover-weekly", "Will listening minutes rise by 3 % or more in four weeks?", 0.65, True),
    ("discover-weekly", "Will the first build hold the start-up guardrail?", 0.75, False),
    ("discover-weekly", "Will training fit into one night?", 0.85, True),
    ("discover-weekly", "Will fewer than one song in four be skipped?", 0.55, True),
    ("discover-weekly", "Will one listener in ten save a whole list?", 0.35, False),
    ("instant-start", "Will the cold start fall below a second on old phones?", 0.45, False),
    ("instant-start", "Will the cache stay below 80 MB?", 0.8, True),
    ("podcast-shelf", "Will half of the podcast listeners use the shelf by March?", 0.6, True),
    ("podcast-shelf", "Will music listening fall where the shelf is shown?", 0.2, False),
    ("two-taps-to-taste", "Will newcomers finish both taps nine times in ten?", 0.7, False),
    ("monday-mix", "Will eight of ten in the corridor test want it again?", 0.5, False),
)
"""Bet, question, what people thought of it on average, and what came."""
OPEN = (
    ("discover-weekly", "Will the lift still be there after twelve weeks?", 0.6, "2026-12-15"),
    (
        "monday-mix",
        "Will a prototype bring six of eight people back on the second Monday?",
        0.45,
        "2026-12-10",
    ),
)


def tell_estimates(graph: Graph) -> None:
    """The ranges that owners wrote down."""
    for bet, quantities in ESTIMATES.items():
        for quantity, points in quantities.items():
            estimate(graph, f"bet:default/{bet}", quantity, Range(*points), actor=OWNERS[bet], unit=UNIT)


def tell_predictions(graph: Graph, seed: int) -> None:
    """Twelve questions that were answered, and two that are open; people differ, and lean to the bold side."""
    random = Random(seed)
    people = [person(name, "discovery") for name in PREDICTORS]
    for bet, question, chance, outcome in RESOLVED:
        number = ask(graph, f"bet:default/{bet}", question, actor=OWNERS[bet]).id
        for each in people:
            predict(graph, number, _near(chance, random), actor=each)
        take_step(graph, number, Ask.REVEAL, actor=OWNERS[bet])
        take_step(graph, number, Ask.RESOLVE, actor=OWNERS[bet], outcome=outcome)
    for bet, question, chance, day in OPEN:
        number = ask(
            graph, f"bet:default/{bet}", question, actor=OWNERS[bet], reveal_on=day, resolves_on=day
        ).id
        for each in people[1:]:
            predict(graph, number, _near(chance, random), actor=each)


def tell_review(graph: Graph) -> str:
    """Discovery opens a review of its bets, and shows its fists; what is decided next becomes its minutes."""
    set_cadence(graph, "discovery", 2, actor=ANA)
    number = open_review(graph, "discovery", actor=ANA).id
    for name, fist in zip(PREDICTORS, (4, 5, 3, 4, 4), strict=True):
        vote(graph, number, fist, actor=person(name, "discovery"))
    advance(graph, number, Step.REVEAL, actor=ANA)
    return number


def close_review(graph: Graph, number: str) -> None:
    """The review ends with what was decided."""
    advance(graph, number, Step.CLOSE, actor=ANA)


def tell_brief(graph: Graph) -> None:
    """Context for everybody in Listening, and what two of them understood."""
    text = (
        "Listeners stay for music that they did not know they wanted. This winter we put that before everything "
        "else: the weekly list goes to everybody, and the player's people help with the start of the app.\n\n"
        "What is decided: the order. What is yours: how, and what you stop for it."
    )
    made = write_brief(
        graph, "listening", "This winter, discovery comes first", text, "listening", actor=SANJAY
    )
    for name, unit, said in (
        (
            "callum.ashworth",
            "player",
            "We pause the instant start until January, and watch the start of the app.",
        ),
        (
            "hugo.forsberg",
            "playlists",
            "Nothing changes for us, except that a weekly list is a playlist too.",
        ),
    ):
        answer(graph, made.id, said, actor=person(name, unit))


def _near(chance: float, random: Random) -> float:
    """A chance around this one, in steps of five per cent; a little bolder than it should be."""
    bold = 0.5 + (chance - 0.5) * 1.15 + random.uniform(-0.15, 0.15)
    return min(0.95, max(0.05, round(bold * 20) / 20))


def tell_judgement(graph: Graph, seed: int) -> None:
    """All of it that comes before the decision."""
    tell_estimates(graph)
    tell_predictions(graph, seed)
    tell_brief(graph)
