"""`counterpoint experiments calendar` and `experiments interactions`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.experiments.coordination.store import Calendar

__all__ = ["calendar"]

STYLES = {"running": "bold green", "planned": "cyan", "past": "dim", "undated": "yellow"}


def calendar() -> None:
    """Show when experiments run, surface by surface, and which may change each other's result."""
    from counterpoint.experiments.coordination.store import calendar_of

    shell = terminal()
    with shell.open() as workspace:
        found = calendar_of(workspace, datetime.now(UTC))
    shell.emit(found, lambda: _shown(shell.told(found)))


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
    many = len(open_ones)
    parts.append(
        Text(
            f"\n{counted(many, 'pair')} may change each other's result." if many else "\nNo two of them meet."
        )
    )
    parts += [
        Padding(Text(f"! {each.sentence} {each.remedy}", style="yellow"), (0, 0, 0, 2)) for each in open_ones
    ]
    return Group(*parts)
