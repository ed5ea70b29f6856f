"""Arpeggio's recommender, held to the truth that it never sees: what each listener really likes."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.demo.recommended import BACKEND, FIRST, PODCASTS, RECOMMENDER, SECOND, TRIED, Listeners
from counterpoint.demo.rolled import WEEKLY_FLAG, WEEKLY_SET
from counterpoint.demo.story import BET
from counterpoint.discover import audiences
from counterpoint.discover.campaigns import CampaignInput, advertise
from counterpoint.discover.consent import consents
from counterpoint.discover.corrections import Corrected
from counterpoint.discover.evaluations import newest_evaluation, sentence_of
from counterpoint.discover.hearing import heard_of
from counterpoint.discover.links import PAGE, listener_of
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import plan_of
from counterpoint.discover.profiles import profile_of
from counterpoint.discover.reuse import across_of
from counterpoint.discover.serving import service_of
from counterpoint.discover.taste import taste_of
from counterpoint.discover.versions import versions
from counterpoint.discover.week import this_week
from counterpoint.discover.weeks import replay
from counterpoint.discover.weeks_kept import EXPLORED, find_week
from counterpoint.errors import NotAllowedError
from counterpoint.flags import FlagSet
from counterpoint.flags.versions import read_version, versions_of_set
from counterpoint.graph import Actor

pytestmark = pytest.mark.xdist_group("demo")
DOCS = Path(__file__).parents[2] / "docs" / "discover.md"
OFTEN = 25
"""Plays from which on a profile is held to the truth."""


@pytest.fixture(scope="module")
def workspace(built):
    with Workspace.open(built) as opened:
        yield opened


@pytest.fixture(scope="module")
def listeners(built):
    return Listeners.of(built / "arpeggio", seed=7)


@pytest.fixture(scope="module")
def latent(listeners):
    return listeners.latent


@pytest.fixture(scope="module")
def heard(workspace):
    with workspace.graph.read() as reader:
        plan = plan_of(reader.require(RECOMMENDER).spec)
    return listening_of(workspace, RECOMMENDER, plan)


@pytest.fixture(scope="module")
def lists(workspace, latent):
    """This week's list of everybody who has one."""
    found = {name: find_week(workspace, RECOMMENDER, name, this_week()) for name in latent.names}
    return {name: each for name, each in found.items() if each is not None}


def test_what_was_held_out_is_the_evidence_on_the_bets_value(workspace, listeners):
    evaluation = newest_evaluation(workspace, RECOMMENDER).kept
    (evidence,) = [each for each in read_evidence(workspace.graph, BET) if each.method == "offline"]
    best = evaluation.compared.methods[0]
    assert evaluation.until == listeners.monday - FIRST, "what came later is not in it"
    assert (evidence.risk, evidence.direction, evidence.sample) == ("value", "for", evaluation.compared.rows)
    assert evidence.note == sentence_of(evaluation.compared)
    assert best.method != "popularity"
    assert best.beside_popularity.low > 0.1


def test_the_second_version_hears_skips_too_and_the_flag_gives_it_step_by_step(workspace, listeners):
    second, first = versions(workspace, RECOMMENDER)
    assert [each.until for each in (first, second)] == [listeners.monday - each for each in (FIRST, SECOND)]
    assert [min(signal.weight for signal in each.plan.signals) for each in (first, second)] == [1, -1]
    assert {each.state for each in (first, second)} == {"ready"}
    with workspace.graph.read() as reader:
        flags = [
            FlagSet.from_flagd(read_version(reader, WEEKLY_SET, each.version).definition)
            for each in versions_of_set(reader, WEEKLY_SET, limit=20).items
        ]
    asked = [{"targetingKey": name} for name in listeners.latent.names]
    shares = [fmean(each.evaluate(WEEKLY_FLAG, one).value == 2 for one in asked) for each in flags]
    assert shares[0] == 1, "everybody today"
    assert 0.3 < max(share for share in shares if share < 1) < 0.7
    assert min(shares) == 0, "and nobody before, nor after the first build was taken back"


def test_profiles_find_the_tastes_that_listeners_truly_have(workspace, heard, latent):
    traits = service_of(workspace).newest(RECOMMENDER).traits
    leading, sure = [], []
    for row, name in enumerate(latent.names):
        plays = heard_of(heard, name, Corrected()).plays
        if len(plays) < OFTEN:
            continue
        taste = taste_of(plays, traits.attributes, traits.everybody, now=datetime.now(UTC))
        genres = taste.facets["genre"].traits
        truth = latent.genre_of(row, 0.25)
        leading.append(genres[0].value == max(truth, key=lambda genre: truth[genre]))
        sure.append(truth.keys() <= {each.value for each in genres if each.surely > 0.95})
    assert len(leading) > 150
    assert fmean(leading) > 0.85
    assert fmean(sure) > 0.85


def test_lists_hold_more_of_the_true_taste_than_what_everybody_hears(workspace, heard, latent, lists):
    shelf = service_of(workspace).newest(RECOMMENDER).shelf
    popular = [shelf.items[at] for at in np.argsort(-shelf.popularity, kind="stable")]
    ours, theirs = [], []
    for name, week in lists.items():
        if not week.personal or name not in heard.rows:
            continue
        row = latent.names.index(name)
        known = set(heard.items[heard.matrix[heard.rows[name]].indices])
        tracks = [each.item for each in week.tracks if not each.known]
        unknown = [item for item in popular if item not in known][: len(tracks)]
        for found, items in ((ours, tracks), (theirs, unknown)):
            found.append(fmean(latent.enjoys(row, latent.catalogue.places[item]) for item in items))
    assert fmean(ours) > fmean(theirs) + 0.2
    assert fmean(mine > other for mine, other in zip(ours, theirs, strict=True)) > 0.9


def test_everybody_who_listens_has_one_list_this_week_by_the_second_version(workspace, heard, latent, lists):
    assert set(heard.listeners) <= lists.keys()
    assert {each.version for each in lists.values()} == {2}
    assert {len(each.tracks) for each in lists.values()} == {30}
    explored = [each for week in lists.values() for each in week.tracks if each.explored]
    assert len(explored) == 2 * len(lists)
    assert all(0 < each.propensity < 1 for each in explored)
    told = {each.type: each.count for each in workspace.journal.counts()}
    assert told[EXPLORED] == len(explored)
    again = replay(service_of(workspace), BACKEND, RECOMMENDER, next(iter(lists)))
    assert again.equal


def test_last_weeks_lists_were_heard_and_their_tracks_do_not_come_again(workspace, heard, latent, lists):
    last = this_week(datetime.now(UTC) - timedelta(weeks=1))
    before = {name: find_week(workspace, RECOMMENDER, name, last) for name in latent.names}
    tried = {name: {each.item for each in week.tracks} for name, week in before.items() if week is not None}
    assert len(tried) == TRIED
    for name in tried.keys() & lists.keys():
        items = tried[name]
        assert items.isdisjoint(each.item for each in lists[name].tracks if not each.known)
    assert "discover" in heard.plays.names


def test_a_parents_list_has_no_lullabies_and_who_said_no_gets_what_everybody_hears(workspace, latent, lists):
    parent = latent.names[int(latent.children.argmax())]
    genres = {each.item: each.genre for each in latent.catalogue.songs}
    assert "children" not in {genres[each.item] for each in lists[parent].tracks}
    profile = profile_of(service_of(workspace), BACKEND, RECOMMENDER, parent)
    (genre,) = [each for each in profile.facets if each.name == "genre"]
    assert (
        genre.traits[0].value
        == max(latent.genre_of(latent.names.index(parent)).items(), key=lambda each: each[1])[0]
    )
    with workspace.journal.snapshot() as snapshot:
        refused = [
            name for name, given in consents(snapshot, "personalisation", forgotten={}).items() if not given
        ]
    assert refused
    assert not service_of(workspace).recommend(BACKEND, RECOMMENDER, refused[0]).personal


def test_the_pages_of_made_up_listeners_open_and_nobody_of_the_organisation_sees_a_profile(workspace, latent):
    with workspace.graph.read() as reader:
        links = reader.require(RECOMMENDER).metadata["links"]
    opened = [listener_of(workspace, each["url"].partition(PAGE)[2]).listener for each in links]
    assert len(set(opened)) == 3
    assert all(each["url"].startswith("http://127.0.0.1:7700/discover/listen/") for each in links)
    chief = Actor("user:default/ebba.oberg", "Ebba Öberg", "person", admin=True)
    with pytest.raises(NotAllowedError):
        profile_of(service_of(workspace), chief, RECOMMENDER, opened[0])


def test_what_the_docs_ask_of_a_listener_is_answered_for_that_one(workspace):
    told = DOCS.read_text().partition("## In the demo")[2].partition("\n## ")[0]
    (name,) = set(re.findall("listener-[0-9]+", told))
    service = service_of(workspace)
    assert across_of(service, BACKEND, PODCASTS, name, where=["show:*"]).items
    assert service.recommend(BACKEND, PODCASTS, name, where=["show:*"]).personal
    assert replay(service, BACKEND, RECOMMENDER, name, week=this_week()).equal
    with workspace.journal.snapshot() as snapshot:
        assert consents(snapshot, "advertising", forgotten={})[name]


def test_podcasts_are_found_by_the_music_that_is_heard(workspace, latent):
    service, shows = service_of(workspace), latent.catalogue.music.shows
    about = []
    for row in range(30):
        if latent.shows[row]:
            continue  # who hears music alone
        found = across_of(service, BACKEND, PODCASTS, latent.names[row], where=["show:*"], count=3)
        genres = {shows[each.title.rpartition(", episode")[0]] for each in found.items}
        about += [bool(genres & latent.genre_of(row).keys())] if found.items else []
    assert len(about) > 10
    assert fmean(about) > 0.8


def test_ads_follow_the_taste_of_who_agreed_and_of_nobody_else(workspace, listeners, latent):
    now = datetime.now(UTC)
    with workspace.journal.snapshot() as snapshot:
        agreed = consents(snapshot, "advertising", forgotten={})
    campaigns = [
        CampaignInput(
            name=f"{genre} nights",
            values={"genre": (genre,)},
            start=now - timedelta(days=1),
            end=now + timedelta(days=6),
            budget=1_000,
            holdout=0.0,
        )
        for genre in latent.catalogue.music.genres
    ]
    plays = Counter(each.get("subject") for each in listeners.events)
    often = [row for row, name in enumerate(latent.names) if plays[name] >= 2 * OFTEN][:40]
    willing = [row for row in often if agreed.get(latent.names[row])][:4]
    silent = next(row for row in often if latent.names[row] not in agreed)
    service = service_of(workspace)

    def shown(row):
        return advertise(service, BACKEND, RECOMMENDER, latent.names[row], campaigns, noted=False, now=now)

    for row in willing:
        truth = latent.genre_of(row, 0.25)
        advert = shown(row)
        assert advert.by_taste
        assert advert.campaign.removesuffix(" nights") in truth
    assert not shown(silent).by_taste


def test_an_artist_is_told_where_listeners_come_from_and_whom_to_try_next(workspace):
    _, listed = audiences.creators(workspace, RECOMMENDER)
    told = [audiences.audience(workspace, RECOMMENDER, each.name)[1] for each in listed[:8]]
    counts = [each.listeners for one in told for each in one.found]
    counts += [each.shared for one in told for each in one.overlaps]
    assert min(counts) >= 20
    assert sum(len(each.found) >= 3 for each in told) >= 4
    assert sum(bool(each.overlaps) for each in told) >= 3
    assert sum(bool(each.suggestions) for each in told) >= 1
