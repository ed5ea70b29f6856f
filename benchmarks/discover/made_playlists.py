"""Playlists made up with a planted structure: what holds their tracks together, and what their titles say of it.

`TUNED` are the structures that methods were developed on, `UNSEEN` those that were only measured afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from counterpoint.discover import Playlist

__all__ = ["TUNED", "UNSEEN", "Structure", "made"]

Script = Sequence[Sequence[str]]
"""Parts of a syllable, in their order."""
OPENINGS = ("my", "the best of", "songs for", "", "", "", "pure", "late")
PLAIN = ("playlist", "music", "stuff", "favourites", "2016", "new", "songs", "🎧")
LATIN: Script = ("bdfgklmnprstv", "aeiou")
CYRILLIC: Script = ("бвгджзклмнпрст", "аеиоу")
KANA: Script = ("あかさたなはまやらわいきしちにひみ", ("", "ん", "う"))
SIGNS: Script = ("🌊🔥🌙🎸🎷🥁🏃🚗🍂🍷💔🕺🌴❄️🧘🛌".replace("\ufe0f", ""), ("",))
LONGEST = 250


@dataclass(frozen=True)
class Structure:
    """How playlists are made."""

    count: int = 2500
    """Playlists to fit and to choose options on."""
    tracks: int = 3000
    kinds: int = 30
    own: float = 0.7
    """The share of tracks that are of the playlist's kinds; the rest is what is popular."""
    mixed: int = 1
    """Kinds of one playlist."""
    run: int = 1
    """Tracks that follow each other as on their album."""
    told: float = 0.6
    """How often the title says the kind."""
    skew: float = 0.7
    """How much more popular the first are."""
    soft: float = 0.0
    """How much a kind reaches into its neighbours: tastes without borders."""
    loyal: float = 0.0
    """How often the next track is of the artist of the last one."""
    artist: int = 12
    """Tracks of an artist, all of one kind."""
    length: float = 36.0
    spread: float = 0.4
    """Of the logarithm of lengths."""
    least: int = 28
    """The shortest playlist."""
    script: Script = LATIN


TUNED: Mapping[str, Structure] = {
    "themes": Structure(),
    "runs": Structure(kinds=20, run=5),
    "mixtures": Structure(mixed=3, soft=0.5, told=0.3),
    "borders": Structure(kinds=60, soft=1.0, own=0.85, told=0.4, skew=0.3),
    "loud": Structure(own=0.35, skew=1.1, told=0.8),
    "silent": Structure(told=0.0, kinds=60),
    "few": Structure(count=400, tracks=800, kinds=12),
}
UNSEEN: Mapping[str, Structure] = {
    "blocks": Structure(kinds=8, own=0.5, skew=0.9, told=0.5),
    "artists": Structure(kinds=15, loyal=0.6, told=0.4, skew=0.5),
    "albums": Structure(kinds=40, run=10, own=0.9, told=0.3, script=CYRILLIC),
    "two": Structure(kinds=40, mixed=2, own=0.8, told=0.7, spread=0.7, script=KANA),
    "faint": Structure(kinds=10, own=0.15, skew=1.2, told=0.9),
    "signs": Structure(kinds=16, told=1.0, script=SIGNS, skew=0.4),
    "lengths": Structure(kinds=25, length=20, spread=1.0, least=3, soft=0.4, told=0.5),
    "small": Structure(count=500, tracks=1500, kinds=10, own=0.8, told=0.5),
    "sparse": Structure(count=1500, tracks=8000, kinds=80, own=0.8, told=0.5),
}


def made(structure: Structure, seed: int = 0, *, more: int = 0) -> list[Playlist]:
    """Its playlists, and `more` of the same kind after them."""
    chance = np.random.default_rng(seed)
    tracks, kinds = structure.tracks, structure.kinds
    popular = chance.permutation((1 / (1 + np.arange(tracks))) ** structure.skew)
    reach = np.abs(np.arange(tracks)[None, :] % kinds - np.arange(kinds)[:, None])
    reach = np.minimum(reach, kinds - reach)
    near = np.where(reach == 0, 1.0, structure.soft * np.exp(-reach / 2.0)) * popular
    draw = [_drawing(each, chance) for each in [*near, popular]]
    words = [f"{_word(structure, chance)} {_word(structure, chance)}" for _ in range(kinds)]
    return [_one(structure, chance, draw, words) for _ in range(structure.count + more)]


def _drawing(weights: np.ndarray, chance: np.random.Generator) -> Callable[[], int]:
    shares = np.cumsum(weights / weights.sum())
    return lambda: min(int(np.searchsorted(shares, chance.random(), side="right")), len(shares) - 1)


def _one(
    structure: Structure,
    chance: np.random.Generator,
    draw: Sequence[Callable[[], int]],
    words: Sequence[str],
) -> Playlist:
    chosen = chance.choice(structure.kinds, structure.mixed, replace=False)
    length = int(
        np.clip(chance.lognormal(np.log(structure.length), structure.spread), structure.least, LONGEST)
    )
    tracks: dict[int, None] = {}
    last = -1
    while len(tracks) < length:
        if last >= 0 and chance.random() < structure.loyal:
            first = _beside(structure, last, chance)
        else:
            first = draw[chance.choice(chosen) if chance.random() < structure.own else -1]()
        album = first + structure.kinds * np.arange(1 + chance.integers(structure.run))
        tracks.update(dict.fromkeys(int(each) for each in album if each < structure.tracks))
        last = first
    title = words[chosen[0]] if chance.random() < structure.told else str(chance.choice(PLAIN))
    if chance.random() < 0.3:  # one word of the two, as people do
        title = title.split(" ")[int(chance.integers(2)) % len(title.split(" "))]
    return Playlist(tuple(tracks)[:length], f"{chance.choice(OPENINGS)} {title}".strip())


def _beside(structure: Structure, track: int, chance: np.random.Generator) -> int:
    """Another track of the same artist: its neighbours in the kind."""
    place = track // structure.kinds // structure.artist * structure.artist
    found = int(place + chance.integers(structure.artist)) * structure.kinds + track % structure.kinds
    return found if found < structure.tracks else track


def _word(structure: Structure, chance: np.random.Generator) -> str:
    one, other = structure.script
    return "".join(str(chance.choice(list(one))) + str(chance.choice(list(other))) for _ in range(3))
