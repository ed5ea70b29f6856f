"""The digest and the agenda of a review on the command line."""

from typing import TYPE_CHECKING

from counterpoint.moments import today_utc
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from counterpoint.bets.reviews.agenda import Agenda
    from counterpoint.bets.reviews.digest import Digest

__all__ = ["agenda", "digest"]


def digest(*, week: str = "", unit: str = "") -> None:
    """Tell what happened to bets in a week.

    Parameters
    ----------
    week
        As 2026-W30. Default: this one.
    unit
        Only what concerns this unit and its parts.
    """

    from counterpoint.bets.reviews.digest import digest as read
    from counterpoint.bets.reviews.digest import week_of

    shell = terminal()
    with shell.open() as workspace:
        found = shell.told(read(workspace.graph, week or week_of(today_utc())[0], unit))
    shell.emit(found, lambda: _digest_text(found))


def agenda(unit: str, /) -> None:
    """Tell what a review of a unit's bets would talk about today.

    Parameters
    ----------
    unit
        The unit, such as `discovery`; the bets of its parts count too.
    """

    from counterpoint.bets.reviews.boards import require_board
    from counterpoint.bets.reviews.sittings import agenda_now

    shell = terminal()
    with shell.open() as workspace, workspace.graph.read() as reader:
        board, today = require_board(reader, unit), today_utc()
        found = shell.told(agenda_now(workspace.graph, reader, board, today))
    shell.emit(found, lambda: _agenda_text(found))


def _digest_text(found: "Digest") -> str:
    rows = [f"Week {found.week}, from {found.start.isoformat()}"]
    for section in found.sections:
        rows.append(f"\n{section.title}")
        rows += [f"  {line.title}: {line.text}" for line in section.lines]
    return "\n".join(rows if found.sections else [*rows, "Nothing happened."])


def _agenda_text(found: "Agenda") -> str:
    rows = [f"{place}. {item.title}\n   {item.why}" for place, item in enumerate(found.items, 1)]
    return "\n".join([found.mix, *(rows or ["Nothing needs a review."])])
