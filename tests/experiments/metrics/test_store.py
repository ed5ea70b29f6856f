"""Metrics in the graph: who may define one."""

import pytest

from counterpoint import Workspace
from counterpoint.errors import NotAllowedError
from counterpoint.experiments.metrics import store
from counterpoint.graph.actor import Actor
from tests.experiments.metrics.conftest import entity


def person(name: str, *units: str) -> Actor:
    return Actor(f"user:default/{name}", name, "person", units=frozenset(units))


def test_nobody_defines_a_metric_in_the_name_of_a_unit_of_others(squad: Workspace) -> None:
    document = entity("Metric", "opens", {"direction": "increase", "aggregation": "count", "event": "opened"})
    with pytest.raises(NotAllowedError, match="rita is no member"):
        store.write(squad, document, actor=person("rita"), new=True)
    stored = store.write(squad, document, actor=person("ana", "group:default/games"), new=True)
    assert stored.definition.owner == "group:default/games"
