"""How values are written for people."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.web.formats import (
    ago,
    day,
    initials,
    marked,
    moment,
    number,
    paragraphs,
    percent,
    plural,
    short,
    unbroken,
)

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=40), "24 Mar 2026"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_distance_in_time_is_told_in_words(distance: timedelta, words: str) -> None:
    assert f">{words}</time>" in ago(NOW - distance, NOW)


def test_times_are_written_in_utc_for_people_and_machines() -> None:
    there = datetime(2026, 5, 3, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == (
        '<time datetime="2026-05-02T23:30:00Z" title="2 May 2026, 23:30 UTC">2 May 2026, 23:30</time>'
    )
    assert day("2026-05-03") == '<time datetime="2026-05-03">3 May 2026</time>'
    assert day(date(2026, 5, 3)) == day("2026-05-03")
    assert ago(date(2026, 5, 3), NOW) == day("2026-05-03")


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(TypeError, match="int is no date"):
        day(3)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1234567, None, "1,234,567"),
        (0, None, "0"),
        (0.123456, None, "0.123"),
        (1234.5, None, "1,234"),
        (-2.5, None, "−2.5"),
        (-0.0001, 1, "0.0"),
        (3.14159, 2, "3.14"),
        (float("nan"), None, "–"),
        (float("inf"), None, "∞"),
        (float("-inf"), 1, "−∞"),
        (0.00001234, None, "1.2e-05"),
    ],
)
def test_numbers(value: float, places: int | None, text: str) -> None:
    assert number(value, places) == text


def test_percentages_carry_their_sign_when_asked() -> None:
    assert percent(0.1234) == "12.3\u202f%"
    assert percent(0.031, signed=True) == "+3.1\u202f%"
    assert percent(-0.02) == "−2.0\u202f%"
    assert percent(0.0, signed=True) == "0.0\u202f%"


def test_words_follow_their_count() -> None:
    assert [plural(count, "entry", "entries") for count in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("ref", "name"), [("group:default/search", "search"), ("group:ops/search", "ops/search"), ("ana", "ana")]
)
def test_references_are_told_by_name(ref: str, name: str) -> None:
    assert short(ref) == name


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Lind", "AL"), ("discovery", "D"), ("new-radio team", "NT"), ("", "?"), ("…", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_paragraphs_keep_their_lines_and_escape_the_rest() -> None:
    assert paragraphs("one\ntwo\n\n<b>three</b>") == "<p>one<br>two</p><p>&lt;b&gt;three&lt;/b&gt;</p>"
    assert paragraphs(None) == ""


def test_search_words_are_marked_where_a_word_begins_with_them() -> None:
    assert (
        marked("Radio <radio> tabradio", "radio") == "<mark>Radio</mark> &lt;<mark>radio</mark>&gt; tabradio"
    )
    assert marked("a.c abc", "a.c") == "<mark>a</mark>.<mark>c</mark> <mark>a</mark>bc"
    assert marked("<i>", "") == "&lt;i&gt;"


@given(st.text(), st.text(max_size=20))
def test_marking_never_lets_markup_through(text: str, term: str) -> None:
    rest = marked(text, term).replace("<mark>", "").replace("</mark>", "")
    assert "<" not in rest
    assert rest.unescape() == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_number_has_a_text_without_a_hyphen_as_minus(value: float) -> None:
    assert not number(value).startswith("-")


def test_a_figure_keeps_its_per_cent_beside_it() -> None:
    assert unbroken("rose by 8.2 % (to 3.1 pp) 4 pps") == "rose by 8.2\u202f% (to 3.1\u202fpp) 4 pps"
