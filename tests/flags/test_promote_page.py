"""Promotion from its page, and plans that go with promoted flags."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.composition import CompositionError
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor

from .pages import HTML, Forms, definition, last_reason, plans, read

ME = local_actor()
ALL = ("development", "staging", "production")
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
SHARED: dict[str, Any] = {
    "segments": {"nordic": {"in": [{"var": "country"}, ["SE", "NO"]]}},
    "layers": {"shelf": {}},
    "holdouts": {"quarter": {"percent": 5}},
}
PLANS: dict[str, Any] = {
    **SHARED,
    "flags": {
        "home": {
            **PLAIN,
            "ramp": 50,
            "audience": ["nordic"],
            "holdouts": ["quarter"],
            "layer": {"name": "shelf", "from": 0, "to": 50},
        },
        "other": {**PLAIN, "ramp": 5},
    },
}
WAY = way_of("shop.staging", ALL)
PAGE = "/flags/-/promote/shop.staging"


@pytest.fixture
def staged(workspace: Workspace) -> Workspace:
    compose(workspace, ME, "shop.staging", PLANS)
    return workspace


@pytest.fixture
def client(staged: Workspace, make: Callable[..., TestClient[Any]]) -> TestClient[Any]:
    return make(auth=False)


def sent(client: TestClient[Any], page: Forms, *, step: str = "save", **fields: Any) -> Any:
    action, given = next((action, dict(_many(each))) for action, each in page.found if ("from", "staging") in each and dict(each).get("source"))  # fmt: skip
    return client.post(action, data={**given, "step": step, **fields}, headers=HTML, follow_redirects=False)


def _many(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def test_a_chosen_flag_takes_its_plan_along_and_the_plans_of_the_target_stay(staged: Workspace) -> None:
    compose(staged, ME, "shop", {"flags": {"mine": {**PLAIN, "ramp": 20}}})
    promote_set(staged, ME, WAY, flags=["home"])
    there = plans(staged, "shop")
    assert there["flags"].keys() == {"mine", "home"}
    assert there["flags"]["home"] == plans(staged, "shop.staging")["flags"]["home"]
    assert (there["segments"].keys(), there["layers"].keys(), there["holdouts"]["quarter"]["percent"]) == ({"nordic"}, {"shelf"}, 5)  # fmt: skip
    for key in ("targeting", "variants", "defaultVariant", "state"):
        assert (
            definition(staged, "shop")["flags"]["home"][key]
            == definition(staged, "shop.staging")["flags"]["home"][key]
        )
    ramp(staged, ME, "shop", "home", 75)  # the plan drives it there
    assert plans(staged, "shop")["flags"]["home"]["ramp"] == 75


def test_how_far_a_flag_is_there_can_stay(staged: Workspace) -> None:
    promote_set(staged, ME, WAY)
    ramp(staged, ME, "shop", "home", 10)
    kill(staged, ME, "shop", "other", reason="It burns.")
    compose(staged, ME, "shop.staging", {**PLANS, "flags": {**PLANS["flags"], "home": {**PLANS["flags"]["home"], "holdouts": []}}})  # fmt: skip
    for flags in (["home", "other"], None):
        promote_set(staged, ME, WAY, flags=flags, with_state=False)
        there = plans(staged, "shop")["flags"]
        assert (there["home"]["ramp"], there["home"].get("holdouts")) == (10, None)
        assert there["other"]["killed"] == {"reason": "It burns."}
    assert "detached" not in plans(staged, "shop")


def test_plans_that_cannot_stand_beside_each_other_are_refused(staged: Workspace) -> None:
    mine = {**PLAIN, "layer": {"name": "shelf", "from": 40, "to": 60}}
    compose(staged, ME, "shop", {"layers": {"shelf": {}}, "flags": {"mine": mine}})
    with pytest.raises(CompositionError) as refused:
        promote_set(staged, ME, WAY, flags=["home"])
    assert "overlaps" in str(refused.value.problems[0])


def test_what_the_promoted_share_with_others_is_told(staged: Workspace) -> None:
    others = {"segments": {"nordic": {"in": [{"var": "country"}, ["FI"]]}}, "flags": {"mine": {**PLAIN, "audience": ["nordic"], "ramp": 9}}}  # fmt: skip
    compose(staged, ME, "shop", others)
    done = promote_set(staged, ME, WAY, flags=["home"])
    assert any("The segment 'nordic' changes for every flag" in each.message for each in done.warnings)
    assert plans(staged, "shop")["flags"]["mine"]["ramp"] == 9
    assert "detached" not in plans(staged, "shop")


def test_a_flag_that_was_edited_by_hand_goes_as_it_is_and_the_plan_there_rests(staged: Workspace) -> None:
    promote_set(staged, ME, WAY)
    document = definition(staged, "shop.staging")
    flags = {**document["flags"], "other": {**document["flags"]["other"], "targeting": {"if": [True, "on"]}}}
    write_set(staged, ME, "shop.staging", {**document, "flags": flags})
    promote_set(staged, ME, WAY, flags=["other"])
    assert definition(staged, "shop")["flags"]["other"]["targeting"] == {"if": [True, "on"]}
    assert plans(staged, "shop")["detached"].keys() == {"other"}


def test_the_page_shows_what_differs_and_promotes_what_is_ticked(
    client: TestClient[Any], staged: Workspace
) -> None:
    promote_set(staged, ME, WAY)
    ramp(staged, ME, "shop.staging", "home", 75)
    ramp(staged, ME, "shop.staging", "other", 10)
    page = read(client, PAGE)
    assert "Ramp of 'home' 50 % → 75 %: 25 % of those it is for enter" in page.words
    answer = sent(client, page, flags=["home"], reason="A calm week.")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PAGE}?from=staging&to=production&told=flags-promoted&done=2"
    ramps = {key: plan["ramp"] for key, plan in plans(staged, "shop")["flags"].items()}
    assert ramps == {"home": 75, "other": 5}
    assert last_reason(staged) == "Promoted from staging, version 3: A calm week."
    done = read(client, answer.headers["location"])
    action, fields = done.of("/flags/-/restore/shop")
    assert client.post(action, data=fields, follow_redirects=False).status_code == 303
    assert plans(staged, "shop")["flags"]["home"]["ramp"] == 50


def test_a_preview_writes_nothing_and_keeps_what_was_ticked(
    client: TestClient[Any], staged: Workspace
) -> None:
    promote_set(staged, ME, WAY)
    ramp(staged, ME, "shop.staging", "home", 75)
    ramp(staged, ME, "shop.staging", "other", 10)
    shown = sent(client, read(client, PAGE), step="preview", flags=["other"], reason="Soon.")
    assert shown.status_code == 200
    page = Forms(shown.text)
    assert "'off' → 'on'" in page.words
    assert plans(staged, "shop")["flags"]["other"]["ramp"] == 5
    assert sent(client, page).status_code == 303
    assert plans(staged, "shop")["flags"]["other"]["ramp"] == 10
    assert plans(staged, "shop")["flags"]["home"]["ramp"] == 50


def test_the_whole_set_goes_where_there_is_none_yet(client: TestClient[Any], staged: Workspace) -> None:
    assert sent(client, read(client, PAGE), scope="whole").status_code == 303
    assert definition(staged, "shop")["flags"] == definition(staged, "shop.staging")["flags"]
    assert "as it is in staging" in read(client, "/flags/-/promote/shop").words


def test_a_flag_that_only_the_target_has_is_not_ticked(client: TestClient[Any], staged: Workspace) -> None:
    compose(staged, ME, "shop", {"flags": {"mine": {**PLAIN, "ramp": 20}}})
    page = read(client, PAGE)
    assert "Only production has it. Ticked, it is removed there." in page.words
    assert sent(client, page).status_code == 303
    assert plans(staged, "shop")["flags"].keys() == {"mine", "home", "other"}


def test_what_either_end_became_meanwhile_is_shown_first(client: TestClient[Any], staged: Workspace) -> None:
    promote_set(staged, ME, WAY)
    ramp(staged, ME, "shop.staging", "home", 75)
    page = read(client, PAGE)
    ramp(staged, ME, "shop", "other", 33, reason="Ana was here.")
    late = sent(client, page)
    assert late.status_code == 412
    assert "Ana was here." in Forms(late.text).words
    assert plans(staged, "shop")["flags"]["home"]["ramp"] == 50
    ramp(staged, ME, "shop.staging", "home", 90)
    moved = sent(client, Forms(late.text))
    assert moved.status_code == 412
    assert "shop.staging has changed" in Forms(moved.text).words
    assert sent(client, Forms(moved.text)).status_code == 303
    assert {key: plan["ramp"] for key, plan in plans(staged, "shop")["flags"].items()} == {"home": 90, "other": 33}  # fmt: skip


def test_what_cannot_be_promoted_is_said(client: TestClient[Any], staged: Workspace) -> None:
    page = read(client, PAGE)
    empty = sent(client, page, flags=[])
    assert empty.status_code == 400
    assert "No flag is ticked" in empty.text
    read(client, "/flags/-/promote/nobody", status=404)
    assert "both" in read(client, f"{PAGE}?from=staging&to=staging").words
    elsewhere = read(client, "/flags/-/promote/shop.development?from=development&to=production")
    assert (
        "The set 'shop' is neither in development nor in production. It is in staging ('shop.staging')"
        in elsewhere.words
    )
    assert "There is no flag set shop.development yet" in read(client, f"{PAGE}?from=development").words


def test_without_environments_the_page_says_so(
    staged: Workspace, make: Callable[..., TestClient[Any]]
) -> None:
    assert "There are no environments" in read(make(auth=False, environments=()), PAGE).words
