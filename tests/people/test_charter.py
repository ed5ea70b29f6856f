"""What a unit says of itself: shown where it is well formed, kept whatever it is."""

from textwrap import dedent
from typing import Any

import pytest

from counterpoint.catalog.importer import import_targets
from counterpoint.graph import SYSTEM, Actor, local_actor
from counterpoint.people import charter
from counterpoint.people.dates import now
from counterpoint.people.scim.service import Provisioning
from counterpoint.people.store import read_unit
from tests.graph.documents import group
from tests.people.test_people_pages import page, sent

ODD = {
    "mission": 5,
    "charter": [],
    "channels": "chat",
    "topology": {"kind": "platform"},
    "scim": "none",
}
ODDER = {
    "mission": ["a"],
    "charter": {"usersServed": 7, "howToAskUs": "Ask", "budget": 3},
    "channels": [5, {"url": "https://chat.example/d"}, {"title": 4}, {"title": "Desk", "floor": 4}],
    "topology": True,
    "scim": {"id": "mine", "meta": 1},
}


@pytest.mark.parametrize("fields", [ODD, ODDER])
def test_a_group_may_have_further_fields_of_any_type(client, acme, fields):
    with acme.graph.write(SYSTEM) as writer:
        writer.put(group("discovery", parent="listening", **fields))
    with acme.graph.read() as reader:
        assert {key: reader.require("group:default/discovery").spec[key] for key in fields} == fields
        view = read_unit(reader, "group:default/discovery", now())
    assert (view.mission, view.topology) == ("", "")
    assert client.get("/api/v1/units/default/discovery").status_code == 200
    assert client.get("/scim/v2/Groups", headers={"Accept": "*/*"}).status_code == 200
    for path in ("/units/default/discovery", "/units/default/discovery/edit", "/organisation"):
        page(client, path)


def test_what_fits_is_shown_beside_what_does_not(acme):
    with acme.graph.write(SYSTEM) as writer:
        writer.put(group("discovery", parent="listening", **ODDER))
    with acme.graph.read() as reader:
        view = read_unit(reader, "group:default/discovery", now())
    assert view.charter == {"howToAskUs": "Ask"}
    assert view.channels == (
        {"title": "https://chat.example/d", "url": "https://chat.example/d"},
        {"title": "Desk"},
    )


def test_saving_the_form_as_it_was_shown_changes_nothing(client, acme):
    with acme.graph.write(SYSTEM) as writer:
        put = writer.put(group("discovery", parent="listening", **ODDER))
    unit = put.entity
    shown = charter.form_of(unit)
    answer = sent(client, "/units/default/discovery/edit", **shown)
    assert answer.status_code == 303
    with acme.graph.read() as reader:
        spec = reader.require(unit.ref).spec
    channels: list[Any] = spec.pop("channels")
    before = {key: each for key, each in unit.spec.items() if key != "channels"}
    assert spec == before
    assert sorted(map(repr, channels)) == sorted(map(repr, unit.spec["channels"]))


def test_the_import_takes_such_a_group_with_a_warning_for_each_field(workspace, tmp_path):
    text = """\
        apiVersion: backstage.io/v1alpha1
        kind: Group
        metadata: {name: odd}
        spec:
          type: team
          children: []
          mission: 5
          charter: []
        """
    (tmp_path / "odd.yaml").write_text(dedent(text))
    report = import_targets(workspace.graph, local_actor(), [str(tmp_path / "odd.yaml")])
    found = [(each.level, each.problem.line, each.problem.message) for each in report.remarks]
    assert found == [
        ("warning", 7, "mission is 5; it must be text. It is kept, and not shown."),
        ("warning", 8, "charter is []; it must be an object. It is kept, and not shown."),
    ]
    with workspace.graph.read() as reader:
        assert reader.require("group:default/odd").spec["mission"] == 5


def test_a_document_cannot_speak_for_the_server_in_scim(acme):
    provider = Actor("service:default/idp", "idp", "service", scopes=frozenset({"scim"}))
    with acme.graph.write(SYSTEM) as writer:
        uid = writer.put(group("discovery", parent="listening", **ODDER)).entity.uid
    assert Provisioning(acme.graph, provider, "http://x").read("Group", uid)["id"] == uid
