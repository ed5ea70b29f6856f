"""The journal's commands: `import events` and `events compact`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.journal.ingest import Ingested, ingest
from counterpoint.journal.mapping import load_mapping
from counterpoint.terminal import counted, terminal

__all__ = ["compact", "import_events"]

SHOWN = 20
"""Problems that are printed."""
KEPT_VALUES = "what the journal had already keeps its first values; how to correct them: docs/events.md, Importing again."


def import_events(
    *files: Annotated[
        Path, Parameter(help="NDJSON or JSON with CloudEvents; with --mapping, CSV or Parquet.")
    ],
    mapping: Annotated[
        Path | None,
        Parameter(help="Which columns of a table become which events (YAML; see docs/events.md)."),
    ] = None,
) -> None:
    """Read CloudEvents as NDJSON, or Parquet or CSV with a mapping."""
    if not files:
        raise UsageError("Name at least one file with events.")
    chosen = load_mapping(mapping) if mapping else None
    here = terminal()
    with here.open() as workspace:
        with here.progress("Importing events") as advance:
            done = ingest(workspace.journal, files, chosen, advance=advance)
        compacted = workspace.journal.compact()
    rejected = [_rejection(problem) for problem in done.problems]
    here.emit(
        {
            "accepted": done.accepted,
            "duplicates": done.duplicates,
            "rejected": rejected,
            "compacted": compacted.events,
        },
        human=lambda: _summary(done),
    )
    if chosen and done.duplicates:
        here.say(f"note: {KEPT_VALUES}")
    if done.rejected:
        more = f" (the first {SHOWN} follow)" if done.rejected > SHOWN else ""
        raise InputError(
            f"{counted(done.rejected, 'line or event', 'lines or events')} could not be read{more}; the others were kept.",
            done.problems[:SHOWN],
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
