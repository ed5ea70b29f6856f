"""Feedback from outside as values, and the evidence that it becomes. Pure."""

from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Literal

import msgspec

from counterpoint.said import Said

__all__ = [
    "OUTCOMES",
    "RISKS",
    "Door",
    "Evidence",
    "Feedback",
    "FeedbackState",
    "Source",
    "evidence_of",
    "version_of",
]

RISKS = ("value", "usability", "feasibility", "viability")
"""The four risks of a bet."""
ANECDOTE = 1
"""The strength of what one person said, on the ladder of evidence from 0 (opinion of our own) to 4 (experiment)."""


class Source(StrEnum):
    """How it came in."""

    FORM = "form"
    EMAIL = "email"
    CSV = "csv"
    API = "api"


class FeedbackState(StrEnum):
    """What became of it so far."""

    NEW = "new"
    EVIDENCE = "evidence"
    IDEA = "idea"
    KEPT = "kept"
    DECLINED = "declined"
    ERASED = "erased"


OUTCOMES: dict[FeedbackState, tuple[Said, Said]] = {
    FeedbackState.EVIDENCE: ("Evidence for a bet", "It counts as evidence for something that we try."),
    FeedbackState.IDEA: ("An idea worth keeping", "It is kept as an idea."),
    FeedbackState.KEPT: ("Read and kept", "It was read and kept."),
    FeedbackState.DECLINED: (
        "Nothing that we act on now",
        "It was read, and nothing will be done about it for now.",
    ),
}
"""What its unit can make of it: as the unit chooses it, and as the giver reads it."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody outside said. `giver` and `contact` are empty for whoever is not of its unit."""

    id: str
    unit: str
    source: Source
    text: str
    received_on: date
    bet: str | None = None
    giver: str = ""
    contact: str = ""
    state: FeedbackState = FeedbackState.NEW
    reply: str = ""
    """What its unit says to the giver."""
    became: str | None = None
    """The bet that it is evidence for."""
    version: str = ""
    """Of what was made of it so far: whoever settles it says which one they saw."""


class Door(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A public form of a unit; its address holds a secret, of which only a hash is kept."""

    id: str
    unit: str
    title: str
    bet: str | None = None
    closed: bool = False


class Evidence(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of feedback as evidence for or against a risk of a bet; what the bet's own log of evidence takes."""

    bet: str
    risk: str
    method: str
    n: int
    direction: Literal["for", "against"]
    strength: int
    link: str
    on: date


def version_of(state: FeedbackState, reply: str, became: str | None) -> str:
    """What tells two outcomes of a piece of feedback apart."""
    return sha256("\x00".join((state.value, reply, became or "")).encode()).hexdigest()[:16]


def evidence_of(
    feedback: Feedback, bet: str, risk: str, direction: Literal["for", "against"], *, today: date
) -> Evidence:
    """The evidence that a piece of feedback is: one voice, of the least strength above an opinion of our own.

    Raises:
        ValueError: there is no such risk.
    """
    if risk not in RISKS:
        raise ValueError(f"{risk[:40]!r} is no risk; choose one of {', '.join(RISKS)}")
    return Evidence(bet, risk, "feedback", 1, direction, ANECDOTE, f"/feedback/{feedback.id}", today)
