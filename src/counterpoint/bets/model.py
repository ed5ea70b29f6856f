"""Bets, readings and decisions as values. Everything here is pure.

What a bet lacks is in `advice`, what a decision does to it in `transitions`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

from counterpoint.said import Said, SaidWithin

__all__ = [
    "STAGES",
    "Bet",
    "Decision",
    "Expectation",
    "Guardrail",
    "Known",
    "Reading",
    "Stage",
    "StageGuide",
    "Stance",
    "State",
    "mapping",
    "newest",
    "read_bet",
]

E = TypeVar("E", bound=StrEnum)


class Stage(StrEnum):
    """The four stages of a bet, in their order. A bet that was just pitched stands in Think it."""

    THINK = "think"
    BUILD = "build"
    SHIP = "ship"
    TWEAK = "tweak"

    @property
    def rank(self) -> int:
        """0 for Think it to 3 for Tweak it."""
        return list(Stage).index(self)

    @property
    def label(self) -> str:
        """The stage's name for people."""
        return f"{self.value.capitalize()} it"


class State(StrEnum):
    """Whether anybody works on the bet. Paused, killed and retired bets keep the stage they reached."""

    ACTIVE = "active"
    PAUSED = "paused"
    KILLED = "killed"
    RETIRED = "retired"

    @property
    def closed(self) -> bool:
        """Killed and retired bets were closed in front of everybody."""
        return self in (State.KILLED, State.RETIRED)


class StageGuide(msgspec.Struct, frozen=True, rename="camel"):
    """What a stage is for and the question that both squad and sponsor answer when it is left."""

    stage: Stage
    goal: Said
    exit_question: Said
    risk: str


STAGES = (
    StageGuide(
        Stage.THINK,
        "Find out what to build and why.",
        "Do both squad and sponsor believe that it is worth building?",
        "value, then usability",
    ),
    StageGuide(
        Stage.BUILD,
        "Make the smallest thing that real users can hold.",
        "Does it fulfil the basic narrative, and is it good enough for real users?",
        "feasibility and usability",
    ),
    StageGuide(
        Stage.SHIP,
        "Give it to more and more people, measuring and improving.",
        "Is it available to all, because it is good and not because a date came?",
        "value at scale, viability and operations",
    ),
    StageGuide(
        Stage.TWEAK,
        "Make it great.",
        "Is it at a local maximum: keep it, retire it, or re-imagine it?",
        "opportunity cost",
    ),
)
"""The four stages after Kniberg, How Spotify Builds Products (2013), in our own words."""


class Expectation(msgspec.Struct, frozen=True, rename="camel"):
    """A success metric and, in words, how it is expected to move."""

    metric: str
    expect: str = ""


class Guardrail(msgspec.Struct, frozen=True):
    """A metric that must not get worse by more than `margin`, relative: 0.01 is one per cent."""

    metric: str
    margin: float = 0.0


class Bet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Bet entity says. References are as its document writes them, `owner` is canonical."""

    ref: str
    namespace: str
    name: str
    title: str
    owner: str | None
    etag: str
    updated_at: datetime | None = None
    description: str = ""
    stage: Stage = Stage.THINK
    state: State = State.ACTIVE
    purpose: str = ""
    beliefs: tuple[str, ...] = ()
    hypothesis: str = ""
    success: tuple[Expectation, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    kill: str = ""
    patience: date | None = None


class _Entity(Protocol):
    @property
    def ref(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def etag(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def document(self) -> dict[str, Any]: ...


def read_bet(entity: _Entity) -> Bet:
    """The bet that an entity of kind Bet holds.

    What the document leaves out takes its default, and a value that cannot be read (a document stored
    by an older version) counts as left out: a page about a bet is better than none.
    """
    metadata = mapping(entity.document.get("metadata"))
    spec = mapping(entity.document.get("spec"))
    return Bet(
        ref=entity.ref,
        namespace=entity.namespace,
        name=entity.name,
        title=_text(metadata.get("title")) or entity.name,
        owner=entity.owner,
        etag=entity.etag,
        updated_at=entity.updated_at,
        description=_text(metadata.get("description")),
        stage=_member(Stage, spec.get("stage"), Stage.THINK),
        state=_member(State, spec.get("state"), State.ACTIVE),
        purpose=_text(spec.get("purpose")),
        beliefs=tuple(_text(item) for item in _sequence(spec.get("beliefs")) if _text(item)),
        hypothesis=_text(spec.get("hypothesis")),
        success=tuple(
            Expectation(_text(item.get("metric")), _text(item.get("expect")))
            for item in _metrics(spec.get("success"))
        ),
        guardrails=tuple(
            Guardrail(_text(item.get("metric")), _number(item.get("margin")))
            for item in _metrics(spec.get("guardrails"))
        ),
        kill=_text(spec.get("kill")),
        patience=_date(spec.get("patience")),
    )


class Stance(StrEnum):
    """What a verdict says of giving the change to everyone."""

    FOR = "for"
    AGAINST = "against"
    OPEN = "open"


class Reading(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The newest result of one experiment that tests the bet, as the experiments room recorded it."""

    experiment: str
    seq: int = 0
    """Its number in the activity log; 0 in decisions that were recorded before readings had one."""
    title: str
    at: datetime
    """When somebody asked for it."""
    verdict: str
    sentence: Said
    detail: SaidWithin = {}
    """All that was recorded: arms, metrics, intervals."""

    @property
    def anchor(self) -> str:
        """Where the experiment's page shows it as it was recorded, for the page itself goes on with the events."""
        return f"#reading-{self.seq}" if self.seq else ""

    @property
    def stance(self) -> Stance:
        """Only a plain `ship` speaks for shipping; a result still open or not valid speaks for neither."""
        words = " ".join(self.verdict.replace("_", " ").replace("-", " ").casefold().split())
        if words == "ship":
            return Stance.FOR
        return Stance.AGAINST if words in ("do not ship", "stop", "roll back") else Stance.OPEN


def newest(readings: Sequence[Reading]) -> Reading | None:
    """The reading asked for last, or None where nothing has been read yet."""
    return max(readings, key=lambda reading: reading.at, default=None)


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision as it was recorded, with what was known that day. It never changes afterwards."""

    id: str
    bet: str
    at: datetime
    actor: str
    choice: str
    stage_before: Stage
    stage_after: Stage
    state_before: State
    state_after: State
    reason: str
    override: bool
    known: "Known"


class Known(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was known on the day of a decision: the bet's version, each newest reading, what was missing."""

    etag: str
    readings: tuple[Reading, ...] = ()
    advice: tuple[Said, ...] = ()
    """The missing pieces, in the words shown."""
    overrides: tuple[Said, ...] = ()
    """Why the decision counts as an override; empty for one that is not."""


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _metrics(value: object) -> list[Mapping[str, Any]]:
    return [item for item in map(mapping, _sequence(value)) if _text(item.get("metric"))]


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _date(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None


def _member(kind: type[E], value: object, default: E) -> E:
    try:
        return kind(_text(value))
    except ValueError:
        return default
