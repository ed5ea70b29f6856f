"""Flag sets on the command line: importing, listing, exporting, deleting."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from counterpoint.errors import Problem, UsageError
from counterpoint.flags.options import DryRun, Name, Named, Reason, problem_data, set_meant
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.listing import FlagItem
    from counterpoint.flags.store import StoredSet, Written

__all__ = ["check_bucketing", "delete", "export", "import_flags", "list_flags", "report"]

NAMED = 5
"""Flags that a note names before it only counts."""


def import_flags(
    *files: Annotated[
        Path, Parameter(help="flagd's JSON or YAML; - is what is piped in.", allow_leading_hyphen=True)
    ],
    set: Annotated[str, Parameter(help="The flag set to write.")] = "default",  # noqa: A002 - the published option
    bucketing: Annotated[
        str | None,
        Parameter(
            help="How `fractional` hashes: v2 (flagd daemon, npm) or v3 (PyPI). Default: what the set has, else v2."
        ),
    ] = None,
    strict: Annotated[bool, Parameter(help="Refuse also what flagd's JSON schemas refuse.")] = False,
    owner: Annotated[
        str | None,
        Parameter(
            help="Who owns the set, such as group:default/discovery. Default: as it is; for a new set the"
            " file's metadata, the bet that it names, the same set in production, or you."
        ),
    ] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> None:
    """Read flagd flag definition files into a flag set, all or nothing.

    Several files become one set together; of a flag that is in two of them the last counts.
    """
    from counterpoint.flags.files import STDIN, read_definitions
    from counterpoint.flags.store import write_set
    from counterpoint.graph.actor import local_actor

    if not files:
        raise UsageError("Name at least one file: counterpoint import flags FILE, or - for what is piped in.")
    for file in files:  # a lone hyphen is a file here, so that the command line lets all of them through
        if str(file).startswith("-") and file != STDIN:
            raise UsageError(f"Unknown option: {str(file)!r}. A file of that name is given as ./{file}.")
    check_bucketing(bucketing)
    shell = terminal()
    with shell.open() as workspace:
        source, remarks = read_definitions(files, strict=strict)
        written = write_set(
            workspace,
            local_actor(),
            set,
            source,
            bucketing=bucketing,
            strict=strict,
            owner=owner,
            reason=reason,
            dry_run=dry_run,
        )
    for warning in (*remarks, *written.warnings):
        shell.say(f"warning: {warning}")
    if written.removed:
        shell.say(f"note: {_removal(written.removed, dry_run=dry_run)}")
    stored = written.stored
    more = {
        "bucketing": stored.flags.bucketing if stored else bucketing,
        "owner": stored.entity.owner if stored else owner,
    }
    data = written_data(shell, set, written, remarks) | more
    owned = f", owned by {stored.entity.owner}" if stored else ""
    shell.emit(
        data, lambda: report(shell, set, written, more=owned, warnings=len(remarks) + len(written.warnings))
    )


def check_bucketing(bucketing: str | None) -> None:
    """Make sure that an option names an algorithm that there is.

    Raises:
        UsageError: it does not.
    """
    from counterpoint.flags.bucketing import BUCKETINGS

    if bucketing is not None and bucketing not in BUCKETINGS:
        raise UsageError(f"--bucketing is {bucketing!r}; it must be {' or '.join(BUCKETINGS)}.")


def written_data(
    shell: Terminal, name: str, written: "Written", remarks: tuple[Problem, ...] = ()
) -> dict[str, Any]:
    """What a write did, for `--json`."""
    import msgspec

    stored = written.stored
    return {
        "set": name,
        "outcome": written.outcome,
        "version": stored.entity.version if stored else None,
        "flags": written.flags,
        "removed": written.removed,
        "etag": stored.etag if stored else None,
        "warnings": [problem_data(shell, warning) for warning in (*remarks, *written.warnings)],
        "changes": msgspec.to_builtins(shell.told(written.changes)),
    }


def report(
    shell: Terminal, name: str, written: "Written", *, more: str = "", warnings: int | None = None
) -> str:
    """What a write did, for people; of a dry run with what would change."""
    from counterpoint.flags.change_lines import lines_of

    count = len(written.warnings) if warnings is None else warnings
    line = f"{shell.noun('Flag')} set {name!r}: {written.outcome}, {counted(written.flags, 'flag')}{more}, {counted(count, 'warning')}."
    return "\n".join([*lines_of(written.changes), line]) if written.outcome == "checked" else line


def _removal(keys: tuple[str, ...], *, dry_run: bool) -> str:
    named = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")
    would = "would be" if dry_run else "is" if len(keys) == 1 else "are"
    return f"the file replaces the whole set; {named} {would} no longer in it."


def list_flags(
    *,
    set: Annotated[str | None, Parameter(help="List the flags of this set.")] = None,  # noqa: A002
    state: Annotated[
        Literal["enabled", "disabled"] | None, Parameter(help="Only flags in this state, of all sets.")
    ] = None,
    text: Annotated[
        str | None, Parameter(help="Only flags with this in key, description or bet, of all sets.")
    ] = None,
) -> None:
    """List flag sets, or the flags of one, or those of all sets that an option lets through."""
    from counterpoint.flags.listing import items_of, narrowed
    from counterpoint.flags.store import read_set, read_sets

    shell = terminal()
    with shell.open() as workspace, workspace.graph.read() as reader:
        sets = [read_set(reader, set, broken=True)] if set else read_sets(reader)
    if set or state or text:
        import msgspec

        items = narrowed(items_of(sets), state=state, text=text)
        shell.emit(msgspec.to_builtins(items), lambda: _flag_rows(items))
        return
    shell.emit([_set_data(each) for each in sets], lambda: _set_rows(sets))


def _set_data(stored: "StoredSet") -> dict[str, Any]:
    spec = stored.entity.spec
    return {
        "set": stored.name,
        "environment": spec.get("environment"),
        "owner": stored.entity.owner,
        "bucketing": stored.flags.bucketing,
        "flags": len(stored.flags),
        "version": stored.entity.version,
        "etag": stored.etag,
        "usable": not stored.problems,
    }


def _set_rows(sets: "list[StoredSet]") -> str:
    if not sets:
        return f"There is no {terminal().noun('flag')} set. Make one with: counterpoint import flags FILE"
    rows = [
        (
            each.name,
            counted(len(each.flags), "flag"),
            each.flags.bucketing,
            f"version {each.entity.version}",
            each.entity.owner or "-",
            "cannot be used" if each.problems else "",
        )
        for each in sets
    ]
    return _table(rows)


def _flag_rows(items: "list[FlagItem]") -> str:
    if not items:
        return f"There is no such {terminal().noun('flag')}."
    rows = [
        (
            item.key,
            "on" if item.state == "ENABLED" else "off",
            item.type,
            f"default {item.default_variant}" if item.default_variant else "no default",
            "targeted" if item.targeted else "",
            item.owner or "-",
            item.set,
        )
        for item in items
    ]
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def export(
    *,
    set: Annotated[str, Parameter(help="The flag set.")] = "default",  # noqa: A002 - as everywhere
    version: Annotated[int | None, Parameter(help="As it was in this version. Default: as it is.")] = None,
    file: Annotated[Path | None, Parameter(help="Write into this file rather than print.")] = None,
) -> None:
    """Print a flag set as flagd's JSON, just as it was written: any flagd reads it."""
    from counterpoint.flags.store import find_set
    from counterpoint.flags.versions import read_version

    shell = terminal()
    with shell.open() as workspace, workspace.graph.read() as reader:
        if version is None:
            definition = find_set(reader, set).spec["definition"]
        else:
            definition = read_version(reader, set, version).definition
    text = json.dumps(definition, indent=2, ensure_ascii=False)
    if file is None:
        shell.emit(definition, lambda: text)
        return
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}); choose another file.") from error
    shell.emit({"set": set, "file": str(file)}, lambda: f"{file} holds the {shell.noun('flag')} set {set!r}.")


def delete(
    name: Name = None,
    /,
    *,
    named: Named = None,
    reason: Reason = None,
    if_match: Annotated[str | None, Parameter(help="Only if the set still has this etag.")] = None,
    dry_run: Annotated[bool, Parameter(help="Only say what it is joined to.")] = False,
) -> None:
    """Delete a flag set, and say what it was joined to. Its versions stay: `flags restore` brings it back."""
    from counterpoint.flags.store import delete_set
    from counterpoint.graph.actor import local_actor

    shell, name = terminal(), set_meant(name, named)
    with shell.open() as workspace:
        gone = delete_set(
            workspace,
            local_actor(),
            name,
            if_match=[if_match] if if_match else None,
            dry_run=dry_run,
            reason=reason,
        )
    links = [{"relation": link.relation, "ref": link.ref} for link in gone.links]
    data = {"set": gone.name, "version": gone.version, "flags": gone.flags, "links": links}
    done = "would be deleted" if dry_run else "is deleted"
    back = "" if dry_run else f" Bring it back with: counterpoint flags restore {name} {gone.version}"

    def told() -> str:
        lines = [f"{link.relation} {link.ref}" for link in gone.links]
        lines.append(
            f"{shell.noun('Flag')} set {name!r} with {counted(gone.flags, 'flag')} {done}; it was joined to {counted(len(links), 'thing')}.{back}"
        )
        return "\n".join(lines)

    shell.emit(data | {"deleted": not dry_run}, told)
