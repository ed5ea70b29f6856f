"""Any sequence of steps by either side: the states are those of the model, and both views stay side by side."""

from collections.abc import Iterator
from datetime import date

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from counterpoint.bets.dependencies.model import DependencyState, Severity, Step
from counterpoint.bets.dependencies.store import list_dependencies, report_dependency, take_step
from counterpoint.errors import ConflictError, InputError, NotAllowedError
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ANA, BOSS, CLEO, LEAD
from tests.bets.machines import OnGraph

DAY = date(2026, 11, 27)
LIVE = {"reported", "confirmed", "disputed", "agreed"}
FROM = {"confirm": {"reported", "disputed"}, "dispute": {"reported", "confirmed"}}
TO = {"confirm": "confirmed", "dispute": "disputed", "agree": "agreed", "clear": "gone"}


class Dependencies(OnGraph):
    """The table of the model written anew, beside the store. Discovery (Ana) waits for Player (Cleo)."""

    @initialize(reporter=st.sampled_from((ANA, CLEO)), severity=st.sampled_from(Severity))
    def report(self, reporter: Actor, severity: Severity) -> None:
        self.open_graph()
        made = report_dependency(
            self.graph, "discovery", "player", "Storage", actor=reporter, severity=severity, today=DAY
        )
        self.number, self.reporter = made.dependency.id, reporter
        self.state, self.severity, self.plan = "reported", severity, ""
        self.words = {ANA: "", CLEO: ""}

    @rule(
        who=st.sampled_from((ANA, CLEO, LEAD)),
        step=st.sampled_from(Step),
        text=st.sampled_from(("", "Our view.", "Another view.")),
        severity=st.sampled_from(Severity),
    )
    def somebody_steps(self, who: Actor, step: Step, text: str, severity: Severity) -> None:
        refused = self.refusal(who, step, text)
        graded = severity if step is Step.REGRADE else None
        try:
            take_step(self.graph, self.number, step, text, actor=who, severity=graded, today=DAY)
        except (ConflictError, InputError, NotAllowedError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        self.state = TO.get(step, self.state)
        if step is Step.REGRADE:
            self.severity = severity
        if step is Step.AGREE:
            self.plan = text
        elif text:
            self.words[who] = text

    def refusal(self, who: Actor, step: Step, text: str) -> type[Exception] | None:
        """What the model says of a step: none where it is made."""
        if step in ("dispute", "agree", "say") and not text:
            return InputError
        if who is LEAD:
            return NotAllowedError
        if self.state not in FROM.get(step, LIVE):
            return ConflictError
        wrong_side = (step in FROM and who is self.reporter) or (step == "regrade" and who is CLEO)
        return NotAllowedError if wrong_side else None

    @invariant()
    def everybody_reads_the_same(self) -> None:
        for held in self.held():
            assert held == (self.state, self.severity, self.plan, self.words[ANA], self.words[CLEO])
        assert bool(list_dependencies(self.graph, actor=BOSS)) == (self.state != "gone")

    def held(self) -> Iterator[tuple[DependencyState, Severity, str, str, str]]:
        for who in (ANA, CLEO, LEAD):
            (seen,) = list_dependencies(self.graph, actor=who, gone=True, today=DAY)
            here = seen.dependency
            yield here.state, here.severity, here.plan, here.from_words, here.to_words


Dependencies.TestCase.settings = settings(max_examples=6, stateful_step_count=14, deadline=None)
TestDependencies = Dependencies.TestCase
