"""Our own kinds of entity, beside Backstage's."""

from counterpoint.graph.bet_kinds import BET_KINDS, METRIC
from counterpoint.graph.fields import Field, Reference
from counterpoint.graph.flagd import by_key, check_flag_set
from counterpoint.graph.kind import OURS, OWNER, Kind, LooseReference, refers
from counterpoint.graph.own_checks import check_dashboard, check_experiment, check_metric, check_size
from counterpoint.graph.recommender_fields import RECOMMENDER, check_recommender
from counterpoint.graph.rollout_checks import check_rollout
from counterpoint.graph.scorecard import SCORECARD, check_scorecard
from counterpoint.graph.table_source import SOURCE
from counterpoint.practices import check_pack
from counterpoint.vocabulary import check_nouns

__all__ = ["OWN_KINDS"]

UNITS = refers("units", "Group", "appliesTo", "hasCustoms", many=True)
SCALE = Field("scale", choices=("relative", "absolute"))
BASELINE = Field(
    "baseline",
    "object",
    fields=(
        Field("mean", "number"),
        Field("sd", "number", minimum=0),
        Field("correlation", "number", minimum=-1, maximum=1),
    ),
)
"""What an experiment's metrics are expected to be, for its size."""
STOPPING = Field(
    "stopping",
    "object",
    fields=(
        Field("method", choices=("fixed", "group-sequential", "confidence-sequence", "fixed-power")),
        Field("looks", "number", minimum=1),
        Field("everyDays", "number", minimum=0),
        Field("spending", choices=("power", "obrien-fleming", "pocock", "hwang-shih-decani")),
        Field("parameter", "number"),
        Field("maximum", "number", minimum=2),
        Field("tunedAt", "number", minimum=2),
        Field("tuning", choices=("exact", "growthbook")),
    ),
)
QUALITY = Field(
    "quality",
    "objects",
    fields=(
        Field(
            "test",
            required=True,
            choices=(
                "pre-exposure",
                "sample-ratio-by-day",
                "sample-ratio-by-segment",
                "sequential-sample-ratio",
                "traffic",
                "crossover",
            ),
        ),
        Field("level", "number", minimum=0, maximum=1),
    ),
)

ROLLOUT_PLAN = (
    Field(
        "steps",
        "objects",
        at_least=1,
        fields=(
            Field("percent", "number", required=True, minimum=0.001, maximum=100),
            Field("hold"),
            Field("minimumSample", "number", minimum=0),
            Field("monitored", "flag"),
            Field("approval", "flag"),
            Field("inconclusive", choices=("hold", "proceed")),
        ),
    ),
    Field(
        "guardrails",
        "objects",
        fields=(
            METRIC,
            Field("margin", "number", required=True, minimum=0),
            SCALE,
            Field("test", choices=("anytime", "group-sequential")),
            Field("action", choices=("roll-back", "pause")),
            Field("looks", "number", minimum=1, maximum=400),
            Field("maximum", "number", minimum=2),
            Field("spending", choices=("power", "obrien-fleming", "pocock", "hwang-shih-decani")),
            Field("parameter", "number"),
            BASELINE,
        ),
    ),
    Field("alpha", "number", minimum=0, maximum=1),
    Field("sampleRatioAlpha", "number", minimum=0, maximum=1),
    Field("least", "number", minimum=2),
    Field("tunedAt", "number", minimum=2),
    Field("usersPerDay", "number", minimum=0),
    Field("limits", "object", fields=(Field("stale"), Field("trouble"), Field("patience"))),
)
"""What a rollout may say of its own, and a template for all."""


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
        check=check_size,
    ),
    Kind(
        "RoleKind",
        OURS,
        (Field("label", required=True), refers("owner", "Group", "ownedBy", "ownerOf")),
        purpose="A role that somebody can have in a unit.",
    ),
    *BET_KINDS,
    Kind(
        "Metric",
        OURS,
        (
            OWNER,
            Field("direction", required=True, choices=("increase", "decrease", "none")),
            Field("event"),
            Field(
                "aggregation",
                required=True,
                choices=(
                    *("mean", "sum", "count", "any", "users", "ratio", "quantile"),
                    *("retention", "funnel", "time to event"),
                ),
            ),
            Field("field"),
            Field("unit"),
            Field("quantile", "number"),
            refers("numerator", "Metric", "computedFrom", "computedInto"),
            refers("denominator", "Metric", "computedFrom", "computedInto"),
            Field("per", choices=("user", "all")),
            Field(
                "window",
                "object",
                fields=(
                    Field("days", "number", minimum=1, maximum=366),
                    Field("offset", "number", minimum=0, maximum=366),
                    Field("calendar", choices=("day", "week", "month")),
                ),
            ),
            Field("covariateDays", "number", minimum=0, maximum=365),
            Field("cap", "number", minimum=0),
            Field("userCap", "any"),
            Field("steps", "texts"),
            Field("role", choices=("northStar", "guardrail", "ordinary")),
            Field(
                "decisions",
                "objects",
                fields=(
                    Field("decision", required=True),
                    refers("for", None, "informs", "informedBy", many=True),
                ),
            ),
        ),
        purpose="A figure computed from events of the journal, with who answers for it and what it decides.",
        check=check_metric,
    ),
    Kind(
        "Dashboard",
        OURS,
        (
            OWNER,
            Field("days", "number", minimum=1, maximum=366),
            Field(
                "panels",
                "objects",
                fields=(
                    refers("metric", "Metric", "shows", "shownOn", required=True),
                    refers("goal", "Goal", "shows", "shownOn"),
                    Field("title"),
                    Field("chart", choices=("line", "columns", "figure")),
                    Field("days", "number", minimum=1, maximum=366),
                    Field("split"),
                    Field("series", "number", minimum=1, maximum=4),
                    Field("target", "number"),
                ),
            ),
        ),
        purpose="Figures that a unit looks at, each with its definition and its events.",
        check=check_dashboard,
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
            Field("flag"),
            refers("flagSet", "FlagSet", "exposedBy", "exposes", default="default"),
            SOURCE,
            Field("surface"),
            Field("control", required=True),
            Field("treatments", "texts", required=True, at_least=1),
            Field("shares", "mapping", fields=(Field("*", "number", minimum=0),)),
            Field("kind", choices=("ab-test", "rollout")),
            Field(
                "success",
                "objects",
                fields=(METRIC, Field("expect"), Field("mde", "number", minimum=0), SCALE, BASELINE),
            ),
            Field(
                "guardrails",
                "objects",
                fields=(METRIC, Field("margin", "number", minimum=0), SCALE, BASELINE),
            ),
            Field("deterioration", "objects", fields=(METRIC,)),
            QUALITY,
            Field("decision", "any"),
            Field("alpha", "number", minimum=0, maximum=1),
            Field("beta", "number", minimum=0, maximum=1),
            Field("alphaMinus", "number", minimum=0, maximum=1),
            Field("srmThreshold", "number", minimum=0, maximum=1),
            STOPPING,
            Field("covariates", "flag"),
            Field(
                "trigger",
                "object",
                fields=(
                    Field("event", required=True),
                    Field("field"),
                    Field("equals", "any"),
                    Field("unaffected", "flag"),
                ),
            ),
            Field("links", "object", fields=(Field("event", required=True), Field("field"))),
            Field("segments", "texts"),
            Field("slopes", choices=("per-arm", "pooled")),
            Field("unitsPerArm", "number", minimum=2),
            Field("start", "moment"),
            Field("end", "moment"),
        ),
        purpose="A comparison of variants on success and guardrail metrics: of a flag in the journal, or in a table.",
        check=check_experiment,
    ),
    Kind(
        "Rollout",
        OURS,
        (
            OWNER,
            Field("flag", required=True),
            refers("flagSet", "FlagSet", "rollsOutFlagOf", "rolledOutIn", default="default"),
            refers("bet", "Bet", "rollsOutBet", "rolledOutBy"),
            refers("component", "Component", "rollsOutComponent", "componentOfRollout"),
            refers("template", "RolloutTemplate", "followsTemplate", "templateOf"),
            Field("environment"),
            *ROLLOUT_PLAN,
        ),
        purpose="Steps by which a variant reaches more people, and the guardrails that stop it.",
        check=check_rollout,
    ),
    Kind(
        "RolloutTemplate",
        OURS,
        (OWNER, *ROLLOUT_PLAN),
        purpose="What rollouts of the organisation do unless they say otherwise.",
        check=check_rollout,
    ),
    Kind(
        "Recommender",
        OURS,
        (OWNER, *RECOMMENDER),
        purpose="What is recommended to listeners: which events speak for items, who is heard, which version answers.",
        check=check_recommender,
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
