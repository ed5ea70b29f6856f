"""The kinds that lead from purpose to bet: what is seen, what is understood, what is believed, what is tried.

The problem space is `Datum` and `Insight`, the solution space `Belief` and `Bet`; each may be used by many.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem
from counterpoint.graph.fields import Field
from counterpoint.graph.kind import OURS, OWNER, Kind, refers

__all__ = ["BET_KINDS", "GUARDRAILS", "METRIC", "PURPOSE", "SUCCESS"]

PURPOSE = refers("purpose", "Purpose", "servesPurpose", "purposeServedBy")
METRIC = refers("metric", "Metric", "measuredBy", "measures", required=True)
SUCCESS = Field("success", "objects", fields=(METRIC, Field("expect")))
GUARDRAILS = Field("guardrails", "objects", fields=(METRIC, Field("margin", "number", minimum=0)))
SEEN_IN = refers("metric", "Metric", "measuredBy", "measures")
"""A metric that may be named, and need not."""
INSIGHTS = refers("insights", "Insight", "restsOnInsight", "insightUsedBy", many=True)
PEOPLE = ("user", "group")
LEVELS = ("low", "medium", "high")
RISKS = ("value", "usability", "feasibility", "viability")


def _check_bet(spec: Mapping[str, Any]) -> Iterator[Problem]:
    seen = set()
    for index, item in enumerate(spec.get("risks") or ()):
        if item["risk"] in seen:
            yield Problem(
                f"The {item['risk']} risk is named twice; keep one entry for each risk.",
                f"/spec/risks/{index}/risk",
            )
        seen.add(item["risk"])


BET_KINDS = (
    Kind(
        "Purpose",
        OURS,
        (
            OWNER,
            Field("statement", required=True),
            Field("beneficiaries", "objects", fields=(Field("who", required=True), Field("gain"))),
        ),
        purpose="What the organisation, or a part of it, is there for, and for whom.",
    ),
    Kind(
        "Datum",
        OURS,
        (
            OWNER,
            Field("statement", required=True),
            SEEN_IN,
            Field("source"),
            Field("link"),
            Field("date", "date"),
        ),
        purpose="Something that was seen: a figure, a quote, an observation, with where it comes from.",
    ),
    Kind(
        "Insight",
        OURS,
        (
            OWNER,
            Field("statement", required=True),
            refers("data", "Datum", "drawnFrom", "leadsToInsight", many=True),
        ),
        purpose="What the data mean, for the people whom we serve.",
    ),
    Kind(
        "Belief",
        OURS,
        (
            OWNER,
            Field("statement", required=True),
            PURPOSE,
            INSIGHTS,
            Field("horizon", choices=("quarter", "year", "years")),
            Field("confidence", "number", minimum=0, maximum=1),
            Field("expires", "date"),
        ),
        purpose="What we hold to be true, until evidence says otherwise.",
    ),
    Kind(
        "Goal",
        OURS,
        (
            OWNER,
            METRIC,
            Field("target", "number", required=True),
            Field("due", "date"),
            PURPOSE,
            refers("parent", "Goal", "partOfGoal", "hasPartGoal"),
        ),
        purpose="A value that a metric should reach by a date.",
    ),
    Kind(
        "Bet",
        OURS,
        (
            OWNER,
            refers("contributors", "Group", "hasContributor", "contributesTo", many=True),
            refers("sponsor", "User", "sponsoredBy", "sponsors", kinds=PEOPLE),
            Field(
                "trio",
                "object",
                fields=tuple(
                    refers(role, "User", "ledBy", "leads", kinds=PEOPLE)
                    for role in ("product", "design", "technology")
                ),
            ),
            Field(
                "stakeholderSides",
                "objects",
                fields=(Field("side", required=True), Field("gain"), Field("fear"), SEEN_IN),
            ),
            Field("stage", choices=("think", "build", "ship", "tweak")),
            Field("state", choices=("active", "paused", "killed", "retired")),
            Field("horizon", choices=("now", "next", "later")),
            Field("mix", choices=("grow", "run", "explore")),
            Field("size", choices=("small", "medium", "large")),
            INSIGHTS,
            refers("beliefs", "Belief", "supportsBelief", "supportedByBet", many=True),
            PURPOSE,
            refers("goals", "Goal", "worksTowards", "workedTowardsBy", many=True),
            Field("hypothesis"),
            SUCCESS,
            GUARDRAILS,
            Field("kill", "texts", lenient=True),
            Field(
                "risks",
                "objects",
                fields=(
                    Field("risk", required=True, choices=RISKS),
                    Field("level", choices=LEVELS),
                    Field("ownerRole"),
                    Field("fear"),
                ),
            ),
            Field("patience", "date"),
            Field("deadline", "date"),
            Field("learned"),
        ),
        purpose="An initiative with a hypothesis, success and kill criteria.",
        check=_check_bet,
    ),
)
