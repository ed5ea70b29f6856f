"""Who changed each flag of a set last, and what: read from the activity log, newest entry first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from counterpoint.errors import escape
from counterpoint.flags.environments import set_ref
from counterpoint.graph.entity import Activity
from counterpoint.graph.flag_changes import changed_flags
from counterpoint.graph.plan_changes import HEAD, plan_changes
from counterpoint.graph.reader import Reader
from counterpoint.said import Said

__all__ = ["LastChange", "LastChanges", "changes_since"]

WRITES: Final = ("entity.created", "entity.updated")
PAGE: Final = 50
MOST: Final = 500
"""Entries of one set that are read at most; what was changed before that counts as changed when it was made."""
PARTS: Final[Mapping[str, str]] = {
    "state": "state",
    "defaultVariant": "default",
    "variants": "variants",
    "targeting": "rule",
    "metadata": "metadata",
}


@dataclass(frozen=True, slots=True)
class LastChange:
    """The newest change of one flag."""

    at: datetime
    actor: str
    said: Said
    """What was done, without a subject: "turned off", "changed rule and variants"."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LastChanges:
    """The newest change of each flag of a set, as far as an entry of the activity log."""

    seq: int = 0
    """The newest entry that was read."""
    by_key: Mapping[str, LastChange] | None = None


def changes_since(reader: Reader, name: str, keys: Collection[str], known: LastChanges) -> LastChanges:
    """What `known` becomes with the entries that came after it.

    Args:
        reader: of the graph.
        name: the set's name.
        keys: its flags; the entries are read until each has one.
        known: what was read before.
    """
    before = dict(known.by_key or {})
    found: dict[str, LastChange] = {}
    missing = set(keys) if not before else set()
    newest, last, read = known.seq, None, 0
    while read < MOST:
        entries = reader.activity(
            subject=set_ref(name), action=WRITES, after=known.seq or None, before=last, limit=PAGE
        )
        for entry in entries:
            newest = max(newest, entry.seq)
            _take(entry, missing or keys, found)
        missing -= found.keys()
        read += len(entries)
        if len(entries) < PAGE or (not before and not missing):
            break
        last = entries[-1].seq
    return LastChanges(newest, {**before, **found})


def _take(entry: Activity, keys: Collection[str], found: dict[str, LastChange]) -> None:
    if entry.action == "entity.created":
        for key in keys:
            found.setdefault(key, LastChange(entry.at, entry.actor, "made with the set", entry.reason))
        return
    before, after = entry.before or {}, entry.after or {}
    plans = _plans(before, after)
    changed = changed_flags(before, after)
    for key in {**changed, **plans}:
        action, parts = changed.get(key, ("changed", ()))
        rest = [part for part in parts if not (key in plans and part == "targeting")]
        said = [
            *plans.get(key, ()),
            *([_said(key, action, rest, after)] if rest or action != "changed" else ()),
        ]
        found.setdefault(key, LastChange(entry.at, entry.actor, ", ".join(said), entry.reason))


def _plans(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """What was done to the plan of each flag; the rule that is compiled from it is not told besides."""
    found: dict[str, list[str]] = {}
    pointers = dict.fromkeys([*before, *after])
    changes = ((pointer, before.get(pointer), after.get(pointer)) for pointer in pointers)
    for words, what, key in plan_changes(changes):
        if what == "flag":
            default = f"{HEAD}/flags/{escape(key)}/default"  # every plan has one; the log tells leaves only
            if default in after and default not in before:
                found[key] = ["put under a plan"]
            elif default in before and default not in after:
                found[key] = ["plan taken away"]
            else:
                bare = words.replace("the plan of {}", "its plan").replace("{}", "")
                found.setdefault(key, []).append(" ".join(bare.split()))
    return found


def _said(key: str, action: str, parts: Collection[str], after: Any) -> str:
    if action != "changed":
        return action
    state = (after or {}).get(f"/spec/definition/flags/{escape(key)}/state")
    names = [name for part, name in PARTS.items() if part in parts]
    names += ["other parts"] if set(parts) - PARTS.keys() else []
    if state in ("ENABLED", "DISABLED"):
        turned = "turned on" if state == "ENABLED" else "turned off"
        names.remove("state")
        return f"{turned}, changed {_listed(names)}" if names else turned
    return f"changed {_listed(names)}"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
