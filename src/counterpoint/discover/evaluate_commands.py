"""`counterpoint discover evaluate`: methods compared on files, or on what a recommender's listeners heard."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.discover.commands import LogColumns, read_files
from counterpoint.discover.evaluating import Compared, SplitBy, compared
from counterpoint.discover.files import READERS
from counterpoint.discover.plots import write_plots
from counterpoint.graph.actor import local_actor
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["evaluate"]

ENDINGS = (*READERS, ".npz")
Many = Annotated[list[str] | None, Parameter(negative="")]


def evaluate(
    what: list[str],
    /,
    *,
    split: SplitBy = "auto",
    held: float = 0.2,
    places: int = 20,
    method: Many = None,
    budget: float = 60.0,
    seed: int = 0,
    plots: Path | None = None,
    bet: str | None = None,
    columns: LogColumns | None = None,
) -> None:
    """Compare methods on held-out entries, each tuned on a slice of what is left, with intervals.

    Parameters
    ----------
    what
        Files of a log, or the name of a recommender of the workspace, whose evaluation is kept for its page.
    split
        What is held out: time (the last share in time), last (each listener's last), within (a share of each
        listener's), listeners (a share of whole listeners, folded in); auto takes time where the log has times.
    held
        The share that is held out.
    places
        Places of each list.
    method
        A method to compare; give it once for each. All of them without it.
    budget
        CPU seconds for tuning each method.
    plots
        A folder for the charts as SVG files, and all figures as evaluation.json.
    bet
        A bet of the workspace: the result is evidence on its risk of value.
    """
    here = terminal()
    options = Asked(split, held, places, tuple(method or ()), budget, seed)
    if _is_recommender(what):
        found = _of_recommender(here, what[0], options, bet)
    else:
        log = read_files([Path(each) for each in what], columns)
        found = compared(log, **options.named(), said=here.say)
        if bet is not None:
            _offer(here, bet, found, what)
    written = write_plots(plots, found) if plots else []
    here.emit(found, lambda: _table(found))
    for path in written:
        here.say(f"written: {path}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be compared, and how."""

    by: SplitBy
    held: float
    places: int
    methods: tuple[str, ...]
    budget: float
    seed: int

    def named(self) -> dict[str, Any]:
        """As keyword arguments."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def _is_recommender(what: Sequence[str]) -> bool:
    """Whether one thing is named that is no file, and has no ending of one."""
    return len(what) == 1 and not Path(what[0]).is_file() and Path(what[0]).suffix not in ENDINGS


def _of_recommender(here: Terminal, name: str, options: Asked, bet: str | None) -> Compared:
    from counterpoint.discover.evaluations import evaluate_recommender

    with here.open() as workspace:
        found, entry = evaluate_recommender(
            workspace, local_actor(), name, **options.named(), bet=bet, said=here.say
        )
        here.say(f"kept as entry {entry.seq} of the activity log")
    return found


def _offer(here: Terminal, bet: str, found: Compared, what: Sequence[str]) -> None:
    from counterpoint.discover.evaluations import offer_evidence

    names = ", ".join(Path(each).name for each in what)
    with here.open() as workspace, workspace.graph.write(local_actor()) as writer:
        offer_evidence(writer, bet, found, about=f"evaluation of {names}".replace("#", " "))


def _table(found: Compared) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table

    title = f"{found.places} places; held out: {found.split}; {counted(found.rows, 'listener')}"
    table = Table(title=title, box=None, title_justify="left")
    table.add_column("method", no_wrap=True)
    for column in ("recall", "95 %", "NDCG", "MAP", "R-precision", "coverage", "behind the best", "fit"):
        table.add_column(column, justify="right")
    for row in found.methods:
        behind = row.behind
        table.add_row(
            row.method,
            f"{row.recall.mean:.4f}",
            f"{row.recall.low:.4f} to {row.recall.high:.4f}",
            *(f"{each.mean:.4f}" for each in (row.ndcg, row.map, row.r_precision)),
            f"{row.coverage:.0%}",
            "" if behind is None else f"{behind.recall:.4f} (p {behind.p:.2g})",
            f"{row.fit_seconds:.1f} s",
        )
    return Group(table, "", _spread_table(found))


def _spread_table(found: Compared) -> "RenderableType":
    """Who gets the places: each tier's share beside what is heard of it."""
    from rich.table import Table

    title = (
        f"share of places by popularity, and distance from what each listener hears (over {found.calibrated})"
    )
    table = Table(title=title, box=None, title_justify="left")
    table.add_column("method", no_wrap=True)
    tiers = found.methods[0].tiers if found.methods else ()
    for column in (*(tier.name for tier in tiers), "Gini", "diversity", "calibration", "95 %"):
        table.add_column(column, justify="right")
    if tiers:
        heard = [f"{tier.consumption:.1%}" for tier in tiers]
        table.add_row("heard", *heard, f"{found.heard_gini:.2f}", "", "", "")
    for row in found.methods:
        spread = row.calibration
        table.add_row(
            row.method,
            *(f"{tier.exposure.mean:.1%}" for tier in row.tiers),
            f"{row.gini:.2f}",
            f"{row.diversity.mean:.2f}" if row.diversity else "",
            f"{spread.mean:.3f}",
            f"{spread.low:.3f} to {spread.high:.3f}",
        )
    return table
