"""What a bet lacks before it leaves a stage. Advice informs; nothing in Counterpoint waits for it."""

from collections.abc import Iterable, Sequence

import msgspec

from counterpoint.bets.model import (
    Answer,
    Bet,
    ExitStance,
    Known,
    KnownRisk,
    Party,
    Reading,
    Risk,
    Stage,
    State,
)
from counterpoint.bets.readiness import Readiness
from counterpoint.bets.risks import RiskView
from counterpoint.practices import LIMITS
from counterpoint.said import Said

__all__ = ["Advice", "Load", "advice", "known"]


class Advice(msgspec.Struct, frozen=True):
    """Something that a bet lacks before it leaves a stage: what, why it helps, how to add it. Never a gate."""

    code: str
    before: Stage
    """The stage that this is best done before."""
    missing: Said
    why: Said
    how: Said
    pointer: str = ""
    rule: str = ""
    """The soft rule that it belongs to; a policy pack says what passing over it asks for."""


PURPOSE = Advice(
    "purpose",
    Stage.BUILD,
    "No purpose",
    "Whoever knows what a bet is for can decide without asking.",
    "Name a purpose, or a belief that serves one.",
    "/spec/purpose",
    rule="I5",
)
BELIEF = Advice(
    "belief",
    Stage.BUILD,
    "No belief",
    "A bet that traces to a belief can be re-read when the belief changes.",
    "Name at least one belief that it rests on.",
    "/spec/beliefs",
    rule="I5",
)
LIVE = Advice(
    "live-belief",
    Stage.BUILD,
    "Every belief that it rests on is past its date",
    "A bet on what nobody has read again may rest on nothing.",
    "Read one of them again and give it a new date, or name another.",
    "/spec/beliefs",
    rule="I5",
)
HYPOTHESIS = Advice(
    "hypothesis",
    Stage.BUILD,
    "No hypothesis",
    "Without one, any result can be told as a success.",
    "Write: We believe … will … for … because …",
    "/spec/hypothesis",
    rule="I4",
)
SUCCESS = Advice(
    "success",
    Stage.BUILD,
    "No success metric",
    "The squad agrees now, before any figure is known, on what would count as having worked.",
    "Choose one metric and say how it should move.",
    "/spec/success",
    rule="I4",
)
KILL = Advice(
    "kill",
    Stage.BUILD,
    "No kill criterion",
    "It is easier to stop when the squad wrote down beforehand what would stop it.",
    "Write what you would have to see to stop.",
    "/spec/kill",
    rule="I4",
)
VALUE = Advice(
    "value-evidence",
    Stage.BUILD,
    "No evidence of value yet",
    "Building is the dearest stage; a cheap test of value first saves most of it.",
    "Test a prototype or an offline evaluation, and write down what you saw among the evidence.",
    rule="I1",
)
GUARDRAIL = Advice(
    "guardrail",
    Stage.SHIP,
    "No guardrail",
    "A change can win on its own metric and cost more elsewhere.",
    "Choose a metric that must not get worse, and by how much at most.",
    "/spec/guardrails",
    rule="I2",
)
FLAG = Advice(
    "flag",
    Stage.SHIP,
    "No flag belongs to this bet",
    "A flag lets a few people have it first, and takes it back within seconds.",
    "Give a flag the metadata entry `bet` with this bet's reference.",
    rule="I2",
)
ON_CALL = Advice(
    "on-call",
    Stage.SHIP,
    "Nobody is known to be on call for it",
    "When it breaks for a few, whoever finds out first should know whom to call.",
    "Say so on its unit or on the component of its flag: the annotation `counterpoint.dev/on-call` takes a person, "
    "a rota or an address; those of PagerDuty, Opsgenie, Splunk and Grafana count too.",
    rule="I2",
)
READOUT = Advice(
    "readout",
    Stage.TWEAK,
    "Neither an experiment nor the guardrails of a rollout have been read",
    "Only a readout of success and guardrails says whether it is ready for everyone.",
    "Read an experiment that names this bet, or let its rollout be checked against its guardrails.",
    rule="I3",
)


def _unmeasured(titles: Sequence[str]) -> Advice:
    return Advice(
        "instrumentation",
        Stage.SHIP,
        f"Nothing measures yet: {', '.join(repr(title) for title in titles)}",
        "What nobody measures can be seen neither to work nor to do harm.",
        "Define each as a metric of the catalogue, and send the event that it is computed from.",
        rule="I2",
    )


STANCES = Advice(
    "stances",
    Stage.BUILD,
    "Squad and sponsor have not both answered the exit question",
    "Whoever builds without knowing what the other thinks finds out later, when it is dear.",
    "Answer it beside the stage, each for one side, with a reason.",
    rule="I1",
)


class Load(msgspec.Struct, frozen=True):
    """How many active bets a unit has, and how many at most it is advised to have."""

    active: int
    most: int


def _too_many(load: Load) -> Advice:
    return Advice(
        "load",
        Stage.BUILD,
        f"The unit has {load.active} active bets; {load.most} at most are advised",
        LIMITS["betsAtOnce"].reason,
        "Pause or end one of them, or set another limit among the unit's practices.",
        rule="I6",
    )


def _dissent(stances: Sequence[ExitStance]) -> Iterable[Advice]:
    for each in stances:
        if each.answer is Answer.NO:
            who = "The squad" if each.side is Party.SQUAD else "The sponsor"
            yield Advice(
                f"dissent-{each.side.value}",
                Stage.BUILD if each.stage is Stage.THINK else list(Stage)[min(each.stage.rank + 1, 3)],
                f"{who} answered the exit question with no",
                "A doubt that is heard before the next stage costs least.",
                "Talk about it. Whoever goes on all the same says why, and both stances stay beside the decision.",
                rule="I1",
            )


def _expired(titles: Sequence[str], stage: Stage) -> Advice:
    return Advice(
        "expired-belief",
        list(Stage)[min(stage.rank + 1, 3)],
        f"Past their date: {', '.join(repr(title) for title in titles)}",
        "What was believed for a while is worth reading again before more is built on it.",
        "Read each belief again: give it a new date, or change it.",
        rule="I10",
    )


def advice(
    bet: Bet,
    readings: Sequence[Reading],
    *,
    ready: Readiness | None = None,
    traced: bool | None = None,
    load: Load | None = None,
    risks: Sequence[RiskView] | None = None,
    stances: Sequence[ExitStance] | None = None,
    expired: Sequence[str] = (),
) -> tuple[Advice, ...]:
    """What the bet lacks before its next stage, and what it should have had before this one.

    `ready` is what was looked up around the bet, `traced` whether a purpose is reached, by itself or by a belief,
    `load` counts the bets of its unit, `risks` and `stances` are what the evidence and both sides say; None where
    that was not looked up. `expired` are the beliefs past their date. A closed bet needs nothing.
    """
    if bet.state.closed:
        return ()
    thinking = bet.stage is Stage.THINK
    both = {each.side for each in stances or ()} == set(Party)
    lacks = (
        (PURPOSE, not (bet.purpose if traced is None else traced)),
        (BELIEF, not bet.beliefs),
        (LIVE, bool(bet.beliefs) and len(expired) >= len(bet.beliefs)),
        (HYPOTHESIS, not bet.hypothesis),
        (SUCCESS, not bet.success),
        (KILL, not bet.kill),
        (VALUE, thinking and not _knows_value(readings, risks)),
        (STANCES, thinking and stances is not None and not both),
        (GUARDRAIL, not bet.guardrails),
        (FLAG, ready is not None and not ready.flags),
        (ON_CALL, ready is not None and not ready.on_call),
        (READOUT, not readings and not (ready and ready.guardrails_read)),
    )
    found = [item for item, lacking in lacks if lacking and item.before.rank <= bet.stage.rank + 1]
    if ready is not None and ready.unmeasured and bet.stage is not Stage.THINK:
        found.append(_unmeasured(ready.unmeasured))
    found += _dissent(stances or ())
    if expired:
        found.append(_expired(expired, bet.stage))
    if load is not None and bet.state is State.ACTIVE and load.active > load.most:
        found.append(_too_many(load))
    return tuple(found)


def _knows_value(readings: Sequence[Reading], risks: Sequence[RiskView] | None) -> bool:
    """Whether there is evidence of value of strength 2 or more, whichever way it points."""
    if risks is None:
        return bool(readings)
    value = next(view for view in risks if view.risk is Risk.VALUE)
    return value.strongest is not None and value.strongest >= 2


def known(
    bet: Bet,
    readings: Sequence[Reading],
    missing: Iterable[Advice],
    overrides: Iterable[str],
    *,
    risks: Iterable[RiskView] = (),
    evidence: Iterable[str] = (),
    stances: Iterable[ExitStance] = (),
) -> Known:
    """The snapshot that a decision keeps; newest reading first."""
    return Known(
        etag=bet.etag,
        readings=tuple(sorted(readings, key=lambda reading: reading.at, reverse=True)),
        advice=tuple(item.missing for item in missing),
        overrides=tuple(overrides),
        risks=tuple(
            KnownRisk(
                risk=view.risk, level=view.level.value, supporting=view.supporting, opposing=view.opposing
            )
            for view in risks
        ),
        evidence=tuple(evidence),
        stances=tuple(stances),
    )
