"""Decisions of Arpeggio's units from the months before today, with the advice that they took and the dissent they kept."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from counterpoint.bets.deciding.boundaries import BoundaryKind, set_boundary
from counterpoint.bets.deciding.model import AdviceKind, Content, Kind, Option, Stance, Step
from counterpoint.bets.deciding.records import advise, propose, take_step
from counterpoint.graph import Actor
from counterpoint.graph.store import Graph

__all__ = ["SANJAY", "person", "tell_boundaries", "tell_decisions"]

BEGAN = datetime(2026, 9, 14, 9, tzinfo=UTC)
"""After the last reorganisation that the story tells."""


def person(name: str, unit: str) -> Actor:
    """Somebody of Arpeggio, acting for their unit."""
    return Actor(
        f"user:default/{name}",
        name.replace(".", " ").title(),
        "person",
        units=frozenset({f"group:default/{unit}"}),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What somebody said, so many days after the proposal."""

    day: float
    kind: AdviceKind
    who: Actor
    text: str
    stance: Stance = Stance.OPEN
    whom: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """A decision, when it was proposed and when decided, in days since the first; none where it is open."""

    day: float
    by: Actor
    content: Content
    said: tuple[_Said, ...] = ()
    decided: float | None = None
    step: Step = Step.ACCEPT
    reason: str = ""


SANJAY = person("sanjay.iyer", "listening")
JONAS = person("jonas.albrecht", "discovery")
TARIQ = person("tariq.saleh", "search")
NIKOS = person("nikos.georgiou", "data-platform")
MAJA = person("maja.dahlgren", "developer-experience")
KENJI = person("kenji.okada", "delivery")
HUGO = person("hugo.forsberg", "playlists")

DECISIONS = (
    _Told(
        0,
        NIKOS,
        Content(
            title="Keep taste profiles as vectors, not as tags",
            unit="data-platform",
            kind=Kind.ARCHITECTURE,
            context="Three places compute what a listener likes, each in its own shape.\n\nWhich shape do we keep?",
            drivers=("A profile must be cheap to read for every screen", "Others want to reuse it"),
            options=(
                Option(
                    title="Vectors of 64 numbers",
                    good=("one read for every use", "near tastes are near"),
                    bad=("nobody can read them",),
                ),
                Option(
                    title="Weighted tags",
                    good=("people can read them",),
                    bad=("every use needs its own tags",),
                ),
            ),
            chosen="Vectors of 64 numbers",
            because="three units can reuse the same profile without agreeing on words",
            good=("Podcasts can use it at once",),
            bad=("An explanation to listeners needs a step of its own",),
            consulted=("group:default/discovery", "group:default/guild-recommendations"),
            informed=("group:default/podcasts", "group:default/home"),
            review_on="2027-03-01",
        ),
        (
            _Said(1, AdviceKind.ASKED, NIKOS, "Does it hold for playlists?", whom="group:default/discovery"),
            _Said(4, AdviceKind.GIVEN, JONAS, "It does; we measured it on last year's.", Stance.FOR),
            _Said(
                6,
                AdviceKind.GIVEN,
                TARIQ,
                "We will not be able to say why somebody is shown a song. Listeners ask us that.",
                Stance.AGAINST,
            ),
        ),
        9,
        reason="Three uses outweigh one; the step that explains is planned.",
    ),
    _Told(
        8,
        MAJA,
        Content(
            title="One review of code is enough",
            unit="developer-experience",
            kind=Kind.WORK,
            context="Two reviews cost a day and find little that the first did not.",
            options=(Option(title="One"), Option(title="Two", bad=("a day of waiting",))),
            chosen="One",
            because="the second found four faults in a quarter",
            consulted=("group:default/delivery",),
            informed=("group:default/platform",),
        ),
        (
            _Said(
                2, AdviceKind.ASKED, MAJA, "What did the second review find?", whom="group:default/delivery"
            ),
            _Said(
                3, AdviceKind.GIVEN, KENJI, "Four faults in a quarter, none that a listener saw.", Stance.FOR
            ),
        ),
        4,
    ),
    _Told(
        15,
        HUGO,
        Content(
            title="Playlists may hold podcasts",
            unit="playlists",
            kind=Kind.PRODUCT,
            options=(Option(title="Yes"), Option(title="No", good=("music stays music",))),
            chosen="No",
            because="two of three listeners took it for an error",
        ),
        decided=20,
        step=Step.REJECT,
        reason="The prototype confused more people than it helped.",
    ),
    _Told(
        22,
        KENJI,
        Content(
            title="Deploy on Fridays too",
            unit="delivery",
            kind=Kind.WORK,
            options=(Option(title="Yes"), Option(title="Until noon"), Option(title="No")),
            chosen="Until noon",
            because="a step back takes minutes now",
            consulted=("group:default/guild-reliability",),
            informed=("group:default/platform", "group:default/listening"),
            review_on="2026-12-01",
        ),
        (
            _Said(
                1, AdviceKind.ASKED, KENJI, "What broke on Fridays?", whom="group:default/guild-reliability"
            ),
            _Said(7, AdviceKind.GIVEN, NIKOS, "Two nights in a year; both were rolled back.", Stance.FOR),
        ),
        8,
    ),
    _Told(
        30,
        SANJAY,
        Content(
            title="The weekly playlist comes before the instant start",
            unit="listening",
            kind=Kind.PRIORITY,
            context="Both want the same people of the player. Their ranges overlap: it is a tie, so we choose.",
            drivers=("Only one of them can have the player's people this quarter",),
            options=(Option(title="Weekly playlist first"), Option(title="Instant start first")),
            chosen="Weekly playlist first",
            because="it loses its season, and a faster start does not",
            consulted=("group:default/player",),
            informed=("group:default/discovery", "group:default/player"),
        ),
        (
            _Said(1, AdviceKind.ASKED, SANJAY, "What would waiting cost you?", whom="group:default/player"),
            _Said(
                2,
                AdviceKind.GIVEN,
                person("callum.ashworth", "player"),
                "Six weeks of complaints about the start. We would rather go first.",
                Stance.AGAINST,
            ),
        ),
        3,
        reason="The player's people help with the guardrail, and go first next quarter.",
    ),
    _Told(
        50,
        TARIQ,
        Content(
            title="Tell listeners why a song is there",
            unit="search",
            kind=Kind.PRODUCT,
            context="Vectors cannot be read. Listeners ask why.",
            options=(Option(title="A line below the song"), Option(title="A page of its own")),
            informed=("group:default/discovery",),
        ),
        (
            _Said(
                3,
                AdviceKind.ASKED,
                TARIQ,
                "Can the trainer say which playlists a song came from?",
                whom="group:default/discovery",
            ),
        ),
    ),
)


def tell_decisions(graph: Graph) -> None:
    """Replay them in the order in which they happened, before anything of today is written."""
    happened: list[tuple[float, int, _Told, _Said | str]] = []
    for place, told in enumerate(DECISIONS):
        happened.append((told.day, place, told, "proposed"))
        happened += [(told.day + said.day, place, told, said) for said in told.said]
        if told.decided is not None:
            happened.append((told.day + told.decided, place, told, "decided"))
    numbers: dict[int, int] = {}
    for day, place, told, what in sorted(happened, key=lambda each: each[:2]):
        at = BEGAN + timedelta(days=day)
        if what == "proposed":
            numbers[place] = propose(graph, told.content, actor=told.by, at=at).number
        elif what == "decided":
            take_step(graph, numbers[place], told.step, actor=told.by, reason=told.reason, at=at)
        elif isinstance(what, _Said):
            advise(
                graph,
                numbers[place],
                what.kind,
                what.text,
                actor=what.who,
                whom=what.whom,
                stance=what.stance,
                at=at,
            )


def tell_boundaries(graph: Graph) -> None:
    """How far units decide by themselves."""
    chief = Actor("user:default/ebba.oberg", "Ebba Öberg", "person", admin=True)
    for unit, kind, text in (
        ("arpeggio", BoundaryKind.LEGAL, "What changes how artists are paid goes past the lawyers first."),
        ("arpeggio", BoundaryKind.BRAND, "The name of a product is agreed with the others."),
        ("listening", BoundaryKind.SPEND, "Up to 60 kEUR a quarter without asking."),
        (
            "discovery",
            BoundaryKind.RISK,
            "Up to 5 % of listeners without a talk; beyond it the guardrails speak.",
        ),
    ):
        set_boundary(graph, unit, kind, text, actor=chief)
