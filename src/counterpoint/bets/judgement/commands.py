"""Judgement on the command line."""

from typing import TYPE_CHECKING

from counterpoint.errors import InputError, Problem
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from rich.table import Table

    from counterpoint.bets.judgement.calibration import Calibration
    from counterpoint.bets.judgement.estimating import Judged, Ranked

__all__ = ["calibration", "estimate", "next_test", "portfolio"]


def estimate(
    bet: str,
    quantity: str,
    low: float,
    middle: float,
    high: float,
    /,
    *,
    unit: str = "",
    note: str = "",
) -> None:
    """Estimate a quantity of a bet as a range that you are 80 % sure of.

    Parameters
    ----------
    bet
        The bet, such as `discover-weekly`.
    quantity
        value, cost, cost-of-delay, duration (weeks), or the chance that a risk holds: risk-value,
        risk-usability, risk-feasibility, risk-viability (between 0 and 1).
    low
        It is below this once in ten times.
    middle
        It is as likely above this as below.
    high
        It is above this once in ten times.
    unit
        What value, cost and cost of delay are counted in, such as kEUR.
    note
        What the numbers rest on.
    """
    from counterpoint.bets.judgement import estimating
    from counterpoint.bets.judgement.estimates import Quantity, Range
    from counterpoint.graph.actor import local_actor

    names = ", ".join(item.value for item in Quantity)
    if quantity not in set(Quantity):
        raise InputError(
            "Nothing was kept.",
            [Problem(f"{quantity!r} is nothing that is estimated; choose one of {names}.")],
        )
    shell = terminal()
    with shell.open() as workspace:
        made = estimating.estimate(
            workspace.graph,
            bet,
            Quantity(quantity),
            Range(low, middle, high),
            actor=local_actor(),
            unit=unit,
            note=note,
        )
        found = estimating.judged(workspace.graph, bet)
        advised = shell.told(found.advised)
    shell.emit(
        made,
        lambda: f"Kept: {quantity} {low:g}, {middle:g}, {high:g} {unit}".rstrip() + f".\n{advised.sentence}",
    )


def next_test(bet: str, /) -> None:
    """Say which cheap test a bet runs next, what it is worth, and why.

    Parameters
    ----------
    bet
        The bet, such as `discover-weekly`.
    """
    from counterpoint.bets.judgement import estimating

    shell = terminal()
    with shell.open() as workspace:
        found = shell.told(estimating.judged(workspace.graph, bet))
    shell.emit(found, lambda: _next_test_text(found))


def portfolio(*, owner: str | None = None) -> None:
    """Say which bet comes first by cost of delay over duration, and where that is a tie.

    Parameters
    ----------
    owner
        Only the bets of this unit, as a reference: group:default/discovery.
    """
    from counterpoint.bets.judgement import estimating

    shell = terminal()
    with shell.open() as workspace:
        found = shell.told(estimating.portfolio(workspace.graph, owner=owner))
    shell.emit(found, lambda: _order_table(found, shell.noun("bets")))


def calibration() -> None:
    """Say how well the organisation predicts: Brier score and its parts; never of a person."""
    from counterpoint.bets.judgement import looking_back

    shell = terminal()
    with shell.open() as workspace:
        found = shell.told(looking_back.calibration(workspace.graph))
    shell.emit(found, lambda: _calibration_text(found))


def _next_test_text(found: "Judged") -> str:
    rows = [found.advised.sentence, found.advised.why]
    rows += [
        f"  {test.label}: worth {test.evsi:,.3g}, costs {test.cost:,.3g}, {test.weeks:g} weeks"
        for test in found.advised.tests[:5]
    ]
    return "\n".join(row for row in rows if row)


def _order_table(found: "Ranked", bets: str) -> "Table | str":
    from rich.table import Table

    if not found.orders:
        return f"No {bets} have a range of cost of delay and of duration yet."
    table = Table("", bets.capitalize(), "Counted in", "A week and week of work", "Chance to be first")
    for order in found.orders:
        place = 1
        for group in order.groups:
            mark = f"{place}" + ("=" if group.tie else "")
            for one in group.standings:
                spread = f"{one.cd3.p50:,.3g} ({one.cd3.p10:,.3g} to {one.cd3.p90:,.3g})"
                table.add_row(mark, found.titles[one.bet], order.unit, spread, f"{one.first:.0%}")
            place += len(group.standings)
    return table


def _calibration_text(found: "Calibration") -> str:
    rows = [found.sentence]
    if found.brier is not None:
        spread = f" ({found.interval[0]:.3f} to {found.interval[1]:.3f})" if found.interval else ""
        rows.append(
            f"Brier score {found.brier:.3f}{spread}; {found.expected:.3f} if every chance were right."
        )
        rows.append(
            f"Miscalibration {found.reliability:.3f}, resolution {found.resolution:.3f}, uncertainty {found.uncertainty:.3f}."
        )
    return "\n".join(rows)
