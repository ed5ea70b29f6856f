"""Restoring a version of a set from its page."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose, ramp
from counterpoint.flags.store import delete_set, write_set
from counterpoint.graph.actor import local_actor

from .pages import HTML, definition, last_reason, plans, read

ME = local_actor()
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
PAGE = "/flags/-/restore/default"


@pytest.fixture
def client(workspace: Workspace, make: Callable[..., TestClient[Any]]) -> TestClient[Any]:
    compose(workspace, ME, "default", {"flags": {"home": {**PLAIN, "ramp": 10}}}, reason="Begin.")
    ramp(workspace, ME, "default", "home", 50, reason="Go on.")
    return make(auth=False)


def restored(client: TestClient[Any], version: int, **fields: Any) -> Any:
    action, sent = read(client, f"{PAGE}?version={version}").of(PAGE)
    return client.post(action, data={**sent, **fields}, headers=HTML, follow_redirects=False)


def test_the_page_says_whom_restoring_reaches_and_restores_with_a_reason(
    client: TestClient[Any], workspace: Workspace
) -> None:
    page = read(client, f"{PAGE}?version=1")
    assert "'on' → 'off'" in page.words
    assert "10,000 invented users" in page.words
    assert plans(workspace)["flags"]["home"]["ramp"] == 50
    answer = restored(client, 1, reason="Too fast.")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flags/default?told=flags-restored")
    assert plans(workspace)["flags"]["home"]["ramp"] == 10
    assert last_reason(workspace) == "Restored version 1: Too fast."


def test_without_a_version_there_is_a_choice_and_of_the_newest_nothing_to_restore(
    client: TestClient[Any],
) -> None:
    page = read(client, PAGE)
    assert "What restoring 1 changes" in page.words
    assert "Begin." in page.words
    newest = read(client, f"{PAGE}?version=2")
    assert "Nothing would change" in newest.words
    assert all(action != PAGE for action, _ in newest.found)


def test_what_others_wrote_meanwhile_is_shown_and_not_lost(
    client: TestClient[Any], workspace: Workspace
) -> None:
    action, sent = read(client, f"{PAGE}?version=1").of(PAGE)
    ramp(workspace, ME, "default", "home", 75, reason="Ana was here.")
    late = client.post(action, data={**sent, "reason": "Mine."}, headers=HTML)
    assert late.status_code == 412
    page = type(read(client, PAGE))(late.text)
    assert "Ana was here." in page.words
    assert plans(workspace)["flags"]["home"]["ramp"] == 75
    action, again = page.of(PAGE)
    assert again["reason"] == ["Mine."]
    assert client.post(action, data=again, follow_redirects=False).status_code == 303
    assert plans(workspace)["flags"]["home"]["ramp"] == 10


def test_a_deleted_set_comes_back(client: TestClient[Any], workspace: Workspace) -> None:
    delete_set(workspace, ME, "default")
    assert restored(client, 2).status_code == 303
    assert plans(workspace)["flags"]["home"]["ramp"] == 50


def test_what_cannot_be_restored_is_said(client: TestClient[Any], workspace: Workspace) -> None:
    read(client, f"{PAGE}?version=99", status=404)
    read(client, "/flags/-/restore/nobody", status=404)
    with workspace.graph.write(ME) as writer:
        entity = writer.require("flagset:default/default")
        spec = {**entity.spec, "definition": {"flags": {"x": {"state": "MAYBE"}}}}
        writer.put({**entity.document, "spec": spec}, validated=True)
    write_set(workspace, ME, "default", {"flags": {}})
    page = read(client, f"{PAGE}?version=3")
    assert "This version cannot be restored" in page.words
    token = read(client, f"{PAGE}?version=1").of(PAGE)[1]["_csrf_token"]
    answer = client.post(PAGE, data={"version": "3", "_csrf_token": token}, headers=HTML)
    assert answer.status_code == 400
    assert definition(workspace)["flags"] == {}
    gone = client.post(PAGE, data={"version": "x", "_csrf_token": token}, headers=HTML)
    assert gone.status_code == 404
