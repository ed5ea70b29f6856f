"""The page of the documentation says what the code does."""

import re
from pathlib import Path

import msgspec

from counterpoint.bets.model import STAGES, Bet
from counterpoint.bets.shown import EXAMPLE
from counterpoint.bets.transitions import Choice
from counterpoint.graph.descriptor import validate

PAGE = (Path(__file__).parents[2] / "docs" / "bets.md").read_text()


def test_the_yaml_of_the_page_and_of_the_empty_list_is_valid() -> None:
    written = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert written
    for text in (written[1], EXAMPLE):
        document = msgspec.yaml.decode(text.replace(": 2026-09-30", ": '2026-09-30'"))
        assert validate(document) == []


def test_every_choice_and_every_field_has_its_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
    fields = set(Bet.__struct_fields__) - {
        "ref",
        "namespace",
        "name",
        "title",
        "etag",
        "updated_at",
        "description",
    }
    assert {choice.value for choice in Choice} | fields == rows


def test_the_exit_questions_are_those_of_the_pages() -> None:
    for guide in STAGES:
        assert f"| {guide.stage.label} | {guide.goal} | {guide.exit_question} |" in PAGE
