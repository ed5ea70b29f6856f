"""The activity log as people read it: the same thing done many times in a row is one line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from counterpoint.graph.entity import Activity
from counterpoint.graph.flag_changes import sentence_of
from counterpoint.graph.kinds import canonical_kind
from counterpoint.web.urls import ref_parts

__all__ = ["ActivityGroup", "grouped", "named_in", "practised", "said_of"]

TOGETHER = timedelta(minutes=10)
"""How far apart entries may be and still be one line."""


@dataclass(frozen=True, slots=True)
class ActivityGroup:
    """Entries with the same actor and action, newest first, at least one."""

    entries: tuple[Activity, ...]

    @property
    def first(self) -> Activity:
        """The newest entry, which stands for the line."""
        return self.entries[0]

    @property
    def shown(self) -> tuple[Activity, ...]:
        """The entries that the line names: the newest of each subject, of two subjects at most."""
        return tuple(self._by_subject.values())[:2]

    @property
    def others(self) -> int:
        """How many subjects the line only counts."""
        return len(self._by_subject) - len(self.shown)

    @property
    def said(self) -> str:
        """What was done to flags, as a sentence without a subject; empty for everything else."""
        return said_of(self.first)

    @property
    def _by_subject(self) -> dict[str, Activity]:
        found: dict[str, Activity] = {}
        for entry in self.entries:
            found.setdefault(entry.subject, entry)
        return found


def grouped(entries: Sequence[Activity], *, limit: int | None = None) -> list[ActivityGroup]:
    """Return the lines for entries in order (newest first); what has a reason, or says what became of flags, stands for itself."""
    groups: list[list[Activity]] = []
    for entry in entries:
        if groups and _belongs(entry, groups[-1]):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [ActivityGroup(tuple(group)) for group in groups[:limit]]


def said_of(entry: Activity) -> str:
    """What an entry about a flag set says of its flags: "turned 'new-home' off"; empty for everything else."""
    about_flags = entry.subject.startswith("flagset:") and entry.action == "entity.updated"
    return sentence_of(entry.before, entry.after) if about_flags else ""


def practised(entries: Iterable[Activity], hides: Callable[[str], bool]) -> list[Activity]:
    """The entries without those about what belongs to practices that are switched off; `hides` says so of a kind."""
    return [entry for entry in entries if not hides(canonical_kind(ref_parts(entry.subject)[0]))]


def _belongs(entry: Activity, group: list[Activity]) -> bool:
    first, last = group[0], group[-1]
    return (
        entry.actor == first.actor
        and entry.action == first.action
        and not entry.reason
        and not first.reason
        and not said_of(entry)
        and not said_of(first)
        and last.at - entry.at <= TOGETHER
    )


def named_in(entries: Sequence[Activity]) -> set[str]:
    """Return the references of the entities that entries name, whether these exist or not."""
    refs = {ref for entry in entries for ref in (entry.subject, entry.actor)}
    return {
        ref for ref in refs if ref.count(":") == 1 and ref.count("/") == 1 and not ref.startswith("system:")
    }
