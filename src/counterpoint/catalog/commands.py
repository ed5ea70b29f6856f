"""`counterpoint import catalog`."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from counterpoint.catalog.remarks import Remark
    from counterpoint.catalog.report import ImportReport

__all__ = ["import_catalog"]

SHOWN = 200
"""Problems that are printed for people; `--json` has them all."""


def import_catalog(
    *targets: Annotated[str, Parameter(help="Files, folders, patterns, git checkouts or addresses.")],
    dry_run: Annotated[bool, Parameter(help="Check everything and keep nothing.")] = False,
) -> int:
    """Read catalog-info.yaml files, folders, globs or checkouts, in Backstage's format."""
    from counterpoint.catalog.importer import import_targets
    from counterpoint.catalog.reuse.notes import notes_since
    from counterpoint.graph import local_actor

    if not targets:
        raise UsageError("Name at least one file, folder or pattern: counterpoint import catalog TARGET...")
    if not all(targets):
        raise UsageError("A TARGET is empty; name a file, folder or pattern.")
    here = terminal()
    with here.open() as workspace, here.progress("Importing") as advance:
        with workspace.graph.read() as reader:
            before = reader.last_activity()
        report = import_targets(
            workspace.graph,
            local_actor(),
            targets,
            dry_run=dry_run,
            hosts=workspace.settings.catalog.read_hosts,
            progress=advance,
        )
        report.remarks += notes_since(workspace, before)
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
