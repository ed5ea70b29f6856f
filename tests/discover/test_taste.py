"""Profiles against planted tastes: what is found, how sure, what the listener takes out, and what stays private."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from counterpoint.discover.taste import Corrections, Listening, context_of, relevance, taste_of
from counterpoint.discover.tastes import tastes_of
from counterpoint.errors import InputError

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
GENRES = ("ambient", "metal", "jazz", "polka")
ITEMS = {
    f"{genre}-{number}": {"genre": (genre,), "artist": (f"{genre} band {number % 3}",)}
    for genre in GENRES
    for number in range(30)
}
EVERYBODY = {
    "genre": dict.fromkeys(GENRES, 0.25),
    "artist": {f"{genre} band {n}": 1 / 12 for genre in GENRES for n in range(3)},
}


def plays(
    shares: dict[str, float], count: int, *, seed: int = 0, days: float = 60, start: float = 0
) -> list[Listening]:
    chance = np.random.default_rng(seed)
    genres = chance.choice(list(shares), size=count, p=list(shares.values()))
    return [
        Listening(
            f"{genre}-{chance.integers(30)}", NOW - timedelta(days=start + float(chance.random()) * days)
        )
        for genre in genres
    ]


def test_the_interval_covers_the_planted_share_and_narrows_with_listening() -> None:
    true, covered, widths = {"ambient": 0.6, "jazz": 0.3, "metal": 0.1}, 0, {}
    for seed in range(100):
        found = taste_of(plays(true, 400, seed=seed, days=1), ITEMS, EVERYBODY, now=NOW).facets["genre"]
        trait = next(each for each in found.traits if each.value == "ambient")
        covered += trait.low <= 0.6 <= trait.high
    assert covered / 100 >= 0.78
    for count in (20, 200, 2000):
        facet = taste_of(plays(true, count, days=1), ITEMS, EVERYBODY, now=NOW).facets["genre"]
        widths[count] = facet.traits[0].high - facet.traits[0].low
        assert facet.traits[0].value == "ambient"
    assert widths[20] > widths[200]
    assert facet.traits[0].surely > 0.99
    assert facet.traits[0].lift == pytest.approx(0.6 / 0.25, rel=0.1)


def test_three_plays_make_no_fan_and_nothing_makes_an_empty_profile() -> None:
    few = taste_of([Listening("metal-1", NOW)] * 3, ITEMS, EVERYBODY, now=NOW).facets["genre"].traits[0]
    assert few.share < 0.5
    nothing = taste_of([], ITEMS, EVERYBODY, now=NOW)
    assert nothing.facets["genre"].traits == ()
    assert nothing.plays == 0


def test_old_listening_fades_and_one_song_on_repeat_is_no_taste() -> None:
    old = plays({"metal": 1.0}, 200, start=720, days=30)
    new = plays({"jazz": 1.0}, 50, days=10)
    assert taste_of([*old, *new], ITEMS, EVERYBODY, now=NOW).facets["genre"].traits[0].value == "jazz"
    repeat = [Listening("polka-1", NOW - timedelta(minutes=each)) for each in range(10_000)]
    facet = taste_of([*repeat, *plays({"jazz": 1.0}, 400, days=10)], ITEMS, EVERYBODY, now=NOW).facets[
        "genre"
    ]
    assert facet.traits[0].value == "jazz"


def test_what_the_listener_takes_out_leaves_no_trace() -> None:
    heard = plays({"jazz": 0.5, "polka": 0.5}, 300)
    told = Corrections(
        items=frozenset(f"polka-{n}" for n in range(15)),
        traits=frozenset({("genre", "polka"), ("artist", "polka band 0")}),
    )
    found = taste_of(heard, ITEMS, EVERYBODY, now=NOW, corrections=told)
    assert [each.value for each in found.facets["genre"].traits] == ["jazz"]
    assert "polka band 0" not in found.facets["artist"].weights()
    assert not [
        each
        for facet in found.facets.values()
        for trait in facet.traits
        for each in trait.reasons
        if each in told.items
    ]


def test_private_sessions_and_the_future_say_nothing() -> None:
    heard = plays({"jazz": 1.0}, 100)
    private = [Listening("metal-3", NOW - timedelta(days=1), private=True)] * 500
    later = [Listening("metal-3", NOW + timedelta(days=1))] * 500
    assert taste_of([*heard, *private, *later], ITEMS, EVERYBODY, now=NOW) == taste_of(
        heard, ITEMS, EVERYBODY, now=NOW
    )


def test_skips_take_back_what_plays_said() -> None:
    heard = [Listening("metal-1", NOW, 1.0), Listening("metal-1", NOW, -2.0), Listening("jazz-1", NOW, 1.0)]
    assert [each.value for each in taste_of(heard, ITEMS, EVERYBODY, now=NOW).facets["genre"].traits] == [
        "jazz"
    ]
    with pytest.raises(InputError, match="finite"):
        taste_of([Listening("jazz-1", NOW, float("nan"))], ITEMS, EVERYBODY, now=NOW)


def test_a_change_of_taste_is_drift_and_chance_is_none() -> None:
    steady = sum(
        taste_of(plays({"jazz": 0.5, "metal": 0.5}, 300, seed=seed), ITEMS, EVERYBODY, now=NOW)
        .facets["genre"]
        .drifted
        for seed in range(100)
    )
    assert steady <= 10
    moved = [*plays({"metal": 1.0}, 100, start=30), *plays({"jazz": 0.8, "metal": 0.2}, 100, days=27)]
    facet = taste_of(moved, ITEMS, EVERYBODY, now=NOW).facets["genre"]
    assert facet.drifted
    assert facet.drift == pytest.approx(0.8, abs=0.1)


def test_discovery_is_how_much_was_new() -> None:
    curious = [Listening(f"{genre}-{n}", NOW - timedelta(hours=n)) for genre in GENRES for n in range(30)]
    faithful = [Listening("jazz-1", NOW - timedelta(hours=n)) for n in range(120)]
    assert taste_of(curious, ITEMS, EVERYBODY, now=NOW).discovery[1] > 0.9
    assert taste_of(faithful, ITEMS, EVERYBODY, now=NOW).discovery[2] < 0.1


def test_contexts_tell_mornings_from_evenings() -> None:
    monday = datetime(2026, 10, 5, tzinfo=UTC)
    heard = [
        Listening(f"{genre}-{n}", monday + timedelta(days=7 * (n % 4), hours=hour))
        for genre, hour in (("ambient", 7), ("metal", 20))
        for n in range(40)
        if n < 30
    ]
    found = taste_of(heard, ITEMS, EVERYBODY, now=NOW).contexts
    assert found["weekday mornings"]["ambient"] > 1.3 > 0.8 > found["weekday mornings"]["metal"]
    assert context_of(datetime(2026, 11, 7, 9, tzinfo=UTC)) == "weekends"
    assert context_of(datetime(2026, 11, 7, 2, tzinfo=UTC)) == "nights"


def test_relevance_orders_what_fits() -> None:
    taste = taste_of(plays({"jazz": 0.9, "metal": 0.1}, 200), ITEMS, EVERYBODY, now=NOW)
    assert (
        relevance(taste, {"genre": ["jazz"]})
        > relevance(taste, {"genre": ["metal"]})
        > relevance(taste, {"genre": ["polka"]})
    )
    assert relevance(taste, {}) == 0


def test_several_tastes_stay_apart_and_one_stays_one() -> None:
    chance = np.random.default_rng(2)
    one, other = np.eye(8)[0], np.eye(8)[3]
    apart = np.vstack(
        [one + 0.1 * chance.standard_normal((20, 8)), other + 0.1 * chance.standard_normal((12, 8))]
    )
    found = tastes_of(apart)
    assert found.groups == (tuple(range(20)), tuple(range(20, 32)))
    assert tastes_of(apart) == found
    assert len(tastes_of(one + 0.5 * chance.standard_normal((40, 8)) * [1, 0, 0, 0, 0, 0, 0, 0]).groups) == 1
    assert len(tastes_of(np.zeros((20, 8))).groups) == 1
    assert tastes_of(np.zeros((0, 8))).groups == ()
