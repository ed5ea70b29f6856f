"""Location references, and the addresses in them. Pure.

A location reference is `type:target`, such as `file:/srv/catalog-info.yaml` or `url:https://host/x.yaml`.
"""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from counterpoint.errors import InputError
from counterpoint.graph.weburls import is_absolute_url

__all__ = ["has_secret", "host_of", "is_address", "is_allowed", "is_script", "parse_location", "resolve"]

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_GAP = "[\r\n\t]*"
SCRIPT = re.compile("[\x00-\x1f ]*" + _GAP.join("javascript") + _GAP + ":", re.IGNORECASE)
"""How browsers recognise a script: with line breaks and tabs anywhere in its scheme."""
PORTS = {"http": 80, "https": 443}
_JS_SPACE = " \t\n\r\x0b\x0c\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def parse_location(text: str) -> tuple[str, str]:
    """The type and the target of a location reference.

    >>> parse_location("url:https://a.example/catalog-info.yaml")
    ('url', 'https://a.example/catalog-info.yaml')

    Raises:
        InputError: a part is missing, the type is missing before an address, or the target is a script.
    """
    kind, colon, target = text.partition(":")
    kind, target = kind.strip(_JS_SPACE), target.strip(_JS_SPACE)
    if not colon or not kind or not target:
        raise InputError(
            f"Unable to parse location ref '{text}', expected '<type>:<target>', e.g. 'url:https://host/path'"
        )
    if kind in {"http", "https"}:
        raise InputError(f"Invalid location ref '{text}', please prefix it with 'url:', e.g. 'url:{text}'")
    if is_script(target):
        raise InputError(f"Invalid location ref '{text}', target is a javascript: URL")
    return kind, target


def is_script(text: str) -> bool:
    """Whether a browser would run it."""
    return SCRIPT.match(text) is not None


def is_address(target: str) -> bool:
    """Whether a target is a URL and not a path."""
    return ADDRESS.match(target) is not None


def resolve(base: str, target: str) -> str:
    """A target of a document that was read from the URL `base`; its query is the base's, as in Backstage."""
    if is_absolute_url(target):
        return target
    found = urlsplit(urljoin(base, target))
    return urlunsplit(found._replace(query=urlsplit(base).query))


def host_of(address: str) -> str | None:
    """The `host` or `host:port` of a web address as the setting `read_hosts` writes it, in lower case.

    The port is left out where it is the scheme's own. None where the address is none of the web, or
    carries a name and password.
    """
    parts = _split(address)
    if parts is None or parts.username is not None or parts.password is not None:
        return None
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return host if port in (None, PORTS[parts.scheme]) else f"{host}:{port}"


def is_allowed(address: str, hosts: Collection[str]) -> bool:
    """Whether an address may be read: its host and port are exactly one of those allowed."""
    host = host_of(address)
    return host is not None and host in {_plain(each) for each in hosts}


def has_secret(address: str) -> bool:
    """Whether an address carries a name or password, which everybody would see who sees the address."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return "@" in parts.netloc


def _plain(host: str) -> str:
    return host.strip().lower()


def _split(address: str) -> SplitResult | None:
    if not address.isprintable() or " " in address or "\\" in address:
        return None  # readers disagree about these; an address that needs them is written with %XX
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in PORTS and parts.hostname else None
