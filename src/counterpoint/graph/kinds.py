"""Every kind of entity: Backstage's and ours, with fields, references and relations."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from counterpoint.errors import Problem
from counterpoint.graph.fields import Field, Reference, check_fields
from counterpoint.graph.kind import OURS, OWNER, TYPE, Kind, LooseReference, refers
from counterpoint.graph.own_kinds import OWN_KINDS

__all__ = ["BACKSTAGE", "INVERSES", "KINDS", "OURS", "Kind", "LooseReference", "canonical_kind", "kind_of"]

BACKSTAGE = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
TEMPLATES = ("scaffolder.backstage.io/v1beta3",)


def _check_parameters(spec: Mapping[str, Any]) -> Iterator[Problem]:
    parameters = spec.get("parameters", {})
    pages = parameters if isinstance(parameters, list) else [parameters]
    if not all(isinstance(page, dict) for page in pages):
        yield Problem("parameters must be an object, or a list of objects.", "/spec/parameters")


def _check_ai_resource(spec: Mapping[str, Any]) -> Iterator[Problem]:
    yield from check_fields(AI_RESOURCES.get(spec["type"], ()), spec, "/spec")


SYSTEM = refers("system", "System", "partOf", "hasPart")
DEPENDENCIES = (
    refers("dependsOn", None, "dependsOn", "dependencyOf", many=True),
    refers("dependencyOf", None, "dependencyOf", "dependsOn", many=True, lenient=True),
)
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

_TABLE = (
    Kind(
        "Component",
        BACKSTAGE,
        (
            TYPE,
            LIFECYCLE,
            OWNER,
            SYSTEM,
            refers("subcomponentOf", "Component", "partOf", "hasPart"),
            refers("providesApis", "API", "providesApi", "apiProvidedBy", many=True),
            refers("consumesApis", "API", "consumesApi", "apiConsumedBy", many=True),
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
        (OWNER, refers("domain", "Domain", "partOf", "hasPart"), Field("type")),
        purpose="Components and resources that serve one end together.",
    ),
    Kind(
        "Domain",
        BACKSTAGE,
        (OWNER, refers("subdomainOf", "Domain", "partOf", "hasPart"), Field("type")),
        purpose="An area of the business.",
    ),
    Kind(
        "Group",
        BACKSTAGE,
        (
            TYPE,
            refers("children", "Group", "parentOf", "childOf", required=True, many=True),
            refers("parent", "Group", "childOf", "parentOf"),
            refers("members", "User", "hasMember", "memberOf", many=True),
            PROFILE,
        ),
        expected=UNIT,
        purpose="A unit: any group of people, such as a squad, tribe, chapter or guild.",
    ),
    Kind(
        "User",
        BACKSTAGE,
        (refers("memberOf", "Group", "memberOf", "hasMember", required=True, many=True), PROFILE),
        purpose="A person.",
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
            refers("owner", "Group", "ownedBy", "ownerOf"),
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
            refers("owner", "Group", "ownedBy", "ownerOf", required=True, kinds=("group", "user")),
            refers("system", "System", "partOf", "hasPart", kinds=("system",)),
            *(
                refers(name, "AiResource", relation, inverse, many=True, kinds=("airesource",))
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
    *OWN_KINDS,
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
