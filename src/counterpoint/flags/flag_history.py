"""What became of one flag: the versions of its set that changed it, in words, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, pairwise
from typing import Any, Final

from counterpoint.flags.change_words import FlagWords, flag_words
from counterpoint.flags.environments import set_ref
from counterpoint.flags.versions import reasons_of
from counterpoint.graph.entity import Revision
from counterpoint.graph.flag_changes import changes_between, references_of
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.said import Said

__all__ = ["FlagHistory", "FlagVersion", "history_of"]

PAGE: Final = 25
MOST: Final = 200
"""Versions of the set that are looked at; further back the set's own list of versions goes."""


@dataclass(frozen=True, slots=True)
class FlagVersion:
    """A version of the set in which the flag changed."""

    version: int
    at: datetime
    actor: str
    reason: str | None
    words: FlagWords

    @property
    def said(self) -> tuple[Said, ...]:
        """What was done, each as a sentence."""
        if self.words.action != "changed":
            return (f"{self.words.action.capitalize()}.", *self.words.said)
        labels = [part.label[:1].lower() + part.label[1:] for part in self.words.parts]
        if self.words.said or not labels:
            return self.words.said
        return (f"Changed {' and '.join(filter(None, (', '.join(labels[:-1]), labels[-1])))}.",)


@dataclass(frozen=True, slots=True)
class FlagHistory:
    """The newest versions that changed a flag."""

    items: tuple[FlagVersion, ...]
    whole: bool
    """Whether there are no others."""


def history_of(reader: Reader, name: str, key: str, *, limit: int) -> FlagHistory:
    """The newest `limit` versions of a set that changed a flag, with what they did to it.

    Args:
        reader: of the graph.
        name: the set's name.
        key: the flag's key.
        limit: how many.
    """
    ref = set_ref(name)
    found: list[tuple[Revision, FlagWords]] = []
    for looked, (new, old) in enumerate(pairwise(chain(_newest_first(reader, ref), [None]))):
        if new is None or looked >= MOST:
            return FlagHistory(_told(reader, ref, found), whole=False)
        if words := _words(key, old.document if old is not None else None, new.document):
            found.append((new, words))
            if len(found) > limit:
                return FlagHistory(_told(reader, ref, found[:limit]), whole=False)
    return FlagHistory(_told(reader, ref, found), whole=True)


def _newest_first(reader: Reader, ref: str) -> Iterator[Revision]:
    """Every version of a set, read as it is asked for. A page of large documents is short: only an empty one ends."""
    before = None
    while page := reader.history(ref, before=before, limit=PAGE):
        yield from reversed(page)
        before = page[0].version


def _told(reader: Reader, ref: str, found: list[tuple[Revision, FlagWords]]) -> tuple[FlagVersion, ...]:
    reasons = reasons_of(reader, ref, [revision for revision, _ in found])
    return tuple(
        FlagVersion(revision.version, revision.at, revision.actor, reasons.get(revision.version), words)
        for revision, words in found
    )


def _words(key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> FlagWords | None:
    """What two versions do to the flag; other flags are left aside, so that a large set costs no more."""
    old, new = _only(key, before), _only(key, after)
    if old == new:
        return None
    return next(iter(flag_words(changes_between(old, new), old, new)), None)


def _only(key: str, document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A FlagSet with nothing but one flag, its plan and what these refer to; None without the flag."""
    spec = (document or {}).get("spec") or {}
    definition = spec.get("definition") or {}
    flag = flags_by_key(definition).get(key)
    if flag is None:
        return None
    shared = definition.get("$evaluators") or {}
    named, waiting = {}, list(references_of(flag.get("targeting")))
    while waiting:
        if (name := waiting.pop()) in shared and name not in named:
            named[name] = shared[name]
            waiting += references_of(shared[name])
    plans = spec.get("composition") or {}
    plan = (plans.get("flags") or {}).get(key)
    kept = {part: plans[part] for part in ("segments", "layers", "holdouts") if part in plans}
    return {
        "metadata": {"name": "one"},
        "spec": {
            "definition": {"flags": {key: flag}, "$evaluators": named},
            **({"composition": {**kept, "flags": {key: plan}}} if plan is not None else {}),
        },
    }
