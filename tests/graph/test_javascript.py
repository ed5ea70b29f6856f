"""Numbers as JavaScript writes them."""

import pytest

from counterpoint.javascript import js_numbers, js_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Two", "Two"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-3, "-3"),
        (0.1, "0.1"),
        (1.5e-7, "1.5e-7"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.25e300, "1.25e+300"),
        (2**53, "9007199254740992"),
        (2**53 + 1, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
        (-12345678901234567890, "-12345678901234567000"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (123456.789, "123456.789"),
    ],
)
def test_scalars_are_written_as_by_string(value: object, text: str) -> None:
    assert js_text(value) == text


def test_numbers_of_a_document_are_those_that_json_stringify_writes() -> None:
    document = {"a": [1.0, 1.5, {"b": 12345678901234567890}], "c": True, "d": None, "e": "1.0", "f": 1e21}
    found = js_numbers(document)
    assert found == {"a": [1, 1.5, {"b": 12345678901234567000}], "c": True, "d": None, "e": "1.0", "f": 1e21}
    assert [type(item) for item in found["a"][:2]] == [int, float]
    assert found["c"] is True
