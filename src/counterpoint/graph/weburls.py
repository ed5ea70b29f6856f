"""Which texts are absolute URLs by the WHATWG standard: those that `new URL(text)` of a browser takes.

Backstage checks links this way, so `a:`, `https:/host` and `javascript:1` count, while `http://a b`,
`http://256.0.0.1` and `//host` do not. Whether a link may be followed is another question: pages ask
`is_followable`. Reference: https://url.spec.whatwg.org/#url-parsing
"""

import re
import unicodedata
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote_to_bytes

__all__ = ["is_absolute_url", "is_followable"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SPECIAL = frozenset({"http", "https", "ws", "wss", "ftp"})
_SCRIPTS = frozenset({"javascript", "vbscript", "data", "blob"})
_AROUND = "".join(map(chr, range(0x21)))
_INSIDE = str.maketrans("", "", "\t\n\r")
_FORBIDDEN = re.compile(r"[\x00\t\n\r #/:<>?@\[\\\]^|]")
_FORBIDDEN_DOMAIN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f]")
_PLAIN_DOMAIN = re.compile(r"[A-Za-z0-9_.!$&'()*+,;=~-]+")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_DRIVE = re.compile(r"[A-Za-z][:|]")
_IGNORED = re.compile("[\u00ad\u034f\u180b-\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff]")
_DOTS = re.compile("[\u3002\uff0e\uff61]")


def is_absolute_url(text: str) -> bool:
    """Whether a browser's `new URL(text)` would succeed.

    >>> [is_absolute_url(text) for text in ("https://a.example/x", "mailto:a@b", "/x", "http://a b")]
    [True, True, False, False]
    """
    match = _SCHEME.fullmatch(text.strip(_AROUND).translate(_INSIDE))
    if match is None:
        return False
    scheme, rest = match[1].lower(), match[2]
    if scheme in _SPECIAL:
        return _has_authority(re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0], special=True)
    if scheme == "file":
        return _is_file(rest.replace("\\", "/"))
    if rest.startswith("//"):
        return _has_authority(re.split(r"[/?#]", rest[2:], maxsplit=1)[0], special=False)
    return True


def is_followable(text: str) -> bool:
    """Whether a page may make a link of it: an absolute URL that runs no script."""
    match = _SCHEME.fullmatch(text.strip(_AROUND).translate(_INSIDE))
    return match is not None and match[1].lower() not in _SCRIPTS and is_absolute_url(text)


def _is_file(rest: str) -> bool:
    if not rest.startswith("//"):
        return True
    host = re.split(r"[/?#]", rest[2:], maxsplit=1)[0]
    return not host or _DRIVE.fullmatch(host) is not None or _is_host(host, special=True)


def _has_authority(authority: str, *, special: bool) -> bool:
    _user, at, place = authority.rpartition("@")
    bracket = place.rfind("]")
    colon = place.find(":", bracket + 1)
    host, port = (place[:colon], place[colon + 1 :]) if colon >= 0 else (place, "")
    if not host:
        return not special and not at and colon < 0
    if port and (not port.isascii() or not port.isdigit() or int(port[:9]) > 65535 or len(port) > 9):
        return False
    return _is_host(host, special=special)


def _is_host(host: str, *, special: bool) -> bool:
    if host.startswith("["):
        return host.endswith("]") and _is_ipv6(host[1:-1])
    if not special:
        return _FORBIDDEN.search(host) is None
    if not _PLAIN_DOMAIN.fullmatch(host):
        try:
            host = _mapped(unquote_to_bytes(host).decode())
        except UnicodeDecodeError:
            return False
    if not host or _FORBIDDEN_DOMAIN.search(host):
        return False
    labels = host.lower().split(".")
    return all(_is_label(label) for label in labels) and _fits_number(labels)


def _mapped(host: str) -> str:
    """The host as UTS 46 maps it, as far as the standard library knows: widths, case, dots, invisible characters."""
    host = _IGNORED.sub("", _DOTS.sub(".", host))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", host).casefold())


def _is_label(label: str) -> bool:
    if label.startswith("xn--"):
        return _is_punycode(label[4:])
    return label.isascii() or not (
        any(unicodedata.category(char) in {"Cn", "Cc", "Cf", "Co", "Cs", "Zs", "Zl", "Zp"} for char in label)
        or "\ufffd" in label
        or unicodedata.category(label[0]).startswith("M")
    )


def _is_punycode(code: str) -> bool:
    try:
        decoded = code.encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return bool(decoded) and not decoded.isascii() and _is_label(decoded)


def _fits_number(labels: list[str]) -> bool:
    """A host whose last part is a number must be an IPv4 address."""
    parts = labels[:-1] if labels[-1] == "" and len(labels) > 1 else labels
    last = parts[-1]
    if not (last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last)):
        return True
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return False
    try:
        values = [_number(part) for part in parts]
    except ValueError:
        return False
    return all(value <= 255 for value in values[:-1]) and values[-1] < 256 ** (5 - len(values))


def _number(part: str) -> int:
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except (AddressValueError, ValueError):
        return False
    return "%" not in text
