"""The page of flags that could go: by owner, with reasons and the next step."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.care import search_code
from counterpoint.flags.composing import compose
from counterpoint.flags.overseeing import Overseer
from counterpoint.flags.overview import views_of
from counterpoint.flags.stale import Reason, StaleFlag
from counterpoint.flags.stale_page import stale_groups
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from tests.flags.test_care import exposure
from tests.flags.test_list_page import BOOLEAN, flag, read, split, words

ME = local_actor()


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        flags = {
            "old/one": flag(rule=split(5), metadata={"owner": "player", "expires": "2020-03-01"}),
            "done": flag("on", metadata={"owner": "player"}),
            "everywhere": flag("on", metadata={"owner": "search"}),
            "kept": flag("on", metadata={"owner": "search", "permanent": True}),
            "busy": flag(rule=split(50), metadata={"owner": "search"}),
        }
        write_set(made, ME, "shop", {"flags": flags})
        yield made


def keys(html: str) -> list[str]:
    return re.findall(r'<a class="entity strong" href="/flags/shop/([^"]+)"', html)


def test_flags_stand_with_their_owners_the_oldest_first(client: TestClient) -> None:
    html = read(client, "/flags/-/stale")
    assert keys(html) == ["old/one", "done", "everywhere"]
    found = words(html.partition('<div class="stack">')[2])
    assert found.index("player") < found.index("old/one") < found.index("search")
    assert "Its date, 2020-03-01, is past. Since 1 Mar 2020" in found
    assert "Keep the branch of 'on', and remove the flag and the branch of 'off'" in found.replace(
        "&#39;", "'"
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("owner=group:default/search", ["everywhere"]),
        ("why=expired", ["old/one"]),
        ("why=rolled-out", ["done", "everywhere"]),
        ("why=rolled-out&owner=group:default/player", ["done"]),
        ("why=bet-ended", []),
    ],
)
def test_owner_and_reason_narrow(client: TestClient, query: str, found: list[str]) -> None:
    html = read(client, f"/flags/-/stale?{query}")
    assert keys(html) == found
    assert ("Nothing matches" in html) == (not found)


def test_each_leads_to_control_and_edit_and_can_be_linked_to(client: TestClient) -> None:
    html = read(client, "/flags/-/stale")
    assert 'href="/flags/-/control/shop?flag=old%2Fone"' in html
    assert 'href="/flags/-/edit/shop?flag=old%2Fone"' in html
    assert 'id="shop/old/one"' in html
    assert 'href="/flags/-/stale#shop/old/one"' in read(client, "/flags")


def test_lines_of_code_are_named_once_code_was_searched(
    ws: Workspace, client: TestClient, tmp_path: Path
) -> None:
    assert "Code has not been searched yet" in read(client, "/flags/-/stale")
    code = tmp_path / "code"
    code.mkdir()
    (code / "shop.py").write_text('if enabled("done"):\n    pass\n')
    search_code(ws, [code], keys=["done", "everywhere"])
    found = words(read(client, "/flags/-/stale"))
    assert "Code has not been searched yet" not in found
    assert "shop.py:1" in found
    assert "No code that was searched names it" in found


def test_exposures_are_read_anew_after_a_while_beside_the_requests(ws: Workspace, client: TestClient) -> None:
    exposure(ws, 1, "on", "2020-01-01T00:00:00Z")
    write_set(ws, ME, "default", {"flags": {"f": flag(rule=split(50))}})
    assert keys_of(client, "one-variant") == []
    exposure(ws, 2, "on", datetime.now(UTC).isoformat())
    assert keys_of(client, "one-variant") == []  # what was read a moment ago counts
    overseer = ws.keep(Overseer, Overseer)
    overseer._looked, overseer._took = float("-inf"), 1.0
    assert keys_of(client, "one-variant") == []  # nor does this request wait
    if thread := overseer.reading:
        thread.join()
    assert keys_of(client, "one-variant") == ["f"]


def test_exposures_that_are_read_in_no_time_are_read_by_the_request(
    ws: Workspace, client: TestClient
) -> None:
    exposure(ws, 1, "on", "2020-01-01T00:00:00Z")
    write_set(ws, ME, "default", {"flags": {"f": flag(rule=split(50))}})
    assert keys_of(client, "one-variant") == []
    exposure(ws, 2, "on", datetime.now(UTC).isoformat())
    overseer = ws.keep(Overseer, Overseer)
    overseer._looked, overseer._took = float("-inf"), 0.0
    assert keys_of(client, "one-variant") == ["f"]


def keys_of(client: TestClient, why: str) -> list[str]:
    html = read(client, f"/flags/-/stale?why={why}")
    return re.findall(r'<a class="entity strong" href="/flags/default/([^"]+)"', html)


def test_a_plan_that_enrols_nobody_yet_is_not_stale(ws: Workspace, client: TestClient) -> None:
    plan = {"default": "off", "treatment": "on", "variants": BOOLEAN, "ramp": 0}
    compose(ws, ME, "planned", {"flags": {"waiting": plan, "dead": {**plan, "ramp": 50, "killed": True}}})
    assert "/flags/planned/" not in read(client, "/flags/-/stale")


def test_a_workspace_without_stale_flags_says_when_one_stands_here(tmp_path: Path) -> None:
    with (
        Workspace.create(tmp_path / "other") as made,
        TestClient(create_app(made, auth=False), base_url="http://counterpoint.localhost") as client,
    ):
        assert "There are no flags yet." in read(client, "/flags/-/stale")
        write_set(made, ME, "shop", {"flags": {"busy": flag(rule=split(50))}})
        assert "for 30 days" in read(client, "/flags/-/stale")


def test_groups_rank_nobody_and_those_without_an_owner_are_last(ws: Workspace) -> None:
    with ws.graph.read() as reader:
        views = views_of(read_set(reader, "shop"), {}, ("production",), now=0)
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def stale(owner: str | None, index: int, at: datetime | None = moment) -> object:
        from dataclasses import replace

        import msgspec

        view = views[index]
        reasons = (Reason("expired", "Past.", at),)
        found = StaleFlag("shop", view.item.key, owner, reasons, (), "Remove it.", None)
        return replace(view, item=msgspec.structs.replace(view.item, owner=owner), stale=found)

    groups = stale_groups([stale(None, 0), stale("b", 1, None), stale("b", 2), stale("a", 3)])  # type: ignore[list-item]
    assert [(group.owner, [view.item.key for view in group.views]) for group in groups] == [
        ("a", ["kept"]),
        ("b", ["everywhere", "done"]),
        (None, ["old/one"]),
    ]
