"""Versions and environments of flag sets on the command line."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.flags.options import DryRun, IfMatch, Name, Named, Reason, set_meant
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.change_words import Document
    from counterpoint.flags.promotion import Environments
    from counterpoint.flags.store import Written
    from counterpoint.flags.versions import VersionPage
    from counterpoint.graph.flag_changes import SetChanges
    from counterpoint.workspace import Workspace

__all__ = ["diff", "environments", "promote", "restore", "versions"]

MOST = 100


def versions(
    name: Name = None,
    /,
    *,
    named: Named = None,
    limit: Annotated[int, Parameter(help="How many, the newest first.")] = 20,
) -> None:
    """List the versions of a flag set: who changed which flags, when and why."""
    from counterpoint.flags.versions import versions_of_set

    if not 1 <= limit <= MOST:
        raise UsageError(f"--limit is {limit}; it must be 1 to {MOST}.")
    shell, name = terminal(), set_meant(name, named, default="default")
    with shell.open() as workspace, workspace.graph.read() as reader:
        found = versions_of_set(reader, name, limit=limit)
    shell.emit(found, lambda: _versions(found))


def _versions(found: "VersionPage") -> str:
    lines = []
    for item in found.items:
        what = terminal().told(item).said or item.action
        lines.append(f"{item.version:>4}  {item.at:%Y-%m-%d %H:%M:%S}Z  {item.actor}  {what}")
        if item.reason:
            lines.append(f"      {item.reason}")
    if found.next_cursor:
        lines.append(f"{found.total} versions in all; --limit shows more.")
    return "\n".join(lines)


def diff(
    name: Name = None,
    /,
    *,
    named: Named = None,
    from_: Annotated[
        int | None, Parameter(name="--from", help="The old version. Default: the one before --to.")
    ] = None,
    to: Annotated[int | None, Parameter(help="The new version. Default: the newest.")] = None,
) -> None:
    """Show what differs between two versions of a flag set, flag by flag, and what it does to people."""
    from counterpoint.flags.change_lines import lines_of
    from counterpoint.flags.versions import difference_of, documents_of

    shell, name = terminal(), set_meant(name, named, default="default")
    with shell.open() as workspace, workspace.graph.read() as reader:
        found = difference_of(reader, name, old=from_, new=to)
        (_, before), (_, after) = documents_of(reader, name, old=from_, new=to)
    shell.emit(
        found,
        lambda: "\n".join([*lines_of(found.changes), *_effect(before, after, found.changes)]),
    )


def _effect(before: "Document", after: "Document", changes: "SetChanges") -> list[str]:
    """What a change does, in sentences below the difference itself."""
    from counterpoint.flags.change_lines import effect_lines
    from counterpoint.flags.change_words import plan_sentences
    from counterpoint.flags.effects import effect_between

    planned = plan_sentences(before, after)
    effect = effect_between((before, after), changes, [each for told in planned.values() for each in told])
    return ["", *map(terminal().tell, effect_lines(effect))] if effect else []


def restore(
    *what: Annotated[
        str, Parameter(help="The flag set, unless --set names it, and the version that it is to be again.")
    ],
    named: Named = None,
    reason: Reason = None,
    if_match: IfMatch = None,
    dry_run: DryRun = False,
) -> None:
    """Let a flag set be again what it was in a version: a new version, so that nothing is lost."""
    from counterpoint.flags.versions import restore_set
    from counterpoint.graph.actor import local_actor

    name, version = _set_and_version(what, named)
    with terminal().open() as workspace:
        before = _document(workspace, name) if dry_run else None
        written = restore_set(
            workspace,
            local_actor(),
            name,
            version,
            if_match=[if_match] if if_match else None,
            dry_run=dry_run,
            reason=reason,
        )
    _told(name, written, before)


def _set_and_version(what: tuple[str, ...], named: str | None) -> tuple[str, int]:
    position, version = (None, *what) if len(what) == 1 else what if len(what) == 2 else (None, "")
    if not version.isdecimal():
        raise UsageError("Name the flag set and the version, as in: counterpoint flags restore default 3")
    return set_meant(position, named), int(version)


def environments(name: Name = None, /, *, named: Named = None) -> None:
    """Show a flag set in every environment, and what a promotion to the next would change."""
    from counterpoint.flags.promotion import environments_of

    shell, name = terminal(), set_meant(name, named, default="default")
    with shell.open() as workspace, workspace.graph.read() as reader:
        found = environments_of(workspace, reader, name)
    shell.emit(found, lambda: _environments(found))


def _environments(found: "Environments") -> str:
    lines = []
    for item in found.items:
        if not item.exists:
            lines.append(f"{item.environment:<12}  no {terminal().noun('flag')} set {item.set!r}")
            continue
        lines.append(
            f"{item.environment:<12}  {item.set}, version {item.version}, {counted(item.flags, 'flag')}, {item.bucketing}"
        )
        if item.promotes_to:
            said = terminal().told(item.pending).said if item.pending else ""
            lines.append(
                f"{'':<12}  to {item.promotes_to}: {said}" if said else f"{'':<12}  as in {item.promotes_to}"
            )
    return "\n".join(lines)


def promote(
    name: Name = None,
    /,
    *,
    named: Named = None,
    from_: Annotated[
        str | None,
        Parameter(name="--from", help="The environment to promote from. Default: that of the set."),
    ] = None,
    to: Annotated[str | None, Parameter(help="The environment to promote to. Default: the next.")] = None,
    flag: Annotated[
        list[str] | None,
        Parameter(
            help="A flag to promote, with the shared rules that it uses; may repeat. Default: the whole set.",
            negative=(),
        ),
    ] = None,
    with_state: Annotated[
        bool,
        Parameter(
            help="Copy whether flags are on, and how far they are ramped.",
            negative="--keep-state",
        ),
    ] = True,
    reason: Reason = None,
    if_match: IfMatch = None,
    dry_run: DryRun = False,
) -> None:
    """Copy a flag set, or some of its flags, from one environment to another.

    With --keep-state flags that are there already stay on or off as they are.
    """
    from counterpoint.flags.promotion import promote_set, way_of
    from counterpoint.graph.actor import local_actor

    name = set_meant(name, named)
    with terminal().open() as workspace:
        way = way_of(name, workspace.settings.flags.environments, origin=from_, target=to)
        before = _document(workspace, way.to_set) if dry_run else None
        written = promote_set(
            workspace,
            local_actor(),
            way,
            flags=flag,
            with_state=with_state,
            if_match=[if_match] if if_match else None,
            dry_run=dry_run,
            reason=reason,
        )
    _told(way.to_set, written, before)


def _document(workspace: "Workspace", name: str) -> "Document":
    from counterpoint.flags.environments import set_ref

    with workspace.graph.read() as reader:
        entity = reader.get(set_ref(name))
    return entity.document if entity else None


def _told(name: str, written: "Written", before: "Document") -> None:
    from counterpoint.flags.change_lines import lines_of
    from counterpoint.flags.set_commands import report, written_data

    shell = terminal()
    for warning in written.warnings:
        shell.say(f"warning: {warning}")

    def shown() -> str:
        if written.outcome == "checked":
            done = report(shell, name, written)
            return "\n".join([done, *_effect(before, written.document, written.changes)])
        return "\n".join([*lines_of(written.changes), report(shell, name, written)])

    shell.emit(written_data(shell, name, written), shown)
