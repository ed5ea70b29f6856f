"""Arpeggio's real recommender: evaluated on what was held out, fitted, given by the rollout's flag, and reused.

Listeners with latent tastes (`latent`) do what they do (`heard`); everything that learns from it, judges it and answers
by it is the product's own. The weeks are counted back from the Monday before now, so that this week's lists are of
this week.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from counterpoint.demo.arriving import arrivals
from counterpoint.demo.decided import person
from counterpoint.demo.heard import described, hear_lists, listening
from counterpoint.demo.latent import Catalogue, Latent, Music, latent_of
from counterpoint.discover import Protocol
from counterpoint.discover.consent import CONSENT
from counterpoint.discover.evaluations import evaluate_recommender
from counterpoint.discover.links import LONGEST, link_of
from counterpoint.discover.profile import CorrectionsChange
from counterpoint.discover.profiles import change_corrections
from counterpoint.discover.serving import service_of
from counterpoint.discover.versions import fit_version
from counterpoint.discover.week import this_week
from counterpoint.discover.weeks import make_weeks
from counterpoint.discover.weeks_kept import find_week
from counterpoint.flags.store import read_set
from counterpoint.graph import Actor
from counterpoint.workspace import Workspace
from counterpoint.yaml12.reader import read_file

__all__ = [
    "FIRST",
    "PODCASTS",
    "RECOMMENDER",
    "SECOND",
    "WEEKS",
    "Listeners",
    "build",
    "give_lists",
    "reuse",
    "think",
    "try_lists",
]

RECOMMENDER: Final = "recommender:default/weekly"
PODCASTS: Final = "recommender:default/podcast-shelf"
WEEKS: Final = 22
"""For how long listeners have been heard."""
FIRST, SECOND = timedelta(weeks=11), timedelta(weeks=9)
"""How long before the Monday the listening ends that each version was fitted to."""
METHODS = ("popularity", "neighbours", "item-graph")
"""What Think it compared; their whole search takes a second."""
TRIED = 40
"""Of those whom the rollout let in, who opened the app first on the Monday before this one."""
KEEN = 80
"""Events from which on a page has something to say of mornings and evenings too."""
BEFORE_BREAKFAST = timedelta(hours=5)
ENGINEER = person("kaveh.rahimi", "discovery")
OWNER = person("ana.moreira", "discovery")
PODCASTER = person("imogen.pritchard", "podcasts")
BACKEND = Actor("token:default/apps", "Arpeggio's apps", "service", scopes=frozenset({"discover"}))
"""Acts for listeners, as the product's own backend does."""
SENT_AFTER = timedelta(seconds=20)
Event = dict[str, Any]
Chosen = tuple[str, Mapping[str, Any]]
"""A method with its options."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listeners, what they do, and until when the story has heard of it."""

    latent: Latent
    monday: datetime
    seed: int
    events: tuple[Event, ...]
    """Everything they do of their own accord, in the order of time."""

    @classmethod
    def of(cls, arpeggio: Path, *, seed: int, now: datetime | None = None) -> "Listeners":
        """Those of a seed, with the weeks before this one."""
        music = msgspec.convert(read_file(arpeggio / "music.yaml").documents[0].value, Music)
        catalogue = Catalogue.of(music, seed)
        latent = latent_of(catalogue, seed=seed)
        monday = _monday(now or datetime.now(UTC))
        events = (
            *described(catalogue, monday - timedelta(weeks=WEEKS, days=1)),
            *listening(latent, monday, weeks=WEEKS, seed=seed),
        )
        return cls(latent, monday, seed, events)

    @property
    def before(self) -> list[Event]:
        """What happened before the second version was fitted."""
        return [each for each in self.events if each["time"] < self._cut]

    @property
    def after(self) -> list[Event]:
        """What happened from then on."""
        return [each for each in self.events if each["time"] >= self._cut]

    @property
    def _cut(self) -> str:
        return f"{self.monday - SECOND:%Y-%m-%dT%H:%M:%S}"


def think(workspace: Workspace, arpeggio: Path, listeners: Listeners, bet: str) -> Chosen:
    """Compare methods on what listeners put together later than what was fitted on; the result goes to the bet."""
    with arrivals(workspace) as journal:
        for day in _days(listeners.before):
            journal.append(datetime.fromisoformat(day[-1]["time"]) + SENT_AFTER, day)
    workspace.journal.compact()  # many read it now
    _put(workspace, OWNER, _at_first(_document(arpeggio, "weekly")))
    found, _ = evaluate_recommender(
        workspace,
        ENGINEER,
        RECOMMENDER,
        methods=METHODS,
        protocol=Protocol(seed=listeners.seed),
        until=listeners.monday - FIRST,
        bet=bet,
    )
    return found.methods[0].method, found.methods[0].options


def build(workspace: Workspace, arpeggio: Path, listeners: Listeners, chosen: Chosen) -> None:
    """Fit what did best, and then fit it again with skips: a second version, for the flag to give."""
    method, options = chosen
    fit_version(
        workspace, ENGINEER, RECOMMENDER, method=method, options=options, until=listeners.monday - FIRST
    )
    _put(workspace, ENGINEER, _without_chance(_document(arpeggio, "weekly")))
    fit_version(
        workspace, ENGINEER, RECOMMENDER, method=method, options=options, until=listeners.monday - SECOND
    )


def try_lists(workspace: Workspace, listeners: Listeners, flag_set: str, flag: str) -> list[str]:
    """Last week's lists, for some of those whom the rollout let in by then, and how they took them.

    Returns whose they are.
    """
    monday = listeners.monday - timedelta(weeks=1)
    with workspace.graph.read() as reader:
        flags = read_set(reader, flag_set).flags
    let_in = [
        name
        for name in listeners.latent.names
        if flags.evaluate(flag, {"targetingKey": name}).variant == "on"
    ][:TRIED]
    made_at = monday + BEFORE_BREAKFAST
    week = this_week(monday)
    make_weeks(service_of(workspace), BACKEND, RECOMMENDER, week=week, listeners=let_in, now=made_at)
    lists = {}
    for name in let_in:
        found = find_week(workspace, RECOMMENDER, name, week)
        if found is not None and found.personal:
            lists[name] = [each.item for each in found.tracks]
    with arrivals(workspace) as journal:
        for day in _days(hear_lists(listeners.latent, lists, monday, seed=listeners.seed)):
            journal.append(datetime.fromisoformat(day[-1]["time"]) + SENT_AFTER, day)
    return let_in


def give_lists(workspace: Workspace, arpeggio: Path, listeners: Listeners, address: str) -> None:
    """This week's lists for everybody, two places of each left to chance; and links to the pages of three listeners."""
    document = _document(arpeggio, "weekly")
    _put(workspace, ENGINEER, document)
    service = service_of(workspace)
    parent = listeners.latent.names[int(listeners.latent.children.argmax())]
    not_mine = CorrectionsChange(add_traits=(("genre", "children"),))
    change_corrections(service, BACKEND, RECOMMENDER, parent, not_mine)
    make_weeks(service, BACKEND, RECOMMENDER)
    links = [
        {
            "title": f"A made-up listener {whose}",
            "url": address + link_of(workspace, BACKEND, RECOMMENDER, listener, lifetime=LONGEST).path,
        }
        for listener, whose in _shown(listeners, parent)
    ]
    _put(workspace, OWNER, document | {"metadata": document["metadata"] | {"links": links}})


def reuse(workspace: Workspace, arpeggio: Path, chosen: Chosen) -> None:
    """Podcasts are ranked from the same listening, music included."""
    method, options = chosen
    _put(workspace, PODCASTER, _document(arpeggio, "podcasts"))
    fit_version(workspace, PODCASTER, PODCASTS, method=method, options=options)


def _shown(listeners: Listeners, parent: str) -> Iterator[tuple[str, str]]:
    """Made-up listeners whose pages the demo opens: one of two tastes, a parent, one who said no."""
    latent = listeners.latent
    plays: dict[str, int] = {}
    refused = ""
    for each in listeners.events:
        if each["type"] == CONSENT and each["data"] == {"purpose": "personalisation", "given": False}:
            refused = refused or each["subject"]
        elif "subject" in each:
            plays[each["subject"]] = plays.get(each["subject"], 0) + 1
    two = [
        name
        for row, name in enumerate(latent.names)
        if len(latent.genre_of(row, 0.25)) == 2 and not latent.children[row] and name != refused
    ]
    keen = [name for name in two if plays.get(name, 0) >= KEEN] or two
    yield min(keen, key=lambda name: (plays.get(name, 0), name)), "who hears two kinds of music"
    yield parent, "whose children use the account"
    if refused:
        yield refused, "who said no to personalisation"


def _document(arpeggio: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = read_file(arpeggio / "recommenders" / f"{name}.yaml").documents[0].value
    return document


def _without_chance(document: dict[str, Any]) -> dict[str, Any]:
    """As it was while the rollout went on: nothing was left to chance."""
    spec = document["spec"]
    return document | {"spec": spec | {"weekly": spec["weekly"] | {"explored": 0}}}


def _at_first(document: dict[str, Any]) -> dict[str, Any]:
    """As it was before the second version: skips said nothing, and no flag gave it to anybody."""
    spec = {
        key: value
        for key, value in _without_chance(document)["spec"].items()
        if key not in ("flag", "flagSet")
    }
    signals = [each for each in spec["signals"] if each.get("weight", 1) > 0]
    return document | {"spec": spec | {"signals": signals}}


def _put(workspace: Workspace, actor: Actor, document: dict[str, Any]) -> None:
    with workspace.graph.write(actor) as writer:
        writer.put(document)


def _monday(now: datetime) -> datetime:
    """When this week began."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _days(events: list[Event]) -> Iterator[list[Event]]:
    """Events in the order of their time, day by day, as phones send what they kept until the evening."""
    for _, day in groupby(events, key=lambda each: str(each["time"])[:10]):
        yield list(day)
