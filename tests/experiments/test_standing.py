"""Results that are kept: shown at once, renewed behind the reader's back, recorded only when new."""

from threading import Event
from typing import Any

import pytest

from counterpoint.experiments.standing import Standing


class Computed:
    """Stands for results: each computation gives the next number."""

    def __init__(self) -> None:
        self.times = 0
        self.done = Event()

    def __call__(self) -> Any:
        self.times += 1
        self.done.set()
        return self.times


def test_the_same_plan_and_data_are_computed_once() -> None:
    standing, compute = Standing(), Computed()
    assert [standing.newest("a", ("p",), (1,), compute) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(("plan", "data"), [(("q",), (1,)), (("p",), (2,))])
def test_another_plan_or_newer_data_are_computed_anew(plan: Any, data: Any) -> None:
    standing, compute = Standing(), Computed()
    standing.newest("a", ("p",), (1,), compute)
    assert standing.newest("a", plan, data, compute) == 2


def test_without_a_server_the_page_waits_for_the_newest() -> None:
    standing, compute = Standing(), Computed()
    standing.at_hand("a", ("p",), (1,), compute)
    assert standing.at_hand("a", ("p",), (2,), compute) == (2, True)


def test_with_a_server_the_page_shows_the_last_and_the_next_page_the_newest() -> None:
    standing, compute = Standing(), Computed()
    standing.start()
    standing.at_hand("a", ("p",), (1,), compute)
    compute.done.clear()
    assert standing.at_hand("a", ("p",), (2,), compute) == (1, False)
    assert compute.done.wait(30)
    standing.stop()
    assert standing.at_hand("a", ("p",), (2,), compute) == (2, True)


def test_a_changed_plan_is_never_shown_with_an_old_result() -> None:
    standing, compute = Standing(), Computed()
    standing.start()
    standing.at_hand("a", ("p",), (1,), compute)
    assert standing.at_hand("a", ("q",), (1,), compute) == (2, True)
    standing.stop()


def test_a_failing_renewal_leaves_the_last_result() -> None:
    standing, compute = Standing(), Computed()

    def fail() -> Any:
        failed.set()
        raise RuntimeError("no disk")

    failed = Event()
    standing.start()
    standing.at_hand("a", ("p",), (1,), compute)
    assert standing.at_hand("a", ("p",), (2,), fail) == (1, False)
    assert failed.wait(30)
    standing.stop()
    assert standing.at_hand("a", ("p",), (1,), compute) == (1, True)
