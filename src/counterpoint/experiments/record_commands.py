"""`counterpoint experiments record`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.terminal import terminal

__all__ = ["record", "save_record"]


def record(
    name: str,
    /,
    *,
    output: Annotated[
        Path | None, Parameter(help="A file for the record; it is printed where none is said.")
    ] = None,
    decided: Annotated[
        str | None, Parameter(help="What was decided, such as ship or stop; it goes into the log.")
    ] = None,
    reason: Annotated[str, Parameter(help="Why it was decided.")] = "",
) -> None:
    """Print an experiment's decision record as Markdown: question, plan, verdict, figures, quality, decision."""
    from counterpoint.experiments import recording, store
    from counterpoint.graph.actor import local_actor

    if reason and not decided:
        raise UsageError("--reason says why something was decided; say what with --decided.")
    shell = terminal()
    with shell.open() as workspace:
        loaded = store.load(workspace, name)
        if decided is not None:
            recording.decide(workspace, loaded, local_actor(), choice=decided, reason=reason)
        text = shell.tell(recording.record_for(workspace, loaded))
    if output is not None:
        save_record(output, text)
        shell.say(f"Wrote {output}.")
    elif shell.json:
        shell.emit({"experiment": loaded.entity.ref, "markdown": text})
    else:
        sys.stdout.write(text)


def save_record(file: Path, text: str) -> None:
    """Write a record into a file, in place of one that is there.

    Raises:
        InputError: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error
