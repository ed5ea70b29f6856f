"""Evidence about a bet's risks, as values: what was done, with how many, which way it points and how strongly. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from counterpoint.bets.model import Risk
from counterpoint.errors import InputError, Problem
from counterpoint.said import Said

__all__ = [
    "LADDER",
    "METHODS",
    "Direction",
    "Evidence",
    "EvidenceInput",
    "Method",
    "MethodGuide",
    "Rung",
    "checked",
    "standing",
]

Day = date
"""The type, where a field bears its name."""
MOST_COST = 10_000.0
"""Person-days of one piece of evidence at most."""
LONGEST = 2_000
"""Characters of a note."""


class Direction(StrEnum):
    """What a piece of evidence says of the bet with regard to a risk."""

    FOR = "for"
    AGAINST = "against"
    UNCLEAR = "unclear"


class Method(StrEnum):
    """How somebody found out."""

    OPINION = "opinion"
    INTERVIEW = "interview"
    FEEDBACK = "feedback"
    SURVEY = "survey"
    DATA = "data"
    PROTOTYPE = "prototype"
    OFFLINE = "offline"
    PILOT = "pilot"
    ROLLOUT = "rollout"
    EXPERIMENT = "experiment"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder of strength."""

    strength: int
    name: str
    meaning: Said


LADDER = (
    Rung(0, "opinion", "Somebody thinks so; nobody outside was asked."),
    Rung(1, "said", "People said so: interviews, feedback, a survey."),
    Rung(
        2, "shown", "It was tried out of real use: a prototype, figures of the past, an offline evaluation."
    ),
    Rung(3, "done", "A few real users did it, without a group to compare them with."),
    Rung(4, "measured", "Real users were compared with others who were alike but for the change."),
)
"""How strong evidence is, from what people think to what people are measured to do; in our own words.

References:
    Gilad, Confidence meter (2019); Bland and Osterwalder, Testing Business Ideas (2019), evidence strength.
"""


@dataclass(frozen=True, slots=True)
class MethodGuide:
    """A method in words, with the strength that it usually has."""

    method: Method
    label: str
    strength: int


METHODS = (
    MethodGuide(Method.OPINION, "Opinion", 0),
    MethodGuide(Method.INTERVIEW, "Interviews", 1),
    MethodGuide(Method.FEEDBACK, "Feedback", 1),
    MethodGuide(Method.SURVEY, "Survey", 1),
    MethodGuide(Method.DATA, "Figures of the past", 2),
    MethodGuide(Method.PROTOTYPE, "Prototype", 2),
    MethodGuide(Method.OFFLINE, "Offline evaluation", 2),
    MethodGuide(Method.PILOT, "Pilot with a few users", 3),
    MethodGuide(Method.ROLLOUT, "Rollout", 3),
    MethodGuide(Method.EXPERIMENT, "Experiment", 4),
)
USUAL: Mapping[Method, int] = {guide.method: guide.strength for guide in METHODS}


class Evidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One piece of evidence as it was recorded. It never changes; a correction is a new one."""

    id: str
    bet: str
    risk: Risk
    method: Method
    direction: Direction
    strength: int
    """A rung of the ladder, 0 to 4."""
    sample: int | None = None
    """How many people or things were looked at; none where it was not counted."""
    cost: float | None = None
    """Person-days that it took; none where nobody said."""
    date: Day
    """When it was found out."""
    link: str = ""
    note: Said = ""
    at: datetime
    """When it was recorded."""
    actor: str
    source: str = ""
    """What brought it: a reference, or a text of the one who sent it; one piece of evidence for each and bet."""
    corrects: str = ""
    """The number of the evidence that this one takes the place of."""

    @property
    def thing(self) -> str:
        """What it came from without the number of the reading: a later reading of the same takes its place."""
        return self.source.partition("#")[0]

    @property
    def rung(self) -> Rung:
        """Its step of the ladder."""
        return LADDER[min(max(self.strength, 0), 4)]

    @property
    def label(self) -> str:
        """What its method is called."""
        return next(guide.label for guide in METHODS if guide.method is self.method)


class EvidenceInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Evidence to record. Without a strength it has that of its method, without a date today's."""

    risk: Risk
    method: Method
    direction: Direction
    strength: int | None = None
    sample: int | None = None
    cost: float | None = None
    date: Day | None = None
    link: str = ""
    note: str = ""
    source: str = ""
    corrects: str = ""


def checked(given: EvidenceInput, today: date) -> EvidenceInput:
    """The evidence with what was left out filled in.

    Raises:
        InputError: a number is out of its range, the date is to come, or the link is no web address.
    """
    problems = list(_problems(given, today))
    if problems:
        raise InputError("The evidence cannot be recorded.", problems)
    return msgspec.structs.replace(
        given,
        strength=USUAL[given.method] if given.strength is None else given.strength,
        date=given.date or today,
        link=_plain(given.link),
        note=_plain(given.note),
        source=_plain(given.source),
        corrects=_plain(given.corrects),
    )


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()  # PostgreSQL keeps no NUL


def _problems(given: EvidenceInput, today: date) -> Iterable[Problem]:
    if given.strength is not None and not 0 <= given.strength <= 4:
        yield Problem(f"strength is {given.strength}; it is from 0 (opinion) to 4 (measured).", "/strength")
    if given.sample is not None and not 0 < given.sample <= 10**12:
        yield Problem(f"sample is {given.sample}; it counts people or things, so 1 at least.", "/sample")
    if given.cost is not None and not 0 <= given.cost <= MOST_COST:
        yield Problem(f"cost is {given.cost:g}; it is in person-days, from 0 to {MOST_COST:g}.", "/cost")
    if given.date is not None and given.date > today:
        yield Problem(f"{given.date} is still to come; give the day on which it was found out.", "/date")
    if given.link.strip() and not given.link.strip().startswith(("https://", "http://", "/")):
        yield Problem(f"{given.link!r} is no address; begin with https://.", "/link")
    if len(given.note) > LONGEST:
        yield Problem(f"The note has {len(given.note)} characters; {LONGEST} are the most.", "/note")


def standing(rows: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence that counts, newest first: what was corrected, and what a later reading of the same thing replaced, does not."""
    ordered = sorted(rows, key=lambda row: (row.at, row.id))
    corrected = {row.corrects for row in ordered if row.corrects}
    newest: dict[str, Any] = {}
    for row in ordered:
        if row.id not in corrected:
            newest[f"{row.thing}\n{row.risk}" if row.source else row.id] = row
    return tuple(sorted(newest.values(), key=lambda row: (row.date, row.at, row.id), reverse=True))
