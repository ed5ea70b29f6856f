"""People and units as SCIM's JSON, and the descriptors that its JSON makes."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from counterpoint.graph.entity import Entity
from counterpoint.people.directory import email_of, name_from
from counterpoint.people.model import LEFT
from counterpoint.people.scim.errors import ScimError

__all__ = [
    "ENTERPRISE",
    "GROUP",
    "TEAM",
    "UNIT",
    "USER",
    "checked",
    "group_document",
    "group_resource",
    "is_deleted",
    "manager_value",
    "members_of",
    "user_document",
    "user_resource",
    "versioned",
]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
UNIT = "urn:counterpoint:params:scim:schemas:extension:unit:2.0:Group"
"""Our extension of Group: the type of the unit."""
TEAM = "team"
"""The type of a unit of which nothing else is said."""
BACKSTAGE = "backstage.io/v1alpha1"
BLOCK = "scim"
"""The field of a spec that keeps what SCIM said and descriptors have no place for."""
LARGEST = 100_000
"""Bytes of one person's or unit's attributes."""
DELETED = "deleted"
GIVEN = frozenset({"schemas", "id", "meta", "groups", "members"})
NAMES = (
    "userName", "externalId", "active", "displayName", "nickName", "profileUrl", "title", "userType",
    "preferredLanguage", "locale", "timezone", "name", "emails", "phoneNumbers", "addresses", "photos",
    "ims", "roles", "entitlements", "x509Certificates", "members", ENTERPRISE, UNIT,
)  # fmt: skip
CANONICAL: dict[str, str] = {name.lower(): name for name in NAMES}
SECRET = "password"  # noqa: S105 - the name of an attribute, which is never kept


def checked(body: Any, required: str) -> dict[str, Any]:
    """The attributes of a resource that a client sent, with their names as the standard writes them.

    Raises:
        ScimError: it is no object, lacks what is required, or an attribute has the wrong type.
    """
    if not isinstance(body, Mapping):
        raise ScimError(400, "invalidSyntax", "The body is no JSON object.")
    found: dict[str, Any] = {CANONICAL.get(str(key).lower(), str(key)): value for key, value in body.items()}
    found = {key: value for key, value in found.items() if value is not None and key.lower() != SECRET}
    name = found.get(required)
    if not isinstance(name, str) or not name.strip():
        raise ScimError(400, "invalidValue", f"{required} is required; it is a text that is not empty.")
    for key in ("userName", "displayName", "externalId", "title"):
        if not isinstance(found.get(key, ""), str):
            raise ScimError(400, "invalidValue", f"{key} is a text.")
    if isinstance(found.get("active"), str):  # Entra ID writes "False"
        found["active"] = {"true": True, "false": False}.get(found["active"].lower())
    if not isinstance(found.get("active", True), bool):
        raise ScimError(400, "invalidValue", "active is true or false.")
    for key in ("emails", "members"):
        items = found.get(key, [])
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise ScimError(400, "invalidValue", f"{key} is a list of objects, each with a value.")
    for key in ("name", ENTERPRISE, UNIT):
        if not isinstance(found.get(key, {}), dict):
            raise ScimError(400, "invalidValue", f"{key} is an object.")
    if len(msgspec.json.encode({key: each for key, each in found.items() if key != "members"})) > LARGEST:
        raise ScimError(413, "tooMany", f"The attributes have more than {LARGEST:,} bytes.")
    return found


def user_resource(
    entity: Entity, base: str, units: Iterable[tuple[str, str]], manager: tuple[str, str] | None = None
) -> dict[str, Any]:
    """A person. `units` and `manager` are pairs of SCIM id and display name."""
    kept = _block(entity.spec)
    email = email_of(entity)
    found: dict[str, Any] = {
        "schemas": [USER, *([ENTERPRISE] if ENTERPRISE in kept or manager else [])],
        "id": entity.uid,
        "userName": kept.get("userName") or email or entity.name,
        "displayName": entity.title,
        "active": entity.spec.get("lifecycle") != LEFT,
        **{key: value for key, value in kept.items() if key not in (DELETED, "displayName", "active")},
    }
    if email and "emails" not in kept:
        found["emails"] = [{"value": email, "type": "work", "primary": True}]
    if entity.description:
        found["title"] = entity.description
    if manager is not None:
        place = {"value": manager[0], "displayName": manager[1], "$ref": f"{base}/Users/{manager[0]}"}
        found[ENTERPRISE] = {**(found.get(ENTERPRISE) or {}), "manager": place}
    found["groups"] = [
        {"value": uid, "display": title, "type": "direct", "$ref": f"{base}/Groups/{uid}"}
        for uid, title in units
    ]
    return versioned(found, entity, base, "User")


def group_resource(entity: Entity, base: str, members: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A unit with its members, as pairs of SCIM id and display name."""
    kept = _block(entity.spec)
    found: dict[str, Any] = {
        "schemas": [GROUP, UNIT],
        "id": entity.uid,
        "displayName": entity.title,
        **{key: value for key, value in kept.items() if key not in (DELETED, "displayName")},
        "members": [
            {"value": uid, "display": title, "type": "User", "$ref": f"{base}/Users/{uid}"}
            for uid, title in members
        ],
        UNIT: {"type": str(entity.spec.get("type") or "")},
    }
    return versioned(found, entity, base, "Group")


def versioned(resource: dict[str, Any], entity: Entity, base: str, kind: str) -> dict[str, Any]:
    """The resource with its `meta`; the version is a hash of all that it says."""
    digest = hashlib.sha256(msgspec.json.encode(resource, order="deterministic")).hexdigest()[:32]
    meta = {
        "resourceType": kind,
        "lastModified": entity.updated_at.isoformat().replace("+00:00", "Z"),
        "location": f"{base}/{kind}s/{entity.uid}",
        "version": f'W/"{digest}"',
    }
    return {**resource, "meta": meta}


def user_document(resource: Mapping[str, Any], old: Entity | None, name: str) -> dict[str, Any]:
    """The descriptor of a person; of one that a file declares only what SCIM alone knows changes."""
    spec: dict[str, Any] = dict(old.spec) if old else {"memberOf": []}
    metadata: dict[str, Any] = dict(old.metadata) if old else {"name": name}
    spec[BLOCK] = _kept(resource, {"displayName", "active", "title"})
    if ENTERPRISE in spec[BLOCK]:
        rest = {key: each for key, each in spec[BLOCK][ENTERPRISE].items() if key.lower() != "manager"}
        spec[BLOCK] = {key: each for key, each in spec[BLOCK].items() if key != ENTERPRISE}
        spec[BLOCK] |= {ENTERPRISE: rest} if rest else {}
    if resource.get("active", True):
        spec.pop("lifecycle", None)
    else:
        spec["lifecycle"] = LEFT
    if old is None or old.location is None:
        profile = {**(spec.get("profile") or {})}
        profile |= {"displayName": display_name(resource)}
        email, title = _email(resource), str(resource.get("title") or "")
        provisioned = old is not None and BLOCK in old.spec
        for holder, key, text in ((profile, "email", email), (metadata, "description", title)):
            if text:
                holder[key] = text
            elif provisioned:  # what the provider has given it may take back
                holder.pop(key, None)
        spec["profile"] = profile
    return {
        "apiVersion": old.document["apiVersion"] if old else BACKSTAGE,
        "kind": "User",
        "metadata": metadata,
        "spec": spec,
    }


def group_document(resource: Mapping[str, Any], old: Entity | None, name: str) -> dict[str, Any]:
    """The descriptor of a unit; of one that a file declares only what SCIM alone knows changes."""
    spec: dict[str, Any] = dict(old.spec) if old else {"type": TEAM, "children": []}
    metadata: dict[str, Any] = dict(old.metadata) if old else {"name": name}
    spec[BLOCK] = _kept(resource, {"displayName", UNIT})
    if old is None or old.location is None:
        metadata["title"] = str(resource["displayName"]).strip()
        type_ = (resource.get(UNIT) or {}).get("type")
        if isinstance(type_, str) and type_.strip():
            spec["type"] = type_.strip()
    return {
        "apiVersion": old.document["apiVersion"] if old else BACKSTAGE,
        "kind": "Group",
        "metadata": metadata,
        "spec": spec,
    }


def display_name(resource: Mapping[str, Any]) -> str:
    """What a person is called: the display name, else the name's parts, else the user name."""
    name = resource.get("name") or {}
    parts = " ".join(str(name.get(key) or "") for key in ("givenName", "familyName")).strip()
    return str(resource.get("displayName") or name.get("formatted") or parts or resource["userName"]).strip()


def entity_name(resource: Mapping[str, Any]) -> str:
    """A name for the entity of a new person or unit.

    Raises:
        ScimError: nothing of it makes a name.
    """
    texts = [str(resource.get(key) or "") for key in ("userName", "displayName", "externalId")]
    name = name_from(texts)
    if not name:
        raise ScimError(
            400, "invalidValue", "The name has no letter from a to z and no digit; none can be made of it."
        )
    return name


def manager_value(resource: Mapping[str, Any]) -> str | None:
    """The SCIM id of the line manager that a resource names; None where it names none."""
    extension = resource.get(ENTERPRISE) or {}
    manager = next((value for key, value in extension.items() if key.lower() == "manager"), None)
    value = manager.get("value") if isinstance(manager, Mapping) else manager
    return str(value) if value else None


def members_of(resource: Mapping[str, Any]) -> list[str]:
    """The SCIM ids of the members that a group names, each once."""
    values = [str(each.get("value") or "") for each in resource.get("members") or ()]
    return list(dict.fromkeys(value for value in values if value))


def is_deleted(entity: Entity) -> bool:
    """Whether SCIM took it away; its entity stays for the history."""
    return bool(_block(entity.spec).get(DELETED))


def marked_deleted(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of something that SCIM took away."""
    spec = dict(document.get("spec") or {})
    return {**document, "spec": {**spec, BLOCK: {**_block(spec), DELETED: True}}}


def _block(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What SCIM said; a file may hold anything there, and never what the server gives."""
    block = spec.get(BLOCK)
    return {key: each for key, each in block.items() if key not in GIVEN} if isinstance(block, dict) else {}


def _kept(resource: Mapping[str, Any], shown: set[str]) -> dict[str, Any]:
    """What only SCIM knows; what the descriptor itself says is not kept twice."""
    return {key: value for key, value in resource.items() if key not in GIVEN and key not in shown}


def _email(resource: Mapping[str, Any]) -> str:
    emails = [each for each in resource.get("emails") or () if isinstance(each.get("value"), str)]
    emails.sort(key=lambda each: (each.get("primary") is not True, each.get("type") != "work"))
    return str(emails[0]["value"]) if emails else ""
