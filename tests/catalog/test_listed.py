"""Counts of lists: the index and the database say the same."""

import itertools
from datetime import UTC, datetime

import pytest

from counterpoint.catalog.listed import KEYS, counts
from counterpoint.graph import SYSTEM
from counterpoint.graph.counting import count_with_words
from tests.graph.documents import component, document, group, user


@pytest.fixture
def filled(workspace):
    fill(workspace.graph)
    return workspace


def fill(graph):
    with graph.write(SYSTEM) as writer:
        writer.put(group("home"))
        writer.put(user("ana", "home"))
        for number, (type_, owner, tags) in enumerate(
            itertools.product(
                ["service", "Service", "library"], ["home", "away"], [[], ["go"], ["go", "python"]]
            )
        ):
            writer.put(component(f"c{number}", owner=owner, metadata={"tags": tags}, type=type_))
        writer.put(document("System", "s", {"owner": "home", "type": "service"}))


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


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
@pytest.mark.parametrize("text", ["home", "c1 home", "nothing", "ho serv"])
def test_words_are_looked_up_once_and_counted_as_one_by_one(graph, text, chosen):
    fill(graph)
    with graph.read() as reader:
        passing, values = count_with_words(reader, text, chosen, tuple(KEYS))
        assert passing == reader.find(limit=0, text=text, **chosen).total
        for name, found in values.items():
            others = {field: value for field, value in chosen.items() if field != name}
            assert found == reader.facets(name, text=text, **others)
