"""Decision records in tables that only grow: propose, ask for advice, give it, accept or reject, supersede."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, select

from counterpoint.bets.deciding.model import (
    Advice,
    AdviceKind,
    Content,
    DecisionRecord,
    DecisionState,
    Stance,
    Step,
    StepTaken,
    check_content,
    check_step,
    lacks,
    wants_reason,
)
from counterpoint.bets.deciding.tables import ADVICE, RECORDS, STEPS
from counterpoint.bets.deciding.words import keep_words
from counterpoint.bets.given import given_text
from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros

__all__ = [
    "GroundsWantedError",
    "advise",
    "all_records",
    "propose",
    "record",
    "records_of",
    "revise",
    "take_step",
]

RULE = "I8"
LONGEST = 10_000


class GroundsWantedError(InputError):
    """The unit asks for a reason where a decision is accepted without naming whom it affects or who knows."""

    def __init__(self, grounds: Collection[str]) -> None:
        problem = Problem("Say why; the decision is then accepted at once.", "/reason")
        super().__init__(f"This is yours to decide. {' '.join(grounds)}", [problem])
        self.grounds = tuple(grounds)


def propose(graph: Graph, content: Content, *, actor: Actor, at: datetime | None = None) -> DecisionRecord:
    """Put a decision into the log as proposed. Anybody may propose; the unit that it names decides.

    Raises:
        InputError: the content is not valid, its unit or bet does not exist, or it supersedes what is not its unit's.
    """
    with graph.write(actor, at=at) as writer:
        content = _checked(writer, content)
        number = (writer.connection.execute(select(func.max(RECORDS.c.number))).scalar() or 0) + 1
        _keep(writer, number, 1, content, "decision.proposed")
        return _kept(writer, number)


def revise(
    graph: Graph, number: int, content: Content, *, actor: Actor, version: int | None = None
) -> DecisionRecord:
    """Write an open decision anew; `version` is the one that was read. A decided one stays as it is.

    Raises:
        NotFoundError: there is no such decision.
        NotAllowedError: the actor neither proposed it nor belongs to the unit that decides.
        ConflictError: it was decided, or somebody else has changed it since.
        InputError: as `propose` says.
    """
    with graph.write(actor) as writer:
        found = _require(writer, number)
        _require_part(writer, found)
        if not found.state.open:
            raise ConflictError(
                f"The decision is {found.state.value} and keeps its words; propose another that takes its place."
            )
        if version not in (None, found.version):
            raise ConflictError(
                "Somebody has changed this decision since you opened it. Open it again and compare."
            )
        content = _checked(writer, content, number)
        if content != found.content:
            _keep(writer, number, found.version + 1, content, "decision.revised")
        return _kept(writer, number)


def advise(
    graph: Graph,
    number: int,
    kind: AdviceKind,
    text: str,
    *,
    actor: Actor,
    whom: str = "",
    stance: Stance = Stance.OPEN,
    at: datetime | None = None,
) -> DecisionRecord:
    """Ask somebody for advice, give it, or put dissent beside a decision. Anybody may give advice and dissent.

    Raises:
        NotFoundError: there is no such decision.
        NotAllowedError: advice is asked by one who neither proposed nor belongs to the unit that decides.
        ConflictError: advice is asked on what was decided.
        InputError: there is no text, or nobody is named who is asked, or they do not exist.
    """
    text = text.strip()
    with graph.write(actor, at=at) as writer:
        found = _require(writer, number)
        whom = _asked(writer, whom) if kind is AdviceKind.ASKED else ""
        _check_text(text)
        if kind is AdviceKind.ASKED:
            _require_part(writer, found)
            check_step(found.state, Step.ASK)
        if kind is AdviceKind.DISSENT:
            stance = Stance.AGAINST
        action = {
            AdviceKind.ASKED: "decision.advice_asked",
            AdviceKind.GIVEN: "decision.advised",
            AdviceKind.DISSENT: "decision.dissented",
        }[kind]
        told = {"decision": number, "title": found.content.title} | ({"whom": whom} if whom else {})
        activity = writer.record(action, _subject(found.content), after=told)
        row = {
            "seq": activity.seq,
            "number": number,
            "kind": kind.value,
            "whom": whom,
            "text": text,
            "stance": stance.value,
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(ADVICE).values(row))
        if kind is AdviceKind.ASKED and found.state is DecisionState.PROPOSED:
            _note(writer, found, Step.ASK, "", activity.seq, activity.at)
        return _kept(writer, number)


def take_step(
    graph: Graph,
    number: int,
    step: Step,
    *,
    actor: Actor,
    reason: str = "",
    at: datetime | None = None,
) -> DecisionRecord:
    """Accept or reject a decision; accepting one that supersedes another ends that one in the same moment.

    Raises:
        NotFoundError: there is no such decision.
        NotAllowedError: the actor does not belong to the unit that decides.
        ConflictError: it was decided already.
        InputError: it is accepted and does not say what was chosen.
        GroundsWantedError: the unit asks for a reason here; it is accepted as soon as there is one.
    """
    reason = given_text(reason, LONGEST, "/reason")
    if step not in (Step.ACCEPT, Step.REJECT):
        raise InputError("The step cannot be taken.", [Problem("Choose accept or reject.", "/step")])
    with graph.write(actor, at=at) as writer:
        found = _require(writer, number)
        writer.require_write(found.content.unit)
        after = check_step(found.state, step)
        if step is Step.ACCEPT:
            _require_chosen(found)
            policy = Customs(graph).read(writer, found.content.unit).policy(RULE)
            grounds = wants_reason(lacks(found), policy)
            if grounds and not reason:
                raise GroundsWantedError(grounds)
        told = {"decision": number, "title": found.content.title, "chosen": found.content.chosen}
        activity = writer.record(
            f"decision.{after.value}", _subject(found.content), after=told, reason=reason or None
        )
        _note(writer, found, step, reason, activity.seq, activity.at)
        if step is Step.ACCEPT and found.content.supersedes is not None:
            _supersede(writer, found)
        return _kept(writer, number)


def record(graph: Graph, number: int) -> DecisionRecord:
    """One decision with all that happened to it.

    Raises:
        NotFoundError: there is none.
    """
    with graph.read() as reader:
        return _require(reader, number)


def all_records(graph: Graph) -> tuple[DecisionRecord, ...]:
    """Every decision, newest first."""
    with graph.read() as reader:
        return records_of(reader)


def records_of(reader: Reader, numbers: Collection[int] | None = None) -> tuple[DecisionRecord, ...]:
    """The decisions with these numbers, or all, newest first."""
    wanted = None if numbers is None else sorted(set(numbers))

    def rows(table: Any) -> Iterable[Any]:
        query = select(table).order_by(table.c.seq)
        return reader.connection.execute(query if wanted is None else query.where(table.c.number.in_(wanted)))

    versions: dict[int, list[Any]] = {}
    for row in rows(RECORDS):
        versions.setdefault(row.number, []).append(row)
    steps: dict[int, list[Any]] = {}
    for row in rows(STEPS):
        steps.setdefault(row.number, []).append(row)
    advice: dict[int, list[Any]] = {}
    for row in rows(ADVICE):
        advice.setdefault(row.number, []).append(row)
    return tuple(
        _record(versions[number], steps.get(number, []), advice.get(number, []))
        for number in sorted(versions, reverse=True)
    )


def _record(versions: list[Any], steps: list[Any], advice: list[Any]) -> DecisionRecord:
    first, last = versions[0], versions[-1]
    state = DecisionState.PROPOSED
    for row in steps:
        state = check_step(state, Step(row.step))
    return DecisionRecord(
        number=last.number,
        version=last.version,
        state=state,
        content=msgspec.json.decode(last.content, type=Content),
        proposed_at=to_datetime(first.at),
        proposed_by=first.actor,
        advice=tuple(
            Advice(
                kind=AdviceKind(row.kind),
                whom=row.whom,
                text=row.text,
                stance=Stance(row.stance),
                actor=row.actor,
                at=to_datetime(row.at),
            )
            for row in advice
        ),
        steps=tuple(
            StepTaken(step=Step(row.step), reason=row.reason, actor=row.actor, at=to_datetime(row.at))
            for row in steps
        ),
        superseded_by=next((row.by_number for row in steps if row.by_number is not None), None),
    )


def _require(reader: Reader, number: int) -> DecisionRecord:
    found = records_of(reader, [number])
    if not found:
        raise NotFoundError(f"There is no decision {number}.")
    return found[0]


def _kept(writer: Writer, number: int) -> DecisionRecord:
    """A decision that was just written, whose words are kept as they are now."""
    found = _require(writer, number)
    keep_words(writer, found)
    return found


def _require_part(writer: Writer, found: DecisionRecord) -> None:
    """The one who proposed it, or who may decide it."""
    if writer.actor.ref != found.proposed_by:
        writer.require_write(found.content.unit)


def _require_chosen(found: DecisionRecord) -> None:
    if not found.content.chosen:
        options = ", ".join(option.title for option in found.content.options)
        hint = f": one of {options}" if options else ""
        raise InputError(
            "Say first what you decide.",
            [Problem(f"Write into the record what was chosen{hint}.", "/chosen")],
        )


def _supersede(writer: Writer, found: DecisionRecord) -> None:
    number = found.content.supersedes
    if number is None:
        return
    old = _require(writer, number)
    if old.state is not DecisionState.ACCEPTED:
        return
    told = {"decision": number, "title": old.content.title, "by": found.number}
    activity = writer.record("decision.superseded", _subject(old.content), after=told)
    _note(writer, old, Step.SUPERSEDE, "", activity.seq, activity.at, found.number)


def _note(
    writer: Writer,
    found: DecisionRecord,
    step: Step,
    reason: str,
    seq: int,
    at: datetime,
    by_number: int | None = None,
) -> None:
    row = {
        "seq": seq,
        "number": found.number,
        "step": step.value,
        "reason": reason,
        "by_number": by_number,
        "actor": writer.actor.ref,
        "at": to_micros(at),
    }
    writer.connection.execute(insert(STEPS).values(row))


def _keep(writer: Writer, number: int, version: int, content: Content, action: str) -> None:
    told = {"decision": number, "title": content.title, "version": version}
    activity = writer.record(action, _subject(content), after=told)
    row = {
        "seq": activity.seq,
        "number": number,
        "version": version,
        "unit": content.unit,
        "bet": content.bet,
        "content": msgspec.json.encode(content).decode(),
        "actor": activity.actor,
        "at": to_micros(activity.at),
    }
    writer.connection.execute(insert(RECORDS).values(row))


def _subject(content: Content) -> str:
    """What the activity log names: the bet that it is about, else the unit that decides."""
    return content.bet or content.unit


def _checked(writer: Writer, content: Content, number: int | None = None) -> Content:
    content = check_content(content)
    problems = []
    unit = _ref(content.unit, "Group")
    if unit is None or not writer.exists(unit):
        problems.append(Problem(f"There is no unit {content.unit!r}; choose one that exists.", "/unit"))
    bet = _ref(content.bet, "Bet") if content.bet else ""
    if bet is None or (bet and not writer.exists(bet)):
        problems.append(Problem(f"There is no bet {content.bet!r}; choose one that exists, or none.", "/bet"))
    if content.supersedes is not None:
        old = records_of(writer, [content.supersedes])
        if not old or content.supersedes == number:
            message = f"There is no decision {content.supersedes} that this could take the place of."
            problems.append(Problem(message, "/supersedes"))
        elif unit is not None and old[0].content.unit != unit:
            message = (
                f"Decision {content.supersedes} is of {old[0].content.unit}; only its own unit supersedes it."
            )
            problems.append(Problem(message, "/supersedes"))
    if problems:
        raise InputError("The decision cannot be kept.", problems)
    return msgspec.structs.replace(content, unit=unit or "", bet=bet or "")


def _asked(writer: Writer, whom: str) -> str:
    ref = _ref(whom.strip(), "Group") if whom.strip() else None
    person = _ref(whom.strip(), "User") if whom.strip() else None
    for found in (ref, person):
        if found is not None and writer.exists(found):
            return found
    message = f"There is no unit or person {whom!r}; name one that exists." if whom else "Name whom you ask."
    raise InputError("Nobody was asked.", [Problem(message, "/whom")])


def _check_text(text: str) -> None:
    if not text:
        raise InputError("Nothing was kept.", [Problem("Write a sentence at least.", "/text")])
    if len(text) > LONGEST:
        message = f"The text has {len(text):,} characters; {LONGEST:,} are the most."
        raise InputError("Nothing was kept.", [Problem(message, "/text")])


def _ref(text: str, kind: str) -> str | None:
    try:
        return str(parse_ref(text, default_kind=kind))
    except InputError:
        return None
