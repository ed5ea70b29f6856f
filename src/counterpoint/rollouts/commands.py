"""Rollouts on the command line: where they stand, what people do, the controller's check, and simulations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import CounterpointError
from counterpoint.terminal import Terminal, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.rollouts.acting import Command
    from counterpoint.rollouts.model import Event, Figures, GuardrailFigures
    from counterpoint.rollouts.simulation import Characteristics, Outcome
    from counterpoint.rollouts.store import RolloutPage, Status

__all__ = [
    "approve",
    "complete",
    "list_rollouts",
    "notes",
    "pause",
    "proceed",
    "resume",
    "roll_back",
    "simulate",
    "start",
    "status",
    "step",
]

Name = Annotated[str, Parameter(help="The rollout's name or reference.")]
Reason = Annotated[str, Parameter(help="Why; kept beside the figures.")]
DryRun = Annotated[bool, Parameter(negative="", help="Check everything, and write nothing.")]


def list_rollouts() -> None:
    """List rollouts with where each stands."""
    from counterpoint.rollouts import store

    shell = terminal()
    with shell.open() as workspace:
        page = store.list_rollouts(workspace, limit=1000)
    shell.emit(page, lambda: _list(shell, page))


def status(name: Name, /) -> None:
    """Print where a rollout stands: its steps, what each guardrail says, and what happens next."""
    from counterpoint.rollouts import store

    shell = terminal()
    with shell.open() as workspace:
        found = store.status_of(workspace, name)
    for note in found.notes:
        shell.say(f"note: {note}")
    shell.emit(found, lambda: _status(shell, shell.told(found)))


def start(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Publish the first step; one that was taken back or is done begins again, with the same users and a reason."""
    _act(name, "start", reason, dry_run=dry_run)


def approve(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Let the next step begin once the guardrails allow it."""
    _act(name, "approve", reason, dry_run=dry_run)


def pause(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Keep everybody where they are until somebody resumes."""
    _act(name, "pause", reason, dry_run=dry_run)


def resume(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Go on from the present step; past a guardrail that says no with a reason."""
    _act(name, "resume", reason, dry_run=dry_run)


def roll_back(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Give everybody the default."""
    _act(name, "roll-back", reason, dry_run=dry_run)


def proceed(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Go to the next step now, whatever the guardrails say, with a reason."""
    _act(name, "proceed", reason, dry_run=dry_run)


def complete(name: Name, /, *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """Go to the last step now, whatever the guardrails say, with a reason."""
    _act(name, "complete", reason, dry_run=dry_run)


def _act(name: str, wanted: "Command", reason: str, *, dry_run: bool) -> None:
    from counterpoint.graph.actor import local_actor
    from counterpoint.rollouts import store

    shell = terminal()
    with shell.open() as workspace:
        event = store.command(workspace, local_actor(), name, wanted, reason=reason, dry_run=dry_run)
    shell.emit(event, lambda: _happened(shell, name, event, dry_run=dry_run))


def step(name: Annotated[str | None, Parameter(help="One rollout; all if none is named.")] = None, /) -> None:
    """Check rollouts now as the server does: publish the next step, hold, or take back. For cron, or by hand."""
    from counterpoint.rollouts import controller, store

    shell = terminal()
    failed: list[tuple[str, CounterpointError]] = []
    with shell.open() as workspace:
        if name is None:
            found = controller.step_all(workspace, failed=lambda ref, error: failed.append((ref, error)))
        else:
            ref = store.load(workspace, name).ref
            found = {ref: controller.step(workspace, ref)}
    lines = [_happened(shell, ref, event) for ref, events in found.items() for event in events]
    shell.emit(found, lambda: "\n".join(lines) or shell.tell("Nothing to do."))
    if failed:
        for ref, error in failed[:-1]:
            shell.say(f"{ref!r}: {error.message}")
        raise failed[-1][1]


def notes(
    name: Name,
    /,
    *,
    step: Annotated[int | None, Parameter(help="Which step, from 1; the present one otherwise.")] = None,
) -> None:
    """Print release notes of a step as Markdown, from what its bet says and what is known."""
    from counterpoint.rollouts.notes import notes_of

    shell = terminal()
    with shell.open() as workspace:
        found = notes_of(workspace, name, step)
    shell.emit(found, lambda: found.markdown)


def simulate(
    plan: Annotated[str, Parameter(help="A file with a plan, or a rollout's name.")],
    /,
    *,
    users_per_day: Annotated[
        float | None, Parameter(help="Users first seen each day; those of the plan or the journal otherwise.")
    ] = None,
    runs: Annotated[int, Parameter(help="Simulated rollouts of a clean change.")] = 10_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same figures.")] = 1,
) -> None:
    """Print how often a plan takes back a good change, and how late a bad one, beside fixed thresholds.

    What 10,000 runs of a rollout of the workspace find is kept for its page.
    """
    from counterpoint.errors import InputError
    from counterpoint.graph.actor import local_actor
    from counterpoint.rollouts.plan_files import of_file, of_rollout
    from counterpoint.rollouts.simulated import CLEAN, compute
    from counterpoint.rollouts.simulation import simulate as simulated

    shell = terminal()
    if not Path(plan).is_file() and runs == CLEAN:  # as its page shows it, so it is kept for that
        with shell.open() as workspace, shell.progress("Simulating") as advance:
            told = compute(
                workspace, local_actor(), plan, users_per_day=users_per_day, seed=seed, advance=advance
            )
        shell.emit(told, lambda: _characteristics(shell, shell.told(told)))
        return
    if Path(plan).is_file():
        found = of_file(Path(plan))
    else:
        with shell.open() as workspace:
            found = of_rollout(workspace, plan)
    per_day = found.users_per_day if users_per_day is None else users_per_day
    if per_day is None:
        raise InputError(
            "Nothing says how many users come. Give --users-per-day, or `usersPerDay` in the plan."
        )
    with shell.progress("Simulating") as advance:
        told = simulated(
            found.plan,
            found.baselines,
            users_per_day=per_day,
            runs=runs,
            regressed_runs=max(runs // 10, 1),
            seed=seed,
            advance=advance,
        )
    shell.emit(told, lambda: _characteristics(shell, shell.told(told)))


def _happened(shell: Terminal, name: str, event: "Event", *, dry_run: bool = False) -> str:
    where = "" if event.percent is None else f", now {event.percent:g} %"
    told = f"{name!r}: {event.kind}{where}. {event.reason}".rstrip()
    return shell.tell(f"Would be written: {told}" if dry_run else told)


def _list(shell: Terminal, page: "RolloutPage") -> "RenderableType":
    from rich import box
    from rich.table import Table

    if not page.items:
        return shell.tell(
            "There is no rollout yet. Write one as YAML and import it with: counterpoint import catalog FILE"
        )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for title in (shell.noun("Rollout"), shell.noun("Flag"), "State", "Step", "Users", "Why"):
        table.add_column(title, overflow="fold")
    for each in page.items:
        at = f"{each.step + 1} of {each.steps}" if each.step >= 0 else f"– of {each.steps}"
        table.add_row(each.title, each.flag, each.phase, at, f"{each.percent:g} %", shell.tell(each.reason))
    return table


def _status(shell: Terminal, found: "Status") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text.assemble(
            (found.title, "bold"),
            f"  {shell.noun('flag')} {found.flag}  ",
            (found.phase, _STYLES.get(found.phase, "")),
            f" at {found.percent:g} %",
        ),
        Text(found.reason),
        _steps(shell, found),
    ]
    if found.figures is not None:
        parts.append(_figures(shell, found.figures))
    coming = found.coming
    said = coming.reason or coming.rule
    parts.append(Text(f"Next: {coming.kind or 'stays as it is'} ({said.rstrip('.')})"))
    parts.append(Text(f"You can: {', '.join(found.commands)}"))
    return Group(*parts)


_STYLES = {
    "running": "cyan",
    "holding": "yellow",
    "paused": "yellow",
    "rolled-back": "red",
    "completed": "green",
}
_VERDICTS = {"pass": "green", "fail": "red"}


def _steps(shell: Terminal, found: "Status") -> "RenderableType":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for title in ("", "Users", "At least", "Watched", "Then"):
        table.add_column(shell.tell(title))
    for index, each in enumerate(found.plan.steps):
        mark = "▶" if index == found.step else "✓" if index < found.step else ""
        after = "approval, " if each.approval else ""
        wants = "no harm" if each.inconclusive == "proceed" else "within margins"
        table.add_row(
            mark,
            f"{each.percent:g} %",
            f"{each.hold_seconds / 3600:g} h",
            f"{each.minimum_sample:,} per arm" if each.monitored else "no",
            (after + wants if each.monitored else after.rstrip(", ")),
        )
    return table


def _figures(shell: Terminal, figures: "Figures") -> "RenderableType":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for title in (shell.noun("Guardrail"), "Verdict", "Change", "Between", "Margin", "Users"):
        table.add_column(title, overflow="fold")
    for each in figures.guardrails:
        table.add_row(
            each.label,
            Text(each.verdict, _VERDICTS.get(each.verdict, "")),
            _size(each, each.change),
            f"{_size(each, each.low)} to {_size(each, each.high)}",
            _size(each, each.margin).lstrip("+"),
            f"{each.users:,}",
        )
    return table


def _size(figures: "GuardrailFigures", value: float | None) -> str:
    from counterpoint.experiments.wording import percent

    if value is None:
        return "–"
    return percent(value, signed=True) if figures.scale == "relative" else f"{value:+.4g}"


def _characteristics(shell: Terminal, found: "Characteristics") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from counterpoint.rollouts.simulation import often

    parts: list[RenderableType] = [
        Text.assemble(
            (found.title, "bold"),
            f"  alpha {found.alpha:g}, {found.users_per_day:,.0f} users a day, {found.runs:,} clean runs,"
            f" seed {found.seed}",
        )
    ]
    for policy in dict.fromkeys(each.policy for each in found.outcomes):
        parts.append(Text(f"\n{policy.name}, checked {often(policy.minutes)}", style="bold"))
        parts.append(_outcomes([each for each in found.outcomes if each.policy == policy]))
    parts.append(Text(" ".join(found.assumptions), style="dim"))
    return Group(*parts)


def _outcomes(outcomes: "list[Outcome]") -> "RenderableType":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for title in ("True change", "Taken back", "95 %", "Users before", "Hours", "Hours to end"):
        table.add_column(title, justify="left" if title == "True change" else "right")
    for each in outcomes:
        table.add_row(*_row(each))
    return table


def _row(each: "Outcome") -> tuple[str, ...]:
    from counterpoint.experiments.wording import percent

    change = "none" if each.regression == 0 else f"{100 * each.regression:g} % worse"
    return (
        f"{change} (margin)" if each.is_margin else change,
        percent(each.rate, places=2),
        f"{100 * each.low:.2f} to {percent(each.high, places=2)}",
        "–" if each.users_before is None else f"{each.users_before:,.0f}",
        "–" if each.hours_before is None else f"{each.hours_before:,.1f}",
        "–" if each.hours_to_completion is None else f"{each.hours_to_completion:,.0f}",
    )
