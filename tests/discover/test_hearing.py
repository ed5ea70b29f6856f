"""One listener read event by event says what the engine says of everybody; what arrives a moment later counts."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint import Workspace
from counterpoint.discover.corrections import Corrected, PrivateSession, keep_corrections
from counterpoint.discover.forgotten import declare_forgotten
from counterpoint.discover.hearing import Hearing, heard_of, in_context
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import Plan, Signal, read_plan
from counterpoint.errors import InputError
from counterpoint.graph.actor import SYSTEM
from tests.discover import streaming
from tests.discover.streaming import NOW, event, play

REF = "recommender:default/songs"
ODD = st.sampled_from(["jazz-1", "жаз", "", " ", 5, 5.0, 5.5, -3, 2**70, True, None, ["jazz-1"], {"a": 1}])
PLAN = Plan(
    signals=(
        Signal("track.played", attribute="ms", above=30_000),
        Signal("track.played", attribute="ms", below=5_000, weight=-1),
        Signal("track.saved", weight=3),
    ),
    window=30,
    zone="zone",
)


_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace for many listeners."""
    with Workspace.create(tmp_path_factory.mktemp("one") / "workspace") as made:
        yield made


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["track.played", "track.saved", "other"]),
                "item": ODD,
                "ms": st.sampled_from([0, 4_999.5, 5_000, 30_000, 200_000.0, "200000", None, True]),
                "ago": st.integers(-2, 40),
                "private": st.sampled_from([True, False, "true", None, 1]),
                "context": st.sampled_from(["radio", 1, None]),
                "zone": st.sampled_from(["Pacific/Auckland", "../etc/passwd", "Nowhere", 5, None]),
            }
        ),
        max_size=12,
    ),
    st.booleans(),
)
@settings(max_examples=10)
def test_one_listener_is_read_as_an_engine_reads_them(
    shared: Workspace, told: list[dict[str, Any]], compacted: bool
) -> None:
    ana = f"ana {next(_numbers)}"
    events = [
        event(
            each["kind"],
            ana,
            NOW - timedelta(days=each["ago"], seconds=place),
            **{
                key: each[key]
                for key in ("item", "ms", "private", "context", "zone")
                if each[key] is not None
            },
        )
        | {"id": f"{ana}/{place}"}
        for place, each in enumerate(told)
    ]
    shared.journal.append(events)
    if compacted:
        shared.journal.compact(full=True)
    found = Hearing(shared).of(REF, PLAN, ana)
    expected = heard_of(listening_of(shared, REF, PLAN, listeners=[ana]), ana, Corrected())
    assert found.plays == expected.plays
    assert found.contexts == expected.contexts
    for mine, theirs in (
        (found.liking.weights, expected.liking.weights),
        (found.liking.disliked, expected.liking.disliked),
    ):
        assert mine.keys() == theirs.keys()
        # Between the two looks a moment passes, in which everything ages alike.
        np.testing.assert_allclose(list(mine.values()), list(theirs.values()), rtol=1e-5)


@pytest.fixture
def heard(workspace: Workspace) -> tuple[Workspace, Plan, Hearing]:
    """The streaming workspace, with nobody remembered."""
    streaming.furnish(workspace)
    with workspace.graph.read() as reader:
        _, plan = read_plan(reader, "songs")
    return workspace, plan, Hearing(workspace)


def test_what_was_heard_a_moment_ago_counts_and_others_are_not_read_again(
    heard: tuple[Workspace, Plan, Hearing], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, plan, hearing = heard
    before = hearing.of(REF, plan, "user-0")
    other = hearing.of(REF, plan, "user-1")
    monkeypatch.setattr(workspace.journal, "recent", None)  # whoever is known is not read again
    play(workspace, "user-0", "folk-3")
    after = hearing.of(REF, plan, "user-0")
    assert "folk-3" in after.liking.weights.keys() - before.liking.weights.keys()
    assert len(after.plays) == len(before.plays) + 1
    assert hearing.of(REF, plan, "user-1") is other


def test_who_asked_to_be_forgotten_is_heard_as_anybody_new(heard: tuple[Workspace, Plan, Hearing]) -> None:
    workspace, plan, hearing = heard
    assert hearing.of(REF, plan, "user-0").plays
    declare_forgotten(workspace, "user-0", REF, source="/test")
    declare_forgotten(workspace, "user-1", "recommender:default/other", source="/test")
    assert hearing.of(REF, plan, "user-0").plays == ()
    assert Hearing(workspace).of(REF, plan, "user-0").plays == ()
    assert hearing.of(REF, plan, "user-1").plays
    play(workspace, "user-0", "folk-3")
    assert [each.item for each in hearing.of(REF, plan, "user-0").plays] == ["folk-3"]


def test_after_a_compaction_and_an_erasure_everybody_is_read_anew(
    heard: tuple[Workspace, Plan, Hearing],
) -> None:
    from counterpoint.journal.sought import Named

    workspace, plan, hearing = heard
    before = hearing.of(REF, plan, "user-0")
    play(workspace, "user-0", "folk-3")
    workspace.journal.compact(full=True)
    assert len(hearing.of(REF, plan, "user-0").plays) == len(before.plays) + 1
    workspace.journal.forget([Named("user-0")])
    assert hearing.of(REF, plan, "user-0").plays == ()


def test_corrections_and_private_sessions_of_another_process_count_at_once(
    heard: tuple[Workspace, Plan, Hearing],
) -> None:
    workspace, plan, hearing = heard
    assert hearing.of(REF, plan, "user-0").plays
    with workspace.graph.write(SYSTEM) as writer:
        private = (PrivateSession(NOW - timedelta(days=100)),)
        keep_corrections(writer, REF, "user-0", Corrected(items=("jazz-1",), private=private))
    found = hearing.of(REF, plan, "user-0")
    assert found.plays == ()
    assert found.corrected.items == ("jazz-1",)


def test_many_threads_hear_the_same(heard: tuple[Workspace, Plan, Hearing]) -> None:
    workspace, plan, hearing = heard
    found: list[int] = []

    def ask() -> None:
        found.extend(len(hearing.of(REF, plan, "user-4").plays) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    play(workspace, "user-4", "folk-1")
    for each in threads:
        each.join()
    assert len(hearing.of(REF, plan, "user-4").plays) == min(found) + 1 or min(found) == max(found)


def test_in_a_context_what_is_heard_in_it_counts_more(heard: tuple[Workspace, Plan, Hearing]) -> None:
    _, plan, hearing = heard
    mine = hearing.of(REF, plan, "user-0")
    context = next(iter(mine.contexts))
    found = in_context(mine, context)
    for each, weight in mine.liking.weights.items():
        share = mine.contexts[context].get(each, 0.0)
        assert found.weights[each] == pytest.approx(weight * (0.25 + 0.75 * share))
    assert in_context(mine, None) is mine.liking
    with pytest.raises(InputError, match="must be one of"):
        in_context(mine, "mondays")


@pytest.mark.parametrize(
    ("usual", "zone", "context"),
    [
        ("UTC", None, "weekdays"),
        ("Europe/Stockholm", None, "weekday evenings"),
        ("UTC", "America/New_York", "weekdays"),
        ("Europe/Stockholm", "Asia/Tokyo", "nights"),
        ("Europe/Stockholm", "no such zone", "weekday evenings"),
    ],
)
def test_a_context_is_by_the_clock_of_the_listener_else_of_all(
    tmp_path: Path, usual: str, zone: str | None, context: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Friday at 16:30 in UTC."""
    monkeypatch.setenv("COUNTERPOINT_DISCOVER__TIME_ZONE", usual)
    at = datetime(2026, 11, 27, 16, 30, tzinfo=UTC) - timedelta(days=7)
    with Workspace.create(tmp_path / "zones") as made:
        named = {"zone": zone} if zone else {}
        made.journal.append([event("track.played", "ana", at, item="jazz-1", **named)])
        plan = Plan(zone="zone")
        one = Hearing(made).of(REF, plan, "ana")
        everybody = heard_of(listening_of(made, REF, plan), "ana", Corrected(), zone=usual)
        unasked = Hearing(made).of(REF, Plan(), "ana")
    assert one.contexts == everybody.contexts == {context: {"jazz-1": 1.0}}
    assert one.plays == everybody.plays
    assert one.plays[0].at == at
    assert unasked.contexts.keys() == {"weekday evenings" if usual != "UTC" else "weekdays"}


def test_a_zone_that_there_is_not_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create(tmp_path / "zones").close()
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        monkeypatch.setenv("COUNTERPOINT_DISCOVER__TIME_ZONE", name)
        with pytest.raises(InputError) as refused:
            Workspace.open(tmp_path / "zones").close()
        assert "is no time zone" in str(refused.value.problems)
