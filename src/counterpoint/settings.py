"""The settings of a workspace: `counterpoint.toml`, overlaid by `COUNTERPOINT_*` variables.

A variable names its table before a double underscore: `COUNTERPOINT_CATALOG__READ_HOSTS` sets
`read_hosts` in `[catalog]`. Its value is read as TOML, and as plain text where that fails.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from counterpoint.engine import read_engine
from counterpoint.errors import InputError, Problem
from counterpoint.spelling import near

__all__ = [
    "CatalogSettings",
    "DiscoverSettings",
    "FlagSettings",
    "GraphSettings",
    "JournalSettings",
    "RolloutSettings",
    "ServerSettings",
    "Settings",
    "load_settings",
]

PREFIX = "COUNTERPOINT_"
RESERVED = frozenset({"WORKSPACE"})
"""Variables of the command line that are no settings."""
CHOICES = {"/catalog/orphans": "keep or delete", "/discover/device": "auto, cpu or gpu"}
"""What settings that are one of a few words may be."""
_NOUNS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "array": "a list", "object": "a table of settings", "null": "nothing",
}  # fmt: skip
_ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_ORIGIN = re.compile(r"https?://[^/\s@*?#]+")
_WAREHOUSE = re.compile(r"[a-z0-9_-]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")

Count = Annotated[int, msgspec.Meta(ge=1)]
MOST_DAYS = 3_650_000
Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]


class GraphSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the graph lives."""

    url: str | None = None
    """A PostgreSQL address; none means `graph.db` in the workspace."""


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the journal keeps its events."""

    queue: Count = 200_000
    """Events that may wait for the disk before new ones are answered with 429."""
    buffer_mb: Count = 128
    """MiB of events that may wait, and of requests with events that may be on their way; beyond it, 429."""
    compact_after: Count = 50_000
    """Events in the intake after which they are moved into Parquet segments."""
    identity_days: Days = 30
    """Days for which a repeated (source, id) is recognised."""
    daily_mb: Annotated[int, msgspec.Meta(ge=0)] = 2_000
    """MB of sums by user and day that are kept so that a result after a new day costs the new day; 0 keeps none."""
    retention: dict[str, Days] = {}
    """Days that the events of a type are kept, by the time of the event; `*` is for the types that it does not name."""
    shared: str | None = None
    """The journal's folder as the machines of Spark or ClickHouse see it; none means by the same path as here."""


class CatalogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the catalog may read."""

    read_hosts: tuple[str, ...] = ()
    """`host` or `host:port` from which `url` locations may be read."""
    strict: bool = False
    """Answer exactly as Backstage does, with the quirks that we mend otherwise."""
    orphans: Literal["keep", "delete"] | None = None
    """What becomes of entities that no file declares any more; none means "delete" where strict, else "keep"."""
    unknown_kinds: bool = False
    """Take entities of kinds that nobody has registered."""
    readonly: bool = False
    """Refuse to register and delete locations."""
    watch: bool = True
    """Read imported files again when they are saved, while the server runs."""


class FlagSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How flags are kept and served."""

    environments: tuple[str, ...] = ("development", "staging", "production")
    """The environments that flag sets are promoted through, in order; the last is the one whose set has the bare name."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may evaluate flags with a token or client key, such as `https://shop.example`; none means any."""
    context: dict[str, Any] = {}
    """Attributes that every remote evaluation has, whatever the client sends."""
    context_headers: dict[str, str] = {}
    """Headers of the request with the attribute that each gives, such as `X-Country = "country"`."""
    rate: Count | None = None
    """Remote evaluations a second that one token may ask for; none means any number."""


class RolloutSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How rollouts are checked."""

    every_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 60
    """Seconds from one check of the rollouts that are under way to the next while the server runs; 0 leaves it to
    `counterpoint rollouts step`."""


class DiscoverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of listeners, and how soon models follow them."""

    least_listeners: Annotated[int, msgspec.Meta(ge=20)] = 20
    """Listeners of a group of which anything is told; it can be raised, and not lowered, for no role weakens privacy."""
    follow_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 30
    """Seconds from one look for listeners who were forgotten or withdrew consent to the next while the server runs, after
    which its versions are fitted anew without them; 0 leaves it to `counterpoint discover follow`."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """What dense parts of a fit are computed on: `auto` takes a GPU where CuPy or PyTorch finds one, `cpu` never."""
    time_zone: str = "UTC"
    """The clock by which it is a weekday morning for listeners whose events name no zone of their own."""


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server answers."""

    max_body_mb: Count = 50
    """Largest request body, in MiB."""
    session_hours: Count = 12
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
    """What computes on the journal: `duckdb`, `spark://…` or `clickhouse://…`."""
    graph: GraphSettings = GraphSettings()
    journal: JournalSettings = JournalSettings()
    catalog: CatalogSettings = CatalogSettings()
    flags: FlagSettings = FlagSettings()
    rollouts: RolloutSettings = RolloutSettings()
    discover: DiscoverSettings = DiscoverSettings()
    server: ServerSettings = ServerSettings()
    warehouses: dict[str, str] = {}
    """Addresses of warehouses that experiments may read tables of, by name: `duckdb://…`, `sqlite://…`, `postgres://…`."""


def load_settings(file: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of one workspace.

    Raises:
        InputError: the file is no TOML, or a setting is unknown or has the wrong type; the problem
            names the file (or the variable) and the setting's pointer.
    """
    tree = _parsed(file)
    variables = os.environ if environment is None else environment
    given = _overlay(tree, variables)
    try:
        settings = msgspec.convert(tree, Settings, strict=True)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        pointer = re.sub(r"\[(\d+)\]", r"/\1", path.rstrip("`").replace(".", "/"))
        if path == ".journal.retention[...]`":  # msgspec does not say which one
            text, pointer = _retention(tree["journal"]["retention"])
        raise _refusal(file, given, *_in_words(text, pointer)) from error
    try:
        read_engine(settings.engine)
    except ValueError as error:
        raise _refusal(file, given, str(error), "/engine") from error
    for index, name in enumerate(settings.flags.environments):
        if not _ENVIRONMENT.fullmatch(name) or name in settings.flags.environments[:index]:
            message = (
                f"{name!r} is no environment; each is one word of letters, digits and dashes, named once"
            )
            raise _refusal(file, given, message, f"/flags/environments/{index}")
    for index, origin in enumerate(settings.flags.origins):
        if not _ORIGIN.fullmatch(origin) or origin != origin.lower():
            message = f"{origin!r} is no origin; write scheme and host in small letters, such as https://shop.example, without a path"
            raise _refusal(file, given, message, f"/flags/origins/{index}")
    if zone_problem := _zone_problem(settings.discover.time_zone):
        raise _refusal(file, given, zone_problem, "/discover/time_zone")
    for name, address in settings.warehouses.items():
        if not _WAREHOUSE.fullmatch(name):
            message = f"{name!r} is no name of a warehouse; write small letters, digits, - and _"
            raise _refusal(file, given, message, f"/warehouses/{name}")
        if "://" not in address:  # it may hold a password all the same, so it is not repeated
            message = (
                "it is no address; write one such as duckdb://sales.duckdb or postgres://user@host/database"
            )
            raise _refusal(file, given, message, f"/warehouses/{name}")
    for name, attribute in settings.flags.context_headers.items():
        secret = name.lower() in ("authorization", "cookie", "x-api-key")
        if secret or not _HEADER.fullmatch(name) or not attribute:
            message = (
                f"{name!r} holds secrets and gives no attribute"
                if secret
                else f"{name!r} is no header with the name of an attribute"
            )
            raise _refusal(file, given, message, f"/flags/context_headers/{name}")
    return settings


def _zone_problem(name: str) -> str | None:
    """What is wrong with the name of a time zone."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return f"{name!r} is no time zone; write one such as Europe/Stockholm or UTC"
    return None


def _retention(rules: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with the first rule that is no number of days, and its pointer."""
    for name, days in rules.items():
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
            message = f"{days!r} is no number of days; write a whole number from 1 to {MOST_DAYS}, such as {{ {name!r} = 90 }}"
            return message.replace("'", '"'), f"/journal/retention/{name}"
    return "it must be days by type of event", "/journal/retention"


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        place = _AT_LINE.search(text)
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        problem = Problem(_AT_LINE.sub("", text), file=str(file), line=line, column=column)
        raise InputError("The settings are not valid TOML.", [problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem(f"byte {error.start} is not UTF-8; save the file as UTF-8", file=str(file))
        raise InputError("The settings are not valid TOML.", [problem]) from error


def _refusal(file: Path, given: Mapping[str, str], message: str, pointer: str) -> InputError:
    """The error for one setting, at the variable that gave it or else in the file."""
    holds = (
        name
        for place, name in given.items()
        if f"{pointer}/".startswith(f"{place}/") or place.startswith(f"{pointer}/")
    )
    variable = next(holds, None)
    problem = Problem(message, pointer=pointer, file=f"${variable}" if variable else str(file))
    return InputError("A setting is not valid.", [problem])


def _in_words(text: str, pointer: str) -> tuple[str, str]:
    """What msgspec says of a setting in plain words, with the pointer to the setting itself."""
    if unknown := re.search(r"unknown field `(.*)`", text):
        name, table = unknown[1], pointer.strip("/")
        known = _fields(table)
        hint = near(name, known) or f"; there are {', '.join(known)}"
        return f"there is no setting {name}{hint}", f"{pointer}/{name}"
    if other := re.search(r"Invalid enum value '(.*)'", text):
        return f"it must be {CHOICES[pointer]}, not {other[1]}", pointer
    if smallest := re.search(r">= (\d+)", text):
        return f"it must be at least {smallest[1]}", pointer
    if shape := re.fullmatch(r"Expected `(.*)`, got `(.*)`", text):
        wanted, found = (
            " or ".join(_NOUNS.get(part, part) for part in side.split(" | ")) for side in shape.groups()
        )
        return f"it must be {wanted}, not {found}", pointer
    return text, pointer


def _fields(table: str) -> tuple[str, ...]:
    holder = getattr(Settings(), table) if table else Settings()
    return tuple(msgspec.structs.asdict(holder))


def _overlay(tree: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Put the variables into the tree; returned is each variable's name by the pointer that it sets."""
    given = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in RESERVED:
            continue
        *tables, key = name.removeprefix(PREFIX).lower().split("__")
        target = tree
        for table in tables:
            inner = target.setdefault(table, {})
            if not isinstance(inner, dict):  # such as COUNTERPOINT_NAME__X: a setting is no table
                inner = target[table] = {}
            target = inner
        target[key] = _value(text)
        given["/" + "/".join([*tables, key])] = name
    return given


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
