"""Facts that other systems report."""

from datetime import UTC, datetime, timedelta

import pytest

from counterpoint.catalog.scorecards import store
from counterpoint.catalog.scorecards.reported import Report, report, reported_facts
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph import SYSTEM, Actor, Ref

WEB = Ref("component", "default", "web")


def covered(workspace):
    (found,) = store.of_entity(workspace, WEB)
    return next(check.outcome for check in found.checks if check.id == "covered")


def test_a_reported_fact_is_asked_at_once_and_its_past_is_kept(carded):
    (first,) = report(carded, SYSTEM, WEB, Report({"coverage": 79.5}, source="ci"))
    assert covered(carded) == "fails"
    report(carded, SYSTEM, WEB, Report({"coverage": 80}))
    assert covered(carded) == "passes"
    assert [each.value for each in reported_facts(carded, WEB)] == [80]
    (then,) = reported_facts(carded, WEB, at=first.since)
    assert (then.value, then.source) == (79.5, "ci")
    assert reported_facts(carded, WEB, at=first.since - timedelta(microseconds=1)) == []


def test_a_report_that_was_measured_earlier_changes_nothing(carded):
    now = datetime.now(UTC)
    report(carded, SYSTEM, WEB, Report({"coverage": 90}, at=now))
    report(carded, SYSTEM, WEB, Report({"coverage": 10}, at=now - timedelta(days=1)))
    assert covered(carded) == "passes"


def test_the_same_value_again_only_moves_its_date(carded):
    report(carded, SYSTEM, WEB, Report({"restored": True}))
    with carded.graph.read() as reader:
        before = reader.last_activity()
    (again,) = report(carded, SYSTEM, WEB, Report({"restored": True}))
    with carded.graph.read() as reader:
        assert reader.last_activity() == before
    assert again.at > again.since
    (one,) = report(carded, SYSTEM, WEB, Report({"restored": 1}))
    assert one.value == 1
    assert one.value is not True


def test_null_takes_a_fact_back(carded):
    report(carded, SYSTEM, WEB, Report({"coverage": 90}))
    assert report(carded, SYSTEM, WEB, Report({"coverage": None})) == []
    assert covered(carded) == "fails"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (Report({"Coverage": 1}), "/facts/Coverage"),
        (Report({"docs.present": True}), "/facts/docs.present"),
        (Report({"dOcs.present": True}), "/facts/dOcs.present"),
        (Report({"a/b": True}), "/facts/a~1b"),
        (Report({"x": float("nan")}), "/facts/x"),
        (Report({"x": 2**70}), "/facts/x"),
        (Report({"x": "y" * 201}), "/facts/x"),
        (Report({"x": 1}, source="s" * 201), "/source"),
        (Report({"x": 1}, at=datetime(2026, 5, 3)), "/at"),  # noqa: DTZ001 - it has no zone on purpose
        (Report({"x": 1}, at=datetime.now(UTC) + timedelta(days=2)), "/at"),
        (Report({f"x{i}": 1 for i in range(101)}), "/facts"),
        (Report({"coverage.lines": 1, "coverage.Lines": 2}), "/facts/coverage.Lines"),
    ],
)
def test_a_report_that_is_not_valid_is_refused_with_the_place_and_keeps_nothing(carded, given, pointer):
    with pytest.raises(InputError) as caught:
        report(carded, SYSTEM, WEB, given)
    assert pointer in {problem.pointer for problem in caught.value.problems}
    assert reported_facts(carded, WEB) == []


def test_a_name_that_differs_only_in_its_case_from_a_kept_one_is_refused_until_that_is_taken_back(carded):
    report(carded, SYSTEM, WEB, Report({"coverage.lines": 80}))
    with pytest.raises(InputError) as caught:
        report(carded, SYSTEM, WEB, Report({"other": 1, "coverage.Lines": 90}))
    (problem,) = caught.value.problems
    assert (problem.pointer, "'coverage.lines'" in problem.message) == ("/facts/coverage.Lines", True)
    assert [(each.name, each.value) for each in reported_facts(carded, WEB)] == [("coverage.lines", 80)]
    report(carded, SYSTEM, WEB, Report({"coverage.lines": None}))
    report(carded, SYSTEM, WEB, Report({"coverage.Lines": 90}))
    assert [each.name for each in reported_facts(carded, WEB)] == ["coverage.Lines"]


def test_an_entity_never_has_more_facts_than_the_limit(carded):
    report(carded, SYSTEM, WEB, Report({f"x{i}": 1 for i in range(100)}))
    with pytest.raises(InputError):
        report(carded, SYSTEM, WEB, Report({"y": 1}))


def test_facts_are_reported_by_who_may_write_the_entity(carded):
    stranger = Actor("user:default/eve", "Eve", "person")
    with pytest.raises(NotAllowedError):
        report(carded, stranger, WEB, Report({"coverage": 90}))
    with pytest.raises(NotFoundError):
        report(carded, SYSTEM, Ref("component", "default", "none"), Report({"coverage": 90}))
    with pytest.raises(NotFoundError):
        reported_facts(carded, Ref("component", "default", "none"))
