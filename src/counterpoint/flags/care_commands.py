"""The care of flags on the command line."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import InputError, UsageError, WorkspaceError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.lint import Finding
    from counterpoint.flags.model import FlagSet

__all__ = ["lint"]

LEVELS = ("error", "warning", "note")


def lint(
    *files: Path,
    set: str | None = None,  # noqa: A002 - the published option
    strict: bool = False,
) -> int:
    """Say what is wrong with flag definitions: files, or a flag set of the workspace.

    Exit code 1 when a flag cannot answer; warnings and notes leave it 0.

    Parameters
    ----------
    files
        flagd's JSON.
    set
        The flag set to look at where no file is given. Default: default.
    strict
        Count as errors also what flagd's JSON schemas refuse.
    """
    from counterpoint.flags.lint import care_findings
    from counterpoint.flags.store import read_set

    if files and set is not None:
        raise UsageError("Give files or --set, not both.")
    shell = terminal()
    looked: list[tuple[str, FlagSet, list[Finding]]] = []
    if files:
        bets = _known_bets()
        for file in files:
            flags = _checked(file)
            looked.append((str(file), flags, care_findings(flags, bets=bets)))
    else:
        with shell.open() as workspace, workspace.graph.read() as reader:
            stored = read_set(reader, set or "default")
            bets = [entity.ref for entity in reader.all(kind="Bet")]
        name = f"{shell.noun('flag')} set {set or 'default'!r}"
        looked.append((name, stored.flags, care_findings(stored.flags, bets=bets, owner=stored.entity.owner)))
    if strict:
        looked = [(name, flags, list(_strictly(flags, found))) for name, flags, found in looked]
    shell.emit(
        [_finding(finding) for _, _, found in looked for finding in found],
        lambda: "\n".join(_report(*one) for one in looked),
    )
    return 1 if any(finding.level == "error" for _, _, found in looked for finding in found) else 0


def _known_bets() -> Collection[str] | None:
    try:
        with terminal().open() as workspace, workspace.graph.read() as reader:
            return [entity.ref for entity in reader.all(kind="Bet")]
    except (WorkspaceError, InputError):
        return None  # a file can be checked where there is no workspace


def _strictly(flags: "FlagSet", found: "list[Finding]") -> "Iterator[Finding]":
    refused = frozenset(flags.warnings)
    for finding in found:
        yield replace(finding, level="error") if finding.problem in refused else finding


def _checked(file: Path) -> "FlagSet":
    """The flags of a file; where it is refused, `--json` has the reasons as findings too."""
    from counterpoint.flags.errors import FlagSetError
    from counterpoint.flags.lint import Finding
    from counterpoint.flags.model import FlagSet

    try:
        return FlagSet.from_flagd(file)
    except FlagSetError as error:
        if terminal().json:
            terminal().emit([_finding(Finding("error", problem)) for problem in error.problems])
        raise


def _report(name: str, flags: "FlagSet", found: "list[Finding]") -> str:
    ordered = sorted(found, key=lambda finding: LEVELS.index(finding.level))
    lines = [f"{finding.level}: {terminal().told(finding.problem)}" for finding in ordered]
    counts = ", ".join(counted(sum(finding.level == level for finding in found), level) for level in LEVELS)
    return "\n".join([*lines, f"{name}: {counted(len(flags), 'flag')}, {counts}."])


def _finding(finding: "Finding") -> dict[str, Any]:
    problem = finding.problem
    return {
        "level": finding.level,
        "pointer": problem.pointer,
        "message": terminal().tell(problem.message),
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
    }
