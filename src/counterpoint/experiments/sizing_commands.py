"""The size of an experiment on the command line, from its plan or from a few figures."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from counterpoint.errors import InputError, Problem, UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.experiments.model import Experiment
    from counterpoint.experiments.sizing import Sizing

__all__ = ["plan"]

UNLIMITED = 10**15
LARGEST = 1e150
"""Beyond it a variance is no number any more."""
MOST = 100
"""Metrics of a role, or treatments, that options describe; more than that is a plan to be written down."""


def plan(
    name: str | None = None,
    /,
    *,
    baseline: float | None = None,
    mde: float | None = None,
    sd: float | None = None,
    correlation: float = 0.0,
    absolute: bool = False,
    success: int = 1,
    guardrails: int = 0,
    margin: float | None = None,
    treatments: int = 1,
    alpha: float = 0.05,
    beta: float = 0.2,
    alpha_minus: float | None = None,
    looks: int | None = None,
    method: Literal["fixed", "group-sequential", "confidence-sequence", "fixed-power"] | None = None,
    users_per_day: float | None = None,
    users: int | None = None,
) -> None:
    """Print how many users and days an experiment needs, for each metric and for the whole decision.

    Parameters
    ----------
    name
        The experiment's name or reference: its plan is sized, with the journal's figures where it gives none.
        Without a name, --baseline and --mde describe one, and no workspace is needed.
    baseline
        Mean per user of the control; a rate, such as 0.2, where no --sd is given.
    mde
        Smallest change worth detecting, as a share of the baseline: 0.05 is 5 %.
    sd
        Standard deviation per user, for a metric that is no rate.
    correlation
        Between the metric and its value before exposure, which CUPED makes use of.
    absolute
        Take --mde and --margin in the metric's unit.
    success
        Number of success metrics, of which one must get better.
    guardrails
        Number of guardrails, all of which must stay within --margin.
    margin
        What a guardrail may lose, as a share of the baseline; --mde if nothing is said.
    treatments
        Number of treatments beside the control.
    alpha
        One-sided level of the decision.
    beta
        Risk of not shipping a good change: 1 minus the power.
    alpha_minus
        Level of all tests of harm and quality together; --alpha if nothing is said.
    looks
        Number of looks of a group sequential plan.
    method
        How it is read: fixed, group-sequential, confidence-sequence or fixed-power.
    users_per_day
        New users a day, for the duration; from the journal if nothing is said.
    users
        Say what this many users in all arms would show, rather than how many are needed.
    """
    shell = terminal()
    _check({"--users-per-day": users_per_day, "--users": users, "--mde": mde, "--sd": sd, "--margin": margin})
    _check({"--success": success, "--guardrails": guardrails}, least=0, below=MOST + 1)
    _check({"--treatments": treatments}, least=1, below=MOST + 1)
    _check({"--looks": looks}, least=1)
    _check({"--alpha": alpha, "--alpha-minus": alpha_minus}, below=0.5)
    _check({"--beta": beta}, below=1)
    _check({"--sd": sd}, below=LARGEST)
    if name is not None:
        if baseline is not None or mde is not None:
            raise UsageError("Give the name of an experiment, or --baseline and --mde, and not both.")
        _refuse_with_a_name({
            "--sd": sd is not None, "--correlation": correlation != 0, "--absolute": absolute,
            "--success": success != 1, "--guardrails": guardrails != 0, "--margin": margin is not None,
            "--treatments": treatments != 1, "--alpha": alpha != 0.05, "--beta": beta != 0.2,
            "--alpha-minus": alpha_minus is not None, "--looks": looks is not None, "--method": method is not None,
        })  # fmt: skip
        from counterpoint.experiments import store

        with shell.open() as workspace:
            found = store.sizing_of(
                workspace, store.load(workspace, name), per_day=users_per_day, users=users
            )
    else:
        if margin is not None and not guardrails:
            raise UsageError("--margin is of guardrails; say how many there are with --guardrails.")
        if baseline is None or (mde is None and success):
            raise UsageError("Give the name of an experiment, or --baseline and --mde.")
        from counterpoint.experiments.sizing import size

        if not math.isfinite(baseline):
            raise UsageError(f"--baseline is {baseline:g}; it must be a finite number.")
        if sd is None and not 0 < baseline < 1:
            raise UsageError(
                f"--baseline is {baseline:g}, which is no rate; give a rate between 0 and 1, or --sd for a metric that is none."
            )
        described = _described(
            baseline=baseline, mde=mde, sd=sd, correlation=correlation, absolute=absolute,
            success=success, guardrails=guardrails, margin=margin, treatments=treatments,
            alpha=alpha, beta=beta, alpha_minus=alpha_minus, looks=looks, method=method,
        )  # fmt: skip
        found = size(described, {}, per_day=users_per_day, users=users)
        # A plan of options has every figure that it needs, so what cannot be sized is what was asked for.
        if wrong := [Problem(each.missing) for each in found.metrics if each.missing]:
            raise InputError("No number of users follows from these options.", wrong[:1])
    shell.emit(found, lambda: _shown(shell.told(found), asked=users is not None))


def _check(
    options: Mapping[str, float | None], *, least: float | None = None, below: float = math.inf
) -> None:
    """Each option that is given must be of at least `least`, or else above 0, and below a limit."""
    for option, value in options.items():
        if value is None or ((value > 0 if least is None else value >= least) and value < below):
            continue
        low = "above 0" if least is None else f"{least:g} or more"
        if math.isinf(value):
            low = f"a finite number {low}"
        high = "" if math.isinf(below) else f" and below {below:g}"
        raise UsageError(f"{option} is {value:g}; it must be {low}{high}.")


def _refuse_with_a_name(given: Mapping[str, bool]) -> None:
    """Options that describe a plan say nothing of one that has a name; to pass over them would answer another question."""
    if others := [option for option, is_given in given.items() if is_given]:
        raise UsageError(
            f"{' and '.join(others)} {'describes' if len(others) == 1 else 'describe'} a plan without a name; that of an"
            " experiment is in its descriptor. Leave the name out, or change the descriptor."
        )


def _described(
    *,
    baseline: float,
    mde: float | None,
    sd: float | None,
    correlation: float,
    absolute: bool,
    success: int,
    guardrails: int,
    margin: float | None,
    treatments: int,
    alpha: float,
    beta: float,
    alpha_minus: float | None,
    looks: int | None,
    method: Literal["fixed", "group-sequential", "confidence-sequence", "fixed-power"] | None,
) -> "Experiment":
    """A plan out of options: all metrics have the same figures."""
    from counterpoint.experiments.model import Experiment, Guardrail, Metric, Target
    from counterpoint.experiments.stopping import Stopping

    scale: Literal["relative", "absolute"] = "absolute" if absolute else "relative"
    kind: Literal["any", "mean"] = "any" if sd is None else "mean"
    successes = tuple(
        Metric(name=f"success-{i + 1}", event="event", aggregation=kind) for i in range(success)
    )
    bounded = tuple(
        Guardrail(
            Metric(name=f"guardrail-{i + 1}", event="event", aggregation=kind),
            mde if margin is None else margin,
            scale,
        )
        for i in range(guardrails)
    )
    target = Target(mde=mde, scale=scale, mean=baseline, sd=sd, correlation=correlation)
    names = [metric.name for metric in successes] + [each.metric.name for each in bounded]
    sequential = method == "group-sequential" or (method is None and looks is not None)
    return Experiment(
        name="options",
        flag="options",
        control="control",
        treatments=tuple(f"treatment-{i + 1}" for i in range(treatments))
        if treatments > 1
        else ("treatment",),
        success=successes,
        guardrails=bounded,
        targets=dict.fromkeys(names, target),
        alpha=alpha,
        beta=beta,
        alpha_minus=alpha_minus,
        # The maximum is what is asked for.
        stopping=Stopping(method="group-sequential", looks=looks or 14, maximum=UNLIMITED)
        if sequential
        else Stopping(method=method or "fixed", looks=looks),
    )


def _shown(found: "Sizing", *, asked: bool) -> "RenderableType":
    """The plan as a table; where a number of users was asked about, with the power that it has."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from counterpoint.experiments.wording import count, percent

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    table.add_column(terminal().noun("Metric"), overflow="fold")
    for title in ("Must show", "Level", "Power", "Looking costs", "Users", "Detects"):
        table.add_column(title, justify="right")
    for metric in found.metrics:
        table.add_row(
            Text.assemble(metric.label, (f"\n{_WORDS[metric.test]}", "dim")),
            _size_of(metric.effect, metric.relative),
            f"{metric.alpha:.3g}",
            percent(metric.power if asked else 1 - metric.beta, places=1),
            f"+{percent(metric.inflation - 1)}" if metric.inflation > 1 else "–",
            count(metric.total) if metric.total else "–",
            _size_of(metric.detectable, metric.detectable_relative),
        )
    parts: list[RenderableType] = [table]
    if found.total:
        arms = ", ".join(f"{arm} {count(users)}" for arm, users in zip(found.arms, found.users, strict=True))
        parts.append(Text.assemble(("Users: ", "bold"), f"{count(found.total)} ({arms})"))
    if found.days:
        parts.append(
            Text.assemble(
                ("Duration: ", "bold"),
                f"{found.days} days at {found.per_day:,.0f} users a day ({found.traffic})",
            )
        )
    deciding = next((each for each in found.metrics if f"{each.test}: {each.name}" == found.decides), None)
    if deciding is not None and deciding.curve:
        curve = "; ".join(
            f"{_size_of(each.effect, each.relative)}: {count(each.total)}" for each in deciding.curve
        )
        parts.append(Text(f"Users by the change that {deciding.label} must show: {curve}", style="dim"))
    reading = f"Read {found.method}{f' at {found.looks} looks' if found.looks else ''}."
    if asked:
        reading += " Power is that of each test with so many users; Users is how many it needs for the power of the plan."
    elif found.total:
        reading += (
            f" The whole decision has at least {percent(found.power, places=0)} power at level {found.alpha:g},"
            " whatever the metrics have to do with each other."
        )
    parts.append(Text(reading, style="dim"))
    parts += [Text(f"! {note}", style="yellow") for note in found.notes]
    return Group(*parts)


_WORDS = {"superiority": "better", "non-inferiority": "within its margin", "deterioration": "not worse"}


def _size_of(effect: float | None, relative: float | None) -> str:
    from counterpoint.experiments.wording import percent

    if effect is None:
        return "–"
    return f"{effect:.4g}" if relative is None else f"{percent(relative)} ({effect:.4g})"
