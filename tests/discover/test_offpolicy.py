"""Estimates from logged choices, interleaving, arranging and exploring, against truths that are planted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover.arranging import Arrangement, arrange, divergence
from counterpoint.discover.exploring import explore, propensities
from counterpoint.discover.interleaving import interleave, preference
from counterpoint.discover.offpolicy import off_policy
from counterpoint.errors import InputError

TRUTH = np.array([0.1, 0.3, 0.6, 0.2])
"""What each of four items earns."""
LOGGED, TARGET = np.array([0.4, 0.3, 0.1, 0.2]), np.array([0.05, 0.15, 0.7, 0.1])


def logs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    actions = chance.choice(4, size=count, p=LOGGED)
    return actions, (chance.random(count) < TRUTH[actions]).astype(float)


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_estimates_from_another_policys_log_cover_the_truth_as_often_as_they_say(method: str) -> None:
    true, covered, means = float((TARGET * TRUTH).sum()), 0, []
    model = TRUTH + np.array([0.2, -0.1, 0.1, 0.0])  # wrong on purpose: propensities put it right
    for seed in range(400):
        actions, rewards = logs(800, seed)
        found = off_policy(
            rewards,
            LOGGED[actions],
            TARGET[actions],
            method=method,
            modelled=model[actions],
            expected=np.full(800, (TARGET * model).sum()),
        )
        covered += found.low <= true <= found.high
        means.append(found.mean)
    assert np.mean(means) == pytest.approx(true, abs=0.01)
    assert 0.91 <= covered / 400 <= 0.98


def test_the_effective_sample_size_is_all_for_the_same_policy_and_few_for_another() -> None:
    actions, rewards = logs(1000, 1)
    same = off_policy(rewards, LOGGED[actions], LOGGED[actions])
    assert (same.effective, same.largest, same.mean) == (
        pytest.approx(1000),
        1,
        pytest.approx(rewards.mean()),
    )
    assert off_policy(rewards, LOGGED[actions], TARGET[actions]).effective < 400


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (([1.0], [0.0], [0.5]), r"logged\[0\] == 0.0, must be above 0"),
        (([1.0], [0.5], [1.5]), r"target\[0\] == 1.5"),
        (([1.0, 2.0], [0.5], [0.5]), "2, 1 and 1 values"),
        (([np.nan], [0.5], [0.5]), "rewards must be a vector of finite numbers"),
        (([1.0], [0.5], [0.0]), "nothing that was logged tells of it"),
    ],
)
def test_logs_that_tell_nothing_are_refused(given: tuple[list[float], ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        off_policy(*given)


@given(
    st.lists(st.integers(0, 20), max_size=12), st.lists(st.integers(0, 20), max_size=12), st.integers(0, 999)
)
def test_an_interleaved_list_has_each_item_once_and_fair_teams(
    one: list[int], other: list[int], seed: int
) -> None:
    found = interleave(one, other, 8, seed=seed)
    assert len(set(found.items)) == len(found.items) == min(8, len({*one, *other}))
    for item, team in zip(found.items, found.teams, strict=True):
        assert item in (one if team == "one" else other)


def test_two_equal_rankings_win_as_often_and_a_better_one_is_seen() -> None:
    chance = np.random.default_rng(3)
    liked = set(range(10))
    equal, better = [], []
    for seed in range(600):
        taken = [item for item in liked if chance.random() < 0.5]
        equal.append(interleave(range(20), range(20), 10, seed=seed).credit(taken))
        better.append(interleave(range(20), [*range(10, 20), *range(10)], 10, seed=seed).credit(taken))
    assert preference(equal).p > 0.01
    assert preference(better).p < 1e-6
    assert preference(better).share > 0.9
    assert preference([]).p == 1


def test_a_list_is_as_broad_as_the_taste_where_scores_alone_are_not() -> None:
    scores = [1.0 - at / 100 for at in range(60)]
    categories = np.zeros((60, 2))
    categories[:40, 0] = 1
    categories[40:, 1] = 1
    taste = np.array([0.7, 0.3])
    plain = arrange(scores, categories, taste, [-1] * 60, [False] * 60, Arrangement(places=20, calibration=0))
    broad = arrange(
        scores, categories, taste, [-1] * 60, [False] * 60, Arrangement(places=20, calibration=0.9)
    )
    assert sum(at >= 40 for at in plain) == 0
    assert 5 <= sum(at >= 40 for at in broad) <= 7
    assert broad[0] == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_artists_stay_apart_and_in_bounds_wherever_there_is_enough_to_choose_from(seed: int) -> None:
    chance = np.random.default_rng(seed)
    artists = chance.integers(0, 12, size=80).tolist()
    popular = (chance.random(80) < 0.5).tolist()
    rules = Arrangement(places=15, by_artist=2, gap=3, popular=0.4)
    found = arrange(chance.random(80).tolist(), chance.random((80, 3)), np.ones(3), artists, popular, rules)
    assert len(set(found)) == 15
    listed = [artists[at] for at in found]
    if len(set(artists)) == 12 and sum(not each for each in popular) > 30:
        assert max(listed.count(each) for each in set(listed)) <= 2
        assert not [at for at in range(1, 15) if listed[at] in listed[max(0, at - 3) : at]]
        assert sum(popular[at] for at in found) <= 6


def test_no_rule_empties_a_list() -> None:
    found = arrange(
        [3, 2, 1], np.ones((3, 1)), np.ones(1), [1, 1, 1], [True] * 3, Arrangement(places=3, popular=0)
    )
    assert found == [0, 1, 2]
    assert arrange([], np.ones((0, 1)), np.ones(1), [], []) == []


def test_divergence_is_nothing_for_the_same_spread_and_steck_s_for_another() -> None:
    assert divergence(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    mixed = 0.99 * np.array([1.0, 0.0]) + 0.01 * np.array([0.5, 0.5])
    assert divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == pytest.approx(
        0.5 * np.log(0.5 / mixed[0]) + 0.5 * np.log(0.5 / mixed[1])
    )


def test_what_is_explored_comes_as_often_as_its_propensity_says() -> None:
    scores = [3.0, 2.0, 1.0, 0.0]
    chances = propensities(scores, greed=0.6)
    assert chances.sum() == pytest.approx(1)
    assert chances.min() > 0
    drawn = [explore(scores, seed=seed, greed=0.6) for seed in range(4000)]
    for item in range(4):
        assert np.mean([each.chosen == item for each in drawn]) == pytest.approx(chances[item], abs=0.03)
    assert all(each.propensity == chances[each.chosen] for each in drawn)
