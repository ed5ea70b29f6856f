"""The commands `serve`, `account` and `token`."""

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from counterpoint.server.identity.tokens import Token

__all__ = ["create_account", "create_token", "list_tokens", "revoke_token", "serve"]


def serve(
    *,
    host: Annotated[str, Parameter(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on; 0 takes any free one.")] = 7700,
    no_auth: Annotated[
        bool, Parameter(negative="", help="Nobody signs in; only on a loopback address.")
    ] = False,
    workers: Annotated[int, Parameter(help="Processes; more than one is not supported yet.")] = 1,
) -> None:
    """Serve the web UI and the APIs until Ctrl-C or SIGTERM."""
    from counterpoint.server.connection import is_loopback
    from counterpoint.server.process import address_of, bind

    loopback = is_loopback(host)
    if no_auth and not loopback:
        raise UsageError(
            f"--no-auth is refused on {host}: whoever reaches that address could change everything. "
            "Use --host 127.0.0.1, or leave --no-auth out and sign in."
        )
    if workers != 1:
        raise UsageError(
            f"--workers {workers} is not supported: one process serves a workspace of hundreds of people. "
            "For more, start several servers on the same workspace, each on its own port; they share it safely."
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"--port is {port}, must be 0 to 65535.")
    with terminal().open() as workspace:
        listener = bind(host, port)
        from counterpoint.server.app import create_app
        from counterpoint.server.middleware.logs import configure_logs
        from counterpoint.server.process import run

        configure_logs(verbose=terminal().verbose)
        url = address_of(listener)

        def announce() -> None:
            terminal().say(f"Counterpoint serves {workspace.path.resolve()} at {url} (Ctrl-C stops it)")
            if not no_auth and not _has_accounts(workspace):
                terminal().say(
                    "Nobody can sign in yet; make an account with: counterpoint account create NAME"
                )

        run(create_app(workspace, auth=not no_auth, loopback=loopback), listener, on_ready=announce)
    terminal().say("Stopped; nothing was lost.")


def create_account(
    name: Annotated[str, Parameter(help="The name of the User entity, such as ana.")],
    *,
    admin: Annotated[
        bool, Parameter(negative="", help="May manage accounts and tokens; the first account always may.")
    ] = False,
    password_stdin: Annotated[
        bool, Parameter(negative="", help="Read the password from the first line of stdin.")
    ] = False,
) -> None:
    """Make a local account that can sign in."""
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import accounts
    from counterpoint.server.identity.model import check_account_name

    check_account_name(name)
    with terminal().open() as workspace:
        password = _password(from_stdin=password_stdin)
        account = accounts.create_account(workspace.graph, local_actor(), name, password, admin=admin)
    rights = "an administrator" if account.admin else "a member"
    data = {"name": account.name, "ref": account.ref, "admin": account.admin}
    terminal().emit(data, lambda: f"Made the account {account.name} ({rights}).")


def list_accounts() -> None:
    """List the people who can sign in."""
    from counterpoint.server.identity import accounts

    with terminal().open() as workspace, workspace.graph.read() as reader:
        found = accounts.list_accounts(reader)
    data = [{"name": each.name, "ref": each.ref, "admin": each.admin} for each in found]
    lines = [f"{each.name}{'  (administrator)' if each.admin else ''}" for each in found]
    terminal().emit(
        data, lambda: "\n".join(lines) or "No accounts yet. Make one: counterpoint account create NAME"
    )


def change_password(
    name: Annotated[str, Parameter(help="The account's name.")],
    *,
    password_stdin: Annotated[
        bool, Parameter(negative="", help="Read the password from the first line of stdin.")
    ] = False,
) -> None:
    """Give an account a new password and end its sessions."""
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import accounts

    with terminal().open() as workspace:
        password = _password(from_stdin=password_stdin)
        account = accounts.change_password(workspace.graph, local_actor(), name, password)
    terminal().emit(
        {"name": account.name}, lambda: f"Changed the password of {name}, who must sign in again."
    )


def remove_account(name: Annotated[str, Parameter(help="The account's name.")]) -> None:
    """Take an account away and end its sessions; what the person wrote stays."""
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import accounts

    with terminal().open() as workspace:
        account = accounts.remove_account(workspace.graph, local_actor(), name)
    terminal().emit({"name": account.name}, lambda: f"Removed the account {name}.")


def create_token(
    name: Annotated[str, Parameter(help="What the token is for; shown in lists and in the activity log.")],
    *,
    scope: Annotated[
        list[str],
        Parameter(
            help="read, write, events:write, flags:evaluate, flags:evaluate:NAME for one flag set, scim, discover or admin; may be repeated.",
            consume_multiple=True,
            negative="",
        ),
    ],
    days: Annotated[int | None, Parameter(help="Days until it expires; without it, it does not.")] = None,
) -> None:
    """Make an API token; it is shown once."""
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import tokens

    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with terminal().open() as workspace:
        token, secret = tokens.create_token(
            workspace.graph, local_actor(), name, frozenset(scope), expires_at=expires
        )
    terminal().emit(_facts(token) | {"token": secret}, lambda: secret)
    terminal().say("Keep it now: it is not shown again.")


def list_tokens() -> None:
    """List the API tokens that are not revoked."""
    from counterpoint.server.identity import tokens

    with terminal().open() as workspace, workspace.graph.read() as reader:
        found = tokens.list_tokens(reader)
    terminal().emit([_facts(token) for token in found], lambda: _table(found))


def revoke_token(name: Annotated[str, Parameter(help="The token's name.")]) -> None:
    """Make an API token useless at once."""
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import tokens

    with terminal().open() as workspace:
        tokens.revoke_token(workspace.graph, local_actor(), name)
    terminal().emit({"revoked": name}, lambda: f"Revoked the token {name}.")


def _has_accounts(workspace: Any) -> bool:
    from counterpoint.server.identity import accounts

    with workspace.graph.read() as reader:
        return bool(accounts.list_accounts(reader))


def _password(*, from_stdin: bool) -> str:
    from getpass import getpass

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password; send it with --password-stdin.")
    first = getpass("Password: ")
    if getpass("Again: ") != first:
        raise UsageError("The two passwords differ.")
    return first


def _facts(token: "Token") -> dict[str, object]:
    return {
        "name": token.name,
        "scopes": sorted(token.scopes),
        "createdAt": token.created_at,
        "createdBy": token.created_by,
        "expiresAt": token.expires_at,
        "lastUsedAt": token.last_used_at,
    }


def _table(tokens: list["Token"]) -> Any:
    from rich.table import Table

    if not tokens:
        return "There are no tokens; make one with: counterpoint token create NAME --scope read"
    table = Table("name", "scopes", "created", "expires", "last used", box=None, pad_edge=False)
    for token in tokens:
        expires = token.expires_at.date().isoformat() if token.expires_at else "never"
        used = token.last_used_at.strftime("%Y-%m-%d %H:%M") if token.last_used_at else "never"
        scopes = " ".join(sorted(token.scopes))
        table.add_row(token.name, scopes, token.created_at.date().isoformat(), expires, used)
    return table
