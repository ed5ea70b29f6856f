"""The settings in force, each with where its value comes from. Pure, apart from the file it is given."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.engine import read_engine
from counterpoint.settings import PREFIX, Settings

__all__ = ["SettingRow", "setting_rows"]

_PASSWORD = re.compile(r"(//[^/@:\s]*):[^/\s]*@")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting."""

    name: str
    """As in the file: `server.session_hours`."""
    value: str
    source: str
    """A variable, the settings file, or `default`."""


def setting_rows(
    settings: Settings, file: Path, environment: Mapping[str, str] | None = None
) -> list[SettingRow]:
    """Every setting in the order of its definition; passwords in addresses are hidden."""
    written = tomllib.loads(file.read_text(encoding="utf-8"))
    variables = {name.upper() for name in (os.environ if environment is None else environment)}
    rows = []
    for name, value in _leaves(msgspec.to_builtins(settings), ""):
        variable = PREFIX + name.upper().replace(".", "__")
        file_name = file.name if _holds(written, name) else "default"
        rows.append(SettingRow(name, _shown(name, value), variable if variable in variables else file_name))
    return rows


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _holds(written: Mapping[str, Any], name: str) -> bool:
    *tables, key = name.split(".")
    for table in tables:
        written = written.get(table, {})
    return key in written


def _shown(name: str, value: Any) -> str:
    if value is None or value in ([], ()):
        return "none"
    if name == "graph.url":
        return sa.make_url(str(value)).render_as_string(hide_password=True)
    if name.startswith("warehouses."):
        return _PASSWORD.sub(r"\1:***@", str(value))
    if name == "engine":
        return read_engine(str(value)).shown
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
