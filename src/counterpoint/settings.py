"""The settings of a workspace: `counterpoint.toml`, overlaid by `COUNTERPOINT_*` variables.

A variable names its table before a double underscore: `COUNTERPOINT_CATALOG__READ_HOSTS` sets
`read_hosts` in `[catalog]`. Its value is read as TOML, and as plain text where that fails.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from counterpoint.errors import InputError, Problem

__all__ = [
    "CatalogSettings",
    "GraphSettings",
    "JournalSettings",
    "ServerSettings",
    "Settings",
    "load_settings",
]

PREFIX = "COUNTERPOINT_"
RESERVED = frozenset({"WORKSPACE"})
"""Variables of the command line that are no settings."""


class GraphSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the graph lives."""

    url: str | None = None
    """A PostgreSQL address; none means `graph.db` in the workspace."""


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the journal keeps its events."""

    queue: int = 200_000
    """Events that may wait for the disk before new ones are answered with 429."""
    compact_after: int = 50_000
    """Events in the intake after which they are moved into Parquet segments."""
    identity_days: int = 30
    """Days for which a repeated (source, id) is recognised."""


class CatalogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the catalog may read."""

    read_hosts: tuple[str, ...] = ()
    """`host` or `host:port` from which `url` locations may be read."""


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server answers."""

    max_body_mb: int = 50
    """Largest request body, in MiB."""
    session_hours: int = 12
    """Hours after which a person signs in again."""
    secure_cookies: bool = True
    """Send cookies over HTTPS only; loopback addresses are exempt."""
    hosts: tuple[str, ...] = ()
    """Further host names by which a server on loopback is reached, such as a proxy's."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a workspace, each with its default."""

    name: str = "Workspace"
    """What the organisation calls itself; shown in the navigation."""
    engine: str = "duckdb"
    """The journal's engine."""
    graph: GraphSettings = GraphSettings()
    journal: JournalSettings = JournalSettings()
    catalog: CatalogSettings = CatalogSettings()
    server: ServerSettings = ServerSettings()


def load_settings(file: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of one workspace.

    Raises:
        InputError: the file is no TOML, or a setting is unknown or has the wrong type; the problem
            names the file and the setting's pointer.
    """
    try:
        tree: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("The settings are not valid TOML.", [Problem(str(error), file=str(file))]) from error
    _overlay(tree, os.environ if environment is None else environment)
    try:
        return msgspec.convert(tree, Settings, strict=True)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        pointer = path.rstrip("`").replace(".", "/")
        raise InputError(
            "A setting is not valid.", [Problem(text, pointer=pointer, file=str(file))]
        ) from error


def _overlay(tree: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in RESERVED:
            continue
        *tables, key = name.removeprefix(PREFIX).lower().split("__")
        target = tree
        for table in tables:
            target = target.setdefault(table, {})
        target[key] = _value(text)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
