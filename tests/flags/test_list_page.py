"""The page of all flags: what stands in which row, group and tab."""

import html as html_module
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.store import delete_set, write_set
from counterpoint.graph.actor import Actor, local_actor

ME = local_actor()
BOOLEAN = {"on": True, "off": False}


def flag(default: str = "off", rule: Any = None, **others: Any) -> dict[str, Any]:
    made = {"state": "ENABLED", "variants": BOOLEAN, "defaultVariant": default, **others}
    return made if rule is None else {**made, "targeting": rule}


def split(percent: float) -> dict[str, Any]:
    return {"fractional": [["on", percent], ["off", 100 - percent]]}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        for name in ("player", "search"):
            with made.graph.write(ME) as writer:
                writer.put(
                    {
                        "apiVersion": "backstage.io/v1alpha1",
                        "kind": "Group",
                        "metadata": {"name": name, "title": f"The {name} people"},
                        "spec": {"type": "squad", "children": []},
                    }
                )
        write_set(
            made,
            ME,
            "shop",
            {
                "flags": {
                    "ramps": flag(rule=split(12.5), metadata={"owner": "player", "description": "A ramp"}),
                    "done": flag("on", metadata={"owner": "player"}),
                    "calm": flag(metadata={"owner": "search"}),
                    "stopped": flag("on", state="DISABLED", metadata={"owner": "search"}),
                    "odd": flag(rule={"frobnicate": 1}, metadata={"owner": "search"}),
                }
            },
        )
        yield made


def read(client: TestClient, path: str) -> str:
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.replace("\u202f", " ")).split())


def card(html: str, name: str) -> str:
    """The text of the card with this id."""
    return words(html_module.unescape(html.partition(f'id="{name}"')[2].partition("</section>")[0]))


def rows(html: str) -> list[str]:
    """The text of each row of the table, headings of groups included."""
    return [words(row) for row in re.findall(r"<tr.*?</tr>", html.partition("<tbody>")[2], re.S)]


def test_flags_stand_in_groups_by_owner_each_with_its_state(client: TestClient) -> None:
    found = rows(read(client, "/flags"))
    assert (found[0], found[3]) == ("TP The player people 2", "TP The search people 3")
    assert [row.split()[0] for row in found[1:3]] == ["ramps", "done"]
    assert "Ramping 12.5 %" in found[1]
    assert "Fully rolled out on" in found[2]
    assert [row.split()[0] for row in found[4:]] == ["calm", "stopped", "odd"]
    assert "Off off" in found[4]
    assert "Off" in found[5]
    assert "Rule cannot run" in found[6]


def test_tabs_count_flags_by_state_and_narrow_to_it(client: TestClient) -> None:
    html = read(client, "/flags?owner=group:default/search")
    tabs = words(
        html[html.index('aria-label="States"') : html.index("<form", html.index('aria-label="States"'))]
    )
    assert "All 3 Off 2 Broken 1" in tabs
    off = read(client, "/flags?state=off")
    assert [row.split()[0] for row in rows(off)][1:] == ["calm", "stopped"]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("text=RAMP", ["ramps"]),
        ("state=ramping", ["ramps"]),
        ("state=rolled-out", ["done"]),
        ("state=stale", ["done", "calm"]),
        ("state=ENABLED&owner=group:default/search", ["calm", "odd"]),
        ("set=shop&state=broken", ["odd"]),
        ("environment=production&state=broken", ["odd"]),
        ("environment=staging", []),
        ("set=none", []),
        ("state=made-up", []),
    ],
)
def test_filters_add_up(client: TestClient, query: str, keys: list[str]) -> None:
    html = read(client, f"/flags?{query}")
    assert re.findall(r'<a class="entity strong" href="/flags/shop/([^"]+)"', html) == keys
    assert ("Nothing matches" in html) == (not keys)


def test_groups_by_state_come_in_the_order_of_what_goes_on(client: TestClient) -> None:
    groups = [row for row in rows(read(client, "/flags?group=state")) if re.fullmatch(r"[A-Za-z ]+ \d", row)]
    assert groups == ["Ramping 1", "Fully rolled out 1", "Off 2", "Rule cannot run 1"]


def test_a_flag_stands_once_with_what_it_does_in_each_environment(ws: Workspace, client: TestClient) -> None:
    write_set(ws, ME, "shop.staging", {"flags": {"ramps": flag("on"), "only-here": flag()}})
    found = rows(read(client, "/flags"))
    (row,) = [row for row in found if row.startswith("ramps")]
    assert row.index("Fully rolled out") < row.index("Ramping 12.5 %")
    html = read(client, "/flags?environment=staging")
    assert "Ramping" not in words(html.partition("<tbody>")[2])
    assert len(re.findall(r'<a class="entity strong" href="/flags/shop.staging/', html)) == 2


def test_the_last_change_names_who_did_what(ws: Workspace, client: TestClient) -> None:
    definition = {"flags": {"ramps": flag(rule=split(50)), "done": flag("on", state="DISABLED")}}
    read(client, "/flags")
    write_set(
        ws, Actor("user:default/maja", "Maja", "person", admin=True), "shop", definition, reason="Halfway"
    )
    (ramps,) = [row for row in rows(read(client, "/flags")) if row.startswith("ramps")]
    (done,) = [row for row in rows(read(client, "/flags")) if row.startswith("done")]
    assert "changed rule and metadata by maja" in ramps
    assert "turned off, changed metadata by maja" in done


def test_a_killed_plan_shows_what_it_was(ws: Workspace, client: TestClient) -> None:
    plan = {"default": "off", "treatments": {"on": 1}, "ramp": 25, "variants": BOOLEAN}
    compose(ws, ME, "planned", {"flags": {"risky": plan}})
    assert "Ramping 25 %" in words(read(client, "/flags?text=risky"))
    ramp(ws, ME, "planned", "risky", 30)
    assert "moved from 25 % to 30 % by" in words(read(client, "/flags?text=risky"))
    kill(ws, ME, "planned", "risky", reason="It is slow")
    assert "Killed was 30 %" in words(read(client, "/flags?text=risky"))


def test_a_flag_that_gets_a_plan_says_so(ws: Workspace, client: TestClient) -> None:
    compose(ws, ME, "shop", {"flags": {"calm": {"default": "off", "treatment": "on", "ramp": 5}}})
    (row,) = [row for row in rows(read(client, "/flags")) if row.startswith("calm")]
    assert "put under a plan by" in row
    assert "Ramping 5 %" in row


def test_a_set_that_is_deleted_is_no_longer_listed_and_may_come_back(
    ws: Workspace, client: TestClient
) -> None:
    assert "ramps" in read(client, "/flags")
    delete_set(ws, ME, "shop")
    assert "No flags yet" in read(client, "/flags")
    write_set(ws, ME, "shop", {"flags": {"ramps": flag()}})
    assert "made with the set" in words(read(client, "/flags"))


def test_a_thousand_flags_are_paged_and_read_in_under_100_ms(ws: Workspace, client: TestClient) -> None:
    flags = {f"flag-{index:04}": flag(rule=split(index % 99 + 1)) for index in range(1_000)}
    write_set(ws, ME, "many", {"flags": flags})
    html = read(client, "/flags?set=many")
    assert "100 of 1,000 flags" in words(html)
    (next_page,) = re.findall(r'rel="next" href="([^"]+)"', html)
    second = read(client, next_page.replace("&amp;", "&"))
    keys = re.findall(r'<a class="entity strong" href="/flags/many/([^"]+)"', second)
    assert keys == [f"flag-{index:04}" for index in range(100, 200)]

    def seconds() -> float:
        start = time.process_time()
        read(client, "/flags")
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1


def test_a_cursor_of_another_list_is_refused_in_words(client: TestClient) -> None:
    answer = client.get("/flags?cursor=nonsense", headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "is no cursor of this list" in answer.text
