"""What takes long to work out of a flag set, kept for as long as nothing that it is made of has changed."""

import threading
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from counterpoint.errors import InputError
from counterpoint.flags.change_words import FlagWords, Line, flag_words, shared_words
from counterpoint.flags.environments import all_places, place_of, set_ref
from counterpoint.flags.flag_history import FlagHistory, history_of
from counterpoint.flags.lint import Finding, care_findings
from counterpoint.flags.promotion import Environments, environments_of
from counterpoint.flags.seen import attributes_seen
from counterpoint.flags.store import StoredSet
from counterpoint.flags.versions import VersionPage, documents_of, versions_of_set
from counterpoint.graph.flag_changes import SetChanges, changes_between
from counterpoint.graph.past import life_of
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = [
    "Compared",
    "FoundIn",
    "compared",
    "environments_now",
    "findings_now",
    "flag_history",
    "versions_now",
]

T = TypeVar("T")
MOST: Final = 2_000
"""Facts that are kept; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A finding of the linter, and the flag that it is about; None where it is about the whole set."""

    finding: Finding
    key: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions of a set and what differs."""

    before: int
    after: int
    changes: SetChanges
    flags: list[FlagWords]
    shared: list[tuple[str, str, tuple[Line, ...]]]
    more: tuple[str, ...]
    """Keys of flags beyond those that are told in full."""


class _Facts:
    def __init__(self, workspace: Workspace) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[Hashable, Any]] = {}

    def get(self, what: str, name: str, made_of: Hashable, make: Callable[[], T]) -> T:
        """The fact; made anew where what it is made of is another."""
        known = self._known.get((what, name))
        if known is not None and known[0] == made_of:
            kept: T = known[1]
            return kept
        made = make()
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[what, name] = made_of, made
        return made


def _facts(workspace: Workspace) -> _Facts:
    return workspace.keep(_Facts, _Facts)


def versions_now(
    workspace: Workspace, reader: Reader, name: str, *, limit: int, cursor: str | None = None
) -> VersionPage:
    """The versions of a set with what each changed, see `versions_of_set`.

    Raises:
        NotFoundError: there never was such a set.
        InputError: the cursor is none of this list's.
    """
    made_of = _last(reader, name), limit, cursor
    return _facts(workspace).get(
        f"versions:{limit}",
        name,
        made_of,
        lambda: versions_of_set(reader, name, limit=limit, cursor=cursor),
    )


def flag_history(
    workspace: Workspace, reader: Reader, stored: StoredSet, key: str, *, limit: int
) -> FlagHistory:
    """The newest versions of a set that changed one of its flags."""
    made_of = stored.entity.uid, stored.entity.version, limit
    return _facts(workspace).get(
        "history",
        f"{stored.name}/{key}",
        made_of,
        lambda: history_of(reader, stored.name, key, limit=limit),
    )


def compared(
    workspace: Workspace, reader: Reader, name: str, *, old: int | None, new: int | None, most: int
) -> Compared:
    """Two versions of a set and what differs, in words; of `most` flags in full.

    Raises:
        NotFoundError: there is no such set or version.
    """

    def make() -> Compared:
        (before, was), (after, now) = documents_of(reader, name, old=old, new=new)
        changes = changes_between(was, now)
        words = flag_words(changes, was, now, most=most)
        shown = {each.key for each in words}
        more = tuple(flag.key for flag in changes.flags if flag.key not in shown)
        return Compared(before, after, changes, words, shared_words(changes), more)

    return _facts(workspace).get("compared", name, (_last(reader, name), old, new), make)


def _last(reader: Reader, name: str) -> int | None:
    """The newest version of a set; none where there never was one."""
    with suppress(InputError):
        life = life_of(reader, set_ref(name))
        return life.last.version if life else None
    return None


def environments_now(
    workspace: Workspace, reader: Reader, name: str, sets: Iterable[StoredSet]
) -> Environments:
    """A set in every environment, with what a promotion would change in the next; `sets` are all that there are."""
    environments = workspace.settings.flags.environments
    base = place_of(name, environments).base
    names = {each for _, each in all_places(base, environments)}
    made_of = tuple((each.name, each.entity.uid, each.entity.version) for each in sets if each.name in names)
    return _facts(workspace).get(
        "environments", base, made_of, lambda: environments_of(workspace, reader, name)
    )


def findings_now(workspace: Workspace, reader: Reader, stored: StoredSet) -> tuple[FoundIn, ...]:
    """What deserves a look in a set, what is worst first."""
    bets = frozenset(entity.ref for entity in reader.all(kind="Bet"))
    carried = attributes_seen(workspace.path, stored.name)
    made_of = stored.etag, bets, carried
    return _facts(workspace).get("findings", stored.name, made_of, lambda: _findings(stored, bets, carried))


def _findings(stored: StoredSet, bets: frozenset[str], carried: frozenset[str]) -> tuple[FoundIn, ...]:
    order = ("error", "warning", "note")
    found = care_findings(stored.flags, bets=bets, attributes=carried, owner=stored.entity.owner)
    places = {flag.pointer: flag.key for flag in stored.flags}
    return tuple(
        FoundIn(finding, _key_of(finding.problem.pointer, places))
        for finding in sorted(found, key=lambda each: order.index(each.level))
    )


def _key_of(pointer: str, places: dict[str, str]) -> str | None:
    return places.get("/".join(pointer.split("/")[:3]))
