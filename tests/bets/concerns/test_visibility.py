"""Who sees a concern at which moment, through every door of the store."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from counterpoint.bets.concerns.model import ConcernState, Move, Naming
from counterpoint.bets.concerns.raising import erase_author, raise_concern
from counterpoint.bets.concerns.store import (
    answer,
    concern_marks,
    concerns_page,
    list_concerns,
    read_concern,
    unit_figures,
)
from counterpoint.errors import CounterpointError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor

from .conftest import ADMIN, ANA, BET, BO, BOSS, CLEO, LEAD, OUTSIDE, SHARED, SQUAD

THURSDAY = date(2026, 11, 26)
DUE = date(2026, 12, 3)
TEXT = "zebra: the licences will not be there in time"


def seen_by(graph: Graph, actor: Actor, number: str, day: date) -> bool:
    """Whether any door shows the concern, having made sure that all of them agree."""
    listed = number in {each.concern.id for each in list_concerns(graph, actor=actor, today=day)}
    marked = bool(concern_marks(graph, [BET, SHARED], actor, today=day))
    try:
        read = read_concern(graph, number, actor=actor, today=day).concern.id == number
    except NotFoundError:
        read = False
    assert listed == read == marked
    return listed


@pytest.mark.parametrize("naming", list(Naming))
def test_the_squad_sees_it_at_once_and_all_others_after_five_working_days(org: Graph, naming: Naming) -> None:
    number = raise_concern(org, BET, TEXT, actor=ANA, naming=naming, today=THURSDAY).concern.id
    for actor in (ANA, BO):
        assert seen_by(org, actor, number, THURSDAY)
    for actor in (*OUTSIDE, LEAD):
        assert not seen_by(org, actor, number, THURSDAY)
        assert not seen_by(org, actor, number, DUE - timedelta(days=1))
        assert seen_by(org, actor, number, DUE)


def test_pages_are_filled_by_what_the_reader_may_see_and_tell_nothing_of_the_rest(
    org: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterpoint.bets.concerns.store._BATCH", 2)
    numbers = []
    for place in range(7):
        number = raise_concern(
            org, BET, TEXT, actor=ANA, today=THURSDAY - timedelta(days=place // 3)
        ).concern.id
        numbers.append(number)
        if place in (1, 5):
            answer(org, number, Move.PUBLISH, actor=BO, today=THURSDAY)
    for actor, many in ((ANA, 7), (BOSS, 2)):
        found: list[str] = []
        cursor, pages = None, 0
        while True:
            page = concerns_page(org, actor=actor, limit=2, cursor=cursor, today=THURSDAY)
            found += [each.concern.id for each in page.items]
            pages += 1
            if (cursor := page.next_cursor) is None:
                break
        assert found == [each.concern.id for each in list_concerns(org, actor=actor, today=THURSDAY)]
        assert (len(found), pages) == (many, -(-many // 2))
    with pytest.raises(InputError, match="no cursor"):
        concerns_page(org, actor=ANA, cursor="x")


def test_publishing_by_the_squad_shows_it_to_all(org: Graph) -> None:
    number = raise_concern(org, BET, TEXT, actor=ANA, today=THURSDAY).concern.id
    with pytest.raises(NotFoundError):
        answer(org, number, Move.PUBLISH, actor=ADMIN, today=THURSDAY)
    answer(org, number, Move.PUBLISH, actor=BO, today=THURSDAY)
    for actor in (*OUTSIDE, LEAD):
        assert seen_by(org, actor, number, THURSDAY)


def test_a_chapter_lead_sees_it_at_once_only_on_a_shared_bet(org: Graph) -> None:
    alone = raise_concern(org, BET, TEXT, actor=BO, naming="anonymous", today=THURSDAY).concern.id
    assert not seen_by(org, LEAD, alone, THURSDAY)
    shared = raise_concern(org, SHARED, TEXT, actor=BO, naming="anonymous", today=THURSDAY).concern.id
    assert read_concern(org, shared, actor=LEAD, today=THURSDAY).concern.author is None
    with pytest.raises(NotFoundError):
        read_concern(org, shared, actor=BOSS, today=THURSDAY)


def test_a_member_of_a_contributing_squad_raises_it_there_and_the_owner_sees_it(org: Graph) -> None:
    made = raise_concern(org, SHARED, TEXT, actor=CLEO, naming="squad", today=THURSDAY).concern
    assert (made.unit, made.owner) == ("group:default/player", SQUAD)
    assert read_concern(org, made.id, actor=ANA, today=THURSDAY)
    assert made.about_on == date(2026, 12, 18)


def test_whoever_is_outside_raises_by_name_only_and_sees_their_own(org: Graph) -> None:
    for naming in (Naming.SQUAD, Naming.ANONYMOUS):
        with pytest.raises(InputError, match="not raised"):
            raise_concern(org, BET, TEXT, actor=CLEO, naming=naming, today=THURSDAY)
    with pytest.raises(InputError):
        raise_concern(org, BET, TEXT, actor=CLEO, publish=True, today=THURSDAY)
    number = raise_concern(org, BET, TEXT, actor=CLEO, today=THURSDAY).concern.id
    assert seen_by(org, CLEO, number, THURSDAY)
    assert seen_by(org, ANA, number, THURSDAY)
    assert not seen_by(org, BOSS, number, THURSDAY)


def test_what_is_taken_back_before_its_day_stays_inside(org: Graph) -> None:
    made = raise_concern(org, BET, TEXT, actor=ANA, naming="anonymous", today=THURSDAY)
    with pytest.raises(NotAllowedError, match="receipt"):
        answer(org, made.concern.id, Move.WITHDRAW, actor=BO, today=THURSDAY)
    with pytest.raises(NotAllowedError):
        answer(org, made.concern.id, Move.WITHDRAW, actor=ANA, receipt="guessed", today=THURSDAY)
    answer(org, made.concern.id, Move.WITHDRAW, actor=ANA, receipt=made.receipt, today=THURSDAY)
    later = DUE + timedelta(days=30)
    assert list_concerns(org, actor=BOSS, today=later) == ()
    assert list_concerns(org, actor=BO, today=later)[0].concern.state is ConcernState.WITHDRAWN


def test_a_bet_that_changes_hands_shows_nothing_to_its_new_owner(org: Graph) -> None:
    number = raise_concern(org, BET, TEXT, actor=ANA, today=THURSDAY).concern.id
    with org.write(ADMIN) as writer:
        document = writer.require(BET).document
        writer.put(document | {"spec": {"owner": "player"}})
    with pytest.raises(NotFoundError):
        read_concern(org, number, actor=CLEO, today=THURSDAY)
    assert seen_by(org, BO, number, THURSDAY)


@pytest.mark.parametrize("naming", [Naming.ANONYMOUS, Naming.SQUAD])
def test_who_raised_it_without_a_name_is_nowhere_in_the_database(org: Graph, naming: Naming) -> None:
    before = _rows_with(org, ANA.ref)
    made = raise_concern(org, BET, TEXT, actor=ANA, naming=naming, publish=True, today=THURSDAY)
    number = made.concern.id
    answer(org, number, Move.OFFER_OPTIONS, "Drop the third list.", actor=ANA, today=THURSDAY)
    answer(org, number, Move.WITHDRAW, actor=ANA, receipt=made.receipt, today=THURSDAY)
    assert _rows_with(org, ANA.ref) == before
    assert made.receipt is None or _rows_with(org, made.receipt) == 0


def test_the_database_refuses_an_author_for_a_nameless_concern(org: Graph) -> None:
    number = raise_concern(org, BET, TEXT, actor=ANA, naming="anonymous", today=THURSDAY).concern.id
    named = raise_concern(org, BET, TEXT, actor=ANA, today=THURSDAY).concern.id
    for which, change in (
        (number, "author = 'user:default/ana'"),
        (number, "naming = 'named'"),
        (named, "author = 'user:default/bo'"),
        (named, "unit = 'group:default/player'"),
        (named, "raised_on = '2020-01-01'"),
    ):
        with pytest.raises((sa.exc.DatabaseError, CounterpointError)), org.write(ADMIN) as writer:
            writer.connection.execute(sa.text(f"UPDATE bets_concern SET {change} WHERE id = '{which}'"))


def test_the_activity_log_is_silent_until_everybody_sees_it_and_never_says_the_words(org: Graph) -> None:
    with org.read() as reader:
        before = reader.last_activity()
    number = raise_concern(org, BET, TEXT, actor=ANA, naming="squad", today=THURSDAY).concern.id
    answer(org, number, Move.OFFER_OPTIONS, TEXT, actor=BO, today=THURSDAY)
    with org.read() as reader:
        assert reader.last_activity() == before
    answer(org, number, Move.PUBLISH, actor=BO, today=THURSDAY)
    answer(org, number, Move.ASK, TEXT, actor=BOSS, today=THURSDAY)
    with org.read() as reader:
        told = reader.activity(after=before)
    assert [(each.action, each.actor) for each in told] == [
        ("concern.asked", BOSS.ref),
        ("concern.published", SQUAD),
    ]
    assert "zebra" not in repr(told)


def test_search_and_history_know_nothing_of_it(org: Graph) -> None:
    raise_concern(org, BET, TEXT, actor=ANA, publish=True, today=THURSDAY)
    with org.read() as reader:
        assert reader.search("zebra") == []
        assert "zebra" not in repr(reader.history(BET)) + repr(reader.all())


def test_figures_count_only_what_everybody_sees_and_are_silent_about_few(org: Graph) -> None:
    for _ in range(6):
        raise_concern(org, SHARED, TEXT, actor=ANA, today=THURSDAY)
    assert unit_figures(org, SQUAD, today=THURSDAY).lead_days is None
    told = unit_figures(org, SQUAD, today=DUE).lead_days
    assert told is not None
    assert (told.n, told.median) == (6, 22)
    assert unit_figures(org, "player", today=DUE).lead_days is None
    assert unit_figures(org, "listening", today=DUE).lead_days == told


def test_a_small_squad_is_warned_that_colleagues_may_guess(org: Graph) -> None:
    assert "guess" in raise_concern(org, BET, TEXT, actor=ANA, naming="anonymous").warning
    assert raise_concern(org, BET, TEXT, actor=ANA).warning == ""


def _rows_with(graph: Graph, text: str) -> int:
    """How many rows of all tables hold a text."""
    found = 0
    with graph.read() as reader:
        for name in sa.inspect(reader.connection).get_table_names():
            rows = reader.connection.execute(sa.text(f'SELECT * FROM "{name}"'))
            found += sum(text in repr(tuple(row)) for row in rows)
    return found


def test_a_person_or_an_administrator_takes_a_name_away_and_nobody_else(org: Graph) -> None:
    number = raise_concern(org, BET, TEXT, actor=ANA, today=THURSDAY).concern.id
    with pytest.raises(NotAllowedError):
        erase_author(org, "ana", actor=BO)
    assert erase_author(org, "ana", actor=ADMIN) == 1
    concern = read_concern(org, number, actor=BO, today=THURSDAY).concern
    assert (concern.author, concern.naming) == (None, Naming.NAMED)
    with pytest.raises(NotAllowedError):
        answer(org, number, Move.WITHDRAW, actor=ANA, today=THURSDAY)
