"""What changed between two versions of a flag set, flag by flag: from its documents, or from the activity log.

A change is told in the terms of flagd's format (state, default variant, variants, targeting, metadata), so that
who reads it need not compare JSON.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from counterpoint.errors import Said, escape
from counterpoint.graph.comparison import Change, compare
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.plan_changes import HEAD, PlanChange, plan_changes, unescaped

__all__ = [
    "NO_CHANGES",
    "FlagChange",
    "NamedChange",
    "PartChange",
    "SetChanges",
    "changed_flags",
    "changes_between",
    "changes_of_definitions",
    "references_of",
    "sentence_of",
]

Done = Literal["added", "removed", "changed"]

PARTS = ("state", "defaultVariant", "variants", "targeting", "metadata")
"""The parts of a flag; whatever else a flag has is its part `other`."""
LONGEST = 60
"""Characters of a key that a sentence shows."""
NAMED = 3
"""Flags of one kind of change that a sentence names before it counts."""


class PartChange(msgspec.Struct, frozen=True):
    """One part of a flag before and after; none where it had or has none."""

    part: str
    """state, defaultVariant, variants, targeting, metadata, or other."""
    before: Any = None
    after: Any = None


class FlagChange(msgspec.Struct, frozen=True, rename="camel"):
    """What became of one flag."""

    key: str
    action: Done
    parts: tuple[PartChange, ...]
    """Every part that differs; those that the flag has where it was added or removed."""
    through: tuple[str, ...] = ()
    """Shared evaluators that its targeting uses and that changed."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(part.part for part in self.parts)


class NamedChange(msgspec.Struct, frozen=True):
    """What became of a shared evaluator, of an entry of the set's metadata, or of another member beside `flags`."""

    name: str
    action: Done
    before: Any = None
    after: Any = None


class SetChanges(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that differs between two versions of a flag set."""

    flags: tuple[FlagChange, ...] = ()
    evaluators: tuple[NamedChange, ...] = ()
    metadata: tuple[NamedChange, ...] = ()
    """Of the set, which every flag inherits."""
    others: tuple[NamedChange, ...] = ()
    """Members of the definition beside these, such as `$schema`."""
    bucketing: tuple[str, str] | None = None
    """Before and after; none where it stayed."""
    descriptor: tuple[Change, ...] = ()
    """What changed of the entity beside its definition and bucketing, such as its owner."""
    said: Said = ""
    """All of it in one sentence without a subject: "turned 'new-home' off"."""

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(
            self.flags or self.evaluators or self.metadata or self.others or self.bucketing or self.descriptor
        )


NO_CHANGES = SetChanges()


def changes_between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> SetChanges:
    """What differs between two documents of a FlagSet; none stands for a set that does not exist."""
    old, new = _spec(before), _spec(after)
    found = changes_of_definitions(old.get("definition"), new.get("definition"))
    was, now = old.get("bucketing") or "v2", new.get("bucketing") or "v2"
    bucketing = (was, now) if was != now and before and after else None
    descriptor = compare(_rest(before), _rest(after)) if before and after else ()
    found = msgspec.structs.replace(found, bucketing=bucketing, descriptor=descriptor)
    return msgspec.structs.replace(found, said=_said(found))


def changes_of_definitions(before: object, after: object) -> SetChanges:
    """What differs between two definitions in flagd's format."""
    old, new = _mapping(before), _mapping(after)
    evaluators = tuple(_named(_mapping(old.get("$evaluators")), _mapping(new.get("$evaluators"))))
    known = {"flags", "$evaluators", "metadata"}
    found = SetChanges(
        flags=tuple(_flags(flags_by_key(old), flags_by_key(new), {each.name for each in evaluators})),
        evaluators=evaluators,
        metadata=tuple(_named(_mapping(old.get("metadata")), _mapping(new.get("metadata")))),
        others=tuple(_named(_without(old, known), _without(new, known))),
    )
    return msgspec.structs.replace(found, said=_said(found))


def changed_flags(before: object, after: object) -> dict[str, tuple[Done, tuple[str, ...]]]:
    """The flags that an entry of the activity log is about, from its pointers: what became of each, and of which parts."""
    old, new = _mapping(before), _mapping(after)
    parts: dict[str, dict[str, None]] = {}
    for pointer in dict.fromkeys([*old, *new]):
        if (place := _place(str(pointer))) is not None:
            parts.setdefault(place[0], {})[place[1]] = None
    found: dict[str, tuple[Done, tuple[str, ...]]] = {}
    for key, named in parts.items():
        state = f"/spec/definition/flags/{key}/state"  # every flag has one
        action: Done = "changed"
        if state in new and state not in old:
            action = "added"
        elif state in old and state not in new:
            action = "removed"
        found[unescaped(key)] = action, tuple(named)
    return found


def sentence_of(before: object, after: object) -> str:
    """What an entry of the activity log says of a flag set, without its subject; empty where it says nothing of flags."""
    old, new = _mapping(before), _mapping(after)
    pointers = dict.fromkeys([*map(str, old), *map(str, new)])
    plans = plan_changes((pointer, old.get(pointer), new.get(pointer)) for pointer in pointers)
    sayings = _sayings(
        (
            (key, action, parts, new.get(f"/spec/definition/flags/{escape(key)}/state"))
            for key, (action, parts) in changed_flags(old, new).items()
        ),
        plans,
    )
    shared = {
        unescaped(parts[4])
        for pointer in (*old, *new)
        if len(parts := str(pointer).split("/")) > 4 and parts[1:4] == ["spec", "definition", "$evaluators"]
    }
    if shared:
        sayings.append(_rules(sorted(shared)))
    if "/spec/bucketing" in new and "/spec/bucketing" in old:
        sayings.append(f"set the bucketing to {new['/spec/bucketing']}")
    return _joined(sayings)


def _spec(document: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return _mapping((document or {}).get("spec"))


def _rest(document: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(document or {}), "spec": _without(_spec(document), {"definition", "bucketing"})}


def _without(holder: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in holder.items() if name not in names}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _flags(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]], evaluators: Collection[str]
) -> Iterator[FlagChange]:
    for key, flag in new.items():
        parts = () if key in old and _alike(old[key], flag) else tuple(_parts(old.get(key, {}), flag))
        through = tuple(sorted(references_of(flag.get("targeting")) & set(evaluators))) if evaluators else ()
        if key not in old:
            yield FlagChange(key, "added", parts)
        elif parts or through:
            yield FlagChange(key, "changed", parts, through)
    for key, flag in old.items():
        if key not in new:
            yield FlagChange(key, "removed", tuple(_parts(flag, {})))


def _parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PartChange]:
    for part in PARTS:
        was, now = _meant(old, part), _meant(new, part)
        if not _alike(was, now):
            yield PartChange(part, was, now)
    known = {*PARTS, "key"}
    was, now = _without(old, known), _without(new, known)
    if not _alike(was, now):
        yield PartChange("other", was, now)


def _meant(flag: Mapping[str, Any], part: str) -> Any:
    value = flag.get(part)
    return None if value == {} and part in ("targeting", "metadata") else value


def _named(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[NamedChange]:
    for name, value in new.items():
        if name not in old:
            yield NamedChange(name, "added", None, value)
        elif not _alike(old[name], value):
            yield NamedChange(name, "changed", old[name], value)
    for name, value in old.items():
        if name not in new:
            yield NamedChange(name, "removed", value, None)


def _alike(one: Any, other: Any) -> bool:
    """As JSON, where true is not 1, and 1 is not 1.0."""
    if one is other:
        return True
    if one != other:
        return False
    encode = msgspec.json.encode
    return encode(one) == encode(other) or encode(one, order="sorted") == encode(other, order="sorted")


def references_of(rule: Any) -> set[str]:
    """The shared evaluators that a rule names; found without recursion."""
    found: set[str] = set()
    waiting = [rule]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            name = value.get("$ref")
            if len(value) == 1 and isinstance(name, str):
                found.add(name)
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return found


def _said(changes: SetChanges) -> str:
    plans = plan_changes((each.pointer, each.before, each.after) for each in changes.descriptor)
    sayings = _sayings(
        ((flag.key, flag.action, flag.names or ("targeting",), _state(flag)) for flag in changes.flags), plans
    )
    for action in ("added", "removed", "changed"):
        if names := [each.name for each in changes.evaluators if each.action == action]:
            sayings.append(_rules(names, action))
    if changes.metadata:
        sayings.append("changed the metadata of the set")
    if changes.bucketing:
        sayings.append(f"set the bucketing to {changes.bucketing[1]}")
    if changes.others or any(not each.pointer.startswith(HEAD) for each in changes.descriptor):
        sayings.append("changed what describes the set")
    return _joined(sayings)


def _state(flag: FlagChange) -> Any:
    return next((part.after for part in flag.parts if part.part == "state"), None)


_OF = {
    "defaultVariant": "the default of",
    "variants": "the variants of",
    "targeting": "the targeting of",
    "metadata": "the metadata of",
    "other": "a part of",
}


def _sayings(
    flags: Iterable[tuple[str, Done, Collection[str], Any]], plans: Collection[PlanChange]
) -> list[str]:
    """Each thing done with the flags that it was done to; `flags` are key, action, parts and the new state.

    The targeting of a flag whose plan changed is not told besides: it is compiled from the plan.
    """
    done: dict[tuple[str, str], list[str]] = {}
    planned = {name for _, what, name in plans if what == "flag"}
    for words, what, name in plans:
        done.setdefault((words, what), []).append(name)
    for key, action, parts, state in flags:
        if action != "changed":
            done.setdefault(("added {}" if action == "added" else "removed {}", "flag"), []).append(key)
            continue
        for part in parts:
            if part == "targeting" and key in planned:
                continue
            words = f"changed {_OF.get(part, _OF['other'])} {{}}"
            if part == "state":
                words = "turned {} on" if state == "ENABLED" else "turned {} off"
            done.setdefault((words, "flag"), []).append(key)
    return [words.replace("{}", _things(names, what)) for (words, what), names in done.items()]


def _things(names: list[str], what: str) -> str:
    noun = "" if what == "flag" else f"the {what}s" if names[1:] else f"the {what}"
    return _list(names, noun, f"{what}s")


def _list(names: list[str], noun: str, nouns: str) -> str:
    """The names in quotes where they are few, else how many there are."""
    if len(names) > NAMED:
        return f"{len(names)} {nouns}"
    short = (name if len(name) <= LONGEST else f"{name[:LONGEST]}…" for name in names)
    quoted = [f"'{name}'" for name in short]
    listed = " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    return f"{noun} {listed}".strip()


def _rules(names: list[str], action: str = "changed") -> str:
    noun = "the shared rules" if names[1:] else "the shared rule"
    return f"{action} {_list(names, noun, 'shared rules')}"


def _joined(sayings: list[str]) -> str:
    return ", ".join(sayings)


def _place(pointer: str) -> tuple[str, str] | None:
    """The key (as in the pointer) and the part that a pointer of the activity log is about; none where it is about no flag."""
    parts = pointer.split("/")
    if len(parts) < 6 or parts[1:4] != ["spec", "definition", "flags"]:
        return None
    return parts[4], parts[5] if parts[5] in PARTS else "other"
