"""Every flag of a workspace in one list: a row for each, with what it does in each environment. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from counterpoint.flags.composition.plan import FlagPlan
from counterpoint.flags.environments import place_of
from counterpoint.flags.last_changes import LastChange
from counterpoint.flags.listing import FlagItem, items_of
from counterpoint.flags.stale import Only, StaleFlag, only_variant
from counterpoint.flags.state import STATES, FlagState, state_of
from counterpoint.flags.store import StoredSet

__all__ = [
    "Asked",
    "FlagRow",
    "FlagView",
    "Grouping",
    "counts_of",
    "grouped",
    "narrowed_rows",
    "rows_of",
    "views_of",
]

Grouping: TypeAlias = Literal["owner", "state", "set"]
WORDS: Final[Mapping[str, str]] = {"enabled": "", "disabled": "off"}
"""What flagd calls states, where an address of ours has once used it."""


@dataclass(frozen=True, slots=True)
class FlagView:
    """A flag in one environment."""

    item: FlagItem
    state: FlagState
    base: str
    """What the set is called without its environment."""
    environment: str | None
    changed: LastChange | None = None
    stale: StaleFlag | None = None


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A flag in every environment that has it, in the order of promotion; at least one."""

    views: tuple[FlagView, ...]

    @property
    def main(self) -> FlagView:
        """The one nearest to the users of the product."""
        return self.views[-1]

    @property
    def place(self) -> tuple[str, str]:
        """What tells rows apart: the set without its environment, and the key."""
        return self.main.base, self.main.item.key

    def in_environment(self, environment: str) -> FlagView | None:
        """The flag there; None where it is not."""
        return next((view for view in self.views if view.environment == environment), None)

    @property
    def differs(self) -> bool:
        """Whether it does not do the same in all of them."""
        return len({(view.state.word, view.state.percent, view.state.variant) for view in self.views}) > 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader wants to see; empty means all."""

    text: str = ""
    set: str = ""
    """A set, or what it is called without its environment."""
    environment: str = ""
    owner: str = ""
    state: str = ""
    """One of `STATES`, or `stale`."""
    group: Grouping = "owner"


def views_of(
    stored: StoredSet,
    plans: Mapping[str, FlagPlan],
    environments: Sequence[str],
    *,
    now: float,
    only: Only = only_variant,
) -> list[FlagView]:
    """Every flag of a set with its state.

    Args:
        stored: the set.
        plans: those that drive its flags, by key.
        environments: of the workspace, in the order of promotion.
        now: Unix seconds.
        only: see `state_of`.
    """
    place = place_of(stored.name, environments)
    return [
        FlagView(
            item,
            state_of(stored.flags, stored.flags.flags[item.key], plans.get(item.key), now=now, only=only),
            place.base,
            place.environment,
        )
        for item in items_of([stored])
    ]


def rows_of(views: Iterable[FlagView], environments: Sequence[str]) -> list[FlagRow]:
    """The views of one flag together, however many sets they are in."""
    order = {name: index for index, name in enumerate(environments)}
    found: dict[tuple[str, str], list[FlagView]] = {}
    for view in views:
        found.setdefault((view.base, view.item.key), []).append(view)
    return [
        FlagRow(tuple(sorted(each, key=lambda view: order.get(view.environment or "", -1))))
        for each in found.values()
    ]


def narrowed_rows(rows: Iterable[FlagRow], asked: Asked) -> list[FlagRow]:
    """The rows that pass every filter; where one environment is asked for, or one set, only what is there counts."""
    found = []
    wanted = asked.text.casefold()
    state = asked.state.casefold()
    for row in rows:
        views = tuple(view for view in row.views if _is_in(view, asked))
        if not views:
            continue
        main = views[-1]
        if asked.owner and main.item.owner != asked.owner:
            continue
        if state and not _has_state(main, WORDS.get(state, state), asked_for=state):
            continue
        if wanted and not any(wanted in part.casefold() for part in _texts(main.item)):
            continue
        found.append(row if len(views) == len(row.views) else FlagRow(views))
    return found


def _is_in(view: FlagView, asked: Asked) -> bool:
    return asked.set in ("", view.base, view.item.set) and asked.environment in ("", view.environment)


def _has_state(view: FlagView, word: str, *, asked_for: str) -> bool:
    if word == "stale":
        return view.stale is not None
    if asked_for == "enabled":
        return view.item.state == "ENABLED"
    return view.state.word == word


def _texts(item: FlagItem) -> tuple[str, ...]:
    return item.key, item.description, item.bet or "", item.component or ""


def counts_of(rows: Iterable[FlagRow]) -> dict[str, int]:
    """How many rows are in each state, and how many are stale."""
    rows = list(rows)
    counts: dict[str, int] = dict(Counter(row.main.state.word for row in rows))
    stale = sum(row.main.stale is not None for row in rows)
    return {word: counts.get(word, 0) for word in STATES} | {"stale": stale}


def grouped(
    rows: Iterable[FlagRow], by: Grouping, titles: Mapping[str, Any]
) -> list[tuple[str, list[FlagRow]]]:
    """The rows by owner, state or set, each group with what it is called in `by`; within it by state and key.

    Args:
        rows: the rows.
        by: what to group by.
        titles: names of owners by reference, by which their groups are in order; those without are last.
    """
    groups: dict[str, list[FlagRow]] = {}
    for row in sorted(rows, key=lambda row: (STATES.index(row.main.state.word), row.place[1], row.place[0])):
        groups.setdefault(_group_of(row, by), []).append(row)

    def order(name: str) -> tuple[Any, ...]:
        if by == "state":
            return (list[str](STATES).index(name),)
        return (not name, str(titles.get(name) or name).casefold())

    return [(name, groups[name]) for name in sorted(groups, key=order)]


def _group_of(row: FlagRow, by: Grouping) -> str:
    if by == "state":
        return row.main.state.word
    return row.main.base if by == "set" else row.main.item.owner or ""
