"""Reviews: an agenda, fists that nobody can join to a person, minutes that are decisions."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from counterpoint.bets.concerns.model import Move
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.concerns.store import answer as move_on
from counterpoint.bets.deciding.model import Content, Step
from counterpoint.bets.deciding.records import propose, take_step
from counterpoint.bets.decisions import decide
from counterpoint.bets.dependencies.model import Severity
from counterpoint.bets.dependencies.store import report_dependency
from counterpoint.bets.evidence import Direction, EvidenceInput, Method
from counterpoint.bets.evidence_log import add_evidence
from counterpoint.bets.judgement.estimates import Quantity
from counterpoint.bets.judgement.predicting import ask
from counterpoint.bets.judgement.predicting import take_step as take_question
from counterpoint.bets.judgement.prediction import Step as QuestionStep
from counterpoint.bets.judgement.tables import QUESTIONS
from counterpoint.bets.model import Risk, Stage
from counterpoint.bets.reviews.boards import cadence_of, require_board, set_cadence
from counterpoint.bets.reviews.briefs import answer, brief, write_brief
from counterpoint.bets.reviews.digest import digest, week_of
from counterpoint.bets.reviews.gathering import facts_of
from counterpoint.bets.reviews.sittings import (
    SHOWN_FROM,
    ReviewState,
    advance,
    agenda_now,
    open_review,
    review,
    reviews_of,
    vote,
)
from counterpoint.bets.reviews.sittings import Step as ReviewStep
from counterpoint.bets.reviews.week import my_week
from counterpoint.bets.staleness import QUIET_DAYS
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph
from tests.bets.judgement.test_predicting import ADMIN, ANA, BET, BO, GROUP, REF, UNIT, with_bet

TODAY = datetime.now(UTC).date()
MEMBERS = [Actor(f"user:default/m{number}", f"M{number}", "person", units=UNIT) for number in range(6)]


def test_a_review_goes_from_agenda_over_fists_to_minutes(graph: Graph) -> None:
    opened = open_review(with_bet(graph), "discovery", actor=ANA)
    assert (opened.state, opened.agenda.mix) == (ReviewState.OPEN, "1 active: 1 in Think it.")
    for member, fist in zip(MEMBERS, (1, 3, 3, 5, 5, 5), strict=True):
        vote(graph, opened.id, fist, actor=member)
    assert review(graph, opened.id, actor=ANA).fists is None
    revealed = advance(graph, opened.id, ReviewStep.REVEAL, actor=ANA)
    assert revealed.fists == (1, 0, 2, 0, 3)
    decide(graph, REF, "pause", actor=ANA, reason="Summer.")
    propose(graph, Content(title="No new ones", unit="discovery", chosen="Yes", review=opened.id), actor=ANA)
    take_step(graph, 1, Step.ACCEPT, actor=ANA)
    closed = advance(graph, opened.id, ReviewStep.CLOSE, actor=ANA)
    assert [(line.title, line.chosen) for line in closed.minutes] == [
        ("weekly", "pause"),
        ("No new ones", "Yes"),
    ]
    decide(graph, REF, "kill", actor=ANA)
    assert review(graph, opened.id, actor=BO).minutes == closed.minutes
    assert [each.id for each in reviews_of(graph, "discovery", actor=ANA)] == [opened.id]


def test_fists_of_fewer_than_five_are_shown_to_nobody(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    for member in MEMBERS[: SHOWN_FROM - 1]:
        vote(graph, number, 4, actor=member)
    seen = advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    assert (seen.voted, seen.fists) == (4, None)
    assert "Talk instead" in seen.fists_note


@pytest.mark.parametrize(
    ("fist", "told"), [(1, "fewer than 3"), (2, "fewer than 3"), (4, "3 fingers or more")]
)
def test_where_all_showed_the_same_nobody_is_told_what(graph: Graph, fist: int, told: str) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    for member in MEMBERS:
        vote(graph, number, fist, actor=member)
    seen = advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    assert (seen.voted, seen.fists) == (6, None)
    assert told in seen.fists_note
    assert str(fist) not in seen.fists_note.replace("3 fingers", "")


def test_questions_that_are_due_stay_on_the_agenda_however_many_others_ask(graph: Graph) -> None:
    due = ask(with_bet(graph), REF, "Will it?", actor=ANA, reveal_on="2026-01-01").id
    other = {**BET, "metadata": {"name": "other"}, "spec": {"owner": "chapter"}}
    chapter = {**GROUP, "metadata": {"name": "chapter"}}
    with graph.write(SYSTEM) as writer:
        writer.put(chapter)
        writer.put(other)
        rows = [
            {
                "id": f"q{place}",
                "seq": 10**6 + place,
                "bet": "bet:default/other",
                "question": "?",
                "reveal_on": "",
            }
            | {"resolves_on": "", "actor": "x", "at": 1}
            for place in range(200)
        ]
        writer.connection.execute(sa.insert(QUESTIONS), rows)
    with graph.read() as reader:
        facts = facts_of(graph, reader, reader.require("group:default/discovery"), TODAY)
    assert [each.id for each in facts.questions] == [due]
    mine = my_week(graph, MEMBERS[0], TODAY).waiting
    assert [each.href for each in mine if each.href.startswith("/predictions/")] == [f"/predictions/{due}"]


def test_only_members_see_and_show_fists_administrators_included(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    for member in MEMBERS[1:]:
        vote(graph, number, 4, actor=member)
    vote(graph, number, 3, actor=MEMBERS[0])
    for stranger in (BO, ADMIN):
        with pytest.raises(NotAllowedError, match="no member"):
            vote(graph, number, 5, actor=stranger)
    advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    assert review(graph, number, actor=MEMBERS[0]).fists == (0, 0, 1, 5, 0)
    for stranger in (BO, ADMIN, SYSTEM):
        assert review(graph, number, actor=stranger).fists is None


def test_a_vote_is_changed_by_its_receipt_alone_and_not_after_the_reveal(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    receipts = [vote(graph, number, 2, actor=member) for member in MEMBERS]
    with pytest.raises(ConflictError, match="You have voted"):
        vote(graph, number, 5, actor=MEMBERS[0])
    with pytest.raises(ConflictError, match="You have voted"):
        vote(graph, number, 5, actor=MEMBERS[0], receipt="guessed")
    new = vote(graph, number, 5, actor=MEMBERS[0], receipt=receipts[0])
    assert new != receipts[0]
    seen = advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    assert seen.fists == (0, 5, 0, 0, 1)
    with pytest.raises(ConflictError, match="revealed"):
        vote(graph, number, 1, actor=MEMBERS[0], receipt=new)


def test_no_row_joins_a_fist_to_a_person_or_a_moment(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    with graph.read() as reader:
        before = reader.last_activity()
    for member in MEMBERS:
        vote(graph, number, 3, actor=member)
    with graph.read() as reader:
        assert reader.last_activity() == before  # no log entry, whose time would tell
        fists = reader.connection.execute(sa.text("SELECT * FROM bets_review_fist")).mappings().all()
        marks = reader.connection.execute(sa.text("SELECT * FROM bets_review_mark")).mappings().all()
    assert {*fists[0]} == {"id", "review", "fist", "receipt"}
    assert {*marks[0]} == {"mark", "review"}
    assert not {row["id"] for row in fists} & {row["mark"] for row in marks}
    assert all(member.ref not in repr((fists, marks)) for member in MEMBERS)
    advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    with graph.read() as reader:
        receipts = reader.connection.execute(sa.text("SELECT receipt FROM bets_review_fist")).scalars().all()
    assert {*receipts} == {""}


def test_steps_and_votes_that_do_not_fit_are_refused_with_the_remedy(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    with pytest.raises(ConflictError, match="close it first"):
        open_review(graph, "discovery", actor=ANA)
    with pytest.raises(InputError) as refused:
        vote(graph, number, 6, actor=MEMBERS[0])
    assert refused.value.problems[0].pointer == "/fist"
    for attempt in (
        lambda: open_review(graph, "discovery", actor=BO),
        lambda: advance(graph, number, ReviewStep.CLOSE, actor=BO),
    ):
        with pytest.raises(NotAllowedError):
            attempt()
    advance(graph, number, ReviewStep.CLOSE, actor=ANA)
    with pytest.raises(ConflictError):
        advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    with pytest.raises(NotFoundError):
        review(graph, "none", actor=ANA)


def test_a_board_has_the_cadence_of_its_type_until_it_chooses_its_own(graph: Graph) -> None:
    with_bet(graph)
    with graph.read() as reader:
        assert (
            cadence_of(reader, require_board(reader, "discovery")).weeks,
            cadence_of(reader, require_board(reader, "discovery")).due,
        ) == (1, None)
    open_review(graph, "discovery", actor=ANA)
    chosen = set_cadence(graph, "discovery", 3, actor=ANA)
    assert chosen.last is not None
    assert chosen.due is not None
    assert (chosen.due - chosen.last).days == 21
    with pytest.raises(InputError):
        set_cadence(graph, "discovery", 0, actor=ANA)


def test_the_digest_tells_of_a_week_and_of_no_person(graph: Graph) -> None:
    with_bet(graph)
    decide(graph, REF, "advance", actor=ANA, reason="Seen.")
    propose(graph, Content(title="Lists", unit="discovery"), actor=ANA)
    week = week_of(TODAY)[0]
    found = digest(graph, week, "discovery")
    assert [section.title for section in found.sections] == ["Decided", "Begun", "Open"]
    assert found.sections[0].lines[0].text == "advance, think to build"
    assert "user:" not in repr(found)
    assert digest(graph, "2020-W01").sections == ()
    for wrong in ("2026-30", "2026-W60", "0001-W01", "9999-W52"):
        with pytest.raises(InputError, match="no digest"):
            digest(graph, wrong)


def test_the_digest_says_what_a_range_came_to_and_forgets_what_nobody_predicts_any_more(graph: Graph) -> None:
    with_bet(graph)
    wide = ask(graph, REF, "How many weeks?", actor=ANA, quantity=Quantity.DURATION).id
    ask(graph, REF, "Will it?", actor=ANA)
    take_question(graph, wide, QuestionStep.REVEAL, actor=ANA)
    opened = [
        line.title
        for each in digest(graph, week_of(TODAY)[0]).sections
        if each.title == "Open"
        for line in each.lines
    ]
    assert opened == ["Will it?"]
    take_question(graph, wide, QuestionStep.RESOLVE, actor=ANA, amount=6.5)
    (learned,) = [each for each in digest(graph, week_of(TODAY)[0]).sections if each.title == "Learned"]
    assert [(line.title, line.text) for line in learned.lines] == [("How many weeks?", "came to 6.5")]


def test_a_brief_asks_what_was_understood_and_names_units_only(graph: Graph) -> None:
    with_bet(graph)
    made = write_brief(graph, "discovery", "Winter", "Discovery first.", "discovery", actor=ANA)
    assert made.silent == ("group:default/discovery",)
    answer(graph, made.id, "Nothing changes.", actor=MEMBERS[0])
    answer(graph, made.id, "We go first.", actor=MEMBERS[0])
    seen = brief(graph, made.id, actor=BO)
    assert [(each.unit, each.text) for each in seen.answers] == [("group:default/discovery", "We go first.")]
    assert (seen.mine, seen.silent) == ("", ())
    assert "user:" not in repr(seen)
    with graph.read() as reader:
        told = reader.activity(action="brief.answered")
    assert {entry.actor for entry in told} == {"system:default/briefs"}
    assert brief(graph, made.id, actor=MEMBERS[0]).mine == "We go first."
    with pytest.raises(InputError):
        answer(graph, made.id, " ", actor=ANA)
    with pytest.raises(NotAllowedError):
        write_brief(graph, "discovery", "T", "T", "discovery", actor=BO)


def test_my_week_shows_what_waits_for_me_and_not_for_others(graph: Graph) -> None:
    from counterpoint.bets.judgement.predicting import ask, predict

    with_bet(graph)
    number = ask(graph, REF, "Will it?", actor=ANA).id
    propose(graph, Content(title="Lists", unit="discovery"), actor=BO)
    write_brief(graph, "discovery", "Winter", "Discovery first.", "discovery", actor=ANA)
    assert [each.title for each in my_week(graph, ANA, TODAY).waiting] == [
        "Lists",
        "Will it?",
        "Winter",
    ]
    predict(graph, number, 0.5, actor=ANA)
    assert [each.title for each in my_week(graph, ANA, TODAY).waiting] == ["Lists", "Winter"]
    assert my_week(graph, BO, TODAY).waiting == ()


def test_concerns_and_dependencies_are_on_the_agenda_once_everybody_may_see_them(graph: Graph) -> None:
    with_bet(graph)
    other = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": "search"}}
    with graph.write(SYSTEM) as writer:
        writer.put(other | {"spec": {"type": "squad", "children": []}})
    since = TODAY - timedelta(days=20)
    report_dependency(
        graph, "discovery", "search", "An index", actor=ANA, severity=Severity.BLOCKING, since=since
    )
    raise_concern(graph, REF, "It is late.", actor=ANA)
    with graph.read() as reader:
        board = require_board(reader, "discovery")
        now = [item.kind.value for item in agenda_now(graph, reader, board, TODAY).items]
        later = [
            item.kind.value for item in agenda_now(graph, reader, board, TODAY + timedelta(days=15)).items
        ]
    assert "concern" not in now
    assert "concern" in later
    assert "dependency" in later


def test_my_week_tells_each_side_what_only_it_can_do(graph: Graph) -> None:
    from counterpoint.bets.feedback.store import take_in

    with_bet(graph)
    search = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": "search"}}
    with graph.write(SYSTEM) as writer:
        writer.put(search | {"spec": {"type": "squad", "children": []}})
    other = Actor("user:default/sam", "Sam", "person", units=frozenset({"group:default/search"}))
    report_dependency(graph, "discovery", "search", "An index", actor=ANA)
    take_in(graph, "discovery", "I love Mondays now.", actor=SYSTEM)
    made = decide(graph, REF, "ship", actor=ANA, reason="We know.", follow_up_on=TODAY)
    assert made.override
    assert [each.title for each in my_week(graph, other, TODAY).waiting] == ["An index"]
    assert [each.title for each in my_week(graph, ANA, TODAY).waiting] == ["weekly", "1 piece of feedback"]
    number = raise_concern(graph, REF, "It is late.", actor=ANA).concern.id
    assert all(each.icon != "warning" for each in my_week(graph, ANA, TODAY).waiting)
    move_on(graph, number, Move.PUBLISH, actor=ANA)
    move_on(graph, number, Move.ASK, "Which part?", actor=other)
    assert my_week(graph, ANA, TODAY).waiting[0].href == f"/concerns/{number}"


def test_who_belongs_to_no_unit_gets_the_week_of_everybody(graph: Graph) -> None:
    found = my_week(with_bet(graph), BO, TODAY)
    assert [each.board for each in found.digests] == [""]
    assert "a new bet" in [line.text for section in found.digests[0].sections for line in section.lines]


def test_the_agenda_says_of_evidence_and_silence_what_the_bets_themselves_say(graph: Graph) -> None:
    with_bet(graph)
    against = EvidenceInput(
        risk=Risk.VALUE, method=Method.PILOT, direction=Direction.AGAINST, note="Two of 40"
    )
    add_evidence(graph, REF, against, actor=ANA)

    def points(days: int) -> dict[str, str]:
        with graph.read() as reader:
            board = require_board(reader, "discovery")
            found = agenda_now(graph, reader, board, TODAY + timedelta(days=days))
        return {item.kind.value: item.why for item in found.items}

    assert points(0) == {"against": "Two of 40. Nobody has decided since."}
    assert "silent" not in points(QUIET_DAYS[Stage.THINK])
    assert points(QUIET_DAYS[Stage.THINK] + 1)["silent"].startswith("Nothing new for 22 days")
    decide(graph, REF, "persevere", actor=ANA)
    assert points(0) == {}
    with graph.write(SYSTEM) as writer:
        pack = {"apiVersion": "counterpoint.dev/v1", "kind": "PolicyPack", "metadata": {"name": "calm"}}
        spec = {"owner": "discovery", "unit": "discovery", "practices": {"bets": False}}
        writer.put(pack | {"spec": spec})
    assert points(60) == {}
