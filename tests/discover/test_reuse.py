"""A taste reused: podcasts by shared listeners and by words, advertising by consent, and what a campaign changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.discover.across import Texts, across
from counterpoint.discover.advertising import Campaign, held_out
from counterpoint.discover.answering import Liking
from counterpoint.discover.campaigns import ADVERTISED, WITHHELD, CampaignInput, advertise, effect_of
from counterpoint.discover.forgotten import declare_forgotten
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.profile import Consents
from counterpoint.discover.profiles import declare_consent
from counterpoint.discover.reuse import across_of
from counterpoint.discover.serving import Service
from counterpoint.discover.shelf import Shelf
from counterpoint.discover.taste import Corrections
from counterpoint.errors import InputError, NotAllowedError
from tests.discover.planted import tastes
from tests.discover.streaming import ADMIN, BACKEND, event

SHOWS = frozenset({("show", "*")})
MATRIX, _, KIND = tastes(listeners=400, items=80)


def shelf_of(matrix: Any = MATRIX) -> Shelf:
    """The last ten of eighty items are episodes: eight heard as their kind is, and two that nobody heard yet."""
    attributes: dict[str, dict[str, tuple[str, ...]]] = {}
    for at in range(70):
        attributes[f"i{at}"] = {"title": (f"Song {at}",), "genre": (f"genre{'abcd'[KIND[at]]}",)}
    for at in range(70, 80):
        attributes[f"i{at}"] = {
            "title": (f"Talk {at}",),
            "show": (f"Show {'abcd'[KIND[at]]}",),
            "genre": (f"genre{'abcd'[KIND[at]]}",),
        }
    kept = matrix.tolil()
    kept[:, 78:] = 0
    heard = kept.tocsr()
    model = ItemGraph.fit(heard, ItemGraphOptions(rank=8))
    return Shelf(model, [f"i{at}" for at in range(80)], attributes, np.asarray(heard.sum(axis=0)).ravel())


def test_podcasts_are_found_by_listeners_and_those_that_nobody_heard_by_words() -> None:
    shelf = shelf_of()
    texts = Texts(shelf)
    for kind in range(4):
        liking = Liking({f"i{at}": 1.0 for at in range(70) if KIND[at] == kind})
        found = across(shelf, texts, liking, 10, where=SHOWS)
        assert {each.picked.item for each in found} <= set(range(70, 80))
        assert KIND[found[0].picked.item] == kind
        assert found == across(shelf, texts, liking, 10, where=SHOWS)
        for each in found:
            assert 0 < each.score <= 1
            assert 0 <= each.by_listeners <= 1
            if each.picked.item >= 78:
                assert each.by_listeners == 0
                assert f"genre{'abcd'[kind]}" in each.words
    assert [each.picked.item for each in across(shelf, texts, Liking({"i2": 1.0}), 10, where=SHOWS)].count(
        78
    ) == 1


def test_nothing_is_made_up_for_who_likes_nothing_and_corrections_hold() -> None:
    shelf = shelf_of()
    texts = Texts(shelf)
    assert across(shelf, texts, Liking(), 10, where=SHOWS) == []
    out = Corrections(traits=frozenset({("show", "Show a")}))
    liking = Liking({f"i{at}": 1.0 for at in range(70) if KIND[at] == 0})
    assert not [
        each
        for each in across(shelf, texts, liking, 10, where=SHOWS, corrections=out)
        if KIND[each.picked.item] == 0
    ]


def test_items_of_another_kind_in_the_workspace(service: Service) -> None:
    found = across_of(service, BACKEND, "songs", "user-0", where=["genre:folk"], count=3)
    assert {each.item.split("-")[0] for each in found.items} == {"folk"}
    assert all(each.reason.endswith(".") for each in found.items)
    with pytest.raises(InputError, match="not valid"):
        across_of(service, BACKEND, "songs", "user-0", where=[])
    with pytest.raises(NotAllowedError):
        across_of(service, ADMIN, "songs", "user-0", where=["genre:folk"])
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=False))
    assert across_of(service, BACKEND, "songs", "user-0", where=["genre:folk"]).items == ()


NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def campaign(name: str = "jazz-club", **changes: Any) -> CampaignInput:
    given: dict[str, Any] = {
        "values": {"genre": ("jazz",)},
        "start": NOW - timedelta(days=5),
        "end": NOW + timedelta(days=5),
    }
    return CampaignInput(name=name, **{**given, "budget": 1_000, "holdout": 0.0, **changes})


def test_a_taste_chooses_with_consent_and_is_not_used_without(service: Service) -> None:
    both = [campaign("metal-tour", values={"genre": ("metal",)}), campaign()]
    without = advertise(service, BACKEND, "songs", "user-0", both, noted=False)
    assert (without.by_taste, without.relevance) == (False, 0.0)
    declare_consent(service, BACKEND, "songs", "user-0", Consents(advertising=True))
    found = advertise(service, BACKEND, "songs", "user-0", both)
    assert (found.campaign, found.by_taste) == ("jazz-club", True)
    assert found.relevance > 0.3
    sensitive = [campaign("clinic", categories=("health",))]
    assert not advertise(service, BACKEND, "songs", "user-0", sensitive, noted=False).by_taste
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=False))
    assert not advertise(service, BACKEND, "songs", "user-0", both, noted=False).by_taste


def test_caps_and_budgets_hold_over_what_the_journal_knows(service: Service, songs: Workspace) -> None:
    one = [campaign(cap=2)]
    for _ in range(2):
        assert advertise(service, BACKEND, "songs", "user-0", one).campaign == "jazz-club"
    assert advertise(service, BACKEND, "songs", "user-0", one).campaign is None
    assert advertise(Service(songs), BACKEND, "songs", "user-0", one).campaign is None  # another process
    small = [campaign("small", budget=2, start=NOW - timedelta(days=50))]
    assert advertise(service, BACKEND, "songs", "user-1", small).campaign == "small"
    assert advertise(service, BACKEND, "songs", "user-2", small).campaign is None
    assert songs.journal.recent(type=ADVERTISED) == []


def test_campaigns_that_make_no_sense_are_refused_with_their_place(service: Service) -> None:
    wrong = [
        campaign(),
        campaign(),
        campaign("x", budget=0),
        campaign("y", end=NOW - timedelta(days=9)),
        campaign(""),
    ]
    with pytest.raises(InputError) as refused:
        advertise(service, BACKEND, "songs", "user-0", wrong)
    assert {each.pointer for each in refused.value.problems} == {
        "/campaigns/0/name",
        "/campaigns/1/name",
        "/campaigns/2",
        "/campaigns/3",
        "/campaigns/4/name",
    }
    with pytest.raises(NotAllowedError):
        advertise(service, ADMIN, "songs", "user-0", [campaign()])


def test_a_holdout_says_what_a_campaign_changed_and_small_groups_say_nothing(
    service: Service, songs: Workspace
) -> None:
    one = campaign(holdout=0.4)
    plain = Campaign(name="jazz-club", values={}, start=one.start, end=one.end, budget=1, holdout=0.4)
    asked = [f"w{number}" for number in range(80)]
    for who in asked:
        given = advertise(service, BACKEND, "songs", who, [one], now=NOW)
        assert (given.campaign is None) == held_out(plain, who)
    withheld = [each for each in asked if held_out(plain, each)]
    assert len(songs.journal.recent(type=WITHHELD, limit=200, personal=True)) == len(withheld)
    later = NOW + timedelta(minutes=1)
    shown = [each for each in asked if not held_out(plain, each)]
    buyers = [*shown[: len(shown) * 3 // 4], *withheld[: len(withheld) // 4]]
    songs.journal.append([event("ticket.bought", who, later, item="x") for who in buyers])
    songs.journal.append(
        [event("ticket.bought", "nobody", later, item="x"), event("ticket.bought", shown[0], later, item="y")]
    )
    found = effect_of(service, "songs", "jazz-club", "ticket.bought", days=1)
    assert (found.shown, found.withheld) == (len(shown), len(withheld))
    assert found.shown_rate == pytest.approx(0.75, abs=0.02)
    assert found.withheld_rate == pytest.approx(0.25, abs=0.02)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    assert found.p is not None
    assert found.p < 0.001
    assert effect_of(service, "songs", "jazz-club", "nothing.like.it", days=1).difference == 0
    few = effect_of(service, "songs", "other", "ticket.bought")
    assert (few.shown, few.difference) == (None, None)
    assert "20 listeners" in str(few.note)
    with pytest.raises(InputError):
        effect_of(service, "songs", "jazz-club", "ticket.bought", days=0)
    declare_forgotten(songs, shown[0], "recommender:default/songs", source="app")
    assert effect_of(service, "songs", "jazz-club", "ticket.bought", days=1).shown == len(shown) - 1


def test_showings_to_who_was_forgotten_count_for_nothing(service: Service, songs: Workspace) -> None:
    once = [campaign(cap=1)]
    asked = [advertise(service, BACKEND, "songs", "user-0", once).campaign for _ in range(2)]
    declare_forgotten(songs, "user-0", "recommender:default/songs", source="app")
    assert [*asked, advertise(service, BACKEND, "songs", "user-0", once).campaign] == [
        "jazz-club",
        None,
        "jazz-club",
    ]
