"""The line of sight of bets: purpose, beliefs, the bet, its flags, its experiments and their newest readings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from counterpoint.bets.advice import Advice, Load, advice
from counterpoint.bets.model import Bet, Decision, Reading, State, mapping, newest, read_bet
from counterpoint.errors import InputError
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["FlagNode", "Line", "MeasureNode", "Node", "TestNode", "load_of", "read_lines"]

READ = "experiment.read"
"""What the experiments room calls a reading in the activity log."""
OUTWARD = ("servesPurpose", "supportsBelief", "implementedBy", "testedBy", "measuredBy")
"""Relations of a bet that its line follows."""


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
    """Relative: 0.01 is one per cent."""


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


def read_lines(
    reader: Reader,
    bets: Sequence[Entity],
    decisions: Mapping[str, tuple[Decision, ...]] | None = None,
    load: Load | None = None,
) -> tuple[Line, ...]:
    """Follow the relations of Bet entities through the graph, in the same order.

    `decisions` are the recorded ones by bet, newest first; without them the lines end at the verdict.
    `load` is that of the unit that owns the bets, where somebody has counted it.
    """
    refs = {ref for bet in bets for ref in (bet.owner, *_targets(bet, *OUTWARD)) if ref}
    found = reader.get_many(refs)
    through_beliefs = {
        ref for entity in found.values() if entity.kind == "Belief" for ref in entity.targets("servesPurpose")
    }
    found |= reader.get_many(through_beliefs - found.keys())
    reads = reader.newest_activity(READ, [ref for bet in bets for ref in bet.targets("testedBy")])
    return tuple(_line(bet, found, reads, (decisions or {}).get(bet.ref, ()), load) for bet in bets)


def load_of(reader: Reader, owner: str | None, most: int) -> Load | None:
    """How many active bets a unit has, against what it is advised."""
    if owner is None:
        return None
    bets = (read_bet(entity) for entity in reader.all(kind="Bet", owner=owner))
    return Load(sum(bet.state is State.ACTIVE for bet in bets), most)


def _line(
    entity: Entity,
    found: Mapping[str, Entity],
    reads: Mapping[str, Activity],
    decisions: tuple[Decision, ...],
    load: Load | None,
) -> Line:
    bet = read_bet(entity)
    beliefs = _targets(entity, "supportsBelief")
    through = [ref for belief in beliefs if belief in found for ref in found[belief].targets("servesPurpose")]
    flags = tuple(
        flag for ref in _targets(entity, "implementedBy") for flag in _flags(found.get(ref), bet.ref)
    )
    tests = tuple(_test(found, reads.get(ref), ref) for ref in _targets(entity, "testedBy"))
    readings = tuple(test.reading for test in tests if test.reading)
    return Line(
        bet=bet,
        owner=_node(found, bet.owner) if bet.owner else None,
        purposes=tuple(
            _node(found, ref) for ref in dict.fromkeys([*_targets(entity, "servesPurpose"), *through])
        ),
        beliefs=tuple(_node(found, ref) for ref in beliefs),
        measures=tuple(_measures(found, bet)),
        flags=flags,
        tests=tests,
        advice=advice(bet, readings, flags=len(flags), load=load),
        decisions=decisions,
    )


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
    of_set = mapping(definition.get("metadata")).get("bet")
    for key, flag in flags_by_key(definition).items():
        named = mapping(flag.get("metadata")).get("bet", of_set)
        if _reference(named, "Bet", flag_set.namespace) != bet:
            continue
        yield FlagNode(
            flag_set=flag_set.name,
            key=key,
            state=str(flag.get("state") or ""),
            default_variant=str(flag.get("defaultVariant") or ""),
            variants=tuple(map(str, mapping(flag.get("variants")))),
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
        reading=_reading(node, read) if read else None,
    )


def _reading(experiment: Node, entry: Activity) -> Reading:
    detail = dict(mapping(entry.after))
    return Reading(
        experiment=experiment.ref,
        seq=entry.seq,
        title=experiment.title,
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
