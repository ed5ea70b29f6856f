"""Settings: what is wrong with one is said in plain words, with the file or the variable that gave it."""

from pathlib import Path

import pytest

from counterpoint.errors import InputError
from counterpoint.settings import load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "counterpoint.toml"


def refused(file: Path, environment: dict[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        load_settings(file, environment)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 3", "/colour: there is no setting colour; there are name, engine, graph"),
        ("[journal]\nquue = 5", "/journal/quue: there is no setting quue; did you mean queue?"),
        ("name = 3", "/name: it must be text, not a whole number"),
        ("[journal]\nqueue = -5", "/journal/queue: it must be at least 1"),
        ("[catalog]\nread_hosts = [3]", "/catalog/read_hosts/0: it must be text, not a whole number"),
        ("graph = 3", "/graph: it must be a table of settings, not a whole number"),
        (
            '[journal]\nretention = {"a.b" = 5, "page.viewed" = 0}',
            '/journal/retention/page.viewed: 0 is no number of days; write a whole number from 1 to 3650000, such as { "page.viewed" = 90 }',
        ),
        ('[journal.retention]\n"*" = "x"', '/journal/retention/*: "x" is no number of days'),
        ('[journal.retention]\n"*" = 99999999999', "/journal/retention/*: 99999999999 is no number of days"),
        (
            "[journal]\nretention = 5",
            "/journal/retention: it must be a table of settings, not a whole number",
        ),
        ('engine = "spark"', "/engine: 'spark' is no address of spark; write \"spark://local[2]\""),
        ("name = = 3", "counterpoint.toml:1:8: "),
    ],
)
def test_a_wrong_setting_is_named_with_file_and_place(file: Path, text: str, said: str) -> None:
    file.write_text(text, encoding="utf-8")
    message = refused(file, {})
    assert message.startswith(str(file))
    assert said in message


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COUNTERPOINT_NAM", "x", "/nam: there is no setting nam; did you mean name?"),
        ("COUNTERPOINT_JOURNAL__QUEUE", "abc", "/journal/queue: it must be a whole number, not text"),
        ("COUNTERPOINT_NAME__X", "1", "/name: it must be text, not a table of settings"),
        ("COUNTERPOINT_ENGINE", "spark", "/engine: 'spark' is no address of spark"),
    ],
)
def test_a_wrong_variable_is_blamed_and_not_the_file(file: Path, name: str, value: str, said: str) -> None:
    file.write_text('name = "Kvist"\n', encoding="utf-8")
    message = refused(file, {name: value})
    assert message.startswith(f"${name} ")
    assert said in message


def test_text_that_is_not_utf_8_is_said_in_plain_words(file: Path) -> None:
    file.write_bytes(b"name = '\xff'")
    assert "byte 8 is not UTF-8; save the file as UTF-8" in refused(file, {})


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbfname = "Kvist"\n')
    assert load_settings(file, {"COUNTERPOINT_WORKSPACE": "x"}).name == "Kvist"
