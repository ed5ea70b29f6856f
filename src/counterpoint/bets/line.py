"""The line of sight of bets: purpose, beliefs, the bet, its flags, its experiments and their newest readings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from counterpoint.bets.advice import Advice, Load, advice
from counterpoint.bets.evidence import Evidence
from counterpoint.bets.model import (
    Bet,
    Decision,
    ExitStance,
    Reading,
    State,
    day_of,
    mapping,
    newest,
    read_bet,
)
from counterpoint.bets.readiness import Readiness, on_call_of, readouts_of, unmeasured_of
from counterpoint.bets.risks import RiskView, read_risks
from counterpoint.errors import InputError
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.moments import today_utc

__all__ = [
    "READ",
    "BeliefNode",
    "FlagNode",
    "Line",
    "MeasureNode",
    "Node",
    "TestNode",
    "load_of",
    "read_lines",
    "reading_of",
    "traced_bets",
]

READ = "experiment.read"
"""What the experiments room calls a reading in the activity log."""
OUTWARD = (
    *("servesPurpose", "supportsBelief", "restsOnInsight", "worksTowards"),
    *("implementedBy", "testedBy", "rolledOutBy", "measuredBy"),
    *("hasContributor", "sponsoredBy", "ledBy"),
)
"""Relations of a bet that its line follows."""


class Node(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entity on the line. `exists` is false where a reference leads to nothing yet."""

    ref: str
    title: str
    text: str = ""
    exists: bool = True


class BeliefNode(Node, frozen=True, kw_only=True, rename="camel"):
    """A belief with how sure those who hold it are, and until when."""

    confidence: float | None = None
    """0 to 1."""
    expires: date | None = None
    """The day after which it is to be read again."""

    def expired(self, today: date) -> bool:
        """Whether it is past its date."""
        return self.expires is not None and self.expires < today


class MeasureNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A metric with what the bet says of it: an expectation or a margin."""

    metric: Node
    role: str
    """`success` or `guardrail`."""
    expect: str = ""
    margin: float = 0.0
    """Relative: 0.01 is one per cent."""


class FlagNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A flag that names the bet."""

    flag_set: str
    """Name of the flag set, as in the address of the flag's page."""
    key: str
    state: str
    default_variant: str = ""
    variants: tuple[str, ...] = ()
    component: str = ""
    """Reference of the component that the flag says it is of; empty where it says none."""


class TestNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An experiment that tests the bet, and its newest reading if anybody has asked for one."""

    experiment: Node
    flag_set: str
    flag: str
    reading: Reading | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that the page of a bet shows, from purpose to decision."""

    bet: Bet
    owner: Node | None
    purposes: tuple[Node, ...] = ()
    """The bet's own first, then those of its beliefs."""
    beliefs: tuple[BeliefNode, ...] = ()
    measures: tuple[MeasureNode, ...] = ()
    flags: tuple[FlagNode, ...] = ()
    tests: tuple[TestNode, ...] = ()
    advice: tuple[Advice, ...] = ()
    decisions: tuple[Decision, ...] = ()
    """Newest first."""
    insights: tuple[Node, ...] = ()
    """The bet's own first, then those of its beliefs."""
    data: tuple[Node, ...] = ()
    goals: tuple[Node, ...] = ()
    contributors: tuple[Node, ...] = ()
    sponsor: Node | None = None
    trio: tuple[Node, ...] = ()
    rollouts: tuple[Node, ...] = ()
    risks: tuple[RiskView, ...] = ()
    stances: tuple[ExitStance, ...] = ()
    """The newest answer of each side to the exit question, since the bet entered its stage."""

    @property
    def traced(self) -> bool:
        """Whether the line reaches a purpose that exists; a bet whose line does not traces to nothing."""
        return any(node.exists for node in self.purposes)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The newest reading of each experiment that has one."""
        return tuple(test.reading for test in self.tests if test.reading)

    @property
    def verdict(self) -> Reading | None:
        """The reading that was asked for last."""
        return newest(self.readings)


def read_lines(
    reader: Reader,
    bets: Sequence[Entity],
    decisions: Mapping[str, tuple[Decision, ...]] | None = None,
    load: Load | None = None,
    *,
    evidence: Mapping[str, tuple[Evidence, ...]] | None = None,
    stances: Mapping[str, tuple[ExitStance, ...]] | None = None,
    today: date | None = None,
    sent: Collection[str] | None = None,
) -> tuple[Line, ...]:
    """Follow the relations of Bet entities through the graph, in the same order.

    `decisions` are the recorded ones by bet, newest first; without them the lines end at the verdict.
    `load` is that of the unit that owns the bets, where somebody has counted it; `evidence` and `stances`
    are those of each bet, where somebody has read them, and `sent` the types of events that the journal has seen.
    Beliefs are past their date as of `today`.
    """
    refs = {ref for bet in bets for ref in (bet.owner, *_targets(bet, *OUTWARD)) if ref}
    found = reader.get_many(refs)
    found |= _beyond(reader, found, "servesPurpose", of="Belief")
    found |= _beyond(reader, found, "restsOnInsight", of="Belief")
    found |= _beyond(reader, found, "drawnFrom", of="Insight")
    found |= _beyond(reader, found, "flagOf", of="FlagSet")
    found |= _beyond(reader, found, "computedFrom", of="Metric")
    rollouts = [ref for bet in bets for ref in bet.targets("rolledOutBy")]
    around = _Around(found, readouts_of(reader, rollouts), sent, today or today_utc())
    reads = reader.newest_activity(READ, [ref for bet in bets for ref in bet.targets("testedBy")])
    return tuple(
        _line(
            bet,
            around,
            reads,
            (decisions or {}).get(bet.ref, ()),
            load,
            None if evidence is None else evidence.get(bet.ref, ()),
            None if stances is None else stances.get(bet.ref, ()),
        )
        for bet in bets
    )


def traced_bets(reader: Reader, bets: Sequence[Entity]) -> frozenset[str]:
    """Those of the bets whose line reaches a purpose that exists, as `Line.traced` says of a line that was read."""
    found = reader.get_many({ref for bet in bets for ref in bet.targets("supportsBelief")})
    purposes = {bet.ref: _with(found, bet, "servesPurpose", _targets(bet, "supportsBelief")) for bet in bets}
    there = reader.get_many({ref for named in purposes.values() for ref in named}).keys()
    return frozenset(ref for ref, named in purposes.items() if there & set(named))


def _beyond(reader: Reader, found: Mapping[str, Entity], relation: str, *, of: str) -> dict[str, Entity]:
    """What the entities of a kind lead to that is not there yet."""
    further = {ref for entity in found.values() if entity.kind == of for ref in entity.targets(relation)}
    return dict(reader.get_many(further - found.keys()))


def load_of(reader: Reader, owner: str | None, most: int) -> Load | None:
    """How many active bets a unit has, against what it is advised."""
    if owner is None:
        return None
    bets = (read_bet(entity) for entity in reader.all(kind="Bet", owner=owner))
    return Load(sum(bet.state is State.ACTIVE for bet in bets), most)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the lines of all bets of a page are read from."""

    found: Mapping[str, Entity]
    readouts: frozenset[str]
    """Rollouts of which a guardrail has been read."""
    sent: Collection[str] | None
    today: date


def _line(
    entity: Entity,
    around: _Around,
    reads: Mapping[str, Activity],
    decisions: tuple[Decision, ...],
    load: Load | None,
    evidence: tuple[Evidence, ...] | None,
    stances: tuple[ExitStance, ...] | None,
) -> Line:
    found = around.found
    bet = read_bet(entity)
    beliefs = _targets(entity, "supportsBelief")
    insights = _with(found, entity, "restsOnInsight", beliefs)
    flags = tuple(
        flag for ref in _targets(entity, "implementedBy") for flag in _flags(found.get(ref), entity.ref)
    )
    tests = tuple(_test(found, reads.get(ref), ref) for ref in _targets(entity, "testedBy"))
    readings = tuple(test.reading for test in tests if test.reading)
    held = tuple(_belief(found, ref) for ref in beliefs)
    risks = read_risks(bet, evidence or ())
    sponsor = next(iter(entity.targets("sponsoredBy")), None)

    def nodes(refs: Iterable[str]) -> tuple[Node, ...]:
        return tuple(_node(found, ref) for ref in refs)

    purposes = nodes(_with(found, entity, "servesPurpose", beliefs))
    return Line(
        bet=bet,
        owner=_node(found, bet.owner) if bet.owner else None,
        purposes=purposes,
        beliefs=held,
        measures=tuple(_measures(found, bet)),
        flags=flags,
        tests=tests,
        advice=advice(
            bet,
            readings,
            ready=_ready(around, entity, bet, flags),
            traced=any(node.exists for node in purposes),
            load=load,
            risks=None if evidence is None else risks,
            stances=stances,
            expired=[node.title for node in held if node.expired(around.today)],
        ),
        decisions=decisions,
        insights=nodes(insights),
        data=nodes(
            dict.fromkeys(
                ref for each in insights if each in found for ref in found[each].targets("drawnFrom")
            )
        ),
        goals=nodes(_targets(entity, "worksTowards")),
        contributors=nodes(_targets(entity, "hasContributor")),
        sponsor=_node(found, sponsor) if sponsor else None,
        trio=nodes(_targets(entity, "ledBy")),
        rollouts=nodes(_targets(entity, "rolledOutBy")),
        risks=risks,
        stances=stances or (),
    )


def _ready(around: _Around, entity: Entity, bet: Bet, flags: Sequence[FlagNode]) -> Readiness:
    found = around.found
    metrics = {
        name: found.get(_reference(name, "Metric", bet.namespace) or "")
        for name in (*(each.metric for each in bet.success), *(each.metric for each in bet.guardrails))
    }
    called = dict.fromkeys(ref for ref in (bet.owner, *(flag.component for flag in flags)) if ref)
    return Readiness(
        flags=len(flags),
        unmeasured=unmeasured_of(bet, metrics, found, around.sent),
        on_call=on_call_of(found[ref] for ref in called if ref in found),
        guardrails_read=not around.readouts.isdisjoint(entity.targets("rolledOutBy")),
    )


def _with(found: Mapping[str, Entity], entity: Entity, relation: str, through: Iterable[str]) -> list[str]:
    """What a bet names itself, then what its beliefs lead to; each once."""
    further = (ref for each in through if each in found for ref in found[each].targets(relation))
    return list(dict.fromkeys([*entity.targets(relation), *further]))


def _targets(entity: Entity, *relations: str) -> list[str]:
    return list(dict.fromkeys(target for relation in relations for target in entity.targets(relation)))


def _node(found: Mapping[str, Entity], ref: str) -> Node:
    entity = found.get(ref)
    if entity is None:
        return Node(ref=ref, title=parse_ref(ref).name, exists=False)
    return Node(
        ref=ref,
        title=entity.title or entity.name,
        text=str(entity.spec.get("statement") or entity.description),
    )


def _belief(found: Mapping[str, Entity], ref: str) -> BeliefNode:
    spec = found[ref].spec if ref in found else {}
    confidence = spec.get("confidence")
    return BeliefNode(
        **msgspec.structs.asdict(_node(found, ref)),
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        expires=day_of(spec.get("expires")),
    )


def _measures(found: Mapping[str, Entity], bet: Bet) -> Iterable[MeasureNode]:
    wanted = [(item.metric, "success", item.expect, 0.0) for item in bet.success]
    wanted += [(item.metric, "guardrail", "", item.margin) for item in bet.guardrails]
    for metric, role, expect, margin in wanted:
        ref = _reference(metric, "Metric", bet.namespace)
        if ref:
            yield MeasureNode(metric=_node(found, ref), role=role, expect=expect, margin=margin)


def _flags(flag_set: Entity | None, bet: str) -> Iterable[FlagNode]:
    """The flags of a set that name the bet, and all that name none where the set itself names it."""
    definition = mapping(flag_set.spec.get("definition")) if flag_set else {}
    if flag_set is None:
        return
    of_set = mapping(definition.get("metadata"))
    for key, flag in flags_by_key(definition).items():
        said = {**of_set, **mapping(flag.get("metadata"))}
        if _reference(said.get("bet"), "Bet", flag_set.namespace) != bet:
            continue
        yield FlagNode(
            flag_set=flag_set.name,
            key=key,
            state=str(flag.get("state") or ""),
            default_variant=str(flag.get("defaultVariant") or ""),
            variants=tuple(map(str, mapping(flag.get("variants")))),
            component=_reference(said.get("component"), "Component", flag_set.namespace) or "",
        )


def _test(found: Mapping[str, Entity], read: Activity | None, ref: str) -> TestNode:
    node, entity = _node(found, ref), found.get(ref)
    spec: Mapping[str, Any] = entity.spec if entity else {}
    flag_set = _reference(
        spec.get("flagSet") or "default", "FlagSet", entity.namespace if entity else "default"
    )
    return TestNode(
        experiment=node,
        flag_set=parse_ref(flag_set).name if flag_set else "",
        flag=str(spec.get("flag") or ""),
        reading=reading_of(node.ref, node.title, read) if read else None,
    )


def reading_of(experiment: str, title: str, entry: Activity) -> Reading:
    """The reading of an experiment that an entry of the activity log holds."""
    detail = dict(mapping(entry.after))
    return Reading(
        experiment=experiment,
        seq=entry.seq,
        title=title,
        at=entry.at,
        verdict=str(detail.get("verdict") or ""),
        sentence=str(detail.get("sentence") or ""),
        detail={key: value for key, value in detail.items() if key not in ("verdict", "sentence")},
    )


def _reference(text: object, kind: str, namespace: str) -> str | None:
    """A canonical reference, or none where the text is not one."""
    try:
        return (
            str(parse_ref(text, default_kind=kind, default_namespace=namespace))
            if isinstance(text, str)
            else None
        )
    except InputError:
        return None
