"""What state machines of this room begin with: a graph of their own with the little organisation in it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis.stateful import RuleBasedStateMachine

from counterpoint.graph import Graph
from tests.bets.concerns.conftest import fill

__all__ = ["OnGraph"]


class OnGraph(RuleBasedStateMachine):
    """A machine over a graph, which `open_graph` makes in its first rule."""

    def open_graph(self) -> None:
        self.folder = TemporaryDirectory()
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        fill(self.graph)

    def teardown(self) -> None:
        if hasattr(self, "graph"):
            self.graph.close()
            self.folder.cleanup()
