"""Evidence that flows in by itself: what other rooms have put into the activity log about a bet.

Four kinds of entries are read, each by what it says of itself, so that no room calls another:

- `experiment.read`, about an experiment that names the bet: evidence on value;
- `rollout.ended`, about a rollout that names the bet, with `{"outcome", "sentence", "users"}`;
- `feedback.settled`, about the bet, where a piece of feedback was taken as `evidence` about a risk;
- `evidence.offered`, about the bet itself, with the fields of `EvidenceInput` and a `source`: any room may
  write one in the transaction of its own change, as for interviews, feedback or offline evaluations.

What is read here counts as soon as it is in the log. A decision also writes it down among the evidence, so
that the record keeps what it saw.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

import msgspec
import sqlalchemy as sa

from counterpoint.bets.evidence import Direction, Evidence, EvidenceInput, Method, checked
from counterpoint.bets.line import READ, reading_of
from counterpoint.bets.model import Reading, Risk, Stance, mapping
from counterpoint.errors import InputError
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import activity, decode
from counterpoint.moments import to_datetime

__all__ = ["ENDED", "OFFERED", "flowing"]

ENDED = "rollout.ended"
OFFERED = "evidence.offered"
SETTLED = "feedback.settled"
ENDS = (ENDED, "rollout.completed", "rollout.rolled-back", "rollout.stopped")
"""Entries that say how a rollout ended: by their outcome, or by their name."""
OF_STANCE = {
    Stance.FOR: Direction.FOR,
    Stance.AGAINST: Direction.AGAINST,
    Stance.OPEN: Direction.UNCLEAR,
}
OF_OUTCOME = {
    "completed": Direction.FOR,
    "rolled back": Direction.AGAINST,
    "stopped": Direction.AGAINST,
}
MOST_OFFERED = 5_000
"""Offered pieces of evidence that are read for one page of bets."""


def flowing(reader: Reader, bets: Sequence[Entity]) -> dict[str, tuple[Evidence, ...]]:
    """The evidence in the activity log about each of the bets that has any, by the bet's reference."""
    tests = {ref: bet.ref for bet in bets for ref in bet.targets("testedBy")}
    rollouts = {ref: bet.ref for bet in bets for ref in bet.targets("rolledOutBy")}
    found: dict[str, list[Evidence]] = defaultdict(list)
    reads = reader.newest_activity(READ, tests)
    titles = reader.titles(reads)
    for ref, entry in reads.items():
        found[tests[ref]].append(_of_reading(tests[ref], reading_of(ref, titles.get(ref, ref), entry), entry))
    ends = [entry for action in ENDS for entry in reader.newest_activity(action, rollouts).values()]
    newest = {entry.subject: entry for entry in sorted(ends, key=lambda each: each.seq)}
    for ref, entry in newest.items():
        found[rollouts[ref]].append(_of_rollout(rollouts[ref], entry))
    for entry in _offered(reader, [bet.ref for bet in bets]):
        found[entry.subject] += _of_offer(entry)
    return {bet: tuple(rows) for bet, rows in found.items()}


def _of_reading(bet: str, reading: Reading, entry: Activity) -> Evidence:
    arms = reading.detail.get("arms")
    users = [mapping(arm).get("users") for arm in arms] if isinstance(arms, list) else []
    sample = sum(number for number in users if isinstance(number, int))
    valid = "invalid" not in reading.verdict.casefold()
    return Evidence(
        id=f"{entry.subject}#{entry.seq}",
        bet=bet,
        risk=Risk.VALUE,
        method=Method.EXPERIMENT,
        direction=OF_STANCE[reading.stance],
        strength=4 if valid else 0,  # the figures of an invalid experiment are no evidence
        sample=sample or None,
        date=entry.at.astimezone(UTC).date(),
        note=f"{reading.title}: {reading.sentence}" if reading.sentence else reading.title,
        at=entry.at,
        actor=entry.actor,
        source=f"{entry.subject}#{entry.seq}",
    )


def _of_rollout(bet: str, entry: Activity) -> Evidence:
    told: Mapping[str, object] = mapping(entry.after)
    named = "" if entry.action == ENDED else entry.action.partition(".")[2].replace("-", " ")
    outcome = str(told.get("outcome") or named).replace("_", " ")
    users = told.get("users")
    return Evidence(
        id=f"{entry.subject}#{entry.seq}",
        bet=bet,
        risk=Risk.FEASIBILITY,
        method=Method.ROLLOUT,
        direction=OF_OUTCOME.get(outcome, Direction.UNCLEAR),
        strength=3,
        sample=users if isinstance(users, int) and users > 0 else None,
        date=entry.at.astimezone(UTC).date(),
        note=str(told.get("sentence") or f"The rollout ended: {outcome}."),
        at=entry.at,
        actor=entry.actor,
        source=f"{entry.subject}#{entry.seq}",
    )


def _of_offer(entry: Activity) -> Iterator[Evidence]:
    """The evidence that a room offered; one that cannot be read is passed over, for a page is better than none."""
    try:
        told = _of_feedback(entry) if entry.action == SETTLED else entry.after
        given = msgspec.convert(told, EvidenceInput)
        filled = checked(given, entry.at.astimezone(UTC).date())
    except (msgspec.ValidationError, InputError):
        return
    fields = msgspec.structs.asdict(filled)
    source = filled.source or f"activity#{entry.seq}"
    yield Evidence(
        **fields | {"source": source}, id=source, bet=entry.subject, at=entry.at, actor=entry.actor
    )


def _of_feedback(entry: Activity) -> dict[str, object] | None:
    """The evidence that a piece of feedback became, in the fields of `EvidenceInput`; None where it became something else."""
    settled = mapping(entry.after)
    told = mapping(settled.get("evidence"))
    if not told:
        return None
    kept = {field: told.get(field) for field in ("risk", "method", "direction", "strength", "link")}
    return kept | {
        "sample": told.get("n"),
        "date": told.get("on"),
        "source": f"feedback:{settled.get('feedback') or entry.seq}",
    }


def _offered(reader: Reader, bets: Sequence[str]) -> Iterator[Activity]:
    for start in range(0, len(bets), 500):
        query = (
            sa.select(activity)
            .where(
                activity.c.action.in_((OFFERED, SETTLED)), activity.c.subject.in_(bets[start : start + 500])
            )
            .order_by(activity.c.seq)
            .limit(MOST_OFFERED)
        )
        for row in reader.connection.execute(query):
            yield Activity(
                row.seq, to_datetime(row.at), row.actor, row.action, row.subject, None, decode(row.after)
            )
