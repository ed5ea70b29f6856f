"""The page of the documentation says what the code does."""

import re
from pathlib import Path

import msgspec

from counterpoint.bets.evidence import LADDER
from counterpoint.bets.model import Bet
from counterpoint.bets.risks import WEIGHTS, WORDS
from counterpoint.bets.shown import EXAMPLE
from counterpoint.bets.staleness import QUIET_DAYS
from counterpoint.bets.transitions import Choice
from counterpoint.graph.bet_kinds import BET_KINDS
from counterpoint.graph.descriptor import validate

PAGE = (Path(__file__).parents[2] / "docs" / "bets.md").read_text()


def test_the_yaml_of_the_page_and_of_the_empty_list_is_valid() -> None:
    written = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert written
    for text in (written[1], EXAMPLE):
        document = msgspec.yaml.decode(text.replace(": 2026-09-30", ": '2026-09-30'"))
        assert validate(document) == []


def test_every_choice_and_every_field_has_its_row() -> None:
    rows = set(_rows("Writing a bet")) | set(_rows("Decisions"))
    fields = set(Bet.__struct_encode_fields__) - {
        "ref",
        "namespace",
        "name",
        "title",
        "etag",
        "updatedAt",
        "description",
    }
    assert {choice.value for choice in Choice} | fields == rows


def test_every_kind_that_a_bet_rests_on_has_its_row_with_its_fields() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", _section("From data to bets"), re.MULTILINE))
    for kind in (kind for kind in BET_KINDS if kind.name != "Bet"):
        for field in kind.fields:
            assert field.name == "owner" or f"`{field.name}`" in told[kind.name]


def test_weights_words_and_days_are_those_of_the_code() -> None:
    for rung, weight in zip(LADDER, WEIGHTS, strict=True):
        assert re.search(rf"^\| {rung.strength} {rung.name} \|.*\| {weight:g} \|", PAGE, re.MULTILINE)
    told = ", ".join(f"{stage.label} {days}" for stage, days in QUIET_DAYS.items())
    assert told in PAGE.replace("Think it 21 days", "Think it 21")
    for word, _meaning in WORDS.values():
        assert f"| {word} |" in PAGE


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _rows(title: str) -> list[str]:
    return re.findall(r"^\| `(\w+)`", _section(title), re.MULTILINE)
