"""Whatever a unit makes of a piece of feedback, in any order: the giver, the unit, others and the bet read the same."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from counterpoint.bets.evidence import Evidence, standing
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.feedback.model import OUTCOMES, FeedbackState
from counterpoint.bets.feedback.store import (
    erase,
    erase_own,
    list_feedback,
    read_feedback,
    settle,
    status_of,
    take_in,
)
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ADMIN, ANA, BET, BO, BOSS, CLEO, SHARED
from tests.bets.machines import OnGraph

TEXT, GIVER, CONTACT = "It skips on trains.", "Quagga", "quagga@x.example"
EVERYBODY = (ANA, BO, CLEO, BOSS, ADMIN)
THEIRS = (ANA, BO, ADMIN)
"""Who may say what becomes of it: its squad, and administrators."""


class Feedback(OnGraph):
    """What the store holds, written anew beside it. It came to Discovery; Ana and Bo are of it."""

    @initialize(about=st.sampled_from((None, BET)))
    def given(self, about: str | None) -> None:
        self.open_graph()
        made = take_in(self.graph, "discovery", TEXT, actor=CLEO, bet=about, giver=GIVER, contact=CONTACT)
        self.number, self.secret, self.about = made.feedback.id, made.secret, about
        self.state, self.reply = FeedbackState.NEW, ""
        self.became: tuple[str, str, str] | None = None
        self.versions = [made.feedback.version]

    @rule(
        who=st.sampled_from(EVERYBODY),
        outcome=st.sampled_from((*OUTCOMES, "new", "erased", "gone")),
        reply=st.sampled_from(("", "Thank you.", "We mend it.")),
        bet=st.sampled_from((None, BET, SHARED, "nothing")),
        risk=st.sampled_from(("value", "usability", "none")),
        direction=st.sampled_from(("for", "against")),
        seen=st.sampled_from(("none", "newest", "stale")),
    )
    def somebody_settles(
        self, who: Actor, outcome: str, reply: str, bet: str | None, risk: str, direction: str, seen: str
    ) -> None:
        version = {"none": None, "newest": self.versions[-1], "stale": "0" * 16}[seen]
        refused = self.refusal(who, outcome, bet, risk, stale=seen == "stale")
        try:
            settled = settle(
                self.graph, self.number, outcome, actor=who, reply=reply, bet=bet, risk=risk,
                direction=direction, version=version,  # type: ignore[arg-type]
            )  # fmt: skip
        except (ConflictError, InputError, NotAllowedError, NotFoundError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        self.state, self.reply = FeedbackState(outcome), reply
        evident = self.state is FeedbackState.EVIDENCE
        self.became = (bet or self.about or "", risk, direction) if evident else None
        self.versions.append(settled.feedback.version)

    def refusal(
        self, who: Actor, outcome: str, bet: str | None, risk: str, *, stale: bool
    ) -> type[Exception] | None:
        """What the model says of it: none where it is done."""
        if self.state is FeedbackState.ERASED:
            return NotFoundError
        if who not in THEIRS:
            return NotAllowedError
        if stale:
            return ConflictError
        if outcome not in OUTCOMES:
            return InputError
        if outcome != FeedbackState.EVIDENCE:
            return None
        if not (bet or self.about):
            return InputError
        if bet == "nothing":
            return NotFoundError
        return InputError if risk == "none" else None

    @rule(who=st.sampled_from((*EVERYBODY, None)))
    def somebody_erases(self, who: Actor | None) -> None:
        gone = self.state is FeedbackState.ERASED
        refused = NotFoundError if gone else NotAllowedError if who and who not in THEIRS else None
        try:
            if who is None:
                erase_own(self.graph, self.secret)
            else:
                erase(self.graph, self.number, actor=who)
        except (NotAllowedError, NotFoundError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        self.state = FeedbackState.ERASED

    @invariant()
    def the_giver_reads_what_became_of_it(self) -> None:
        if self.state is FeedbackState.ERASED:
            try:
                status_of(self.graph, self.secret)
            except NotFoundError:
                return
            raise AssertionError("what was erased is read")
        told = status_of(self.graph, self.secret)
        assert (told.text, told.state, told.reply, told.unit) == (TEXT, self.state, self.reply, "Discovery")
        assert bool(told.about) == (self.became is not None)

    @invariant()
    def its_unit_alone_reads_who_gave_it(self) -> None:
        for who in EVERYBODY:
            found = list_feedback(self.graph, actor=who)
            if self.state is FeedbackState.ERASED:
                assert found == ()
                continue
            (seen,) = found
            assert seen == read_feedback(self.graph, self.number, actor=who)
            here = seen.feedback
            assert (here.text, here.state, here.reply) == (TEXT, self.state, self.reply)
            assert here.became == (self.became[0] if self.became else None)
            mine = who in (ANA, BO)
            assert (here.giver, here.contact) == ((GIVER, CONTACT) if mine else ("", ""))
            assert (seen.mine, seen.settles) == (mine, who in THEIRS)

    @invariant()
    def the_bet_that_it_is_evidence_for_and_no_other_weighs_it(self) -> None:
        with self.graph.read() as reader:
            bets = [reader.require(ref) for ref in (BET, SHARED)]
            found = evidence_of(reader, bets)
        weighed = [
            (row.bet, row.risk.value, row.direction.value)
            for ref in (BET, SHARED)
            for row in _weighing(found, ref)
        ]
        assert weighed == ([self.became] if self.became else [])


def _weighing(found: dict[str, tuple[Evidence, ...]], ref: str) -> list[Evidence]:
    return [row for row in standing(found.get(ref, ())) if row.strength]


Feedback.TestCase.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
TestFeedback = Feedback.TestCase
