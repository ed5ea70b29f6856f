"""The commands `backup` and `restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.backup.making import Made
    from counterpoint.backup.manifest import Manifest
    from counterpoint.backup.restoring import Restored

__all__ = ["backup", "restore"]


def backup(
    file: Annotated[Path, Parameter(help="Where to write it; a zip file.")],
    *,
    force: Annotated[bool, Parameter(help="Overwrite the file.", negative="")] = False,
    verify: Annotated[
        bool, Parameter(help="Check a backup that exists, and write nothing.", negative="")
    ] = False,
) -> None:
    """Write a workspace into one archive, while others use it: settings, graph and journal of one moment.

    Only its owner may read the archive. It is there as a whole, or not at all.
    """
    here = terminal()
    if verify:
        if force:
            raise UsageError("--verify writes nothing, so there is nothing to overwrite.")
        from counterpoint.backup.archive import verify as check

        with here.progress("Checking the backup") as advance:
            manifest = check(file, advance)
        here.emit({"sound": True, "manifest": manifest}, lambda: here.tell(_sound(file, manifest)))
        return
    from counterpoint.backup.making import make_backup

    with here.open() as workspace, here.progress("Writing the backup") as advance:
        made = make_backup(workspace, file, force=force, advance=advance)
    here.emit(made, lambda: here.tell(_made(made)))


def restore(
    file: Annotated[Path, Parameter(help="A backup.")],
    folder: Annotated[
        Path | None, Parameter(help="A folder that is new or empty (default: that of -w).")
    ] = None,
    *,
    force: Annotated[
        bool, Parameter(help="Put what the folder holds aside, beside it.", negative="")
    ] = False,
    forgotten: Annotated[
        list[Path] | None,
        Parameter(
            help="A forgotten.json, or a workspace, whose erasures the backup may not have seen.", negative=""
        ),
    ] = None,
) -> None:
    """Make a workspace out of a backup; people who were forgotten since it was made stay forgotten.

    Everything is unpacked and checked beside the folder first, so that a restore is whole or did not happen.
    """
    from counterpoint.backup.restoring import restore as restore_

    here = terminal()
    with here.progress("Restoring") as advance:
        done = restore_(
            file, folder or here.workspace, force=force, forgotten=forgotten or (), advance=advance
        )
    here.emit(done, lambda: here.tell(_restored(done)))


def _made(made: "Made") -> str:
    text = (
        f"{made.path!r}: {made.bytes:,} bytes with {counted(made.events, 'event')} and the graph as of change"
        f" {made.activity:,}, in {counted(made.files, 'file')}."
    )
    if made.left_out:
        text += f"\nLeft out, since it is not the workspace's own: {', '.join(map(repr, made.left_out))}."
    return text


def _sound(file: Path, manifest: "Manifest") -> str:
    return (
        f"{str(file)!r} is sound: all {counted(len(manifest.files), 'file')} are as they were on {manifest.made:%Y-%m-%d %H:%M} UTC"
        f" ({counted(manifest.journal.events, 'event')}, graph as of change {manifest.graph.activity:,})."
    )


def _restored(done: "Restored") -> str:
    text = (
        f"Restored {done.path!r} as of {done.made:%Y-%m-%d %H:%M} UTC, with {counted(done.events, 'event')}."
    )
    if done.forgotten:
        text += f"\n{counted(done.forgotten, 'event')} of people who were forgotten since were removed again."
    if done.unasked:
        text += (
            "\nPeople who were forgotten since may be in it again: nothing here says who. If the workspace that it comes from"
            " has forgotten somebody, restore once more with --force --forgotten and its folder or its journal/forgotten.json."
        )
    if done.aside:
        text += f"\nWhat was there before is in {done.aside!r}; it may hold what has been forgotten since. Delete it when it is not needed."
    return text
