"""Versions: fitted from the journal, broken off and gone on with, loaded, and told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.discover import fitting, making
from counterpoint.discover.search import Trial
from counterpoint.discover.versions import fit_version, load_version, versions
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, WorkspaceError
from counterpoint.graph.actor import SYSTEM, Actor
from tests.discover.heard import NOW, REF, opened, planted, played, playlist, recommender, tell


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "workspace") as made:
        tell(made, planted(), (playlist(f"p{at}", f"l{at:03d}", [f"t{at}", f"t{at + 2}"]) for at in range(6)))
        yield made


def test_a_version_is_chosen_judged_kept_and_loaded(heard: Workspace) -> None:
    version = fit_version(heard, SYSTEM, "weekly", budget=0.5, until=NOW)
    assert (version.number, version.state, version.fits) == (1, "ready", 1)
    assert version.trials
    assert version.counts == {"listeners": 40, "items": 24, "interactions": 320, "playlists": 6}
    assert version.evaluation[0].method == version.method
    assert "popularity" in {each.method for each in version.evaluation}
    fitted = load_version(heard, REF, 1)
    assert fitted.personal
    assert fitted.continuation is not None
    assert fitted.attributes["t0"] == {"artist": ("a0",), "genre": ("g0",)}
    assert fitted.heard.sum() == 320
    assert load_version(heard, REF, 1) is fitted
    assert [each.number for each in versions(heard, "weekly")] == [1]
    with heard.graph.read() as reader:
        told = reader.newest_activity(making.FITTED, [REF])[REF]
    assert told.after["number"] == 1


def test_the_same_events_method_and_seed_give_the_same_file(heard: Workspace) -> None:
    files = []
    for number in (1, 2):
        fit_version(heard, SYSTEM, REF, method="item-graph", options={"rank": 4}, until=NOW)
        found = np.load(making.file_of(heard, REF, number))
        files.append({name: found[name].tobytes() for name in found.files if name != "header"})
    assert files[0] == files[1]


def test_a_fit_that_was_broken_off_goes_on_where_it_stood(
    heard: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit_version(heard, SYSTEM, "weekly", budget=1e6, until=NOW)
    ran: list[Trial] = []
    search = fitting.search

    def counting(*given: object, **named: object) -> object:
        tried = named.pop("tried")

        def told(trial: Trial) -> None:
            tried(trial)  # type: ignore[operator]
            ran.append(trial)
            if len(ran) == 4:
                raise KeyboardInterrupt

        return search(*given, **named, tried=told)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "search", counting)
    with pytest.raises(KeyboardInterrupt):
        fit_version(heard, SYSTEM, "weekly", budget=1e6, until=NOW)
    assert [each.state for each in versions(heard, "weekly")] == ["fitting", "ready"]
    with pytest.raises(NotFoundError, match="cannot answer"):
        load_version(heard, REF, 2)
    said: list[str] = []
    version = fit_version(heard, SYSTEM, "weekly", budget=1e6, progress=said.append)
    assert version.number == 2
    assert version.until == NOW
    assert any("4 trials were done before" in each for each in said)
    assert len(ran) == len(version.trials), "no trial was done twice"
    assert [(each.method, each.options, each.recall) for each in version.trials] == [
        (each.method, each.options, each.recall) for each in whole.trials
    ]
    assert not making.trials_of(heard, version).exists()


def test_a_fit_for_something_else_lets_the_broken_one_go(
    heard: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, "chosen", broken)
        with pytest.raises(KeyboardInterrupt):
            fit_version(heard, SYSTEM, "weekly")
    version = fit_version(heard, SYSTEM, "weekly", method="popularity")
    assert (version.number, version.method) == (1, "popularity")
    assert len(versions(heard, "weekly")) == 1


def test_two_processes_do_not_fit_one_recommender_at_once(heard: Workspace) -> None:
    with making.alone(heard, REF), pytest.raises(ConflictError, match="Another process"):
        fit_version(heard, SYSTEM, "weekly", method="popularity")


def test_who_does_not_own_a_recommender_fits_no_version(heard: Workspace) -> None:
    recommender(heard, "theirs", owner="user:default/ana")
    with heard.graph.write(SYSTEM) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "User",
                "metadata": {"name": "ana"},
                "spec": {"memberOf": []},
            }
        )
    somebody = Actor("user:default/ben", "Ben", "person")
    with pytest.raises(NotAllowedError):
        fit_version(heard, somebody, "theirs", method="popularity")
    assert not versions(heard, "theirs")


def test_nothing_heard_is_said_with_what_was_left_out_and_leaves_no_version(workspace: Workspace) -> None:
    recommender(workspace)
    tell(workspace, played("ana", "x", ms="long"), played(None, "x"))
    with pytest.raises(
        InputError, match=r"1 events without a listener.*so there is nothing|nothing to fit"
    ) as caught:
        fit_version(workspace, SYSTEM, "weekly")
    assert "events without a number under msPlayed" in caught.value.message
    assert versions(workspace, "weekly") == []


def test_playlists_alone_are_enough(workspace: Workspace) -> None:
    recommender(workspace)
    tell(workspace, (playlist(f"p{at}", None, [f"t{at % 5}", f"t{at % 3}", "t9"]) for at in range(12)))
    version = fit_version(workspace, SYSTEM, "weekly", until=NOW, budget=0.2)
    assert version.counts == {"listeners": 0, "items": 6, "interactions": 0, "playlists": 12}
    fitted = load_version(workspace, REF, 1)
    assert fitted.continuation is not None
    assert fitted.heard.tolist() == [0] * 6


def test_a_single_play_is_popularity_with_a_note(workspace: Workspace) -> None:
    recommender(workspace)
    tell(workspace, played("ana", "x"))
    version = fit_version(workspace, SYSTEM, "weekly", until=NOW)
    assert version.method == "popularity"
    assert version.notes
    assert load_version(workspace, REF, 1).model.name == "popularity"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "als-2"}, "must be one of"),
        ({"options": {"rank": 3}}, "name it"),
        ({"method": "ease", "options": {"rank": 3}}, "has no option"),
        ({"budget": 0.0}, "budget"),
        ({"until": NOW + timedelta(days=4000)}, "future"),
    ],
)
def test_what_cannot_be_fitted_is_refused(heard: Workspace, given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_version(heard, SYSTEM, "weekly", **given)  # type: ignore[arg-type]
    assert versions(heard, "weekly") == []


def test_names_that_are_none_are_told_with_near_ones(heard: Workspace) -> None:
    with pytest.raises(NotFoundError, match="did you mean weekly"):
        versions(heard, "weekyl")
    with pytest.raises(NotFoundError, match="no version 7"):
        load_version(heard, REF, 7)


def test_a_damaged_file_is_said_with_the_remedy(heard: Workspace) -> None:
    fit_version(heard, SYSTEM, "weekly", method="popularity")
    making.file_of(heard, REF, 1).write_bytes(b"no model")
    with pytest.raises(WorkspaceError, match="discover follow"):
        load_version(heard, REF, 1)
