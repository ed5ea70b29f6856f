"""The command `events forget`: whom to forget, what would go, and the proof that it went."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.followers import follow_erasure
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from counterpoint.backup.purging import Purged
    from counterpoint.journal.erasure import Forgotten
    from counterpoint.journal.residue import Residue
    from counterpoint.workspace import Workspace

__all__ = ["forget"]

MOST_ASKED = 20
"""People who are looked for in a PostgreSQL database, each of whom costs it a pass over every row."""
SHOWN = 10
"""Files that are named of those where something was found."""


def forget(
    *people: Annotated[str, Parameter(help="Whom to forget: the subject of their events, exactly.")],
    file: Annotated[
        Path | None,
        Parameter(
            help="A text file with one person a line (blanks around are no part of it), beside those named."
        ),
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Say what would go, and change nothing.", negative="")] = False,
    verify: Annotated[
        bool, Parameter(help="Only read every byte and say where they are found.", negative="")
    ] = False,
    yes: Annotated[bool, Parameter(help="Do not ask for confirmation.", negative="")] = False,
    backups: Annotated[
        bool, Parameter(help="Forget them in the backups that can be reached, too.", negative="")
    ] = False,
    wait: Annotated[float, Parameter(help="Seconds to wait for readers and for a compaction.")] = 60.0,
) -> int:
    """Remove a person's events for good, from the intake and every segment, and prove it.

    Every event goes that has the person's text, as a whole, as its subject or anywhere else: an attribute,
    a key or a value of its data. It cannot be taken back. Versions of recommenders that had them are fitted anew
    without them. Exits with 1 where something is left.
    """
    here = terminal()
    texts = _people(people, file)
    with here.open() as workspace:
        if verify:
            found = _proof(workspace, texts)
            here.emit(_data(None, found), lambda: here.tell(_proven(found)))
            return 0 if _is_clean(found) else 1
        planned = _preview(workspace, texts)
        if dry_run:
            here.emit(_data(planned, None), lambda: here.tell(_planned(planned)))
            return 0
        if not yes and not _confirmed(here, planned):
            here.say("Nothing was changed.")
            return 1
        with here.progress("Rewriting segments") as advance:
            done = _forget(workspace, texts, wait=wait, advance=advance)
        followed, whole = follow_erasure(workspace, texts, here.say)
        found = _proof(workspace, texts)
        archives = _backups(workspace, texts, done.number, purge=backups)
    data = {**_data(done, found), "followed": followed, "backups": archives}
    here.emit(data, lambda: here.tell("\n".join([_done(done), *followed, _proven(found), *_told(archives)])))
    return 0 if done.finished and whole and _is_clean(found) else 1


def _people(named: Sequence[str], file: Path | None) -> list[str]:
    texts = list(named)
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").replace("\r", "").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file} cannot be read as UTF-8 text: {error}.") from error
        texts += [line.strip() for line in lines]
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    if any(0xD800 <= ord(char) <= 0xDFFF for text in texts for char in text):
        raise UsageError("A person's text must be UTF-8, as every text of an event is.")
    if not texts:
        raise UsageError("Name at least one person, or a file with one a line (--file).")
    return texts


def _confirmed(here: Terminal, planned: "Forgotten") -> bool:
    """Whether somebody at a terminal agrees.

    Raises:
        UsageError: there is nobody to ask.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "Forgetting cannot be taken back, and there is no terminal to ask at; add --yes to do it, or --dry-run to see what would go."
        )
    here.say(_planned(planned))
    sys.stderr.write("This cannot be taken back. Forget them? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _preview(workspace: "Workspace", texts: Sequence[str]) -> "Forgotten":
    from counterpoint.journal.erasure import preview
    from counterpoint.journal.sought import Named

    return preview(workspace.journal.folder, [Named(text) for text in texts])


def _forget(workspace: "Workspace", texts: Sequence[str], *, wait: float, advance: Any) -> "Forgotten":
    from counterpoint.graph.actor import local_actor
    from counterpoint.journal.sought import Named

    people = [Named(text) for text in texts]
    done = workspace.journal.forget(people, actor=local_actor().ref, wait=wait, advance=advance)
    _note(workspace)
    return done


def _backups(workspace: "Workspace", texts: Sequence[str], number: int, *, purge: bool) -> "list[Purged]":
    """The backups that may hold the people: purged, or named as outstanding."""
    from counterpoint.backup.purging import Purged, purge_backups
    from counterpoint.journal.backups import known_backups
    from counterpoint.journal.sought import Named

    journal = workspace.journal.folder
    if purge:
        return purge_backups(journal, [Named(text) for text in texts], erasures=number)
    why = "it was made before, and --backups was not given"
    return [Purged(each.id, each.path, outstanding=why) for each in known_backups(journal, before=number)]


def _told(archives: "Sequence[Purged]") -> list[str]:
    lines = [
        f"Backup {each.path!r}: {counted(each.events, 'event')} removed."
        for each in archives
        if not each.outstanding
    ]
    waiting = [each for each in archives if each.outstanding]
    if waiting:
        lines.append(
            "These backups may still hold them; restored, they are purged by the receipts of this workspace (journal/forgotten.json):"
        )
        lines += [f"  {each.path!r} ({each.id}): {each.outstanding}" for each in waiting]
    return lines


def _note(workspace: "Workspace") -> None:
    """Tell the activity log of every erasure that it does not know; whom it concerned stays out of it."""
    from counterpoint.graph.actor import local_actor

    for receipt in workspace.journal.erasures(noted=False):
        with workspace.graph.write(local_actor()) as writer:
            writer.record("events.forgotten", f"erasure:{receipt.number}", after=receipt)
        workspace.journal.note_erasure(receipt.number)


class _Found:
    """What is left: events about the people, and traces in the journal's files and beside them."""

    def __init__(
        self, events: int, journal: "Residue", beside: "Residue", database: dict[str, int] | None
    ) -> None:
        self.events = events
        self.journal = journal
        self.beside = beside
        self.database = database


def _proof(workspace: "Workspace", texts: Sequence[str]) -> _Found:
    from counterpoint.journal.residue import search

    left = _preview(workspace, texts).events
    journal = workspace.journal.folder
    beside = search(workspace.path, texts, skip=[journal.name], whole=True)
    return _Found(left, search(journal, texts), beside, _in_database(workspace, texts))


def _in_database(workspace: "Workspace", texts: Sequence[str]) -> dict[str, int] | None:
    """Rows of a graph outside of the folder that hold one of the texts; none where that was not looked for."""
    if workspace.graph.file is not None:
        return {}
    if len(texts) > MOST_ASKED:
        return None
    from counterpoint.graph.mentions import mentions

    with workspace.graph.read() as reader:
        return mentions(reader.connection, texts)


def _is_clean(found: _Found) -> bool:
    return not found.events and not any(trace.values or trace.residue for trace in found.journal.traces)


def _data(done: "Forgotten | None", found: _Found | None) -> dict[str, Any]:
    import msgspec

    data: dict[str, Any] = {}
    if done is not None:
        data["erased"] = msgspec.to_builtins(done)
    if found is not None:
        data["proof"] = {
            "clean": _is_clean(found),
            "events": found.events,
            "journal": msgspec.to_builtins(found.journal),
            "beside": msgspec.to_builtins(found.beside),
            "database": found.database,
        }
    return data


def _planned(planned: "Forgotten") -> str:
    if not planned.events:
        return (
            f"No event is about {counted(planned.people, 'person', 'people')} named; a receipt would be kept."
        )
    return (
        f"{counted(planned.events, 'event')} would go ({_types(planned)}): {planned.in_intake:,} from the intake,"
        f" the others from {counted(planned.files, 'segment')} of {planned.bytes_before:,} bytes, which are written anew."
    )


def _done(done: "Forgotten") -> str:
    text = f"{counted(done.events, 'event')} removed"
    if done.events:
        text += f" ({_types(done)}); {counted(done.files, 'segment')} written anew, {done.bytes_before:,} to {done.bytes_after:,} bytes"
    text += f". Receipt {done.number}."
    if not done.finished:
        text += (
            f"\nNot finished: readers still use {counted(done.waiting, 'replaced file')}, which are still on the disk."
            " Run the same command again when they have ended."
        )
    return text


def _types(done: "Forgotten") -> str:
    return ", ".join(f"{count:,} {type_!r}" for type_, count in done.types.items())


def _proven(found: _Found) -> str:
    files = counted(found.journal.files, "file")
    read = f"Read every byte of {files} of the journal ({found.journal.bytes:,} bytes, Parquet decompressed as well):"
    if _is_clean(found):
        lines = [f"{read} nothing is left."]
    else:
        lines = [f"{read} {counted(found.events, 'event')} left."]
        lines += [
            f"  {'journal/' + trace.file!r}: {counted(trace.values, 'value')}, {counted(trace.residue, 'place')} outside of any value"
            for trace in found.journal.traces[:SHOWN]
            if trace.values or trace.residue
        ]
    if within := sum(trace.within for trace in found.journal.traces):
        lines.append(
            f"{counted(within, 'value')} of other events hold the text as part of a longer one, as user-77 holds user-7;"
            " they stay."
        )
    if found.journal.common:
        lines.append("The text is part of so many others that deleted copies of it cannot be told from them.")
    lines += [
        f"Beside the journal, {trace.file!r} holds it in {counted(trace.values + trace.within + trace.residue, 'place')}; that is"
        " not the journal's to change."
        for trace in found.beside.traces[:SHOWN]
    ]
    if found.database is None:
        lines.append(
            f"The graph's database was not searched: that is done for at most {MOST_ASKED} people at a time."
        )
    lines += [
        f"Beside the journal, table {name!r} of the graph's database holds it in {counted(rows, 'row')}; that is not the journal's to change."
        for name, rows in (found.database or {}).items()
    ]
    return "\n".join(lines)
