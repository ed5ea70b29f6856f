"""The text formats, at their exact boundaries."""

from collections.abc import Callable

import pytest

from counterpoint.graph import formats
from counterpoint.graph.weburls import is_followable

LONG = "a" * 63
SUBDOMAIN = ".".join(["a" * 63] * 3 + ["a" * 61])  # 253 characters
assert len(SUBDOMAIN) == 253

GOOD = [
    (formats.is_name, ["a", "A", "0", LONG, "a-b", "a_b", "a.b", "a--b", "A.b_c-9"]),
    (formats.is_namespace, ["a", "0", LONG, "a-b", "a--b", "0-a"]),
    (formats.is_kind, ["A", "a", "API", "A1", "A" * 63]),
    (formats.is_label_value, ["", "a", LONG]),
    (formats.is_key, ["a", LONG, "example.com/a", f"{SUBDOMAIN}/{LONG}", "a/A_b.c"]),
    (formats.is_subdomain, ["a", "a.b", SUBDOMAIN]),
    (formats.is_tag, ["a", "c++", "c#", "java:17", "a-b", LONG, "0"]),
    (formats.is_api_version, ["v1", "backstage.io/v1alpha1", "V1", f"{SUBDOMAIN}/{LONG}"]),
    (
        formats.is_url,
        [
            "https://example.com",
            "http://localhost:80/a?b#c",
            "mailto:a@example.com",
            "HTTPS://EXAMPLE.COM/",
            "http:///x",
            "https:/a",
            "a:",
            " https://a ",
            "ht\ttp://a",
            "http://user:word@host",
            "http://a\\b",
            "http://[::1]:80",
            "http://0x7f.1",
            "http://256",
            "http://%61",
            "http://ä.de",
            "http://a..b",
            "http://a_b",
            "foo://",
            "foo://a/b c",
            "file:",
            "file:///x",
            "javascript:alert(1)",
        ],
    ),
]
BAD = [
    (formats.is_name, ["", f"{LONG}a", "-a", "a-", "_a", "a.", "a b", "a/b", "a:b", "ä", "a\n"]),
    (formats.is_namespace, ["", f"{LONG}a", "A", "-a", "a-", "a_b", "a.b", "a\n"]),
    (formats.is_kind, ["", "1A", "A-b", "A.b", "A" * 64]),
    (formats.is_label_value, [f"{LONG}a", "a b", "-"]),
    (formats.is_key, ["", "/", "a/", "/a", "a/b/c", f"{SUBDOMAIN}a/b", f"a/{LONG}a", "A.com/b", "a..b/c"]),
    (formats.is_subdomain, ["", f"{SUBDOMAIN}a", "a.", ".a", "a..b", "A"]),
    (formats.is_tag, ["", "A", "a_b", "a--b", "-a", "a-", "a b", f"{LONG}a"]),
    (
        formats.is_api_version,
        ["", "/", "/v1", "a/", "a/b/c", "v1-a", f"a/{LONG}a", f"{SUBDOMAIN}a/v1", "A/v1"],
    ),
    (
        formats.is_url,
        [
            "",
            "example.com",
            "/path",
            "https://",
            "http://a b",
            "http://a:port",
            "http://a:65536",
            "http://user@",
            "http://:80",
            "http://[::1",
            "http://[1::2::3]",
            "http://1.2.3.256",
            "http://1.2.3.4.5",
            "http://a.1",
            "http://a%00",
            "http://a%zz",
            "http://a<b",
            "http://xn--a",
            "http://\u00ad",
            "foo://a^b",
            "foo://:80",
            "file://a b",
            "1a:b",
        ],
    ),
]


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in GOOD for text in texts])
def test_a_text_within_the_limits_is_accepted(check: Callable[[str], bool], text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in BAD for text in texts])
def test_a_text_beyond_the_limits_is_refused(check: Callable[[str], bool], text: str) -> None:
    assert not check(text)


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        ("https://a.example", True),
        ("mailto:a@b", True),
        ("javascript:alert(1)", False),
        ("\x01 java\tscript:alert(1)", False),
        ("DATA:text/html,x", False),
        ("/x", False),
    ],
)
def test_pages_follow_no_address_that_runs_a_script(text: str, followed: bool) -> None:
    assert is_followable(text) is followed
