"""Evaluations of a recommender that are kept: in the activity log, for the pages, and as evidence on a bet.

What is kept says nothing of few listeners (the setting `[discover] least_listeners`). One that was made before somebody was forgotten is not
shown any more: their listening had a say in its means.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from counterpoint.discover.evaluating import BASELINE, Beside, Compared, Judged, compared
from counterpoint.discover.exposure import categories_of, makers_of
from counterpoint.discover.forgotten import FORGOTTEN
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.log import Log
from counterpoint.discover.plan import read_plan
from counterpoint.discover.protocol import Protocol
from counterpoint.errors import ConflictError, InputError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Activity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.writer import Writer
from counterpoint.moments import rfc3339
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = [
    "EVALUATED",
    "OFFERED",
    "KeptEvaluation",
    "evaluate_recommender",
    "newest_evaluation",
    "offer_evidence",
    "offer_newest",
    "require_evaluator",
    "sentence_of",
]

EVALUATED = "recommender.evaluated"
OFFERED = "evidence.offered"
"""What the room of bets reads as evidence: see `bets/inflow.py`."""
GENRES = 64
"""Genres that calibration is over, the most frequent; the rest counts as none."""


class KeptEvaluation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An evaluation as the activity log has it."""

    compared: Compared
    until: datetime
    """Events of later were left out."""
    digest: str
    """Of the listening that it was made from."""
    erasures: tuple[int, int]
    """How often somebody had been forgotten: by the journal, and by recommenders alone."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest evaluation that may be shown, and the entry that has it."""

    kept: KeptEvaluation
    entry: Activity


def evaluate_recommender(
    workspace: Workspace,
    actor: Actor,
    name: str,
    *,
    protocol: Protocol | None = None,
    methods: Sequence[str] = (),
    budget: float = 60.0,
    until: datetime | None = None,
    bet: str | None = None,
    said: Callable[[str], None] = lambda _: None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Compared, Activity]:
    """Compare methods on what a recommender's listeners heard, keep it, and offer it to a bet if one is named.

    Args:
        workspace: where it lives.
        actor: who asks; they may write the recommender, and the bet.
        name: the recommender's name or reference.
        protocol, methods, budget, advance: as `compared` takes them.
        until: events of later are left out; now without it.
        bet: whose risk of value it is evidence on.
        said: told in a line what is being done.

    Raises:
        NotFoundError: there is no such recommender, or no such bet.
        NotAllowedError: one of them is somebody else's.
        InputError: too few listeners had something held out, or an argument is out of its range.
        ConflictError: somebody was forgotten while it was made.
    """
    with workspace.graph.write(actor) as writer:  # refused now rather than after minutes of work
        entity, plan = read_plan(writer, name)
        require_evaluator(writer, entity.ref, bet)
    erasures = _erasures(workspace)
    heard = listening_of(workspace, entity.ref, plan, until=until)
    if not len(heard.listeners):
        raise InputError(
            f"Nothing that {entity.title} listens to is in the journal, so nothing can be held out."
        )
    log = Log(heard.matrix, heard.moments, heard.listeners, heard.items, heard.left_out)
    found = compared(
        log,
        protocol=protocol,
        methods=methods,
        budget=budget,
        categories=_genres(heard),
        makers=makers_of([heard.attributes.get(str(item), {}).get("artist", ()) for item in heard.items]),
        said=said,
        advance=advance,
    )
    least = workspace.settings.discover.least_listeners
    if found.rows < least:
        raise InputError(
            f"Too few listeners had something held out: of fewer than {least} nothing is told, since it would be about"
            " people rather than a recommender."
        )
    kept = KeptEvaluation(compared=found, until=heard.until, digest=heard.digest, erasures=erasures)
    with workspace.graph.write(actor) as writer:
        require_evaluator(writer, entity.ref, bet)
        if (
            _erasures(workspace) != erasures
        ):  # what the log keeps of it would be told after they are forgotten
            raise ConflictError(
                "Somebody was forgotten while it was made, and had a part in it; evaluate again."
            )
        entry = writer.record(EVALUATED, entity.ref, after=msgspec.to_builtins(kept))
        if bet is not None:
            offer_evidence(writer, bet, found, about=entity.ref, number=entry.seq)
    return found, entry


def newest_evaluation(workspace: Workspace, ref: str) -> Newest | None:
    """The newest evaluation of a recommender; none where somebody was forgotten since, or its form is not known any more."""
    with workspace.graph.read() as reader:
        entry = reader.newest_activity(EVALUATED, [ref]).get(ref)
    if entry is None:
        return None
    try:
        kept = msgspec.convert(entry.after, KeptEvaluation)
    except msgspec.ValidationError:
        return None
    return Newest(kept, entry) if kept.erasures == _erasures(workspace) else None


def offer_newest(workspace: Workspace, actor: Actor, name: str, bet: str) -> Activity:
    """Offer the newest evaluation of a recommender to a bet as evidence.

    Raises:
        NotFoundError: there is no such recommender or bet, or no evaluation yet.
        NotAllowedError: the bet is somebody else's.
    """
    with workspace.graph.read() as reader:
        entity, _ = read_plan(reader, name)
    newest = newest_evaluation(workspace, entity.ref)
    if newest is None:
        raise NotFoundError(
            f"{entity.title} has no evaluation that holds now; make one with: counterpoint discover evaluate"
            f" {entity.name} --bet {parse_ref(bet, default_kind='bet').short}"
        )
    with workspace.graph.write(actor) as writer:
        return offer_evidence(writer, bet, newest.kept.compared, about=entity.ref, number=newest.entry.seq)


def offer_evidence(
    writer: Writer, bet: str, found: Compared, *, about: str, number: int | None = None
) -> Activity:
    """Tell the activity log of a bet what an evaluation says of its value; a later one about the same takes its place.

    `about` names what was evaluated, `number` the reading of it.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the writer's actor may not change it.
    """
    ref = _require_bet(writer, bet)
    writer.require_write(ref)
    recommender = about if about.startswith("recommender:") else None
    told: dict[str, Any] = {
        "risk": "value",
        "method": "offline",
        "direction": direction_of(found),
        "sample": found.rows or None,
        "note": sentence_of(found),
        "source": f"{about}#{number if number is not None else rfc3339(datetime.now(UTC))}",
    }
    if recommender:
        told["link"] = f"/discover/{parse_ref(recommender).namespace}/{parse_ref(recommender).name}"
    return writer.record(OFFERED, ref, after=told)


def direction_of(found: Compared) -> str:
    """What it says of the bet: for it where the best method surely finds more than what everybody hears would."""
    if not found.methods:
        return "unclear"
    difference = _decisive(found)
    if difference is None:
        return "unclear"
    if found.methods[0].method == BASELINE:
        return "against" if difference.low > 0 else "unclear"
    return "for" if difference.low > 0 else "unclear"


def _decisive(found: Compared) -> Beside | None:
    """The best beside popularity; or where that is the best, popularity beside the next."""
    best: Judged = found.methods[0]
    if best.method != BASELINE:
        return best.beside_popularity
    return found.methods[1].behind if len(found.methods) > 1 else None


def sentence_of(found: Compared) -> str:
    """What came out, in a sentence with its figures."""
    if not found.methods:
        return "Nothing was compared."
    best, difference = found.methods[0], _decisive(found)
    recall = best.recall.measured()
    said = (
        f"Of {found.rows:,} listeners, {best.method} finds {_percent(recall.mean)}"
        f" ({_percent(recall.low)} to {_percent(recall.high)}) of what was held out in {found.places} places"
        f" ({found.split})"
    )
    if difference is None:
        return f"{said}. Nothing was compared with it."
    other = BASELINE if best.method != BASELINE else found.methods[1].method
    chance = "p < 0.001" if difference.p < 0.001 else f"p {difference.p:.2g}"
    return (
        f"{said}, {_points(difference.recall)} points more than {other}, tuned as hard"
        f" ({_points(difference.low)} to {_points(difference.high)}, {chance})."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _points(share: float) -> str:
    return f"{share * 100:.1f}".replace("-", "−")


def _erasures(workspace: Workspace) -> tuple[int, int]:
    alone = sum(each.count for each in workspace.journal.counts() if each.type == FORGOTTEN)
    return len(workspace.journal.erasures()), alone


def _genres(heard: Listened) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Items by their most frequent genres; none where no item has one."""
    listed = [heard.attributes.get(str(item), {}).get("genre", ()) for item in heard.items]
    counts: dict[str, int] = {}
    for genres in listed:
        for genre in genres:
            counts[genre] = counts.get(genre, 0) + 1
    known = set(sorted(counts, key=lambda genre: (-counts[genre], genre))[:GENRES])
    if not known:
        return None
    return categories_of([[genre for genre in genres if genre in known] for genres in listed])[0]


def require_evaluator(writer: Writer, ref: str, bet: str | None) -> None:
    """Raises `NotAllowedError` where the writer's actor may not change the recommender or the bet."""
    writer.require_write(ref)
    if bet is not None:
        writer.require_write(_require_bet(writer, bet))


def _require_bet(reader: Reader, name: str) -> str:
    ref = parse_ref(name, default_kind="bet")
    if ref.kind != "bet":
        raise InputError(f"{ref} is no bet; write its name, or bet:{ref.namespace}/{ref.name}.")
    if not reader.exists(ref):
        names = [parse_ref(each.ref).short for each in reader.find(kind="Bet", limit=1000).items]
        raise NotFoundError(f"There is no bet {ref.short}{near(ref.short, names) or '.'}")
    return str(ref)
