"""Deletion leaves no trace in later output: everything that is told is what a workspace tells that never had the person."""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.discover import evaluations, forgetting, weeks, weeks_renewed
from counterpoint.discover.audiences import audience, creators
from counterpoint.discover.campaigns import CampaignInput, advertise
from counterpoint.discover.consent import declare
from counterpoint.discover.evaluations import evaluate_recommender, newest_evaluation
from counterpoint.discover.forgetting import follow, forget_at_once, forget_listener
from counterpoint.discover.making import file_of
from counterpoint.discover.overview import versions_of
from counterpoint.discover.profiles import export_of, profile_of
from counterpoint.discover.reuse import across_of
from counterpoint.discover.serving import Service, service_of
from counterpoint.discover.shadow import agreements
from counterpoint.discover.tables import WEEK
from counterpoint.discover.versions import fit_version
from counterpoint.discover.week import FOLLOWING, this_week
from counterpoint.discover.weeks import make_weeks, replay, week_of
from counterpoint.discover.weeks_kept import EXPLORED
from counterpoint.errors import ConflictError
from counterpoint.graph.actor import local_actor
from tests.discover import streaming
from tests.discover.streaming import BACKEND, GENRES, LISTENERS, NOW, PLAYED, event, item, listener

GONE = "löuise/the #1?@example.org"
REF = "recommender:default/songs"
ALONE = "hers alone"
AD = CampaignInput(
    name="festival",
    values={"genre": ("jazz",)},
    start=NOW - timedelta(days=2),
    end=NOW + timedelta(days=60),
    budget=310,
    cap=100,
    holdout=0.0,
)
METHODS: dict[str, dict[str, Any]] = {"item-graph": {"rank": 6}, "als": {"factors": 4}}


def hers() -> Iterator[dict[str, Any]]:
    """Somebody with a taste that nobody shares, who moves every model, and with an item of her own."""
    own = [item(GENRES[at % 3], at) for at in range(10)] + [ALONE]
    for place, each in enumerate(own):
        for again in range(3):
            yield event(PLAYED, GONE, NOW - timedelta(days=20 - place, minutes=again), item=each)
    yield event("playlist.saved", GONE, NOW - timedelta(days=9), playlist="s", title="calm gym", items=own)


def told_to(folder: Path, *, with_her: bool) -> None:
    """A workspace with everything that was heard."""
    long_ago = NOW - timedelta(days=60)
    everybody = [listener(at) for at in range(LISTENERS)] + [GONE] * with_her
    with Workspace.create(folder, name="Test") as made:
        streaming.furnish(made, shadow=1)
        made.journal.append(
            [
                event(
                    "track.described", None, NOW - timedelta(days=300), item=ALONE, title="Hers", genre="jazz"
                ),
                *(event(PLAYED, who, long_ago, item="jazz-0") for who in everybody),
                *(hers() if with_her else ()),
            ]
        )


def lived_in(folder: Path, now: datetime) -> None:
    """Versions, weeks, ads, an evaluation and a shadow, all of one moment."""
    with Workspace.open(folder) as made:
        for method, options in METHODS.items():
            fit_version(made, local_actor(), "songs", method=method, options=options, until=NOW)
        service = service_of(made)
        for week in weeks_at(now):
            make_weeks(service, BACKEND, "songs", week=week, now=now)
        for who in (GONE, listener(1)):
            if made.journal.recent(type=PLAYED, subject=who, limit=1):
                for _ in range(9):
                    advertise(service, BACKEND, "songs", who, [AD], now=NOW)
        evaluate_recommender(made, local_actor(), "songs", methods=["popularity"], budget=1)
        service.recommend(BACKEND, "songs", listener(1))
        service.close()


def weeks_at(now: datetime) -> tuple[str, str]:
    """This week and the next."""
    return this_week(now), this_week(now + timedelta(days=7))


Built = Callable[[str], Workspace]


@dataclass(frozen=True)
class Templates:
    folders: dict[str, Path]
    now: datetime


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """A workspace with her, and one that never had her."""
    found = {name: tmp_path_factory.mktemp("built") / name for name in ("had", "never")}
    for name, folder in found.items():
        told_to(folder, with_her=name == "had")
    now = datetime.now(UTC)
    for folder in found.values():
        lived_in(folder, now)
    return Templates(found, now)


@pytest.fixture
def now(templates: Templates) -> datetime:
    return templates.now


@pytest.fixture
def opened(templates: Templates, tmp_path: Path) -> Iterator[Built]:
    """Opens a copy of one of the two."""
    made: list[Workspace] = []

    def open_(name: str) -> Workspace:
        made.append(Workspace.open(shutil.copytree(templates.folders[name], tmp_path / name)))
        return made[-1]

    yield open_
    for each in made:
        each.close()


def told(workspace: Workspace, now: datetime) -> dict[str, Any]:
    """Everything that the workspace tells of others, without the moments at which it was asked or fitted."""
    service = service_of(workspace)
    found: dict[str, Any] = {}
    for number in range(LISTENERS):
        who = listener(number)
        found[f"recommend {who}"] = service.recommend(BACKEND, "songs", who, count=15)
        if number < 6:
            found[f"export {who}"] = plain(export_of(service, BACKEND, "songs", who))
            found[f"profile {who}"] = plain(profile_of(service, BACKEND, "songs", who))
            found[f"across {who}"] = across_of(service, BACKEND, "songs", who, where=["genre:folk"])
            found[f"ad {who}"] = advertise(service, BACKEND, "songs", who, [AD], noted=False, now=NOW)
            for week in weeks_at(now):
                found[f"week {week} {who}"] = week_of(service, BACKEND, "songs", who, week=week, now=now)
    for genre in GENRES:
        for number in range(4):
            found[f"similar {genre} {number}"] = service.similar("songs", item(genre, number))
    for title in ("calm evening", "gym", "calm gym"):
        with suppress(ConflictError):
            found[f"continue {title}"] = service.continued("songs", title, ["jazz-1"])
    for method in versions_of(workspace, "songs"):
        facts = plain(method)
        for moving in ("fittedAt", "began", "seconds", "fits", "trials", "actor"):
            facts.pop(moving, None)
        found[f"version {method.number}"] = facts
    found["creators"] = creators(workspace, "songs")[1]
    for each in found["creators"]:
        found[f"creator {each.name}"] = audience(workspace, "songs", each.name)[1]
    found["evaluation"] = newest_evaluation(workspace, REF)
    return {name: plain(value) for name, value in found.items()}


def plain(value: Any) -> Any:
    found = msgspec.to_builtins(value)
    if isinstance(found, dict):
        found.pop("at", None)
        if "profile" in found:
            found["profile"].pop("at", None)
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if not alike(one.get(name), other.get(name)))


def alike(one: Any, other: Any) -> bool:
    """Equal but for what listening has aged between two questions."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(each, other[name]) for name, each in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-6)
    return bool(one == other)


def test_all_that_is_told_afterwards_is_what_a_workspace_tells_that_never_had_her(
    opened: Built, now: datetime
) -> None:
    had, never = opened("had"), opened("never")
    before, expected = told(had, now), told(never, now)
    kinds = {name.split()[0] for name in differing(before, expected)}
    assert kinds >= {"recommend", "export", "week", "similar", "version", "creator", "evaluation", "ad"}, (
        "she was in all of it"
    )
    forget_listener(had, local_actor(), None, GONE)
    after = told(had, now)
    expected["evaluation"] = None  # somebody was forgotten since it was made
    assert differing(after, expected) == []
    assert ALONE not in json.dumps(after), "an item that she alone heard"
    for week in weeks_at(now):
        made = replay(service_of(had), BACKEND, "songs", listener(3), week=week)
        assert (made.equal, made.differs) == (True, ()), "it is still made from what is kept with it"
    assert evaluated(had) == evaluated(never)


def evaluated(workspace: Workspace) -> Any:
    compared, _ = evaluate_recommender(
        workspace, local_actor(), "songs", methods=["popularity"], budget=1, until=NOW
    )
    return [(each.method, each.recall, each.ndcg) for each in compared.methods]


def test_until_versions_have_followed_nothing_that_had_her_is_told(
    opened: Built, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = opened("had")
    service = service_of(had)
    asked = told(had, now)
    done = forget_at_once(had, local_actor(), "songs", GONE)
    assert done.waiting == (REF,)
    meanwhile = told(had, now)
    assert ALONE not in json.dumps(meanwhile)
    shown = week_of(service, BACKEND, "songs", listener(3), now=now)
    assert (shown.personal, shown.note) == (False, FOLLOWING)
    assert not meanwhile[f"export {listener(3)}"]["weeks"]
    assert meanwhile["version 1"]["counts"] == {}
    assert not meanwhile["version 1"]["evaluation"]
    assert meanwhile["evaluation"] is None
    with pytest.raises(ConflictError, match="yet to follow"):
        replay(service, BACKEND, "songs", listener(3), week=this_week(now))
    later = now + timedelta(days=14)
    made = week_of(service, BACKEND, "songs", listener(3), now=later)
    assert not made.tracks[0].because

    def broken(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(weeks_renewed, "_renew", broken)
        with pytest.raises(KeyboardInterrupt):
            follow(had, local_actor())
    assert forgetting.is_due(had), "versions have followed, weeks have not"
    assert service.newest("songs").fitted.personal
    shown = week_of(service, BACKEND, "songs", listener(3), now=now)
    assert (shown.personal, shown.note) == (False, FOLLOWING)
    follow(had, local_actor())
    assert not forgetting.is_due(had)
    assert week_of(service, BACKEND, "songs", listener(3), now=now).personal
    assert differing(told(had, now), asked), "her part is gone"


def test_who_withdraws_is_out_of_what_others_are_told_once_versions_have_followed(
    opened: Built, now: datetime
) -> None:
    had, never = opened("had"), opened("never")
    expected = told(never, now)
    assert not forgetting.is_due(had)
    declare(had, GONE, "personalisation", given=False, source="app")
    assert forgetting.is_due(had)
    follow(had, local_actor())
    assert not forgetting.is_due(had)
    assert follow(had, local_actor()).fitted == ()
    after = told(had, now)
    # Pace: what she was shown was shown; she is still a listener. The evaluation was made of others alone.
    assert {name.split()[0] for name in differing(after, expected)} <= {"ad", "creator", "evaluation"}
    assert after["evaluation"] is None
    declare(had, GONE, "personalisation", given=True, source="app")
    assert not forgetting.is_due(had), "who agrees is taken in by the next fit, or each night"


def test_who_says_no_on_joining_costs_no_fit_and_no_look_at_everybody(
    opened: Built, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = opened("had")
    shown = week_of(service_of(had), BACKEND, "songs", listener(3), now=now)
    declare(had, "somebody new", "personalisation", given=False, source="app")
    had.journal.append([event(PLAYED, "somebody new", datetime.now(UTC), item="jazz-1")])
    assert forgetting.is_due(had)
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "_followed", lambda *_: pytest.fail("nobody was in it"))
        assert follow(had, local_actor()).kept == ("songs/1", "songs/2")
    assert not forgetting.is_due(had)
    assert newest_evaluation(had, REF) is not None
    assert week_of(service_of(had), BACKEND, "songs", listener(3), now=now) == shown


def test_the_log_of_changes_keeps_no_figure_that_could_be_subtracted(opened: Built, now: datetime) -> None:
    had = opened("had")
    with had.graph.write(local_actor()) as writer:
        writer.record(
            "evidence.offered",
            "bet:default/weekly",
            after={"risk": "value", "direction": "for", "sample": 37, "note": "Of 37", "source": f"{REF}#5"},
        )
        writer.record("evidence.offered", "bet:default/weekly", after={"source": f"{REF}-2#5", "sample": 9})
    forget_listener(had, local_actor(), "songs", GONE)
    with had.graph.read() as reader:
        entries = reader.activity(limit=200)
        shadows = agreements(reader, REF)
    kept = {each.action: each.after for each in reversed(entries)}
    assert kept["recommender.fitted"] == {"number": 2, "method": "als", "options": {"factors": 4}}
    assert kept["recommender.evaluated"] == {}
    assert set(kept["recommender.week-made"]) == {"week"}
    offered = [each.after for each in reversed(entries) if each.action == "evidence.offered"]
    assert set(offered[0]) == {"risk", "direction", "note", "source"}
    assert "37" not in offered[0]["note"]
    assert offered[1]["sample"] == 9, "of another recommender"
    assert shadows == ()


def test_an_evaluation_that_somebody_was_forgotten_under_is_kept_nowhere(
    opened: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    had, compared = opened("had"), evaluations.compared

    def forgotten_under(*given: Any, **named: Any) -> Any:
        found = compared(*given, **named)
        forget_listener(had, local_actor(), None, GONE)
        return found

    monkeypatch.setattr(evaluations, "compared", forgotten_under)
    with pytest.raises(ConflictError, match="evaluate again"):
        evaluated(had)
    with had.graph.read() as reader:
        entries = [each for each in reader.activity(limit=200) if each.action == "recommender.evaluated"]
    assert [each.after for each in entries] == [{}]


def test_a_week_that_was_being_made_while_its_version_was_fitted_anew_is_made_again(
    opened: Built, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = opened("had")
    service, keep_weeks = service_of(had), weeks.keep_weeks
    with had.graph.write(local_actor()) as writer:
        writer.connection.execute(sa.delete(WEEK).where(WEEK.c.listener == listener(3)))

    def late(*given: Any, **named: Any) -> list[str]:
        forget_listener(had, local_actor(), None, GONE)
        return keep_weeks(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(weeks, "keep_weeks", late)
        made = make_weeks(service, BACKEND, "songs", listeners=[listener(3)], now=now)
    assert made.made == 0, "it was made by a version that had her"
    assert make_weeks(service, BACKEND, "songs", listeners=[listener(3)], now=now).made == 1
    assert replay(service, BACKEND, "songs", listener(3), week=this_week(now)).equal


def test_a_version_whose_file_is_lost_is_fitted_before_weeks_are_made_again(
    opened: Built, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = opened("had")
    monkeypatch.setattr(forgetting, "renew_weeks", lambda *_: 0)
    forget_listener(had, local_actor(), None, GONE)
    monkeypatch.undo()
    file_of(had, REF, 2).unlink()
    assert weeks_renewed.renew_weeks(had, REF, lambda _: None) == 0
    assert forgetting.is_due(had)
    assert follow(had, local_actor()).fitted == ("songs/2",)
    assert not forgetting.is_due(had)
    assert replay(service_of(had), BACKEND, "songs", listener(3), week=this_week(now)).equal


def test_chance_in_a_week_is_told_once_though_the_week_is_made_again(opened: Built, now: datetime) -> None:
    had = opened("had")
    service = service_of(had)

    def explored() -> list[str]:
        found = had.journal.recent(type=EXPLORED, limit=1_000, personal=True)
        return sorted(each.id for each in found)

    before = explored()
    forget_listener(had, local_actor(), None, GONE)
    make_weeks(service, BACKEND, "songs", now=now)
    assert explored() == before


def test_weeks_of_a_version_of_which_nothing_is_left_are_gone(each_database: None, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "one", name="Test") as made:
        with made.graph.write(local_actor()) as writer:
            writer.put(streaming.recommender())
        for who in ("ana", "ben"):
            made.journal.append([event(PLAYED, who, NOW - timedelta(days=1), item="x")])
        fit_version(made, local_actor(), "songs", method="popularity", until=NOW)
        service: Service = service_of(made)
        make_weeks(service, BACKEND, "songs")
        for who in ("ana", "ben"):
            declare(made, who, "personalisation", given=False, source="app")
        assert follow(made, local_actor()).gone == ("songs/1",)
        with made.graph.read() as reader:
            assert reader.connection.execute(sa.select(sa.func.count()).select_from(WEEK)).scalar() == 0
