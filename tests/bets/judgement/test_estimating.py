"""Estimates in the graph: they only grow, the newest counts, and they belong to the bet's owner."""

import pytest
import sqlalchemy as sa

from counterpoint.bets.decisions import decide
from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.estimating import estimate, judged, portfolio
from counterpoint.bets.store import write
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.store import Graph
from tests.bets.judgement.test_predicting import ANA, BET, BO, REF, with_bet


def test_the_newest_estimate_counts_and_the_older_one_stays_in_the_log(graph: Graph) -> None:
    with_bet(graph)
    for high in (30.0, 50.0):
        estimate(graph, REF, Quantity.VALUE, Range(10, 20, high), actor=ANA, unit="kEUR", note=" As talked. ")
    found = judged(graph, "weekly")
    assert [(each.quantity, each.p90, each.unit, each.note) for each in found.estimates] == [
        ("value", 50.0, "kEUR", "As talked.")
    ]
    assert found.advised.missing == ("cost",)
    with graph.read() as reader:
        logged = reader.activity(action="bet.estimated")
    assert [entry.after["p90"] for entry in logged] == [50.0, 30.0]


def test_only_the_owner_estimates_and_nothing_else_is_kept(graph: Graph) -> None:
    with_bet(graph)
    with pytest.raises(NotAllowedError):
        estimate(graph, REF, Quantity.VALUE, Range(1, 2, 3), actor=BO)
    with pytest.raises(InputError):
        estimate(graph, REF, Quantity.VALUE, Range(3, 2, 1), actor=ANA)
    with pytest.raises(InputError) as refused:
        estimate(graph, REF, Quantity.VALUE, Range(1, 2, 3), actor=ANA, unit="k" * 30)
    assert refused.value.problems[0].pointer == "/unit"
    with pytest.raises(NotFoundError):
        estimate(graph, "bet:default/none", Quantity.VALUE, Range(1, 2, 3), actor=ANA)
    assert judged(graph, REF).estimates == ()


@pytest.mark.parametrize("statement", ["UPDATE bets_estimate SET p10 = 0", "DELETE FROM bets_estimate"])
def test_the_database_keeps_what_was_estimated(graph: Graph, statement: str) -> None:
    estimate(with_bet(graph), REF, Quantity.VALUE, Range(1, 2, 3), actor=ANA)
    with pytest.raises(sa.exc.DBAPIError), graph.write(SYSTEM) as writer:
        writer.connection.exec_driver_sql(statement)


def test_the_portfolio_holds_the_active_bets_and_names_those_without_ranges(graph: Graph) -> None:
    with_bet(graph)
    for name in ("slow", "silent", "dead"):
        write(graph, BET | {"metadata": {"name": name, "title": name.title()}}, actor=ANA)
    for ref, weeks in ((REF, 2.0), ("bet:default/slow", 20.0), ("bet:default/dead", 1.0)):
        estimate(graph, ref, Quantity.COST_OF_DELAY, Range(9, 10, 11), actor=ANA, unit="kEUR")
        estimate(graph, ref, Quantity.DURATION, Range(weeks, weeks, weeks), actor=ANA)
    decide(graph, "bet:default/dead", "kill", actor=ANA)
    found = portfolio(graph)
    assert [[one.bet for one in group.standings] for group in found.orders[0].groups] == [
        [REF],
        ["bet:default/slow"],
    ]
    assert found.missing == ("bet:default/silent",)
    assert found.titles["bet:default/slow"] == "Slow"
    assert portfolio(graph, owner="group:default/nobody").orders == ()
