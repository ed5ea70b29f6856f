"""The journal's commands: `import events`, `events compact` and `events retention`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.journal.ingest import Ingested, Rehearsed, ingest, rehearse
from counterpoint.journal.mapping import load_mapping
from counterpoint.journal.model.mapping import EventMapping
from counterpoint.journal.model.outcome import Compacted, Due, Expired, Kept
from counterpoint.journal.readers import STDIN
from counterpoint.moments import rfc3339, to_datetime
from counterpoint.terminal import Terminal, counted, terminal

__all__ = ["compact", "import_events", "retention"]

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


def compact(
    *,
    dry_run: Annotated[
        bool, Parameter(help="Say what would be moved, merged and let go, and change nothing.")
    ] = False,
) -> None:
    """Move events from the intake into Parquet segments, merge small ones, and let go what is too old."""
    here = terminal()
    with here.open() as workspace:
        if dry_run:
            found = workspace.journal.due()
            here.emit(found, human=lambda: _due(found))
            return
        done = workspace.journal.compact(full=True)
    here.emit(done, human=lambda: _compacted(done))


def _compacted(done: Compacted) -> str:
    if done.busy:
        return "Another process is compacting this journal now; nothing to do here."
    text = f"{counted(done.events, 'event')} moved into {counted(done.segments, 'segment')}."
    if done.merged:
        text += f" {counted(done.merged, 'small segment')} merged."
    if done.orphans:
        text += f" {counted(done.orphans, 'file')} of broken-off compactions removed."
    gone = [f"{_gone(each)} gone by [journal] retention." for each in done.expired]
    return "\n".join([text, *gone])


def _due(found: Due) -> str:
    text = f"{counted(found.events, 'event')} would be moved into segments."
    if found.merged:
        text += f" {counted(found.merged, 'small segment')} would be merged."
    gone = [f"{_gone(each)} would go by [journal] retention." for each in found.expired]
    unknown = [
        f"note: [journal] retention names {name}, and the journal holds no such event."
        for name in found.unknown
    ]
    return "\n".join([text, *gone, *unknown])


def _gone(each: Expired) -> str:
    day = to_datetime(each.before).date().isoformat()
    return f"{counted(each.events, 'event')} of type {each.type} before {day}"


def retention() -> None:
    """Show how long events are kept, what is due to go, and what went."""
    here = terminal()
    with here.open() as workspace:
        found = workspace.journal.kept()
    here.emit(found, human=lambda: _kept(found))


def _kept(found: Kept) -> str:
    if not found.rules:
        return "Events are kept for ever: [journal] retention in counterpoint.toml is empty (docs/events.md)."
    lines = [
        f"{'All other types' if type_ == '*' else type_}: {counted(days, 'day')}."
        for type_, days in sorted(found.rules.items(), key=lambda rule: (rule[0] == "*", rule[0]))
    ]
    lines += [f"note: the journal holds no event of type {name}." for name in found.unknown]
    lines += [f"Due: {_gone(each)}." for each in found.due]
    lines += [f"Gone on {each.at.date().isoformat()}: {_gone(each.what)}." for each in found.gone]
    return "\n".join(lines)


def _rejection(problem: object) -> dict[str, object]:
    import msgspec

    return {key: value for key, value in msgspec.to_builtins(problem).items() if value not in (None, "")}


def _summary(done: Ingested) -> str:
    text = f"{counted(done.accepted, 'event')} accepted."
    if done.duplicates:
        text += f" {counted(done.duplicates, 'event')} the journal had already."
    return text
