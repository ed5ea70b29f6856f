"""Addresses of pages."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from counterpoint.web.etags import etag_header, read_etags
from counterpoint.web.urls import entity_url, flag_url, ref_parts, with_query


@dataclass
class Named:
    kind: str = "Bet"
    namespace: str = "default"
    name: str = "radio"


@pytest.mark.parametrize(
    ("ref", "url"),
    [
        ("component:default/search", "/catalog/component/default/search"),
        ("bet:default/discover-weekly", "/bets/default/discover-weekly"),
        ("experiment:growth/price", "/experiments/growth/price"),
        ("flagset:default/mobile", "/flags/mobile"),
        ("group:a b/c?d", "/units/a%20b/c%3Fd"),
        ("nothing", "/catalog/unknown/default/nothing"),
        (Named(), "/bets/default/radio"),
    ],
)
def test_entity_has_its_page(ref: object, url: str) -> None:
    assert entity_url(ref) == url


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("User:default/Ana", ("user", "default", "Ana")),
        ("group:search", ("group", "default", "search")),
        ("search", ("", "default", "search")),
        (Named(), ("bet", "default", "radio")),
    ],
)
def test_parts_of_references(ref: object, parts: tuple[str, str, str]) -> None:
    assert ref_parts(ref) == parts


def test_flag_keys_keep_their_slashes() -> None:
    assert flag_url("default", "checkout/new button") == "/flags/default/checkout/new%20button"


@pytest.mark.parametrize(
    ("url", "changes", "expected"),
    [
        ("/catalog", {"kind": "API"}, "/catalog?kind=API"),
        ("/catalog?kind=API&owner=x", {"kind": None}, "/catalog?owner=x"),
        ("/catalog?kind=API", {"kind": "User", "cursor": ""}, "/catalog?kind=User"),
        ("/catalog?page=1", {"page": None}, "/catalog"),
    ],
)
def test_query_parameters_are_set_and_left_out(url: str, changes: dict[str, object], expected: str) -> None:
    assert with_query(url, **changes) == expected


def test_conditions_are_read_from_headers() -> None:
    assert read_etags(None) is None
    assert read_etags("") == ()
    assert read_etags('"a", W/"b" ,*') == ("a", "b", "*")
    assert read_etags(etag_header("a")["ETag"]) == ("a",)


@pytest.mark.parametrize("key", ["", ".", "..", "/a", "a/", "a//b", "a/../b"])
def test_a_key_that_no_path_carries_stands_in_the_query(key: str) -> None:
    assert flag_url("a b", key) == f"/flags/-/flag/a%20b?{urlencode({'key': key})}"
