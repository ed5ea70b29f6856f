"""`counterpoint import catalog` and `counterpoint problems`."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from counterpoint.catalog.problems import Standing
    from counterpoint.catalog.remarks import Remark
    from counterpoint.catalog.report import ImportReport

__all__ = ["import_catalog", "problems"]

SHOWN = 200
"""Problems that are printed for people; `--json` has them all."""


def import_catalog(
    *targets: Annotated[str, Parameter(help="Files, folders, patterns, git checkouts or addresses.")],
    dry_run: Annotated[bool, Parameter(help="Check everything and keep nothing.")] = False,
) -> int:
    """Read catalog-info.yaml files, folders, globs or checkouts, in Backstage's format."""
    if not targets:
        raise UsageError("Name at least one file, folder or pattern: counterpoint import catalog TARGET...")
    if not all(targets):
        raise UsageError("A TARGET is empty; name a file, folder or pattern.")
    from counterpoint.catalog.beside import Beside

    # It begins to read while this process still loads what it needs to write.
    beside = None if dry_run else Beside.for_large(targets)
    from counterpoint.catalog.importer import import_targets
    from counterpoint.catalog.indexing import index_if_large
    from counterpoint.catalog.noticed import add_notices
    from counterpoint.catalog.reuse.notes import notes_since
    from counterpoint.graph import local_actor

    here = terminal()
    with beside or nullcontext(), here.open() as workspace, here.progress("Importing") as advance:
        with workspace.graph.read() as reader:
            before = reader.last_activity()
        report = import_targets(
            workspace.graph,
            local_actor(),
            targets,
            dry_run=dry_run,
            hosts=workspace.settings.catalog.read_hosts,
            progress=advance,
            beside=beside,
            seen=lambda writer, report: add_notices(writer, report, since=before),
        )
        report.remarks += notes_since(workspace, before)
        if not dry_run:
            index_if_large(workspace, beside)
    if not here.json:
        _say_remarks(here, report.remarks)
    here.emit(_record(here, report), lambda: _summary(report, dry_run=dry_run))
    return 1 if report.failed else 0


def _record(here: Terminal, report: "ImportReport") -> dict[str, Any]:
    record = report.record()
    told = [remark | {"message": here.tell(remark["message"])} for remark in record["problems"]]
    return record | {"problems": told}


def _say_remarks(here: Terminal, remarks: "list[Remark]") -> None:
    for remark in remarks[:SHOWN]:
        here.say(f"{remark.level}: {remark.problem}")
    if len(remarks) > SHOWN:
        here.say(f"... and {len(remarks) - SHOWN} more; --json lists all")


def _summary(report: "ImportReport", *, dry_run: bool) -> str:
    lines = []
    for outcome, kinds in report.outcomes.items():
        if kinds:
            each = ", ".join(f"{terminal().noun(kind)} {count}" for kind, count in sorted(kinds.items()))
            lines.append(f"{outcome:<10}{kinds.total():>6}   {each}")
    files = counted(report.files, "file")
    if not lines:
        return f"Nothing to import in {files}."
    lines.append(f"Read from {files}{'; nothing was kept (dry run)' if dry_run else ''}.")
    return "\n".join(lines)


def problems(
    *,
    level: Annotated[
        Literal["error", "warning", "note"] | None, Parameter(help="Only those of this level.")
    ] = None,
    owner: Annotated[str | None, Parameter(help="Only those of what this unit or person owns.")] = None,
) -> int:
    """Say what is wrong in the files and addresses that the catalog is read from, since when, and the way out.

    Exit code 1 while an error stands; warnings and notes leave it 0.
    """
    from counterpoint.catalog.problems import count_problems, list_problems
    from counterpoint.graph.named import require_known

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        asked = require_known(reader, owner, "/owner") if owner else None
        found = [each for _, each in list_problems(reader, level=level, owner=asked, limit=10_000)]
        counts = count_problems(reader, owner=asked)
    here.emit(
        {"counts": counts, "problems": [_standing(here, each) for each in found]},
        lambda: _report(found, counts, asked),
    )
    return 1 if any(each.level == "error" for each in found) else 0


def _standing(here: Terminal, each: "Standing") -> dict[str, Any]:
    from counterpoint.catalog.remedies import REMEDIES
    from counterpoint.moments import rfc3339

    return {
        "location": each.location,
        "line": each.line,
        "column": each.column,
        "pointer": each.pointer,
        "level": each.level,
        "code": each.code,
        "message": here.tell(each.message),
        "remedy": here.tell(REMEDIES[each.code]),
        "entity": each.ref,
        "owner": each.owner,
        "since": rfc3339(each.since),
    }


def _report(found: "list[Standing]", counts: dict[str, int], owner: str | None) -> str:
    from counterpoint.catalog.remedies import REMEDIES

    lines = []
    for each in found[:SHOWN]:
        lines.append(f"{each.level}: {each.place} {each.pointer}".rstrip() + f": {each.message}")
        lines.append(f"    {REMEDIES[each.code]}")
    if len(found) > SHOWN:
        lines.append(f"... and {len(found) - SHOWN} more; --json lists all")
    told = ", ".join(
        counted(counts[level], level) for level in ("error", "warning", "note") if counts.get(level)
    )
    where = f"what {owner} owns" if owner else "what was imported"
    lines.append(f"{told}." if told else f"Nothing is wrong in {where}.")
    return "\n".join(lines)
