"""Bets that have ended: what they taught, who is thanked for them, and how bets get through the stages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from counterpoint.bets.decision_log import decisions_by_bet
from counterpoint.bets.follow_ups import FollowUp, follow_ups_of
from counterpoint.bets.line import Line
from counterpoint.bets.model import Decision, read_bet
from counterpoint.bets.required import require_bet
from counterpoint.bets.survival import StageSurvival, Stay, stays_of, survival
from counterpoint.bets.whole import read_whole
from counterpoint.errors import ConflictError, InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.search import has_words, words_of
from counterpoint.graph.store import Graph

__all__ = ["Ended", "Learned", "Thanks", "keep_learning", "read_learned", "thank", "thanks_of"]

THANKED = "bet.thanked"
LONGEST = 10_000
LONGEST_NOTE = 500
NEVER = datetime.min.replace(tzinfo=UTC)
MOST = 200
"""Thanks for one bet that are shown."""


class Thanks(msgspec.Struct, frozen=True):
    """That somebody said thank you for a bet."""

    actor: str
    at: datetime
    note: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A bet that has ended, with what it taught."""

    line: Line
    decision: Decision | None = None
    """The one that closed it; none where its document has always said that it is closed."""
    thanks: tuple[Thanks, ...] = ()


class Learned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the bets of an organisation taught."""

    ended: tuple[Ended, ...]
    overrides: tuple[FollowUp, ...]
    """Overrides from which somebody has learned."""
    survival: tuple[StageSurvival, ...]
    titles: Mapping[str, str]
    """Titles of what it names, by reference."""


def keep_learning(graph: Graph, ref: str, learned: str, *, actor: Actor) -> None:
    """Keep in the bet's own text what it taught, where the search finds it.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: there is no text, or it is too long.
    """
    learned = learned.strip()
    if not 0 < len(learned) <= LONGEST:
        message = f"Write what was learned, in {LONGEST} characters at most; these are {len(learned)}."
        raise InputError("It cannot be kept.", [Problem(message, "/learned")])
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        writer.put({**entity.document, "spec": {**entity.spec, "learned": learned}})


def thank(graph: Graph, ref: str, *, actor: Actor, note: str = "") -> None:
    """Thank those who made a bet that has ended; a second time changes nothing. Everybody may.

    Raises:
        NotFoundError: there is no such bet.
        ConflictError: the bet has not ended.
        InputError: the note is too long.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        message = f"The note has {len(note)} characters; {LONGEST_NOTE} are the most."
        raise InputError("The thanks cannot be kept.", [Problem(message, "/note")])
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        if not read_bet(entity).state.closed:
            raise ConflictError(f"{entity.ref} goes on; thanks are for bets that have ended.")
        if not writer.activity(subject=entity.ref, action=THANKED, actor=actor.ref, limit=1):
            writer.record(THANKED, entity.ref, reason=note or None)


def thanks_of(reader: Reader, ref: str) -> tuple[Thanks, ...]:
    """Who thanked for a bet, first to last."""
    entries: Sequence[Activity] = reader.activity(subject=ref, action=THANKED, limit=MOST)
    return tuple(Thanks(entry.actor, entry.at, entry.reason or "") for entry in reversed(entries))


def read_learned(graph: Graph, *, words: str = "") -> Learned:
    """What ended bets taught, newest first; with `words` those that have each of them somewhere."""
    with graph.read() as reader:
        bets = reader.all(kind="Bet")
        decisions = decisions_by_bet(reader, [bet.ref for bet in bets])
        closed = [bet for bet in bets if read_bet(bet).state.closed]
        if words.strip():
            closed = [bet for bet in closed if _has(bet, decisions.get(bet.ref, ()), words)]
        ended = sorted(
            (
                Ended(line=line, decision=_closing(line.decisions), thanks=thanks_of(reader, line.bet.ref))
                for line in read_whole(reader, closed)
            ),
            key=lambda each: (each.decision is not None, _when(each), each.line.bet.ref),
            reverse=True,
        )
        learned = tuple(each for each in follow_ups_of(reader) if each.learned)
        named = {thanks.actor for each in ended for thanks in each.thanks}
        named |= {each.decision.actor for each in ended if each.decision}
        named |= {each.bet for each in learned}
        return Learned(
            ended=tuple(ended),
            overrides=learned,
            survival=survival(_stays(reader, bets, decisions)),
            titles=reader.titles(named),
        )


def _when(each: Ended) -> datetime:
    return each.decision.at if each.decision else each.line.bet.updated_at or NEVER


def _closing(decisions: Sequence[Decision]) -> Decision | None:
    return next((each for each in decisions if each.state_after.closed), None)


def _has(bet: Entity, decisions: Sequence[Decision], words: str) -> bool:
    reasons = " ".join(each.reason for each in decisions)
    return has_words({**bet.document, "spec": {**bet.spec, "reasons": reasons}}, words_of(words))


def _stays(
    reader: Reader, bets: Sequence[Entity], decisions: Mapping[str, tuple[Decision, ...]]
) -> list[Stay]:
    made = reader.newest_activity("entity.created", [bet.ref for bet in bets])
    found: list[Stay] = []
    for entity in bets:
        bet, pitched = read_bet(entity), made.get(entity.ref)
        own = decisions.get(entity.ref, ())[::-1]
        found += stays_of(bet.ref, own, pitched.at if pitched else None, bet.stage, bet.state)
    return found
