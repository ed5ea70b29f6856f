"""Commands of bets: the list, boards, the order of a board, and evidence."""

from typing import Any

from counterpoint.bets.board import Board, read_board
from counterpoint.bets.evidence import LADDER, Direction, EvidenceInput, Method
from counterpoint.bets.evidence_log import add_evidence, read_evidence
from counterpoint.bets.model import Risk, day_of
from counterpoint.bets.ranking import Move
from counterpoint.bets.ranks import plan, rank
from counterpoint.bets.stages import STAGES
from counterpoint.bets.store import list_bets as list_lines
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import local_actor
from counterpoint.terminal import counted, terminal

__all__ = ["add", "board", "list_bets", "order", "show_evidence", "stages"]

PAGE = 200


def list_bets(*, owner: str | None = None) -> None:
    """List the bets with stage, state and what is missing.

    Args:
        owner: only those of this unit.
    """
    shell = terminal()
    with shell.open() as workspace:
        lines: list[Any] = []
        cursor: str | None = None
        while True:
            page = list_lines(
                workspace.graph, owner=owner, limit=PAGE, cursor=cursor, sent=workspace.journal.types()
            )
            lines += page.items
            cursor = page.next_cursor
            if cursor is None:
                break

    def human() -> Any:
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in ("bet", "owner", "stage", "state", "horizon", "missing"):
            table.add_column(shell.noun(heading), overflow="fold")
        for line in lines:
            bet = line.bet
            owned = line.owner.title if line.owner else "-"
            marks = ["traces to no purpose"] if not line.traced else []
            missing = ", ".join([*marks, *(shell.tell(item.missing) for item in line.advice)])
            table.add_row(
                bet.title, owned, bet.stage.label, bet.state.value, bet.planned.value, missing or "-"
            )
        return table if lines else "There are no bets yet."

    shell.emit({"items": lines}, human)


def stages() -> None:
    """Print what each stage is for, the question to leave it, what it leaves behind and who works on it."""
    shell = terminal()
    with shell.open():

        def human() -> str:
            told = (
                f"{each.stage.label}: {each.goal}\n  To leave it: {each.exit_question}\n  It burns down the risk of"
                f" {each.risk}.\n  Leaves behind: {each.artefact}\n  People and cost: {each.people}"
                for each in STAGES
            )
            return shell.tell("\n".join(told))

        shell.emit({"items": STAGES}, human)


def board(unit: str = "") -> None:
    """Print the board of a unit: Now, Next and Later, in their order.

    Args:
        unit: the unit; without one, the unit above all others.
    """
    shell = terminal()
    with shell.open() as workspace:
        found = read_board(workspace.graph, unit, actor=local_actor())
    shell.emit(found, lambda: shell.tell(_told(found)))


def order(
    unit: str,
    bet: str,
    *,
    move: str | None = None,
    before: str | None = None,
    horizon: str | None = None,
) -> None:
    """Move a bet on a board, within its column or to another horizon.

    Args:
        unit: the unit whose board it is.
        bet: the bet.
        move: up, down, top or bottom.
        before: the bet that it should stand before.
        horizon: now, next or later.
    """
    shell = terminal()
    if move is None and before is None and horizon is None:
        message = f"Say where it goes: --move {'|'.join(Move)}, --before BET or --horizon HORIZON."
        raise InputError(message)
    with shell.open() as workspace:
        actor = local_actor()
        if horizon is not None:
            plan(workspace.graph, bet, horizon, actor=actor)
        if move is not None or before is not None:
            rank(workspace.graph, unit, bet, actor=actor, move=move, before=before)
        found = read_board(workspace.graph, unit, actor=actor)
    shell.emit(found, lambda: shell.tell(_told(found)))


def add(
    bet: str,
    *,
    risk: str,
    method: str,
    says: str,
    note: str = "",
    strength: int | None = None,
    sample: int | None = None,
    cost: float | None = None,
    date: str | None = None,
    link: str = "",
    source: str = "",
) -> None:
    """Write down evidence about one risk of a bet.

    Args:
        bet: the bet.
        risk: value, usability, feasibility or viability.
        method: opinion, interview, feedback, survey, data, prototype, offline, pilot, rollout or experiment.
        says: for, against or unclear.
        note: what was seen.
        strength: 0 (opinion) to 4 (measured); without it that of the method.
        sample: how many people or things.
        cost: person-days that it took.
        date: when it was found out, such as 2026-05-03; without it today.
        link: where more stands.
        source: what brought it; the same source is written down once.
    """
    shell = terminal()
    day = day_of(date) if date else None
    if date and day is None:
        raise InputError(
            "The evidence cannot be recorded.",
            [Problem(f"{date!r} is no date; write it as 2026-05-03.", "/date")],
        )
    given = EvidenceInput(
        risk=_one_of(Risk, risk, "risk"),
        method=_one_of(Method, method, "method"),
        direction=_one_of(Direction, says, "says"),
        note=note,
        strength=strength,
        sample=sample,
        cost=cost,
        date=day,
        link=link,
        source=source,
    )
    with shell.open() as workspace:
        made = add_evidence(workspace.graph, bet, given, actor=local_actor())
    told = f"Recorded: {made.label}, {made.direction.value}, strength {made.strength} of 4 ({LADDER[made.strength].name})."
    shell.emit(made, lambda: shell.tell(told))


def show_evidence(bet: str) -> None:
    """Print the evidence about a bet, newest first.

    Args:
        bet: the bet.
    """
    shell = terminal()
    with shell.open() as workspace:
        rows = read_evidence(workspace.graph, bet)

    def human() -> str:
        lines = [counted(len(rows), "piece of evidence", "pieces of evidence")]
        lines += [
            f"  {row.date}  {row.risk.value:<11}  {row.direction.value:<7}  {row.strength} of 4  {row.method.value:<10}  {shell.tell(row.note)}".rstrip()
            for row in rows
        ]
        return "\n".join(lines)

    shell.emit({"items": rows}, human)


def _told(found: Board) -> str:
    lines = [f"Board of {found.unit.title!r}"]
    for column in found.columns:
        lines.append(f"{column.horizon.value.capitalize()}:")
        for row in column.bets:
            bet = row.line.bet
            marks = [bet.stage.label, *([] if row.line.traced else ["traces to no purpose"])]
            marks += ["quiet"] if row.staleness and row.staleness.stale else []
            lines.append(f"  {row.rank}. {bet.title} ({', '.join(marks)}) {bet.ref}")
        if not column.bets:
            lines.append("  nothing")
    over = [load for load in found.loads if load.over]
    lines += [
        f"{load.unit.title} has {load.active} active bets; {load.most} at most are advised." for load in over
    ]
    return "\n".join(lines)


def _one_of(kind: Any, value: str, field: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(kind)
        message = f"{value!r} is not one of {choices}."
        raise InputError("The evidence cannot be recorded.", [Problem(message, f"/{field}")]) from None
