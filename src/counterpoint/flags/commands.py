"""Flags on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import (
    CounterpointError,
    NotFoundError,
    Problem,
    UsageError,
)
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.flags.flag import Evaluation

__all__ = ["attributes_of", "evaluate", "import_flags"]

NAMED = 5
"""Flags that a note names before it only counts."""


def import_flags(
    file: Path,
    /,
    *,
    set: str = "default",  # noqa: A002 - the published option
    bucketing: str | None = None,
    strict: bool = False,
    owner: str | None = None,
    dry_run: bool = False,
) -> None:
    """Read a flagd flag definition file into a flag set, all or nothing.

    Parameters
    ----------
    file
        flagd's JSON.
    set
        The flag set to write.
    bucketing
        How `fractional` hashes: v2 (flagd daemon, npm) or v3 (PyPI). Default: what the set has, else v2.
    strict
        Refuse also what flagd's JSON schemas refuse.
    owner
        Who owns the set, such as group:default/discovery. Default: as it is; for a new set the file's
        metadata, the bet that it names, or you.
    dry_run
        Check the file and write nothing.
    """
    from counterpoint.flags.bucketing import BUCKETINGS
    from counterpoint.flags.store import write_set
    from counterpoint.graph.actor import local_actor

    if bucketing is not None and bucketing not in BUCKETINGS:
        raise UsageError(f"--bucketing is {bucketing!r}; it must be {' or '.join(BUCKETINGS)}.")
    shell = terminal()
    with shell.open() as workspace:
        written = write_set(
            workspace,
            local_actor(),
            set,
            file,
            bucketing=bucketing,
            strict=strict,
            owner=owner,
            dry_run=dry_run,
        )
    for warning in written.warnings:
        shell.say(f"warning: {warning}")
    if written.removed:
        shell.say(f"note: {_removal(written.removed, dry_run=dry_run)}")
    stored = written.stored
    data = {
        "set": set,
        "outcome": written.outcome,
        "flags": written.flags,
        "removed": written.removed,
        "bucketing": stored.flags.bucketing if stored else bucketing,
        "owner": stored.entity.owner if stored else owner,
        "etag": stored.etag if stored else None,
        "warnings": [_problem(warning) for warning in written.warnings],
    }
    owned = f", owned by {stored.entity.owner}" if stored else ""
    shell.emit(
        data,
        lambda: (
            f"{shell.noun('Flag')} set {set!r}: {written.outcome}, {counted(written.flags, 'flag')}{owned}, {counted(len(written.warnings), 'warning')}."
        ),
    )


def _removal(keys: tuple[str, ...], *, dry_run: bool) -> str:
    named = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")
    would = "would be" if dry_run else "is" if len(keys) == 1 else "are"
    return f"the file replaces the whole set; {named} {would} no longer in it."


def evaluate(
    key: str,
    /,
    *,
    context: str = "{}",
    set: str = "default",  # noqa: A002 - the published option
    why: bool = False,
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
    why
        Say step by step why, as `flags trace` does.
    """
    from counterpoint.flags.store import read_set

    if why:
        from counterpoint.flags.care_commands import trace

        trace(key, context=context, set=set)
        return
    shell = terminal()
    attributes = attributes_of(context)
    with shell.open() as workspace, workspace.graph.read() as reader:
        result = read_set(reader, set).flags.evaluate(key, attributes)
    if shell.json or not result.error_code:
        shell.emit(_evaluation(key, result), lambda: _shown(key, result))
    if result.error_code:
        error = NotFoundError if result.error_code == "FLAG_NOT_FOUND" else CounterpointError
        raise error(f"{result.error_code}: {result.error_message}")


def attributes_of(text: str) -> dict[str, Any]:
    """A context as it is given on the command line."""
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


def _problem(problem: Problem) -> dict[str, Any]:
    return {"pointer": problem.pointer, "message": terminal().tell(problem.message), "line": problem.line}
