"""Following a graph: one look at one number wakes all who wait, whoever changed it."""

import threading
from collections.abc import Callable

from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.following import Follower

PATIENCE = 20.0


class Number:
    """A number that says how often it was asked for."""

    def __init__(self) -> None:
        self.value = 0
        self.asked = threading.Semaphore(0)
        self.failure: Exception | None = None

    def __call__(self) -> int:
        self.asked.release()
        if self.failure is not None:
            raise self.failure
        return self.value

    def wait(self, looks: int = 2) -> None:
        """Until it was asked for so many times more: what the last look but one found has been told then."""
        for _ in range(looks):
            assert self.asked.acquire(timeout=PATIENCE)


def counter() -> tuple[threading.Semaphore, Callable[[], None]]:
    calls = threading.Semaphore(0)
    return calls, calls.release


def test_everybody_is_woken_once_at_first_and_once_for_a_change() -> None:
    number = Number()
    follower = Follower(number, period=0.001)
    (first, wake_first), (second, wake_second) = counter(), counter()
    with follower.following(wake_first), follower.following(wake_second):
        assert first.acquire(timeout=PATIENCE)
        assert second.acquire(timeout=PATIENCE)
        number.value = 7
        assert first.acquire(timeout=PATIENCE)
        assert second.acquire(timeout=PATIENCE)
        number.asked = threading.Semaphore(0)
        number.wait(5)
        assert not first.acquire(blocking=False)


def test_one_thread_serves_all_and_ends_with_the_last_of_them() -> None:
    number = Number()
    follower = Follower(number, period=0.001)

    def threads() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "graph-follower"]

    before = len(threads())
    with follower.following(lambda: None), follower.following(lambda: None):
        assert len(threads()) == before + 1
        (mine,) = threads()[before:]
    mine.join(PATIENCE)
    assert not mine.is_alive()
    woken, wake = counter()
    with follower.following(wake):
        assert woken.acquire(timeout=PATIENCE), "it follows again"


def test_a_look_that_fails_and_a_wake_that_fails_stop_nobody() -> None:
    number = Number()
    follower = Follower(number, period=0.001)
    woken, wake = counter()

    def stumble() -> None:
        raise RuntimeError("the loop is closed")

    with follower.following(stumble), follower.following(wake):
        assert woken.acquire(timeout=PATIENCE)
        number.failure = RuntimeError("the database is away")
        number.asked = threading.Semaphore(0)
        number.wait()
        number.value, number.failure = 1, None
        assert woken.acquire(timeout=PATIENCE)


def test_a_graph_wakes_for_what_another_process_would_write(graph: Graph) -> None:
    graph.follower.period = 0.01
    woken, wake = counter()
    with Graph(graph.address) as other, graph.follower.following(wake):
        assert woken.acquire(timeout=PATIENCE)
        with other.write(SYSTEM) as writer:
            writer.record("thing.changed", "a")
        assert woken.acquire(timeout=PATIENCE)


def test_leaving_does_not_wait_for_the_next_look() -> None:
    follower = Follower(Number(), period=3600.0)
    with follower.following(lambda: None):
        thread = next(each for each in threading.enumerate() if each.name == "graph-follower")
    thread.join(PATIENCE)
    assert not thread.is_alive()
