"""What the page of one bet shows beside its line: the whole evidence, what comes back, thanks, who may add."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from counterpoint.bets.evidence import Evidence, standing
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.follow_ups import FollowUp, follow_ups_of
from counterpoint.bets.helping import may_help
from counterpoint.bets.learned import Thanks, thanks_of
from counterpoint.bets.line import Line
from counterpoint.bets.required import require_bet
from counterpoint.bets.staleness import Staleness, staleness
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import Decision
from counterpoint.graph.store import Graph

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one bet."""

    evidence: tuple[Evidence, ...]
    """Newest first, with what no longer counts."""
    counting: frozenset[str]
    """The numbers of the evidence that counts."""
    follow_ups: tuple[FollowUp, ...]
    thanks: tuple[Thanks, ...]
    staleness: Staleness | None
    permission: Decision
    """Whether the reader may add evidence and answers."""
    today: date

    @property
    def actors(self) -> set[str]:
        """Everybody who recorded something."""
        return {row.actor for row in self.evidence} | {each.actor for each in self.thanks}


def facts_of(graph: Graph, line: Line, actor: Actor, *, now: datetime | None = None) -> Facts:
    """Read what is known of a bet beside its line."""
    moment = now or datetime.now(UTC)
    with graph.read() as reader:
        entity = require_bet(reader, line.bet.ref)
        evidence = evidence_of(reader, [entity]).get(entity.ref, ())
        news = [row.at for row in evidence]
        news += [each.at for each in line.decisions]
        news += [each.at for each in line.stances]
        return Facts(
            evidence=evidence,
            counting=frozenset(row.id for row in standing(evidence)),
            follow_ups=follow_ups_of(reader, [entity.ref]),
            thanks=thanks_of(reader, entity.ref) if line.bet.state.closed else (),
            staleness=staleness(line.bet, news, moment),
            permission=may_help(reader, entity, actor),
            today=moment.date(),
        )
