"""Listening that counts, against a slow reading of the same rules, for whatever events there are."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover.assembling import DAY, Coded, Entries, assembled
from counterpoint.discover.listened import KeptPlaylist
from counterpoint.discover.plan import Bounds, Plan, Signal

UNTIL = 400 * DAY
SIGNALS = (Signal("a", weight=1.0), Signal("b", weight=-2.0), Signal("c", weight=0.5))


class Said(NamedTuple):
    """One event."""

    listener: str | None
    item: str | None
    at: int
    signal: int
    private: bool


def coded(values: list[str | None]) -> Coded:
    names = sorted({each for each in values if each is not None}, reverse=True)  # in no order that helps
    places = {name: at for at, name in enumerate(names)}
    return Coded(np.array([places.get(each or "", -1) for each in values], dtype=np.int32), tuple(names))


def entries(said: list[Said]) -> Entries:
    return Entries(
        coded([each.listener for each in said]),
        coded([each.item for each in said]),
        np.array([each.at for each in said], dtype=np.int64),
        np.array([each.signal for each in said], dtype=np.int16),
        coded([None for _ in said]),
        np.array([each.private for each in said], dtype=bool),
    )


def slowly(plan: Plan, said: list[Said], consents: dict[str, bool]) -> dict[tuple[str, str], float]:
    """What each listener says of each item."""
    good = [
        each
        for each in said
        if (each.listener or "").strip() and (each.item or "").strip() and each.at <= UNTIL
    ]
    once: dict[tuple[str, str, int, int], bool] = {}
    for each in good:
        key = (str(each.listener), str(each.item), each.at, each.signal)
        once[key] = once.get(key, False) or each.private
    heard = [key for key, private in once.items() if not private]
    heard = [key for key in heard if consents.get(key[0], plan.consent == "assumed")]
    days, everything = defaultdict(set), defaultdict(set)
    for listener, item, at, _ in heard:
        days[listener, at // DAY].add(item)
        everything[listener].add(item)
    robots = {who for (who, _), items in days.items() if len(items) > plan.most_items.day}
    robots |= {who for who, items in everything.items() if len(items) > plan.most_items.all}
    found: dict[tuple[str, str], float] = defaultdict(float)
    for listener, item, at, signal in sorted(heard):
        if listener not in robots:
            age = (UNTIL - at) / (plan.half_life * DAY)
            found[listener, item] += plan.signals[signal].weight * 0.5**age
    return found


names = st.sampled_from(["", " ", "ana", "Ana", "ベン", "é", "e\u0301", None])
events = st.lists(
    st.builds(
        Said,
        names,
        st.sampled_from(["", "x", "X", "音", "z1", "z2", "z3", None]),
        st.integers(390, 401).map(lambda day: day * DAY) | st.integers(0, 402 * DAY),
        st.integers(0, 2),
        st.booleans() | st.just(False),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(
    events,
    st.dictionaries(st.sampled_from(["ana", "ベン", "é"]), st.booleans()),
    st.sampled_from(["assumed", "required"]),
    st.integers(1, 5),
    st.integers(1, 6),
)
def test_it_counts_as_the_rules_say(
    said: list[Said], consents: dict[str, bool], consent: str, day: int, most: int
) -> None:
    plan = Plan(signals=SIGNALS, consent=consent, most_items=Bounds(day, most), half_life=30)  # type: ignore[arg-type]
    found = assembled(
        plan, entries(said), until=UNTIL, consents=consents, private={}, playlists=[], attributes={}, left_out={}
    )  # fmt: skip
    wanted = slowly(plan, said, consents)
    assert set(found.items) == {item for _, item in wanted}
    assert set(found.listeners) == {listener for listener, _ in wanted}
    signed = (found.matrix - found.against).toarray()
    for (listener, item), weight in wanted.items():
        value = signed[found.rows[listener], found.columns[item]]
        assert value == pytest.approx(np.clip(weight, -50, 50), rel=1e-5, abs=1e-6)
    assert np.array_equal(found.matrix.indices, found.moments.indices)
    assert found.matrix.nnz + found.against.nnz == len(wanted)
    again = assembled(
        plan, entries(said[::-1]), until=UNTIL, consents=consents, private={}, playlists=[], attributes={}, left_out={}
    )  # fmt: skip
    assert again.digest == found.digest


def test_an_item_in_every_playlist_and_a_playlist_of_everything_are_bounded() -> None:
    plan = Plan(signals=SIGNALS, most_items=Bounds(100, 50))
    playlists = [KeptPlaylist(f"p{at}", None, "", ("everywhere", f"t{at}"), at) for at in range(30)]
    playlists.append(KeptPlaylist("all", None, "", tuple(f"t{at}" for at in range(60)), 1))
    found = assembled(
        plan, entries([]), until=UNTIL, consents={}, private={}, playlists=playlists, attributes={}, left_out={}
    )  # fmt: skip
    assert len(found.playlists) == 30
    assert found.left_out == {"playlists with more items than a person has": 1}
    assert found.matrix.shape == (0, 31)
