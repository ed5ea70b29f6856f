"""The weekly playlist and advertising: what they keep to, and that nothing hides in them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import scipy.sparse as sp

from counterpoint.discover.advertising import Campaign, Seen, choose, held_out, pace
from counterpoint.discover.arranging import Arrangement, arrange
from counterpoint.discover.exposure import makers_of, small_items
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.taste import Listening, taste_of
from counterpoint.discover.weekly import Catalogue, WeeklyOptions, weekly
from counterpoint.errors import InputError
from tests.discover.planted import tastes

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MATRIX, _, ITEM = tastes(items=400)
MODEL = ItemGraph.fit(MATRIX, ItemGraphOptions(rank=16))
CATALOGUE = Catalogue(np.eye(4)[ITEM], np.arange(400) // 8, np.arange(400) < 40)
OPTIONS = WeeklyOptions(arrangement=Arrangement(places=20))


def made(row: int = 0, **changed: object):  # type: ignore[no-untyped-def]
    given = {"listener": f"user:default/{row}", "week": "2026-W45", "options": OPTIONS} | changed
    return weekly(MODEL, MATRIX[row], CATALOGUE, **given)  # type: ignore[arg-type]


def test_a_playlist_is_the_same_again_and_another_in_another_week() -> None:
    assert made() == made()
    assert made(week="2026-W46").inputs != made().inputs
    assert len({tuple(made(week=f"2026-W{week}").items()) for week in range(10, 40)}) > 5


def test_what_is_hidden_or_was_there_lately_is_not_in_it_and_known_tracks_are_rationed() -> None:
    first = made().items()
    second = made(week="2026-W46", lately=first, hidden=[399, 398])
    assert not set(second.items()) & {*first, 398, 399}
    for row in range(30):
        found = made(row)
        assert len(found.tracks) == len(set(found.items())) == 20
        assert sum(each.known for each in found.tracks) <= 2
        assert all(each.known == (each.item in MATRIX[row].indices) for each in found.tracks)


def test_every_reason_is_the_listeners_own_and_gives_its_share_of_the_score() -> None:
    for row in range(10):
        for track in made(row).tracks:
            assert track.because
            for item, part in track.because:
                assert item in MATRIX[row].indices
                assert 0 < part <= 1
            parts = dict(MODEL.reasons(MATRIX[row], track.item))
            strongest = max((part, item) for item, part in parts.items() if item != track.item)[1]
            assert track.because[0][0] == strongest


def test_what_is_left_to_chance_says_how_likely_it_was() -> None:
    counts: dict[int, int] = {}
    chances: dict[int, float] = {}
    for week in range(300):
        track = weekly(
            MODEL, MATRIX[3], CATALOGUE, listener="a", week=str(week), options=replace(OPTIONS, explored=1)
        ).tracks[-1]
        assert track.explored
        counts[track.item] = counts.get(track.item, 0) + 1
        chances[track.item] = track.propensity
    assert sum(chances.values()) == pytest.approx(1, abs=1e-6)
    for item, chance in chances.items():
        assert counts[item] / 300 == pytest.approx(chance, abs=0.09)
    assert all(each.propensity == 1 for each in made().tracks if not each.explored)


def test_a_listener_without_history_gets_what_is_popular_within_the_bound() -> None:
    found = weekly(
        MODEL, sp.csr_matrix((1, 400)), CATALOGUE, listener="new", week="2026-W45", options=OPTIONS
    )
    assert len(found.tracks) == 20
    assert not [each for each in found.tracks if each.because]
    assert sum(CATALOGUE.popular[each.item] for each in found.tracks) <= 12


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_small_artists_get_the_share_of_places_that_they_are_owed_from_the_first_on(share: float) -> None:
    small = small_items(
        makers_of([[str(at // 8)] for at in range(400)]), np.asarray(MATRIX.sum(axis=0)).ravel()
    )
    catalogue = replace(CATALOGUE, small=small)
    without = [0]
    for row in range(20):
        plain, owed = (
            weekly(
                MODEL,
                MATRIX[row],
                catalogue,
                listener=str(row),
                week="2026-W45",
                options=replace(OPTIONS, arrangement=Arrangement(places=20, small=each, popular=0.5)),
            )
            for each in (0.0, share)
        )
        theirs = np.cumsum(small[owed.items()])
        assert (theirs >= np.floor(share * np.arange(1, 21) + 1e-9)).all(), "what chance chose as well"
        assert len(set(owed.items())) == 20
        assert plain.inputs != owed.inputs
        without.append(int(small[plain.items()].sum()))
    assert np.mean(without) < 20 * share, "it would not be so by itself"


def test_small_artists_fill_their_share_only_as_far_as_there_are_any_and_lists_from_before_stay_the_same() -> (
    None
):
    rules = Arrangement(places=6, small=0.5, by_artist=1, gap=0, calibration=0.0)
    scores, categories = [6, 5, 4, 3, 2, 1], np.ones((6, 1))
    small = [False, False, False, False, True, True]
    artists = [0, 1, 2, 3, 4, 4]
    assert arrange(scores, categories, np.ones(1), artists, [False] * 6, rules, small) == [0, 4, 1, 2, 3, 5]
    assert "small" not in repr(Arrangement()), "digests of earlier lists hang on it"
    plain = replace(CATALOGUE, small=np.zeros(400, dtype=bool))
    same = weekly(MODEL, MATRIX[0], plain, listener="user:default/0", week="2026-W45", options=OPTIONS)
    assert same == made()
    with pytest.raises(InputError, match="small"):
        Arrangement(small=1.5)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="one row"):
        weekly(MODEL, MATRIX[:2], CATALOGUE, listener="a", week="2026-W45")
    with pytest.raises(InputError, match="explored == 40"):
        WeeklyOptions(explored=40)


def campaign(name: str = "jazz-club", **changed: object) -> Campaign:
    given = {"values": {"genre": ["jazz"]}, "start": NOW - timedelta(days=5), "end": NOW + timedelta(days=5)}
    return Campaign(name=name, **{**given, "budget": 1000, "holdout": 0.0, **changed})  # type: ignore[arg-type]


def fan() -> object:
    heard = [Listening("a", NOW - timedelta(hours=each)) for each in range(40)]
    return taste_of(heard, {"a": {"genre": ["jazz"]}}, {"genre": {"jazz": 0.2, "metal": 0.8}}, now=NOW)


def chosen(campaigns: list[Campaign], **changed: object):  # type: ignore[no-untyped-def]
    given = {"listener": "user:default/ada", "consented": True, "seen": (), "shown": {}, "now": NOW}
    return choose(campaigns, fan(), **(given | changed))  # type: ignore[arg-type]


def test_the_most_relevant_campaign_comes_with_consent_and_no_taste_is_used_without() -> None:
    both = [campaign("metal-tour", values={"genre": ["metal"]}), campaign()]
    assert chosen(both).campaign == "jazz-club"
    assert chosen(both).by_taste
    without = chosen(both, consented=False, shown={"jazz-club": 400, "metal-tour": 10})
    assert (without.campaign, without.by_taste, without.relevance) == ("metal-tour", False, 0.0)


def test_sensitive_categories_are_never_matched_to_a_taste() -> None:
    found = chosen([campaign(categories=frozenset({"health"}))])
    assert not found.by_taste


def test_caps_pace_time_and_budget_hold() -> None:
    one = campaign(cap=2)
    seen = [Seen("jazz-club", NOW - timedelta(hours=each)) for each in (1, 2)]
    assert chosen([one], seen=seen).campaign is None
    assert chosen([one], seen=[Seen("jazz-club", NOW - timedelta(days=2))] * 9).campaign == "jazz-club"
    assert pace(one, NOW) == 500
    assert chosen([one], shown={"jazz-club": 500}).campaign is None
    assert chosen([campaign(end=NOW)]).campaign is None
    assert pace(one, NOW + timedelta(days=90)) == 1000


def test_a_holdout_is_its_share_for_ever_and_is_shown_nothing() -> None:
    one, other = campaign(holdout=0.2), campaign("other", holdout=0.2)
    out = [each for each in range(4000) if held_out(one, str(each))]
    assert len(out) / 4000 == pytest.approx(0.2, abs=0.03)
    assert len([each for each in out if held_out(other, str(each))]) / len(out) == pytest.approx(
        0.2, abs=0.05
    )
    assert all(chosen([one], listener=str(each)).campaign is None for each in out[:20])


def test_a_campaign_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InputError, match="must be after its start"):
        campaign(end=NOW - timedelta(days=9))
