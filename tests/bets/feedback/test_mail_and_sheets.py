"""The words of pasted emails, and the lines of CSV files, good and broken."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.feedback.mail import words_of
from counterpoint.bets.feedback.sheets import read_lines
from counterpoint.errors import InputError

MAIL = """\
From: Ada <ada@example.org>
To: feedback@arpeggio.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Received: from 10.0.0.7
Content-Type: text/plain; charset=utf-8

The list is too long.

On Mon, 2 Nov 2026, Ana wrote:
> What do you think?
"""
PARTS = """\
From: ada@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/html; charset=utf-8

<html><head><title>No</title><style>p{}</style></head><body><p>Too <b>long</b>.</p><script>alert(1)</script></body></html>
--x
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64

c2VjcmV0
--x--
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MAIL, "The list is too long."),
        (MAIL.replace("\n", "\r\n"), "The list is too long."),
        (PARTS, "Too long."),
        ("I like it.\n\n\n\nReally.", "I like it.\n\nReally."),
        ("Note: this is no header\nbut a text.", "Note: this is no header\nbut a text."),
        ("> quoted\nMine.\n-- \nAda, +46 70 000", "Mine."),
        ("From: a@b.example\nContent-Type: text/plain; charset=nonsense\n\nHello.", "Hello."),
        ("From: a@b.example\nContent-Type: multipart/mixed\n\nno boundary", ""),
        ("", ""),
    ],
)
def test_only_what_the_sender_wrote_is_kept(text: str, words: str) -> None:
    assert words_of(text) == words


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_or_keeps_a_header(text: str) -> None:
    words_of(text)
    assert "ada@example.org" not in words_of(f"From: ada@example.org\n\n{text}")


def sheet(folder: Path, text: str | bytes) -> Path:
    file = folder / "feedback.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_each_line_stands_for_itself(tmp_path: Path) -> None:
    text = (
        "text;giver;received;colour\n"
        "Too long;Ada;2026-11-02;red\n"
        ";Bo;;\n"
        '"Two\nlines";;;\n'
        "Late;;soon;\n"
        "One;two;;;five\n"
        "\n"
        f"{'x' * 5001};;;\n"
    )
    lines, problems = read_lines(sheet(tmp_path, text))
    assert [(each.number, each.text, each.giver) for each in lines] == [
        (2, "Too long", "Ada"),
        (4, "Two\nlines", ""),
    ]
    assert [each.line for each in problems] == [1, 3, 6, 7, 9]
    assert "2026-12-31" in problems[2].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("giver\nAda\n", "no column text"),
        ("", "no column text"),
        (b"text\n\xff\xfe\n", "not UTF-8"),
        ('text\n"never closed\n', "unexpected end"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_lines(sheet(tmp_path, text))
    told = caught.value.message + " ".join(map(str, caught.value.problems))
    assert said in told
    assert "feedback.csv" in told


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(tmp_path / "none.csv")
