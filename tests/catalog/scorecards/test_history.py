"""The outcomes of past dates."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.catalog.scorecards import store
from counterpoint.catalog.scorecards.history import CHECKED, _placer, add_past, keep, spans, trend
from counterpoint.catalog.scorecards.history import _end as end_of
from counterpoint.catalog.scorecards.reported import Report, report
from counterpoint.catalog.scorecards.standing import Standing, standing_of
from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph import SYSTEM, Ref
from tests.catalog.scorecards.conftest import card, put
from tests.graph.documents import component, group

READY = Ref("scorecard", "default", "ready")
WEB = Ref("component", "default", "web")
DAY = timedelta(days=1)


def now_of(workspace):
    with workspace.graph.read() as reader:
        return reader.activity(limit=1)[0].at


def test_rows_are_written_only_where_something_changed(carded):
    assert keep(carded) == 3
    assert keep(carded) == 0
    put(carded, component("web", owner="player", lifecycle="deprecated"))
    assert keep(carded) == 1
    with carded.graph.read() as reader:
        assert len(spans(reader, str(WEB))) == 2
        newest = reader.activity(action=CHECKED)[0]
    assert (newest.subject, newest.before["passes"], newest.after["passes"]) == (str(READY), 2, 1)
    assert keep(carded) == 0


def test_any_past_moment_is_answered_to_the_microsecond(carded):
    keep(carded)
    first = now_of(carded)
    put(carded, component("web", owner="player", lifecycle="deprecated"))
    keep(carded)
    second = now_of(carded)

    def live(at):
        (found,) = store.of_entity(carded, WEB, at)
        return next(check.outcome for check in found.checks if check.id == "live")

    assert live(first) == "passes"
    assert live(second - timedelta(microseconds=1)) == "passes"
    assert live(second) == "fails"
    assert store.of_entity(carded, WEB, first - timedelta(microseconds=1)) == []


def test_the_past_survives_changes_and_the_end_of_entity_and_scorecard(carded):
    keep(carded)
    first = now_of(carded)
    put(carded, card(levels=[], checks=[{"id": "new", "title": "New", "predicate": {}}]))
    keep(carded)
    with carded.graph.write(SYSTEM) as writer:
        writer.delete(WEB)
        writer.delete(READY)
    keep(carded)
    assert store.list_scorecards(carded) == []
    (view,) = store.list_scorecards(carded, first)
    assert (view.title, view.entities) == ("Ready", 3)
    assert (view.checks[0].title, view.checks[0].passes) == ("Its owner exists", 2)
    (web,) = store.of_entity(carded, WEB, first)
    assert web.checks[0].outcome == "passes"
    with pytest.raises(NotFoundError):
        store.read_one(carded, READY)


def test_moving_a_check_in_its_scorecard_changes_no_row(carded):
    keep(carded)
    checks = card()["spec"]["checks"]
    put(carded, card(checks=[checks[2], checks[0], checks[1]]))
    assert keep(carded) == 0


def test_the_past_can_be_brought_in_and_makes_a_trend(carded):
    keep(carded)
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - DAY
    good, bad = {"owned": "passes"}, {"owned": "fails"}
    with carded.graph.write(SYSTEM) as writer:
        add_past(
            writer,
            str(READY),
            [
                (str(WEB), None, bad, today - 4 * DAY, today - 2 * DAY),
                (str(WEB), None, good, today - 2 * DAY, today),
            ],
        )
    points = store.trend_of(carded, READY, first=today.date() - 10 * DAY, last=today.date(), check="owned")
    assert [(point.day, point.passes, point.fails) for point in points] == [
        (today.date() - 4 * DAY, 0, 1),
        (today.date() - 3 * DAY, 0, 1),
        (today.date() - 2 * DAY, 1, 0),
        (today.date() - DAY, 1, 0),
        (today.date(), 0, 0),
    ]


@pytest.mark.parametrize(("start", "stop"), [(2, 2), (9, 7), (1, -1)])
def test_spans_that_overlap_or_do_not_end_are_refused_as_a_whole(carded, start, stop):
    keep(carded)
    today = datetime.now(UTC)
    good = (str(WEB), None, {"owned": "passes"}, today - 9 * DAY, today - 8 * DAY)
    with carded.graph.write(SYSTEM) as writer, pytest.raises(InputError):
        add_past(writer, str(READY), [good, (str(WEB), None, {}, today - start * DAY, today - stop * DAY)])
    with carded.graph.read() as reader:
        assert len(spans(reader, str(WEB))) == 1


@given(
    intervals=st.lists(
        st.tuples(st.integers(0, 300), st.none() | st.integers(1, 100), st.booleans()), max_size=8
    ),
    first=st.integers(0, 10),
    days=st.integers(0, 9),
)
@settings(max_examples=100)
def test_a_moment_belongs_to_the_first_day_that_ends_at_or_after_it(intervals, first, days):
    start = date(2026, 1, 1) + first * DAY
    ends = [end_of(start + step * DAY) for step in range(days + 1)]
    place_of = _placer(start, ends)
    for hour, _length, edge in intervals:
        moment = end_of(date(2025, 12, 31)) + 1 + hour * 3_600_000_000 - edge
        naive = next((place for place, end in enumerate(ends) if end >= moment), len(ends))
        assert place_of(moment) == naive


def test_both_databases_keep_and_read_outcomes(graph):
    with graph.write(SYSTEM) as writer:
        today = datetime.now(UTC)
        span = (
            str(WEB),
            "group:default/player",
            {"a": "passes", "b": "exempt"},
            today - 3 * DAY,
            today - DAY,
        )
        add_past(writer, str(READY), [span])
    with graph.read() as reader:
        (kept,) = spans(reader, str(WEB))
        assert kept.outcomes == {"a": "passes", "b": "exempt"}
        points = trend(reader, str(READY), today.date() - 5 * DAY, today.date())
    assert [(point.passes, point.exempt, point.entities) for point in points[:2]] == [(1, 1, 1)] * 2


def test_both_databases_follow_changes_and_keep_them(graph):
    class Around(SimpleNamespace):
        """As much of a workspace as is asked for."""

        def keep(self, kind, make):
            return self.kept.setdefault(kind, None) or self.kept.update({kind: make(self)}) or self.kept[kind]

    around = Around(graph=graph, kept={})
    put(around, group("player"), component("web", owner="player"), component("lost", owner="none"), card())
    assert keep(around) == 2
    report(around, SYSTEM, WEB, Report({"coverage": 81.5, "restored": True}, source="ci"))
    put(around, group("none"))
    assert keep(around) == 2
    assert keep(around) == 0
    (web,) = store.of_entity(around, WEB)
    assert {check.id: check.outcome for check in web.checks}["covered"] == "passes"
    assert standing_of(around).now().held == Standing(around).now().held
    (view,) = store.list_scorecards(around)
    assert [(check.passes, check.fails) for check in view.checks] == [(2, 0), (2, 0), (1, 1)]
    assert view.notes == ()
    assert [each.owner for each in store.of_owners(around, owner="none")] == ["group:default/none"]
    with graph.read() as reader:
        first = spans(reader, str(WEB))[0].since
    (then,) = store.list_scorecards(around, first)
    assert [(check.passes, check.fails) for check in then.checks] == [(1, 1), (2, 0), (0, 2)]
