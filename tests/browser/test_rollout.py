"""A rollout led from its start to its rollback in a browser, with a real OpenFeature client attached."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent

from counterpoint import Workspace
from counterpoint.openfeature import CounterpointProvider
from tests.browser.conftest import Served, serve
from tests.rollouts.conftest import furnish

USERS = 1_000
PAGE = "/rollouts/default/weekly"
DEADLINE = 120.0


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that checks its rollouts each second, over a workspace with one that has not started."""
    monkeypatch.setenv("COUNTERPOINT_ROLLOUTS__EVERY_SECONDS", "1")
    with Workspace.create(tmp_path / "workspace", name="Arpeggio") as workspace:
        yield from serve(furnish(workspace))


class Service:
    """A service that asks an OpenFeature client, and hears of changes."""

    def __init__(self, url: str) -> None:
        self.provider = CounterpointProvider(url=url, service="player")
        api.set_provider_and_wait(self.provider, domain="rollout")
        self.client = api.get_client("rollout")
        self.changed = threading.Condition()
        self.client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self.hear)

    def hear(self, _: Any) -> None:
        with self.changed:
            self.changed.notify_all()

    def variants(self) -> dict[str, str | None]:
        """What each user gets."""
        return {
            f"u{user}": self.client.get_boolean_details(
                "weekly-list", default_value=False, evaluation_context=EvaluationContext(f"u{user}")
            ).variant
            for user in range(USERS)
        }

    def wait_until(self, condition: Callable[[dict[str, str | None]], bool]) -> dict[str, str | None]:
        """What each user gets, once it is so."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.variants()), DEADLINE), (
                "it did not come to that"
            )
        return self.variants()

    def crash(self, user: str) -> None:
        self.client.track("crash", EvaluationContext(user))


def test_a_rollout_is_started_grown_and_takes_itself_back(
    watched: Served, open_page: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    service = Service(watched.url)
    request.addfinalizer(service.provider.shutdown)
    assert set(service.variants().values()) == {"off"}
    page = open_page(watched.url).page
    page.set_default_timeout(1_000 * DEADLINE)  # the first reading of figures loads the engine

    def act(command: str, reason: str = "") -> None:
        page.goto(PAGE)
        page.check(f"input[value={command}]")
        page.fill("textarea[name=reason]", reason)
        with page.expect_navigation():  # what was told leaves the address as soon as the page is there
            page.click("text=Do it")

    act("start", "Build 7 is out.")
    service.wait_until(lambda got: "on" in got.values())
    act("proceed", "It is only a test.")
    act("proceed", "It is only a test.")
    got = service.wait_until(lambda got: list(got.values()).count("on") > USERS // 3)
    assert abs(list(got.values()).count("on") - list(got.values()).count("control")) < USERS // 8
    for number, (user, variant) in enumerate(got.items()):
        if number % 10 == 0 or (variant == "on" and number % 2):
            service.crash(user)
    got = service.wait_until(lambda got: set(got.values()) == {"off"})
    page.goto(PAGE)
    shown = page.inner_text("main")
    for words in (
        "rolled back",
        "'crashed' is worse by more than its margin of 50 %",
        "The controller",
        "→ 0 %",
    ):
        assert words in shown
