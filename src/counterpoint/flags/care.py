"""What the graph and the journal know of flags, for those who care for them."""

import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from counterpoint.errors import NotFoundError
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.references import Place, find_references
from counterpoint.flags.stale import DAYS, Ended, Known, Only, Seen, StaleFlag, stale_flags
from counterpoint.flags.store import flag_sets, read_sets
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = [
    "Shown",
    "kept_references",
    "recent_contexts",
    "references_stamp",
    "search_code",
    "shown_in",
    "stale_in",
]

Shown: TypeAlias = tuple[Mapping[tuple[str, str], Seen], datetime | None]
"""The exposures of each flag by set and key, and the first of all."""

EXPOSURE: Final = "feature_flag.evaluation"
REFERENCES: Final = "flag-references.json"
"""In the workspace: where code names flags, as it was found last."""
OVER: Final = frozenset(("killed", "retired"))
"""States of a bet after which its flags can go."""


def stale_in(
    workspace: Workspace,
    *,
    flag_set: str | None = None,
    now: datetime | None = None,
    days: int = DAYS,
    places: Mapping[str, Sequence[Place]] | None = None,
    exposures: Shown | None = None,
    only: Callable[[str], Only] | None = None,
) -> list[StaleFlag]:
    """The flags that can go, of one set or of all.

    Args:
        workspace: whose sets, bets, experiments and exposures count.
        flag_set: the name of the set; all where there is none.
        now: the time; default the clock.
        days: see `stale_flags`.
        places: where code names flags; default what was found last.
        exposures: what the journal holds, for who has read it lately; default what it holds now.
        only: gives what finds `only_variant` in a set, for who has found it before.

    Raises:
        NotFoundError: there is no such set.
    """
    moment = now or datetime.now(UTC)
    with workspace.graph.read() as reader:
        known_sets = read_sets(reader, compiled=flag_sets(workspace))
        sets = [stored for stored in known_sets if flag_set in (None, stored.name)]
        bets = {
            entity.ref: _over(entity) for entity in reader.all(kind="Bet") if entity.spec.get("state") in OVER
        }
        experiments = _experiments(reader, moment)
    if flag_set is not None and not sets:
        raise NotFoundError(
            f"There is no flag set {flag_set!r}. `counterpoint flags stale` without --set shows all."
        )
    shown, since = exposures or shown_in(workspace)
    code = kept_references(workspace) if places is None else places
    found: list[StaleFlag] = []
    for stored in sets:
        known = Known(
            {key: seen for (name, key), seen in shown.items() if name == stored.name},
            since,
            stored.entity.updated_at,
            bets,
            {key: tests for (name, key), tests in experiments.items() if name == stored.name},
            code,
            stored.entity.owner,
            {
                key
                for key, plan in composition_of(workspace, stored.entity).flags.items()
                if plan.killed or not plan.ramp
            },
        )
        found += stale_flags(
            stored.name, stored.flags, known, now=moment, days=days, only=only(stored.name) if only else None
        )
    return found


def _over(bet: Entity) -> Ended:
    return Ended(bet.ref, str(bet.spec["state"]), bet.updated_at)


def _experiments(reader: Reader, now: datetime) -> dict[tuple[str, str], list[Ended | None]]:
    """The experiments on each flag by (set, key); None for one that is not over."""
    found: dict[tuple[str, str], list[Ended | None]] = {}
    for entity in reader.all(kind="Experiment"):
        sets = entity.targets("exposedBy") or ("flagset:default/default",)
        end = _moment(entity.spec.get("end"))
        over = Ended(entity.ref, "ended", end) if end and end <= now else None
        for ref in sets:
            found.setdefault((ref.rpartition("/")[2], str(entity.spec.get("flag"))), []).append(over)
    return found


def _moment(written: Any) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(str(written)) if written else None
        return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
    return None


def shown_in(workspace: Workspace) -> Shown:
    """The exposures of each flag by (set, key), and the first of all. One that names no set is of the default."""
    if not any(count.type == EXPOSURE for count in workspace.journal.counts()):
        return {}, None
    with workspace.journal.snapshot() as snapshot:
        table = snapshot.events(EXPOSURE)
        grouped = table.group_by(table.flag_set, table.flag, table.variant)
        rows = grouped.aggregate(first=table.time.min(), last=table.time.max()).to_pyarrow().to_pylist()
    firsts: dict[tuple[str, str], datetime] = {}
    lasts: dict[tuple[str, str], dict[str, datetime]] = {}
    for row in rows:
        place = (row["flag_set"] or "default", row["flag"])
        first, last = _utc(row["first"]), _utc(row["last"])
        firsts[place] = min(first, firsts.get(place, first))
        of_place = lasts.setdefault(
            place, {}
        )  # rows that name no set come beside those that name the default
        of_place[row["variant"]] = max(last, of_place.get(row["variant"], last))
    seen = {place: Seen(lasts[place], first) for place, first in firsts.items()}
    return seen, min(firsts.values(), default=None)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def recent_contexts(workspace: Workspace, name: str, *, limit: int) -> list[dict[str, Any]]:
    """The subjects who were shown a flag of a set most recently, as contexts; their attributes are not kept."""
    if not any(count.type == EXPOSURE for count in workspace.journal.counts()):
        return []
    with workspace.journal.snapshot() as snapshot:
        table = snapshot.events(EXPOSURE)
        of_set = table.filter((table.flag_set == name) & table.subject.notnull())
        last = of_set.group_by(of_set.subject).aggregate(last=of_set.time.max())
        rows = last.order_by([last.last.desc(), last.subject]).limit(limit).to_pyarrow().to_pylist()
    return [{"targetingKey": row["subject"]} for row in rows]


def search_code(
    workspace: Workspace, paths: Iterable[Path], *, keys: Collection[str]
) -> dict[str, list[Place]]:
    """Where code names flags; kept in the workspace for those who ask later.

    Raises:
        InputError: a path does not exist.
    """
    found = find_references([path.resolve() for path in paths], keys)
    kept = {**(kept_references(workspace) or {}), **found}
    document = {key: [[place.file, place.line] for place in places] for key, places in kept.items()}
    target = workspace.path / REFERENCES
    with tempfile.NamedTemporaryFile("w", dir=workspace.path, delete=False, encoding="utf-8") as file:
        json.dump({"found": document}, file, indent=1)
    os.replace(file.name, target)
    return found


def kept_references(workspace: Workspace) -> dict[str, list[Place]] | None:
    """Where code named flags when it was searched last; None where it never was."""
    try:
        document = json.loads((workspace.path / REFERENCES).read_text(encoding="utf-8"))
        return {
            key: [Place(file, line) for file, line in places] for key, places in document["found"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def references_stamp(workspace: Workspace) -> int:
    """What changes when code is searched again; 0 where it never was."""
    with suppress(OSError):
        return (workspace.path / REFERENCES).stat().st_mtime_ns
    return 0
