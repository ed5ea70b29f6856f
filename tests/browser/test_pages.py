"""Every page, in both themes and at both widths: no errors, nothing too wide, nothing that WCAG AA forbids."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Served, Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = (
    "/",
    "/search",
    "/search?q=disc",
    "/search?q=nothing-has-this",
    "/catalog",
    "/catalog?kind=Component",
    "/catalog/component/default/playlist-builder",
    "/catalog/component/default/playlist-builder?steps=2",
    "/catalog?at=2001-01-01",
    "/catalog/twins",
    "/catalog/problems",
    "/catalog/views",
    "/catalog/views?of=kind%3DComponent",
    "/catalog/belief/default/surprise",
    "/docs",
    "/docs?q=text",
    "/catalog/component/default/described/docs",
    "/catalog/component/default/described/docs/second",
    "/catalog/component/default/taste-profiles/docs",
    "/organisation",
    "/units/default/discovery",
    "/units/default/discovery/edit",
    "/units/default/discovery/retire",
    "/people/default/ana",
    "/catalog/component/default/taste-profiles/diff",
    "/catalog/component/default/taste-profiles/diff?from=2001-01-01",
    "/scorecards",
    "/scorecards/default/ready",
    "/scorecards/default/ready?check=described",
    "/scorecards/next",
    "/bets",
    "/bets/new",
    "/bets/board",
    "/bets/board?unit=discovery",
    "/bets/learned",
    "/bets/why",
    "/bets/why/new?kind=belief",
    "/bets/default/discover-weekly",
    "/bets/default/discover-weekly/edit",
    "/bets/default/discover-weekly/evidence",
    "/line?ref=bet:default/discover-weekly",
    "/flags",
    "/flags?group=state",
    "/flags/default",
    "/flags/-/versions/default",
    "/flags/-/stale",
    "/flags/default/discover-weekly",
    "/flags/default/discover-weekly?context=%7B%22targetingKey%22%3A%22user-1%22%7D",
    "/experiments",
    "/experiments?state=ended",
    "/experiments/plan",
    "/experiments/plan?name1=played&kind1=mean&mean1=20&sd1=7&change1=3&correlation1=0.7&method=group-sequential&looks=5",
    "/experiments/plan?name1=played&mean1=many",
    "/experiments/default/discover-weekly",
    "/dashboards",
    "/dashboards/new",
    "/dashboards/default/playback",
    "/dashboards/default/playback/edit",
    "/dashboards/metrics",
    "/dashboards/metrics/new",
    "/dashboards/metrics/default/starts",
    "/dashboards/metrics/default/minutes",
    "/dashboards/metrics/default/starts/edit",
    "/events",
    "/events/health",
    "/events/health?range=month",
    "/activity",
    "/settings",
    "/vocabulary",
    "/practices",
    "/criticisms",
    "/design",
)
NEW = (
    "/",
    "/search",
    "/catalog",
    "/catalog/twins",
    "/catalog/views",
    "/docs",
    "/organisation",
    "/scorecards",
    "/bets",
    "/bets/learned",
    "/bets/why",
    "/flags",
    "/flags/-/stale",
    "/experiments",
    "/dashboards",
    "/dashboards/metrics",
    "/events",
    "/events/health",
    "/activity",
    "/settings",
)
"""Pages of a workspace in which nothing has happened."""
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("main *")]
    .filter((element) => element.getBoundingClientRect().right > room + 1 && !element.closest(".table-wrap, pre, .tabs"))
    .slice(0, 5).map((element) => element.outerHTML.slice(0, 120)).concat(["the page is wider than the screen"]);
}"""
VIOLATIONS = """(tags) => axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then((result) =>
  result.violations.map((found) => `${found.id}: ${found.help}: ${found.nodes.slice(0, 4).map((node) => node.html.slice(0, 160)).join(" | ")}`))"""

Opening = Callable[..., Watched]


def visit(
    watched: Watched, paths: tuple[str, ...], *, check: Callable[[Watched], list[str]]
) -> dict[str, list[str]]:
    """Return what is wrong on each of the pages."""
    wrong = {}
    for path in paths:
        response = watched.go(path)
        found = check(watched) if response.ok else [f"answered {response.status}"]
        if found:
            wrong[path] = found
    return wrong


def too_wide(watched: Watched) -> list[str]:
    found: list[str] = watched.page.evaluate(TOO_WIDE)
    return found


def violations(watched: Watched) -> list[str]:
    watched.page.evaluate(AXE)
    found: list[str] = watched.page.evaluate(VIOLATIONS, RULES)
    return found


def whole(watched: Watched) -> list[str]:
    return too_wide(watched) + violations(watched)


@pytest.mark.parametrize(("width", "theme", "other"), [(1440, "light", "dark"), (390, "dark", "light")])
def test_pages_are_whole_in_both_themes_and_break_no_rule_of_wcag_aa(
    open_page: Opening, served: Served, width: int, theme: str, other: str
) -> None:
    watched = open_page(served.url, width=width, theme=theme)

    def both(watched: Watched) -> list[str]:
        found = whole(watched)
        watched.page.emulate_media(color_scheme=other)
        found += too_wide(watched)
        watched.page.emulate_media(color_scheme=theme)
        return found

    assert visit(watched, PAGES, check=both) == {}


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
def test_pages_of_an_empty_workspace_are_whole(
    open_page: Opening, empty: Served, width: int, theme: str
) -> None:
    watched = open_page(empty.url, width=width, theme=theme)
    assert visit(watched, NEW, check=whole) == {}


def test_every_link_of_the_navigation_leads_somewhere(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/")
    links = watched.page.eval_on_selector_all(
        ".sidebar a", "all => all.map((link) => link.getAttribute('href'))"
    )
    assert len(links) >= 8
    assert visit(watched, tuple(links), check=lambda _: []) == {}


def test_the_page_of_an_error_is_framed(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    assert watched.go("/nowhere").status == 404
    assert watched.page.locator(".sidebar a").count() >= 8
    assert violations(watched) == []
    watched.errors.clear()  # the browser reports the 404 itself
