"""Every kind of entity, in one table: Backstage's and ours, with fields, references and relations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.graph.fields import Field, Reference, check_fields
from counterpoint.graph.scorecard import SCORECARD, check_scorecard
from counterpoint.practices import check_pack
from counterpoint.vocabulary import check_nouns

__all__ = ["BACKSTAGE", "INVERSES", "KINDS", "OURS", "Kind", "LooseReference", "canonical_kind", "kind_of"]

BACKSTAGE = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
OURS = ("counterpoint.dev/v1",)
TEMPLATES = ("scaffolder.backstage.io/v1beta3",)


@dataclass(frozen=True, slots=True)
class LooseReference:
    """A reference inside a document that another standard defines; text that is no reference is skipped."""

    path: tuple[str, ...]
    """Keys from `spec` down; `*` stands for every key of an object and every item of a list."""
    reference: Reference


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity."""

    name: str
    api_versions: tuple[str, ...]
    fields: tuple[Field, ...]
    loose: tuple[LooseReference, ...] = ()
    purpose: str = ""
    """What it stands for, in one line for people."""
    check: Callable[[Mapping[str, Any]], Iterable[Problem]] | None = None
    """What fields that are right in themselves say against each other."""
    expected: tuple[Field, ...] = ()
    """Fields of ours in a kind of Backstage's. What does not fit them is taken all the same, with a remark."""
    opt_in: bool = False
    """Whether it is taken only where the workspace takes kinds that nobody has registered."""


def _refers(
    name: str,
    default_kind: str | None,
    relation: str,
    inverse: str,
    *,
    required: bool = False,
    many: bool = False,
    default: str | None = None,
    lenient: bool = False,
    kinds: tuple[str, ...] = (),
) -> Field:
    return Field(
        name,
        "texts" if many else "text",
        required=required,
        reference=Reference(default_kind, relation, inverse, kinds),
        default=default,
        lenient=lenient,
    )


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


def _check_parameters(spec: Mapping[str, Any]) -> Iterator[Problem]:
    parameters = spec.get("parameters", {})
    pages = parameters if isinstance(parameters, list) else [parameters]
    if not all(isinstance(page, dict) for page in pages):
        yield Problem("parameters must be an object, or a list of objects.", "/spec/parameters")


def _check_ai_resource(spec: Mapping[str, Any]) -> Iterator[Problem]:
    yield from check_fields(AI_RESOURCES.get(spec["type"], ()), spec, "/spec")


def _check_size(spec: Mapping[str, Any]) -> Iterator[Problem]:
    size = spec.get("size") or {}
    if "min" in size and "max" in size and size["min"] > size["max"]:
        yield Problem(
            f"min is {size['min']:g} and max {size['max']:g}; min is the smaller.", "/spec/size/min"
        )


OWNER = _refers("owner", "Group", "ownedBy", "ownerOf", required=True)
SYSTEM = _refers("system", "System", "partOf", "hasPart")
DEPENDENCIES = (
    _refers("dependsOn", None, "dependsOn", "dependencyOf", many=True),
    _refers("dependencyOf", None, "dependencyOf", "dependsOn", many=True, lenient=True),
)
TYPE = Field("type", required=True)
LIFECYCLE = Field("lifecycle", required=True)
STEP = (
    Field("action", required=True, blank=True),
    Field("id", blank=True),
    Field("name", blank=True),
    Field("input", "object"),
)
AI_RESOURCES: Mapping[str, tuple[Field, ...]] = {
    "skill": (
        *(Field(name, "texts") for name in ("disciplines", "categories", "agents")),
        *(Field(name) for name in ("allowedTools", "license", "compatibility")),
    ),
    "rule": (
        Field("disciplines", "texts"),
        Field("category", required=True),
        Field("rationale", required=True),
    ),
    "plugin": (Field("skills", "texts", required=True), Field("version")),
    "marketplace": (Field("plugins", "texts", required=True), Field("version")),
}
"""What each type of AiResource has beside the common fields."""
PROFILE = Field("profile", "object", fields=(Field("displayName"), Field("email"), Field("picture")))
UNIT = (
    Field("mission"),
    Field("charter", "object", fields=(Field("usersServed"), Field("waysOfWorking"), Field("howToAskUs"))),
    Field("channels", "objects", fields=(Field("title", required=True), Field("url"))),
    Field("topology"),
)
"""What a unit says of itself beside what Backstage knows. Backstage lets further fields be, of any type."""
PURPOSE = _refers("purpose", "Purpose", "servesPurpose", "purposeServedBy")
METRIC = _refers("metric", "Metric", "measuredBy", "measures", required=True)
SUCCESS = Field("success", "objects", fields=(METRIC, Field("expect")))
UNITS = _refers("units", "Group", "appliesTo", "hasCustoms", many=True)
GUARDRAILS = Field("guardrails", "objects", fields=(METRIC, Field("margin", "number", minimum=0)))

_TABLE = (
    Kind(
        "Component",
        BACKSTAGE,
        (
            TYPE,
            LIFECYCLE,
            OWNER,
            SYSTEM,
            _refers("subcomponentOf", "Component", "partOf", "hasPart"),
            _refers("providesApis", "API", "providesApi", "apiProvidedBy", many=True),
            _refers("consumesApis", "API", "consumesApi", "apiConsumedBy", many=True),
            *DEPENDENCIES,
        ),
        purpose="A piece of software that somebody runs or ships.",
    ),
    Kind(
        "API",
        BACKSTAGE,
        (TYPE, LIFECYCLE, OWNER, Field("definition", required=True), SYSTEM),
        purpose="An interface that components provide and consume.",
    ),
    Kind(
        "Resource",
        BACKSTAGE,
        (TYPE, OWNER, SYSTEM, *DEPENDENCIES),
        purpose="What software needs to run: a database, a bucket, a queue.",
    ),
    Kind(
        "System",
        BACKSTAGE,
        (OWNER, _refers("domain", "Domain", "partOf", "hasPart"), Field("type")),
        purpose="Components and resources that serve one end together.",
    ),
    Kind(
        "Domain",
        BACKSTAGE,
        (OWNER, _refers("subdomainOf", "Domain", "partOf", "hasPart"), Field("type")),
        purpose="An area of the business.",
    ),
    Kind(
        "Group",
        BACKSTAGE,
        (
            TYPE,
            _refers("children", "Group", "parentOf", "childOf", required=True, many=True),
            _refers("parent", "Group", "childOf", "parentOf"),
            _refers("members", "User", "hasMember", "memberOf", many=True),
            PROFILE,
        ),
        expected=UNIT,
        purpose="A unit: any group of people, such as a squad, tribe, chapter or guild.",
    ),
    Kind(
        "User",
        BACKSTAGE,
        (_refers("memberOf", "Group", "memberOf", "hasMember", required=True, many=True), PROFILE),
        purpose="A person.",
    ),
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
            _refers("owner", "Group", "ownedBy", "ownerOf"),
        ),
        purpose="A type of unit: what it is called, on which axis it stands, which size is advised.",
        check=_check_size,
    ),
    Kind(
        "RoleKind",
        OURS,
        (Field("label", required=True), _refers("owner", "Group", "ownedBy", "ownerOf")),
        purpose="A role that somebody can have in a unit.",
    ),
    Kind(
        "Location",
        BACKSTAGE,
        (
            Field("type"),
            Field("target"),
            Field("targets", "texts"),
            Field("presence", choices=("required", "optional")),
        ),
        purpose="A place that descriptors are read from.",
    ),
    Kind(
        "Template",
        TEMPLATES,
        (
            TYPE,
            Field("steps", "objects", required=True, fields=STEP),
            Field("parameters", "any"),
            _refers("owner", "Group", "ownedBy", "ownerOf"),
            Field("lifecycle"),
            Field("secrets", "object"),
            Field("presentation", "object"),
            Field("output", "object"),
        ),
        purpose="A recipe that makes new software.",
        check=_check_parameters,
    ),
    Kind(
        "AiResource",
        BACKSTAGE[:1],
        (
            TYPE,
            LIFECYCLE,
            _refers("owner", "Group", "ownedBy", "ownerOf", required=True, kinds=("group", "user")),
            _refers("system", "System", "partOf", "hasPart", kinds=("system",)),
            *(
                _refers(name, "AiResource", relation, inverse, many=True, kinds=("airesource",))
                for name, relation, inverse in (
                    ("dependsOn", "dependsOn", "dependencyOf"),
                    ("skills", "hasPart", "partOf"),
                    ("plugins", "hasPart", "partOf"),
                )
            ),
        ),
        purpose="What tools that write code are given: a skill, a rule, a plugin, a marketplace.",
        check=_check_ai_resource,
        opt_in=True,
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
            _refers("beliefs", "Belief", "supportsBelief", "supportedByBet", many=True),
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
        (OWNER, Field("definition", "object", required=True), Field("bucketing", choices=("v2", "v3"))),
        loose=tuple(
            LooseReference((*start, "metadata", key), reference)
            for start in (("definition",), ("definition", "flags", "*"))
            for key, reference in (
                ("bet", Reference("Bet", "implementsBet", "implementedBy")),
                ("component", Reference("Component", "flagOf", "hasFlags")),
            )
        ),
        purpose="Flags that are defined and published together, in flagd's format.",
    ),
    Kind(
        "Experiment",
        OURS,
        (
            OWNER,
            _refers("bet", "Bet", "testsBet", "testedBy"),
            Field("flag", required=True),
            _refers("flagSet", "FlagSet", "exposedBy", "exposes", default="default"),
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
            _refers("bet", "Bet", "rollsOutBet", "rolledOutBy"),
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


def _as_backstage(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The same fields with Backstage's notion of text: one character at least, be it a space."""
    return tuple(replace(field, blank=True, fields=_as_backstage(field.fields)) for field in fields)


KINDS: Mapping[str, Kind] = {
    kind.name: kind if kind.api_versions == OURS else replace(kind, fields=_as_backstage(kind.fields))
    for kind in _TABLE
}
"""Every kind by its name as descriptors write it."""

_BY_LOWER = {kind.lower(): kind for kind in KINDS}
_UNKNOWN = (LooseReference(("owner",), Reference("Group", "ownedBy", "ownerOf")),)
"""The one relation that is made of a kind nobody has registered, where its owner is a reference."""


def canonical_kind(name: str) -> str:
    """The name as descriptors write it, for a name in any case; an unknown one is returned as it is."""
    return _BY_LOWER.get(name.lower(), name)


def kind_of(name: str) -> Kind:
    """What is known of a kind; of one that nobody has registered only that it may have an owner."""
    return KINDS.get(name) or Kind(name, (), (), loose=_UNKNOWN)


def _inverses() -> dict[str, str]:
    pairs: dict[str, str] = {}

    def add(fields: tuple[Field, ...]) -> None:
        for field in fields:
            if field.reference:
                pairs[field.reference.relation] = field.reference.inverse
                pairs[field.reference.inverse] = field.reference.relation
            add(field.fields)

    for kind in _TABLE:
        add(kind.fields)
        for loose in kind.loose:
            pairs[loose.reference.relation] = loose.reference.inverse
            pairs[loose.reference.inverse] = loose.reference.relation
    return pairs


INVERSES: Mapping[str, str] = _inverses()
"""The inverse of every relation, read off the table."""
