"""Dependencies: both sides' words, the steps that each may take, and what the next review hears of."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.dependencies.model import (
    STEPS,
    Dependency,
    DependencyState,
    Severity,
    Step,
    matrix_of,
    overdue,
    steps_for,
    worst_of,
)
from counterpoint.bets.dependencies.store import (
    dependencies_beside,
    dependencies_page,
    list_dependencies,
    overdue_dependencies,
    report_dependency,
    take_step,
)
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ADMIN, ANA, BOSS, CLEO, LEAD

DAY = date(2026, 11, 26)
WAITS, WAITED = "group:default/discovery", "group:default/player"


def report(graph: Graph, actor: Actor = ANA, **more: Any) -> str:
    given = {"severity": "blocking", "today": DAY, "words": "We cannot test."} | more
    return report_dependency(graph, "discovery", "player", "Storage", actor=actor, **given).dependency.id


def test_the_other_side_confirms_and_either_writes_down_the_plan(org: Graph) -> None:
    number = report(org)
    for step in (Step.CONFIRM, Step.DISPUTE):
        with pytest.raises(NotAllowedError, match="other side"):
            take_step(org, number, step, "Mine.", actor=ANA)
    seen = take_step(org, number, Step.DISPUTE, "It has been there since May.", actor=CLEO)
    assert seen.dependency.state is DependencyState.DISPUTED
    assert (seen.dependency.from_words, seen.dependency.to_words) == (
        "We cannot test.",
        "It has been there since May.",
    )
    assert take_step(org, number, Step.CONFIRM, actor=CLEO).dependency.state is DependencyState.CONFIRMED
    agreed = take_step(org, number, Step.AGREE, "Player ships it on Friday.", actor=ANA).dependency
    assert (agreed.state, agreed.plan) == (DependencyState.AGREED, "Player ships it on Friday.")
    take_step(org, number, Step.CLEAR, actor=CLEO)
    assert list_dependencies(org, actor=BOSS) == ()
    assert len(list_dependencies(org, actor=BOSS, gone=True)) == 1
    with pytest.raises(ConflictError):
        take_step(org, number, Step.CONFIRM, actor=CLEO)


def test_dependencies_are_read_page_by_page_the_worst_first_with_all_in_the_matrix(org: Graph) -> None:
    for place, severity in enumerate(("slowing", "blocking", "future", "blocking")):
        report(org, severity=severity, since=DAY - timedelta(days=place))
    listed = [each.dependency.id for each in list_dependencies(org, actor=ANA)]
    found: list[str] = []
    cursor = None
    while True:
        page = dependencies_page(org, actor=ANA, limit=3, cursor=cursor)
        found += [each.dependency.id for each in page.items]
        assert sum(cell.count for cell in page.matrix.cells) == 4
        if (cursor := page.next_cursor) is None:
            break
    assert found == listed
    with pytest.raises(InputError, match="no cursor"):
        dependencies_page(org, actor=ANA, cursor="x")


def test_only_the_two_sides_speak_and_everybody_reads(org: Graph) -> None:
    for stranger in (BOSS, LEAD):
        with pytest.raises(NotAllowedError):
            report(org, stranger)
    number = report(org, CLEO, words="You wait for us.")
    with pytest.raises(NotAllowedError):
        take_step(org, number, Step.SAY, "I think", actor=LEAD)
    seen = list_dependencies(org, actor=LEAD)[0]
    assert (seen.dependency.reporter, seen.dependency.to_words) == (WAITED, "You wait for us.")
    assert seen.steps == ()
    assert seen.titles == {WAITS: "Discovery", WAITED: "Player"}
    with pytest.raises(NotAllowedError, match="other side"):
        take_step(org, number, Step.REGRADE, severity="none", actor=CLEO)
    assert take_step(org, number, Step.CONFIRM, actor=ADMIN).dependency.state is DependencyState.CONFIRMED


@pytest.mark.parametrize(
    ("units", "subject", "more", "pointer"),
    [
        (("nobody", "player"), "x", {}, "/fromUnit"),
        (("discovery", "user:default/ana"), "x", {}, "/toUnit"),
        (("discovery", "discovery"), "x", {}, "/toUnit"),
        (("discovery", "player"), " ", {}, "/subject"),
        (("discovery", "player"), "x" * 201, {}, "/subject"),
        (("discovery", "player"), "x", {"since": DAY + timedelta(days=1)}, "/since"),
        (("discovery", "player"), "x", {"severity": "terrible"}, "/severity"),
        (("discovery", "player"), "x", {"bet": "nowhere"}, "/bet"),
        (("discovery", "player"), "x", {"bet": "group:default/discovery"}, "/bet"),
    ],
)
def test_wrong_input_names_its_place(
    org: Graph, units: tuple[str, str], subject: str, more: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InputError) as caught:
        report_dependency(org, *units, subject, actor=ANA, today=DAY, **more)
    assert [each.pointer for each in caught.value.problems] == [pointer]
    assert list_dependencies(org, actor=ANA) == ()


def test_a_step_without_its_words_or_without_its_thing_changes_nothing(org: Graph) -> None:
    number = report(org)
    with pytest.raises(InputError, match="Nothing"):
        take_step(org, number, Step.AGREE, " ", actor=ANA)
    with pytest.raises(InputError):
        take_step(org, number, "demand", "Now.", actor=ANA)
    with pytest.raises(NotFoundError):
        take_step(org, "none", Step.CLEAR, actor=ANA)
    assert list_dependencies(org, actor=ANA)[0].dependency.state is DependencyState.REPORTED


def test_what_stops_work_for_more_than_two_weeks_is_for_the_next_review(org: Graph) -> None:
    number = report(org)
    report(org, severity="slowing", since=DAY - timedelta(days=90))
    at = {"unit": "player"}
    assert overdue_dependencies(org, today=DAY + timedelta(days=14), **at) == ()
    later = DAY + timedelta(days=15)
    assert [each.id for each in overdue_dependencies(org, today=later, **at)] == [number]
    assert overdue_dependencies(org, today=later, unit="listening") == ()
    take_step(org, number, Step.REGRADE, severity="slowing", actor=ANA, today=later)
    take_step(org, number, Step.REGRADE, severity="blocking", actor=ANA, today=later)
    assert overdue_dependencies(org, today=later + timedelta(days=14)) == ()


def test_both_units_have_it_in_their_activity(org: Graph) -> None:
    number = report(org)
    with org.read() as reader:
        for unit in (WAITS, WAITED):
            entry = reader.activity(subject=unit, action="dependency.reported")[0]
            assert (entry.actor, entry.after["dependency"]) == (ANA.ref, number)


def made(severity: Severity, state: DependencyState, since: date = DAY) -> Dependency:
    return Dependency(
        id="1",
        from_unit=WAITS,
        to_unit=WAITED,
        subject="x",
        severity=severity,
        since=since,
        severity_since=since,
        reporter=WAITS,
        state=state,
    )


@given(st.lists(st.sampled_from(Severity), max_size=8))
def test_the_matrix_counts_what_is_there_and_shows_the_worst(live: list[Severity]) -> None:
    matrix = matrix_of((WAITS, WAITED, severity, 1) for severity in live)
    if not live:
        assert matrix.cells == matrix.rows == ()
    else:
        (cell,) = matrix.cells
        assert cell.count == len(live)
        assert cell.worst.rank == max(each.rank for each in live)


def test_a_matrix_of_many_units_is_cut_to_those_that_wait_the_worst() -> None:
    found = [(f"u{number}", "hub", Severity.SLOWING, 1) for number in range(9)]
    found += [("late", "hub", Severity.BLOCKING, 1), ("u3", "other", Severity.FUTURE, 5)]
    part = worst_of(matrix_of(found), 2)
    assert part.rows == ("late", "u3")
    assert part.columns == ("hub", "other")
    assert {(cell.from_unit, cell.to_unit) for cell in part.cells} == {
        ("late", "hub"),
        ("u3", "hub"),
        ("u3", "other"),
    }
    assert worst_of(matrix_of(found), 99) == matrix_of(found)


def test_what_stands_beside_a_bet_is_about_it_or_about_its_units_and_no_other_bet(org: Graph) -> None:
    def report_about(subject: str, bet: str | None, severity: str, waits: str = "discovery") -> str:
        made = report_dependency(
            org, waits, "player", subject, actor=ADMIN, severity=severity, bet=bet, today=DAY
        )
        return made.dependency.id

    report_about("other bet", "together", "blocking")
    slow = report_about("unit", None, "slowing")
    bad = report_about("unit", None, "blocking")
    about = report_about("this bet", "weekly", "none")
    over = report_about("over", "weekly", "blocking")
    take_step(org, over, Step.CLEAR, actor=ADMIN)
    units = {"group:default/discovery"}

    def listed(limit: int) -> list[str]:
        found = dependencies_beside(org, "bet:default/weekly", units, actor=ANA, limit=limit)
        return [seen.dependency.id for seen in found]

    assert listed(9) == [about, bad, slow]
    assert listed(2) == [about, bad]


@given(st.sampled_from(Severity), st.sampled_from(DependencyState), st.integers(0, 60))
def test_only_live_blocking_ones_are_ever_overdue(
    severity: Severity, state: DependencyState, days: int
) -> None:
    expected = severity is Severity.BLOCKING and state is not DependencyState.GONE and days > 14
    assert overdue(made(severity, state, DAY - timedelta(days=days)), DAY) == expected


@given(st.sampled_from(DependencyState), st.sampled_from(Step))
def test_no_step_leads_out_of_what_is_gone_and_none_is_for_strangers(
    state: DependencyState, step: Step
) -> None:
    dependency = made(Severity.SLOWING, state)
    both = steps_for(dependency, {WAITS, WAITED})
    assert (step in both) == (state in STEPS[step].states)
    assert steps_for(dependency, {"group:default/other"}) == ()
    assert state is not DependencyState.GONE or both == ()
