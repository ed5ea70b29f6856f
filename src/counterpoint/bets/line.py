"""The line of sight of one bet: purpose, beliefs, the bet, its flags, its experiments and their newest readings."""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterpoint.bets.advice import Advice, advice
from counterpoint.bets.model import Bet, Decision, Reading, newest, read_bet
from counterpoint.errors import InputError
from counterpoint.graph import Reader
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref

__all__ = ["FlagNode", "Line", "MeasureNode", "Node", "TestNode", "read_line", "readings_of"]


class Node(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entity on the line. `exists` is false where a reference leads to nothing yet."""

    ref: str
    title: str
    text: str = ""
    exists: bool = True


class MeasureNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A metric with what the bet says of it: an expectation or a margin."""

    metric: Node
    role: str
    """`success` or `guardrail`."""
    expect: str = ""
    margin: float = 0.0
    direction: str = ""
    unit: str = ""


class FlagNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A flag that names the bet."""

    flag_set: str
    """Name of the flag set, as in the address of the flag's page."""
    key: str
    state: str
    default_variant: str = ""
    variants: tuple[str, ...] = ()


class TestNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An experiment that tests the bet, and its newest reading if anybody has asked for one."""

    __test__ = False  # not a test of ours

    experiment: Node
    flag_set: str
    flag: str
    reading: Reading | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that the page of a bet shows, from purpose to decision."""

    bet: Bet
    owner: Node | None
    purposes: tuple[Node, ...] = ()
    beliefs: tuple[Node, ...] = ()
    measures: tuple[MeasureNode, ...] = ()
    flags: tuple[FlagNode, ...] = ()
    tests: tuple[TestNode, ...] = ()
    advice: tuple[Advice, ...] = ()
    decisions: tuple[Decision, ...] = ()
    """Newest first."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The newest reading of each experiment that has one."""
        return tuple(test.reading for test in self.tests if test.reading)

    @property
    def verdict(self) -> Reading | None:
        """The reading that was asked for last."""
        return newest(self.readings)


def read_line(reader: Reader, entity: Entity, decisions: tuple[Decision, ...] = ()) -> Line:
    """Follow the relations of a Bet entity through the graph."""
    bet = read_bet(entity)
    beliefs = [_entity_node(reader, ref, "statement") for ref in _targets(entity, "supportsBelief")]
    flags = tuple(flag for ref in _targets(entity, "implementedBy") for flag in _flags(reader, ref, bet.ref))
    tests = tuple(_test(reader, ref) for ref in _targets(entity, "testedBy"))
    readings = tuple(test.reading for test in tests if test.reading)
    return Line(
        bet=bet,
        owner=_entity_node(reader, bet.owner)[0] if bet.owner else None,
        purposes=_purposes(reader, entity, [found for _, found in beliefs if found]),
        beliefs=tuple(node for node, _ in beliefs),
        measures=_measures(reader, bet),
        flags=flags,
        tests=tests,
        advice=advice(bet, readings, flags=len(flags)),
        decisions=decisions,
    )


def readings_of(reader: Reader, entity: Entity) -> tuple[Reading, ...]:
    """The newest reading of each experiment that tests the bet."""
    found = (_reading(reader, ref, title="") for ref in _targets(entity, "testedBy"))
    return tuple(reading for reading in found if reading)


def _targets(entity: Entity, relation: str) -> list[str]:
    return list(dict.fromkeys(item.target for item in entity.relations if item.type == relation))


def _entity_node(reader: Reader, ref: str, text: str = "") -> tuple[Node, Entity | None]:
    found = reader.get(ref)
    if found is None:
        return Node(ref=ref, title=parse_ref(ref).name, exists=False), None
    words = str(found.spec.get(text) or "") if text else found.description
    return Node(ref=found.ref, title=found.title or found.name, text=words), found


def _purposes(reader: Reader, entity: Entity, beliefs: list[Entity]) -> tuple[Node, ...]:
    own = _targets(entity, "servesPurpose")
    through = [ref for belief in beliefs for ref in _targets(belief, "servesPurpose")]
    return tuple(_entity_node(reader, ref, "statement")[0] for ref in dict.fromkeys(own + through))


def _measures(reader: Reader, bet: Bet) -> tuple[MeasureNode, ...]:
    wanted = [(item.metric, "success", item.expect, 0.0) for item in bet.success]
    wanted += [(item.metric, "guardrail", "", item.margin) for item in bet.guardrails]
    nodes = []
    for metric, role, expect, margin in wanted:
        try:
            ref = str(parse_ref(metric, default_kind="Metric", default_namespace=bet.namespace))
        except InputError:
            continue
        node, found = _entity_node(reader, ref)
        spec: Mapping[str, Any] = found.spec if found else {}
        nodes.append(
            MeasureNode(
                metric=node,
                role=role,
                expect=expect,
                margin=margin,
                direction=str(spec.get("direction") or ""),
                unit=str(spec.get("unit") or ""),
            )
        )
    return tuple(nodes)


def _flags(reader: Reader, ref: str, bet: str) -> list[FlagNode]:
    """The flags of one set that name the bet, or all of them where the set itself names it."""
    found = reader.get(ref)
    definition = found.spec.get("definition") if found else None
    flags = definition.get("flags") if isinstance(definition, Mapping) else None
    if found is None or not isinstance(definition, Mapping) or not isinstance(flags, Mapping):
        return []
    of_set = _names(definition.get("metadata"), bet, found.namespace)
    nodes = []
    for key, flag in flags.items():
        if not isinstance(flag, Mapping):
            continue
        own = flag.get("metadata")
        names_another = isinstance(own, Mapping) and "bet" in own
        if _names(own, bet, found.namespace) or (of_set and not names_another):
            variants = flag.get("variants")
            nodes.append(
                FlagNode(
                    flag_set=found.name,
                    key=str(key),
                    state=str(flag.get("state") or ""),
                    default_variant=str(flag.get("defaultVariant") or ""),
                    variants=tuple(map(str, variants)) if isinstance(variants, Mapping) else (),
                )
            )
    return nodes


def _names(metadata: object, bet: str, namespace: str) -> bool:
    named = metadata.get("bet") if isinstance(metadata, Mapping) else None
    if not isinstance(named, str):
        return False
    try:
        return str(parse_ref(named, default_kind="Bet", default_namespace=namespace)) == bet
    except InputError:
        return False


def _test(reader: Reader, ref: str) -> TestNode:
    node, found = _entity_node(reader, ref)
    spec: Mapping[str, Any] = found.spec if found else {}
    flag_set = parse_ref(str(spec.get("flagSet") or "default"), default_kind="FlagSet").name
    return TestNode(
        experiment=node,
        flag_set=flag_set,
        flag=str(spec.get("flag") or ""),
        reading=_reading(reader, ref, node.title),
    )


def _reading(reader: Reader, ref: str, title: str) -> Reading | None:
    found = reader.activity(subject=ref, action="experiment.read", limit=1)
    if not found or not isinstance(found[0].after, Mapping):
        return None
    after = dict(found[0].after)
    return Reading(
        experiment=ref,
        title=title or _entity_node(reader, ref)[0].title,
        at=found[0].at,
        verdict=str(after.get("verdict") or ""),
        sentence=str(after.get("sentence") or ""),
        detail=after,
    )
