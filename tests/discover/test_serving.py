"""Serving: the right version answers, what was just heard counts, reasons add up, a swap fails nobody."""

import re
import threading
from typing import Any

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.discover import serving
from counterpoint.discover.answering import Liking, recommended
from counterpoint.discover.choosing import number_of
from counterpoint.discover.consent import declare
from counterpoint.discover.corrections import Corrected
from counterpoint.discover.links import link_of
from counterpoint.discover.profile import Consents, CorrectionsChange
from counterpoint.discover.profiles import (
    change_corrections,
    declare_consent,
    forget,
    profile_of,
    set_corrections,
)
from counterpoint.discover.serving import Service
from counterpoint.discover.shadow import agreements
from counterpoint.discover.versions import fit_version, versions
from counterpoint.discover.weeks import make_weeks, week_of
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.flags.exposure import exposures_of
from counterpoint.graph.actor import Actor, local_actor
from tests.discover import streaming
from tests.discover.streaming import (
    ADMIN,
    BACKEND,
    GENRES,
    LISTENERS,
    SKIPPED,
    change,
    flag_by,
    listener,
    play,
)

REF = "recommender:default/songs"


def names(answer: Any) -> list[str]:
    return [each.item for each in answer.items]


def test_listeners_are_recommended_what_goes_with_what_they_like(service: Service) -> None:
    for who in range(6):
        answer = service.recommend(BACKEND, "songs", listener(who), count=4)
        assert answer.personal
        assert answer.version == 2
        assert sum(each.startswith(GENRES[who % 3]) for each in names(answer)) >= 3


def test_reasons_are_the_listeners_own_and_add_up_to_the_score(service: Service) -> None:
    play(service.workspace, "user-3", "metal-1", "metal-2", kind=SKIPPED)
    answer = service.recommend(BACKEND, "songs", "user-3", count=10)
    heard = service.hearing.of(REF, service.plan("songs")[1], "user-3")
    shelf = service.newest("songs").shelf
    own = heard.liking.weights.keys() | heard.liking.disliked.keys()
    for each in answer.items:
        assert sum(one.part for one in each.because) + each.rest == pytest.approx(each.score, abs=1e-6)
        assert {one.item for one in each.because} <= own
        row, against = shelf.row(heard.liking.weights), shelf.row(heard.liking.disliked)
        column = shelf.columns[each.item]
        whole = shelf.model.scores(row)[0, column] - shelf.model.scores(against)[0, column]
        assert each.score == pytest.approx(whole, rel=1e-4, abs=1e-5)


def test_what_a_reason_says_is_so(service: Service) -> None:
    """Each sentence is held against the events that the version was fitted on."""
    rows: dict[str, set[str]] = {}
    near: set[tuple[str, str]] = set()
    for each in streaming.events():
        if each["type"] == streaming.PLAYED:
            rows.setdefault(each["subject"], set()).add(each["data"]["item"])
        elif each["type"] == "playlist.saved":
            listed = each["data"]["items"]
            rows[each["id"]] = set(listed)
            near |= {(a, b) for at, a in enumerate(listed) for b in listed[max(0, at - 3) : at + 4] if a != b}
    said = set()
    for who in range(9):
        for each in service.recommend(BACKEND, "songs", listener(who), count=20).items:
            title = {one.title: one.item for one in each.because}
            first, _, second = str(each.reason).partition(". People put it beside ")
            named = [title[name] for name in re.findall('"([^"]+)"', first)]
            if first.startswith("Often comes together"):
                assert all(any({each.item, one} <= row for row in rows.values()) for one in named)
            else:
                assert first.startswith("Goes with")
            if second:
                assert (each.item, title[re.findall('"([^"]+)"', second)[0]]) in near
            said.add((first.split(" with ")[0], bool(second)))
    assert ("Often comes together", True) in said


def test_what_was_heard_a_moment_ago_counts(service: Service) -> None:
    before = service.recommend(BACKEND, "songs", "new", count=5)
    assert not before.personal
    assert {each.reason for each in before.items} == {"Many listen to it."}
    play(service.workspace, "new", "metal-1", "metal-4")
    after = service.recommend(BACKEND, "songs", "new", count=5)
    assert after.personal
    assert all(each.startswith("metal") for each in names(after)[:3])
    assert not {"metal-1", "metal-4"} & set(names(after))
    assert {"metal-1", "metal-4"} & set(
        names(service.recommend(BACKEND, "songs", "new", known=True, count=36))
    )


def test_skips_speak_against_what_goes_with_them(service: Service) -> None:
    play(service.workspace, "new", "metal-1", "jazz-1")
    before = service.recommend(BACKEND, "songs", "new", count=6)
    play(service.workspace, "new", "metal-2", "metal-4", "metal-6", "metal-8", kind=SKIPPED)
    after = service.recommend(BACKEND, "songs", "new", count=6)
    assert sum(each.startswith("metal") for each in names(after)) < sum(
        each.startswith("metal") for each in names(before)
    )
    assert not {"metal-2", "metal-4", "metal-6", "metal-8"} & set(names(after))


def test_corrections_act_at_once_and_can_be_taken_back(service: Service) -> None:
    whole = service.recommend(BACKEND, "songs", "user-0", count=12)
    first = names(whole)[0]
    change_corrections(service, BACKEND, "songs", "user-0", CorrectionsChange(add_items=(first,)))
    assert first not in names(service.recommend(BACKEND, "songs", "user-0", count=12))
    jazz = CorrectionsChange(add_traits=(("genre", "jazz"),))
    change_corrections(service, BACKEND, "songs", "user-0", jazz)
    without = service.recommend(BACKEND, "songs", "user-0", count=12)
    assert not [each for each in names(without) if each.startswith("jazz")]
    assert not [one for each in without.items for one in each.because if one.item.startswith("jazz")]
    set_corrections(service, BACKEND, "songs", "user-0", Corrected())
    again = service.recommend(BACKEND, "songs", "user-0", count=12)
    assert names(again) == names(whole)


def test_corrections_that_make_no_sense_are_refused_with_their_place(service: Service) -> None:
    with pytest.raises(InputError) as refused:
        set_corrections(
            service, BACKEND, "songs", "a", Corrected(items=("", "x" * 2_000), traits=(("genre", ""),))
        )
    assert [each.pointer for each in refused.value.problems] == ["/items", "/items", "/traits"]


def test_what_is_heard_in_a_private_session_says_nothing(service: Service) -> None:
    change_corrections(service, BACKEND, "songs", "new", CorrectionsChange(private=True))
    play(service.workspace, "new", "metal-1", "metal-4")
    assert not service.recommend(BACKEND, "songs", "new", count=5).personal
    kept = change_corrections(service, BACKEND, "songs", "new", CorrectionsChange(private=False))
    assert kept.private[0].end is not None
    play(service.workspace, "new", "folk-1")
    answer = service.recommend(BACKEND, "songs", "new", count=5)
    assert {one.item for each in answer.items for one in each.because} == {"folk-1"}


def test_without_consent_nothing_personal_is_said_and_no_flag_is_asked(service: Service) -> None:
    flag_by(service.workspace, None)
    change(service.workspace, flag="songs-model")
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=False))
    answer = service.recommend(BACKEND, "songs", "user-0", count=5)
    other = service.recommend(BACKEND, "songs", "nobody", count=5)
    assert (answer.personal, answer.variant, answer.version) == (False, None, 2)
    assert names(answer) == names(other)
    assert "consent" in str(answer.note)
    declare_consent(service, BACKEND, "songs", "user-0", Consents(personalisation=True))
    assert service.recommend(BACKEND, "songs", "user-0", count=5).personal


def test_where_consent_is_required_nobody_is_known_without_it(service: Service) -> None:
    change(service.workspace, consent="required")
    assert not service.recommend(BACKEND, "songs", "user-0").personal
    declare(service.workspace, "user-0", "personalisation", given=True, source="/test")
    assert service.recommend(BACKEND, "songs", "user-0").personal


def test_conditions_keep_what_has_the_values(service: Service) -> None:
    answer = service.recommend(BACKEND, "songs", "user-0", count=30, where=["genre:metal", "genre:folk"])
    assert names(answer)
    assert not [each for each in names(answer) if each.startswith("jazz")]
    both = service.recommend(
        BACKEND, "songs", "user-0", count=30, where=["genre:metal", "artist:metal artist 1"]
    )
    assert {each.rsplit("-", 1)[1] for each in names(both)} <= {"1", "5", "9"}
    assert not names(service.recommend(BACKEND, "songs", "user-0", where=["genre:polka"]))
    with pytest.raises(InputError, match="no item has"):
        service.recommend(BACKEND, "songs", "user-0", where=["gender:jazz"])
    with pytest.raises(InputError):
        service.recommend(BACKEND, "songs", "user-0", where=["jazz"])
    for count in (0, 501):
        with pytest.raises(InputError):
            service.recommend(BACKEND, "songs", "user-0", count=count)


@pytest.mark.parametrize(
    "actor",
    [
        ADMIN,
        Actor("user:default/bo", "Bo", "person", units=frozenset({"group:default/discovery"})),
        Actor("token:default/ci", "ci", "service", admin=True, scopes=frozenset({"admin", "read", "write"})),
    ],
    ids=["administrator", "owner", "admin token"],
)
def test_nobody_of_the_organisation_is_told_of_a_listener(service: Service, actor: Actor) -> None:
    with pytest.raises(NotAllowedError, match="theirs alone"):
        service.recommend(actor, "songs", "user-0")


@pytest.mark.parametrize("name", ["", " ", "\x00", "a\nb", "\ud800", "x" * 3_000])
def test_what_can_be_nobodys_name_is_refused_everywhere(service: Service, name: str) -> None:
    for call in (
        lambda: service.recommend(BACKEND, "songs", name),
        lambda: week_of(service, BACKEND, "songs", name),
        lambda: make_weeks(service, BACKEND, "songs", listeners=["user-0", name]),
        lambda: profile_of(service, BACKEND, "songs", name),
        lambda: set_corrections(service, BACKEND, "songs", name, Corrected()),
        lambda: declare_consent(service, BACKEND, "songs", name, Consents(research=True)),
        lambda: forget(service, BACKEND, "songs", name),
        lambda: link_of(service.workspace, BACKEND, REF, name),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.problems[0].pointer == "/listener"


def test_who_takes_everything_out_is_recommended_nothing(service: Service) -> None:
    everything = CorrectionsChange(add_traits=tuple(("genre", each) for each in GENRES))
    change_corrections(service, BACKEND, "songs", "user-0", everything)
    assert service.recommend(BACKEND, "songs", "user-0").items == ()
    assert week_of(service, BACKEND, "songs", "user-0").tracks == ()


def test_who_only_skips_hears_what_many_like_without_what_they_skipped(service: Service) -> None:
    skipped = [f"jazz-{number}" for number in range(12)]
    play(service.workspace, "new", *skipped, kind=SKIPPED)
    answer = service.recommend(BACKEND, "songs", "new", count=10)
    assert not answer.personal
    assert len(answer.items) == 10
    assert not set(skipped) & set(names(answer))


def test_similar_items_and_continued_playlists(service: Service) -> None:
    found = service.similar("songs", "metal-1", count=4)
    assert all(each.item.startswith("metal") for each in found.items[:3])
    assert {one.item for each in found.items for one in each.because} == {"metal-1"}
    assert names(service.continued("songs", "gym power", (), count=3))[0].startswith("metal")
    assert names(service.continued("songs", "", ("folk-1", "folk-2", "unheard of"), count=3))[0].startswith(
        "folk"
    )
    with pytest.raises(NotFoundError, match="no item"):
        service.similar("songs", "polka-1")
    with pytest.raises(InputError, match="no title"):
        service.continued("songs", " ", ("unheard of",))


def test_the_flag_says_which_version_answers_and_the_rollout_can_be_taken_back(songs: Workspace) -> None:
    service = Service(songs)
    change(songs, flag="songs-model")
    flag_by(songs, {"fractional": [["v2", 50], ["v1", 50]]})
    first = {
        who: service.recommend(BACKEND, "songs", listener(who), count=3).version for who in range(LISTENERS)
    }
    assert 8 < sum(number == 2 for number in first.values()) < 28
    flag_by(songs, {"if": [True, "v2"]})
    assert {service.recommend(BACKEND, "songs", listener(who), count=3).version for who in range(9)} == {2}
    flag_by(songs, {"fractional": [["v2", 50], ["v1", 50]]})
    assert first == {
        who: service.recommend(BACKEND, "songs", listener(who), count=3).version for who in range(LISTENERS)
    }
    exposures_of(songs).flush()
    seen = songs.journal.recent(type="feature_flag.evaluation", flag="songs-model", limit=200)
    assert {each.subject for each in seen} == {listener(who) for who in range(LISTENERS)}
    assert {each.variant for each in seen} == {"v1", "v2"}


@pytest.mark.parametrize("broken", ["missing flag", "missing set", "no such version"])
def test_a_flag_that_cannot_choose_leaves_the_newest_version(songs: Workspace, broken: str) -> None:
    flag_by(songs, {"if": [True, "v9"]}, versions=9)
    change(
        songs,
        flag="other" if broken == "missing flag" else "songs-model",
        **({"flagSet": "gone"} if broken == "missing set" else {}),
    )
    answer = Service(songs).recommend(BACKEND, "songs", "user-0", count=3)
    assert answer.version == 2
    assert answer.items
    assert answer.note


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2, 2),
        (2.0, 2),
        ("2", 2),
        (2.5, None),
        (True, None),
        ("²", None),
        ("1" * 5000, None),
        (1e300, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_a_variant_that_is_no_number_of_a_version_names_none(value: Any, number: int | None) -> None:
    """Every listener's answer goes through it, so that nothing written in a flag may be an error here."""
    assert number_of(value) == number


def test_a_shadow_is_asked_beside_and_shown_to_nobody(songs: Workspace) -> None:
    service = Service(songs)
    change(songs, shadow=1)
    for who in range(5):
        assert service.recommend(BACKEND, "songs", listener(who), count=5).version == 2
    service.shadows.settle()
    service.recommend(BACKEND, "songs", "user-7", count=5)
    service.shadows.settle()
    with songs.graph.read() as reader:
        (found,) = agreements(reader, REF)
    assert (found.version, found.shadow, found.requests) == (2, 1, 6)
    assert 0 < found.overlap <= 1
    assert found.shadow_milliseconds > 0
    change(songs, shadow=7)
    assert service.recommend(BACKEND, "songs", "user-1", count=5).items
    service.shadows.settle()
    assert service.shadows.left_out == 1


def test_versions_are_swapped_under_load_and_no_request_fails(
    songs: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads ask while the flag moves, a version is fitted, and the one that was chosen goes in between."""
    service = Service(songs)
    change(songs, flag="songs-model")
    flag_by(songs, {"if": [True, "v1"]}, versions=3)
    stop, failures, seen = threading.Event(), list[BaseException](), set[int]()

    def ask(who: int) -> None:
        while not stop.is_set():
            try:
                answer = service.recommend(BACKEND, "songs", listener(who), count=5)
                seen.add(answer.version)
                if len(answer.items) != 5:
                    raise AssertionError(answer)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(3)]
    for each in threads:
        each.start()
    try:
        flag_by(songs, {"if": [True, "v2"]}, versions=3)
        fit_version(songs, local_actor(), "songs", method="item-graph", options={"rank": 2})
        flag_by(songs, {"if": [True, "v3"]}, versions=3)
        real = serving.load_version

        def gone(workspace: Workspace, ref: str, number: int) -> Any:
            if number == 3:
                raise NotFoundError("It has just gone.")
            return real(workspace, ref, number)

        monkeypatch.setattr(serving, "load_version", gone)
        play(songs, "user-0", "folk-1")
        flag_by(songs, {"if": [True, "v1"]}, versions=3)
    finally:
        stop.set()
        for each in threads:
            each.join()
    assert failures == []
    assert {each.number for each in versions(songs, "songs")} == {1, 2, 3}
    assert seen


def test_a_recommender_without_a_version_says_how_to_make_one(workspace: Workspace) -> None:
    streaming.furnish(workspace)
    with pytest.raises(NotFoundError, match="counterpoint discover fit songs"):
        Service(workspace).recommend(BACKEND, "songs", "user-0")
    with pytest.raises(NotFoundError, match="There is no recommender"):
        Service(workspace).recommend(BACKEND, "son", "user-0")


@pytest.mark.parametrize("method", ["neighbours", "ease", "als", "popularity"])
def test_reasons_of_every_method_add_up(method: str) -> None:
    from counterpoint.discover.methods import fitted
    from counterpoint.discover.shelf import Shelf
    from tests.discover.planted import tastes

    matrix, _, _ = tastes(listeners=120, items=60)
    model = fitted(method, matrix, {"factors": 8, "iterations": 2} if method == "als" else {}, seed=0)
    shelf = Shelf(model, [f"i{at}" for at in range(60)], {}, np.asarray(matrix.sum(axis=0)).ravel())
    row = matrix[3]
    liking = Liking({f"i{at}": 1.0 for at in row.indices})
    ranking = model.rank(row, 10)
    found = recommended(shelf, liking, 10)
    assert [each.item for each in found] == ranking.of(0)
    for each, score in zip(found, ranking.scores[0], strict=True):
        assert sum(part for _, part in each.because) + each.rest == pytest.approx(each.score)
        if method != "popularity":
            assert each.score == pytest.approx(float(score), rel=2e-2, abs=1e-4)
