"""The settings page: what is in force and why, who may enter, and tokens made and revoked there."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import msgspec
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.server.settings_table import SettingRow, setting_rows
from counterpoint.settings import GraphSettings, Settings

HTML = {"Accept": "text/html"}


def test_each_setting_says_where_its_value_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "counterpoint.toml"
    file.write_text('name = "Arpeggio"\n[server]\nsession_hours = 8\n', encoding="utf-8")
    settings = Settings(name="Arpeggio")
    rows = {row.name: row for row in setting_rows(settings, file, {"COUNTERPOINT_JOURNAL__QUEUE": "5"})}
    assert rows["name"] == SettingRow("name", "Arpeggio", "counterpoint.toml")
    assert rows["server.session_hours"].source == "counterpoint.toml"
    assert rows["journal.queue"].source == "COUNTERPOINT_JOURNAL__QUEUE"
    assert rows["engine"] == SettingRow("engine", "duckdb", "default")
    assert rows["server.secure_cookies"].value == "yes"
    assert rows["graph.url"].value == "none"
    assert len(rows) == len(list(leaves(msgspec.to_builtins(settings))))


def leaves(tree: dict[str, object]) -> list[object]:
    return [
        leaf for value in tree.values() for leaf in (leaves(value) if isinstance(value, dict) else [value])
    ]


def test_the_password_of_a_database_is_hidden(tmp_path: Path) -> None:
    file = tmp_path / "counterpoint.toml"
    file.write_text("", encoding="utf-8")
    settings = Settings(graph=GraphSettings(url="postgresql://ana:secret@db/graph"))
    shown = {row.name: row.value for row in setting_rows(settings, file, {})}["graph.url"]
    assert shown == "postgresql://ana:***@db/graph"


def test_the_password_of_an_engine_is_hidden(tmp_path: Path) -> None:
    file = tmp_path / "counterpoint.toml"
    file.write_text("", encoding="utf-8")
    settings = Settings(engine="clickhouse://ana:secret@lake:8443/events?secure=true")
    shown = {row.name: row.value for row in setting_rows(settings, file, {})}["engine"]
    assert shown == "clickhouse://ana:***@lake:8443/events?secure=true"


def test_the_page_shows_the_workspace_its_health_and_the_local_user(
    client: TestClient, workspace: Workspace
) -> None:
    text = client.get("/settings", headers=HTML).text
    assert str(workspace.path) in text
    assert "--no-auth" in text
    assert "The database is sound" in text
    assert "counterpoint account create NAME" in text


def test_a_token_is_shown_once_and_revoked(
    client: TestClient, csrf: Callable[[httpx2.Response], str]
) -> None:
    token = csrf(client.get("/settings", headers=HTML))
    form = {"name": "ci", "scopes": ["read", "events:write"], "days": "30", "_csrf_token": token}
    made = client.post("/settings/tokens", data=form, headers=HTML)
    assert made.status_code == 200
    (secret,) = set(re.findall(r"cpt_[\w-]{43}", made.text))
    assert client.get("/api/v1/activity", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert secret not in client.get("/settings", headers=HTML).text
    gone = client.post(
        "/settings/tokens/revoke", data={"name": "ci", "_csrf_token": token}, follow_redirects=False
    )
    assert (gone.status_code, gone.headers["location"]) == (303, "/settings?told=revoked")
    assert (
        "The token is revoked" in client.get(gone.headers["location"], headers={"accept": "text/html"}).text
    )
    assert "nonsense" not in client.get("/settings?told=nonsense", headers={"accept": "text/html"}).text
    assert client.get("/api/v1/activity", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"name": ""}, 400, "must be 1 to 63 letters"),
        ({"scopes": []}, 400, "Choose at least one of read"),
        ({"scopes": ["root"]}, 400, "is no scope"),
        ({"days": "soon"}, 400, "must be a whole number of days"),
        ({"days": "0"}, 400, "must be a whole number of days"),
        ({"days": "1" * 5000}, 400, "must be a whole number of days"),
        ({"name": "taken"}, 409, "There is a token"),
    ],
)
def test_a_form_with_an_error_says_it_and_keeps_what_was_typed(
    client: TestClient,
    csrf: Callable[[httpx2.Response], str],
    change: dict[str, object],
    status: int,
    message: str,
) -> None:
    token = csrf(client.get("/settings", headers=HTML))
    good: dict[str, object] = {"name": "ci", "scopes": ["read"], "days": "7", "_csrf_token": token}
    client.post("/settings/tokens", data={**good, "name": "taken"}, headers=HTML)
    response = client.post("/settings/tokens", data={**good, **change}, headers=HTML)
    assert response.status_code == status
    assert message in response.text.replace("&#39;", "'")
    if "days" not in change:
        assert 'value="7"' in response.text


def test_a_member_sees_no_tokens(guarded: TestClient, sign_in: Callable[..., httpx2.Response]) -> None:
    sign_in(guarded, "first")
    guarded.cookies.clear()
    sign_in(guarded, "ana")
    text = guarded.get("/settings", headers=HTML).text
    assert "Administrators manage tokens." in text
    assert "Make the token" not in text
