"""Reviews: an agenda, fists that nobody can join to a person, minutes that are decisions."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.deciding.model import Content, Step
from counterpoint.bets.deciding.records import propose, take_step
from counterpoint.bets.decisions import decide
from counterpoint.bets.dependencies.model import Severity
from counterpoint.bets.dependencies.store import report_dependency
from counterpoint.bets.reviews.boards import cadence_of, require_board, set_cadence
from counterpoint.bets.reviews.briefs import answer, brief, write_brief
from counterpoint.bets.reviews.digest import digest, week_of
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
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph
from tests.bets.judgement.test_predicting import ADMIN, ANA, BO, REF, UNIT, with_bet

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


def test_only_members_see_and_show_fists_administrators_included(graph: Graph) -> None:
    number = open_review(with_bet(graph), "discovery", actor=ANA).id
    for member in MEMBERS:
        vote(graph, number, 4, actor=member)
    for stranger in (BO, ADMIN):
        with pytest.raises(NotAllowedError, match="no member"):
            vote(graph, number, 5, actor=stranger)
    advance(graph, number, ReviewStep.REVEAL, actor=ANA)
    assert review(graph, number, actor=MEMBERS[0]).fists == (0, 0, 0, 6, 0)
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
    for wrong in ("2026-30", "2026-W60"):
        with pytest.raises(InputError, match="no digest"):
            digest(graph, wrong)


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
