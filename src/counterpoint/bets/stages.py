"""What each stage of a bet is for, in words."""

import msgspec

from counterpoint.bets.model import Stage
from counterpoint.said import Said

__all__ = ["STAGES", "StageGuide"]


class StageGuide(msgspec.Struct, frozen=True, rename="camel"):
    """What a stage is for and the question that both squad and sponsor answer when it is left."""

    stage: Stage
    goal: Said
    exit_question: Said
    risk: Said
    """The risks that it burns down, the greatest first."""
    artefact: Said
    """What it leaves behind."""
    people: Said
    """Who works on it, and what it costs."""


STAGES = (
    StageGuide(
        Stage.THINK,
        "Find out what to build and why.",
        "Do both squad and sponsor believe that it is worth building?",
        "value, then usability",
        "A product definition (why, who gains, which metrics, how we will know), a narrative, prototypes that run.",
        "About three: product owner, designer, developer. Cheap, and without a deadline.",
    ),
    StageGuide(
        Stage.BUILD,
        "Make the smallest thing that real users can hold.",
        "Does it fulfil the basic narrative, and is it good enough for real users?",
        "feasibility and usability",
        "The smallest thing that real users can hold, what measures it, and a plan for its rollout.",
        "The whole squad. The dearest stage: keep it short.",
    ),
    StageGuide(
        Stage.SHIP,
        "Give it to more and more people, measuring and improving.",
        "Is it available to all, because it is good and not because a date came?",
        "value at scale, viability and operations",
        "The steps of the rollout, and the readouts of its experiments.",
        "The whole squad, and those who launch it with them.",
    ),
    StageGuide(
        Stage.TWEAK,
        "Make it great.",
        "Is it at a local maximum: keep it, retire it, or re-imagine it?",
        "opportunity cost",
        "A log of what was tweaked, and the trend of its metrics.",
        "Fewer and fewer: the squad may move on.",
    ),
)
"""The four stages after Kniberg, How Spotify Builds Products (2013), in our own words."""
