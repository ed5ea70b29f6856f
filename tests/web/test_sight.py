"""The line of sight: up to purposes and down again, from whatever the graph holds."""

from typing import Any

import pytest

from counterpoint.errors import NotFoundError
from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM
from counterpoint.web.sight import Branch, Sight, sight_nodes_of, sight_of, sight_of_flag


def ours(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"owner": "us", **spec},
    }


FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


@pytest.fixture
def joined(graph: Graph) -> Graph:
    flags = {
        "list": FLAG | {"metadata": {"bet": "weekly", "component": "builder"}},
        "loose": FLAG,
        "broken": FLAG | {"metadata": {"bet": "not a reference: at all", "component": 7}},
    }
    documents = [
        ours("Purpose", "music", statement="Music for everyone."),
        ours("Belief", "taste", statement="Taste can be learned.", purpose="music", insights=["work"]),
        ours("Insight", "work", statement="Finding is work.", data=["seen"]),
        ours("Datum", "seen", statement="41 playlists."),
        ours("Bet", "weekly", beliefs=["taste"], purpose="music"),
        ours("Bet", "lost"),
        ours("FlagSet", "default", definition={"flags": flags}),
        ours("Experiment", "test", bet="weekly", flag="list", control="off", treatments=["on"]),
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": "builder"},
            "spec": {"type": "service", "lifecycle": "production", "owner": "us"},
        },
    ]
    with graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)
    return graph


def sight(graph: Graph, ref: str) -> Sight:
    with graph.read() as reader:
        return sight_of(reader, ref)


def chains(found: Sight) -> list[list[str]]:
    return [[f"{node.kind} {node.ref.rpartition('/')[2]}" for node in line] for line in found.lines]


def tree(branches: tuple[Branch, ...]) -> dict[str, Any]:
    return {branch.node.ref.rpartition("/")[2]: tree(branch.parts) for branch in branches}


def test_a_component_traces_through_its_flag_to_the_purpose(joined: Graph) -> None:
    found = sight(joined, "component:default/builder")
    assert found.traced
    assert chains(found) == [
        ["Purpose music", "Belief taste", "Bet weekly", "Flag list", "Component builder"]
    ]


def test_a_flag_and_an_experiment_trace_as_well(joined: Graph) -> None:
    with joined.read() as reader:
        flag = sight_of_flag(reader, "default", "list")
    assert chains(flag)[0][0] == "Purpose music"
    assert tree(flag.parts) == {"builder": {}}
    assert chains(sight(joined, "experiment:default/test"))[0][0] == "Purpose music"


def test_data_and_insights_trace_through_the_belief(joined: Graph) -> None:
    assert chains(sight(joined, "datum:default/seen")) == [
        ["Purpose music", "Belief taste", "Insight work", "Datum seen"]
    ]


def test_a_purpose_leads_down_to_the_software(joined: Graph) -> None:
    assert tree(sight(joined, "purpose:default/music").parts) == {
        "taste": {"weekly": {"list": {"builder": {}}, "test": {}}}
    }


@pytest.mark.parametrize("key", ["loose", "broken"])
def test_what_names_nothing_traces_to_nothing(joined: Graph, key: str) -> None:
    with joined.read() as reader:
        assert not sight_of_flag(reader, "default", key).traced
    assert not sight(joined, "bet:default/lost").traced


def test_a_purpose_that_is_not_there_is_shown_and_does_not_count(joined: Graph) -> None:
    with joined.write(SYSTEM) as writer:
        writer.put(ours("Bet", "lost", purpose="nowhere"))
    found = sight(joined, "bet:default/lost")
    assert not found.traced
    assert sight_nodes_of(found.lines[0])[0]["note"] == "not in the catalog yet"


def test_what_is_not_there_is_not_found(joined: Graph) -> None:
    with joined.read() as reader:
        for ask in (
            lambda: sight_of(reader, "bet:default/none"),
            lambda: sight_of_flag(reader, "default", "none"),
        ):
            with pytest.raises(NotFoundError):
                ask()


def test_a_circle_of_goals_ends(joined: Graph) -> None:
    with joined.write(SYSTEM) as writer:
        for name, parent in (("one", "two"), ("two", "one")):
            writer.put(ours("Goal", name, metric="m", target=1, parent=parent))
    assert chains(sight(joined, "goal:default/one")) == [["Goal two", "Goal one"]]
