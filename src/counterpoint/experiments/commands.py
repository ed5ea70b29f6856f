"""Experiments on the command line."""

from typing import TYPE_CHECKING, Any

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.experiments.result import MetricResult, Result

__all__ = ["analyze"]

STYLES = {"ship": "bold green", "do not ship": "bold red", "keep running": "bold cyan", "invalid": "bold red"}
TONES = {
    "better": "green",
    "within margin": "green",
    "worse": "red",
    "margin not shown": "yellow",
    "not tested": "yellow",
}


def analyze(name: str, /, *, engine: str = "duckdb", record: bool = True) -> None:
    """Print the results and the shipping recommendation.

    Parameters
    ----------
    name
        The experiment's name or reference.
    engine
        What computes: duckdb.
    record
        Keep the reading in the activity log, where the bet's page shows it.
    """
    from counterpoint.experiments import store
    from counterpoint.graph.actor import local_actor

    if engine not in store.ENGINES:
        supported = " or ".join(store.ENGINES)
        raise UsageError(
            f"The engine {engine} is not in this version; use --engine {supported}, or leave it out."
        )
    shell = terminal()
    with shell.open() as workspace:
        loaded = store.load(workspace, name)
        if record:
            result, _ = store.read_now(workspace, loaded, local_actor())
        else:
            result = store.result_of(workspace, loaded)
    for note in loaded.notes:
        shell.say(f"note: {note}")
    shell.emit(result, lambda: _shown(result))


def _shown(result: "Result") -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.wording import day

    dates = (
        f"{day(result.first_exposure)} to {day(result.last_exposure)}"
        if result.first_exposure and result.last_exposure
        else "no exposures"
    )
    parts: list[Any] = [
        Text.assemble(
            (result.title or result.experiment, "bold"), f"  flag {result.flag}, {dates}", overflow="fold"
        ),
        _arms(result),
        _sample_ratio(result),
        *(Text(f"! {warning}", style="yellow") for warning in result.quality.warnings),
    ]
    if result.users:
        parts.append(_metrics(result))
        parts += [
            Text(f"{metric.label}: {metric.note}", style="yellow") for metric in result.metrics if metric.note
        ]
        parts.append(Text(_legend(result), style="dim"))
    verdict = result.verdict
    parts += [
        Text.assemble(("\nVerdict: ", "bold"), (verdict.state, STYLES[verdict.state])),
        Padding(Text(verdict.sentence), (0, 0, 0, 2)),
        Padding(Text(f"What would change it: {verdict.would_change}", style="dim"), (0, 0, 0, 2)),
    ]
    return Group(*parts)


def _arms(result: "Result") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.wording import count, percent

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title, align in (
        ("Arm", "left"),
        ("Role", "left"),
        ("Users", "right"),
        ("Share", "right"),
        ("Planned", "right"),
    ):
        table.add_column(title, justify=align)  # type: ignore[arg-type]
    for arm in result.arms:
        share = "none" if arm.share is None else percent(arm.share, places=2)
        table.add_row(
            Text(arm.variant), arm.role, count(arm.users), share, percent(arm.planned_share, places=2)
        )
    return table


def _sample_ratio(result: "Result") -> "RenderableType":
    from rich.text import Text

    from counterpoint.experiments.wording import p_value

    check = result.quality.sample_ratio
    if check.p is None:
        return Text("Sample ratio: not tested, too few users.", style="yellow")
    says = ("mismatch", "bold red") if check.rejected else ("as planned", "green")
    return Text.assemble("Sample ratio: ", says, f", p {p_value(check.p)}, threshold {check.threshold:g}")


def _metrics(result: "Result") -> "RenderableType":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.wording import means_apart, p_value, percent, span

    many = len(result.comparisons) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    for title in ("Metric", "Control,\ntreatment", "Difference, change,\ninterval", "p,\nlevel", "Result"):
        words = title in ("Metric", "Result")
        table.add_column(title, justify="left" if words else "right", overflow="fold", no_wrap=not words)

    def row(metric: "MetricResult") -> tuple[Any, ...]:
        role = metric.role if metric.margin is None else f"{metric.role} {percent(metric.margin)}"
        about = ", ".join(
            part for part in (role, metric.treatment if many else "", metric.unit or "") if part
        )
        return (
            Text.assemble(metric.label, (f"\n{about}", "dim")),
            "\n".join(means_apart(metric)),
            f"{_moved(metric)}\n{span(metric)}",
            "none" if metric.p is None else f"{p_value(metric.p)}\n{metric.alpha:.3g}",
            Text(metric.outcome, style=TONES.get(metric.outcome, "")),
        )

    for metric in result.metrics:
        table.add_row(*row(metric))
    return table


def _moved(metric: "MetricResult") -> str:
    """The difference, and the relative change where there is one."""
    from counterpoint.experiments.wording import change, difference

    plain = difference(metric, unit=False)
    return plain if metric.relative is None else f"{plain}, {change(metric)}"


def _legend(result: "Result") -> str:
    levels = sorted({f"{metric.interval_level:.1%}" for metric in result.metrics if metric.interval_level})
    which = f" ({' or '.join(levels)})" if levels else ""
    return (
        "p is one-sided, for the test that decides, which rejects at or below its level; each end of an interval"
        f"{which} is the bound of the test on its side. --json has all figures in full, two-sided p and intervals too."
    )
