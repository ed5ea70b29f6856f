"""Simulated listeners: the same for a seed, and true to tastes that no event tells."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from statistics import fmean

import msgspec
import pytest

from counterpoint.demo.heard import PLAYED, PLAYLIST, described, hear_lists, listening
from counterpoint.demo.latent import Catalogue, Music, latent_of
from counterpoint.yaml12.reader import read_file

END = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue():
    file = files("counterpoint.demo").joinpath("arpeggio/music.yaml")
    return Catalogue.of(msgspec.convert(read_file(file).documents[0].value, Music), 7)


@pytest.fixture(scope="module")
def latent(catalogue):
    return latent_of(catalogue, listeners=80, seed=7)


@pytest.fixture(scope="module")
def events(latent):
    return listening(latent, END, weeks=12, seed=7)


def test_the_same_seed_gives_the_same_listening(catalogue, latent, events):
    assert listening(latent_of(catalogue, listeners=80, seed=7), END, weeks=12, seed=7) == events
    assert listening(latent_of(catalogue, listeners=80, seed=8), END, weeks=12, seed=8) != events


def test_events_are_unique_in_order_and_before_the_end(catalogue, events):
    everything = [*described(catalogue, END - timedelta(weeks=13)), *events]
    assert len({each["id"] for each in everything}) == len(everything)
    times = [each["time"] for each in everything]
    assert times == sorted(times)
    assert times[-1] < "2026-11-23T00:00:00Z"


def test_tracks_have_titles_of_their_own_within_an_artist(catalogue):
    assert len(catalogue.songs) > 300
    assert len({(each.artist, each.title) for each in catalogue.songs}) == len(catalogue.songs)
    assert sum(catalogue.everybody) == pytest.approx(1)


def test_listeners_skip_what_they_do_not_like_and_hear_the_rest_to_the_end(latent, events):
    rows = {name: row for row, name in enumerate(latent.names)}
    skipped = defaultdict(list)
    for each in events:
        if each["type"] == PLAYED:
            song = latent.catalogue.places[each["data"]["item"]]
            likes = latent.genres[rows[each["subject"]], latent.catalogue.genres[song]] >= 0.1
            skipped[bool(likes)].append(each["data"]["msPlayed"] < 30_000)
    assert fmean(skipped[True]) < 0.2 < 0.7 < fmean(skipped[False])


def test_a_playlist_holds_one_genre_that_its_listener_likes(latent, events):
    genres = {each.item: each.genre for each in latent.catalogue.songs}
    rows = {name: row for row, name in enumerate(latent.names)}
    lists = [each for each in events if each["type"] == PLAYLIST]
    assert len(lists) > 80
    for each in lists:
        (genre,) = {genres[item] for item in each["data"]["items"]}
        assert genre in latent.genre_of(rows[each["subject"]], 0.01)
        assert each["data"]["title"] in latent.catalogue.music.genres[genre].playlists


def test_no_event_tells_a_latent_taste(events):
    told = Counter(key for each in events for key in each["data"])
    assert told.keys() == {"item", "msPlayed", "context", "playlist", "title", "items", "purpose", "given"}


def test_lists_are_heard_from_the_top_and_taken_by_taste(latent):
    song = [each.item for each in latent.catalogue.songs]
    monday = END - timedelta(weeks=1)
    heard = hear_lists(latent, dict.fromkeys(latent.names, song[:20]), monday, seed=7)
    assert heard == hear_lists(latent, dict.fromkeys(latent.names, song[:20]), monday, seed=7)
    first = Counter(each["data"]["item"] for each in heard if each["type"] == PLAYED)
    assert first[song[0]] > first[song[10]] > 0 == first[song[16]]
    assert {each["data"].get("context", "discover") for each in heard} == {"discover"}
