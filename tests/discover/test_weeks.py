"""The week's playlist: exactly one, however many ask at once; made again to the track; chance written down."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.discover import weeks, weeks_kept
from counterpoint.discover.corrections import Corrected, PrivateSession
from counterpoint.discover.forgotten import declare_forgotten
from counterpoint.discover.profile import Consents, CorrectionsChange
from counterpoint.discover.profiles import change_corrections, declare_consent, set_corrections
from counterpoint.discover.serving import Service, service_of
from counterpoint.discover.tables import WEEK
from counterpoint.discover.versions import fit_version
from counterpoint.discover.week import Week, this_week
from counterpoint.discover.weeks import make_weeks, replay, week_of
from counterpoint.discover.weeks_kept import EXPLORED
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import local_actor
from counterpoint.journal.sought import Named
from tests.discover import streaming
from tests.discover.streaming import ADMIN, BACKEND, GENRES, LISTENERS, listener, play


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """The streaming workspace with a version, once on each database."""
    with Workspace.create(tmp_path / "either", name="Test") as made:
        streaming.furnish(made)
        fit_version(made, local_actor(), "songs", method="item-graph", options={"rank": 4})
        yield made


def test_of_many_who_ask_at_once_all_are_given_the_one_playlist(either: Workspace) -> None:
    """Two services, as of two processes, with a batch running beside."""
    services = [Service(either), Service(either)]
    found: list[Week] = []
    start = threading.Barrier(5)

    def ask(service: Service) -> None:
        start.wait()
        found.append(week_of(service, BACKEND, "songs", "user-0"))

    def batch() -> None:
        start.wait()
        make_weeks(services[0], BACKEND, "songs", listeners=["user-0", "user-1", "user-2"])

    threads = [threading.Thread(target=ask, args=(services[at % 2],)) for at in range(4)]
    threads.append(threading.Thread(target=batch))
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 4
    assert len({(each.inputs, each.tracks, each.made_at) for each in found}) == 1
    with either.graph.read() as reader:
        rows = reader.connection.execute(sa.select(WEEK.c.listener)).scalars().all()
        told = [each for each in reader.activity(limit=100) if each.action == "recommender.week-made"]
    assert sorted(rows) == ["user-0", "user-1", "user-2"]
    assert sum(each.after["playlists"] for each in told) == 3


def test_everybody_has_one_and_a_batch_that_was_broken_off_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weeks, "BATCH", 10)
    steps: list[tuple[float, float | None]] = []

    def stop_after_two(done: float, total: float | None) -> None:
        steps.append((done, total))
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_weeks(service, BACKEND, "songs", advance=stop_after_two)
    assert steps == [(10, LISTENERS), (20, LISTENERS)]
    first = week_of(service, BACKEND, "songs", "user-0")
    done = make_weeks(service, BACKEND, "songs")
    assert (done.made, done.already) == (LISTENERS - 20, 20)
    assert week_of(service, BACKEND, "songs", "user-0") == first
    again = make_weeks(service, BACKEND, "songs")
    assert (again.made, again.already) == (0, LISTENERS)


def test_a_playlist_fits_its_listener_and_is_made_again_to_the_track(service: Service) -> None:
    for who in range(3):
        week = week_of(service, BACKEND, "songs", listener(who))
        assert len(week.tracks) == len({each.item for each in week.tracks}) == 8
        mine = [each for each in week.tracks if each.item.startswith(GENRES[who])]
        assert len(mine) >= 4
        assert replay(service, BACKEND, "songs", listener(who)).equal
    play(service.workspace, "user-0", "folk-1", "folk-2")
    after = replay(service, BACKEND, "songs", "user-0")
    assert after.equal
    assert after.inputs_equal  # what came later had no say


def test_a_replay_says_where_the_journal_or_the_playlist_says_something_else(service: Service) -> None:
    week_of(service, BACKEND, "songs", "user-0")
    with service.workspace.graph.write(local_actor()) as writer:
        row = writer.connection.execute(sa.select(WEEK.c.playlist)).scalar_one()
        writer.connection.execute(
            sa.update(WEEK).values(playlist=row.replace('"propensity":1.0', '"propensity":0.5', 1))
        )
    changed = replay(service, BACKEND, "songs", "user-0")
    assert not changed.equal
    assert changed.differs == ("The tracks are others.",)
    private = Corrected(private=(PrivateSession(streaming.NOW - timedelta(days=400)),))
    set_corrections(service, BACKEND, "songs", "user-0", private)
    assert not replay(service, BACKEND, "songs", "user-0").inputs_equal
    service.workspace.journal.forget([Named("user-5")])
    with pytest.raises(ConflictError, match="yet to follow"):
        replay(service, BACKEND, "songs", "user-0")


def test_what_chance_decided_is_an_event_with_its_propensity_told_once(service: Service) -> None:
    make_weeks(service, BACKEND, "songs")
    make_weeks(service, BACKEND, "songs")
    told = service.workspace.journal.recent(type=EXPLORED, limit=200, personal=True)
    assert len(told) == LISTENERS  # one place in each playlist is explored
    for event in told:
        assert event.subject is not None
        week = week_of(service, BACKEND, "songs", event.subject)
        track = week.tracks[event.data["place"] - 1]
        assert (track.item, track.propensity) == (event.data["item"], event.data["propensity"])
        assert track.explored
        assert 0 < track.propensity <= 1
    assert service.workspace.journal.recent(type=EXPLORED) == []
    assert not [each for each in service.workspace.journal.recent(limit=500) if each.type == EXPLORED]


def test_an_event_that_was_lost_between_playlist_and_journal_is_made_good(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(weeks, "tell_explored", lambda *_: None)
        make_weeks(service, BACKEND, "songs")
    assert not service.workspace.journal.recent(type=EXPLORED, personal=True)
    make_weeks(service, BACKEND, "songs")
    assert len(service.workspace.journal.recent(type=EXPLORED, limit=200, personal=True)) == LISTENERS


def test_next_weeks_playlist_has_other_tracks(service: Service) -> None:
    first = week_of(service, BACKEND, "songs", "user-0")
    later = datetime.now(UTC) + timedelta(days=7)
    second = week_of(service, BACKEND, "songs", "user-0", now=later)
    assert second.week == this_week(later) != first.week
    assert not {each.item for each in first.tracks} & {each.item for each in second.tracks}
    with service.workspace.graph.read() as reader:
        kept = [weeks_kept.week_in(row) for row in weeks_kept.rows_of(reader, first.recommender, "user-0")]
    assert [each.week for each in kept] == [second.week, first.week]


def test_the_listeners_word_counts_at_once_in_a_playlist_that_is_made(service: Service) -> None:
    week = week_of(service, BACKEND, "songs", "user-0")
    out = week.tracks[0].item
    change_corrections(service, BACKEND, "songs", "user-0", CorrectionsChange(add_items=(out,)))
    shown = week_of(service, BACKEND, "songs", "user-0")
    assert out not in {each.item for each in shown.tracks}
    assert shown.taken_out == 1
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=False))
    popular = week_of(service, BACKEND, "songs", "user-0")
    assert not popular.personal
    assert not [each for each in popular.tracks if each.because]


def test_who_gave_no_consent_has_a_playlist_of_what_many_hear(service: Service) -> None:
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=False))
    week = week_of(service, BACKEND, "songs", "user-0")
    assert not week.personal
    assert not [each for each in week.tracks if each.because]
    assert replay(service, BACKEND, "songs", "user-0").equal


def test_weeks_that_are_none_and_playlists_of_others(service: Service) -> None:
    for wrong in ("2026-W54", "2026-48", "W48", "2026-W4", "later", "９９９９-W01"):
        with pytest.raises(InputError):
            week_of(service, BACKEND, "songs", "user-0", week=wrong)
    with pytest.raises(InputError, match="not valid"):
        make_weeks(service, BACKEND, "songs", week="2999-W01")
    with pytest.raises(NotFoundError, match="no playlist"):
        week_of(service, BACKEND, "songs", "user-0", week="2020-W01")
    for call in (week_of, replay):
        with pytest.raises(NotAllowedError):
            call(service, ADMIN, "songs", "user-0")
    with pytest.raises(NotAllowedError):
        make_weeks(service, ADMIN, "songs")
    assert service_of(service.workspace) is service


def test_who_is_forgotten_while_a_batch_runs_gets_no_playlist_of_what_they_heard(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lately = weeks.tracks_lately

    def forgetting(*given: Any) -> dict[str, tuple[str, ...]]:
        found = lately(*given)
        if not service.workspace.journal.last_erasure():
            declare_forgotten(service.workspace, "user-1", "recommender:default/songs", source="app")
            service.workspace.journal.forget([Named("user-2")])
        return found

    monkeypatch.setattr(weeks, "tracks_lately", forgetting)
    done = make_weeks(service, BACKEND, "songs")
    assert (done.made, done.already) == (LISTENERS - 2, 0)
    with service.workspace.graph.read() as reader:
        kept = set(reader.connection.execute(sa.select(WEEK.c.listener)).scalars())
    assert {"user-1", "user-2"}.isdisjoint(kept)
    assert not service.workspace.journal.recent(type=EXPLORED, subject="user-2", personal=True)
    play(service.workspace, "user-1", "folk-1")
    assert week_of(service, BACKEND, "songs", "user-1").personal, "who hears again is heard again"
