"""The page of docs names all that is public, and what it shows is true."""

import doctest
import re
from pathlib import Path

from counterpoint import stats

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_the_examples_of_the_page_are_true() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried > 15) == (0, True)


def test_every_public_name_is_on_the_page() -> None:
    text = re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.DOTALL)
    named = {name for quoted in re.findall(r"`([^`]+)`", text) for name in re.findall(r"\w+", quoted)}
    assert set(stats.__all__) - named == set()


def test_every_public_function_has_an_example_and_every_class_a_docstring() -> None:
    for name in stats.__all__:
        value = getattr(stats, name)
        if callable(value) and hasattr(value, "__module__") and value.__module__.startswith("counterpoint"):
            assert value.__doc__, name
            if not isinstance(value, type):
                assert ">>>" in value.__doc__, name
