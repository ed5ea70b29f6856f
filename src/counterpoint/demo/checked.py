"""What Arpeggio's scorecards say, and what they said in the weeks before the story is told."""

from datetime import datetime, timedelta
from zlib import crc32

from counterpoint.catalog.scorecards import history
from counterpoint.catalog.scorecards.model import Outcome, Outcomes
from counterpoint.catalog.scorecards.reported import Report, report
from counterpoint.catalog.scorecards.standing import standing_of
from counterpoint.graph import SYSTEM, Actor, Ref
from counterpoint.moments import to_datetime
from counterpoint.workspace import Workspace

__all__ = ["WEEKS", "check"]

WEEKS = 8
"""For how long the scorecards have been looked at."""
GAME_DAYS = Actor("user:default/game-days", "Game days", "service", scopes=frozenset({"read", "write"}))
MENDED = 40
"""Of a hundred checks that pass now, how many did not when it began; which ones, their names decide."""
REHEARSED = 70
"""Of a hundred services, how many have passed a game day."""
Span = tuple[str, str | None, Outcomes, datetime, datetime]


def check(workspace: Workspace) -> None:
    """Report what the game days saw, ask the scorecards, and bring in what was known before."""
    with workspace.graph.read() as reader:
        services = reader.all(kind="Component", type="service", lifecycle="production")
    for entity in services:
        if crc32(entity.ref.encode()) % 100 < REHEARSED:
            seen = Report({"gameday.passed": True}, source="game-days")
            report(workspace, GAME_DAYS, Ref("component", entity.namespace, entity.name), seen)
    present = standing_of(workspace).now()
    with workspace.graph.write(SYSTEM) as writer:
        history.record(writer, present)
        now = to_datetime(writer.now)
        for ref, scorecard in present.scorecards.items():
            spans = [
                span
                for entity, held in present.held[ref].items()
                for span in _before(entity, held.owner, held.outcomes(scorecard), now)
            ]
            history.add_past(writer, ref, spans)


def _before(ref: str, owner: str | None, outcomes: Outcomes, now: datetime) -> list[Span]:
    """The weeks before now: what passes today began to, one after another; exemptions were given on the way."""
    mended = {name: _weeks_ago(f"{ref} {name}") for name, outcome in outcomes.items() if outcome != "fails"}
    starts = sorted({WEEKS, *(week for week in mended.values() if week)}, reverse=True)
    spans: list[Span] = []
    for week, following in zip(starts, [*starts[1:], 0], strict=True):
        then: dict[str, Outcome] = {
            name: "fails" if 0 < mended.get(name, 0) < week else outcome for name, outcome in outcomes.items()
        }
        spans.append((ref, owner, then, now - timedelta(weeks=week), now - timedelta(weeks=following)))
    return spans


def _weeks_ago(text: str) -> int:
    """When it was mended, in weeks before now; 0 where it always was so."""
    number = crc32(text.encode())
    return 1 + number // 100 % (WEEKS - 2) if number % 100 < MENDED else 0
