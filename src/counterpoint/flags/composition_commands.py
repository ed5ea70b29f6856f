"""Plans on the command line: compose, ramp, kill, revive."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.flags.options import DryRun, Reason, SetName, problem_data
from counterpoint.terminal import Terminal, terminal

if TYPE_CHECKING:
    from counterpoint.flags.composing import Composed

__all__ = ["compose", "composition", "kill", "ramp", "revive"]

Key = Annotated[str, Parameter(help="The flag's key.")]


def compose(
    file: Annotated[
        Path, Parameter(help="Plans in YAML or JSON; - is what is piped in.", allow_leading_hyphen=True)
    ],
    /,
    *,
    flag_set: SetName = "default",
    reattach: Annotated[
        list[str] | None,
        Parameter(help="A flag that was edited by hand and that its plan shall drive again.", negative=()),
    ] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> None:
    """Read the plans of a flag set, compile them to flagd's JSON, and publish both.

    A flag that loses its plan stays as it is.
    """
    from counterpoint.flags import composing
    from counterpoint.graph.actor import local_actor

    source: Path | bytes = sys.stdin.buffer.read() if file == Path("-") else file
    shell = terminal()
    with shell.open() as workspace:
        done = composing.compose(
            workspace,
            local_actor(),
            flag_set,
            source,
            reattach=reattach or (),
            dry_run=dry_run,
            reason=reason,
        )
    _report(shell, flag_set, done)


def composition(*, flag_set: SetName = "default") -> None:
    """Print the plans of a flag set as YAML, with what schedules will change."""
    from counterpoint.flags.composing import read_plans
    from counterpoint.flags.composition import document_of, upcoming
    from counterpoint.yaml12.writing import yaml_text

    shell = terminal()
    with shell.open() as workspace, workspace.graph.read() as reader:
        plans, _ = read_plans(reader, flag_set)
    document = document_of(plans)
    for each in upcoming(plans, time.time()):
        shell.say(f"note: {each.sentence}")
    if not document:
        shell.say("note: no flag of the set has a plan. Write one with: counterpoint flags compose FILE")
    shell.emit(document, lambda: yaml_text(document).rstrip("\n") if document else "")


def ramp(
    key: Key,
    percent: Annotated[str, Parameter(help="From 0 to 100, with at most three decimals.")],
    /,
    *,
    flag_set: SetName = "default",
    reason: Reason = None,
    dry_run: DryRun = False,
) -> None:
    """Enrol a percentage of users in a flag that has a plan. Nobody changes arm."""
    from counterpoint.flags import composing
    from counterpoint.graph.actor import local_actor

    try:
        share = float(percent.removesuffix("%"))
    except ValueError as error:
        raise UsageError(
            f"{percent!r} is no percentage; give a number from 0 to 100, such as 2.5."
        ) from error
    shell = terminal()
    with shell.open() as workspace:
        done = composing.ramp(workspace, local_actor(), flag_set, key, share, dry_run=dry_run, reason=reason)
    _report(shell, flag_set, done)


def kill(
    key: Key, /, *, flag_set: SetName = "default", reason: Reason = None, dry_run: DryRun = False
) -> None:
    """Give everybody a flag's default at once; its plan is kept. A flag without a plan is disabled."""
    from counterpoint.flags import composing
    from counterpoint.graph.actor import local_actor

    shell = terminal()
    with shell.open() as workspace:
        done = composing.kill(workspace, local_actor(), flag_set, key, dry_run=dry_run, reason=reason)
    _report(shell, flag_set, done)


def revive(
    key: Key, /, *, flag_set: SetName = "default", reason: Reason = None, dry_run: DryRun = False
) -> None:
    """Take a kill back: everybody gets exactly what they would have had."""
    from counterpoint.flags import composing
    from counterpoint.graph.actor import local_actor

    shell = terminal()
    with shell.open() as workspace:
        done = composing.revive(workspace, local_actor(), flag_set, key, dry_run=dry_run, reason=reason)
    _report(shell, flag_set, done)


def _report(shell: Terminal, name: str, done: "Composed") -> None:
    import msgspec

    from counterpoint.flags.composition import document_of

    written = done.written
    for warning in written.warnings:
        shell.say(f"warning: {warning}")
    said = [shell.tell(sentence) for change in done.changes for sentence in change.sentences]
    changes = [msgspec.to_builtins(shell.told(change)) for change in done.changes]
    data: dict[str, Any] = {
        "set": name,
        "outcome": written.outcome,
        "version": written.stored.entity.version if written.stored else None,
        "etag": written.stored.etag if written.stored else None,
        "composition": document_of(done.composition),
        "changes": changes,
        "compiled": shell.tell(written.changes.said),
        "warnings": [problem_data(shell, warning) for warning in written.warnings],
    }

    def lines() -> str:
        compiled = written.changes.said or "nothing changed"
        return "\n".join([*said, shell.tell(f"Flag set {name!r}: {written.outcome}; {compiled}.")])

    shell.emit(data, lines)
