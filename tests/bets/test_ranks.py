"""The order of boards in the graph: strict, safe when many move at once, and each board its own."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint.bets.board import Asked, read_board
from counterpoint.bets.model import Horizon
from counterpoint.bets.ranking import Move
from counterpoint.bets.ranks import plan, rank, ranks_of
from counterpoint.bets.tables import RANK
from counterpoint.errors import CounterpointError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM, Actor

BETS = ("a", "b", "c", "d")


def unit(name: str, parent: str | None = None, members: tuple[str, ...] = ()) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "squad", "children": [], "members": list(members)}
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name},
        "spec": spec | ({"parent": parent} if parent else {}),
    }


def a_bet(name: str, owner: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": name},
        "spec": {"owner": owner, "horizon": "now", **spec},
    }


@pytest.fixture
def board(graph: Graph) -> Graph:
    with graph.write(SYSTEM) as writer:
        writer.put(unit("tribe", members=("lead",)))
        writer.put(unit("one", "tribe", ("ana",)))
        writer.put(unit("two", "tribe"))
        for name in BETS:
            writer.put(a_bet(name, "one" if name in "ab" else "two"))
        for name in ("ana", "lead"):
            user = {"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": {"name": name}}
            writer.put(user | {"spec": {"memberOf": ["one" if name == "ana" else "tribe"]}})
    return graph


def order(graph: Graph, of: str, actor: Actor = SYSTEM) -> list[str]:
    found = read_board(graph, of, actor=actor)
    assert [row.rank for row in found.columns[0].bets] == list(range(1, len(found.columns[0].bets) + 1))
    return [row.line.bet.name for row in found.columns[0].bets]


def test_a_board_shows_the_bets_of_a_unit_and_of_everything_in_it(board: Graph) -> None:
    assert order(board, "tribe") == ["a", "b", "c", "d"]
    assert order(board, "one") == ["a", "b"]
    assert order(board, "") == ["a", "b", "c", "d"]


def test_each_board_has_an_order_of_its_own_and_shows_the_owners(board: Graph) -> None:
    rank(board, "tribe", "d", actor=SYSTEM, move=Move.TOP)
    rank(board, "one", "b", actor=SYSTEM, move=Move.TOP)
    assert order(board, "tribe") == ["d", "a", "b", "c"]
    assert order(board, "one") == ["b", "a"]
    rows = {
        row.line.bet.name: row.own_rank for row in read_board(board, "tribe", actor=SYSTEM).columns[0].bets
    }
    assert rows == {"d": 2, "a": 2, "b": 1, "c": 1}


def test_a_new_bet_stands_last_until_somebody_places_it(board: Graph) -> None:
    rank(board, "one", "b", actor=SYSTEM, move=Move.TOP)
    with board.write(SYSTEM) as writer:
        writer.put(a_bet("aa", "one"))
    assert order(board, "one") == ["b", "a", "aa"]
    assert [row.ranked for row in read_board(board, "one", actor=SYSTEM).columns[0].bets] == [
        True,
        True,
        False,
    ]
    rank(board, "one", "aa", actor=SYSTEM, before="a")
    assert order(board, "one") == ["b", "aa", "a"]


def test_the_database_takes_no_tie(board: Graph) -> None:
    rank(board, "one", "b", actor=SYSTEM, move=Move.TOP)
    with pytest.raises((CounterpointError, sa.exc.IntegrityError)), board.write(SYSTEM) as writer:
        writer.connection.execute(
            sa.insert(RANK).values(board="group:default/one", bet="bet:default/z", position=0)
        )


def test_many_who_move_at_once_leave_a_strict_order_in_which_no_move_is_lost(board: Graph) -> None:
    rank(board, "tribe", "a", actor=SYSTEM, move=Move.TOP)
    failed: list[BaseException] = []

    def move(name: str) -> None:
        try:
            for _ in range(3):
                rank(board, "tribe", name, actor=SYSTEM, move=Move.DOWN)
                rank(board, "tribe", name, actor=SYSTEM, move=Move.UP)
            rank(board, "tribe", name, actor=SYSTEM, move=Move.TOP)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=move, args=(name,)) for name in BETS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with board.read() as reader:
        held = ranks_of(reader, "group:default/tribe")
    assert sorted(held.values()) == [0, 1, 2, 3]
    assert sorted(order(board, "tribe")) == list(BETS)


def test_a_move_is_in_the_activity_log_and_one_that_changes_nothing_is_not(board: Graph) -> None:
    rank(board, "one", "a", actor=SYSTEM, move=Move.UP)
    rank(board, "one", "a", actor=SYSTEM, move=Move.DOWN)
    with board.read() as reader:
        (entry,) = reader.activity(action="bet.ranked")
    assert (entry.subject, entry.after) == ("bet:default/a", {"board": "group:default/one", "position": 2})


def test_the_order_belongs_to_those_in_the_unit_itself(board: Graph) -> None:
    ana = Actor("user:default/ana", "Ana", "person")
    lead = Actor("user:default/lead", "Lead", "person")
    rank(board, "one", "b", actor=ana, move=Move.TOP)
    with pytest.raises(NotAllowedError, match="itself"):
        rank(board, "tribe", "b", actor=ana, move=Move.TOP)
    rank(board, "tribe", "b", actor=lead, move=Move.TOP)
    assert not read_board(board, "tribe", actor=ana).permission


def test_the_horizon_belongs_to_the_owner_alone(board: Graph) -> None:
    lead = Actor("user:default/lead", "Lead", "person")
    with pytest.raises(NotAllowedError):
        plan(board, "a", "later", actor=lead)
    plan(board, "a", Horizon.LATER, actor=Actor("user:default/ana", "Ana", "person"))
    found = read_board(board, "tribe", actor=lead)
    assert [[row.line.bet.name for row in column.bets] for column in found.columns] == [
        ["b", "c", "d"],
        [],
        ["a"],
    ]
    with pytest.raises(InputError):
        plan(board, "a", "someday", actor=SYSTEM)


def test_what_has_ended_stands_on_no_board(board: Graph) -> None:
    with board.write(SYSTEM) as writer:
        writer.put(a_bet("a", "one", state="killed"))
    found = read_board(board, "one", actor=SYSTEM)
    assert (order(board, "one"), found.closed) == (["b"], 1)


@pytest.mark.parametrize(
    ("of", "bet", "fields", "error"),
    [
        ("one", "c", {"move": "up"}, InputError),
        ("one", "nothing", {"move": "up"}, NotFoundError),
        ("nowhere", "a", {"move": "up"}, NotFoundError),
        ("user:default/ana", "a", {"move": "up"}, InputError),
        ("one", "a", {"move": "sideways"}, InputError),
        ("one", "a", {}, InputError),
        ("one", "a", {"before": "c"}, InputError),
    ],
)
def test_a_move_that_makes_no_sense_changes_nothing(
    board: Graph, of: str, bet: str, fields: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        rank(board, of, bet, actor=SYSTEM, **fields)
    assert order(board, "one") == ["a", "b"]


def test_a_column_is_read_part_by_part_whatever_moves_meanwhile(board: Graph) -> None:
    with board.write(SYSTEM) as writer:
        for number in range(5):
            writer.put(a_bet(f"more-{number}", "one"))
    whole = read_board(board, "one", actor=SYSTEM)
    here = next(column for column in whole.columns if column.bets)
    found, asked = [], Asked(limit=3)
    while True:
        part = read_board(board, "one", actor=SYSTEM, asked=asked)
        column = next(each for each in part.columns if each.horizon is here.horizon)
        found += column.bets
        assert (column.total, part.total, part.mix, part.untraced) == (7, 7, whole.mix, whole.untraced)
        if column.next_cursor is None:
            break
        asked = Asked(limit=3, horizon=here.horizon, cursor=column.next_cursor)
    assert tuple(found) == here.bets
    first = next(
        each for each in read_board(board, "one", actor=SYSTEM, asked=Asked(limit=3)).columns if each.bets
    )
    assert first.following == here.bets[3].line.bet.ref
    last, third = here.bets[-1].line.bet.ref, here.bets[2].line.bet.ref
    deep = read_board(board, "one", actor=SYSTEM, asked=Asked(limit=3, through=last))
    assert next(each for each in deep.columns if each.bets).bets == here.bets
    rank(board, "one", third, actor=SYSTEM, move="bottom")
    after = read_board(
        board, "one", actor=SYSTEM, asked=Asked(limit=3, horizon=here.horizon, cursor=first.next_cursor)
    )
    assert not next(
        each for each in after.columns if each.horizon is here.horizon
    ).bets  # after the moved one
    with pytest.raises(InputError, match="no cursor"):
        read_board(board, "one", actor=SYSTEM, asked=Asked(horizon=here.horizon, cursor="x"))


def test_the_board_counts_mix_load_and_what_traces_to_nothing(board: Graph) -> None:
    with board.write(SYSTEM) as writer:
        for number in range(3):
            writer.put(a_bet(f"more-{number}", "one", mix="grow"))
    found = read_board(board, "one", actor=SYSTEM)
    assert {share.mix: share.count for share in found.mix} == {"grow": 3, "run": 0, "explore": 0, "": 2}
    (load,) = found.loads
    assert (load.active, load.most, load.over) == (5, 3, True)
    assert found.untraced == 5
    assert [part.ref for part in read_board(board, "tribe", actor=SYSTEM).parts] == [
        "group:default/one",
        "group:default/two",
    ]
