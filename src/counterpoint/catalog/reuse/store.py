"""Likely twins as people have judged them: the list, judgements, and taking one back."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from counterpoint.catalog.reuse.model import (
    VERDICTS,
    Judgement,
    Twin,
    Twins,
    Verdict,
    precision_of,
)
from counterpoint.catalog.reuse.standing import standing_of
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.similar.likeness import documentation_of, entity_of
from counterpoint.graph.similar.things import KINDS, Pair
from counterpoint.graph.tables import INTEGER, REAL, TEXT
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime
from counterpoint.spelling import quoted
from counterpoint.workspace import Workspace

__all__ = ["judge", "judgements", "twins", "twins_of", "undo"]

JUDGEMENTS = sa.Table(
    "reuse_judgements",
    sa.MetaData(),
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("first", TEXT, nullable=False),
    sa.Column("second", TEXT, nullable=False),
    sa.Column("verdict", TEXT, nullable=False),
    sa.Column("reason", TEXT, nullable=False),
    sa.Column("score", REAL),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("at", INTEGER, nullable=False),
    sa.Column("undone_by", TEXT),
    sa.Column("undone_at", INTEGER),
)
"""See migration 0007."""
REASON = 2_000
"""Characters of a reason."""
COMPARED = frozenset({kind.lower() for kind in KINDS} | {"documentation"})
"""What is compared, each with its own kind only."""


def twins(workspace: Workspace, *, owner: str = "", limit: int = 100) -> Twins:
    """Pairs that may be the same and that nobody has dismissed, the most alike first; of one owner, or of all."""
    wanted = str(parse_ref(owner, default_kind="Group")) if owner else None
    list_ = standing_of(workspace)
    pairs, holds = list_.at_hand()
    with workspace.graph.read() as reader:
        standing = {(each.first, each.second): each for each in _standing(reader)}
        shown = [
            pair
            for pair in pairs
            if (wanted is None or wanted in (pair.first.owner, pair.second.owner))
            and not _is_dismissed(standing.get((pair.first.ref, pair.second.ref)))
        ]
        titles = reader.titles(owner for pair in shown[:limit] for owner in _owners(pair))
    items = tuple(
        _twin(pair, standing.get((pair.first.ref, pair.second.ref)), titles) for pair in shown[:limit]
    )
    precision = precision_of(each.verdict for each in standing.values())
    return Twins(items, len(shown), precision, holds, list_.left_out)


def twins_of(workspace: Workspace, ref: str) -> tuple[Twin, ...]:
    """The pairs of the list at hand that one thing is in; nobody waits for a list."""
    pairs = [
        pair
        for pair in standing_of(workspace).at_hand(patience=0.0)[0]
        if ref in (pair.first.ref, pair.second.ref)
    ]
    if not pairs:
        return ()
    with workspace.graph.read() as reader:
        standing = {(each.first, each.second): each for each in _standing(reader)}
        titles = reader.titles(owner for pair in pairs for owner in _owners(pair))
    found = ((pair, standing.get((pair.first.ref, pair.second.ref))) for pair in pairs)
    return tuple(_twin(pair, said, titles) for pair, said in found if not _is_dismissed(said))


def judgements(workspace: Workspace, *, limit: int = 100) -> list[Judgement]:
    """What was said about pairs, newest first; what was taken back is left out."""
    with workspace.graph.read() as reader:
        return _standing(reader, limit=limit)


def judge(
    workspace: Workspace, first: str, second: str, verdict: str, reason: str, *, actor: Actor
) -> Judgement:
    """Record what somebody says about a pair; a later word about it takes the place of the earlier one.

    Who may change one of the two may say it: both units are concerned, and either knows.

    Raises:
        InputError: there is no such verdict, a dismissal has no reason, the two are one, or never compared.
        NotFoundError: one of them does not exist.
        NotAllowedError: the actor may change neither of the two.
    """
    one, other = sorted((_thing_ref(first), _thing_ref(second)))
    chosen, why = _checked(one, other, verdict, reason)
    scores = {
        (pair.first.ref, pair.second.ref): pair.likeness.score for pair in standing_of(workspace).at_hand()[0]
    }
    with workspace.graph.write(actor) as writer:
        _require_either(writer, one, other)
        _close(writer, one, other)
        row = {
            "id": uuid4().hex,
            "first": one,
            "second": other,
            "verdict": chosen,
            "reason": why,
            "score": scores.get((one, other)),
            "actor": actor.ref,
            "at": writer.now,
        }
        writer.connection.execute(sa.insert(JUDGEMENTS), row)
        for subject, twin in ((one, other), (other, one)):
            writer.record(f"twins.{chosen}", entity_of(subject), after={"with": twin}, reason=why or None)
        return _judgement(row | {"undone_by": None, "undone_at": None})


def undo(workspace: Workspace, judgement: str, *, actor: Actor) -> Judgement:
    """Take a judgement back, so that the pair is on the list again as if nobody had said anything.

    Raises:
        NotFoundError: there is none with this id.
        ConflictError: it was taken back already.
        NotAllowedError: the actor may change neither of the two.
    """
    with workspace.graph.write(actor) as writer:
        query = sa.select(JUDGEMENTS).where(JUDGEMENTS.c.id == judgement)
        row = writer.connection.execute(query).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no judgement {judgement[:40]!r}.")
        if row["undone_at"] is not None:
            raise ConflictError("The judgement was taken back already.")
        first, second = row["first"], row["second"]
        if row["actor"] != actor.ref:
            _require_either(writer, first, second)
        _close(writer, first, second)
        for subject, twin in ((first, second), (second, first)):
            before = {"with": twin, "verdict": row["verdict"]}
            writer.record("twins.reopened", entity_of(subject), before=before)
        return _judgement({**row, "undone_by": actor.ref, "undone_at": writer.now})


def _thing_ref(text: str) -> str:
    """The reference of a thing in full: an entity's, or that of its documentation."""
    ref = str(parse_ref(entity_of(text)))
    return ref if entity_of(text) == text else documentation_of(ref)


def _checked(one: str, other: str, verdict: str, reason: str) -> tuple[Verdict, str]:
    problems = []
    if one == other:
        problems.append(Problem("Both are the same entity; name two.", "/second"))
    if verdict not in VERDICTS:
        problems.append(Problem(f"{verdict!r} is no verdict; write {' or '.join(VERDICTS)}.", "/verdict"))
    why = " ".join(reason.replace("\x00", "").split())
    if verdict == "dismissed" and not why:
        problems.append(
            Problem("Say why they are not the same; whoever looks next will want to know.", "/reason")
        )
    if len(why) > REASON:
        problems.append(
            Problem(f"The reason has {len(why):,} characters; {REASON:,} are the most.", "/reason")
        )
    if problems:
        raise InputError("The judgement is not valid.", problems)
    return ("confirmed" if verdict == "confirmed" else "dismissed"), why


def _require_either(writer: Writer, one: str, other: str) -> None:
    entities = [entity_of(ref) for ref in (one, other)]
    for ref in entities:
        if not writer.exists(ref):
            raise NotFoundError(f"There is no {ref}.")
    sorts = {"documentation" if entity_of(ref) != ref else ref.partition(":")[0] for ref in (one, other)}
    if len(sorts) > 1 or not sorts <= COMPARED:
        message = (
            f"{one} and {other} are never compared, so they cannot be twins;"
            f" name two of one kind: {quoted(sorted(COMPARED))}."
        )
        raise InputError("The judgement is not valid.", [Problem(message, "/second")])
    try:
        writer.require_write(entities[0])
    except NotAllowedError:
        writer.require_write(entities[1])


def _close(writer: Writer, one: str, other: str) -> None:
    held = sa.and_(JUDGEMENTS.c.first == one, JUDGEMENTS.c.second == other, JUDGEMENTS.c.undone_at.is_(None))
    values = {"undone_at": writer.now, "undone_by": writer.actor.ref}
    writer.connection.execute(sa.update(JUDGEMENTS).where(held).values(**values))


def _standing(reader: Reader, *, limit: int | None = None) -> list[Judgement]:
    query = (
        sa.select(JUDGEMENTS)
        .where(JUDGEMENTS.c.undone_at.is_(None))
        .order_by(JUDGEMENTS.c.at.desc(), JUDGEMENTS.c.id)
        .limit(limit)
    )
    return [_judgement(row) for row in reader.connection.execute(query).mappings()]


def _judgement(row: Mapping[Any, Any]) -> Judgement:
    undone = row["undone_at"]
    return Judgement(
        id=row["id"],
        first=row["first"],
        second=row["second"],
        verdict=row["verdict"],
        reason=row["reason"],
        actor=row["actor"],
        at=to_datetime(row["at"]),
        score=row["score"],
        undone_by=row["undone_by"],
        undone_at=to_datetime(undone) if undone is not None else None,
    )


def _is_dismissed(judgement: Judgement | None) -> bool:
    return judgement is not None and judgement.verdict == "dismissed"


def _owners(pair: Pair) -> Iterable[str]:
    return (owner for owner in (pair.first.owner, pair.second.owner) if owner)


def _twin(pair: Pair, judgement: Judgement | None, titles: Mapping[str, str]) -> Twin:
    first, second = pair.first, pair.second
    owners = (first.owner or "", second.owner or "")
    return Twin(
        first=first.ref,
        second=second.ref,
        titles=(first.title, second.title),
        owners=owners,
        owner_titles=(titles.get(owners[0], ""), titles.get(owners[1], "")),
        kind=first.kind,
        likeness=pair.likeness,
        phrases=pair.phrases,
        judgement=judgement,
    )
