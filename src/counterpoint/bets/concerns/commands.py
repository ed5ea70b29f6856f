"""`counterpoint concerns ...`: raising, listing and answering concerns as the user of this machine."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from counterpoint.bets.concerns.store import Seen

__all__ = ["answer_concern", "list_concerns", "raise_concern"]


def raise_concern(
    bet: str,
    text: str,
    *,
    risk: Annotated[str, Parameter(help="What is at risk: deadline or quality.")] = "deadline",
    naming: Annotated[
        str, Parameter(help="named, squad or anonymous; the last two for its squad.")
    ] = "named",
    about: Annotated[str, Parameter(help="The date that is at risk, as 2026-12-31.")] = "",
    publish: Annotated[bool, Parameter(negative="", help="Let everybody see it at once.")] = False,
) -> None:
    """Raise a concern about a bet."""
    from counterpoint.bets.concerns import raising
    from counterpoint.graph import local_actor

    try:
        day = date.fromisoformat(about) if about else None
    except ValueError:
        raise UsageError(f"--about is {about!r}; write a date as 2026-12-31.") from None
    here = terminal()
    with here.open() as workspace:
        made = raising.raise_concern(
            workspace.graph,
            bet,
            text,
            actor=local_actor(),
            risk=risk,
            naming=naming,
            about_on=day,
            publish=publish,
        )
    if made.warning:
        here.say(made.warning)
    receipt = f"\nreceipt, shown this once: {made.receipt}" if made.receipt else ""
    seen = made.concern.visible_on.isoformat()
    here.emit(made, lambda: f"{made.concern.id}{receipt}\n" + here.tell(f"Everybody sees it from {seen} on."))


def list_concerns(
    *,
    bet: Annotated[str, Parameter(help="Only those about this bet.")] = "",
    unit: Annotated[str, Parameter(help="Only those of this unit and its parts.")] = "",
) -> None:
    """List the concerns that you may see; who can open the folder sees here no more than anybody else."""
    from counterpoint.bets.concerns import store
    from counterpoint.graph import local_actor

    here = terminal()
    with here.open() as workspace:
        found = store.list_concerns(workspace.graph, actor=local_actor(), bet=bet or None, unit=unit or None)
    nothing = here.tell("No concern that you may see.")
    here.emit({"items": found}, lambda: "\n".join(map(_line, found)) or nothing)


def answer_concern(
    concern: str,
    move: Annotated[
        str,
        Parameter(
            help="acknowledge, ask, offer_help, change_constraint; for its squad reply, offer_options, publish, resolve; or withdraw."
        ),
    ],
    text: str = "",
    *,
    receipt: Annotated[str, Parameter(help="Takes back one that was raised without a name.")] = "",
) -> None:
    """Answer a concern."""
    from counterpoint.bets.concerns import store
    from counterpoint.graph import local_actor

    here = terminal()
    with here.open() as workspace:
        seen = store.answer(
            workspace.graph, concern, move, text, actor=local_actor(), receipt=receipt or None
        )
    here.emit(seen, lambda: _line(seen))


def _line(seen: "Seen") -> str:
    concern = seen.concern
    text = " ".join(concern.text.split())
    return f"{concern.id}  {concern.raised_on}  {concern.state.value:<15}  {concern.bet}  {text[:100]}"
