"""Overrides come back, whatever is said of them and in which order: recorded, due, learned."""

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from counterpoint.bets.decisions import ReasonWantedError, decide
from counterpoint.bets.follow_ups import AFTER, follow_ups_of, learn, open_ones
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.moments import today_utc
from tests.bets.concerns.conftest import ADMIN, ANA, BET, BOSS, CLEO
from tests.bets.machines import OnGraph

TODAY = today_utc()
OWN = (ANA, ADMIN)


class FollowUps(OnGraph):
    """What comes back of one bet, written anew beside the store."""

    @initialize()
    def start(self) -> None:
        self.open_graph()
        self.closed = False
        self.held: dict[str, tuple[date, str]] = {}

    @rule(
        who=st.sampled_from((ANA, CLEO)),
        choice=st.sampled_from(("kill", "persevere")),
        reason=st.sampled_from(("", "We know better now.")),
        on=st.sampled_from((None, TODAY - timedelta(3), TODAY + timedelta(9))),
    )
    def somebody_decides(self, who: Actor, choice: str, reason: str, on: date | None) -> None:
        """To go on with a closed bet passes over a rule; nothing else here does."""
        override = self.closed and choice == "persevere"
        refused = NotAllowedError if who is CLEO else ReasonWantedError if override and not reason else None
        try:
            made = decide(self.graph, BET, choice, actor=who, reason=reason, follow_up_on=on)
        except (NotAllowedError, ReasonWantedError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        assert made.override is override
        if override:
            self.held[made.id] = (on or TODAY + AFTER, "")
        self.closed = choice == "kill"

    @precondition(lambda self: self.held)
    @rule(
        who=st.sampled_from((ANA, ADMIN, CLEO, BOSS)),
        at=st.integers(0, 2),
        learned=st.sampled_from(("", "It held.", "It did not hold.")),
        due=st.sampled_from((None, TODAY, TODAY + timedelta(30))),
    )
    def somebody_says_what_was_learned(self, who: Actor, at: int, learned: str, due: date | None) -> None:
        number = [*self.held, "nothing"][min(at, len(self.held))]
        refused: type[Exception] | None = NotFoundError if number == "nothing" else None
        if who not in OWN:
            refused = NotAllowedError
        if not learned and due is None:
            refused = InputError
        try:
            learn(self.graph, BET, number, actor=who, learned=learned, due=due)
        except (InputError, NotAllowedError, NotFoundError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        before, _ = self.held[number]
        self.held[number] = (due or before, learned)

    @invariant()
    def each_is_where_it_should_be(self) -> None:
        with self.graph.read() as reader:
            found = follow_ups_of(reader, [BET])
            waiting = {each.decision for each in open_ones(found, TODAY)}
        assert {each.decision: (each.due, each.learned) for each in found} == self.held
        states = {each.decision: each.state(TODAY) for each in found}
        assert states == {
            number: "learned" if said else "due" if due <= TODAY else "recorded"
            for number, (due, said) in self.held.items()
        }
        assert waiting == {number for number, state in states.items() if state == "due"}


FollowUps.TestCase.settings = settings(max_examples=15, stateful_step_count=14, deadline=None)
TestFollowUps = FollowUps.TestCase
