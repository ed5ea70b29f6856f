"""Writing at a past moment, relations that no document makes, and decisions that a file does not know yet."""

from datetime import UTC, datetime, timedelta

import pytest

from counterpoint.errors import InputError
from counterpoint.graph import SYSTEM
from counterpoint.graph.handover import handed_over, is_marked, keep_decisions, moved, retired
from tests.graph.documents import component, group, user

THEN = datetime(2020, 5, 3, 12, tzinfo=UTC)


def test_a_history_is_replayed_at_its_moments_and_never_before_what_is_there(graph):
    with graph.write(SYSTEM, at=THEN) as writer:
        writer.put(group("discovery"))
    with graph.write(SYSTEM, at=THEN - timedelta(days=1)) as writer:
        writer.put(group("playback"))
    with graph.read() as reader:
        assert reader.get("group:default/discovery", at=THEN - timedelta(seconds=1)) is None
        assert reader.get("group:default/discovery", at=THEN) is not None
        first, second = reader.activity(oldest_first=True)
    assert first.at == THEN
    assert second.at > first.at


def test_nothing_is_written_in_the_future(graph):
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(InputError, match="future"), graph.write(SYSTEM, at=ahead):
        pass


def test_relations_of_an_origin_are_what_was_said_last_both_ways(graph):
    with graph.write(SYSTEM) as writer:
        for document in (user("ana", "discovery"), group("discovery"), group("playback")):
            writer.put(document)
        ana, playback = "user:default/ana", "group:default/playback"
        writer.relate("membership:1", [(ana, "memberOf", playback)])
        assert writer.require(playback).targets("hasMember") == (ana,)
        writer.relate("membership:1", [(ana, "memberOf", playback)])
        assert writer.units_of(ana) == {playback, "group:default/discovery"}
        writer.relate("membership:1", [])
    with graph.read() as reader:
        assert reader.units_of(ana) == {"group:default/discovery"}
        assert reader.require(playback).relations == ()


FORMER = component("radio", owner="a")
PARENT = group("b", parent="x")


@pytest.mark.parametrize(
    ("stored", "read", "field", "value"),
    [
        (handed_over(FORMER, "group:default/a", "b"), FORMER, "owner", "b"),
        (handed_over(FORMER, "group:default/a", "b"), component("radio", owner="group:a"), "owner", "b"),
        (handed_over(FORMER, "group:default/a", "b"), component("radio", owner="c"), "owner", "c"),
        (FORMER, component("radio", owner="c"), "owner", "c"),
        (moved(PARENT, "group:default/x", "y"), PARENT, "parent", "y"),
        (moved(PARENT, "group:default/x", None), PARENT, "parent", None),
        (moved(PARENT, "group:default/x", "y"), group("b", parent="z"), "parent", "z"),
        (retired(PARENT, "2026-01-01"), PARENT, "lifecycle", "retired"),
        (retired(PARENT, "2026-01-01"), group("b", lifecycle="active"), "lifecycle", "active"),
    ],
)
def test_a_decision_stays_until_the_file_says_something_else(stored, read, field, value):
    assert keep_decisions(stored, read)["spec"].get(field) == value
    kept = keep_decisions(stored, read) == stored
    assert kept == (value == stored["spec"].get(field) and stored is not FORMER)


def test_only_documents_with_a_mark_are_looked_at():
    assert not is_marked('{"kind":"Group"}')
    assert is_marked('{"annotations":{"counterpoint.dev/moved-from":"group:default/x"}}')
