"""Experiments on the command line."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.experiments.segment_lines import by_segment
from counterpoint.experiments.tables.options import TABLE, Options
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

    from counterpoint.experiments.result import MetricResult, Result

__all__ = ["analyze", "explore"]

UNLIMITED = 1000
"""Columns that are enough for everything."""
WORDS_WIDTH = 10
"""Columns that a table's words need to be read; where they do not fit, there is no table."""
STYLES = {"ship": "bold green", "do not ship": "bold red", "keep running": "bold cyan", "invalid": "bold red"}
TONES = {
    "better": "green",
    "within margin": "green",
    "worse": "red",
    "margin not shown": "yellow",
    "not tested": "yellow",
}


def analyze(
    name: str | None = None,
    /,
    *,
    engine: str | None = None,
    full: Annotated[bool, Parameter(negative="")] = False,
    record: Annotated[bool, Parameter(negative="--no-record")] = True,
    table: Annotated[Options | None, Parameter(name="*", group=TABLE)] = None,
) -> None:
    """Print the results and the shipping recommendation.

    Of an experiment in the workspace by its name; or of any table with --table, without a workspace.

    Parameters
    ----------
    name
        The experiment's name or reference; with --table what the experiment is called.
    engine
        What computes: duckdb, spark or clickhouse, or the address of one, such as spark://host:7077; that of
        the settings if nothing is said. A name alone means the settings' engine, if that is one of this kind,
        and else the one on this machine.
    full
        Read every event, whatever sums by day have been kept; the figures are the same.
    record
        Keep the reading in the activity log, where the bet's page shows it; as is done if nothing is said.
    """
    from counterpoint.experiments.tables.commands import analyze_options

    if table is not None and table.table is not None:
        if engine is not None or full:
            raise UsageError(
                "--engine and --full are of experiments in a workspace; a table is read by DuckDB."
            )
        result = analyze_options(name, table)
        terminal().emit(result, lambda: _shown(terminal().told(result)))
        return
    if table is not None and (given := table.given()):
        raise UsageError(f"--{given[0]} says how to read a table; name it with --table FILE.")
    if name is None:
        raise UsageError(
            "Name an experiment of the workspace, or a table: counterpoint experiments analyze --table FILE --subject …"
        )
    _analyze_named(name, engine, full=full, record=record)


def explore(name: str, /, *, reason: str | None = None) -> None:
    """Look at an experiment that does not say when it is read.

    Its success figures are withheld otherwise. The look is noted in the activity log with its figures, is no
    evidence, and ships nothing.

    Parameters
    ----------
    name
        The experiment's name or reference.
    reason
        What the look is for; it goes into the log.
    """
    from counterpoint.experiments import store
    from counterpoint.graph.actor import local_actor

    shell = terminal()
    with shell.open() as workspace:
        result, _ = store.explore(workspace, store.load(workspace, name), local_actor(), reason=reason)
    shell.emit(result, lambda: _shown(shell.told(result)))


def _analyze_named(name: str, engine: str | None, *, full: bool, record: bool) -> None:
    from counterpoint.engine import chosen_engine, read_engine
    from counterpoint.experiments import store
    from counterpoint.experiments.coordination.store import collisions_with
    from counterpoint.graph.actor import local_actor

    shell = terminal()
    with shell.open() as workspace:
        try:
            chosen = chosen_engine(read_engine(workspace.settings.engine), engine)
        except ValueError as error:
            raise UsageError(f"--engine: {error}.") from error
        loaded = store.load(workspace, name)
        if record:
            result, _ = store.read_now(workspace, loaded, local_actor(), engine=chosen, full=full)
        else:
            result = store.result_of(workspace, loaded, engine=chosen, full=full)
        met = collisions_with(workspace, loaded.entity.ref, result.as_of)
    for note in (*loaded.notes, *(each.sentence for each in met if each.state != "past")):
        shell.say(f"note: {note}")
    shell.emit(result, lambda: _shown(shell.told(result)))


def _shown(result: "Result") -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.wording import day

    dates = (
        f", {day(result.first_exposure)} to {day(result.last_exposure)}"
        if result.first_exposure and result.last_exposure
        else ("" if result.source else ", no exposures")
    )
    read = f"table {result.source}" if result.source else f"{terminal().noun('flag')} {result.flag}"
    parts: list[Any] = [
        Text.assemble(
            (result.title or result.experiment, "bold"),
            f"  {read}{dates}",
            overflow="fold",
        ),
        _arms(result),
        _sample_ratio(result),
        *_gates(result),
        *(Text(f"! {warning}", style="yellow") for warning in result.quality.warnings),
    ]
    if result.users:
        parts.append(_metrics(result))
        parts += [
            Text(f"{metric.label}: {metric.note}", style="yellow") for metric in result.metrics if metric.note
        ]
        parts.append(Text(_legend(result), style="dim"))
    for segment in result.segments:
        parts += by_segment(result, segment)
    verdict = result.verdict
    if reading := _reading(result):
        parts.append(Text(reading, style="dim"))
    parts += [
        Text.assemble(("\nVerdict: ", "bold"), (verdict.state, STYLES[verdict.state])),
        Padding(Text(verdict.sentence), (0, 0, 0, 2)),
        Padding(Text(f"What would change it: {verdict.would_change}", style="dim"), (0, 0, 0, 2)),
    ]
    if len(result.comparisons) > 1:
        parts += [
            Padding(Text.assemble(f"{each.treatment}: ", (own.state, STYLES[own.state])), (0, 0, 0, 2))
            for each in result.comparisons
            if (own := each.verdict)
        ]
    if result.learning is not None:
        parts.append(Padding(Text(f"Learned: {result.learning.sentence}", style="dim"), (0, 0, 0, 2)))
    return Group(*parts)


def _reading(result: "Result") -> str:
    """Where this reading stands in the stopping plan; empty for a plan that is read once."""
    from counterpoint.experiments.wording import percent

    progress = result.progress
    if progress is None or progress.method == "fixed":
        return ""
    look = f", look {progress.look}" if progress.look else ""
    of = f" of {progress.looks}" if look and progress.looks else ""
    share = f" with {percent(progress.information)} of the users planned" if look else ""
    following = f"; the next look is {progress.following}" if progress.following else ""
    return f"Read {progress.method}{look}{of}{share}{following}."


def _arms(result: "Result") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.wording import count, percent

    arms = [
        (
            count(arm.users),
            "none" if arm.share is None else percent(arm.share, places=2),
            percent(arm.planned_share, places=2),
        )
        for arm in result.arms
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("Arm", min_width=WORDS_WIDTH)
    table.add_column("Role", no_wrap=True)
    for title, column in zip(("Users", "Share", "Planned"), zip(*arms, strict=True), strict=True):
        _add_whole(table, title, column)
    lines = []
    for arm, (users, share, planned) in zip(result.arms, arms, strict=True):
        table.add_row(Text(arm.variant, overflow="fold"), arm.role, users, share, planned)
        lines.append(Text(f"{arm.variant}, {arm.role}: {users} users, {share} (planned {planned})"))
    return _Fitting(table, lines)


def _sample_ratio(result: "Result") -> "RenderableType":
    from rich.text import Text

    from counterpoint.experiments.wording import p_value

    check = result.quality.sample_ratio
    if check.p is None:
        return Text("Sample ratio: not tested, too few users.", style="yellow")
    says = ("mismatch", "bold red") if check.rejected else ("as planned", "green")
    return Text.assemble("Sample ratio: ", says, f", p {p_value(check.p)}, threshold {check.threshold:g}")


def _gates(result: "Result") -> "Iterator[RenderableType]":
    """The further tests that make it invalid: in one line what passed, in one each what did not."""
    from rich.text import Text

    from counterpoint.experiments.wording import p_value

    tested = [each for each in result.quality.checks if each.gates and each.p is not None]
    passed = [each for each in tested if not each.rejected]
    if passed:
        names = ", ".join(f"{each.test.replace('-', ' ')} (p {p_value(each.p)})" for each in passed)
        yield Text(f"Nothing found by {names}", style="dim")
    for each in tested:
        if each.rejected:
            what = f"{each.test.replace('-', ' ').capitalize()}: "
            yield Text.assemble(
                what, ("rejected", "bold red"), f", p {p_value(each.p)}, level {each.level or 0:.3g}"
            )


class _Fitting:
    """A table, or the same as lines where the terminal is too narrow for one."""

    def __init__(self, table: "Table", lines: "Sequence[RenderableType]") -> None:
        self._table = table
        self._lines = lines

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[RenderableType]":
        # Measured without a limit: within one, a table says that it can be squeezed into anything.
        least = console.measure(self._table, options=options.update(max_width=UNLIMITED)).minimum
        if least <= options.max_width:
            yield self._table
        else:
            yield from self._lines


def _metrics(result: "Result") -> "RenderableType":
    many = len(result.comparisons) > 1
    lines = [_metric_lines(metric, many=many) for metric in result.metrics]
    return _Fitting(_metric_table(result.metrics, many=many), lines)


def _metric_table(metrics: "Sequence[MetricResult]", *, many: bool) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.wording import means_apart, p_value, span

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    titles = ("Control,\ntreatment", "Difference, change,\ninterval", "p,\nlevel")
    figures = [
        (
            "\n".join(means_apart(metric)),
            f"{_moved(metric)}\n{span(metric, unit=False)}",
            "none" if metric.p is None else f"{p_value(metric.p)}\n{metric.alpha:.3g}",
        )
        for metric in metrics
    ]
    table.add_column(terminal().noun("Metric"), min_width=WORDS_WIDTH)
    for title, column in zip(titles, zip(*figures, strict=True), strict=True):
        _add_whole(table, title, column)
    table.add_column("Result", min_width=WORDS_WIDTH)
    for metric, cells in zip(metrics, figures, strict=True):
        table.add_row(
            Text.assemble(metric.label, (f"\n{_about(metric, many=many)}", "dim"), overflow="fold"),
            *cells,
            Text(metric.outcome, style=TONES.get(metric.outcome, "")),
        )
    return table


def _add_whole(table: "Table", title: str, cells: "Sequence[str]") -> None:
    """Add a column of figures that is never squeezed."""
    widest = max(len(line) for cell in (title, *cells) for line in cell.split("\n"))
    table.add_column(title, justify="right", no_wrap=True, min_width=widest)


def _metric_lines(metric: "MetricResult", *, many: bool) -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.wording import means_apart, p_value, span

    control, treatment = means_apart(metric)
    figures = [
        f"control {control}, treatment {treatment}",
        f"difference {_moved(metric)}",
        f"interval {span(metric, unit=False) or 'none'}",
        "p none" if metric.p is None else f"p {p_value(metric.p)}, level {metric.alpha:.3g}",
    ]
    lines: list[RenderableType] = [
        Text.assemble("\n", metric.label, (f" ({_about(metric, many=many)}): ", "dim"), (metric.outcome, TONES.get(metric.outcome, ""))),
        *(Padding(Text(line), (0, 0, 0, 2)) for line in figures),
    ]  # fmt: skip
    return Group(*lines)


def _about(metric: "MetricResult", *, many: bool) -> str:
    from counterpoint.experiments.wording import percent

    role = metric.role if metric.margin is None else f"{metric.role} {percent(metric.margin)}"
    return ", ".join(part for part in (role, metric.treatment if many else "", metric.unit or "") if part)


def _moved(metric: "MetricResult") -> str:
    """The difference, and the relative change where there is one."""
    from counterpoint.experiments.wording import change, difference

    plain = difference(metric, unit=False)
    return plain if metric.relative is None else f"{plain}, {change(metric)}"


def _level(level: float) -> str:
    """The level of an interval; one of 99.97 % is not told as 100.0 %, which no interval has."""
    from counterpoint.experiments.wording import percent

    return percent(level, places=next((places for places in range(1, 8) if round(level, places + 2) < 1), 8))


def _legend(result: "Result") -> str:
    levels = sorted({_level(metric.interval_level) for metric in result.metrics if metric.interval_level})
    which = f" ({' or '.join(levels)})" if levels else ""
    return (
        "p is one-sided, for the test that decides, which rejects at or below its level; each end of an interval"
        f"{which} is the bound of the test on its side. --json has all figures in full, two-sided p and intervals too."
    )
