"""Our own kinds of entity, beside Backstage's."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.graph.fields import Field, Reference
from counterpoint.graph.flagd import by_key, check_flag_set
from counterpoint.graph.kind import OWNER, Kind, LooseReference, refers
from counterpoint.graph.scorecard import SCORECARD, check_scorecard
from counterpoint.practices import check_pack
from counterpoint.vocabulary import check_nouns

__all__ = ["OURS", "OWN_KINDS"]

OURS = ("counterpoint.dev/v1",)


def _check_arms(spec: Mapping[str, Any]) -> Iterator[Problem]:
    control, seen = spec["control"], set()
    for index, arm in enumerate(spec["treatments"]):
        place = f"/spec/treatments/{index}"
        if arm == control:
            yield Problem(f"{arm} is the control; a treatment is another variant.", place)
        elif arm in seen:
            yield Problem(f"{arm} is named twice.", place)
        seen.add(arm)
    for arm in spec.get("shares") or {}:
        if arm != control and arm not in seen:
            yield Problem(f"{arm} is neither the control nor a treatment.", f"/spec/shares/{escape(arm)}")


def _check_size(spec: Mapping[str, Any]) -> Iterator[Problem]:
    size = spec.get("size") or {}
    if "min" in size and "max" in size and size["min"] > size["max"]:
        yield Problem(
            f"min is {size['min']:g} and max {size['max']:g}; min is the smaller.", "/spec/size/min"
        )


PURPOSE = refers("purpose", "Purpose", "servesPurpose", "purposeServedBy")
METRIC = refers("metric", "Metric", "measuredBy", "measures", required=True)
SUCCESS = Field("success", "objects", fields=(METRIC, Field("expect")))
UNITS = refers("units", "Group", "appliesTo", "hasCustoms", many=True)
GUARDRAILS = Field("guardrails", "objects", fields=(METRIC, Field("margin", "number", minimum=0)))


OWN_KINDS = (
    Kind(
        "UnitType",
        OURS,
        (
            Field("axis", required=True, choices=("delivery", "competence", "interest", "support")),
            Field("labels", "object", fields=(Field("one", required=True), Field("many"))),
            Field(
                "size",
                "object",
                fields=(
                    Field("min", "number", minimum=0),
                    Field("max", "number", minimum=1),
                    Field("reason"),
                ),
            ),
            refers("owner", "Group", "ownedBy", "ownerOf"),
        ),
        purpose="A type of unit: what it is called, on which axis it stands, which size is advised.",
        check=_check_size,
    ),
    Kind(
        "RoleKind",
        OURS,
        (Field("label", required=True), refers("owner", "Group", "ownedBy", "ownerOf")),
        purpose="A role that somebody can have in a unit.",
    ),
    Kind(
        "Purpose",
        OURS,
        (OWNER, Field("statement", required=True)),
        purpose="What the organisation, or a part of it, is there for.",
    ),
    Kind(
        "Belief",
        OURS,
        (
            OWNER,
            Field("statement", required=True),
            PURPOSE,
            Field("confidence", "number", minimum=0, maximum=1),
            Field("expires", "date"),
        ),
        purpose="What we hold to be true, until evidence says otherwise.",
    ),
    Kind(
        "Goal",
        OURS,
        (OWNER, METRIC, Field("target", "number", required=True), Field("due", "date"), PURPOSE),
        purpose="A value that a metric should reach by a date.",
    ),
    Kind(
        "Metric",
        OURS,
        (
            OWNER,
            Field("direction", required=True, choices=("increase", "decrease")),
            Field("event", required=True),
            Field("aggregation", required=True, choices=("mean", "sum", "count", "any")),
            Field("field"),
            Field("unit"),
            Field("covariateDays", "number", minimum=0),
        ),
        purpose="A figure computed per user from events of the journal.",
    ),
    Kind(
        "Bet",
        OURS,
        (
            OWNER,
            Field("stage", choices=("think", "build", "ship", "tweak")),
            Field("state", choices=("active", "paused", "killed", "retired")),
            refers("beliefs", "Belief", "supportsBelief", "supportedByBet", many=True),
            PURPOSE,
            Field("hypothesis"),
            SUCCESS,
            GUARDRAILS,
            Field("kill"),
            Field("patience", "date"),
        ),
        purpose="An initiative with a hypothesis, success and kill criteria.",
    ),
    Kind(
        "FlagSet",
        OURS,
        (
            OWNER,
            Field("definition", "object", required=True),
            Field("bucketing", choices=("v2", "v3")),
            Field("environment"),
            refers("promotesTo", "FlagSet", "promotesTo", "promotedFrom"),
        ),
        loose=tuple(
            LooseReference((*start, "metadata", key), reference)
            for start in (("definition",), ("definition", "flags", "*"))
            for key, reference in (
                ("bet", Reference("Bet", "implementsBet", "implementedBy")),
                ("component", Reference("Component", "flagOf", "hasFlags")),
                ("owner", Reference("Group", "hasFlagsOf", "ownsFlagsIn")),
            )
        ),
        purpose="Flags that are defined and published together, in flagd's format.",
        check=check_flag_set,
        foreign=("definition", "composition"),
        logged=by_key,
    ),
    Kind(
        "Experiment",
        OURS,
        (
            OWNER,
            refers("bet", "Bet", "testsBet", "testedBy"),
            Field("flag", required=True),
            refers("flagSet", "FlagSet", "exposedBy", "exposes", default="default"),
            Field("control", required=True),
            Field("treatments", "texts", required=True, at_least=1),
            Field("shares", "mapping", fields=(Field("*", "number", minimum=0),)),
            SUCCESS,
            GUARDRAILS,
            Field("alpha", "number", minimum=0, maximum=1),
            Field("srmThreshold", "number", minimum=0, maximum=1),
            Field("start", "moment"),
            Field("end", "moment"),
        ),
        purpose="A comparison of a flag's variants on success and guardrail metrics.",
        check=_check_arms,
    ),
    Kind(
        "Rollout",
        OURS,
        (
            OWNER,
            Field("flag", required=True),
            refers("bet", "Bet", "rollsOutBet", "rolledOutBy"),
            Field("steps", "any"),
        ),
        purpose="Steps by which a variant reaches more people.",
    ),
    Kind(
        "Scorecard",
        OURS,
        (OWNER, *SCORECARD),
        purpose="Checks of what the catalog says of things, each with what to do next.",
        check=check_scorecard,
    ),
    Kind(
        "Vocabulary",
        OURS,
        (OWNER, UNITS, Field("nouns", "object", required=True)),
        purpose="What the organisation, or a unit with everything in it, calls things.",
        check=lambda spec: check_nouns(spec["nouns"]),
    ),
    Kind(
        "PolicyPack",
        OURS,
        (
            OWNER,
            UNITS,
            Field("practices", "object"),
            Field("policies", "object"),
            Field("limits", "object"),
        ),
        purpose="Which practices are on, what passing over a rule asks for, and which limits are advised.",
        check=check_pack,
    ),
)
