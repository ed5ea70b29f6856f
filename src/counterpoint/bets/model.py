"""Bets, readings and decisions as values. Everything here is pure.

What a bet lacks is in `advice`, what a decision does to it in `transitions`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from counterpoint.bets.documents import (
    day_of,
    mapping,
    member_of,
    metrics_of,
    number_of,
    optional_member_of,
    sequence_of,
    text_of,
    texts_of,
)
from counterpoint.said import Said, SaidWithin

__all__ = [
    "Answer",
    "Bet",
    "Decision",
    "ExitStance",
    "Expectation",
    "Guardrail",
    "Horizon",
    "Known",
    "KnownRisk",
    "Mix",
    "Party",
    "Reading",
    "Risk",
    "RiskNote",
    "Side",
    "Stage",
    "Stance",
    "State",
    "Trio",
    "day_of",
    "mapping",
    "newest",
    "read_bet",
]


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


class Horizon(StrEnum):
    """When the owner means to work on the bet, in the order of a board."""

    NOW = "now"
    NEXT = "next"
    LATER = "later"


class Mix(StrEnum):
    """What a bet does for the portfolio: grow what works, keep it running, explore what is not known."""

    GROW = "grow"
    RUN = "run"
    EXPLORE = "explore"


class Risk(StrEnum):
    """The four risks of a product, in the order in which they are cheapest to burn down.

    References:
        Cagan, The Four Big Risks (Silicon Valley Product Group, 2017).
    """

    VALUE = "value"
    USABILITY = "usability"
    FEASIBILITY = "feasibility"
    VIABILITY = "viability"


class Expectation(msgspec.Struct, frozen=True, rename="camel"):
    """A success metric and, in words, how it is expected to move."""

    metric: str
    expect: str = ""


class Guardrail(msgspec.Struct, frozen=True):
    """A metric that must not get worse by more than `margin`, relative: 0.01 is one per cent."""

    metric: str
    margin: float = 0.0


class Side(msgspec.Struct, frozen=True):
    """One of those whom a bet concerns: what they gain, what they fear, and the metric that shows it."""

    side: str
    gain: str = ""
    fear: str = ""
    metric: str = ""


class Trio(msgspec.Struct, frozen=True):
    """Who leads the bet together, as its document writes them; empty where nobody does."""

    product: str = ""
    design: str = ""
    technology: str = ""


class RiskNote(msgspec.Struct, frozen=True, rename="camel"):
    """What the squad says of one risk beforehand: how high it is, who looks after it, what they fear."""

    risk: Risk
    level: str = ""
    """`low`, `medium` or `high`; empty where nobody has judged it."""
    owner_role: str = ""
    fear: str = ""


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
    """One criterion to a line."""
    patience: date | None = None
    contributors: tuple[str, ...] = ()
    sponsor: str = ""
    trio: Trio = Trio()
    stakeholder_sides: tuple[Side, ...] = ()
    horizon: Horizon | None = None
    mix: Mix | None = None
    size: str = ""
    insights: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    risks: tuple[RiskNote, ...] = ()
    deadline: date | None = None
    learned: str = ""

    @property
    def kill_criteria(self) -> tuple[str, ...]:
        """What would make the owner stop, each by itself."""
        return tuple(line.strip() for line in self.kill.splitlines() if line.strip())

    @property
    def planned(self) -> Horizon:
        """The horizon in which a board shows it: what the owner said, or else what follows from stage and state."""
        if self.horizon is not None:
            return self.horizon
        if self.state is State.PAUSED:
            return Horizon.LATER
        return Horizon.NEXT if self.stage is Stage.THINK else Horizon.NOW

    def note_of(self, risk: Risk) -> RiskNote:
        """What the squad said of a risk beforehand."""
        return next((note for note in self.risks if note.risk is risk), RiskNote(risk))


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
    trio = mapping(spec.get("trio"))
    return Bet(
        ref=entity.ref,
        namespace=entity.namespace,
        name=entity.name,
        title=text_of(metadata.get("title")) or entity.name,
        owner=entity.owner,
        etag=entity.etag,
        updated_at=entity.updated_at,
        description=text_of(metadata.get("description")),
        stage=member_of(Stage, spec.get("stage"), Stage.THINK),
        state=member_of(State, spec.get("state"), State.ACTIVE),
        purpose=text_of(spec.get("purpose")),
        beliefs=texts_of(spec.get("beliefs")),
        hypothesis=text_of(spec.get("hypothesis")),
        success=tuple(
            Expectation(text_of(item.get("metric")), text_of(item.get("expect")))
            for item in metrics_of(spec.get("success"))
        ),
        guardrails=tuple(
            Guardrail(text_of(item.get("metric")), number_of(item.get("margin")))
            for item in metrics_of(spec.get("guardrails"))
        ),
        kill=_kill(spec.get("kill")),
        patience=day_of(spec.get("patience")),
        contributors=texts_of(spec.get("contributors")),
        sponsor=text_of(spec.get("sponsor")),
        trio=Trio(*(text_of(trio.get(role)) for role in Trio.__struct_fields__)),
        stakeholder_sides=tuple(
            Side(*(text_of(item.get(field)) for field in Side.__struct_fields__))
            for item in map(mapping, sequence_of(spec.get("stakeholderSides")))
            if text_of(item.get("side"))
        ),
        horizon=optional_member_of(Horizon, spec.get("horizon")),
        mix=optional_member_of(Mix, spec.get("mix")),
        size=text_of(spec.get("size")),
        insights=texts_of(spec.get("insights")),
        goals=texts_of(spec.get("goals")),
        risks=tuple(_risks(spec.get("risks"))),
        deadline=day_of(spec.get("deadline")),
        learned=text_of(spec.get("learned")),
    )


def _risks(value: object) -> list[RiskNote]:
    found = []
    for item in map(mapping, sequence_of(value)):
        risk = optional_member_of(Risk, item.get("risk"))
        if risk is not None:
            told = (text_of(item.get(field)) for field in ("level", "ownerRole", "fear"))
            found.append(RiskNote(risk, *told))
    return found


def _kill(value: object) -> str:
    """The kill criteria, one to a line: the document holds one text, or a list of them."""
    given = [value] if isinstance(value, str) else sequence_of(value)
    return "\n".join(
        " ".join(text_of(item).split()) if isinstance(value, list) else text_of(item) for item in given
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


class Party(StrEnum):
    """Whom the exit question of a stage is asked."""

    SQUAD = "squad"
    SPONSOR = "sponsor"


class Answer(StrEnum):
    """What is answered to an exit question."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class ExitStance(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the squad or the sponsor answered to the exit question of a stage. It never changes; the newest counts."""

    id: str
    bet: str
    stage: Stage
    side: Party
    answer: Answer
    reason: str = ""
    at: datetime
    actor: str
    """Who recorded it: for the sponsor that may be somebody of the squad whom they told."""


class KnownRisk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a risk stood on the day of a decision."""

    risk: Risk
    level: str
    supporting: float
    opposing: float


class Known(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was known on the day of a decision: the bet's version, each newest reading, what was missing."""

    etag: str
    readings: tuple[Reading, ...] = ()
    advice: tuple[Said, ...] = ()
    """The missing pieces, in the words shown."""
    overrides: tuple[Said, ...] = ()
    """Why the decision counts as an override; empty for one that is not."""
    risks: tuple[KnownRisk, ...] = ()
    evidence: tuple[str, ...] = ()
    """The numbers of the evidence that counted; evidence never changes."""
    stances: tuple[ExitStance, ...] = ()
    """What squad and sponsor had answered to the exit question, each the newest."""
