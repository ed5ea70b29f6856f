"""What only a browser shows of the pages of experiments: a plan that follows what is typed, print, and keys."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Served, Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

SEEN = """(selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility()).length"""


def test_plan_follows_what_is_typed_and_a_result_prints_whole(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(served.url)
    page = watched.page
    watched.go("/experiments/plan")
    before = page.inner_text(".stat-value >> nth=0")
    page.fill("#change1", "10")
    page.wait_for_function(
        "(before) => document.querySelector('.stat-value').innerText !== before", arg=before
    )
    assert "change1=10" in page.url
    assert page.evaluate("document.activeElement.id") == "change1"

    watched.go("/experiments")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/default/**")
    assert page.evaluate(SEEN, ".sidebar") == 1
    page.emulate_media(media="print")
    assert page.evaluate(SEEN, ".sidebar, .topbar, .page-actions, form") == 0
    assert page.evaluate(SEEN, "details pre") >= 1
