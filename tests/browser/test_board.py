"""A board in a browser: a card is dragged to its place, by the form that it has without scripts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.bets.store import write
from counterpoint.graph.actor import SYSTEM
from tests.browser.conftest import Served, Watched, serve
from tests.rollouts.conftest import SQUAD, document

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
BOARD = "/bets/board?unit=discovery"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Served]:
    with Workspace.create(tmp_path / "workspace", name="Arpeggio") as workspace:
        with workspace.graph.write(SYSTEM) as writer:
            writer.put(SQUAD)
        for name in ("first", "second", "third"):
            write(workspace.graph, document("Bet", name, {"horizon": "now"}, title=name), actor=SYSTEM)
        yield from serve(workspace)


def test_a_card_is_dragged_before_another_and_into_another_column(
    board: Served, open_page: Callable[..., Watched]
) -> None:
    page = open_page(board.url).page

    def column(horizon: str) -> list[str]:
        cards = page.locator(f'[data-horizon="{horizon}"] [data-bet]')
        return [each.get_attribute("data-bet").removeprefix("bet:default/") for each in cards.all()]

    def drag(name: str, target: str) -> None:
        with page.expect_navigation():
            page.drag_and_drop(f"#{name} .board-rank", target)

    page.goto(BOARD)
    before = column("now")
    last, top = before[-1], before[0]
    drag(last, f"#{top}")
    assert column("now") == [last, *before[:-1]]
    drag(top, '[data-horizon="later"] h2')
    assert (column("now"), column("later")) == ([last, *before[1:-1]], [top])
    page.reload()
    assert column("later") == [top]
