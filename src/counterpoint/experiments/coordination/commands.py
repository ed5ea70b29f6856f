"""`counterpoint experiments calendar` and `experiments interactions`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.experiments.coordination.store import Calendar
    from counterpoint.experiments.coordination.together import Interactions

__all__ = ["calendar", "interactions"]

STYLES = {"running": "bold green", "planned": "cyan", "past": "dim", "undated": "yellow"}


def calendar() -> None:
    """Show when experiments run, surface by surface, and which may change each other's result."""
    from counterpoint.experiments.coordination.store import calendar_of

    shell = terminal()
    with shell.open() as workspace:
        found = calendar_of(workspace, datetime.now(UTC))
    shell.emit(found, lambda: _shown(shell.told(found)))


def interactions(name: str | None = None, /) -> None:
    """Say whether experiments that ran at the same time change each other's effect.

    Parameters
    ----------
    name
        One experiment, to look at its pairs only; every pair that ran, where it is left out.
    """
    from counterpoint.experiments.coordination.together import interactions_in

    shell = terminal()
    with shell.open() as workspace:
        found = interactions_in(workspace, datetime.now(UTC), name=name)
    shell.emit(found, lambda: _met(shell.told(found)))


def _met(found: "Interactions") -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.wording import p_value

    parts: list[Any] = [Text(f"{counted(found.pairs, 'pair')} of experiments looked at.")]
    for each in found.items:
        parts.append(
            Text(("! " if each.found else "  ") + each.sentence, style="yellow" if each.found else "")
        )
        if each.state == "tested":
            known = each.alone is not None and each.together is not None
            effects = (
                f"effect {each.alone:.4g} without, {each.together:.4g} with" if known else "effects withheld"
            )
            figures = (
                f"{effects}; difference {each.difference:.4g}"
                f" ({each.low:.4g} to {each.high:.4g}), p {p_value(each.p)}, corrected {p_value(each.p_adjusted)}"
            )
            parts.append(Padding(Text(figures, style="dim"), (0, 0, 0, 4)))
    parts += [
        Text(f"Not looked at: {pair} (a table, or metrics with windows or steps).", style="dim")
        for pair in found.left_out
    ]
    return Group(*parts)


def _shown(found: "Calendar") -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.coordination.wording import span_in_words

    if not found.surfaces:
        return Text(
            terminal().tell(
                "There is no experiment yet. Write one as YAML, and import it with: counterpoint import catalog FILE"
            )
        )
    parts: list[Any] = []
    for surface, entries in found.surfaces.items():
        parts.append(Text(surface or terminal().tell("No surface"), style="bold"))
        for entry in entries:
            line = Text.assemble(
                (f"{entry.state:8}", STYLES[entry.state]),
                f" {entry.experiment.title}  ",
                (span_in_words(entry.experiment.start, entry.experiment.end), "dim"),
            )
            parts.append(Padding(line, (0, 0, 0, 2)))
    open_ones = [each for each in found.collisions if each.state != "past"]
    many, past = len(open_ones), len(found.collisions) - len(open_ones)
    said = f"{counted(many, 'pair')} may change each other's result." if many else "No two of them meet."
    over = f" {counted(past, 'pair')} met in the past." if past else ""
    parts.append(Text(f"\n{said}{over}"))
    parts += [
        Padding(Text(f"! {each.sentence} {each.remedy}", style="yellow"), (0, 0, 0, 2)) for each in open_ones
    ]
    return Group(*parts)
