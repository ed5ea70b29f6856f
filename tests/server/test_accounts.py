"""Changing and removing accounts, on SQLite and PostgreSQL and by the command line."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Actor, Graph
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import accounts, sessions

OLD, NEW = "correct horse battery", "staple of another kind"
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)


def signed_in(graph: Graph, account: accounts.Account) -> str:
    return sessions.start_session(graph, local_actor(), account, now=NOW, lifetime=timedelta(hours=1))


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(graph: Graph) -> None:
    ana = accounts.create_account(graph, local_actor(), "ana", OLD)
    secret = signed_in(graph, ana)
    accounts.change_password(graph, local_actor(), "ana", NEW)
    assert accounts.verify_password(graph, "ana", OLD) is None
    assert accounts.verify_password(graph, "ana", NEW) == ana
    with graph.read() as reader:
        assert sessions.find_session(reader, secret, now=NOW) is None
        (entry,) = reader.activity(action="account.password_changed")
    assert (entry.subject, entry.before, entry.after) == (ana.ref, None, None)


def test_a_password_is_changed_by_its_person_or_an_administrator_alone(graph: Graph) -> None:
    accounts.create_account(graph, local_actor(), "ana", OLD)
    accounts.create_account(graph, local_actor(), "bo", OLD)
    accounts.change_password(graph, Actor("user:default/bo", "bo", "person"), "bo", NEW)
    with pytest.raises(NotAllowedError):
        accounts.change_password(graph, Actor("user:default/bo", "bo", "person"), "ana", NEW)
    with pytest.raises(InputError):
        accounts.change_password(graph, local_actor(), "ana", "short")
    with pytest.raises(NotFoundError):
        accounts.change_password(graph, local_actor(), "nobody", NEW)
    assert accounts.verify_password(graph, "ana", OLD)


def test_a_removed_account_can_do_nothing_any_more(graph: Graph) -> None:
    accounts.create_account(graph, local_actor(), "ana", OLD)
    bo = accounts.create_account(graph, local_actor(), "bo", OLD)
    secret = signed_in(graph, bo)
    with pytest.raises(NotAllowedError):
        accounts.remove_account(graph, Actor("user:default/bo", "bo", "person"), "bo")
    accounts.remove_account(graph, local_actor(), "bo")
    assert accounts.verify_password(graph, "bo", OLD) is None
    with graph.read() as reader:
        assert sessions.find_session(reader, secret, now=NOW) is None
    with pytest.raises(NotFoundError):
        accounts.remove_account(graph, local_actor(), "bo")


def test_the_last_administrator_stays_while_others_are_there(graph: Graph) -> None:
    accounts.create_account(graph, local_actor(), "ana", OLD)
    accounts.create_account(graph, local_actor(), "bo", OLD)
    with pytest.raises(ConflictError):
        accounts.remove_account(graph, local_actor(), "ana")


def test_accounts_are_kept_by_the_command_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.create_account(workspace.graph, local_actor(), "ana", OLD)
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW + "\n"))
    where = ["-w", str(workspace.path)]
    assert run([*where, "account", "password", "ana", "--password-stdin"]) == 0
    assert accounts.verify_password(workspace.graph, "ana", NEW)
    assert run([*where, "account", "list"]) == 0
    assert "ana  (administrator)" in capsys.readouterr().out
    assert run([*where, "account", "remove", "nobody"]) == 1
    assert "counterpoint account list" in capsys.readouterr().err
    assert run([*where, "account", "remove", "ana"]) == 0
