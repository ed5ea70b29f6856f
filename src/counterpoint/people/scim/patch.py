"""PATCH of SCIM: operations on a resource, as the standard has them and as Entra ID and Okta send them (RFC 7644, section 3.5.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from counterpoint.people.scim.errors import ScimError
from counterpoint.people.scim.filters import Path, parse_path

__all__ = ["PATCH_SCHEMA", "apply", "operations_of"]

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST = 2_000
"""Operations of one request."""
LISTS = frozenset(
    {
        "emails", "members", "phonenumbers", "addresses", "photos", "ims", "roles", "entitlements",
        "x509certificates",
    }
)  # fmt: skip
"""Attributes that hold several values."""
FIXED = frozenset({"id", "meta", "groups", "schemas"})
"""Attributes that the server gives."""


def operations_of(body: Any) -> list[Mapping[str, Any]]:
    """The operations of a PATCH request.

    Raises:
        ScimError: the body is none, or has too many.
    """
    found = _member(body, "operations") if isinstance(body, Mapping) else None
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise ScimError(400, "invalidSyntax", "The body has no Operations; send a PatchOp with at least one.")
    if len(found) > MOST:
        raise ScimError(
            413,
            "tooMany",
            f"{len(found):,} operations are sent, and {MOST:,} are the most; send fewer at a time.",
        )
    return found


def apply(resource: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The resource after all operations, in order; the given one stays as it is.

    Raises:
        ScimError: an operation, its path or its value is not valid.
    """
    changed: dict[str, Any] = _copied(resource)
    for operation in operations:
        name = str(_member(operation, "op") or "").lower()
        if name not in ("add", "replace", "remove"):
            raise ScimError(
                400, "invalidSyntax", f"{name[:40]!r} is no operation; there are add, replace and remove."
            )
        path, value = _member(operation, "path"), _member(operation, "value")
        if path is not None and not isinstance(path, str):
            raise ScimError(400, "invalidPath", "A path is a text.")
        if path:
            _one(changed, name, parse_path(path), value)
        elif name == "remove":
            raise ScimError(400, "noTarget", "A removal needs a path.")
        elif not isinstance(value, Mapping):
            raise ScimError(400, "invalidValue", f"Without a path, {name} takes an object of attributes.")
        else:
            for key, inner in value.items():
                if key.lower() not in FIXED:  # clients send back what they were given
                    _one(changed, name, parse_path(key), inner)
    return changed


def _one(resource: dict[str, Any], name: str, path: Path, value: Any) -> None:
    if path.names[0].lower() in FIXED:
        raise ScimError(400, "mutability", f"{path.names[0]} is given by the server and cannot be changed.")
    holder = resource
    for part in path.names[:-1]:
        key = _key(holder, part)
        inner = holder.get(key)
        if isinstance(inner, list):
            raise ScimError(400, "invalidPath", f"{part} has several values; say which in brackets.")
        if not isinstance(inner, dict):
            if name == "remove":
                return
            # Entra ID writes `manager` as a text and then asks for `manager.value`.
            inner = holder[key] = {} if inner is None else {"value": inner}
        holder = inner
    key = _key(holder, path.names[-1])
    if path.narrowed is not None:
        _narrowed(holder, key, name, path, value)
    elif name == "remove":
        _remove(holder, key, value)
    elif name == "add" and (key.lower() in LISTS or isinstance(holder.get(key), list)):
        holder[key] = _added(holder.get(key) or [], value)
    elif key.lower() in LISTS:
        holder[key] = _added([], value)
    elif isinstance(value, Mapping) and isinstance(holder.get(key), dict):
        holder[key] = {**holder[key], **value}
    else:
        holder[key] = value


def _narrowed(holder: dict[str, Any], key: str, name: str, path: Path, value: Any) -> None:
    assert path.narrowed is not None  # noqa: S101 - says it to the type checker
    items = holder.get(key)
    items = items if isinstance(items, list) else []
    meant = _meant(items, path)
    if name == "remove":
        if path.sub is None:
            gone = {id(each) for each in meant}
            holder[key] = [each for each in items if id(each) not in gone]
        for each in meant if path.sub else ():
            each.pop(_key(each, path.sub or ""), None)
        return
    if not meant:
        if path.fixed is None:
            raise ScimError(400, "noTarget", f"No value of {key} is meant by the path.")
        meant = [dict(path.fixed)]  # as Entra ID expects: the value that is asked for comes to be
        items = [*items, *meant]
    for each in meant:
        if path.sub is not None:
            each[_key(each, path.sub)] = value
        elif isinstance(value, Mapping):
            each.update(value)
        else:
            each["value"] = value
    holder[key] = items


def _meant(items: list[Any], path: Path) -> list[dict[str, Any]]:
    """The values that a path means; of thousands of members one is found by its value alone."""
    assert path.narrowed is not None  # noqa: S101 - says it to the type checker
    found = [each for each in items if isinstance(each, dict)]
    if path.fixed is not None and list(path.fixed) == ["value"]:
        value = path.fixed["value"]
        found = [each for each in found if each.get("value", value) == value]
    return [each for each in found if path.narrowed(each)]


def _remove(holder: dict[str, Any], key: str, value: Any) -> None:
    if value in (None, [], {}) or not isinstance(holder.get(key), list):
        holder.pop(key, None)
        return
    gone = {_value_of(each) for each in (value if isinstance(value, list) else [value])}
    holder[key] = [each for each in holder[key] if _value_of(each) not in gone]


def _added(items: list[Any], value: Any) -> list[Any]:
    found = list(items)
    values = {_value_of(each) for each in found} - {None}
    for each in value if isinstance(value, list) else [value]:
        entry = dict(each) if isinstance(each, Mapping) else {"value": each}
        known = _value_of(entry)
        if known in values or (known is None and entry in found):  # an address has no value
            continue
        found.append(entry)
        values |= {known} - {None}
    return found


def _value_of(item: Any) -> Any:
    value = _member(item, "value") if isinstance(item, Mapping) else item
    return value if isinstance(value, str | int | float | bool) else None if value is None else str(value)


def _key(holder: Mapping[str, Any], name: str) -> str:
    """The key as the object has it already, whatever its case."""
    return next((key for key in holder if key.lower() == name.lower()), name)


def _member(holder: Mapping[Any, Any], name: str) -> Any:
    return next(
        (value for key, value in holder.items() if isinstance(key, str) and key.lower() == name), None
    )


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
