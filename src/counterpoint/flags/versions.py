"""Versions of a flag set: what each changed, by whom and why; any two compared; any one restored."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from counterpoint.errors import InputError, NotFoundError
from counterpoint.flags.drafts import Draft
from counterpoint.flags.environments import set_ref
from counterpoint.flags.model import FlagSet
from counterpoint.flags.store import Written, change_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.descriptor import etag_of
from counterpoint.graph.entity import Entity, Revision
from counterpoint.graph.flag_changes import SetChanges, changes_between
from counterpoint.graph.past import life_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import activity
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_micros
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = [
    "SetDifference",
    "SetVersion",
    "Touched",
    "VersionItem",
    "VersionPage",
    "difference_of",
    "documents_of",
    "read_version",
    "reasons_of",
    "restore_set",
    "versions_of_set",
]

MOST = 2**63 - 1
"""The largest number that the graph keeps."""
BESIDE = ("owner", "environment", "promotesTo")
"""Fields of the spec that a restored set keeps as they are: they say where it stands, not what it answers."""


class Touched(msgspec.Struct, frozen=True, rename="camel"):
    """One flag that a version changed, without its values: the difference has them."""

    key: str
    action: Literal["added", "removed", "changed"]
    parts: tuple[str, ...]
    """Which parts of it: state, defaultVariant, variants, targeting, metadata, other."""
    state: str | None
    """ENABLED or DISABLED where the version changed that."""


class VersionItem(msgspec.Struct, frozen=True, rename="camel"):
    """One version of a flag set, without its definition."""

    version: int
    at: datetime
    actor: str
    action: Literal["created", "updated", "deleted"]
    reason: str | None
    said: Said
    """What it changed, as a sentence without a subject: "turned 'new-home' off"."""
    flags: tuple[Touched, ...]
    """The flags that it changed."""


class VersionPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the versions of a set, newest first."""

    items: tuple[VersionItem, ...]
    total: int
    next_cursor: str | None = None


class SetVersion(msgspec.Struct, frozen=True, rename="camel"):
    """A flag set as it was in one version."""

    name: str
    version: int
    at: datetime
    actor: str
    reason: str | None
    etag: str
    bucketing: str
    owner: str
    definition: dict[str, Any]
    """In flagd's format, as it was written."""


class SetDifference(msgspec.Struct, frozen=True, rename="camel"):
    """What differs between two versions of a flag set, or of two flag sets."""

    before: str
    """Which version stands on the old side: `checkout@3`."""
    after: str
    changes: SetChanges


def versions_of_set(reader: Reader, name: str, *, limit: int = 20, cursor: str | None = None) -> VersionPage:
    """The versions of a flag set, newest first, deletions included.

    Of large sets a page may hold fewer than `limit`, but always one.

    Raises:
        NotFoundError: there never was such a set.
        InputError: the cursor is none of this list's.
    """
    ref = _ref(reader, name)
    life = life_of(reader, ref)
    assert life is not None  # noqa: S101 - `_ref` has seen it
    before = None if cursor is None else read_cursor(cursor, tuple[int])[0]
    found = reader.history(ref, before=before, limit=limit + 1)
    first = bool(found) and found[0].version == life.first.version
    shown = found if first and len(found) <= limit else found[1:] or found
    reasons = reasons_of(reader, ref, shown)
    previous: dict[int, Mapping[str, Any] | None] = {each.version: each.document for each in found}
    items = [
        _item(each, reasons.get(each.version), _before(reader, ref, each.version, previous))
        for each in reversed(shown)
    ]
    more = bool(shown) and shown[0].version > life.first.version
    return VersionPage(tuple(items), life.versions, cursor_of(shown[0].version) if more else None)


def _item(version: Revision, reason: str | None, before: Mapping[str, Any] | None) -> VersionItem:
    changes = changes_between(before, version.document)
    flags = tuple(
        Touched(
            flag.key,
            flag.action,
            flag.names or ("targeting",),
            next((part.after for part in flag.parts if part.part == "state"), None),
        )
        for flag in changes.flags
    )
    return VersionItem(
        version.version, version.at, version.actor, version.action, reason, changes.said, flags
    )


def read_version(reader: Reader, name: str, number: int) -> SetVersion:
    """A flag set as it was in one version.

    Raises:
        NotFoundError: there is no such version, or it is the one that deleted the set.
    """
    ref = _ref(reader, name)
    found = _revision(reader, ref, number)
    if found is None or found.document is None:
        what = "deleted the set" if found else "does not exist"
        raise NotFoundError(
            f"Version {number} of the flag set {name!r} {what}. List them with: counterpoint flags versions {name}"
        )
    document = found.document
    spec = document["spec"]
    return SetVersion(
        document["metadata"]["name"],
        number,
        found.at,
        found.actor,
        reasons_of(reader, ref, [found]).get(number),
        etag_of(document),
        spec.get("bucketing") or "v2",
        str(spec.get("owner") or ""),
        spec["definition"],
    )


def difference_of(
    reader: Reader, name: str, *, old: int | None = None, new: int | None = None
) -> SetDifference:
    """What differs between two versions of a set: `new` (default: as it is) and `old` (default: the one before).

    Raises:
        NotFoundError: there is no such set or version.
    """
    (before, was), (after, now) = documents_of(reader, name, old=old, new=new)
    return SetDifference(f"{name}@{before}", f"{name}@{after}", changes_between(was, now))


def documents_of(
    reader: Reader, name: str, *, old: int | None = None, new: int | None = None
) -> tuple[tuple[int, Mapping[str, Any] | None], tuple[int, Mapping[str, Any] | None]]:
    """Two versions of a set, each with its document: see `difference_of`. None before the first, and where it was deleted.

    Raises:
        NotFoundError: there is no such set or version.
    """
    ref = _ref(reader, name)
    life = life_of(reader, ref)
    assert life is not None  # noqa: S101 - `_ref` has seen it
    last = life.last.version
    after = last if new is None else new
    before = max(after - 1, 0) if old is None else old
    documents = []
    for number in (before, after):
        found = _revision(reader, ref, number)
        if found is None and number != 0:  # before the first version there was nothing
            raise NotFoundError(
                f"There is no version {number} of the flag set {name!r}; the newest is {last}."
            )
        documents.append(found.document if found else None)
    return (before, documents[0]), (after, documents[1])


def restore_set(
    workspace: Workspace,
    actor: Actor,
    name: str,
    version: int,
    *,
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
) -> Written:
    """Let a flag set be again what it was in a version: that is a new version, and a deleted set comes back.

    Its owner, and where it stands among environments, stay as they are.

    Raises:
        NotFoundError: there is no such set or version.
        FlagSetError: that version's definition cannot be used; nothing was changed.
        NotAllowedError: the actor may not write the set.
        PreconditionError: the set has another etag.
    """

    def draft(writer: Writer, existing: Entity | None) -> Draft:
        read_version(writer, name, version)  # says what is wrong with the number
        found = _revision(writer, _ref(writer, name), version)
        assert found is not None and found.document is not None  # noqa: S101, PT018
        document = dict(found.document)
        if existing:
            kept = {field: existing.spec[field] for field in BESIDE if field in existing.spec}
            spec = {field: value for field, value in document["spec"].items() if field not in BESIDE}
            document = {**existing.document, "spec": {**kept, **spec}}
        flags = FlagSet.from_flagd(document["spec"]["definition"])
        return Draft(document, flags)

    note = f"Restored version {version}" + (f": {reason}" if reason else ".")
    return change_set(workspace, actor, name, draft, if_match=if_match, dry_run=dry_run, reason=note)


def _ref(reader: Reader, name: str) -> str:
    with suppress(InputError):
        ref = set_ref(name)
        if life_of(reader, ref) is not None:
            return ref
    raise NotFoundError(f"There never was a flag set {name!r}.")


def _revision(reader: Reader, ref: str, number: int) -> Revision | None:
    if not 0 < number < MOST:
        return None
    found = reader.history(ref, before=number + 1, limit=1)
    return found[0] if found and found[0].version == number else None


def _before(
    reader: Reader, ref: str, number: int, known: Mapping[int, Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    """The document of the version before; none before the first, and after a deletion."""
    if number - 1 in known:
        return known[number - 1]
    found = _revision(reader, ref, number - 1)
    return found.document if found else None


def reasons_of(reader: Reader, ref: str, versions: Collection[Revision]) -> dict[int, str | None]:
    """Why each version was written, from the activity log: entry and version are of one moment."""
    moments = {to_micros(each.at): each.version for each in versions}
    query = sa.select(activity.c.at, activity.c.reason).where(
        activity.c.subject == ref,
        activity.c.action.in_(("entity.created", "entity.updated", "entity.deleted")),
        activity.c.at >= min(moments, default=0),
        activity.c.at <= max(moments, default=0),
    )
    return {moments[row.at]: row.reason for row in reader.connection.execute(query) if row.at in moments}
