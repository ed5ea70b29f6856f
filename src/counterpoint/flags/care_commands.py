"""The care of flags on the command line."""

import csv
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import InputError, NotFoundError, Problem, UsageError, WorkspaceError
from counterpoint.flags.options import attributes_of, problem_data
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.lint import Finding
    from counterpoint.flags.model import FlagSet
    from counterpoint.flags.references import Place
    from counterpoint.flags.simulation import Change
    from counterpoint.flags.stale import StaleFlag
    from counterpoint.flags.trace import Trace
    from counterpoint.workspace import Workspace

__all__ = ["lint", "references", "simulate", "stale", "trace", "trace_lines"]

LEVELS = ("error", "warning", "note")
ALIKE = 3
"""Findings that differ only in what they name, of which each is told."""
NAMED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\d+(?:[.,]\d+)*")
"""What a finding names: quoted texts and numbers."""
MOST_USERS = 10_000_000
"""Users that are invented at most."""


def lint(
    *files: Path,
    set: str | None = None,  # noqa: A002 - the published option
    strict: bool = False,
    all: bool = False,  # noqa: A002 - what people type
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
    all
        Name each finding, also where many are alike.
    """
    from counterpoint.flags.lint import care_findings
    from counterpoint.flags.seen import attributes_seen
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
            carried = attributes_seen(workspace.path, stored.name)
        name = f"{shell.noun('flag')} set {set or 'default'!r}"
        found = care_findings(stored.flags, bets=bets, attributes=carried, owner=stored.entity.owner)
        looked.append((name, stored.flags, found))
    if strict:
        looked = [(name, flags, list(_strictly(flags, found))) for name, flags, found in looked]
    shell.emit(
        [_finding(finding) for _, _, found in looked for finding in found],
        lambda: "\n".join(_report(*one, whole=all) for one in looked),
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


def _report(name: str, flags: "FlagSet", found: "list[Finding]", *, whole: bool) -> str:
    ordered = sorted(found, key=lambda finding: LEVELS.index(finding.level))
    lines = _lines(ordered, alike=len(ordered) if whole else ALIKE)
    counts = ", ".join(counted(sum(finding.level == level for finding in found), level) for level in LEVELS)
    return "\n".join([*lines, f"{name}: {counted(len(flags), 'flag')}, {counts}."])


def _lines(found: "list[Finding]", *, alike: int) -> Iterator[str]:
    """A line for each finding; where more than this many differ only in what they name, the others are counted."""
    groups: dict[str, list[str]] = {}
    for finding in found:
        line = f"{finding.level}: {terminal().told(finding.problem)}"
        kind = NAMED.sub("", f"{finding.level}: {finding.problem.message}")
        groups.setdefault(kind, []).append(line)
    folded = False
    for lines in groups.values():
        # A single one takes no more room than the line that would count it.
        shown = alike if len(lines) > alike + 1 else len(lines)
        yield from lines[:shown]
        if len(lines) > shown:
            folded = True
            yield f"  ... and {len(lines) - shown:,} more like it"
    if folded:
        yield "Name each of them with --all."


def _finding(finding: "Finding") -> dict[str, Any]:
    return {"level": finding.level, **problem_data(terminal(), finding.problem)}


def stale(
    *paths: Path,
    set: str | None = None,  # noqa: A002 - the published option
    days: int = 30,
    checkouts: bool = False,
) -> None:
    """Say which flags can go, why, whose they are, and what to do next.

    Parameters
    ----------
    paths
        Folders of code to search for the flags. Default: what `flags references` found last.
    set
        The flag set. Default: all.
    days
        Days without an exposure, or with exposures to one variant, after which a flag counts as stale.
    checkouts
        Search also the git checkouts that the catalog was read from.
    """
    from counterpoint.flags.care import search_code, stale_in
    from counterpoint.flags.care_records import stale_records

    if days < 1:
        raise UsageError(f"--days is {days}; it must be at least 1.")
    shell = terminal()
    with shell.open() as workspace:
        folders = [*paths, *(_checkouts(workspace) if checkouts else ())]
        places = search_code(workspace, folders, keys=_keys(workspace, None)) if folders else None
        found = stale_in(workspace, flag_set=set, days=days, places=places)
    shell.emit(stale_records(found, shell.told), lambda: _stale_lines(found))


def _stale_lines(found: "list[StaleFlag]") -> str:
    shell, lines = terminal(), []
    for flag in found:
        lines.append(f"{flag.set}/{flag.key}  owner {flag.owner or 'nobody'}")
        for reason in flag.reasons:
            since = f" (since {reason.since.date().isoformat()})" if reason.since else ""
            lines.append(f"  {reason.kind}: {shell.tell(reason.sentence)}{since}")
        lines.append(f"  next: {shell.tell(flag.next_step)}")
    return "\n".join([*lines, f"{counted(len(found), 'stale flag')}."])


def _keys(workspace: "Workspace", name: str | None) -> list[str]:
    from counterpoint.flags.store import read_set, read_sets

    with workspace.graph.read() as reader:
        sets = [read_set(reader, name)] if name else read_sets(reader)
    return list(dict.fromkeys(key for stored in sets for key in stored.flags.flags))


def references(
    *paths: Path,
    set: str | None = None,  # noqa: A002 - the published option
    checkouts: bool = False,
) -> None:
    """Find the places in code that name flags, and keep them for `flags stale`.

    Parameters
    ----------
    paths
        Folders or files; in a git checkout what .gitignore names is left out. Default: this folder.
    set
        The flag set. Default: all.
    checkouts
        Search also the git checkouts that the catalog was read from, and this folder only where it is named.
    """
    from counterpoint.flags.care import search_code

    shell = terminal()
    with shell.open() as workspace:
        folders = [*paths, *(_checkouts(workspace) if checkouts else ())] or [Path()]
        found = search_code(workspace, folders, keys=_keys(workspace, set))
    data = {
        key: [{"file": place.file, "line": place.line} for place in places] for key, places in found.items()
    }
    shell.emit(data, lambda: _reference_lines(found))


def _checkouts(workspace: "Workspace") -> list[Path]:
    """The checkouts of the catalog.

    Raises:
        InputError: there is none on this machine.
    """
    from counterpoint.flags.checkouts import checkouts_of

    with workspace.graph.read() as reader:
        found = checkouts_of(reader)
    if not found:
        message = "No file of the catalog is in a git checkout on this machine. Import the catalog from your checkouts, or name folders."
        raise InputError("There is no code to search.", [Problem(message)])
    return found


def _reference_lines(found: "dict[str, list[Place]]") -> str:
    lines = [f"{place}  {key}" for key, places in found.items() for place in places]
    unnamed = [key for key, places in found.items() if not places]
    if unnamed:
        lines.append(f"named nowhere: {', '.join(unnamed[:20])}{' ...' if len(unnamed) > 20 else ''}")
    count = sum(map(len, found.values()))
    return "\n".join([*lines, f"{counted(count, 'place')}, {counted(len(found), 'flag')}."])


def trace(
    key: str,
    /,
    *,
    context: str = "{}",
    set: str = "default",  # noqa: A002 - the published option
) -> None:
    """Say step by step why a context gets what it gets.

    Parameters
    ----------
    key
        The flag's key.
    context
        Attributes as a JSON object, with the subject under targetingKey.
    set
        The flag set.
    """
    from counterpoint.flags.care_records import trace_record
    from counterpoint.flags.store import read_set
    from counterpoint.flags.trace import trace as traced

    shell = terminal()
    attributes = attributes_of(context)
    with shell.open() as workspace, workspace.graph.read() as reader:
        found = traced(read_set(reader, set).flags, key, attributes)
    if found.evaluation.error_code == "FLAG_NOT_FOUND":
        raise NotFoundError(f"There is no flag {key!r} in the set {set!r}.")
    shell.emit(trace_record(found, shell.told), lambda: trace_lines(found))


def trace_lines(found: "Trace") -> str:
    """A trace as a tree of sentences."""
    return "\n".join(f"{'  ' * step.depth}{terminal().tell(step.sentence)}" for step in found.steps)


def simulate(
    file: Path,
    /,
    *,
    set: str = "default",  # noqa: A002 - the published option
    users: int = 100_000,
    contexts: Path | None = None,
    recent: int | None = None,
) -> None:
    """Say who would get what if a definition were written into a flag set; nothing is written.

    Parameters
    ----------
    file
        flagd's JSON, as it is to be.
    set
        The flag set that it would replace.
    users
        How many invented users, whose attributes take the values that the rules ask for.
    contexts
        Contexts instead of invented users: NDJSON, or CSV with a column for each attribute.
    recent
        The subjects of the last exposures instead, this many.
    """
    from counterpoint.flags.care import recent_contexts
    from counterpoint.flags.care_records import simulation_record
    from counterpoint.flags.model import FlagSet
    from counterpoint.flags.population import contexts_as
    from counterpoint.flags.simulation import population_for
    from counterpoint.flags.simulation import simulate as simulated
    from counterpoint.flags.store import read_set

    if contexts is not None and recent is not None:
        raise UsageError("Give --contexts or --recent, not both.")
    if not 1 <= users <= MOST_USERS:
        raise UsageError(f"--users is {users}; it must be 1 to {MOST_USERS:,}.")
    shell = terminal()
    with shell.open() as workspace:
        with workspace.graph.read() as reader:
            before = read_set(reader, set).flags
        after = FlagSet.from_flagd(file, before.bucketing)
        if recent is not None:
            population = contexts_as(recent_contexts(workspace, set, limit=recent))
        elif contexts is not None:
            population = contexts_as(_contexts(contexts))
        else:
            population = population_for(before, after, users)
    changes = simulated(before, after, population)
    shell.emit(
        simulation_record(changes, population.size), lambda: _simulation_lines(changes, population.size)
    )


def _contexts(file: Path) -> Iterator[dict[str, Any]]:
    """The contexts of a file: a JSON object a line, or CSV whose numbers and booleans are read as such."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            if file.suffix.lower() == ".csv":
                for row in csv.DictReader(lines):
                    yield {name: _cell(name, cell) for name, cell in row.items() if name and cell}
                return
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _context_of(file, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("The contexts cannot be read.", [Problem(f"{error}.", file=str(file))]) from error


def _cell(name: str, cell: str) -> Any:
    if name == "targetingKey":
        return cell
    try:
        read = json.loads(cell)
    except ValueError:
        return cell
    return read if isinstance(read, int | float | bool) else cell


def _context_of(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        context = json.loads(line)
    except ValueError:
        context = None
    if not isinstance(context, dict):
        problem = Problem(
            'This line is no JSON object. Write {"targetingKey": "user-1"}.', file=str(file), line=number
        )
        raise InputError("The contexts cannot be read.", [problem])
    return context


def _simulation_lines(changes: "list[Change]", users: int) -> str:
    from counterpoint.flags.care_records import outcome_words

    lines = []
    for change in changes:
        lines.append(f"{change.key}: {change.changed:,} of {change.users:,} change ({change.percent:.2f} %)")
        lines += [
            f"  {outcome_words(one.before)} -> {outcome_words(one.after)}: {one.users:,}{'' if one.changes else ', as before'}"
            for one in change.transitions
        ]
        lines += [
            f"  for example {json.dumps(one.context, ensure_ascii=False)}" for one in change.examples[:2]
        ]
    return "\n".join([*lines, f"{counted(len(changes), 'flag')} would change, {counted(users, 'context')}."])
