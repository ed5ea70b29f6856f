"""Environments of a flag set, and promotion between them. Everything here is pure.

The set `checkout` of the last environment has the bare name; that of every other is called after it, such as
`checkout.staging`. Promotion copies flags from one to the other, together with the shared rules that they use.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.flag_changes import references_of
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.ref import parse_ref
from counterpoint.spelling import near, quoted

__all__ = [
    "Place",
    "Promoted",
    "all_places",
    "check_environment",
    "following",
    "place_of",
    "promoted",
    "set_in",
    "set_ref",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flag set stands: what it is called without its environment, and the environment."""

    base: str
    environment: str | None
    """None where the workspace has no environments."""


def place_of(name: str, environments: Sequence[str]) -> Place:
    """Where the set with this name stands.

    >>> place_of("checkout.staging", ["staging", "production"])
    Place(base='checkout', environment='staging')
    >>> place_of("checkout", ["staging", "production"])
    Place(base='checkout', environment='production')
    """
    base, dot, suffix = name.rpartition(".")
    if dot and base and suffix in environments[:-1]:
        return Place(base, suffix)
    return Place(name, environments[-1] if environments else None)


def set_ref(name: str) -> str:
    """The reference of the flag set with this name."""
    return str(parse_ref(f"flagset:default/{name}"))


def set_in(base: str, environment: str, environments: Sequence[str]) -> str:
    """What the set is called in an environment.

    Raises:
        InputError: there is no such environment.
    """
    check_environment(environment, environments)
    return base if environment == environments[-1] else f"{base}.{environment}"


def check_environment(environment: str, environments: Sequence[str]) -> None:
    """Make sure that there is such an environment.

    Raises:
        InputError: there is none.
    """
    if environment not in environments:
        hint = near(environment, list(environments)) or f"; there are {quoted(environments)}"
        raise InputError(
            f"There is no environment {environment!r}{hint}. The setting [flags] environments names them."
        )


def following(environment: str | None, environments: Sequence[str]) -> str | None:
    """The environment after this one; None after the last."""
    if environment is None or environment not in environments:
        return None
    index = environments.index(environment) + 1
    return environments[index] if index < len(environments) else None


def all_places(base: str, environments: Sequence[str]) -> list[tuple[str, str]]:
    """Each environment with the name of the set in it, in the order of promotion."""
    return [(environment, set_in(base, environment, environments)) for environment in environments]


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promotion makes of the target's definition."""

    definition: dict[str, Any]
    remarks: tuple[Problem, ...] = ()
    """What it changes beside the flags that were asked for."""


def promoted(
    source: Mapping[str, Any],
    target: Mapping[str, Any] | None,
    *,
    flags: Collection[str] | None = None,
    with_state: bool = True,
) -> Promoted:
    """The target's definition after a promotion from the source's.

    Args:
        source: the definition that is promoted.
        target: the definition that it goes to; None where there is no such set yet.
        flags: the flags to promote, with the shared rules that they use; one that only the target has is
            removed there. None promotes the whole definition; the target keeps its own `flagSetId`.
        with_state: copy whether flags are on; otherwise flags that the target has keep their state.

    Raises:
        NotFoundError: a flag is in neither of the two.
    """
    remarks: Sequence[Problem] = ()
    if flags is None:
        definition = _whole(source, target or {})
    else:
        _require(flags, source, target or {})
        definition, remarks = _chosen(source, target or {"flags": {}}, list(dict.fromkeys(flags)))
    if not with_state:
        definition = _with_states(definition, flags_by_key(target))
    return Promoted(definition, tuple(remarks))


def _require(flags: Collection[str], source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    known = flags_by_key(source).keys() | flags_by_key(target).keys()
    for key in flags:
        if key not in known:
            raise NotFoundError(f"There is no flag {key!r} to promote{near(key, sorted(known))}.")


def _whole(source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """The source's definition, under the name that the target has for SDKs."""
    definition = dict(source)
    metadata = dict(definition.pop("metadata", None) or {})
    metadata.pop("flagSetId", None)
    named = (target.get("metadata") or {}).get("flagSetId")
    if named is not None:
        metadata = {"flagSetId": named, **metadata}
    return {"metadata": metadata, **definition} if metadata else definition


def _chosen(
    source: Mapping[str, Any], target: Mapping[str, Any], keys: list[str]
) -> tuple[dict[str, Any], Sequence[Problem]]:
    theirs = _entries(source)
    kept = [(key, flag) for key, flag in _entries(target) if key not in keys or _has(theirs, key)]
    made: list[tuple[str, Mapping[str, Any]]] = []
    for key, flag in kept:  # in their places, so that the text of the definition changes where it must
        if key not in keys:
            made.append((key, flag))
        elif not _has(made, key):
            made += [(each, new) for each, new in theirs if each == key]
    made += [(key, flag) for key, flag in theirs if key in keys and not _has(kept, key)]
    rules = [flag.get("targeting") for key, flag in made if key in keys]
    shared, remarks = _shared(source, target, rules, _rules_of_others(made, keys))
    definition = dict(target) | {"flags": _written(made, target, source)}
    return definition | ({"$evaluators": shared} if shared else {}), remarks


def _entries(definition: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and flag of each; a list may hold several of one key, with another `flagSetId` each."""
    flags = definition.get("flags")
    if isinstance(flags, list):
        return [(str(flag["key"]), flag) for flag in flags]
    return list(flags_by_key(definition).items())


def _has(entries: Sequence[tuple[str, Any]], key: str) -> bool:
    return any(each == key for each, _ in entries)


def _rules_of_others(made: Sequence[tuple[str, Mapping[str, Any]]], keys: Collection[str]) -> dict[str, Any]:
    return {key: flag.get("targeting") for key, flag in made if key not in keys}


def _shared(
    source: Mapping[str, Any], target: Mapping[str, Any], rules: list[Any], others: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """The target's shared rules with those that promoted flags use, and whom else that changes."""
    used = {name for rule in rules for name in references_of(rule)}
    given = source.get("$evaluators") or {}
    shared, remarks = dict(target.get("$evaluators") or {}), []
    for name in sorted(used & given.keys()):
        if name in shared and shared[name] != given[name]:
            touched = [key for key, rule in others.items() if name in references_of(rule)]
            if touched:
                message = f"The shared rule {name!r} changes, which {quoted(touched)} use as well."
                remarks.append(Problem(message, f"/$evaluators/{name}"))
        shared[name] = given[name]
    return shared, remarks


def _written(
    made: Sequence[tuple[str, Mapping[str, Any]]], target: Mapping[str, Any], source: Mapping[str, Any]
) -> Any:
    """The flags in the form of the target: a list where it has one, or where a key is there several times."""
    keys = [key for key, _ in made]
    as_list = isinstance(target.get("flags"), list) or len(set(keys)) < len(keys)
    if as_list:
        return [{"key": key, **flag} for key, flag in made]
    listed = isinstance(source.get("flags"), list)
    return {key: _without_key(flag) if listed else flag for key, flag in made}


def _without_key(flag: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flag.items() if name != "key"}


def _with_states(definition: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    def kept(key: str, flag: Mapping[str, Any]) -> dict[str, Any]:
        return {**flag, **({"state": before[key]["state"]} if key in before else {})}

    flags = definition["flags"]
    if isinstance(flags, list):
        return {**definition, "flags": [kept(str(flag["key"]), flag) for flag in flags]}
    return {**definition, "flags": {key: kept(key, flag) for key, flag in flags.items()}}
