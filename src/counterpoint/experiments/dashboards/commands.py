"""`counterpoint dashboards ...`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from counterpoint.moments import today_utc
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from counterpoint.experiments.dashboards.definition import Dashboard
    from counterpoint.experiments.dashboards.store import Opened, ReadPanel

__all__ = ["list_dashboards", "show"]


def list_dashboards() -> None:
    """List the dashboards with their units."""
    from counterpoint.experiments.dashboards import store

    shell = terminal()
    with shell.open() as workspace:
        found = store.all_dashboards(workspace)
    shell.emit({"dashboards": found}, lambda: _listed(found))


def show(
    name: str,
    /,
    *,
    days: Annotated[
        PositiveInt | None, Parameter(help="Days of every metric, instead of what the dashboard says.")
    ] = None,
) -> None:
    """Print the newest figure of every metric on a dashboard."""
    from counterpoint.experiments.dashboards import store

    shell = terminal()
    with shell.open() as workspace:
        opened = store.open_dashboard(workspace, name)
        panels = store.read_panels(workspace, opened, now=datetime.now(UTC), days=days)
    data = {
        "dashboard": opened.dashboard,
        "panels": [{"plan": each.plan, "reading": each.reading, "problem": each.problem} for each in panels],
    }
    shell.emit(data, lambda: _shown(opened, panels))


def _listed(found: "list[Dashboard]") -> "RenderableType":
    from rich.text import Text

    if not found:
        return terminal().tell("There are no dashboards. Write one as YAML (docs/metrics.md) and import it.")
    table = _table(terminal().noun("Dashboard"), "Unit", "Name", terminal().noun("Metrics"))
    for each in found:
        name = each.name if each.namespace == "default" else f"{each.namespace}/{each.name}"
        unit = (each.owner or "").rpartition("/")[2]
        table.add_row(Text(each.title, style="bold"), unit, name, f"{len(each.panels):,}")
    return table


def _shown(opened: "Opened", panels: "list[ReadPanel]") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from counterpoint.experiments.metrics.shown import panel_of

    table = _table(terminal().noun("Metric"), "Newest", "Figure", "Whole period", "Users")
    notes = []
    for each in panels:
        title = each.plan.title or (each.loaded.definition.title if each.loaded else each.plan.metric)
        if each.loaded is None or each.reading is None:
            notes.append(f"{title}: {terminal().tell(each.problem)}")
            continue
        panel = panel_of(each.loaded, each.reading, today=today_utc(), chart="figure")
        table.add_row(Text(title, style="bold"), panel.span, panel.figure, panel.whole, panel.whole_users)
    told = counted(len(panels), "metric")
    return Group(
        Text(f"{opened.dashboard.title}, {told}"), table, *(Text(note, style="yellow") for note in notes)
    )


def _table(*titles: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
