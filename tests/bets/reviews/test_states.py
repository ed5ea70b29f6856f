"""Reviews in any sequence: who votes, who reveals and closes, and what anybody sees of it all the while."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterpoint.bets.decisions import decide
from counterpoint.bets.reviews.fists import released
from counterpoint.bets.reviews.sittings import (
    ALLOWED,
    ReviewState,
    Step,
    advance,
    open_review,
    review,
    reviews_page,
    vote,
)
from counterpoint.errors import ConflictError, InputError, NotAllowedError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph
from tests.bets.judgement.test_predicting import ADMIN, ANA, BO, REF, UNIT, with_bet

MEMBERS = [Actor(f"user:default/m{number}", f"M{number}", "person", units=UNIT) for number in range(6)]


class Reviewing(RuleBasedStateMachine):
    """Members vote and change their votes, the squad reveals and closes and opens the next; others look on and try."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="counterpoint-")
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        with_bet(self.graph)
        self.past: list[tuple[str, tuple[str, ...]]] = []
        """Closed reviews, with their minutes."""
        self.begin()

    def teardown(self) -> None:
        self.graph.close()
        self.folder.cleanup()

    def begin(self) -> None:
        self.number = open_review(self.graph, "discovery", actor=ANA).id
        self.state = ReviewState.OPEN
        self.votes: dict[str, int] = {}
        self.receipts: dict[str, str] = {}
        self.chosen: list[str] = []

    @rule(who=st.sampled_from(MEMBERS), fist=st.integers(1, 5), keeps=st.booleans())
    def vote(self, who: Actor, fist: int, keeps: bool) -> None:
        receipt = self.receipts.get(who.ref, "") if keeps else ""
        if self.state is ReviewState.OPEN and (who.ref not in self.votes or receipt):
            self.receipts[who.ref] = vote(self.graph, self.number, fist, actor=who, receipt=receipt)
            self.votes[who.ref] = fist
        else:
            with pytest.raises(ConflictError):
                vote(self.graph, self.number, fist, actor=who, receipt=receipt)

    @precondition(lambda self: self.state is ReviewState.OPEN)
    @rule(fist=st.integers(1, 5))
    def the_rest_votes(self, fist: int) -> None:
        for who in MEMBERS:
            if who.ref not in self.votes:
                self.vote(who, fist, keeps=False)

    @rule(who=st.sampled_from([BO, ADMIN]), fist=st.sampled_from([0, 3]))
    def others_try(self, who: Actor, fist: int) -> None:
        with pytest.raises((NotAllowedError, InputError)):
            vote(self.graph, self.number, fist, actor=who)
        with pytest.raises(NotAllowedError):
            advance(self.graph, self.number, Step.CLOSE, actor=BO)

    @precondition(lambda self: self.state is not ReviewState.CLOSED)
    @rule(choice=st.sampled_from(["pause", "persevere", "kill"]))
    def decide(self, choice: str) -> None:
        try:
            decide(self.graph, REF, choice, actor=ANA, reason="Because.")
        except ConflictError:
            return
        self.chosen.append(choice)

    @rule(step=st.sampled_from(Step))
    def step(self, step: Step) -> None:
        after = ALLOWED.get((self.state, step))
        if after is None:
            with pytest.raises(ConflictError):
                advance(self.graph, self.number, step, actor=ANA)
            return
        assert advance(self.graph, self.number, step, actor=ANA).state is after
        self.state = after
        self.receipts.clear()  # dropped at the reveal, so none opens anything any more

    @rule()
    def open_the_next(self) -> None:
        if self.state is ReviewState.CLOSED:
            self.past.append((self.number, tuple(self.chosen)))
            self.begin()
        else:
            with pytest.raises(ConflictError, match="close it first"):
                open_review(self.graph, "discovery", actor=ANA)

    @invariant()
    def everybody_sees_what_they_may(self) -> None:
        for who in (MEMBERS[0], MEMBERS[5], BO, ADMIN, SYSTEM):
            seen = review(self.graph, self.number, actor=who)
            assert (seen.state, seen.voted) == (self.state, len(self.votes))
            assert seen.has_voted is (who.ref in self.votes)
            assert [line.chosen for line in seen.minutes] == self.chosen
            hidden = self.state is ReviewState.OPEN or who not in MEMBERS
            assert seen.fists == (None if hidden else released(list(self.votes.values()))[0])

    @invariant()
    def what_is_past_stays_as_it_was(self) -> None:
        for number, chosen in self.past:
            seen = review(self.graph, number, actor=BO)
            assert (seen.state, tuple(line.chosen for line in seen.minutes)) == (ReviewState.CLOSED, chosen)


TestReviewing: Any = Reviewing.TestCase
TestReviewing.settings = settings(max_examples=4, stateful_step_count=15, deadline=None)


def test_reviews_are_read_page_by_page(graph: Graph) -> None:
    with_bet(graph)
    numbers = []
    for _ in range(3):
        numbers.append(open_review(graph, "discovery", actor=ANA).id)
        advance(graph, numbers[-1], Step.CLOSE, actor=ANA)
    first = reviews_page(graph, "discovery", actor=BO, limit=2)
    second = reviews_page(graph, "discovery", actor=BO, limit=2, cursor=first.next_cursor)
    assert [each.id for page in (first, second) for each in page.items] == numbers[::-1]
    assert second.next_cursor is None
    with pytest.raises(InputError, match="no cursor"):
        reviews_page(graph, "discovery", actor=BO, cursor="x")
