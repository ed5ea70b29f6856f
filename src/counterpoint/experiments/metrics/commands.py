"""`counterpoint metrics ...`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from counterpoint.errors import InputError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.experiments.metrics.check import Remark
    from counterpoint.experiments.metrics.reading import Reading
    from counterpoint.experiments.metrics.store import Loaded

__all__ = ["check", "list_metrics", "show"]

STYLES = {"warning": "yellow", "info": "dim"}


def list_metrics() -> None:
    """List the metrics, with who answers for them and what they are for."""
    from counterpoint.experiments.metrics import readings, store

    shell = terminal()
    with shell.open() as workspace:
        found = store.all_metrics(workspace)
        types = readings.seen(workspace)
    rows = [
        {
            **_builtins(each),
            "lastEvent": max((types[event].last for event in each.events if event in types), default=None),
        }
        for each in found
    ]
    shell.emit({"metrics": rows}, lambda: _listed(found, rows))


def show(
    name: str,
    /,
    *,
    days: Annotated[
        PositiveInt | None, Parameter(help="How many days; by default as many as its spans ask for.")
    ] = None,
    split: Annotated[str | None, Parameter(help="An attribute of the events that parts the figures.")] = None,
) -> None:
    """Print a metric's figures day by day, or week by week, up to its last event."""
    from counterpoint.experiments.metrics import readings, store
    from counterpoint.experiments.metrics.definition import in_words

    shell = terminal()
    with shell.open() as workspace:
        loaded = store.load(workspace, name)
        period = readings.period_for(loaded, readings.seen(workspace), days=days, now=datetime.now(UTC))
        reading = readings.reading_of(workspace, loaded, readings.Asked(period, split))
    titles = {part.ref: part.title for part in loaded.parts}
    shell.emit(reading, lambda: _figures(reading, shell.tell(in_words(loaded.definition, titles))))


def check(
    name: Annotated[str | None, Parameter(help="A metric; every one, where it is left out.")] = None,
    /,
    *,
    days: Annotated[PositiveInt, Parameter(help="Days without an event after which it is told.")] = 30,
) -> None:
    """Say what the events say against the metrics. These are warnings: the command ends with 0."""
    from counterpoint.experiments.metrics import readings, store

    shell = terminal()
    now = datetime.now(UTC)
    with shell.open() as workspace:
        found = [store.load(workspace, name)] if name else store.all_metrics(workspace)
        types = readings.seen(workspace)
        checked: list[tuple[Loaded, tuple[Remark, ...]]] = []
        for each in found:
            period = readings.period_for(each, types, days=None, now=now)
            try:
                reading = (
                    None if each.problem else readings.reading_of(workspace, each, readings.Asked(period))
                )
            except InputError:  # its remarks say so, and the others are checked all the same
                reading = None
            remarks = readings.check_metric(workspace, each, reading, types, now=now, recent=days)
            checked.append((each, tuple(shell.told(remark) for remark in remarks)))
    data = [
        {"ref": each.definition.ref, "title": each.definition.title, "remarks": told}
        for each, told in checked
    ]
    shell.emit({"metrics": data}, lambda: _checked(checked))


def _builtins(each: "Loaded") -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(each.definition)
    return found


def _listed(found: "list[Loaded]", rows: list[dict[str, Any]]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.metrics.definition import ROLES
    from counterpoint.experiments.wording import day

    if not found:
        return terminal().tell("There are no metrics. Write one as YAML (docs/metrics.md) and import it.")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in (terminal().noun("Metric"), "Owner", "Role", "Computed", "Last event"):
        table.add_column(title, overflow="fold")
    for each, row in zip(found, rows, strict=True):
        metric = each.definition
        last = row["lastEvent"]
        table.add_row(
            Text(metric.name, style="bold"),
            (metric.owner or "").rpartition("/")[2],
            ROLES[metric.role],
            metric.aggregation,
            day(last) if last else Text("never", style="yellow"),
        )
    return table


def _figures(reading: "Reading", words: str) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.metrics.telling import figure_text, users_text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(reading.metric.calendar.capitalize(), no_wrap=True)
    if reading.split:
        table.add_column("Part")
    for title in ("Figure", "Users", "Events"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in (reading.whole, *reading.parts, *reading.points):
        cells = ["all" if each.span is None else each.span.isoformat()]
        if reading.split:
            cells.append(each.part or "all")
        events = "" if each.withheld else f"{each.events:,}"
        table.add_row(*cells, figure_text(reading.metric, each), users_text(each), events)
    return Group(Text(reading.metric.title, style="bold"), Text(words, style="dim"), Text(""), table)


def _checked(checked: "list[tuple[Loaded, tuple[Remark, ...]]]") -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines: list[Any] = []
    for each, told in checked:
        lines.append(Text.assemble((each.definition.title, "bold"), f"  {each.definition.name}"))
        lines += [
            Padding(Text(f"{remark.level}: {remark.message}", style=STYLES[remark.level]), (0, 0, 0, 2))
            for remark in told
        ]
        if not told:
            lines.append(Padding(Text("nothing to tell", style="green"), (0, 0, 0, 2)))
    warned = sum(any(remark.level == "warning" for remark in told) for _, told in checked)
    lines.append(Text(f"{counted(len(checked), 'metric')}, {warned:,} with warnings."))
    return Group(*lines)
