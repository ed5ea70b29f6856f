"""How often a password may be tried."""

import pytest

from counterpoint.errors import OverloadedError
from counterpoint.server.identity.attempts import (
    PER_ACCOUNT,
    PER_ACCOUNT_ANYWHERE,
    PER_ADDRESS,
    WINDOW,
    Attempts,
)


def fail(attempts: Attempts, account: str, times: int, *, now: float = 0.0) -> None:
    for _ in range(times):
        attempts.begin(account, "10.0.0.1", now=now)


def test_after_five_failures_the_account_waits_from_that_address_only() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT)
    with pytest.raises(OverloadedError) as refused:
        attempts.begin("ana", "10.0.0.1", now=10.0)
    assert refused.value.retry_after == WINDOW - 10
    attempts.begin("ana", "10.0.0.2", now=10.0)
    attempts.begin("bo", "10.0.0.1", now=10.0)


def test_the_wait_ends_with_the_window() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT)
    attempts.begin("ana", "10.0.0.1", now=WINDOW)


def test_success_forgets_the_failures_of_the_account() -> None:
    attempts = Attempts()
    fail(attempts, "ana", PER_ACCOUNT - 1)
    attempts.succeeded("ana", "10.0.0.1")
    fail(attempts, "ana", 1)
    attempts.begin("ana", "10.0.0.1", now=1.0)


def test_one_password_tried_on_everybody_is_refused_by_address() -> None:
    attempts = Attempts()
    for number in range(PER_ADDRESS):
        fail(attempts, f"user{number}", 1)
    with pytest.raises(OverloadedError):
        attempts.begin("somebody-else", "10.0.0.1", now=1.0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.server.identity.attempts.MOST_KEYS", 100)
    attempts = Attempts()
    for number in range(1000):
        attempts.begin(f"user{number}", f"10.0.{number // 250}.{number % 250}", now=0.0)
    assert len(attempts._failures) <= 103


def test_an_attempt_counts_before_it_is_decided_so_that_many_at_once_do_not_all_pass() -> None:
    attempts = Attempts()
    for _ in range(PER_ACCOUNT):
        attempts.begin("ana", "10.0.0.1", now=0.0)
    with pytest.raises(OverloadedError):
        attempts.begin("ana", "10.0.0.1", now=0.0)


def test_an_account_waits_also_when_every_attempt_claims_another_address() -> None:
    attempts = Attempts()
    for number in range(PER_ACCOUNT_ANYWHERE):
        attempts.begin("ana", f"10.0.0.{number}", now=0.0)
    with pytest.raises(OverloadedError):
        attempts.begin("ana", "10.1.0.0", now=1.0)
    attempts.begin("bo", "10.1.0.0", now=1.0)


def test_those_who_know_their_passwords_never_use_up_an_address() -> None:
    attempts = Attempts()
    for number in range(PER_ADDRESS * 2):
        attempts.begin(f"user{number}", "10.0.0.1", now=0.0)
        attempts.succeeded(f"user{number}", "10.0.0.1")
    attempts.begin("ana", "10.0.0.1", now=0.0)
