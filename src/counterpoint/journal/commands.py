"""The journal's commands: `import events` and `events compact`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.journal.ingest import Ingested, Rehearsed, ingest, rehearse
from counterpoint.journal.mapping import load_mapping
from counterpoint.journal.model.mapping import EventMapping
from counterpoint.journal.readers import STDIN
from counterpoint.moments import rfc3339
from counterpoint.terminal import Terminal, counted, terminal

__all__ = ["compact", "import_events"]

SHOWN = 20
"""Problems that are printed."""
KEPT_VALUES = "what the journal had already keeps its first values; how to correct them: docs/events.md, Importing again."


def import_events(
    *files: Annotated[
        Path,
        Parameter(
            help="NDJSON or JSON with CloudEvents, packed with gzip or not; - for NDJSON from standard input; with --mapping, CSV or Parquet.",
            allow_leading_hyphen=True,
        ),
    ],
    mapping: Annotated[
        Path | None,
        Parameter(help="Which columns of a table become which events (YAML; see docs/events.md)."),
    ] = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Read and check everything, say what is there, and write nothing.")
    ] = False,
) -> None:
    """Read CloudEvents as NDJSON, or Parquet or CSV with a mapping. One that was broken off is run again: nothing is doubled."""
    if not files:
        raise UsageError("Name at least one file with events.")
    for each in files:
        if str(each).startswith("-") and each != STDIN:
            raise UsageError(f"Unknown option: {each}. A file of that name is written ./{each}.")
    chosen = load_mapping(mapping) if mapping else None
    here = terminal()
    if dry_run:
        _rehearse(here, files, chosen)
        return
    with here.open() as workspace:
        with here.progress("Importing events") as advance:
            done = ingest(workspace.journal, files, chosen, advance=advance)
        compacted = workspace.journal.compact()
    here.emit(
        {
            "accepted": done.accepted,
            "duplicates": done.duplicates,
            "rejected": [_rejection(problem) for problem in done.problems],
            "wrongClocks": done.wrong_clocks,
            "compacted": compacted.events,
        },
        human=lambda: _summary(done),
    )
    if chosen and done.duplicates:
        here.say(f"note: {KEPT_VALUES}")
    _tell(here, done, "; the others were kept")


def _rehearse(here: Terminal, files: Sequence[Path], mapping: EventMapping | None) -> None:
    with here.progress("Reading events") as advance:
        found = rehearse(files, mapping, now=datetime.now(UTC), advance=advance)
    lines = [f"{counted(found.readable, 'event')} could be imported; nothing was written."]
    lines += [
        f"{each.type}: {each.count:,} from {rfc3339(each.first)} to {rfc3339(each.last)}"
        for each in found.types
    ]
    here.emit(
        {
            "dryRun": True,
            "readable": found.readable,
            "rejected": [_rejection(problem) for problem in found.problems],
            "wrongClocks": found.wrong_clocks,
            "types": found.types,
        },
        human=lambda: "\n".join(lines),
    )
    _tell(here, found, "")


def _tell(here: Terminal, found: Ingested | Rehearsed, others: str) -> None:
    """Say what was odd about the events; what could not be read ends the command with 1."""
    if found.wrong_clocks:
        here.say(
            f"note: {counted(found.wrong_clocks, 'event')} with a time ahead of now or before the year 2000: a clock was wrong (docs/events.md)."
        )
    if found.rejected:
        more = f" (the first {SHOWN} follow)" if found.rejected > SHOWN else ""
        raise InputError(
            f"{counted(found.rejected, 'line or event', 'lines or events')} could not be read{more}{others}.",
            found.problems[:SHOWN],
        )


def compact() -> None:
    """Move events from the intake into Parquet segments."""
    here = terminal()
    with here.open() as workspace:
        done = workspace.journal.compact()
    text = f"{counted(done.events, 'event')} moved into {counted(done.segments, 'segment')}."
    if done.orphans:
        text += f" {counted(done.orphans, 'file')} of broken-off compactions removed."
    if done.busy:
        text = "Another process is compacting this journal now; nothing to do here."
    here.emit(done, human=lambda: text)


def _rejection(problem: object) -> dict[str, object]:
    import msgspec

    return {key: value for key, value in msgspec.to_builtins(problem).items() if value not in (None, "")}


def _summary(done: Ingested) -> str:
    text = f"{counted(done.accepted, 'event')} accepted."
    if done.duplicates:
        text += f" {counted(done.duplicates, 'event')} the journal had already."
    return text
