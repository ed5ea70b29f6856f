"""Decisions on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from rich.table import Table

    from counterpoint.bets.deciding.search import LogPage

__all__ = ["export_decisions", "import_decisions", "list_decisions"]


def list_decisions(*words: str, unit: str = "", state: str = "", kind: str = "", limit: int = 50) -> None:
    """List the decision log, newest first.

    Parameters
    ----------
    words
        Only decisions that hold all of these.
    unit
        Only those of this unit.
    state
        proposed, advice, accepted, rejected or superseded.
    kind
        product, priority, architecture, work, people, spend, other, or bet.
    limit
        How many at most.
    """
    from counterpoint.bets.deciding.search import search_log

    shell = terminal()
    with shell.open() as workspace:
        found = shell.told(
            search_log(workspace.graph, words=" ".join(words), unit=unit, state=state, kind=kind, limit=limit)
        )
    shell.emit(found, lambda: _table(found, shell.noun))


def export_decisions(*numbers: int, folder: Path | None = None) -> None:
    """Print decisions as Markdown in MADR's shape, or write each into a folder.

    Parameters
    ----------
    numbers
        Their numbers. Default: all.
    folder
        Where `0001-title.md` and so on are written.
    """
    from counterpoint.bets.deciding.madr import to_markdown
    from counterpoint.bets.deciding.records import all_records, record
    from counterpoint.web.forms import name_from

    shell = terminal()
    with shell.open() as workspace:
        found = (
            [record(workspace.graph, number) for number in numbers]
            if numbers
            else all_records(workspace.graph)
        )
    files = {f"{each.number:04d}-{name_from(each.content.title)}.md": to_markdown(each) for each in found}
    if folder is None:
        shell.emit(files, lambda: "\n".join(files.values()))
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    shell.emit(sorted(files), lambda: f"Wrote {len(files)} files into {folder}.")


def import_decisions(*files: Path, unit: str = "") -> int:
    """Propose decisions from files in MADR's shape; one that cannot be read costs only itself.

    Parameters
    ----------
    files
        Markdown files.
    unit
        Who decides where a file names nobody.
    """
    from counterpoint.bets.deciding.madr import from_markdown
    from counterpoint.bets.deciding.records import propose
    from counterpoint.graph.actor import local_actor

    shell = terminal()
    kept: list[int] = []
    failed = 0
    with shell.open() as workspace:
        for file in files:
            try:
                text = file.read_text(encoding="utf-8")
                made = propose(workspace.graph, from_markdown(text, unit=unit), actor=local_actor())
            except (OSError, UnicodeDecodeError) as error:
                failed += 1
                shell.say(f"'{file}' cannot be read: {error}")
            except InputError as error:
                failed += 1
                shell.say(f"'{file}': {error}")
                for problem in error.problems:
                    shell.say(f"  {problem}")
            else:
                kept.append(made.number)
    shell.emit(kept, lambda: f"Proposed {len(kept)}, left out {failed}.")
    return 1 if failed else 0


def _table(found: "LogPage", noun: Callable[[str], str]) -> "Table | str":
    from rich.table import Table

    if not found.items:
        return "Nothing was found."
    table = Table("Nr", noun("decision").capitalize(), "Kind", "State", "Chosen", "When")
    for each in found.items:
        number = "" if each.number is None else str(each.number)
        state = f"{each.state}, waits {each.waits}" if each.waits else each.state
        kind = noun("bet") if each.kind == "bet" else each.kind
        table.add_row(number, each.title, kind, state, each.chosen, each.at.date().isoformat())
    return table
