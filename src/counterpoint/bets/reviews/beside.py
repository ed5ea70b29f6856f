"""Points of the agenda that come from concerns and from dependencies: only what everybody may see by now."""

from collections.abc import Iterable
from datetime import date

from counterpoint.bets.concerns.store import list_concerns
from counterpoint.bets.dependencies.store import overdue_dependencies
from counterpoint.bets.reviews.agenda import AgendaItem, ItemKind
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["points_of"]


def points_of(
    graph: Graph, reader: Reader, parts: frozenset[str], board: str, today: date
) -> tuple[AgendaItem, ...]:
    """Open concerns that everybody may see, and what has stopped work for two weeks (rule I9)."""
    found = [*_concerns(graph, board, today), *_dependencies(graph, parts, today)]
    titles = reader.titles({item.subject for item in found})
    return tuple(
        AgendaItem(
            kind=item.kind,
            subject=item.subject,
            title=item.title or titles.get(item.subject, item.subject),
            why=item.why,
            href=item.href,
        )
        for item in found
    )


def _concerns(graph: Graph, board: str, today: date) -> Iterable[AgendaItem]:
    # Read as nobody in particular: what a squad sees early stays with it, for an agenda is open to all.
    for seen in list_concerns(graph, actor=SYSTEM, unit=board, only_open=True, today=today):
        each = seen.concern
        state = each.state.value.replace("_", " ")
        yield AgendaItem(
            kind=ItemKind.CONCERN,
            subject=each.bet,
            title="",
            why=f"A concern about its {each.risk.value}: {state}.",
            href=f"/concerns/{each.id}",
        )


def _dependencies(graph: Graph, parts: frozenset[str], today: date) -> Iterable[AgendaItem]:
    for each in overdue_dependencies(graph, today=today):
        if {each.from_unit, each.to_unit} & parts:
            days = (today - each.severity_since).days
            yield AgendaItem(
                kind=ItemKind.DEPENDENCY,
                subject=each.from_unit,
                title=each.subject,
                why=f"It has stopped work for {days} days.",
                href=f"/dependencies/{each.id}",
            )
