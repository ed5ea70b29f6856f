"""What the graph knows of flagd's format: whose flags a definition holds, and whether it holds together.

Nothing is evaluated here. The same checks stand at every door: a definition that is broken here is refused by
the flags room, by imports of descriptors and by the API of entities alike.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from counterpoint.errors import Problem, escape

__all__ = ["MAX_LEVELS", "broken_in", "by_key", "check_flag_set", "flag_places", "flags_by_key", "too_deep"]

STATES: Final = ("ENABLED", "DISABLED")
MAX_LEVELS: Final = 300
"""Levels of JSON in a definition; each nested operation of a rule takes two."""
LARGEST: Final = 2**53 - 1
"""The largest number that every client can hold."""


def flags_by_key(definition: object) -> dict[str, Mapping[str, Any]]:
    """The flags of a definition: an object of flags by key, or a list of flags that carry theirs as `key`.

    What is no flag is left out, so that a definition that is partly broken still shows the rest.
    """
    flags = definition.get("flags") if isinstance(definition, Mapping) else None
    if isinstance(flags, Mapping):
        return {str(key): flag for key, flag in flags.items() if isinstance(flag, Mapping)}
    listed = flags if isinstance(flags, list) else []
    return {str(flag["key"]): flag for flag in listed if isinstance(flag, Mapping) and "key" in flag}


def by_key(document: dict[str, Any]) -> dict[str, Any]:
    """A FlagSet's document with its flags by key, also where they are a list: so the activity log names them."""
    spec = document.get("spec")
    definition = spec.get("definition") if isinstance(spec, dict) else None
    if not isinstance(definition, dict) or not isinstance(definition.get("flags"), list):
        return document
    flags = {
        key: {name: value for name, value in flag.items() if name != "key"}
        for key, flag in flags_by_key(definition).items()
    }
    return {**document, "spec": {**document["spec"], "definition": {**definition, "flags": flags}}}


def flag_places(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Key, flag and pointer of each flag, of the map and of the list; a list's items without a key are left out."""
    flags = definition.get("flags")
    if isinstance(flags, Mapping):
        for key, flag in flags.items():
            yield key, flag, f"/flags/{escape(key)}"
    for index, flag in enumerate(flags if isinstance(flags, list) else ()):
        key = flag.get("key") if isinstance(flag, Mapping) else None
        if isinstance(key, str) and key:
            yield key, flag, f"/flags/{index}"


def check_flag_set(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is broken in the definition of a FlagSet's `spec`."""
    for problem in broken_in(spec["definition"]):
        yield Problem(problem.message, f"/spec/definition{problem.pointer}")


def broken_in(definition: object) -> Iterator[Problem]:
    """Why a definition cannot be used, each place with its pointer; nothing where it holds together.

    What only breaks flagd's JSON schemas, and rules that cannot run, are not looked at: they are kept.
    """
    if not isinstance(definition, Mapping):
        yield Problem("A flag definition is a JSON object with `flags`.", "")
    elif too_deep(definition):
        message = f"The definition nests deeper than {MAX_LEVELS} levels. Write a chain of conditions as one `if` with more arguments."
        yield Problem(message, "")
    else:
        yield from _metadata(definition, "")
        if not isinstance(definition.get("$evaluators"), Mapping | None):
            yield Problem("`$evaluators` is an object of rules by name.", "/$evaluators")
        yield from _shape(definition)
        seen: set[tuple[str, Any]] = set()
        for key, flag, pointer in flag_places(definition):
            yield from _flag(key, flag, pointer)
            identity = (key, _set_id(definition, flag))
            if identity in seen:
                message = f"The flag {key!r} is there twice in one flag set. Remove one, or give it another flagSetId."
                yield Problem(message, pointer)
            seen.add(identity)


_PLAIN = frozenset({str, int, float, bool, type(None), list, tuple})


def too_deep(value: Any) -> bool:
    """Whether a definition nests deeper than `MAX_LEVELS`; found without recursion."""
    level, depth = [value], 0
    while level:
        if depth > MAX_LEVELS:
            return True
        below: list[Any] = []
        for item in level:
            kind = type(item)  # a dict or list nearly always, and to ask for an abstract class takes long
            if kind is dict or (kind not in _PLAIN and isinstance(item, Mapping)):
                below.extend(item.values())
            elif kind is list or kind is tuple:
                below.extend(item)
        level, depth = below, depth + 1
    return False


def _shape(definition: Mapping[str, Any]) -> Iterator[Problem]:
    flags = definition.get("flags")
    if isinstance(flags, list):
        for index, flag in enumerate(flags):
            key = flag.get("key") if isinstance(flag, Mapping) else None
            if not (isinstance(key, str) and key):
                yield Problem("Each item of `flags` is an object with a `key`.", f"/flags/{index}")
    elif "flags" not in definition:
        yield Problem("`flags` is missing: an object of flags by key.", "")
    elif not isinstance(flags, Mapping):
        yield Problem("`flags` is an object of flags by key, or a list of flags with a `key`.", "/flags")


def _set_id(definition: Mapping[str, Any], flag: Any) -> str | None:
    """The `flagSetId` of a flag, its own or that of its definition: with the key, it is the flag's identity."""
    found = None
    for holder in (definition, flag):
        metadata = holder.get("metadata") if isinstance(holder, Mapping) else None
        if isinstance(metadata, Mapping) and "flagSetId" in metadata:
            found = json.dumps(metadata["flagSetId"])
    return found


def _metadata(holder: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    metadata = holder.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        yield Problem("`metadata` is an object of texts, numbers and booleans.", f"{pointer}/metadata")


def _flag(key: str, flag: Any, pointer: str) -> Iterator[Problem]:
    named = f"The flag {key!r}"
    if not isinstance(flag, Mapping):
        yield Problem(f"{named} is not an object.", pointer)
        return
    if "state" not in flag:
        yield Problem(f"{named} has no `state`. Say ENABLED or DISABLED.", pointer)
    elif flag["state"] not in STATES:
        message = f"{named} has the state {_shown(flag['state'])}; it must be ENABLED or DISABLED."
        yield Problem(message, f"{pointer}/state")
    yield from _variants(flag, named, pointer)
    yield from _default(flag, named, pointer)
    yield from _metadata(flag, pointer)


def _variants(flag: Mapping[str, Any], named: str, pointer: str) -> Iterator[Problem]:
    variants, place = flag.get("variants"), f"{pointer}/variants"
    if not isinstance(variants, Mapping) or not variants:
        message = f"{named} has no variants. Give `variants`, an object with at least one value."
        yield Problem(message, place if "variants" in flag else pointer)
        return
    kinds: dict[str, str] = {}
    for name, value in variants.items():
        kind = _kind(value)
        kinds.setdefault(kind, name)
        if kind == "null":
            message = f"The variant {name!r} has no value. Give a boolean, a text, a number or an object."
            yield Problem(message, f"{place}/{escape(name)}")
        yield from _too_large(value, f"{place}/{escape(name)}")
    if len(kinds) > 1:
        mixed = ", ".join(
            f"{name!r} is {'an' if kind[0] in 'ao' else 'a'} {kind}" for kind, name in kinds.items()
        )
        yield Problem(f"{named} mixes types of values: {mixed}. All variants have one type.", place)


def _too_large(value: Any, place: str) -> Iterator[Problem]:
    """Each number beyond what every client can hold, in a value and within it."""
    if isinstance(value, int | float):
        if abs(value) > LARGEST:
            message = f"{_shown(value)} is beyond 2^53-1, which not every client can hold. Use a text."
            yield Problem(message, place)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _too_large(inner, f"{place}/{escape(str(name))}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _too_large(inner, f"{place}/{index}")


def _default(flag: Mapping[str, Any], named: str, pointer: str) -> Iterator[Problem]:
    default, place = flag.get("defaultVariant"), f"{pointer}/defaultVariant"
    variants = flag.get("variants")
    if default is not None and not isinstance(default, str):
        message = (
            f"{named} has the default variant {_shown(default)}; it must be the name of a variant, or null."
        )
        yield Problem(message, place)
    elif default and isinstance(variants, Mapping) and variants and default not in variants:
        known = ", ".join(map(repr, variants))
        message = f"{named} has the default variant {default!r}, which is not among its variants ({known})."
        yield Problem(message, place)


def _kind(value: Any) -> str:
    """JSON's word for the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def _shown(value: Any) -> str:
    written = json.dumps(value)
    return written if len(written) <= 60 else written[:59] + "…"
