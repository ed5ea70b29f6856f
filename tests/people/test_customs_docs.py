"""The page of the documentation says what the code does."""

import re
from pathlib import Path

import yaml

from counterpoint.graph.descriptor import validate
from counterpoint.practices import LIMITS, PRACTICES, RULES
from counterpoint.vocabulary import NOUNS, PACKS

PAGE = (Path(__file__).parents[2] / "docs" / "vocabulary.md").read_text(encoding="utf-8")


def test_every_noun_pack_practice_rule_and_limit_has_its_row_with_its_words() -> None:
    rows = dict(re.findall(r"^\| `([\w]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    for noun in NOUNS.values():
        assert rows[noun.key] == f"{noun.one}, {noun.many} | {noun.meaning}"
    for practice in PRACTICES.values():
        assert rows[practice.key].startswith(practice.meaning)
    for rule in RULES.values():
        assert rows[rule.id] == f"{rule.text} | {rule.shown or 'yes'}"
    for limit in LIMITS.values():
        assert rows[limit.key] == f"{limit.default} | {limit.text}. {limit.reason}"
    assert PACKS.keys() <= rows.keys()


def test_the_documents_of_the_page_are_valid() -> None:
    documents = [
        yaml.safe_load(text.replace(": off", ": 'off'"))
        for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    ]
    assert len(documents) == 2
    for document in documents:
        assert validate(document) == []
