"""Whatever sequence of decisions an owner takes, none is refused and the record only grows."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from counterpoint.bets.decisions import decide
from counterpoint.bets.model import Decision
from counterpoint.bets.store import read, write
from counterpoint.bets.transitions import Choice
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph

ANA = Actor("user:default/ana", "Ana", "person")
REF = "bet:default/weekly"


class Deciding(RuleBasedStateMachine):
    """Ana's squad decides, and figures come in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="counterpoint-")
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        self.recorded: list[Decision] = []
        ours = {"apiVersion": "counterpoint.dev/v1"}
        theirs = {"apiVersion": "backstage.io/v1alpha1"}
        experiment = {
            "owner": "discovery",
            "bet": "weekly",
            "flag": "f",
            "control": "a",
            "treatments": ["b"],
            "success": [],
        }
        with self.graph.write(SYSTEM) as writer:
            writer.put(
                theirs
                | {
                    "kind": "Group",
                    "metadata": {"name": "discovery"},
                    "spec": {"type": "squad", "children": []},
                }
            )
            writer.put(
                theirs | {"kind": "User", "metadata": {"name": "ana"}, "spec": {"memberOf": ["discovery"]}}
            )
            writer.put(ours | {"kind": "Experiment", "metadata": {"name": "test"}, "spec": experiment})
        write(
            self.graph,
            ours | {"kind": "Bet", "metadata": {"name": "weekly"}, "spec": {"owner": "discovery"}},
            actor=ANA,
        )

    def teardown(self) -> None:
        self.graph.close()
        self.folder.cleanup()

    @rule(choice=st.sampled_from(Choice), reason=st.sampled_from(["Because.", "We saw it ourselves."]))
    def decide(self, choice: Choice, reason: str) -> None:
        made = decide(self.graph, REF, choice, actor=ANA, reason=reason)
        if self.recorded:
            assert made.stage_before == self.recorded[-1].stage_after
            assert made.state_before == self.recorded[-1].state_after
        self.recorded.append(made)

    @rule(verdict=st.sampled_from(["ship", "do not ship", "invalid"]))
    def figures_come_in(self, verdict: str) -> None:
        with self.graph.write(SYSTEM) as writer:
            writer.record(
                "experiment.read",
                "experiment:default/test",
                after={"verdict": verdict, "sentence": "As read."},
            )

    @invariant()
    def the_record_only_grows(self) -> None:
        line = read(self.graph, REF)
        assert list(reversed(line.decisions)) == self.recorded
        if self.recorded:
            assert (line.bet.stage, line.bet.state) == (
                self.recorded[-1].stage_after,
                self.recorded[-1].state_after,
            )


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(max_examples=6, stateful_step_count=10, deadline=None)
