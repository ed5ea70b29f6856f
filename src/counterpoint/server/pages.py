"""Pages of the server: signing in, the settings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from counterpoint.errors import CounterpointError, InputError, NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.server.connection import caller_of
from counterpoint.server.identity import accounts, sessions, tokens
from counterpoint.server.identity.model import MACHINE_ONLY, SCOPES
from counterpoint.server.settings_table import setting_rows
from counterpoint.server.signing import login, login_form, logout
from counterpoint.web import PageContext, render
from counterpoint.web.formats import number
from counterpoint.workspace import Workspace

__all__ = ["pages"]

LONGEST_DAYS = 3650


@get("/settings", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_settings(
    request: Request[Any, Any, Any],
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
) -> str:
    """What the workspace is, how it is set, who may enter, and whether it is in health."""
    return _settings(request, ws, actor, page)


@post("/settings/tokens", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def create_token(
    request: Request[Any, Any, Any],
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: URLEncodedBody[dict[str, Any]],
) -> Response[str]:
    """Make a token and show its secret, this one time."""
    typed = {field: str(data.get(field, "")).strip() for field in ("name", "days")}
    chosen = data.get("scopes", [])  # a list only where several are chosen
    scopes = frozenset(map(str, chosen if isinstance(chosen, list) else [chosen]))
    try:
        expires = _expiry(typed["days"])
        token, secret = tokens.create_token(ws.graph, actor, typed["name"], scopes, expires_at=expires)
    except CounterpointError as error:
        if isinstance(error, NotAllowedError):
            raise
        values = {**typed, "scopes": scopes}
        return Response(
            _settings(request, ws, actor, page, typed=values, errors=_by_field(error)),
            status_code=error.status,
        )
    return Response(_settings(request, ws, actor, page, made=(token, secret)), status_code=200)


@post("/settings/tokens/revoke", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def revoke_token(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: URLEncodedBody[dict[str, Any]]
) -> Response[str]:
    """Make a token useless."""
    tokens.revoke_token(ws.graph, actor, str(data.get("name", "")))
    return Response("", status_code=303, headers={"location": "/settings?told=revoked"})


def _settings(
    request: Request[Any, Any, Any],
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    *,
    typed: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    made: tuple[tokens.Token, str] | None = None,
) -> str:
    caller = caller_of(request.scope)
    with ws.graph.read() as reader:
        found_accounts = accounts.list_accounts(reader) if actor.admin else []
        found_tokens = tokens.list_tokens(reader) if actor.admin else []
        secret = caller.browser_secret if caller.via == "session" else None
        session = sessions.find_session(reader, secret, now=datetime.now(UTC)) if secret else None
        changes = reader.last_activity()
        kinds = reader.facets("kind")
    return render(
        page,
        "server/settings.html",
        actor=actor,
        via=caller.via,
        facts=_facts(ws, kinds, changes),
        settings=setting_rows(ws.settings, ws.path / "counterpoint.toml"),
        accounts=found_accounts,
        tokens=found_tokens,
        scopes={each: told for each, told in SCOPES.items() if each not in MACHINE_ONLY},
        session=session[0] if session else None,
        findings=ws.check(),
        typed=typed or {"name": "", "days": "", "scopes": frozenset()},
        errors=errors or {},
        made=made,
        now=datetime.now(UTC),
    )


def _facts(ws: Workspace, kinds: list[tuple[str, int]], changes: int) -> list[tuple[str, str]]:
    counts = ws.journal.counts()
    return [
        ("Name", ws.settings.name),
        ("Folder", str(ws.path.resolve())),
        ("Graph", str(ws.graph.file) if ws.graph.file else "PostgreSQL"),
        ("Entities", number(sum(count for _, count in kinds))),
        ("Changes", number(changes)),
        ("Events", number(sum(each.count for each in counts))),
        ("Event types", str(len(counts))),
    ]


def _expiry(days: str) -> datetime | None:
    if not days:
        return None
    if not (days.isascii() and days.isdigit() and 1 <= int(days[:12]) <= LONGEST_DAYS and len(days) <= 12):
        raise InputError(f"{days!r} must be a whole number of days from 1 to {LONGEST_DAYS}.")
    return datetime.now(UTC) + timedelta(days=int(days))


def _by_field(error: CounterpointError) -> dict[str, str]:
    """The messages by the field of the form that they speak about; "" for the whole form."""
    by_pointer = {problem.pointer.strip("/"): problem.message for problem in error.problems}
    return by_pointer or {"": error.message}


pages: list[Any] = [
    login_form,
    login,
    logout,
    show_settings,
    create_token,
    revoke_token,
]
