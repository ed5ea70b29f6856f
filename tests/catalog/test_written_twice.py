"""Documentation that is written twice: where it is told, how it follows the files, and how it is judged."""

import json

import pytest
from litestar.testing import TestClient

from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.reuse import store
from counterpoint.catalog.reuse.documents import Documents, documents_of
from counterpoint.catalog.reuse.standing import standing_of
from counterpoint.cli import run
from counterpoint.errors import NotFoundError
from counterpoint.graph import SYSTEM, Actor, local_actor
from counterpoint.server.app import create_app
from tests.graph.documents import component, group, user

HTML = {"Accept": "text/html"}
FIRST, SECOND = "component:default/billing/docs", "component:default/invoices/docs"
TEXT = """# Retrying a payment

When the bank declines a card we retry the payment three times with growing pauses.

## Idempotency keys

Each retry carries the idempotency key of the first payment, so that no listener pays twice.
"""
OTHER = """# Moving a queue

Drain the consumers of the queue before the brokers are replaced.
"""


def written(folder, name, owner, text):
    place = folder / name
    (place / "docs").mkdir(parents=True, exist_ok=True)
    (place / "docs" / "index.md").write_text(text, encoding="utf-8")
    metadata = {"title": name.title(), "annotations": {"backstage.io/techdocs-ref": "dir:."}}
    file = place / "catalog-info.yaml"
    file.write_text(json.dumps(component(name, owner=owner, metadata=metadata)), encoding="utf-8")
    return file


@pytest.fixture
def checkout(tmp_path):
    """Three documented components: two of different owners say the same, the third something else."""
    return [
        written(tmp_path / "src", "billing", "discovery", TEXT),
        written(tmp_path / "src", "invoices", "home", TEXT.replace("listener", "customer")),
        written(tmp_path / "src", "queues", "home", OTHER),
    ]


@pytest.fixture
def documented(workspace, checkout):
    with workspace.graph.write(SYSTEM) as writer:
        for unit in ("discovery", "home"):
            writer.put(group(unit))
        writer.put(user("ana", "home"))
        writer.put(user("eve"))
    import_targets(workspace.graph, local_actor(), [str(file) for file in checkout])
    return workspace


@pytest.fixture
def client(documented):
    with TestClient(create_app(documented, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def test_the_list_has_what_is_written_twice_as_a_kind_of_its_own(client):
    [pair] = client.get("/api/v1/twins").json()["items"]
    assert (pair["kind"], pair["first"], pair["second"]) == ("Documentation", FIRST, SECOND)
    assert "idempotency" in " ".join(pair["phrases"])
    assert pair["owners"] == ["group:default/discovery", "group:default/home"]
    page = client.get("/catalog/twins", headers=HTML).text
    assert 'href="/catalog/component/default/billing/docs"' in page


def test_a_page_of_documentation_says_that_something_like_it_is_written(client):
    client.get("/catalog/twins", headers=HTML)
    page = client.get("/catalog/component/default/billing/docs", headers=HTML).text
    assert "Something like this is written already" in page
    assert 'href="/catalog/component/default/invoices/docs"' in page
    assert "written already" not in client.get("/catalog/component/default/queues/docs", headers=HTML).text


def test_documentation_is_looked_for_by_text_and_by_entity(client, documented, capsys):
    asked = {"title": "retry a payment with an idempotency key", "kind": "document"}
    items = client.get("/api/v1/similar", params=asked).json()["items"]
    assert [item["ref"] for item in items] == [FIRST, SECOND]
    assert items[0]["url"] == "/catalog/component/default/billing/docs"
    for ref in ("component:billing", FIRST):
        found = client.get("/api/v1/similar", params={"ref": ref, "kind": "Documentation"}).json()["items"]
        assert [item["ref"] for item in found] == [SECOND]
    assert run(["-w", str(documented.path), "similar", "retry", "payment", "--kind", "document"]) == 0
    assert FIRST in capsys.readouterr().out


def test_documentation_that_does_not_exist_is_refused_by_name(client):
    answer = client.get("/api/v1/similar", params={"ref": "component:default/none/docs"})
    assert answer.status_code == 404
    assert "no documentation of component:default/none" in answer.json()["detail"]


def test_what_is_written_twice_is_judged_by_who_owns_one_of_it(documented):
    judgement = store.judge(
        documented, SECOND, FIRST, "dismissed", "Two banks", actor=Actor("user:default/ana", "Ana", "person")
    )
    assert (judgement.first, judgement.second) == (FIRST, SECOND)
    assert store.twins(documented).total == 0
    with documented.graph.read() as reader:
        [entry] = reader.activity(action="twins.dismissed", subject="component:default/billing")
    assert entry.after == {"with": SECOND}
    store.undo(documented, judgement.id, actor=Actor("user:default/ana", "Ana", "person"))
    assert store.twins(documented).total == 1
    with pytest.raises(NotFoundError, match="There is no component:default/none"):
        store.judge(documented, "component:default/none/docs", FIRST, "confirmed", "", actor=SYSTEM)


def test_the_page_keeps_what_people_said_of_it(client):
    page = client.get("/catalog/twins", headers=HTML).text
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    form = {
        "_csrf_token": token,
        "first": FIRST,
        "second": SECOND,
        "verdict": "dismissed",
        "reason": "Two banks",
    }
    client.post("/catalog/twins", data=form)
    after = client.get("/catalog/twins", headers=HTML).text
    assert "Two banks" in after
    assert 'href="/catalog/component/default/invoices/docs"' in after


def test_files_that_change_are_read_again_and_nothing_else(documented, checkout, monkeypatch):
    documents = Documents(documented)
    before = documents.refresh()
    assert documents.refresh() is before
    taken = []
    read = Documents._take
    monkeypatch.setattr(
        Documents, "_take", lambda self, site, entity: (taken.append(entity.ref), read(self, site, entity))
    )
    (checkout[1].parent / "docs" / "index.md").write_text(OTHER, encoding="utf-8")
    after = documents.refresh()
    assert taken == ["component:default/invoices"]
    assert [(len(before.pairs()), len(after.pairs()))] == [(1, 0)]
    with documented.graph.write(SYSTEM) as writer:
        writer.delete("component:default/billing")
    assert documents.refresh().thing(FIRST) is None


def test_a_text_of_another_kind_is_not_compared_with_documentation(client):
    items = client.get("/api/v1/similar", params={"title": "retry a payment"}).json()["items"]
    assert not any(item["kind"] == "Documentation" for item in items)


def test_an_import_notes_what_is_written_already(documented, tmp_path, capsys):
    file = written(tmp_path / "new", "charges", "discovery", TEXT)
    assert run(["-w", str(documented.path), "import", "catalog", str(file)]) == 0
    told = capsys.readouterr().err
    assert (
        "What is written at component:default/charges/docs is much like component:default/invoices/docs"
        in told
    )


def test_sites_beyond_the_most_are_counted(documented, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.reuse.documents.SITES", 2)
    documents_of(documented).refresh()
    standing_of(documented).newest()
    assert store.twins(documented).left_out == 1


def test_what_all_documentation_says_makes_nothing_alike(documented, tmp_path):
    same = """
## Installation

Run `npm install --save` in the folder, then restart the shell and log in to the registry of the company again.

## License

Permission is hereby granted to any person obtaining a copy of this software to deal in it without restriction.

[badge]: https://badges.example/build/passing.svg
"""
    for name, owner, subject in (
        ("covers", "discovery", "Scales pictures."),
        ("rates", "home", "Reads tariffs."),
    ):
        file = written(tmp_path / "more", name, owner, f"# {name}\n\n{subject}\n{same}")
        import_targets(documented.graph, local_actor(), [str(file)])
    shelf = documents_of(documented).refresh()
    assert [(pair.first.ref, pair.second.ref) for pair in shelf.pairs()] == [(FIRST, SECOND)]
