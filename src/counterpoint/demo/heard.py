"""What listeners with latent tastes do, week by week, as the events that Arpeggio's apps send. Pure.

They play, skip within half a minute what they do not like, save what they like best, put it into playlists with titles,
and say what may be done with all that.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from counterpoint.demo.latent import CHILDREN, Catalogue, Latent, Values
from counterpoint.discover.consent import CONSENT
from counterpoint.moments import rfc3339

__all__ = ["DESCRIBED", "EPISODE", "PLAYED", "PLAYLIST", "SAVED", "described", "hear_lists", "listening"]

APPS: Final = "//arpeggio.example/apps"
INGESTION: Final = "//arpeggio.example/ingestion"
PLAYED: Final = "track.played"
SAVED: Final = "track.saved"
EPISODE: Final = "episode.played"
PLAYLIST: Final = "playlist.edited"
DESCRIBED: Final = "item.described"
WEEK: Final = 7 * 86_400
SESSIONS: Final = 1.5
"""Sessions of a listener in a week, on average."""
RADIO: Final = 0.15
"""The share of plays that the radio chose."""
SAVES: Final = 0.08
EPISODES: Final = 6
"""Of each show."""
MORNINGS: Final = 4.0
"""How much more the second taste is heard before work."""
SOURCES, SOURCE_SHARES = ("playlist", "album", "search", "radio"), (0.45, 0.25, 0.2, 0.1)
CAME, CAME_SHARES = (0.0, 0.4, 0.65), (0.6, 0.2, 0.2)
"""When many came at once, after a campaign, as shares of the time; and how many of the listeners did."""
OPENED: Final = 0.75
"""The share of listeners who open the week's list."""

Event = dict[str, Any]


def described(catalogue: Catalogue, at: datetime) -> list[Event]:
    """What each track and episode is, as its label or publisher says it."""
    music = catalogue.music
    told: list[dict[str, Any]] = [
        {
            "item": each.item,
            "title": each.title,
            "kind": "music",
            "artist": each.artist,
            "album": each.album,
            "genre": each.genre,
            "released": str(each.released),
        }
        for each in catalogue.songs
    ]
    for show, genre in music.shows.items():
        for number in range(1, EPISODES + 1):
            title = f"{show}, episode {number}"
            told.append(
                {
                    "item": _episode(catalogue, show, number),
                    "title": title,
                    "kind": "podcast",
                    "show": show,
                    "genre": genre,
                }
            )
    return [_event(DESCRIBED, f"described-{each['item']}", at, each, source=INGESTION) for each in told]


def listening(latent: Latent, end: datetime, *, weeks: int, seed: int) -> list[Event]:
    """Everything that they do in the weeks before `end`, in the order of time."""
    rng = np.random.default_rng((seed, 3))
    begin = end - timedelta(weeks=weeks)
    found: list[Event] = []
    for row, name in enumerate(latent.names):
        came = int(weeks * CAME[rng.choice(len(CAME), p=CAME_SHARES)])
        joined = int(WEEK * came + rng.integers(0, 3 * 86_400))
        found += _said(name, begin + timedelta(seconds=joined), rng)
        found += _played(latent, row, begin, (joined, weeks * WEEK), rng)
        found += _collected(latent, row, begin, (joined, weeks * WEEK), rng)
        found += _talked(latent, row, begin, (joined, weeks * WEEK), rng)
    return _in_order(found)


def hear_lists(
    latent: Latent, lists: Mapping[str, Sequence[str]], monday: datetime, *, seed: int
) -> list[Event]:
    """How they take the lists of a week: from the top, on one day or two, skipping and saving by their taste."""
    rng = np.random.default_rng((seed, 4))
    found: list[Event] = []
    rows = {name: row for row, name in enumerate(latent.names)}
    for name, items in sorted(lists.items()):
        if rng.random() > OPENED:
            continue
        at = monday + timedelta(days=int(rng.integers(0, 5)), seconds=int(rng.integers(7 * 3600, 21 * 3600)))
        for place, item in enumerate(items[: int(rng.integers(6, 16))]):
            song = latent.catalogue.places[item]
            label = f"{name}-list-{place:02d}"
            event, seconds = _play(latent, (rows[name], song), label, at, "discover", rng)
            found.append(event)
            if seconds > 30 and rng.random() < SAVES:
                found.append(_event(SAVED, f"{label}-saved", at, {"item": item}, name))
            at += timedelta(seconds=seconds + 2)
    return _in_order(found)


def _said(name: str, at: datetime, rng: np.random.Generator) -> list[Event]:
    """What a listener said on joining may be done with what they hear; many say nothing."""
    words = (("advertising", 0.5, True), ("research", 0.02, False), ("personalisation", 0.02, False))
    return [
        _event(CONSENT, f"{name}-{purpose}", at, {"purpose": purpose, "given": given}, name)
        for (purpose, share, given), chance in zip(words, rng.random(len(words)), strict=True)
        if chance < share
    ]


def _played(
    latent: Latent, row: int, begin: datetime, span: tuple[int, int], rng: np.random.Generator
) -> list[Event]:
    """Sessions of a few tracks each."""
    name, catalogue = latent.names[row], latent.catalogue
    keen = rng.gamma(3.0, 1 / 3.0)
    many = rng.poisson(SESSIONS * keen * (span[1] - span[0]) / WEEK)
    sources = rng.choice(SOURCES, size=many, p=SOURCE_SHARES).tolist()
    own: dict[str, Values] = {}
    found: list[Event] = []
    for session, start in enumerate(_starts(rng, int(many), span)):
        at, source = begin + timedelta(seconds=start), sources[session]
        when = _when(at)
        if when not in own:
            own[when] = _chances(latent, row, when)
        chance = rng.random((int(rng.integers(2, 6)), 2))
        by_radio = chance[:, 0] < RADIO
        songs = np.where(by_radio, _drawn(catalogue.everybody, chance), _drawn(own[when], chance))
        for track, song in enumerate(songs.tolist()):
            label = f"{name}-{session:03d}-{track}"
            where = "radio" if by_radio[track] else source
            event, seconds = _play(latent, (row, song), label, at, where, rng)
            found.append(event)
            if seconds > 30 and not by_radio[track] and rng.random() < SAVES:
                saved = {"item": catalogue.songs[song].item}
                found.append(_event(SAVED, f"{label}-saved", at, saved, name))
            at += timedelta(seconds=seconds + 2)
    return found


def _starts(rng: np.random.Generator, many: int, span: tuple[int, int]) -> list[int]:
    """When sessions begin: before work, after it, or at any waking hour."""
    days = np.sort(rng.integers(span[0] // 86_400, span[1] // 86_400, size=many))
    parts = rng.choice(3, size=many, p=(0.3, 0.45, 0.25))
    low, high = np.array((6.5, 17.0, 9.0))[parts], np.array((9.5, 22.0, 20.0))[parts]
    starts = days * 86_400 + (3600 * rng.uniform(low, high)).astype(np.int64)
    return [int(each) for each in np.sort(starts) if each >= span[0]]


def _when(at: datetime) -> str:
    if at.hour < 10 and at.weekday() < 5:
        return "before work"
    return "evening" if 17 <= at.hour < 20 else "else"


def _drawn(chances: Values, chance: Values) -> NDArray[np.intp]:
    """A track for each second number between 0 and 1, as likely as its chance."""
    found = np.searchsorted(np.cumsum(chances), chance[:, 1], side="right")
    return np.minimum(found, len(chances) - 1)


def _chances(latent: Latent, row: int, when: str) -> Values:
    """What a listener chooses then: before work more of the second taste, children's songs most in the evening."""
    names = list(latent.catalogue.music.genres)
    factor = np.ones(len(names))
    second = int(np.argsort(latent.genres[row])[-2])
    if when == "before work" and latent.genres[row, second] and names[second] != CHILDREN:
        factor[second] = MORNINGS
    factor[names.index(CHILDREN)] = 2.0 if when == "evening" else 0.3
    chances = latent.likes[row] * factor[latent.catalogue.genres]
    return np.asarray(chances / chances.sum())


def _play(
    latent: Latent,
    who_what: tuple[int, int],
    label: str,
    at: datetime,
    source: str,
    rng: np.random.Generator,
) -> tuple[Event, int]:
    """One play, and how many seconds of it were heard."""
    row, song = who_what
    enjoyed = rng.random() < latent.enjoys(row, song)
    seconds = int(rng.integers(150, 260) if enjoyed else rng.integers(2, 28))
    data = {
        "item": latent.catalogue.songs[song].item,
        "msPlayed": seconds * 1000,
        "context": source,
    }
    return _event(PLAYED, label, at, data, latent.names[row]), seconds


def _collected(
    latent: Latent, row: int, begin: datetime, span: tuple[int, int], rng: np.random.Generator
) -> list[Event]:
    """Playlists: made of one genre each, and most of them added to later."""
    music, catalogue, name = latent.catalogue.music, latent.catalogue, latent.names[row]
    genres = list(music.genres)
    found: list[Event] = []
    for number in range(int(rng.integers(1, 4))):
        genre = int(rng.choice(len(genres), p=latent.genres[row]))
        chances = np.where(catalogue.genres == genre, latent.likes[row], 0.0)
        most = int((chances > 0).sum())
        listed = rng.choice(
            len(chances), size=min(most, int(rng.integers(9, 16))), replace=False, p=chances / chances.sum()
        )
        items = [catalogue.songs[song].item for song in listed]
        title = str(rng.choice(music.genres[genres[genre]].playlists))
        at = int(rng.integers(span[0], span[1]))
        cuts = [len(items) - 3, len(items)] if rng.random() < 0.7 else [len(items)]
        for edit, cut in enumerate(cuts):
            data = {"playlist": f"{name}-{number + 1}", "title": title, "items": items[:cut]}
            when = begin + timedelta(seconds=min(at + edit * WEEK, span[1] - 3600 + edit))
            found.append(_event(PLAYLIST, f"{name}-list-{number + 1}-{edit}", when, data, name))
    return found


def _talked(
    latent: Latent, row: int, begin: datetime, span: tuple[int, int], rng: np.random.Generator
) -> list[Event]:
    """Episodes of the shows that a listener hears."""
    name, found = latent.names[row], list[Event]()
    for show in latent.shows[row]:
        for number in range(1, EPISODES + 1):
            at = begin + timedelta(seconds=int(rng.integers(span[0], span[1])))
            if rng.random() < 0.6:
                item = _episode(latent.catalogue, show, number)
                data = {"item": item, "msPlayed": int(rng.integers(600, 2400)) * 1000, "context": "shelf"}
                found.append(_event(EPISODE, f"{name}-{item}", at, data, name))
    return found


def _episode(catalogue: Catalogue, show: str, number: int) -> str:
    return f"episode-{list(catalogue.music.shows).index(show) * EPISODES + number:03d}"


def _event(
    kind: str,
    name: str,
    at: datetime,
    data: Mapping[str, Any],
    subject: str | None = None,
    *,
    source: str = APPS,
) -> Event:
    made = {
        "specversion": "1.0",
        "id": name if kind != CONSENT else f"said-{name}",
        "source": source,
        "type": kind,
        "time": rfc3339(at),
        "data": data,
    }
    return made | ({"subject": subject} if subject else {})


def _in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda each: (each["time"], each["id"]))
