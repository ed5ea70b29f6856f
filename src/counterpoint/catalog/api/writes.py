"""The operations of the catalog API that change something, and those that try something out."""

from typing import Any

from counterpoint.catalog.api import location_query
from counterpoint.catalog.api.call import Answer, Call, empty, json_answer
from counterpoint.catalog.api.checks import Parameter, Schema
from counterpoint.catalog.api.issues import invalid_union, issues_text, unrecognised
from counterpoint.catalog.api.router import Operation
from counterpoint.catalog.registered import (
    Registered,
    change,
    find_location,
    list_locations,
    location_of_entity,
    register,
    take_back,
    try_out,
)
from counterpoint.catalog.repositories import analyse
from counterpoint.catalog.rereading import reread_entity, reread_places
from counterpoint.catalog.trying import try_entity
from counterpoint.errors import InputError, NotAllowedError, UnauthenticatedError

__all__ = ["WRITES"]

TEXT: Schema = {"type": "string"}
PRESENCES = ("required", "optional")
LOCATION: Schema = {
    "type": "object",
    "properties": {
        "type": TEXT,
        "target": TEXT,
        "presence": {"type": "string", "enum": [*PRESENCES]},
    },
    "required": ["target", "type"],
    "additionalProperties": False,
}
MOVED: Schema = {**LOCATION, "required": ["type", "target"]}
"""The same where it is checked in another order."""
PLACE: Schema = {**LOCATION, "properties": {"type": TEXT, "target": TEXT}}
"""What an analysis takes."""
YES = frozenset({"y", "yes", "t", "true", "1", "on"})
"""What a truth in a query may be, in any case."""
TOKEN = "cpt_"  # noqa: S105 - a prefix, not a secret
"""How every API token of ours begins."""


def delete_entity(call: Call) -> Answer:
    """Delete an entity by its uid; also an unknown one is answered with 204.

    What is still declared somewhere is there again before this answers, as a new entity with a new uid.
    """
    with call.workspace.graph.write(call.actor) as writer:
        entity = writer.by_uid(call.path["uid"])
        if entity is not None:
            writer.delete(entity.ref)
    if entity is not None and entity.location is not None:
        reread_places(call.workspace.graph, [entity.location], hosts=_hosts(call), upwards=True)
    return empty(204)


def refresh(call: Call) -> Answer:
    """Read an entity's sources again, before this answers.

    Old clients send a token in the body, too. Ours has been looked at where the request came in; no other is
    known here.
    """
    if not call.body.get("authorizationToken", TOKEN).startswith(TOKEN):
        raise UnauthenticatedError("Illegal token")
    ref: str = call.body["entityRef"]
    reread_entity(call.workspace.graph, ref.lower(), hosts=_hosts(call))
    return empty(200)


def locations(call: Call) -> Answer:
    """Every registered location."""
    with call.workspace.graph.read() as reader:
        found = list_locations(reader)
    return json_answer([{"data": each} for each in found])


def query_locations(call: Call) -> Answer:
    """Registered locations by a predicate, a page at a time."""
    asked = location_query.read(call.body or {})
    with call.workspace.graph.read() as reader:
        matching = [each for each in list_locations(reader) if location_query.matches(asked.query, each)]
    items = [each for each in matching if asked.after is None or each.id > asked.after]
    page = items[: asked.limit]
    info = {"nextCursor": location_query.cursor(asked, page[-1].id)} if len(items) > len(page) else {}
    return json_answer({"items": page, "totalItems": len(matching), "pageInfo": info})


def one_location(call: Call) -> Answer:
    """One registered location."""
    with call.workspace.graph.read() as reader:
        return json_answer(find_location(reader, call.path["id"]))


def location_by_entity(call: Call) -> Answer:
    """The registered location that an entity came from."""
    ref = "{kind}:{namespace}/{name}".format(**call.path).lower()
    with call.workspace.graph.read() as reader:
        return json_answer(location_of_entity(reader, ref))


def add_location(call: Call) -> Answer:
    """Register a location and read it, or with `dryRun` only say what it would bring."""
    kind, target = call.body["type"], call.body["target"]
    _check_location(call.body)
    if call.query.get("dryRun", "").strip().lower() in YES:
        trial = try_out(call.workspace.graph, call.actor, kind=kind, target=target, hosts=_hosts(call))
        location = {**call.body, "id": f"{kind}:{target}", "entityRef": trial.entities[0].ref}
        entities = [entity.document for entity in trial.entities]
        return json_answer({"exists": trial.exists, "location": location, "entities": entities}, 201)
    _writable(call)
    made = register(
        call.workspace.graph,
        call.actor,
        kind=kind,
        target=target,
        hosts=_hosts(call),
        refresh=call.query.get("onConflict") == "refresh",
    )
    return json_answer({"location": made, "entities": []}, 201)


def _check_location(body: dict[str, Any]) -> None:
    """What Backstage checks beside the request's schema, in its words."""
    issues = []
    if body.get("presence", "required") not in PRESENCES:
        issues.append(invalid_union(PRESENCES, body["presence"], ["presence"]))
    if others := [name for name in body if name not in LOCATION["properties"]]:
        issues.append(unrecognised(others))
    if issues:
        raise InputError(f"Malformed request: {issues_text(issues)}")


def change_location(call: Call) -> Answer:
    """Point a registered location elsewhere, and read it."""
    _writable(call)
    made: Registered = change(
        call.workspace.graph,
        call.actor,
        call.path["id"],
        kind=call.body["type"],
        target=call.body["target"],
        hosts=_hosts(call),
    )
    return json_answer(made)


def delete_location(call: Call) -> Answer:
    """Remove a registered location, with everything that came from it."""
    _writable(call)
    take_back(call.workspace.graph, call.actor, call.path["id"])
    return empty(204)


def analyse_location(call: Call) -> Answer:
    """Say what there is at an address, or what could be written there."""
    found = analyse(
        call.workspace.graph, call.body["location"]["target"], hosts=_hosts(call), strict=call.strict
    )
    return json_answer(found)


def validate_entity(call: Call) -> Answer:
    """Check an entity as if it had been read from a location; nothing is kept."""
    faults = try_entity(call.workspace.graph, call.body, hosts=_hosts(call))
    return json_answer({"errors": faults}, 400) if faults else empty(200)


def _hosts(call: Call) -> tuple[str, ...]:
    return call.workspace.settings.catalog.read_hosts


def _writable(call: Call) -> None:
    if call.workspace.settings.catalog.readonly:
        raise NotAllowedError("This operation not allowed in readonly mode")


def _object(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


WRITES = (
    Operation("DELETE", "/entities/by-uid/{uid}", delete_entity, "Delete an entity"),
    Operation(
        "POST",
        "/refresh",
        refresh,
        "Read an entity's sources again",
        body={
            "type": "object",
            "properties": {"entityRef": TEXT, "authorizationToken": TEXT},
            "required": ["entityRef"],
            "additionalProperties": False,
        },
    ),
    Operation("GET", "/locations", locations, "Every registered location"),
    Operation(
        "POST",
        "/locations",
        add_location,
        "Register a location",
        (Parameter("dryRun"), Parameter("onConflict", choices=("refresh", "reject"))),
        {**LOCATION, "properties": {"type": TEXT, "target": TEXT}, "additionalProperties": True},
    ),
    Operation(
        "POST",
        "/locations/by-query",
        query_locations,
        "Registered locations by a predicate",
        body={
            "type": "object",
            "properties": {"cursor": TEXT, "limit": {"type": "number"}, "query": {"type": "object"}},
        },
        body_required=False,
    ),
    Operation("GET", "/locations/{id}", one_location, "A registered location"),
    Operation("PUT", "/locations/{id}", change_location, "Point a registered location elsewhere", body=MOVED),
    Operation("DELETE", "/locations/{id}", delete_location, "Remove a registered location"),
    Operation(
        "GET",
        "/locations/by-entity/{kind}/{namespace}/{name}",
        location_by_entity,
        "The registered location of an entity",
    ),
    Operation(
        "POST",
        "/analyze-location",
        analyse_location,
        "What there is at an address, or could be",
        body={
            "type": "object",
            "properties": {"location": PLACE, "catalogFileName": TEXT, "catalogFilename": TEXT},
            "required": ["location"],
        },
    ),
    Operation(
        "POST",
        "/validate-entity",
        validate_entity,
        "Check an entity",
        body=_object(location=TEXT, entity={"type": "object"}),
    ),
)
"""The operations, for the table in `operations`."""
