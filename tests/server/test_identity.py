"""Accounts, sessions and tokens in the graph's database, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from counterpoint import Workspace
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Actor, Graph
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import accounts, sessions, tokens
from counterpoint.server.identity.model import check_account_name, check_password

PASSWORD = "correct horse battery"
MEMBER = Actor("user:default/bo", "bo", "person")
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
HOURS = timedelta(hours=12)


@pytest.fixture
def ana(graph: Graph) -> accounts.Account:
    return accounts.create_account(graph, local_actor(), "ana", PASSWORD)


def test_the_first_account_is_an_administrators_and_the_next_is_not(
    graph: Graph, ana: accounts.Account
) -> None:
    bo = accounts.create_account(graph, local_actor(), "bo", PASSWORD)
    assert (ana.admin, bo.admin) == (True, False)
    with graph.read() as reader:
        assert [account.name for account in accounts.list_accounts(reader)] == ["ana", "bo"]


def test_only_the_right_password_of_an_existing_account_is_accepted(
    graph: Graph, ana: accounts.Account
) -> None:
    assert accounts.verify_password(graph, "ana", PASSWORD) == ana
    assert accounts.verify_password(graph, "ana", PASSWORD + "!") is None
    assert accounts.verify_password(graph, "nobody", PASSWORD) is None
    assert accounts.verify_password(graph, "nobody", "nobody signs in with this") is None


@pytest.mark.parametrize("name", ["", "Ana", "a b", "-ana", "ana/..", "a" * 64, "anä", "ana\n"])
def test_an_account_name_that_cannot_be_a_users_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="name is not valid"):
        check_account_name(name)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_of_bad_length_is_refused(password: str) -> None:
    with pytest.raises(InputError, match="password is not valid"):
        check_password(password)


def test_a_taken_name_is_a_conflict_and_a_member_may_not_make_accounts(
    graph: Graph, ana: accounts.Account
) -> None:
    with pytest.raises(ConflictError):
        accounts.create_account(graph, local_actor(), ana.name, PASSWORD)
    with pytest.raises(NotAllowedError):
        accounts.create_account(graph, MEMBER, "eve", PASSWORD)


def test_a_session_lives_until_it_expires_or_is_ended(graph: Graph, ana: accounts.Account) -> None:
    secret = sessions.start_session(graph, local_actor(), ana, now=NOW, lifetime=HOURS)
    with graph.read() as reader:
        found = sessions.find_session(reader, secret, now=NOW + HOURS - timedelta(seconds=1))
        assert found
        assert found[1].ref == "user:default/ana"
        assert found[1].admin
        assert sessions.find_session(reader, secret, now=NOW + HOURS) is None
        assert sessions.find_session(reader, secret[:-1], now=NOW) is None
    sessions.end_session(graph, local_actor(), secret)
    with graph.read() as reader:
        assert sessions.find_session(reader, secret, now=NOW) is None


def test_a_session_is_renewed_by_use_but_not_at_every_use_and_not_for_ever(
    graph: Graph, ana: accounts.Account
) -> None:
    session = sessions.Session("hash", ana, NOW, NOW + HOURS)
    assert session.renewal(NOW + timedelta(minutes=1), HOURS) is None
    assert session.renewal(NOW + timedelta(hours=6), HOURS) == NOW + timedelta(hours=18)
    old = sessions.Session("hash", ana, NOW, NOW + sessions.LONGEST - timedelta(hours=2))
    assert old.renewal(NOW + sessions.LONGEST - timedelta(hours=3), HOURS) == NOW + sessions.LONGEST


def test_a_token_is_found_by_its_secret_until_it_is_revoked_or_expires(graph: Graph) -> None:
    token, secret = tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}))
    assert secret.startswith("cpt_")
    assert secret not in repr(token)
    with graph.read() as reader:
        found = tokens.find_token(reader, secret, now=NOW)
        assert found
        assert (found.name, found.scopes) == ("ci", frozenset({"read"}))
        assert tokens.find_token(reader, secret + "x", now=NOW) is None
    tokens.revoke_token(graph, local_actor(), "CI")
    with graph.read() as reader:
        assert tokens.find_token(reader, secret, now=NOW) is None
        assert tokens.list_tokens(reader) == []
    with pytest.raises(NotFoundError):
        tokens.revoke_token(graph, local_actor(), "ci")
    tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}))


def test_an_expired_token_opens_nothing(graph: Graph) -> None:
    expires = datetime.now(UTC) + timedelta(hours=1)
    _, secret = tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}), expires_at=expires)
    with graph.read() as reader:
        assert tokens.find_token(reader, secret, now=expires - timedelta(seconds=1))
        assert tokens.find_token(reader, secret, now=expires) is None


def test_a_token_that_only_evaluates_flags_is_a_public_client_key(graph: Graph) -> None:
    _, secret = tokens.create_token(graph, local_actor(), "web", frozenset({"flags:evaluate"}))
    assert secret.startswith("cpk_")


@pytest.mark.parametrize(
    ("name", "scopes", "message"),
    [
        ("ci", frozenset[str](), "at least one scope"),
        ("ci", frozenset({"read", "root"}), "scopes are not valid"),
        ("", frozenset({"read"}), "name is not valid"),
        ("a b", frozenset({"read"}), "name is not valid"),
    ],
)
def test_a_token_with_a_bad_name_or_scope_is_refused(
    workspace: Workspace, name: str, scopes: frozenset[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tokens.create_token(workspace.graph, local_actor(), name, scopes)


def test_a_token_name_is_taken_while_it_lives_and_a_member_may_not_make_tokens(graph: Graph) -> None:
    tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}))
    with pytest.raises(ConflictError):
        tokens.create_token(graph, local_actor(), "Ci", frozenset({"read"}))
    with pytest.raises(NotAllowedError):
        tokens.create_token(graph, MEMBER, "other", frozenset({"read"}))
    with pytest.raises(NotAllowedError):
        tokens.revoke_token(graph, MEMBER, "ci")


def test_the_time_of_last_use_is_kept_to_the_minute(graph: Graph) -> None:
    token, secret = tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}))
    tokens.note_use(graph, token, now=NOW)
    with graph.read() as reader:
        used = tokens.find_token(reader, secret, now=NOW)
    assert used
    tokens.note_use(graph, used, now=NOW + timedelta(seconds=59))
    with graph.read() as reader:
        again = tokens.find_token(reader, secret, now=NOW)
    assert again
    assert again.last_used_at == NOW


def test_every_change_is_in_the_log_and_no_secret_is(graph: Graph, ana: accounts.Account) -> None:
    secret = sessions.start_session(graph, local_actor(), ana, now=NOW, lifetime=HOURS)
    sessions.end_session(graph, local_actor(), secret)
    token, token_secret = tokens.create_token(graph, local_actor(), "ci", frozenset({"read"}))
    tokens.revoke_token(graph, local_actor(), "ci")
    with graph.read() as reader:
        log = reader.activity()
    assert [entry.action for entry in reversed(log)] == [
        "account.created",
        "session.started",
        "session.ended",
        "token.created",
        "token.revoked",
    ]
    text = repr(log)
    for hidden in (PASSWORD, secret, token_secret, token.secret_hash, "argon2"):
        assert hidden not in text
