"""The journal's commands: `import events`, `events compact` and `events retention`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.journal.ingest import Ingested, ingest
from counterpoint.journal.mapping import load_mapping
from counterpoint.journal.model.outcome import Compacted, Due, Expired, Kept
from counterpoint.moments import to_datetime
from counterpoint.terminal import counted, terminal

__all__ = ["compact", "import_events", "retention"]

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
