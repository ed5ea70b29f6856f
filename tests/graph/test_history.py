"""The graph against a plain dict: whatever is done to it, present and past agree with the model."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterpoint.errors import NotFoundError
from counterpoint.graph import SYSTEM, Graph
from counterpoint.graph.descriptor import normalise, relations_of
from tests.graph.documents import component, group, user

NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.one_of(
    st.builds(
        lambda name, owner, other: component(name, owner=owner, dependsOn=[f"component:{other}"]),
        NAMES,
        NAMES,
        NAMES,
    ),
    st.builds(
        lambda name, members, parent: group(name, members=members, parent=parent),
        NAMES,
        st.lists(NAMES, max_size=2),
        NAMES,
    ),
    st.builds(lambda name, units: user(name, *units), NAMES, st.lists(NAMES, max_size=2)),
)
State = dict[str, dict[str, Any]]


def ref_of(document: dict[str, Any]) -> str:
    return f"{document['kind'].lower()}:default/{document['metadata']['name']}"


class GraphMachine(RuleBasedStateMachine):
    """Puts, deletes and failures, each transaction compared with a dict and its past states."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        self.state: State = {}
        self.past: list[tuple[datetime, State]] = []
        self.versions: dict[str, int] = {}

    def teardown(self) -> None:
        self.graph.close()
        self.folder.cleanup()

    @rule(documents=st.lists(DOCUMENTS, min_size=1, max_size=3), preload=st.booleans())
    def put(self, documents: list[dict[str, Any]], preload: bool) -> None:
        with self.graph.write(SYSTEM) as writer:
            if preload:
                writer.preload([*map(ref_of, documents), "component:never"])
            for document in documents:
                ref, plain = ref_of(document), normalise(document)
                known = self.state.get(ref)
                expected = "created" if known is None else "unchanged" if known == plain else "updated"
                assert writer.put(document).outcome == expected
                self.versions[ref] = self.versions.get(ref, 0) + (expected != "unchanged")
                self.state[ref] = plain
        self.remember()

    @precondition(lambda self: self.state)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        ref = data.draw(st.sampled_from(sorted(self.state)))
        with self.graph.write(SYSTEM) as writer:
            writer.delete(ref)
            try:
                writer.delete(ref)
            except NotFoundError:
                pass
            else:
                raise AssertionError("deleted twice")
        del self.state[ref]
        self.versions[ref] += 1
        self.remember()

    @rule(document=DOCUMENTS)
    def fail(self, document: dict[str, Any]) -> None:
        try:
            with self.graph.write(SYSTEM) as writer:
                writer.put(document)
                writer.flush()
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        at, state = data.draw(st.sampled_from(self.past))
        self.compare(state, at)

    @invariant()
    def present(self) -> None:
        self.compare(self.state, None)
        with self.graph.read() as reader:
            for ref, count in self.versions.items():
                assert [each.version for each in reader.history(ref)] == list(range(1, count + 1))

    def remember(self) -> None:
        with self.graph.read() as reader:
            newest = reader.activity(limit=1)
        if newest and (not self.past or newest[0].at != self.past[-1][0]):
            assert not self.past or newest[0].at > self.past[-1][0]  # one moment never means two states
            self.past.append((newest[0].at, dict(self.state)))
        elif self.past:
            assert self.past[-1][1] == self.state

    def compare(self, state: State, at: datetime | None) -> None:
        edges = set[tuple[str, str, str]]().union(*(relations_of(document) for document in state.values()))
        with self.graph.read() as reader:
            found = reader.all(at=at)
            assert {entity.ref: entity.document for entity in found} == state
            assert reader.find(at=at, limit=100).total == len(state)
            for entity in found:
                expected = sorted((kind, target) for source, kind, target in edges if source == entity.ref)
                assert [(edge.type, edge.target) for edge in entity.relations] == expected
                assert reader.get(entity.ref, at=at) == entity


TestGraphMachine = GraphMachine.TestCase
TestGraphMachine.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
