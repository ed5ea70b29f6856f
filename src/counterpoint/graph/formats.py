"""The text formats of a descriptor: names, labels, tags, versions, links.

Each check answers True or False for text; the limits are those of Backstage's catalog model.
"""

import re
from functools import lru_cache

from counterpoint.graph.weburls import is_absolute_url

__all__ = [
    "is_api_version",
    "is_key",
    "is_kind",
    "is_label_value",
    "is_name",
    "is_namespace",
    "is_subdomain",
    "is_tag",
    "is_url",
]

LABEL = 63
SUBDOMAIN = 253
KNOWN = 1_024
"""Texts whose answer is kept: versions, kinds, keys and tags are few, and come in every descriptor."""

_VERSION = re.compile(r"[a-z0-9A-Z]+")
_KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
_TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")


@lru_cache(maxsize=KNOWN)
def is_api_version(text: str) -> bool:
    """`[prefix/]suffix`: a DNS subdomain and 1 to 63 letters and digits."""
    prefix, slash, suffix = text.rpartition("/")
    return (not slash or is_subdomain(prefix)) and _fits(_VERSION, suffix)


@lru_cache(maxsize=KNOWN)
def is_kind(text: str) -> bool:
    """1 to 63 letters and digits that start with a letter."""
    return _fits(_KIND, text)


def is_name(text: str) -> bool:
    """1 to 63 of letters, digits, `-`, `_` and `.`, with a letter or digit at both ends."""
    return _fits(_NAME, text)


def is_namespace(text: str) -> bool:
    """A DNS label: 1 to 63 lower-case letters and digits, joined by dashes."""
    return _fits(_DNS_LABEL, text)


def is_subdomain(text: str) -> bool:
    """DNS labels joined by dots, 253 characters at most."""
    return len(text) <= SUBDOMAIN and all(is_namespace(label) for label in text.split("."))


@lru_cache(maxsize=KNOWN)
def is_key(text: str) -> bool:
    """The key of a label or annotation: `[DNS subdomain/]name`."""
    prefix, slash, name = text.partition("/")
    return is_subdomain(prefix) and is_name(name) if slash else is_name(text)


def is_label_value(text: str) -> bool:
    """Empty, or what a name may be."""
    return text == "" or is_name(text)


@lru_cache(maxsize=KNOWN)
def is_tag(text: str) -> bool:
    """1 to 63 of lower-case letters, digits, `:`, `+` and `#`, joined by single dashes."""
    return _fits(_TAG, text)


def is_url(text: str) -> bool:
    """An absolute address, as a browser reads it. Scripts are some, too: pages link only what is followable."""
    return is_absolute_url(text)


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    return 1 <= len(text) <= LABEL and pattern.fullmatch(text) is not None
