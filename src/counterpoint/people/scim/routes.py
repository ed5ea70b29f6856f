"""SCIM over HTTP at `/scim/v2`, in its own media type and with its own errors."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from counterpoint.errors import CounterpointError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.people.scim.discovery import LARGEST_PAGE, configuration, resource_types, schemas
from counterpoint.people.scim.errors import ScimError, error_body
from counterpoint.people.scim.patch import operations_of
from counterpoint.people.scim.service import Kind, Provisioning, provisioner
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MEDIA_TYPE = "application/scim+json"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ALWAYS = frozenset({"schemas", "id", "meta"})
PAGE = 100
KINDS: Mapping[str, Kind] = {"Users": "User", "Groups": "Group"}
Asked = Request[Any, Any, Any]
FilterOf = Annotated[str | None, QueryParameter(name="filter")]
BASE = "/scim/v2"
StartOf = Annotated[int, QueryParameter(name="startIndex")]
Shown = Annotated[str | None, QueryParameter(name="attributes")]
Hidden = Annotated[str | None, QueryParameter(name="excludedAttributes")]


def refusal(
    _scope: Mapping[str, Any], error: BaseException, status: int, detail: str
) -> tuple[int, dict[str, str], bytes]:
    """An error below `/scim/v2` as the standard writes it; `status` and `detail` are what it means to our own API."""
    if not isinstance(error, CounterpointError):
        error = ScimError(status, "invalidSyntax" if status == 400 else "", detail)
    return error.status, {"content-type": MEDIA_TYPE}, msgspec.json.encode(error_body(error))


def _options(path: str | list[str]) -> dict[str, Any]:
    return {"path": path, "tags": ["scim"], "status_code": 200}


def _list(
    request: Asked,
    ws: Workspace,
    actor: Actor,
    kind: Kind,
    filter_: str | None,
    paging: tuple[int, int],
    shown: tuple[str | None, str | None],
) -> Response[bytes]:
    start, count = max(paging[0], 1), min(max(paging[1], 0), LARGEST_PAGE)
    found, total = _provisioning(request, ws, actor).find(kind, filter_, start, count)
    items = [_narrowed(each, *shown) for each in found]
    body = {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(items),
        "Resources": items,
    }
    return _answer(body)


@get(**_options("/scim/v2/Users"), sync_to_thread=True)
def list_users(
    request: Asked,
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    filter_: FilterOf = None,
    start: StartOf = 1,
    count: Annotated[int, QueryParameter(name="count")] = PAGE,
    attributes: Shown = None,
    excluded: Hidden = None,
) -> Response[bytes]:
    """People that a filter lets through."""
    return _list(request, ws, actor, "User", filter_, (start, count), (attributes, excluded))


@get(**_options("/scim/v2/Groups"), sync_to_thread=True)
def list_groups(
    request: Asked,
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    filter_: FilterOf = None,
    start: StartOf = 1,
    count: Annotated[int, QueryParameter(name="count")] = PAGE,
    attributes: Shown = None,
    excluded: Hidden = None,
) -> Response[bytes]:
    """Units that a filter lets through."""
    return _list(request, ws, actor, "Group", filter_, (start, count), (attributes, excluded))


def _read(
    request: Asked, ws: Workspace, actor: Actor, kind: Kind, uid: str, shown: tuple[str | None, str | None]
) -> Response[bytes]:
    found = _provisioning(request, ws, actor).read(kind, uid)
    if _names(request.headers.get("if-none-match"), found["meta"]["version"]):
        return Response(b"", status_code=304, headers={"ETag": found["meta"]["version"]})
    return _resource(found, *shown)


@get(**_options("/scim/v2/Users/{uid:str}"), sync_to_thread=True)
def read_user(
    request: Asked,
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    uid: FromPath[str],
    attributes: Shown = None,
    excluded: Hidden = None,
) -> Response[bytes]:
    """One person."""
    return _read(request, ws, actor, "User", uid, (attributes, excluded))


@get(**_options("/scim/v2/Groups/{uid:str}"), sync_to_thread=True)
def read_group(
    request: Asked,
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    uid: FromPath[str],
    attributes: Shown = None,
    excluded: Hidden = None,
) -> Response[bytes]:
    """One unit with its members."""
    return _read(request, ws, actor, "Group", uid, (attributes, excluded))


async def _create(request: Asked, ws: Workspace, actor: Actor, kind: Kind) -> Response[bytes]:
    body = _decoded(await request.body())
    made = await sync_to_thread(_provisioning(request, ws, actor).create, kind, body)
    return _resource(made, status=201)


@post(**_options("/scim/v2/Users") | {"status_code": 201})
async def create_user(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor]
) -> Response[bytes]:
    """A new person; one that was taken away comes back."""
    return await _create(request, ws, actor, "User")


@post(**_options("/scim/v2/Groups") | {"status_code": 201})
async def create_group(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor]
) -> Response[bytes]:
    """A new unit with its members; its type is `team` unless the extension says another."""
    return await _create(request, ws, actor, "Group")


async def _replace(request: Asked, ws: Workspace, actor: Actor, kind: Kind, uid: str) -> Response[bytes]:
    body = _decoded(await request.body())
    service = _provisioning(request, ws, actor)
    return _resource(await sync_to_thread(service.replace, kind, uid, body, _condition(request)))


@put(**_options("/scim/v2/Users/{uid:str}"))
async def replace_user(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> Response[bytes]:
    """A person with all attributes given anew."""
    return await _replace(request, ws, actor, "User", uid)


@put(**_options("/scim/v2/Groups/{uid:str}"))
async def replace_group(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> Response[bytes]:
    """A unit with all attributes and members given anew."""
    return await _replace(request, ws, actor, "Group", uid)


async def _patch(request: Asked, ws: Workspace, actor: Actor, kind: Kind, uid: str) -> Response[bytes]:
    operations = operations_of(_decoded(await request.body()))
    service = _provisioning(request, ws, actor)
    found = await sync_to_thread(service.patch, kind, uid, operations, _condition(request))
    query = request.query_params
    return _resource(found, query.get("attributes"), query.get("excludedAttributes"))


@patch(**_options("/scim/v2/Users/{uid:str}"))
async def patch_user(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> Response[bytes]:
    """Change attributes of a person; `active: false` ends every membership."""
    return await _patch(request, ws, actor, "User", uid)


@patch(**_options("/scim/v2/Groups/{uid:str}"))
async def patch_group(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> Response[bytes]:
    """Change attributes or members of a unit."""
    return await _patch(request, ws, actor, "Group", uid)


@delete(**_options("/scim/v2/Users/{uid:str}") | {"status_code": 204}, sync_to_thread=True)
def delete_user(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> None:
    """The person has left: memberships end, history stays."""
    _provisioning(request, ws, actor).delete("User", uid, _condition(request))


@delete(**_options("/scim/v2/Groups/{uid:str}") | {"status_code": 204}, sync_to_thread=True)
def delete_group(
    request: Asked, ws: NamedDependency[Workspace], actor: NamedDependency[Actor], uid: FromPath[str]
) -> None:
    """The unit is retired; refused while it owns something."""
    _provisioning(request, ws, actor).delete("Group", uid, _condition(request))


@get(**_options("/scim/v2/ServiceProviderConfig"), sync_to_thread=False)
def read_configuration(request: Asked) -> Response[bytes]:
    """What of SCIM is supported."""
    return _answer(configuration(_base(request)))


@get(**_options("/scim/v2/ResourceTypes"), sync_to_thread=False)
def list_resource_types(request: Asked) -> Response[bytes]:
    """The types of resources."""
    return _listed(resource_types(_base(request)))


@get(**_options("/scim/v2/ResourceTypes/{name:str}"), sync_to_thread=False)
def read_resource_type(request: Asked, name: FromPath[str]) -> Response[bytes]:
    """One type of resource."""
    return _answer(_named(resource_types(_base(request)), name))


@get(**_options("/scim/v2/Schemas"), sync_to_thread=False)
def list_schemas(request: Asked) -> Response[bytes]:
    """The schemas of all resources."""
    return _listed(schemas(_base(request)))


@get(**_options("/scim/v2/Schemas/{name:str}"), sync_to_thread=False)
def read_schema(request: Asked, name: FromPath[str]) -> Response[bytes]:
    """One schema."""
    return _answer(_named(schemas(_base(request)), name))


def _provisioning(request: Asked, ws: Workspace, actor: Actor) -> Provisioning:
    return Provisioning(ws.graph, provisioner(actor), _base(request))


def _base(request: Asked) -> str:
    return f"{str(request.base_url).rstrip('/')}/scim/v2"


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ScimError(400, "invalidSyntax", f"The body is no JSON: {error}.") from error


def _condition(request: Asked) -> Callable[[str], bool]:
    header = request.headers.get("if-match")
    return lambda version: header is None or _names(header, version)


def _names(header: str | None, version: str) -> bool:
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or version.removeprefix("W/") in tags


def _resource(
    found: dict[str, Any], shown: str | None = None, hidden: str | None = None, *, status: int = 200
) -> Response[bytes]:
    headers = {"ETag": found["meta"]["version"], "Location": found["meta"]["location"]}
    return _answer(_narrowed(found, shown, hidden), status=status, headers=headers)


def _narrowed(found: dict[str, Any], shown: str | None, hidden: str | None) -> dict[str, Any]:
    """The resource with the attributes that were asked for, or without some (RFC 7644, section 3.9)."""
    if shown:
        wanted = _attributes(shown)
        return {key: value for key, value in found.items() if key in ALWAYS or _is_in(key, wanted)}
    if hidden:
        unwanted = _attributes(hidden)
        return {key: value for key, value in found.items() if key in ALWAYS or key.lower() not in unwanted}
    return found


def _attributes(text: str) -> set[str]:
    names = {name.strip().lower() for name in text.split(",")}
    return {name.rpartition(":")[2] if ":core:" in name else name for name in names}


def _is_in(key: str, wanted: set[str]) -> bool:
    lower = key.lower()
    return any(name == lower or name.startswith((f"{lower}.", f"{lower}:")) for name in wanted)


def _listed(items: list[dict[str, Any]]) -> Response[bytes]:
    return _answer(
        {
            "schemas": [LIST],
            "totalResults": len(items),
            "startIndex": 1,
            "itemsPerPage": len(items),
            "Resources": items,
        }
    )


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for each in items:
        if each["id"].lower() == name.lower():
            return each
    raise NotFoundError(f"There is no {name[:100]!r}.")


def _answer(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


routes: list[Any] = [
    list_users,
    create_user,
    read_user,
    replace_user,
    patch_user,
    delete_user,
    list_groups,
    create_group,
    read_group,
    replace_group,
    patch_group,
    delete_group,
    read_configuration,
    list_resource_types,
    read_resource_type,
    list_schemas,
    read_schema,
]
