"""Where each thing has its page. The addresses are contracts: other programs and bookmarks hold them."""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from counterpoint.graph.similar.likeness import entity_of

__all__ = ["catalog_url", "entity_url", "flag_url", "ref_parts", "set_url", "thing_url", "with_query"]

ROOM_PAGES = {
    "bet": "/bets",
    "dashboard": "/dashboards",
    "datum": "/bets/why/datum",
    "experiment": "/experiments",
    "group": "/units",
    "insight": "/bets/why/insight",
    "metric": "/dashboards/metrics",
    "recommender": "/discover",
    "rollout": "/rollouts",
    "scorecard": "/scorecards",
    "user": "/people",
}
"""Kinds that have pages of their own; all others are in the catalog."""


def ref_parts(ref: Any) -> tuple[str, str, str]:
    """Return kind, namespace and name of a canonical reference, given as text or as an object with these fields.

    The graph writes every reference in full; in foreign text a kind that is missing is empty here, and a
    namespace that is missing is the default one.
    """
    if not isinstance(ref, str):
        return str(ref.kind).lower(), str(ref.namespace), str(ref.name)
    kind, colon, rest = ref.partition(":")
    if not colon:
        kind, rest = "", ref
    namespace, slash, name = rest.partition("/")
    if not slash:
        namespace, name = "default", rest
    return kind.lower(), namespace, name


def entity_url(ref: Any) -> str:
    """Return the address of an entity's page."""
    kind, namespace, name = ref_parts(ref)
    if kind == "flagset":
        return set_url(name)
    place = f"{quote(namespace, safe='')}/{quote(name, safe='')}"
    if kind in ROOM_PAGES:
        return f"{ROOM_PAGES[kind]}/{place}"
    return catalog_url(ref)


def catalog_url(ref: Any) -> str:
    """Return the address of an entity in the catalog, with its descriptor and history, whatever page it has besides."""
    kind, namespace, name = ref_parts(ref)
    place = f"{quote(namespace, safe='')}/{quote(name, safe='')}"
    return f"/catalog/{quote(kind, safe='') or 'unknown'}/{place}"


def thing_url(ref: str) -> str:
    """Return the address of a thing that may exist twice: an entity's page, or that of its documentation."""
    entity = entity_of(ref)
    return entity_url(ref) if entity == ref else f"{catalog_url(entity)}/docs"


def set_url(flag_set: str) -> str:
    """Return the address of a flag set's page."""
    return f"/flags/{quote(flag_set, safe='')}"


def flag_url(flag_set: str, key: str) -> str:
    """Return the address of a flag's page; a key may hold slashes, which stay.

    A key that would not survive as a path (an empty one, or one with an empty, "." or ".." between its
    slashes) stands in the query.
    """
    if {"", ".", ".."}.isdisjoint(key.split("/")):
        return f"{set_url(flag_set)}/{quote(key, safe='/')}"
    return f"/flags/-/flag/{quote(flag_set, safe='')}?{urlencode({'key': key})}"


def with_query(url: str, **changes: Any) -> str:
    """Return the address with query parameters set, or left out where the value is None or empty."""
    parts = urlsplit(url)
    query = {name: value for name, value in parse_qsl(parts.query) if name not in changes}
    query.update({name: str(value) for name, value in changes.items() if value not in (None, "")})
    return parts.path + (f"?{urlencode(query)}" if query else "")
