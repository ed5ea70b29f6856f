"""Counts of lists: the index and the database say the same."""

import itertools
from datetime import UTC, datetime

import pytest

from counterpoint.catalog.listed import counts
from counterpoint.graph import SYSTEM
from tests.graph.documents import component, document, group, user


@pytest.fixture
def filled(workspace):
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("home"))
        writer.put(user("ana", "home"))
        for number, (type_, owner, tags) in enumerate(
            itertools.product(
                ["service", "Service", "library"], ["home", "away"], [[], ["go"], ["go", "python"]]
            )
        ):
            writer.put(component(f"c{number}", owner=owner, metadata={"tags": tags}, type=type_))
        writer.put(document("System", "s", {"owner": "home", "type": "service"}))
    return workspace


CHOICES = [
    {},
    {"kind": "Component"},
    {"kind": "Component", "owner": "group:default/home"},
    {"type": "service"},
    {"type": "Service", "tag": "go"},
    {"kind": "Component", "tag": "python", "lifecycle": "production"},
    {"owner": "group:default/nobody"},
    {"tag": "cobol"},
]


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_the_index_counts_what_the_database_counts(filled, chosen):
    with filled.graph.read() as reader:
        passing, total, values = counts(filled, reader, chosen, None)
        later = datetime.now(UTC).replace(year=2100)
        assert counts(filled, reader, chosen, later) == (passing, total, values)
        assert reader.find(limit=0, **chosen).total == passing


def test_words_are_counted_by_the_database(filled):
    with filled.graph.read() as reader:
        passing, total, values = counts(filled, reader, {"text": "ana"}, None)
    assert (passing, total) == (1, 21)
    assert values["kind"] == [("User", 1)]
