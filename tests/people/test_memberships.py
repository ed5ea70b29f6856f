"""Dated memberships and line managers in the graph, on both databases."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import SYSTEM, Actor, Graph
from counterpoint.moments import to_datetime
from counterpoint.people.dates import When, now, when_of
from counterpoint.people.managers import end_manager, manager_of, reports_of, set_manager
from counterpoint.people.memberships import change, effective, end, join, recorded
from counterpoint.people.model import ManagerLine, Membership
from counterpoint.people.settling import next_change, settle
from tests.graph.documents import user
from tests.people.conftest import noon, today

ANA = Actor("user:default/ana", "Ana", "person")
DAN = Actor("user:default/dan", "Dan", "person")
D = date.fromisoformat


def member(person: str, unit: str, start: str | None = None, end: str | None = None, **more) -> Membership:
    return Membership(
        person=f"user:default/{person}",
        unit=f"group:default/{unit}",
        start=D(start) if start else None,
        end=D(end) if end else None,
        **more,
    )


def who(graph: Graph, unit: str, when: When) -> list[str]:
    with graph.read() as reader:
        found = effective(reader, when, units=[f"group:default/{unit}"])
    return [each.person.rpartition("/")[2] for each in found]


def test_documents_and_dated_records_are_one_view(org, on):
    with org.write(SYSTEM) as writer:
        join(writer, member("cleo", "discovery", "2026-01-01", "2026-03-01", role="designer", share=0.5))
        join(writer, member("ana", "discovery", "2026-01-01", role="lead"))
    assert who(org, "discovery", on("2026-02-01")) == ["ana", "ben", "cleo"]
    assert who(org, "discovery", on("2026-03-01")) == ["ana", "ben"]
    with org.read() as reader:
        found = effective(reader, on("2026-02-01"), person="user:default/ana")
    assert [(each.unit, each.role, each.source) for each in found] == [
        ("group:default/backend", "member", "document"),
        ("group:default/discovery", "lead", "written"),
    ]


def test_a_dated_membership_makes_relations_and_rights_while_it_holds(org):
    with org.write(SYSTEM) as writer:
        made, new = join(writer, member("dan", "playback", (today() - timedelta(days=9)).isoformat()))
        assert new
    with org.read() as reader:
        assert reader.require("user:default/dan").targets("memberOf") == ("group:default/playback",)
        assert "user:default/dan" in reader.require("group:default/playback").targets("hasMember")
        assert {"group:default/playback", "group:default/listening"} <= reader.units_of("user:default/dan")
        subjects = {(each.action, each.subject) for each in reader.activity(limit=2)}
    assert subjects == {
        ("member.joined", "group:default/playback"),
        ("person.joined", "user:default/dan"),
    }
    with org.write(SYSTEM) as writer:
        end(writer, str(made.id), today())
    with org.read() as reader:
        assert reader.require("user:default/dan").targets("memberOf") == ()
        assert reader.activity(limit=2)[0].action == "person.left"


def test_a_dated_membership_does_not_touch_what_a_document_says(org):
    with org.write(SYSTEM) as writer:
        made, _ = join(writer, member("ben", "discovery", "2026-01-01"))
        end(writer, str(made.id), today())
        writer.put(user("ben", "discovery", "playback"))
    with org.read() as reader:
        assert reader.require("user:default/ben").targets("memberOf") == (
            "group:default/discovery",
            "group:default/playback",
        )


def test_the_same_membership_once_more_changes_nothing(org):
    with org.write(SYSTEM) as writer:
        first, _ = join(writer, member("dan", "playback", "2026-01-01"))
        before = writer.last_activity()
        again, new = join(writer, member("dan", "playback", "2026-01-01"))
        assert (again.id, new) == (first.id, False)
        assert writer.last_activity() == before


def test_a_correction_does_not_rewrite_what_was_known(org):
    with org.write(SYSTEM) as writer:
        made, _ = join(writer, member("dan", "playback", "2026-01-01"))
    with org.write(SYSTEM) as writer:
        change(writer, str(made.id), start=D("2026-02-01"))
    assert made.recorded_at is not None
    day, known = noon(D("2026-01-15")), made.recorded_at
    assert who(org, "playback", When(day)) == []
    assert who(org, "playback", When(day, None, known)) == ["dan"]
    assert who(org, "playback", When(day, None, known - timedelta(seconds=1))) == []
    with org.read() as reader:
        assert len(recorded(reader, person="user:default/dan", corrections=True)) == 2
        assert len(recorded(reader, person="user:default/dan")) == 1


def test_two_roles_in_one_unit_are_fine_and_the_same_role_twice_is_not(org):
    with org.write(SYSTEM) as writer:
        join(writer, member("dan", "playback", "2026-01-01", role="lead"))
        join(writer, member("dan", "playback", "2026-02-01", role="designer"))
        with pytest.raises(ConflictError) as refused:
            join(writer, member("dan", "playback", "2026-02-01", role="lead"))
    assert "from 2026-01-01 on" in refused.value.problems[0].message


def test_one_may_begin_on_the_day_another_ends(org):
    with org.write(SYSTEM) as writer:
        join(writer, member("dan", "playback", "2026-01-01", "2026-02-01"))
        join(writer, member("dan", "playback", "2026-02-01"))
    assert who(org, "playback", When(noon(D("2026-02-01")))) == ["dan"]


def test_unknown_people_and_units_are_named_with_near_spellings(org):
    with org.write(SYSTEM) as writer:
        with pytest.raises(NotFoundError, match="did you mean user:default/cleo"):
            join(writer, member("cloe", "playback"))
        with pytest.raises(NotFoundError, match="did you mean group:default/playback"):
            join(writer, member("cleo", "plaback"))
        with pytest.raises(InputError, match="is no unit"):
            join(writer, msgspec.structs.replace(member("cleo", "x"), unit="component:default/player"))


def test_nobody_joins_a_unit_by_themselves_and_everybody_may_leave(org):
    with org.write(DAN) as writer, pytest.raises(NotAllowedError):
        join(writer, member("dan", "discovery"))
    with org.write(ANA) as writer:
        made, _ = join(writer, member("dan", "discovery", "2026-01-01"))
    with org.write(DAN) as writer:
        with pytest.raises(NotAllowedError):
            join(writer, member("dan", "playback"))
        end(writer, str(made.id), today())
    assert who(org, "discovery", now()) == ["ana", "ben"]


def test_a_membership_whose_day_comes_takes_effect_by_settling_and_its_end_too(org):
    start, stop = today() + timedelta(days=10), today() + timedelta(days=20)
    with org.write(SYSTEM) as writer:
        join(writer, member("dan", "playback", start.isoformat(), stop.isoformat()))
    for day, changed, held in (
        (today(), 0, False),
        (start, 1, True),
        (start, 0, True),
        (stop, 1, False),
        (stop, 0, False),
    ):
        assert settle(org, noon(day)) == changed
        with org.read() as reader:
            assert ("group:default/playback" in reader.units_of("user:default/dan")) is held


def test_who_leaves_now_was_in_the_unit_a_moment_before(org):
    with org.write(SYSTEM) as writer:
        made, _ = join(writer, member("dan", "playback", "2026-01-01"))
    with org.write(SYSTEM) as writer:
        left = to_datetime(writer.now)
        end(writer, str(made.id), left)
    assert who(org, "playback", when_of((left - timedelta(milliseconds=1)).isoformat())) == ["dan"]
    assert who(org, "playback", when_of(left.isoformat())) == []
    with org.read() as reader:
        (known,) = recorded(reader, person="user:default/dan")
    assert known.end == left


def test_the_next_change_is_when_a_span_begins_or_ends_or_midnight(org):
    soon, day = datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 8, tzinfo=UTC)
    with org.write(SYSTEM) as writer:
        join(writer, msgspec.structs.replace(member("dan", "playback"), start=soon))
    with org.read() as reader:
        assert next_change(reader, day) == soon
        assert next_change(reader, soon) == datetime(2026, 3, 2, tzinfo=UTC)


def test_an_end_before_the_beginning_takes_the_membership_back(org):
    with org.write(SYSTEM) as writer:
        made, _ = join(writer, member("dan", "playback", today().isoformat()))
        assert end(writer, str(made.id), today()) is None
    assert who(org, "playback", now()) == []
    with org.read() as reader:
        assert reader.units_of("user:default/dan") == frozenset()


def line(person: str, manager: str, start: str | None = None, end: str | None = None) -> ManagerLine:
    return ManagerLine(
        person=f"user:default/{person}",
        manager=f"user:default/{manager}",
        start=D(start) if start else None,
        end=D(end) if end else None,
    )


def boss(graph: Graph, person: str, when: When) -> str | None:
    with graph.read() as reader:
        found = manager_of(reader, f"user:default/{person}", when)
    return found.manager.rpartition("/")[2] if found else None


def test_a_new_line_manager_ends_the_open_line_and_the_past_keeps_its_own(org, on):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("dan", "ana", "2025-01-01"))
        set_manager(writer, line("dan", "ben", "2026-01-01"))
    assert [boss(org, "dan", on(day)) for day in ("2024-12-31", "2025-12-31", "2026-01-01")] == [
        None,
        "ana",
        "ben",
    ]
    with org.read() as reader:
        assert [each.person for each in reports_of(reader, "user:default/ana", on("2025-06-01"))] == [
            "user:default/dan"
        ]


def test_a_second_line_manager_at_the_same_time_is_refused_with_the_span(org):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("dan", "ana", "2025-01-01", "2026-01-01"))
        with pytest.raises(ConflictError) as refused:
            set_manager(writer, line("dan", "ben", "2025-06-01", "2025-07-01"))
    assert "from 2025-01-01 until 2026-01-01" in refused.value.problems[0].message


def test_a_circle_of_line_managers_is_refused_at_any_date(org):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("ana", "ben", "2025-01-01", "2026-01-01"))
        set_manager(writer, line("ben", "cleo", "2025-06-01"))
        with pytest.raises(ConflictError) as refused:
            set_manager(writer, line("cleo", "ana", "2024-01-01", "2025-07-01"))
        assert "2025-06-01" in refused.value.problems[0].message
        set_manager(writer, line("cleo", "ana", "2026-01-01"))


def test_a_circle_that_the_successor_rule_would_break_is_not_refused(org):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("ana", "ben", "2025-01-01"))
        set_manager(writer, line("ana", "cleo", "2026-01-01"))
        set_manager(writer, line("ben", "ana", "2026-01-01"))


def test_who_manages_somebody_is_said_by_them_or_whom_they_report_to(org):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("dan", "ana", "2025-01-01"))
    with org.write(Actor("user:default/eve", "Eve", "person")) as writer, pytest.raises(NotAllowedError):
        set_manager(writer, line("dan", "eve", "2026-01-01"))
    with org.write(ANA) as writer:
        set_manager(writer, line("dan", "ben", "2026-01-01"))


def test_a_line_manager_ends_on_a_day_and_later_lines_are_taken_back(org, on):
    with org.write(SYSTEM) as writer:
        set_manager(writer, line("dan", "ana", "2025-01-01", "2026-01-01"))
        set_manager(writer, line("dan", "ben", "2026-01-01"))
        end_manager(writer, "user:default/dan", D("2025-06-01"))
    assert boss(org, "dan", on("2025-05-31")) == "ana"
    assert boss(org, "dan", on("2026-02-01")) is None


def test_a_date_is_the_end_of_its_day_and_the_future_asks_the_present_graph():
    assert when_of("2026-05-03").at == datetime(2026, 5, 3, 23, 59, 59, 999999, UTC)
    assert when_of("2026-05-03").moment == when_of("2026-05-03").at
    ahead = when_of("2999-01-01")
    assert (ahead.at, ahead.moment.date()) == (None, D("2999-01-01"))
    for text in ("yesterday", "2026-02-30", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(InputError, match="not valid"):
            when_of(text)
