"""The page of a rollout in a browser: it follows the controller, and its kill switch is one key away."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from counterpoint import Workspace
from counterpoint.flags.composing import read_plans, revive
from counterpoint.flags.store import read_set
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts import controller, simulated, store
from tests.browser.conftest import Served, Watched, serve
from tests.browser.test_pages import visit, whole
from tests.rollouts.conftest import furnish, happened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

Opening = Callable[..., Watched]
REF, PAGE = "rollout:default/weekly", "/rollouts/default/weekly"
DEADLINE = 120_000.0
"""Milliseconds; a machine with other work to do is no failure."""
USERS = 40


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that leaves the checks to the test."""
    monkeypatch.setenv("COUNTERPOINT_ROLLOUTS__EVERY_SECONDS", "0")
    with Workspace.create(tmp_path / "workspace", name="Arpeggio") as workspace:
        yield from serve(furnish(workspace))


def act(page: Any, command: str, reason: str) -> None:
    """Two clicks and a reason."""
    page.check(f"input[value={command}]")
    page.fill("textarea[name=reason]", reason)
    with page.expect_navigation():
        page.click("text=Do it")


def is_killed(workspace: Workspace) -> bool:
    with workspace.graph.read() as reader:
        return read_plans(reader, "default")[0].flags["weekly-list"].killed is not None


def test_an_open_page_tells_of_the_rollback_and_a_published_client_gets_the_control_back(
    watched: Served, open_page: Opening
) -> None:
    api.set_provider(OFREPProvider(watched.url, timeout=60), domain="published")
    client = api.get_client("published")

    def given() -> dict[str, str | None]:
        return {
            f"listener-{n}": client.get_boolean_details(
                "weekly-list", default_value=False, evaluation_context=EvaluationContext(f"listener-{n}")
            ).variant
            for n in range(USERS)
        }

    assert set(given().values()) == {"off"}
    page = open_page(watched.url).page
    page.set_default_timeout(DEADLINE)
    page.goto(PAGE)
    act(page, "start", "Build 7 is out.")
    for _ in range(2):
        act(page, "proceed", "It is only a test.")
    with watched.workspace.graph.read() as reader:
        flags = read_set(reader, "default").flags
    got = given()
    assert got == {user: flags.evaluate("weekly-list", {"targetingKey": user}).variant for user in got}
    assert {"on", "control"} <= set(got.values())
    watched.workspace.journal.append(happened(800, at=datetime.now(UTC), crashed=0.1, treated=0.6))
    (event,) = controller.step(watched.workspace, REF)
    assert event.kind == "rolled-back"
    page.get_by_text("It has moved since you opened the page.").wait_for()
    shown = page.inner_text("[data-live]")
    for words in (
        "rolled back",
        "'crashed' is worse by more than its margin of 50 %: +500 %, between",
        "0 % of those it is for",
        "with the change",
    ):
        assert words in shown
    assert set(given().values()) == {"off"}


def test_one_key_kills_the_flag_and_the_rollout_waits(watched: Served, open_page: Opening) -> None:
    workspace = watched.workspace
    store.command(workspace, local_actor(), "weekly", "start")
    page = open_page(watched.url).page
    page.set_default_timeout(DEADLINE)
    page.goto(PAGE)
    page.focus("textarea[name=reason]")
    page.keyboard.press("x")
    assert not is_killed(workspace), "whoever types kills nothing"
    page.evaluate("document.activeElement.blur()")
    with page.expect_navigation():
        page.keyboard.press("x")
    assert is_killed(workspace)
    assert store.load(workspace, "weekly").state.phase == "paused"
    assert "everybody gets its default" in page.inner_text("main")
    revive(workspace, local_actor(), "default", "weekly-list")
    page.goto("/flags/-/control/default?flag=weekly-list")
    with page.expect_navigation():
        page.keyboard.press("x")
    assert is_killed(workspace)


def test_without_scripts_the_switch_is_a_button(watched: Served, open_page: Opening) -> None:
    store.command(watched.workspace, local_actor(), "weekly", "start")
    page = open_page(watched.url, width=390, java_script_enabled=False).page
    page.set_default_timeout(DEADLINE)
    page.goto(PAGE)
    with page.expect_navigation():
        page.click("button:has-text('Kill')")
    assert is_killed(watched.workspace)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_pages_of_rollouts_are_whole(
    watched: Served, open_page: Opening, monkeypatch: pytest.MonkeyPatch, width: int, theme: str
) -> None:
    seen = open_page(watched.url, width=width, theme=theme)
    seen.page.set_default_timeout(DEADLINE)
    assert visit(seen, ("/rollouts", PAGE), check=whole) == {}
    store.command(watched.workspace, local_actor(), "weekly", "start")
    deployed = {"type": "deployment", "source": "/ci", "id": "1", "subject": "weekly", "specversion": "1.0"}
    now = datetime.now(UTC)
    watched.workspace.journal.append(
        [deployed | {"time": now.isoformat()}, *happened(800, at=now, crashed=0.1, treated=0.1)]
    )
    controller.step(watched.workspace, REF)
    assert visit(seen, (PAGE, f"{PAGE}/simulation"), check=whole) == {}
    monkeypatch.setattr(simulated, "CLEAN", 30)
    simulated.compute(watched.workspace, local_actor(), "weekly", users_per_day=200_000)
    assert visit(seen, (f"{PAGE}/simulation",), check=whole) == {}
