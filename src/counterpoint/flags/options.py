"""What the commands of flags are given alike, and a problem as all of them print it with `--json`."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import Problem, UsageError
from counterpoint.terminal import Terminal

__all__ = [
    "DryRun",
    "IfMatch",
    "Name",
    "Named",
    "Reason",
    "SetName",
    "attributes_of",
    "problem_data",
    "set_meant",
]

SetName = Annotated[str, Parameter(name="--set", help="The flag set.")]
Name = Annotated[str | None, Parameter(help="The flag set, also as --set.")]
Named = Annotated[str | None, Parameter(name="--set", help="The flag set, as NAME.")]
Reason = Annotated[str | None, Parameter(help="Why, for the activity log.")]
IfMatch = Annotated[str | None, Parameter(help="Only if the set that is written still has this etag.")]
DryRun = Annotated[bool, Parameter(help="Show what would change, and write nothing.")]


def set_meant(position: str | None, option: str | None, *, default: str | None = None) -> str:
    """The flag set that is named by its place, by `--set`, or by neither.

    Raises:
        UsageError: both name one, or neither where there is no default.
    """
    if position is not None and option is not None:
        raise UsageError(f"Two flag sets are named, {position!r} and --set {option!r}; name one.")
    name = position if position is not None else option if option is not None else default
    if name is None:
        raise UsageError("Name the flag set, as in --set default.")
    return name


def attributes_of(text: str) -> dict[str, Any]:
    """A context as it is given on the command line.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        attributes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f'--context is not JSON: {error}. Write it as \'{{"targetingKey": "user-1"}}\'.'
        ) from error
    if not isinstance(attributes, dict):
        raise UsageError('--context is not a JSON object. Write it as \'{"targetingKey": "user-1"}\'.')
    return attributes


def problem_data(shell: Terminal, problem: Problem) -> dict[str, Any]:
    """A problem with its place."""
    return {
        "pointer": problem.pointer,
        "message": shell.tell(problem.message),
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
    }
