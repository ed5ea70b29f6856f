"""`counterpoint discover evaluate`: methods compared on files, or on what a recommender's listeners heard."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from counterpoint.discover.commands import LogColumns, read_files
from counterpoint.discover.evaluating import Compared, Judged, compared
from counterpoint.discover.evaluation import PairedTest
from counterpoint.discover.files import ENDINGS, read_split
from counterpoint.discover.plots import write_plots
from counterpoint.discover.protocol import Candidates, Protocol, SplitBy
from counterpoint.discover.version import Figure
from counterpoint.errors import InputError
from counterpoint.graph.actor import local_actor
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["evaluate"]

Many = Annotated[list[str] | None, Parameter(negative="")]
Numbers = Annotated[list[int] | None, Parameter(negative="")]
Paths = Annotated[list[Path] | None, Parameter(negative="")]


def evaluate(
    what: list[str],
    /,
    *,
    protocol: Path | None = None,
    split: SplitBy | None = None,
    held: float | None = None,
    gap: float | None = None,
    test: Paths = None,
    history: Paths = None,
    candidates: Candidates | None = None,
    candidate: Many = None,
    sampled: int | None = None,
    places: Numbers = None,
    measure: Many = None,
    paired: PairedTest | None = None,
    method: Many = None,
    budget: float = 60.0,
    seed: int | None = None,
    plots: Path | None = None,
    bet: str | None = None,
    columns: LogColumns | None = None,
) -> None:
    """Compare methods on held-out entries, each tuned on a slice of what is left, with intervals.

    Parameters
    ----------
    what
        Files of a log, or the name of a recommender of the workspace, whose evaluation is kept for its page.
    protocol
        A JSON file of a protocol, or of an evaluation that has one; what is given beside it goes before it.
    split
        What is held out: time (the last share in time), last (each listener's last), within (a share of each
        listener's), listeners (a share of whole listeners, folded in); auto takes time where the log has times.
    held
        The share that is held out.
    gap
        Seconds before the cut in time that are in neither part.
    test
        Files of what is held out, of a split that somebody made; the log is then what is fitted on.
    history
        Files of what is known of those listeners, where they are others than those that are fitted on.
    candidates
        Among what methods choose: unknown (all that a listener does not have), available (of those what somebody had
        by then), given (those that --candidate names), sampled (what is held out and others by chance).
    candidate
        An item that is a candidate; give it once for each.
    sampled
        How many others, where candidates are sampled.
    places
        Places of each list; give it once for each length, the one that decides first.
    measure
        A measure by which methods are compared in pairs; give it once for each, the one that decides first.
    paired
        How differences are told from chance: student (Student's t), signs (by turning the signs of listeners).
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
    asked: dict[str, Any] = {
        "split": split,
        "held": held,
        "gap": gap,
        "candidates": candidates or ("given" if candidate else None),
        "items": tuple(candidate or ()) or None,
        "sampled": sampled,
        "places": tuple(places or ()) or None,
        "measures": tuple(measure or ()) or None,
        "test": paired,
        "seed": seed,
    }
    options = Asked(_protocol(protocol, asked), tuple(method or ()), budget)
    if test or history:
        found = _of_split(here, what, test or [], history or [], columns, options)
        if bet is not None:
            _offer(here, bet, found, what)
    elif _is_recommender(what):
        found = _of_recommender(here, what[0], options, bet)
    else:
        log = read_files([Path(each) for each in what], columns)
        found = compared(log, **options.named(), said=here.say)
        if bet is not None:
            _offer(here, bet, found, what)
    for warning in found.warnings:
        here.say(warning)
    written = write_plots(plots, found) if plots else []
    here.emit(found, lambda: _tables(found))
    for path in written:
        here.say(f"written: {path}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be compared, and how."""

    protocol: Protocol
    methods: tuple[str, ...]
    budget: float

    def named(self) -> dict[str, Any]:
        """As keyword arguments."""
        return {"protocol": self.protocol, "methods": self.methods, "budget": self.budget}


def _protocol(path: Path | None, asked: dict[str, Any]) -> Protocol:
    """The protocol of a file, or the usual one, with what is asked for otherwise."""
    kept: dict[str, Any] = {}
    if path is not None:
        try:
            read = msgspec.json.decode(path.read_bytes())
            base = msgspec.convert(read.get("protocol", read), Protocol)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        except (AttributeError, msgspec.MsgspecError) as error:
            raise InputError(
                f'{path} has no protocol: {error}; write one as JSON, such as {{"split": "last"}}, or give an'
                " evaluation.json that --plots wrote"
            ) from None
        kept = {each: getattr(base, each) for each in base.__struct_fields__}
        if kept["split"] == "given":
            kept["split"] = "auto"  # the parts are given again, or they are not
    return Protocol(**kept | {name: value for name, value in asked.items() if value is not None})


def _is_recommender(what: Sequence[str]) -> bool:
    """Whether one thing is named that is no file, and has no ending of one."""
    return len(what) == 1 and not Path(what[0]).is_file() and Path(what[0]).suffix not in ENDINGS


def _of_split(
    here: Terminal,
    what: Sequence[str],
    test: Sequence[Path],
    history: Sequence[Path],
    columns: LogColumns | None,
    options: Asked,
) -> Compared:
    if not test:
        raise InputError("--history needs --test: what should come back of these listeners")
    named = (columns or LogColumns()).named()
    log, split = read_split([Path(each) for each in what], test, history, named, now=time.time())
    return compared(log, split=split, **options.named(), said=here.say)


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


def _tables(found: Compared) -> "RenderableType":
    from rich.console import Group

    tables = [_table(found), "", _spread_table(found)]
    if any(row.artists for row in found.methods):
        tables += ["", _artists_table(found)]
    return Group(*tables)


def _table(found: Compared) -> "RenderableType":
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
            _ends(row.recall, 4),
            *(f"{each.mean:.4f}" for each in (row.ndcg, row.map, row.r_precision)),
            f"{row.coverage:.0%}",
            "" if behind is None else f"{behind.recall:.4f} (p {behind.p:.2g})",
            f"{row.fit_seconds:.1f} s",
        )
        for other in row.at:
            figures = (other.recall, other.ndcg, other.map, other.r_precision)
            table.add_row(
                f"  at {other.places}",
                f"{other.recall.mean:.4f}",
                _ends(other.recall, 4),
                *(f"{each.mean:.4f}" for each in figures[1:]),
            )
    return table


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
            _ends(spread, 3),
        )
    return table


def _artists_table(found: Compared) -> "RenderableType":
    """Who among the artists gets the places, the small ones last."""
    from rich.table import Table

    table = Table(
        title="share of places by how often artists are heard; shown: small artists in any list",
        box=None,
        title_justify="left",
    )
    rows: list[Judged] = [row for row in found.methods if row.artists]
    table.add_column("method", no_wrap=True)
    for column in (*(tier.name for tier in rows[0].artists), "95 %", "shown"):
        table.add_column(column, justify="right")
    table.add_row("heard", *(f"{tier.consumption:.1%}" for tier in rows[0].artists), "", "")
    for row in rows:
        small = row.artists[-1]
        table.add_row(
            row.method,
            *(f"{tier.exposure.mean:.1%}" for tier in row.artists),
            _ends(small.exposure, 3),
            f"{small.shown:,} of {small.artists:,}",
        )
    return table


def _ends(figure: Figure, digits: int) -> str:
    """An interval; nothing where one listener alone says nothing of it."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:.{digits}f} to {figure.high:.{digits}f}"
