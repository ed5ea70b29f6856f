"""Our own kinds of entity, beside Backstage's."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.graph.fields import Field, Reference
from counterpoint.graph.flagd import by_key, check_flag_set
from counterpoint.graph.kind import OWNER, Kind, LooseReference, refers
from counterpoint.graph.scorecard import SCORECARD, check_scorecard
from counterpoint.graph.table_source import SOURCE, check_source
from counterpoint.practices import check_pack
from counterpoint.vocabulary import check_nouns

__all__ = ["OURS", "OWN_KINDS"]

OURS = ("counterpoint.dev/v1",)


def _check_plan(spec: Mapping[str, Any]) -> Iterator[Problem]:
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
    yield from _check_whole(spec, "unitsPerArm", "/spec")
    for name in ("looks", "maximum", "tunedAt"):
        yield from _check_whole(spec.get("stopping") or {}, name, "/spec/stopping")
    decision = spec.get("decision", "rule-2")
    if not isinstance(decision, Mapping) and decision not in ("rule-1", "rule-2"):
        yield Problem(
            "decision must be rule-1, rule-2, or a tree of all, any, better, within and notWorse.",
            "/spec/decision",
        )


def _check_whole(holder: Mapping[str, Any], name: str, place: str) -> Iterator[Problem]:
    if not float(holder.get(name, 1)).is_integer():
        yield Problem(f"{name} is {holder[name]:g}; it must be a whole number.", f"{place}/{name}")


def _check_experiment(spec: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _check_plan(spec)
    source = spec.get("source")
    if source is None:
        if "flag" not in spec:
            yield Problem(
                "flag is required; give the key of the flag whose exposures count, or name a table in `source`.",
                "/spec/flag",
            )
        return
    yield from check_source(source, spec)


def _check_size(spec: Mapping[str, Any]) -> Iterator[Problem]:
    size = spec.get("size") or {}
    if "min" in size and "max" in size and size["min"] > size["max"]:
        yield Problem(
            f"min is {size['min']:g} and max {size['max']:g}; min is the smaller.", "/spec/size/min"
        )


def _check_metric(spec: Mapping[str, Any]) -> Iterator[Problem]:
    aggregation, of_metrics = spec["aggregation"], ("numerator", "denominator")
    if aggregation == "ratio":
        for name in of_metrics:
            if name not in spec:
                yield Problem(f"A ratio is of two metrics; name its {name}.", f"/spec/{name}")
        for name in ("event", "field"):
            if name in spec:
                yield Problem(
                    f"A ratio has no {name} of its own; its metrics have theirs. Leave it out.",
                    f"/spec/{name}",
                )
    elif aggregation != "funnel" and "event" not in spec:
        yield Problem(
            "event is required; give the type of the events that it is computed from.", "/spec/event"
        )
    for name in of_metrics:
        if aggregation != "ratio" and name in spec:
            yield Problem(
                f"Only a ratio has a {name}; write `aggregation: ratio`, or leave it out.", f"/spec/{name}"
            )
    if aggregation == "quantile" and not 0 < spec.get("quantile", 0) < 1:
        yield Problem(
            "A quantile needs `quantile`, above 0 and below 1: 0.5 is the median, 0.95 what one in twenty exceeds.",
            "/spec/quantile",
        )
    elif aggregation != "quantile" and "quantile" in spec:
        yield Problem("Only `aggregation: quantile` has a quantile; leave it out.", "/spec/quantile")
    if "cap" in spec and aggregation not in {"mean", "sum"}:
        yield Problem(
            f"A cap limits the number of one event, and {aggregation} adds no such numbers; leave it out.",
            "/spec/cap",
        )
    window = spec.get("window") or {}
    for name in ("days", "offset"):
        if not float(window.get(name, 1)).is_integer():
            yield Problem(f"{name} is {window[name]:g}; a window has whole days.", f"/spec/window/{name}")
    if "days" not in window and ("offset" in window or aggregation in {"retention", "time to event"}):
        yield Problem("Say how many days the window has: `window: {days: 7}`.", "/spec/window/days")
    yield from _check_per_user(spec)
    if not float(spec.get("covariateDays", 0)).is_integer():
        yield Problem("covariateDays is no whole number of days.", "/spec/covariateDays")


def _check_per_user(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What only experiments compute: one number for each user."""
    aggregation = spec["aggregation"]
    if aggregation == "funnel" and len(spec.get("steps") or ()) < 2:
        yield Problem(
            "A funnel needs two steps or more; name the types of their events in order.", "/spec/steps"
        )
    elif aggregation != "funnel" and "steps" in spec:
        yield Problem("Only `aggregation: funnel` has steps; leave them out.", "/spec/steps")
    if "userCap" in spec and aggregation not in {"mean", "sum", "count"}:
        yield Problem(
            f"userCap limits the value of one user, and {aggregation} has no such values; leave it out.",
            "/spec/userCap",
        )
    if aggregation in {"funnel", "time to event"} and spec.get("covariateDays"):
        yield Problem(
            f"A {aggregation} has no meaning before the first exposure; leave covariateDays out.",
            "/spec/covariateDays",
        )


def _check_dashboard(spec: Mapping[str, Any]) -> Iterator[Problem]:
    for index, panel in enumerate(spec.get("panels") or ()):
        place = f"/spec/panels/{index}"
        for name in ("days", "series"):
            if not float(panel.get(name, 1)).is_integer():
                yield Problem(f"{name} is {panel[name]:g}; it must be a whole number.", f"{place}/{name}")
        if panel.get("split") in {"subject", "id", "time", "received"}:
            yield Problem(
                f"A figure is not split by {panel['split']}: its parts would be single people or events.",
                f"{place}/split",
            )
    if not float(spec.get("days", 1)).is_integer():
        yield Problem(f"days is {spec['days']:g}; it must be a whole number.", "/spec/days")


PURPOSE = refers("purpose", "Purpose", "servesPurpose", "purposeServedBy")
METRIC = refers("metric", "Metric", "measuredBy", "measures", required=True)
SUCCESS = Field("success", "objects", fields=(METRIC, Field("expect")))
UNITS = refers("units", "Group", "appliesTo", "hasCustoms", many=True)
GUARDRAILS = Field("guardrails", "objects", fields=(METRIC, Field("margin", "number", minimum=0)))
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
            Field("userCap", "number", minimum=0),
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
        check=_check_metric,
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
        check=_check_dashboard,
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
        check=_check_experiment,
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
