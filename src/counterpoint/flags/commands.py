"""Flags on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import (
    CounterpointError,
    InputError,
    NotFoundError,
    Problem,
    UsageError,
    WorkspaceError,
)
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.flag import Evaluation
    from counterpoint.flags.lint import Finding
    from counterpoint.flags.model import FlagSet

__all__ = ["evaluate", "lint"]


def evaluate(
    key: str,
    /,
    *,
    context: str = "{}",
    set: str = "default",  # noqa: A002 - the published option
) -> None:
    """Evaluate one flag for one context.

    Parameters
    ----------
    key
        The flag's key.
    context
        Attributes as a JSON object, with the subject under targetingKey.
    set
        The flag set.
    """
    from counterpoint.flags.store import read_set

    shell = terminal()
    attributes = _attributes(context)
    with shell.open() as workspace, workspace.graph.read() as reader:
        result = read_set(reader, set).flags.evaluate(key, attributes)
    if shell.json or not result.error_code:
        shell.emit(_evaluation(key, result), lambda: _shown(key, result))
    if result.error_code:
        error = NotFoundError if result.error_code == "FLAG_NOT_FOUND" else CounterpointError
        raise error(f"{result.error_code}: {result.error_message}")


def lint(
    file: Path | None = None,
    /,
    *,
    set: str | None = None,  # noqa: A002 - the published option
) -> int:
    """Say what is wrong with a flag definition: a file, or a flag set of the workspace.

    Exit code 1 when a flag cannot answer; warnings and notes leave it 0.

    Parameters
    ----------
    file
        flagd's JSON.
    set
        The flag set to look at where no file is given. Default: default.
    """
    from counterpoint.flags.lint import findings_in
    from counterpoint.flags.store import read_set

    if file is not None and set is not None:
        raise UsageError("Give a file or --set, not both.")
    shell = terminal()
    bets: list[str] | None = None
    if file is not None:
        flags = _checked(file)
        try:
            with shell.open() as workspace, workspace.graph.read() as reader:
                bets = [entity.ref for entity in reader.all(kind="Bet")]
        except (WorkspaceError, InputError):
            bets = None  # a file can be checked where there is no workspace
    else:
        with shell.open() as workspace, workspace.graph.read() as reader:
            flags = read_set(reader, set or "default").flags
            bets = [entity.ref for entity in reader.all(kind="Bet")]
    found = findings_in(flags, bets=bets)
    name = str(file) if file else f"{shell.noun('flag')} set {set or 'default'!r}"
    shell.emit([_finding(finding) for finding in found], lambda: _report(name, flags, found))
    return 1 if any(finding.level == "error" for finding in found) else 0


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


def _attributes(text: str) -> dict[str, Any]:
    try:
        attributes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f'--context is not JSON: {error}. Write it as \'{{"targetingKey": "user-1"}}\'.'
        ) from error
    if not isinstance(attributes, dict):
        raise UsageError('--context is not a JSON object. Write it as \'{"targetingKey": "user-1"}\'.')
    return attributes


def _evaluation(key: str, result: "Evaluation") -> dict[str, Any]:
    data = {
        "key": key,
        "value": result.value,
        "variant": result.variant,
        "reason": result.reason,
        "metadata": dict(result.metadata),
    }
    if result.error_code:
        data |= {"errorCode": result.error_code, "errorDetails": result.error_message}
    return data


def _shown(key: str, result: "Evaluation") -> str:
    value = (
        "none: the code's default counts"
        if result.value is None
        else json.dumps(result.value, ensure_ascii=False)
    )
    lines = [
        f"{terminal().noun('flag'):<8} {key}",
        f"value    {value}",
        f"variant  {result.variant or '-'}",
        f"reason   {result.reason}",
    ]
    lines += [f"metadata {name} = {entry}" for name, entry in result.metadata.items()]
    return "\n".join(lines)


def _report(name: str, flags: "FlagSet", found: "list[Finding]") -> str:
    lines = [f"{finding.level}: {terminal().told(finding.problem)}" for finding in found]
    counts = ", ".join(
        counted(sum(finding.level == level for finding in found), level)
        for level in ("error", "warning", "note")
    )
    return "\n".join([*lines, f"{name}: {counted(len(flags), 'flag')}, {counts}."])


def _finding(finding: "Finding") -> dict[str, Any]:
    return {"level": finding.level, **_problem(finding.problem)}


def _problem(problem: Problem) -> dict[str, Any]:
    return {"pointer": problem.pointer, "message": terminal().tell(problem.message), "line": problem.line}
