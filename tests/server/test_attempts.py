"""How often a password may be tried."""

import pytest

from counterpoint.errors import OverloadedError
from counterpoint.server.identity.attempts import PER_ACCOUNT, PER_ADDRESS, WINDOW, Attempts


def fail(attempts: Attempts, account: str, times: int, *, now: float = 0.0) -> None:
    for _ in range(times):
        attempts.failed(account, "10.0.0.1", now=now)


def test_after_five_failures_the_account_waits_from_that_address_only() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT)
    with pytest.raises(OverloadedError) as refused:
        attempts.check("ana", "10.0.0.1", now=10.0)
    assert refused.value.retry_after == WINDOW - 10
    attempts.check("ana", "10.0.0.2", now=10.0)
    attempts.check("bo", "10.0.0.1", now=10.0)


def test_the_wait_ends_with_the_window() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT)
    attempts.check("ana", "10.0.0.1", now=WINDOW)


def test_success_forgets_the_failures_of_the_account() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT - 1)
    attempts.succeeded("ana", "10.0.0.1")
    fail(attempts, "ana", 1)
    attempts.check("ana", "10.0.0.1", now=1.0)


def test_one_password_tried_on_everybody_is_refused_by_address() -> None:
    attempts = Attempts()
    for number in range(PER_ADDRESS):
        fail(attempts, f"user{number}", 1)
    with pytest.raises(OverloadedError):
        attempts.check("somebody-else", "10.0.0.1", now=1.0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.server.identity.attempts.MOST_KEYS", 100)
    attempts = Attempts()
    for number in range(1000):
        attempts.failed("ana", f"10.0.{number // 250}.{number % 250}", now=0.0)
    assert len(attempts._failures) <= 102
