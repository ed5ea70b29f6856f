"""What takes long to work out of a flag set, kept for as long as nothing that it is made of has changed."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from counterpoint.flags.environments import all_places, place_of, set_ref
from counterpoint.flags.flag_history import FlagHistory, history_of
from counterpoint.flags.lint import Finding, care_findings
from counterpoint.flags.promotion import Environments, environments_of
from counterpoint.flags.seen import attributes_seen
from counterpoint.flags.store import StoredSet
from counterpoint.flags.versions import VersionPage, versions_of_set
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = ["FoundIn", "environments_now", "findings_now", "flag_history", "newest_versions"]

T = TypeVar("T")
MOST: Final = 2_000
"""Facts that are kept; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A finding of the linter, and the flag that it is about; None where it is about the whole set."""

    finding: Finding
    key: str | None


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


def newest_versions(workspace: Workspace, reader: Reader, stored: StoredSet, *, limit: int) -> VersionPage:
    """The newest versions of a set, with what each changed."""
    made_of = stored.entity.uid, stored.entity.version, limit
    return _facts(workspace).get(
        "versions", stored.name, made_of, lambda: versions_of_set(reader, stored.name, limit=limit)
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


def environments_now(workspace: Workspace, reader: Reader, name: str) -> Environments:
    """A set in every environment, with what a promotion would change in the next."""
    environments = workspace.settings.flags.environments
    base = place_of(name, environments).base
    refs = [set_ref(each) for _, each in all_places(base, environments)]
    found = reader.get_many(refs)
    made_of = tuple((ref, found[ref].etag, found[ref].version) for ref in refs if ref in found)
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
