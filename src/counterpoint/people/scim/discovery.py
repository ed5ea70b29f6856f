"""What SCIM tells of itself: its configuration, its types of resources, their schemas (RFC 7643, sections 5 to 7)."""

from typing import Any

from counterpoint.people.scim.resources import ENTERPRISE, GROUP, UNIT, USER

__all__ = ["LARGEST_PAGE", "configuration", "resource_types", "schemas"]

LARGEST_PAGE = 1_000


def configuration(base: str) -> dict[str, Any]:
    """What of the standard is supported."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": LARGEST_PAGE},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API token",
                "description": "A token with the scope scim: counterpoint token create NAME --scope scim",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """Users and groups, with their extensions."""
    return [
        _resource_type(base, "User", USER, ENTERPRISE, "People."),
        _resource_type(base, "Group", GROUP, UNIT, "Units: any group of people."),
    ]


def _resource_type(base: str, name: str, schema: str, extension: str, description: str) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": f"/{name}s",
        "description": description,
        "schema": schema,
        "schemaExtensions": [{"schema": extension, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
    }


def schemas(base: str) -> list[dict[str, Any]]:
    """The attributes that mean something here; others are kept and given back."""
    value = _attribute("value", "The value.")
    ref = _attribute("$ref", "Its address.", type="reference", mutability="readOnly")
    display = _attribute("display", "What people call it.", mutability="readOnly")
    kind = _attribute("type", "A label such as work.")
    primary = _attribute("primary", "Whether it comes first.", type="boolean")
    name = [_attribute(each, each) for each in ("formatted", "familyName", "givenName", "middleName")]
    user = [
        _attribute("userName", "The unique name.", required=True, uniqueness="server"),
        _attribute("externalId", "The client's own id.", exact=True),
        _attribute("displayName", "What people call them."),
        _attribute("name", "The parts of the name.", type="complex", sub=name),
        _attribute("title", "What they do."),
        _attribute("active", "Whether they belong to the organisation.", type="boolean"),
        _attribute("emails", "E-mail addresses.", type="complex", many=True, sub=[value, kind, primary]),
        _attribute(
            "groups",
            "Units they are in.",
            type="complex",
            many=True,
            mutability="readOnly",
            sub=[value, ref, display],
        ),
    ]
    group = [
        _attribute("displayName", "What people call it.", required=True, uniqueness="server"),
        _attribute("externalId", "The client's own id.", exact=True),
        _attribute("members", "People in it.", type="complex", many=True, sub=[value, ref, display]),
    ]
    manager = [_attribute("manager", "The line manager.", type="complex", sub=[value, ref])]
    unit = [_attribute("type", "The type of unit; team where it is not said.")]
    return [
        _schema(base, USER, "User", user),
        _schema(base, GROUP, "Group", group),
        _schema(base, ENTERPRISE, "EnterpriseUser", manager),
        _schema(base, UNIT, "Unit", unit),
    ]


def _schema(base: str, urn: str, name: str, attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": urn,
        "name": name,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{urn}"},
    }


def _attribute(
    name: str,
    description: str,
    *,
    type: str = "string",  # noqa: A002 - the standard's own word
    many: bool = False,
    required: bool = False,
    exact: bool = False,
    mutability: str = "readWrite",
    uniqueness: str = "none",
    sub: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "type": type,
        "multiValued": many,
        "description": description,
        "required": required,
        "caseExact": exact,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": uniqueness,
    }
    if type == "reference":
        found["referenceTypes"] = ["User", "Group"]
    return found | ({"subAttributes": sub} if sub else {})
