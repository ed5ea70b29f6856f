"""`counterpoint discover creators`: what may be told of the listeners of artists and shows."""

from typing import TYPE_CHECKING, Any

from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.discover.audiences import Creator
    from counterpoint.discover.creators import Audience

__all__ = ["creators"]


def creators(name: str, creator: str | None = None, /, *, find: str = "", limit: int = 50) -> None:
    """Show where a creator's listeners come from, how the audience grows, and which audiences to try next.

    No figure is of a small group (20 listeners unless a setting says more), nor can one be had by subtracting.

    Parameters
    ----------
    name
        The recommender.
    creator
        An artist or a show, as the items' events name it; without it those with most listeners are listed.
    find
        Lists only creators whose name has this.
    limit
        How many are listed.
    """
    from counterpoint.discover.audiences import audience
    from counterpoint.discover.audiences import creators as listed

    here = terminal()
    with here.open() as workspace:
        if creator is None:
            _, found = listed(workspace, name, words=find, limit=limit)
            here.emit({"creators": found}, lambda: _list(found))
        else:
            _, told = audience(workspace, name, creator)
            here.emit(told, lambda: _shown(told))


def _list(found: "list[Creator]") -> "RenderableType":
    if not found:
        return "No creator has listeners enough to be told of, in weeks that are over."
    return _table(
        "Creators", ("creator", "listeners"), [(each.name, f"{each.listeners:,}") for each in found]
    )


def _shown(told: "Audience") -> "RenderableType":
    from rich.console import Group

    if told.listeners is None:
        return f"Fewer than {told.least} people have listened to {told.creator!r} in weeks that are over, so nothing is told of them."
    parts: list[Any] = [
        f"{told.creator}: {counted(told.listeners, 'listener')} until {told.until}, no group under {told.least}",
        _table(
            "Where they first listened",
            ("from", "listeners", "share", "of plays"),
            [
                (each.source, f"{each.listeners:,}", f"{each.share:.0%}", f"{each.plays:.0%}")
                for each in told.found
            ],
        ),
        _table(
            "New listeners",
            ("from", "to", "new", "all"),
            [
                (str(each.start), str(each.end), f"{each.new:,}", f"{each.total:,}")
                for each in told.periods[-12:]
            ],
        ),
        _table(
            "Also listen to",
            ("creator", "listeners", "share", "beside everybody"),
            [
                (each.creator, f"{each.shared:,}", f"{each.share:.0%}", f"{each.lift:.1f} times")
                for each in told.overlaps
            ],
        ),
        _table(
            "Audiences to try next",
            ("listeners of", "not yet here", "who listen to both (90 %)", "beside everybody"),
            [
                (
                    each.creator,
                    f"about {each.listeners:,}",
                    f"{each.share:.0%} ({each.low:.0%} to {each.high:.0%})",
                    f"{each.lift:.1f} times",
                )
                for each in told.suggestions
            ],
        ),
    ]
    if told.withheld:
        parts.append(f"{counted(told.withheld, 'overlap')} not told: a group would be too small.")
    return Group(*parts)


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> "RenderableType":
    from rich.table import Table

    table = Table(title=title, box=None, title_justify="left")
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left")
    for row in rows:
        table.add_row(*row)
    if not rows:
        table.add_row("none that may be told")
    return table
