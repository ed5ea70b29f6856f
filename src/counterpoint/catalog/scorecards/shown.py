"""What the pages of scorecards show, as rows and charts, and the sections that other pages take in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from counterpoint.catalog.scorecards import store
from counterpoint.catalog.scorecards.history import Point
from counterpoint.catalog.scorecards.model import Scorecard
from counterpoint.graph.ref import Ref
from counterpoint.web.charts import Series, line_chart, sparkline
from counterpoint.web.formats import number
from counterpoint.workspace import Workspace

__all__ = [
    "EXAMPLE",
    "ExemptionRow",
    "entity_section",
    "exemption_rows",
    "short_trend",
    "steps",
    "todo_of",
    "trend_chart",
    "unit_section",
]

EXAMPLE = """\
apiVersion: counterpoint.dev/v1
kind: Scorecard
metadata:
  name: production-readiness
  title: Production readiness
  description: What a service needs before people rely on it.
spec:
  owner: platform
  filter: {kind: Component, spec.type: service}
  levels: [known, cared for]
  checks:
    - id: has-owner
      title: Its owner exists
      level: known
      predicate: {fact.owner.exists: true}
      why: Somebody must answer when it breaks.
      remedy: Name a unit of the catalog as its owner.
    - id: has-docs
      title: It is documented
      level: cared for
      predicate: {fact.docs.present: true}
      remedy: Add a docs folder and the annotation backstage.io/techdocs-ref.
      link: https://backstage.io/docs/features/techdocs/
  exemptions:
    - entity: component:default/legacy-billing
      check: has-docs
      reason: It is switched off in autumn.
      until: 2027-03-31
"""


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """One exemption as the page shows it."""

    entity: str
    title: str
    exists: bool
    check: str
    reason: str
    until: date
    holds: bool


def steps(view: store.ScorecardView) -> list[tuple[str | None, list[store.CountedCheck]]]:
    """The checks by level, in the order of the levels; those without a level first."""
    found: dict[str | None, list[store.CountedCheck]] = {}
    for check in view.checks:
        found.setdefault(check.level, []).append(check)
    return list(found.items())


def todo_of(view: store.ScorecardView) -> int:
    """How many checks of how many entities are open, together."""
    return sum(check.fails for check in view.checks)


def exemption_rows(scorecard: Scorecard | None, today: date, titles: dict[str, str]) -> list[ExemptionRow]:
    """Exemptions, those that have ended first, then by the day on which they end."""
    if scorecard is None:
        return []
    rows = []
    for ref, exemptions in scorecard.exemptions.items():
        for each in exemptions:
            check = scorecard.check(each.check) if each.check else None
            title = check.title if check else "Every check"
            rows.append(
                ExemptionRow(
                    ref,
                    titles.get(ref) or ref.rpartition("/")[2],
                    ref in titles,
                    title,
                    each.reason,
                    each.until,
                    each.until >= today,
                )
            )
    return sorted(rows, key=lambda row: (row.until, row.title.lower()))


def trend_chart(points: Sequence[Point]) -> Any:
    """The outcomes over time as two lines; empty where fewer than two days are known."""
    if len(points) < 2:
        return ""

    def line(name: str, values: Iterable[int]) -> Series:
        days = (point.day.toordinal() for point in points)
        return Series(name, tuple(zip(map(float, days), map(float, values), strict=True)))

    return line_chart(
        [line("pass", (point.passes for point in points)), line("to do", (point.fails for point in points))],
        title="Checks that pass, and those to do, at the end of each day",
        write_x=_day,
        write_y=lambda value: number(value, 0),
        from_zero=True,
    )


def _day(ordinal: float) -> str:
    day = date.fromordinal(round(ordinal))
    return f"{day.day} {day:%b}"


def short_trend(points: Sequence[Point], title: str) -> Any:
    """What is to do over time, in the size of a word."""
    return sparkline([point.fails for point in points], title=f"What is to do in {title}, day by day")


def entity_section(workspace: Workspace, ref: str, at: datetime | None = None) -> list[store.EntityScorecard]:
    """What the section of an entity's page is given: `scorecards.section(found)` of `catalog/scorecards/entity.html`."""
    kind, _, rest = ref.partition(":")
    namespace, _, name = rest.partition("/")
    return store.of_entity(workspace, Ref(kind, namespace, name), at)


def unit_section(workspace: Workspace, ref: str, at: datetime | None = None) -> list[store.OwnerTodo]:
    """What the section of a unit's page is given: `scorecards.section(owners, ref)` of `catalog/scorecards/unit.html`."""
    return store.of_owners(workspace, owner=ref, at=at)
