"""SCIM 2.0, as RFC 7644, Entra ID and Okta speak it, through the whole application."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph import SYSTEM, local_actor
from counterpoint.people.dates import now
from counterpoint.people.managers import manager_of
from counterpoint.people.memberships import effective, recorded
from counterpoint.people.retirement import retire
from counterpoint.people.scim.errors import ScimError
from counterpoint.people.scim.filters import parse_filter, parse_path
from counterpoint.people.scim.patch import apply
from counterpoint.server.app import create_app
from counterpoint.server.identity import tokens
from tests.graph.documents import component, group, user

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Client = TestClient[Any]


@pytest.fixture
def scim(workspace: Workspace) -> Iterator[Client]:
    """A client with a token of the scope `scim`."""
    _, secret = tokens.create_token(workspace.graph, local_actor(), "idp", frozenset({"scim"}))
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/scim+json"}
    app = create_app(workspace)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as made:
        made.headers.update(headers)
        yield made


def person(scim: Client, name: str, /, **more: Any) -> dict[str, Any]:
    answer = scim.post("/scim/v2/Users", json={"schemas": [USER], "userName": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def unit(scim: Client, name: str, *members: dict[str, Any]) -> dict[str, Any]:
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": each["id"]} for each in members]}
    answer = scim.post("/scim/v2/Groups", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def patched(scim: Client, resource: dict[str, Any], *operations: dict[str, Any], status: int = 200) -> Any:
    path = resource["meta"]["location"].removeprefix("http://127.0.0.1")
    answer = scim.patch(path, json={"schemas": [PATCH], "Operations": list(operations)})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_person_is_created_read_replaced_and_deleted_and_the_entity_stays(scim, workspace):
    made = person(
        scim,
        "Ana.Moreira@acme.example",
        externalId="00u1",
        name={"givenName": "Ana", "familyName": "Moreira"},
        title="Product owner",
        emails=[{"value": "ana@acme.example", "primary": True, "type": "work"}],
        nickName="An",
    )
    assert made["userName"] == "Ana.Moreira@acme.example"
    assert (made["displayName"], made["active"], made["nickName"]) == ("Ana Moreira", True, "An")
    answer = scim.get(f"/scim/v2/Users/{made['id']}")
    assert answer.headers["content-type"].startswith("application/scim+json")
    assert answer.headers["etag"] == made["meta"]["version"]
    assert answer.json() == made
    with workspace.graph.read() as reader:
        entity = reader.require("user:default/ana.moreira")
    assert entity.uid == made["id"]
    assert entity.spec["profile"] == {"displayName": "Ana Moreira", "email": "ana@acme.example"}
    replaced = scim.put(
        f"/scim/v2/Users/{made['id']}", json={"schemas": [USER], "userName": "ana", "displayName": "Ana M"}
    ).json()
    assert (replaced["displayName"], replaced["id"]) == ("Ana M", made["id"])
    assert not {"nickName", "externalId", "title", "emails"} & replaced.keys()
    assert scim.delete(f"/scim/v2/Users/{made['id']}").status_code == 204
    gone = scim.get(f"/scim/v2/Users/{made['id']}")
    assert gone.status_code == 404
    assert gone.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert gone.json()["status"] == "404"
    with workspace.graph.read() as reader:
        assert reader.require("user:default/ana.moreira").spec["lifecycle"] == "left"
    back = person(scim, "ANA")
    assert back["id"] == made["id"]
    assert back["active"] is True


def test_a_user_name_is_there_once_whatever_its_case(scim):
    made = person(scim, "ana")
    answer = scim.post("/scim/v2/Users", json={"schemas": [USER], "userName": "ANA"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    other = person(scim, "ben")
    answer = scim.put(f"/scim/v2/Users/{other['id']}", json={"schemas": [USER], "userName": "Ana"})
    assert answer.status_code == 409
    assert scim.put(f"/scim/v2/Users/{made['id']}", json={"userName": "ANA"}).json()["userName"] == "ANA"


def test_names_that_make_the_same_entity_name_are_two_people(scim, workspace):
    person(scim, "kim@a.example")
    person(scim, "kim@b.example")
    with workspace.graph.read() as reader:
        assert [each.name for each in reader.all(kind="User")] == ["kim", "kim-2"]


def test_members_of_a_group_are_members_of_the_unit_from_now_on(scim, workspace):
    ana, ben = person(scim, "ana"), person(scim, "ben")
    made = unit(scim, "Team Ü", ana)
    assert [each["value"] for each in made["members"]] == [ana["id"]]
    with workspace.graph.read() as reader:
        entity = reader.by_uid(made["id"])
        assert (entity.name, entity.title, entity.spec["type"]) == ("team.u", "Team Ü", "team")
        assert reader.require("user:default/ana").targets("memberOf") == (entity.ref,)
    shown = scim.get(f"/scim/v2/Users/{ana['id']}").json()["groups"]
    assert [(each["value"], each["display"]) for each in shown] == [(made["id"], "Team Ü")]
    # as Entra ID adds and removes
    changed = patched(scim, made, {"op": "Add", "path": "members", "value": [{"value": ben["id"]}]})
    assert {each["value"] for each in changed["members"]} == {ana["id"], ben["id"]}
    changed = patched(scim, made, {"op": "Remove", "path": "members", "value": [{"value": ana["id"]}]})
    assert [each["value"] for each in changed["members"]] == [ben["id"]]
    # as Okta does, and as the standard's example does
    changed = patched(scim, made, {"op": "remove", "path": f'members[value eq "{ben["id"]}"]'})
    assert changed["members"] == []
    changed = patched(scim, made, {"op": "replace", "path": "members", "value": [{"value": ana["id"]}]})
    assert [each["value"] for each in changed["members"]] == [ana["id"]]
    changed = patched(scim, made, {"op": "replace", "value": {"id": made["id"], "displayName": "Team O"}})
    assert changed["displayName"] == "Team O"
    with workspace.graph.read() as reader:
        spans = recorded(reader, person="user:default/ana")
    assert len(spans) == 2
    assert [each.end is None for each in spans] == [True, False]
    assert {each.source for each in spans} == {"scim"}


def test_deactivating_ends_every_membership_and_the_line_manager_and_keeps_the_history(scim, workspace):
    boss = person(scim, "boss")
    ana = person(scim, "ana", **{ENTERPRISE: {"manager": {"value": boss["id"]}, "department": "R&D"}})
    assert ana[ENTERPRISE]["manager"]["value"] == boss["id"]
    assert ana[ENTERPRISE]["department"] == "R&D"
    unit(scim, "One", ana)
    # Entra ID writes booleans as texts
    changed = patched(scim, ana, {"op": "Replace", "path": "active", "value": "False"})
    assert changed["active"] is False
    assert changed["groups"] == []
    with workspace.graph.read() as reader:
        assert effective(reader, now(), person="user:default/ana") == []
        assert len(recorded(reader, person="user:default/ana")) == 1
        assert manager_of(reader, "user:default/ana", now()) is None
    # Okta sends an object without a path
    changed = patched(scim, ana, {"op": "replace", "value": {"active": True}})
    assert changed["active"] is True
    assert scim.get(f"/scim/v2/Users/{ana['id']}").status_code == 200


@pytest.mark.parametrize("value", ["{id}", {"value": "{id}"}])
def test_the_line_manager_comes_from_the_enterprise_extension(scim, workspace, value):
    boss, ana = person(scim, "boss"), person(scim, "ana")
    given_ = {"value": boss["id"]} if isinstance(value, dict) else boss["id"]
    changed = patched(scim, ana, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": given_})
    assert changed[ENTERPRISE]["manager"]["displayName"] == "boss"
    with workspace.graph.read() as reader:
        assert manager_of(reader, "user:default/ana", now()).manager == "user:default/boss"
    circle = scim.patch(
        f"/scim/v2/Users/{boss['id']}",
        json={"Operations": [{"op": "add", "path": f"{ENTERPRISE}:manager", "value": ana["id"]}]},
    )
    assert circle.status_code == 409
    assert "circle" in circle.json()["detail"]
    changed = patched(scim, ana, {"op": "Remove", "path": f"{ENTERPRISE}:manager"})
    assert "manager" not in changed.get(ENTERPRISE, {})


def test_entras_typical_update_of_a_user(scim):
    ana = person(scim, "ana", emails=[{"value": "a@x.example", "type": "work", "primary": True}])
    changed = patched(
        scim,
        ana,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b@x.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+46 1"},
        {"op": "Add", "path": "name.givenName", "value": "Anna"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Labs"},
        {"op": "Replace", "path": "displayName", "value": "Anna M"},
    )
    assert changed["emails"] == [{"value": "b@x.example", "type": "work", "primary": True}]
    assert changed["phoneNumbers"] == [{"type": "mobile", "value": "+46 1"}]
    assert changed["name"]["givenName"] == "Anna"
    assert changed[ENTERPRISE]["department"] == "Labs"
    assert changed["displayName"] == "Anna M"


WORK = {"value": "a@x.example", "type": "work", "primary": True}
SENT = [
    # Entra ID: an object without a path, with paths as keys; booleans as texts; operations with capitals
    ([{"op": "Replace", "value": {"displayName": "Anna", "name.familyName": "M"}}], {"displayName": "Anna", "name": {"familyName": "M"}}),
    ([{"op": "Replace", "value": {"active": "True", "userName": "anna"}}], {"active": True, "userName": "anna"}),
    ([{"op": "Replace", "path": "active", "value": "False"}], {"active": False}),
    ([{"op": "Add", "value": {f"{ENTERPRISE}:department": "Labs"}}], {ENTERPRISE: {"department": "Labs"}}),
    ([{"op": "Add", "value": {ENTERPRISE: {"department": "Labs"}}}], {ENTERPRISE: {"department": "Labs"}}),
    ([{"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b@x.example"}], {"emails": [WORK | {"value": "b@x.example"}]}),
    ([{"op": "Add", "path": 'emails[type eq "home"].value', "value": "h@x.example"}], {"emails": [WORK, {"type": "home", "value": "h@x.example"}]}),
    ([{"op": "Remove", "path": 'emails[type eq "work"]'}], {"emails": []}),
    ([{"op": "Add", "path": 'addresses[type eq "work"].formatted', "value": "Street 1"}], {"addresses": [{"type": "work", "formatted": "Street 1"}]}),
    ([{"op": "Add", "path": "addresses", "value": [{"type": "work"}, {"type": "home"}]}], {"addresses": [{"type": "work"}, {"type": "home"}]}),
    ([{"op": "Add", "path": 'roles[primary eq "True"].value', "value": "admin"}], {"roles": [{"primary": "True", "value": "admin"}]}),
    ([{"op": "Replace", "path": f"{USER}:title", "value": "Coach"}], {"title": "Coach"}),
    # Okta: small letters, real booleans, whole objects, what the server gives sent back
    ([{"op": "replace", "value": {"active": False}}], {"active": False}),
    ([{"op": "replace", "value": {"id": "x", "meta": {}, "schemas": [], "nickName": "An"}}], {"nickName": "An"}),
    ([{"op": "add", "path": "emails", "value": [WORK]}], {"emails": [WORK]}),
    # any case of names, and attributes that nobody knows
    ([{"OP": "replace", "PATH": "DISPLAYNAME", "Value": "Anna"}], {"displayName": "Anna"}),
    ([{"op": "add", "path": "shoeSize", "value": 38}], {"shoeSize": 38}),
    ([{"op": "remove", "path": "nothing"}], {"userName": "ana"}),
]  # fmt: skip


@pytest.mark.parametrize(("operations", "shown"), SENT, ids=range(len(SENT)))
def test_operations_as_identity_providers_send_them(scim, operations, shown):
    ana = person(scim, "ana", emails=[WORK])
    changed = patched(scim, ana, *operations)
    assert {key: changed.get(key) for key in shown} == shown
    path = ana["meta"]["location"].removeprefix("http://127.0.0.1")
    assert scim.get(path).json() == changed
    assert scim.request("PATCH", path, json={"operations": operations}).status_code == 200


@pytest.mark.timeout(10)
def test_a_group_of_thousands_is_changed_without_looking_at_each_for_each():
    members = [{"value": f"id-{number}"} for number in range(20_000)]
    whole = {"displayName": "All", "members": members}
    for operation, left in (
        ({"op": "remove", "path": 'members[value eq "id-7"]'}, 19_999),
        ({"op": "add", "path": "members", "value": members}, 20_000),
        ({"op": "replace", "path": "members", "value": members}, 20_000),
        ({"op": "remove", "path": "members[value pr]"}, 0),
    ):
        assert len(apply(whole, [operation])["members"]) == left


def test_a_filter_finds_the_same_people_by_a_look_at_all_and_by_a_text(scim, workspace):
    person(scim, "Ana@X.example", displayName='A "quoted" 50%_', externalId="e\\1")
    person(scim, "ben@x.example", displayName="Müller")
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(user("cleo"))
    for attribute, value, most in (
        ("userName", "ana@x.EXAMPLE", 1),
        ("userName", "cleo", 1),
        ("userName", "a", 0),
        ("displayName", 'A \\"quoted\\" 50%_', 1),
        ("displayName", "MÜLLER", 1),
        ("externalId", "e\\\\1", 1),
        ("emails.value", "nobody", 0),
    ):
        by_text = f'{attribute} eq "{value}"'
        for text in (by_text, f"({by_text})", f"{by_text} and userName pr", f"{USER}:{by_text}"):
            answer = scim.get("/scim/v2/Users", params={"filter": text})
            assert (text, answer.json().get("totalResults")) == (text, most)


def test_a_unit_that_its_people_retired_stays_so_and_one_that_was_deleted_comes_back(scim, workspace):
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("above", children=[]))
        writer.put(group("radio", parent="above"))
        writer.put(group("tuner", parent="radio"))
    retire(workspace.graph, "radio", actor=SYSTEM)
    ana = person(scim, "ana")
    made = unit(scim, "radio", ana)
    assert scim.get(f"/scim/v2/Groups/{made['id']}").json()["members"][0]["value"] == ana["id"]
    with workspace.graph.write(SYSTEM) as writer:
        assert writer.require("group:default/radio").spec["lifecycle"] == "retired"
        new = writer.by_uid(made["id"])
        assert new.name == "radio-2"
        writer.put(new.document | {"spec": new.spec | {"parent": "above"}})
        writer.put(group("tuner", parent="radio-2"))
    assert scim.delete(f"/scim/v2/Groups/{made['id']}").status_code == 204
    with workspace.graph.read() as reader:
        assert reader.require("group:default/tuner").targets("childOf") == ("group:default/above",)
    again = unit(scim, "radio", ana)
    assert again["id"] == made["id"]
    with workspace.graph.read() as reader:
        back = reader.require("group:default/radio-2")
        assert "lifecycle" not in back.spec
        assert "annotations" not in back.metadata


def test_filters_and_pages(scim):
    for number in range(5):
        person(scim, f"user{number}@x.example", externalId=f"E{number}", displayName=f"User {number}")
    made = unit(scim, "All")

    def asked(**query: Any) -> dict[str, Any]:
        answer = scim.get("/scim/v2/Users", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert asked(filter='userName eq "USER3@x.example"')["totalResults"] == 1
    assert asked(filter='externalId eq "e3"')["totalResults"] == 0
    assert asked(filter='externalId eq "E3" and active eq true')["totalResults"] == 1
    assert (
        asked(filter='displayName sw "user" and not (userName co "3" or userName co "4")')["totalResults"]
        == 3
    )
    page = asked(startIndex=4, count=10)
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 4, 2)
    assert asked(count=0)["Resources"] == []
    assert asked(startIndex=-3, count=2)["startIndex"] == 1
    assert set(asked(attributes="userName", count=1)["Resources"][0]) == {"schemas", "id", "meta", "userName"}
    answer = scim.get(f"/scim/v2/Groups/{made['id']}", params={"excludedAttributes": "members"})
    assert "members" not in answer.json()
    answer = scim.get("/scim/v2/Groups", params={"filter": 'displayName eq "all"'})
    assert answer.json()["totalResults"] == 1
    answer = scim.get("/scim/v2/Users", params={"filter": "userName eq"})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_versions_guard_against_lost_changes(scim):
    ana = person(scim, "ana")
    path, old = f"/scim/v2/Users/{ana['id']}", ana["meta"]["version"]
    assert scim.get(path, headers={"If-None-Match": old}).status_code == 304
    body = {"Operations": [{"op": "replace", "path": "title", "value": "Coach"}]}
    assert scim.patch(path, json=body, headers={"If-Match": old}).status_code == 200
    again = scim.patch(path, json=body, headers={"If-Match": old})
    assert (again.status_code, again.json()["status"]) == (412, "412")


def test_a_unit_that_owns_something_is_not_deleted_until_it_has_new_homes(scim, workspace):
    made = unit(scim, "Radio")
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(component("tuner", owner="radio"))
    answer = scim.delete(f"/scim/v2/Groups/{made['id']}")
    assert answer.status_code == 409
    assert "component:default/tuner" in answer.json()["detail"]
    with workspace.graph.write(SYSTEM) as writer:
        writer.delete("component:default/tuner")
    assert scim.delete(f"/scim/v2/Groups/{made['id']}").status_code == 204
    assert scim.get(f"/scim/v2/Groups/{made['id']}").status_code == 404
    with workspace.graph.read() as reader:
        assert reader.require("group:default/radio").spec["lifecycle"] == "retired"


def test_what_files_declare_can_be_provisioned_and_stays_what_the_file_says(scim, workspace):
    place = "file:/srv/org.yaml"
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("radio"), location=place)
        writer.put(user("ana", "radio"), location=place)
    (found,) = scim.get("/scim/v2/Users", params={"filter": 'userName eq "ana"'}).json()["Resources"]
    changed = patched(scim, found, {"op": "add", "value": {"externalId": "E1", "displayName": "Other"}})
    assert (changed["externalId"], changed["displayName"]) == ("E1", "ana")
    with workspace.graph.write(SYSTEM) as writer:
        assert writer.put(user("ana", "radio"), location=place).outcome == "unchanged"
    (team,) = scim.get("/scim/v2/Groups").json()["Resources"]
    refused = patched(scim, team, {"op": "remove", "path": "members"}, status=400)
    assert refused["scimType"] == "mutability"
    assert "/srv/org.yaml" in refused["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "/Users", b"{", 400, "invalidSyntax"),
        ("POST", "/Users", b"[]", 400, "invalidSyntax"),
        ("POST", "/Users", b"{}", 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": 3}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "\xe2\x80\x94"}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "a", "emails": "x"}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "a", "active": "maybe"}', 400, "invalidValue"),
        ("POST", "/Groups", b'{"displayName": "g", "members": [{"value": "nobody"}]}', 400, "invalidValue"),
        ("PATCH", "/Users/nobody", b'{"Operations": [{"op": "add", "value": {}}]}', 404, None),
        ("GET", "/Users/%00", b"", 404, None),
        ("GET", "/Nothing", b"", 404, None),
    ],
)
def test_bad_requests_get_errors_of_the_standard(scim, method, path, body, status, kind):
    answer = scim.request(method, f"/scim/v2{path}", content=body)
    assert answer.status_code == status, answer.text
    if path != "/Nothing":
        assert answer.json().get("scimType") == kind
        assert answer.headers["content-type"].startswith("application/scim+json")


def test_only_tokens_of_the_scope_come_in(workspace):
    _, secret = tokens.create_token(workspace.graph, local_actor(), "reader", frozenset({"read", "write"}))
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as client:
        assert client.get("/scim/v2/Users").status_code == 401
        headers = {"Authorization": f"Bearer {secret}"}
        assert client.get("/scim/v2/Users", headers=headers).status_code == 403


def test_a_token_for_scim_can_do_nothing_else(scim):
    assert scim.get("/api/v1/entities").status_code == 403
    assert scim.post("/api/v1/memberships", json={}).status_code == 403


def test_it_tells_what_it_supports(scim):
    config = scim.get("/scim/v2/ServiceProviderConfig").json()
    assert config["patch"]["supported"] is True
    assert config["bulk"]["supported"] is False
    types = scim.get("/scim/v2/ResourceTypes").json()
    assert [each["id"] for each in types["Resources"]] == ["User", "Group"]
    assert scim.get("/scim/v2/ResourceTypes/User").json()["endpoint"] == "/Users"
    for each in scim.get("/scim/v2/Schemas").json()["Resources"]:
        assert scim.get(f"/scim/v2/Schemas/{each['id']}").json() == each


ANA = {
    "userName": "Ana",
    "active": True,
    "name": {"givenName": "Ana"},
    "emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@y.example", "type": "home"}],
    "meta": {"lastModified": "2026-05-13T04:42:34Z"},
    ENTERPRISE: {"employeeNumber": "701984"},
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ('userName eq "ana"', True),
        ('USERNAME EQ "ANA"', True),
        ('userName ne "ana"', False),
        ('name.givenName sw "A"', True),
        ('emails co "y.example"', True),
        ('emails.value ew "x.example"', True),
        ('emails[type eq "work" and value co "x."]', True),
        ('emails[type eq "work" and value co "y."]', False),
        ('emails[type eq "work"] and active eq false', False),
        ("title pr", False),
        ("title pr or userName pr", True),
        ('not (userName eq "ana") or active eq true', True),
        ('active eq "True"', True),
        ('meta.lastModified gt "2026-01-01T00:00:00Z"', True),
        (f'{ENTERPRISE}:employeeNumber eq "701984"', True),
        (f'{USER}:userName eq "ana"', True),
        ("title eq null", True),
        ('userName eq "a\\"b"', False),
    ],
)
def test_filters_mean_what_the_standard_says(text, passes):
    assert parse_filter(text)(ANA) is passes


@pytest.mark.parametrize(
    "text",
    ["", "userName", "userName is 3", "userName eq", "userName eq ana", "(userName pr", "userName pr)", "a[b pr", '"x" eq "y"', "(" * 99 + "a pr" + ")" * 99, "a pr and", "x" * 9999, " or ".join(["a pr"] * 101), 'a eq "\\x"'],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(ScimError) as refused:
        parse_filter(text)
    assert refused.value.scim_type == "invalidFilter"


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text):
    for parse in (parse_filter, parse_path):
        try:
            parse(text)
        except ScimError:
            continue


Make = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "move", "path": "title"}, "invalidSyntax"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "add", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": 'emails[value sw "zz"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails.value", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 3, "value": "x"}, "invalidPath"),
    ],
)
def test_operations_that_are_not_valid_are_refused_and_change_nothing(operation, error):
    before = repr(ANA)
    with pytest.raises(ScimError) as refused:
        apply(ANA, [operation])
    assert refused.value.scim_type == error
    assert repr(ANA) == before


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("POST", "/scim/v2/Bulk", 404, "nothing at this address"),
        ("GET", "/scim/v2/Users?startIndex=abc", 400, "'startIndex' is 'abc'; write a whole number"),
        ("DELETE", "/scim/v2/Users", 405, ""),
    ],
)
def test_every_error_below_scim_is_written_as_scim_writes_it(client, method, path, status, says):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/scim+json")
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(status)
    assert says in body["detail"]
