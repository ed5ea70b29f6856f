"""Which engine computes on the journal: the address in the setting `engine`, read into its parts. Pure."""

import re
from typing import Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from counterpoint.spelling import near

__all__ = ["DUCKDB", "ENGINES", "EngineAddress", "Kind", "chosen_engine", "read_engine"]

Kind = Literal["duckdb", "spark", "clickhouse"]
ENGINES: tuple[str, ...] = get_args(Kind)
LOCAL = re.compile(r"local(\[(\d+|\*)\])?")
FORMS = {
    "duckdb": '"duckdb"',
    "spark": '"spark://local[2]" in this process\' machine, or "spark://host:7077" for a cluster',
    "clickhouse": '"clickhouse://local" in this process, or "clickhouse://user:password@host:8123/database" for a server',
}


class EngineAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An engine, and where it is."""

    kind: Kind
    master: str = ""
    """Of Spark: its master, such as `local[2]` or `spark://host:7077`."""
    host: str | None = None
    """Of ClickHouse; none means in this process."""
    port: int | None = None
    user: str | None = None
    password: str | None = None
    database: str | None = None
    secure: bool = False
    """Over HTTPS."""

    @property
    def shown(self) -> str:
        """The address for people, without the password."""
        if self.kind == "duckdb":
            return "duckdb"
        if self.kind == "spark":
            return self.master if "://" in self.master else f"spark://{self.master}"
        if self.host is None:
            return "clickhouse://local"
        who = f"{self.user}{':***' if self.password else ''}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"clickhouse://{who}{host}{port}{f'/{self.database}' if self.database else ''}{'?secure=true' if self.secure else ''}"


DUCKDB = EngineAddress(kind="duckdb")


def read_engine(text: str) -> EngineAddress:
    """The engine that an address names.

    Raises:
        ValueError: it is no address of an engine; the message says what one looks like.

    >>> read_engine("spark://local[2]").master, read_engine("spark://lake:7077").master
    ('local[2]', 'spark://lake:7077')
    """
    kind, separator, rest = text.partition("://")
    if kind == "duckdb" and not separator:
        return DUCKDB
    if kind == "spark" and separator:
        return _spark(text, rest)
    if kind == "clickhouse" and separator:
        return _clickhouse(text, rest)
    if kind in FORMS:
        raise ValueError(f"{text!r} is no address of {kind}; write {FORMS[kind]}")
    hint = near(kind, ENGINES) or f"; it knows {', '.join(ENGINES[:-1])} and {ENGINES[-1]}"
    # What is written without its "://" may hold a password all the same.
    raise ValueError(f"{kind.partition(':')[0]!r} is no engine of this version{hint}")


def chosen_engine(setting: EngineAddress, asked: str | None) -> EngineAddress:
    """The engine for one analysis: what was asked for, or the setting's.

    An engine that is asked for by its name alone is the setting's, if that is of this kind, and else
    the one in this process or on this machine.

    Raises:
        ValueError: as `read_engine`.
    """
    if asked is None or asked == setting.kind:
        return setting
    local = {"spark": "spark://local[*]", "clickhouse": "clickhouse://local"}
    return read_engine(local.get(asked, asked))


def _spark(text: str, rest: str) -> EngineAddress:
    if LOCAL.fullmatch(rest):
        return EngineAddress(kind="spark", master=rest)
    hosts = rest.split(",")  # several masters, of which one leads
    if all(re.fullmatch(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", host) for host in hosts):
        return EngineAddress(kind="spark", master=text)
    raise ValueError(f"{_masked(text)!r} is no address of spark; write {FORMS['spark']}")


def _clickhouse(text: str, rest: str) -> EngineAddress:
    if rest == "local":
        return EngineAddress(kind="clickhouse")
    wrong = ValueError(f"{_masked(text)!r} is no address of clickhouse; write {FORMS['clickhouse']}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    secure = options.pop("secure", "false")
    if not parts.hostname or options or secure not in ("true", "false") or "/" in parts.path[1:]:
        raise wrong
    return EngineAddress(
        kind="clickhouse",
        host=parts.hostname,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=unquote(parts.path[1:]) or None,
        secure=secure == "true",
    )


def _masked(text: str) -> str:
    return re.sub(r"(//[^/@]*?):[^/@]*@", r"\1:***@", text)
