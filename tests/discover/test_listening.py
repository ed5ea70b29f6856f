"""What is read of the journal: what counts, what is left out and counted, and whose."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.discover.consent import declare
from counterpoint.discover.corrections import Corrected, PrivateSession, keep_corrections
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import plan_of
from counterpoint.errors import InputError
from counterpoint.graph.actor import SYSTEM
from tests.discover.heard import NOW, REF, SPEC, described, event, played, playlist, tell


def heard(
    workspace: Workspace, *, listeners: list[str] | None = None, until: Any = NOW, **changes: Any
) -> Listened:
    plan = plan_of({**SPEC, **changes})
    return listening_of(workspace, REF, plan, until=until, listeners=listeners)


def weight(found: Listened, listener: str, item: str) -> float:
    return float(found.matrix[found.rows[listener], found.columns[item]])


def test_plays_and_saves_speak_for_an_item_and_early_skips_against_it(workspace: Workspace) -> None:
    tell(
        workspace,
        played("ana", "x", ago=0),
        event("track.saved", "ana", NOW, track="x"),
        played("ana", "y", ago=0, ms=1_000),
        played("ana", "z", ago=0, ms=10_000),
    )
    found = heard(workspace)
    assert weight(found, "ana", "x") == 4
    assert found.against[0, found.columns["y"]] == 1
    assert "z" not in found.columns, "neither a play nor a skip"


def test_old_events_count_by_halves_and_one_item_only_so_much(workspace: Workspace) -> None:
    tell(workspace, played("ana", "old", ago=180), (played("ana", "new", ago=0.001 * at) for at in range(60)))
    found = heard(workspace, halfLife=180, most=20)
    assert weight(found, "ana", "old") == pytest.approx(0.5)
    assert weight(found, "ana", "new") == 20
    moment = found.moments[0, found.columns["old"]]
    assert moment == (NOW - timedelta(days=180)).timestamp()


def test_a_window_leaves_out_what_is_older(workspace: Workspace) -> None:
    tell(workspace, played("ana", "old", ago=40), played("ana", "new", ago=2))
    assert list(heard(workspace, window=30).items) == ["new"]


def test_what_is_wrong_is_left_out_and_counted_and_the_rest_stays(workspace: Workspace) -> None:
    twice = played("ana", "x")
    tell(
        workspace,
        twice,
        {**twice, "id": "again"},
        played("ana", "x", ago=-3),
        played(None, "x"),
        played("ana", ""),
        played("ana", "   "),
        played("ana", None),
        played("ana", ["x"]),
        played("ana", True),
        played("ana", {"id": "x"}),
        played("ana", "x", ms="long"),
        played("ana", "x", ms=None),
        played("ana", 42, ago=2),
        event("track.played", "ana", NOW - timedelta(days=1)),
    )
    found = heard(workspace)
    assert found.matrix.nnz == 2
    assert list(found.items) == ["42", "x"]
    assert dict(found.left_out) == {
        "events there twice": 1,
        "events later than the cut": 1,
        "events without a listener": 1,
        "events without an item": 6,
        "events without a number under msPlayed": 3,
    }


def test_names_of_any_language_stay_apart_and_in_code_point_order(workspace: Workspace) -> None:
    names = ["\u00dc", "U\u0308", "音楽", "🎧", "موسيقى", " a", "a", "A", "a" * 2000, "x*?[y]", "'; --"]
    tell(workspace, (played(name, name) for name in names))
    found = heard(workspace)
    assert list(found.listeners) == sorted(names)
    assert list(found.items) == sorted(names)
    assert found.matrix.nnz == len(names)
    assert heard(workspace, listeners=["🎧"]).listeners.tolist() == ["🎧"]


def test_robots_are_left_out_and_a_song_on_repeat_is_one_taste(workspace: Workspace) -> None:
    tell(
        workspace,
        (played("robot", f"t{at}", ago=0.2 + at * 1e-5) for at in range(30)),
        (played("hoarder", f"t{at}", ago=1 + at) for at in range(30)),
        (played("fan", "t1", ago=0.2 + at * 1e-5) for at in range(300)),
        playlist("all", "robot", [f"t{at}" for at in range(30)]),
    )
    found = heard(workspace, mostItems={"day": 20, "all": 25})
    assert list(found.listeners) == ["fan"]
    assert weight(found, "fan", "t1") == 50
    assert found.left_out["listeners who heard more than a person can"] == 2
    assert found.left_out["playlists of listeners who are left out"] == 1
    assert list(heard(workspace, mostItems={"day": 20, "all": 1000}).listeners) == ["fan", "hoarder"]


def test_a_listener_is_heard_as_consent_says_and_its_newest_word_counts(workspace: Workspace) -> None:
    tell(workspace, (played(name, "x") for name in ("gave", "refused", "silent", "again", "ahead", "odd")))
    day = timedelta(days=1)
    for name, given, at in (
        ("gave", True, NOW - day),
        ("refused", True, NOW - 2 * day),
        ("refused", False, NOW - day),
        ("again", False, NOW - 2 * day),
        ("again", True, NOW - day),
        ("ahead", True, NOW - day),
        ("ahead", False, NOW + 4000 * day),
    ):
        declare(workspace, name, "personalisation", given=given, source="app", at=at)
    declare(workspace, "gave", "advertising", given=False, source="app")
    tell(workspace, event("dev.counterpoint.discover.consent", "odd", purpose="personalisation", given="no"))
    assert list(heard(workspace, consent="required").listeners) == ["again", "gave"]
    assumed = heard(workspace)
    assert list(assumed.listeners) == ["again", "gave", "silent"]
    assert assumed.left_out["listeners without consent"] == 3


def test_consent_that_is_withdrawn_later_counts_for_an_earlier_cut_too(workspace: Workspace) -> None:
    tell(workspace, played("ana", "x", ago=9), played("ben", "x", ago=9))
    declare(workspace, "ana", "personalisation", given=False, source="app")
    assert list(heard(workspace, until=NOW - timedelta(days=5)).listeners) == ["ben"]


def test_private_sessions_say_nothing(workspace: Workspace) -> None:
    tell(
        workspace,
        played("ana", "open", ago=3),
        played("ana", "hidden", ago=2),
        played("ana", "marked", ago=4, private=True),
        played("ben", "hidden", ago=2),
    )
    start = NOW - timedelta(days=2, hours=1)
    with workspace.graph.write(SYSTEM) as writer:
        keep_corrections(writer, REF, "ana", Corrected(private=(PrivateSession(start),)))
    found = heard(workspace)
    assert found.left_out["events of private sessions"] == 2
    assert found.matrix[found.rows["ana"]].nnz == 1
    assert found.matrix[found.rows["ben"]].nnz == 1


def test_the_newest_event_of_a_playlist_and_of_an_item_counts(workspace: Workspace) -> None:
    tell(
        workspace,
        playlist("p1", "ana", ["x", "y"], ago=5, title="rain"),
        playlist("p1", "ana", ["y", 7, {"item": "z"}, None, 1.5], ago=2, title="rain"),
        playlist("p2", None, ["x"], title=12),
        playlist("p3", "ana", []),
        playlist("p4", "ana", "x,y"),
        playlist(None, "ana", ["x"]),
        playlist("p5", "ana", ["later"], ago=-1),
        described("y", artist="old"),
        {**described("y", artist=["new", "new", "other"], genre=3, title="Y", odd="left"), "id": "zz"},
        described("unheard", artist="nobody"),
    )
    found = heard(workspace)
    kept = {each.name: (each.listener, each.title, each.items) for each in found.playlists}
    assert kept == {"p1": ("ana", "rain", ("y", "7", "z")), "p2": (None, "", ("x",))}
    assert list(found.items) == ["7", "x", "y", "z"]
    assert found.attributes == {"y": {"title": ("Y",), "artist": ("new", "other"), "genre": ("3",)}}
    assert found.left_out == {
        "playlists without a name": 1,
        "playlists without items": 2,
        "entries of playlists that name no item": 3,
    }


def test_plays_know_their_context_and_session(workspace: Workspace) -> None:
    minutes = 1 / 24 / 60
    tell(
        workspace,
        played("ana", "x", ago=1, context="playlist:rain"),
        played("ana", "y", ago=1 - 20 * minutes, context="search"),
        played("ana", "z", ago=1 - 60 * minutes),
        played("ben", "x", ago=1),
    )
    plays = heard(workspace).plays
    assert plays.sessions.tolist() == [0, 0, 1, 0]
    assert [plays.names[at] if at >= 0 else None for at in plays.contexts] == [
        "playlist:rain",
        "search",
        None,
        None,
    ]


def test_the_same_events_give_the_same_bits_in_whatever_order_they_came(tmp_path: Path) -> None:
    events = [played(f"l{at % 7}", f"t{at * at % 11}", ago=1 + at / 9) for at in range(120)]
    events += [playlist(f"p{at}", f"l{at}", [f"t{at}", "t1"]) for at in range(5)]
    found = []
    for name, order, compacted in (("a", 1, False), ("b", -1, True)):
        with Workspace.create(tmp_path / name, name="Test") as workspace:
            tell(workspace, events[::order])
            if compacted:
                workspace.journal.compact(full=True)
            found.append(heard(workspace))
    one, other = found
    assert one.digest == other.digest
    assert np.array_equal(one.matrix.data, other.matrix.data)
    assert np.array_equal(one.plays.at, other.plays.at)


def test_what_arrived_after_a_version_was_fitted_is_not_there_for_it(workspace: Workspace) -> None:
    tell(workspace, played("ana", "x"))
    known = workspace.journal.now()
    tell(workspace, played("ana", "late"))
    found = listening_of(workspace, REF, plan_of(SPEC), until=NOW, known=known)
    assert list(found.items) == ["x"]


def test_an_empty_journal_is_heard_as_nothing(workspace: Workspace) -> None:
    found = heard(workspace)
    assert found.matrix.shape == (0, 0)
    assert found.digest == heard(workspace).digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals": [{"event": "e", "above": 3}]}, "name its attribute"),
        ({"signals": [{"event": "e", "attribute": "ms"}]}, "bounded by nothing"),
        ({"signals": [{"event": "e", "attribute": "ms", "above": 5, "below": 5}]}, "nothing lies between"),
        ({"signals": [{"event": "e", "weight": 0}]}, "says nothing"),
        ({"signals": [{"event": "e", "weight": -1}]}, "speaks against"),
        ({"signals": []}, "at least"),
        ({"shadow": 1.5}, "whole number"),
        ({"weekly": {"places": 5, "explored": 6}}, "at most the 5 places"),
        ({"consent": "perhaps"}, "assumed"),
        ({"halfLife": 0}, "halfLife"),
    ],
)
def test_a_recommender_that_says_nonsense_is_refused_with_the_place(
    workspace: Workspace, changes: dict[str, Any], message: str
) -> None:
    from tests.discover.heard import recommender

    with pytest.raises(InputError) as caught:
        recommender(workspace, **changes)
    assert any(message in str(each) for each in caught.value.problems), caught.value.problems


def test_a_recommender_needs_nothing_but_its_owner(workspace: Workspace) -> None:
    from counterpoint.discover.plan import read_plan
    from tests.discover.heard import recommender

    recommender(workspace, signals=..., playlists=..., items=...)
    with workspace.graph.read() as reader:
        _, plan = read_plan(reader, "weekly")
    assert plan.signals[0].event == "track.played"
    assert plan.weekly.options().arrangement.places == 30
