"""What the pages show of an entity: its relations in words, its facts, its history."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from counterpoint.catalog.flow import NEEDED_BY, NEEDS, Flow
from counterpoint.errors import InputError, Problem
from counterpoint.graph.entity import Entity
from counterpoint.graph.kinds import canonical_kind
from counterpoint.said import Said
from counterpoint.web.charts import Node, RelationGroup, layer_diagram, relation_diagram
from counterpoint.web.urls import entity_url, ref_parts

__all__ = [
    "Related",
    "Section",
    "diagram",
    "ends",
    "facts",
    "flow_diagram",
    "has_flow",
    "moment_of",
    "origin",
    "practised",
    "sections",
    "spec_rows",
]

LABELS = {
    "ownedBy": "Owned by",
    "ownerOf": "Owns",
    "partOf": "Part of",
    "hasPart": "Consists of",
    "childOf": "Belongs to",
    "parentOf": "Units in it",
    "memberOf": "Member of",
    "hasMember": "Members",
    "providesApi": "Provides",
    "apiProvidedBy": "Provided by",
    "consumesApi": "Consumes",
    "apiConsumedBy": "Consumed by",
    "dependsOn": "Depends on",
    "dependencyOf": "Needed by",
    "servesPurpose": "Serves",
    "purposeServedBy": "Served by",
    "supportsBelief": "Rests on",
    "supportedByBet": "Bets that rest on it",
    "measuredBy": "Measured by",
    "measures": "Measures",
    "computedFrom": "Computed from",
    "computedInto": "Part of the ratio",
    "informs": "Informs decisions on",
    "informedBy": "Informed by",
    "shows": "Shows",
    "shownOn": "Shown on",
    "implementsBet": "Carries out",
    "implementedBy": "Carried out by",
    "flagOf": "Flags of",
    "hasFlags": "Flags",
    "hasFlagsOf": "Has flags of",
    "ownsFlagsIn": "Owns flags in",
    "promotesTo": "Is promoted to",
    "promotedFrom": "Is promoted from",
    "testsBet": "Tests",
    "testedBy": "Tested by",
    "exposedBy": "Exposed by",
    "exposes": "Exposes",
}
"""A relation in words, read from the entity that lists it."""
ORDER = tuple(LABELS)
KIND_ORDER = (
    "purpose",
    "goal",
    "belief",
    "bet",
    "experiment",
    "system",
    "component",
    "api",
    "resource",
    "domain",
    "metric",
    "dashboard",
    "flagset",
)
"""The order of what an owner owns: what it wants, tries and runs."""
LISTED = {
    "Group": frozenset({"ownerOf", "hasMember", "parentOf", "childOf"}),
    "User": frozenset({"ownerOf", "memberOf"}),
    "System": frozenset({"hasPart"}),
    "Domain": frozenset({"hasPart"}),
}
"""Relations that the page of a kind lists in full, so that the diagram need not repeat them."""
BESIDE = frozenset({"ownedBy", "partOf", "childOf", "memberOf"})
"""Relations that every page says beside it: a diagram of these alone would tell nothing new."""
LEFT = frozenset(
    {
        "ownedBy",
        "partOf",
        "childOf",
        "memberOf",
        "dependencyOf",
        "apiConsumedBy",
        "apiProvidedBy",
        "servesPurpose",
    }
    | {"supportsBelief", "implementsBet", "testsBet", "flagOf"}
)
"""What stands to the left in the diagram: what an entity is of, or for."""
UNIT_LABEL = "Measured in"
"""The label of a metric's `unit`: a unit of people is something else."""
FLOW = frozenset({*NEEDS, *NEEDED_BY})
HIDDEN = frozenset({"owner", "type", "lifecycle", "definition", "profile", "steps"})
"""Fields of a spec that the page shows in a place of their own."""
MOST = 200
"""Other ends of one relation that a page lists; ten thousand would be megabytes that nobody reads."""
SAFE = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Related:
    """The other end of a relation."""

    ref: str
    title: str
    exists: bool
    type: str = ""
    description: str = ""
    lifecycle: str = ""

    @property
    def kind(self) -> str:
        """The kind, in lower case."""
        return ref_parts(self.ref)[0]

    @property
    def kind_name(self) -> str:
        """The kind as people write it."""
        return canonical_kind(self.kind)

    @property
    def rank(self) -> int:
        """The place of its kind in what an owner owns."""
        return KIND_ORDER.index(self.kind) if self.kind in KIND_ORDER else len(KIND_ORDER)


@dataclass(frozen=True, slots=True)
class Section:
    """All that stands in one relation to an entity."""

    relation: str
    label: Said
    items: tuple[Related, ...]
    """The first `MOST` of them."""
    total: int = 0


def ends(entity: Entity) -> dict[str, list[str]]:
    """The other ends of each relation that a page shows: the first `MOST`, by the order of their kinds."""
    found: dict[str, list[str]] = {}
    for edge in entity.relations:
        found.setdefault(edge.type, []).append(edge.target)
    return {each: sorted(refs, key=_place)[:MOST] for each, refs in found.items()}


def sections(entity: Entity, known: Mapping[str, Entity]) -> list[Section]:
    """The relations of an entity by type, in a fixed order; `known` holds the other ends that exist."""
    totals = Counter(edge.type for edge in entity.relations)
    found = {name: [_related(ref, known.get(ref)) for ref in refs] for name, refs in ends(entity).items()}
    ordered = sorted(found, key=lambda each: (ORDER.index(each) if each in LABELS else len(ORDER), each))
    return [
        Section(
            each,
            LABELS.get(each) or _words(each),
            tuple(sorted(found[each], key=_rank)),
            totals[each],
        )
        for each in ordered
    ]


def practised(sections: Iterable[Section], hides: Callable[[str], bool]) -> list[Section]:
    """The sections without what belongs to practices that are switched off; `hides` says so of a kind."""
    kept = [(each, tuple(item for item in each.items if not hides(item.kind_name))) for each in sections]
    return [
        replace(each, items=items, total=each.total - len(each.items) + len(items))
        for each, items in kept
        if items
    ]


def _place(ref: str) -> tuple[int, str]:
    kind = ref_parts(ref)[0]
    return (KIND_ORDER.index(kind) if kind in KIND_ORDER else len(KIND_ORDER), ref)


def _rank(item: Related) -> tuple[int, str, str]:
    return (item.rank, item.kind, item.title.lower())


def _related(ref: str, entity: Entity | None) -> Related:
    if entity is None:
        return Related(ref, ref_parts(ref)[2], exists=False)
    spec = entity.spec
    texts = (str(spec.get("type") or ""), entity.description, str(spec.get("lifecycle") or ""))
    return Related(ref, entity.title, exists=True, type=texts[0], description=texts[1], lifecycle=texts[2])


def _words(name: str) -> str:
    """A field or relation as words: `implementedBy` becomes "Implemented by"."""
    return UNIT_LABEL if name == "unit" else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def diagram(entity: Entity, shown: Iterable[Section], kind: str = "") -> Any:
    """The relations as a diagram; empty where there are none. `kind` is what people call the entity's kind."""
    drawn = [section for section in shown if section.relation not in LISTED.get(entity.kind, ())]
    if all(section.relation in BESIDE for section in drawn):
        return relation_diagram(Node(entity.title), (), title="")
    groups = [
        RelationGroup(
            section.label,
            tuple(
                Node(item.title, entity_url(item.ref) if item.exists else None, item.kind)
                for item in section.items
            ),
            "left" if section.relation in LEFT else "right",
            total=section.total,
            rest=f"#relation-{section.relation}",
        )
        for section in drawn
    ]
    return relation_diagram(
        Node(entity.title, kind=kind or entity.kind), groups, title=f"Relations of {entity.title}", limit=6
    )


def has_flow(shown: Iterable[Section]) -> bool:
    """Whether it needs anything, or anything needs it, so that a second step can be looked at."""
    return any(section.relation in FLOW for section in shown)


def flow_diagram(entity: Entity, flow: Flow) -> Any:
    """What the entity needs and what needs it, two steps far, as a diagram."""
    left, right = flow
    return layer_diagram(
        Node(entity.title, kind=entity.kind),
        left,
        right,
        title=f"What {entity.title} needs, and what needs it",
    )


def facts(entity: Entity) -> list[tuple[str, str]]:
    """Short facts that have no relation: type, address, and so on."""
    spec = entity.spec
    profile = spec.get("profile") if isinstance(spec.get("profile"), dict) else {}
    rows = [("Type", spec.get("type")), ("Email", (profile or {}).get("email")), ("Reference", entity.ref)]
    return [(label, str(value)) for label, value in rows if value]


def spec_rows(entity: Entity, shown: Iterable[Section]) -> list[tuple[str, str]]:
    """Fields of the spec that nothing else on the page shows, as words and text."""
    names = {
        part for section in shown for item in section.items for part in (item.ref, ref_parts(item.ref)[2])
    }
    rows = []
    for name, value in entity.spec.items():
        if name in HIDDEN or value in (None, "", [], {}):
            continue
        if isinstance(value, bool):
            rows.append((_words(name), "Yes" if value else "No"))
        elif isinstance(value, str | int | float) and str(value).lower() not in names:
            rows.append((_words(name), str(value)))
    return rows


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entity was read from."""

    location: str
    root: str
    orphan: bool
    view: str | None
    edit: str | None


def origin(entity: Entity) -> Origin:
    """Where an entity comes from, by its annotations; addresses that are not of the web are left out."""
    annotations = entity.metadata.get("annotations") or {}
    location = str(annotations.get("backstage.io/managed-by-location") or entity.location or "")
    root = str(annotations.get("backstage.io/managed-by-origin-location") or "")
    return Origin(
        location.removeprefix("file:"),
        root.removeprefix("file:") if root != location else "",
        annotations.get("backstage.io/orphan") == "true",
        _address(annotations.get("backstage.io/view-url")),
        _address(annotations.get("backstage.io/edit-url")),
    )


def _address(text: Any) -> str | None:
    return text if isinstance(text, str) and urlsplit(text).scheme in SAFE else None


def moment_of(text: str, name: str = "at") -> datetime:
    """The moment that `?at=` means, or another parameter of this name: the end of a day (UTC), or a moment in RFC 3339.

    Raises:
        InputError: it is neither.
    """
    try:
        if len(text) <= len("2026-05-03"):
            return datetime.combine(date.fromisoformat(text), time(), UTC) + timedelta(
                days=1, microseconds=-1
            )
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"{name} is {text[:40]!r}; write a date such as 2026-05-03, or a moment such as 2026-05-03T12:00:00Z"
        raise InputError("The date is not valid.", [Problem(message, f"/{name}")]) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
