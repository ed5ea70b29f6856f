"""docs/openfeature.md says what the code does."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openfeature import api
from openfeature.exception import ProviderFatalError

from counterpoint.journal import logs, otlp
from counterpoint.openfeature import CounterpointProvider, reporting

from .conftest import DEADLINE, Server, definition

PAGE = (Path(__file__).parents[2] / "docs" / "openfeature.md").read_text(encoding="utf-8")
WITH_SERVER, WITHOUT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_guide_runs_against_a_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.definition = definition(**{"new-checkout": "on"})
    program = WITH_SERVER.replace("http://127.0.0.1:7700", server.url).replace("cpt_...", "cpt_x")
    program = program.replace("api.set_provider(provider)", "api.set_provider_and_wait(provider)")
    named: dict[str, CounterpointProvider] = {}
    exec(program, named)  # noqa: S102 - our own page
    assert named["provider"].flush(DEADLINE)
    api.shutdown()
    (exposed,) = server.asked("/v1/logs")
    assert exposed.records[0]["feature_flag.context.id"] == "user-1"
    assert b"order.placed" in server.asked("/api/events")[0].body
    assert (tmp_path / "flags-cache.json").exists()


def test_the_guide_runs_without_a_server() -> None:
    named: dict[str, object] = {}
    exec(WITHOUT, named)  # noqa: S102 - as above
    assert api.get_client().get_string_value("greeting", "") == "Hello!"


def test_the_limits_and_names_of_the_page_are_the_codes() -> None:
    assert f"{reporting.MOST_WAITING:,} exposures wait" in PAGE
    assert f"batches of\n{reporting.BATCH}" in PAGE
    assert f"{logs.MAX_BODY // 2**20} MiB" in PAGE
    assert f"unpack to {logs.MAX_UNPACKED // 2**20} MiB" in PAGE
    for name in (*otlp.TEXTS, otlp.UID):
        assert f"`{name}`" in PAGE or name == "feature_flag.evaluation.error.message", name


def test_the_scopes_of_the_page_are_those_that_a_refusal_names(
    server: Server, make: Callable[..., CounterpointProvider]
) -> None:
    server.status = server.stream_status = 403
    with pytest.raises(ProviderFatalError) as caught:
        make().initialize(api.get_evaluation_context())
    for scope in ("read", "flags:evaluate", "events:write"):
        assert scope in str(caught.value.error_message)
        assert f"--scope {scope}" in PAGE
