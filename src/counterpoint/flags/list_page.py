"""The page of all flags: by owner, state or set, each with what it does in every environment."""

from collections.abc import Sequence
from typing import Annotated, Any, get_args

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from counterpoint.flags.overseeing import Overview, overview_of
from counterpoint.flags.overview import (
    Asked,
    FlagRow,
    Grouping,
    counts_of,
    grouped,
    narrowed_rows,
)
from counterpoint.graph.reader import Reader
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["FLAG_FILE", "pages", "refs_of"]

ROWS = 100
FLAG_FILE = """\
{
  "metadata": {"bet": "bet:default/discover-weekly"},
  "flags": {
    "discover-weekly": {
      "state": "ENABLED",
      "variants": {"on": true, "off": false},
      "defaultVariant": "off",
      "targeting": {"fractional": [["on", 10], ["off", 90]]}
    }
  }
}
"""
InState = Annotated[str, QueryParameter(name="state")]


@get("/flags", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_flags(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    set: FromQuery[str] = "",  # noqa: A002 - the word of the address
    environment: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    in_state: InState = "",
    text: FromQuery[str] = "",
    group: FromQuery[str] = "owner",
    cursor: FromQuery[str | None] = None,
) -> str:
    """All flags of all sets, by owner: what each does to people, where, and who changed it last."""
    by: Grouping = group if group in get_args(Grouping) else "owner"  # type: ignore[assignment]
    asked = Asked(text.strip(), set, environment, owner, in_state, by)
    with ws.graph.read() as reader:
        overview = overview_of(ws, reader)
        titles = _titles(reader, {row.main.item.owner for row in overview.rows})
        found = narrowed_rows(overview.rows, asked)
        groups, shown, last = _page_of(grouped(found, by, titles), cursor)
        known = dict(reader.get_many(refs_of(row for _, _, rows in groups for row in rows)))
    here = with_query("/flags", **_query(asked))
    return render(
        page,
        "flags/list.html",
        overview=overview,
        groups=groups,
        shown=shown,
        total=len(found),
        known=known,
        titles=titles,
        asked=asked,
        tabs=_tabs(narrowed_rows(overview.rows, Asked(asked.text, set, environment, owner)), here),
        tab=with_query(here, state=asked.state or None),
        owners=sorted(titles.items(), key=lambda each: each[1].casefold()),
        bases=_bases(overview),
        broken=[stored for stored in overview.sets if stored.problems],
        filtered=bool(_query(Asked(asked.text, set, environment, owner, in_state))),
        next_url=with_query(here, cursor=last) if last else None,
        first_url=here if cursor else None,
        here=here,
        example=FLAG_FILE,
    )


def _query(asked: Asked) -> dict[str, str]:
    given = {
        "text": asked.text,
        "set": asked.set,
        "environment": asked.environment,
        "owner": asked.owner,
        "state": asked.state,
        "group": "" if asked.group == "owner" else asked.group,
    }
    return {name: value for name, value in given.items() if value}


def _tabs(rows: Sequence[FlagRow], here: str) -> list[tuple[str, str, int]]:
    """The states as tabs, each with how many flags it has; those that nothing is in are left out."""
    names = {"rolled-out": "Fully rolled out"}
    counts = counts_of(rows)
    return [("All", with_query(here, state=None), len(rows))] + [
        (names.get(word, word.capitalize()), with_query(here, state=word), count)
        for word, count in counts.items()
        if count
    ]


def _page_of(
    groups: Sequence[tuple[str, list[FlagRow]]], cursor: str | None
) -> tuple[list[tuple[str, int, list[FlagRow]]], int, str | None]:
    """One page of the groups after the row that the cursor names: name, size and rows of each; how many rows; the next cursor.

    Raises:
        InputError: the cursor is none of this list's.
    """
    flat = [(name, row) for name, rows in groups for row in rows]
    start = 0
    if cursor:
        place = read_cursor(cursor, tuple[str, str])
        start = next((index + 1 for index, (_, row) in enumerate(flat) if row.place == place), len(flat))
    chosen = flat[start : start + ROWS]
    sizes = {name: len(rows) for name, rows in groups}
    parts: dict[str, list[FlagRow]] = {}
    for name, row in chosen:
        parts.setdefault(name, []).append(row)
    more = start + ROWS < len(flat)
    return (
        [(name, sizes[name], rows) for name, rows in parts.items()],
        len(chosen),
        cursor_of(*chosen[-1][1].place) if more else None,
    )


def _titles(reader: Reader, owners: set[str | None]) -> dict[str, str]:
    """Names of owners by reference, of those that do not exist too."""
    refs = {ref for ref in owners if ref}
    found = reader.get_many(refs)
    return {ref: found[ref].title if ref in found else ref.rpartition("/")[2] for ref in sorted(refs)}


def refs_of(rows: Any) -> set[str]:
    """What the rows of a list name: bets, owners, and who changed flags last."""
    found: set[str | None] = set()
    for row in rows:
        item, changed = row.main.item, row.main.changed
        found |= {item.bet, item.owner, changed.actor if changed else None}
    return {ref for ref in found if ref and ref.count(":") == 1 and "/" in ref}


def _bases(overview: Overview) -> list[str]:
    """The sets without their environments."""
    return sorted({row.main.base for row in overview.rows})


pages: list[Any] = [show_flags]
