from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from counterpoint import Workspace
from counterpoint.experiments import store
from counterpoint.experiments.course import courses
from counterpoint.experiments.shown_verdict import chart_of
from counterpoint.graph.actor import local_actor

from .conftest import entity, happened

LOOKED = entity(
    "Experiment",
    "looked",
    {
        "flag": "gate-level",
        "control": "gate_30",
        "treatments": ["gate_40"],
        "success": [{"metric": "retained"}],
        "start": "2026-05-01",
        "stopping": {"method": "group-sequential", "looks": 4, "maximum": 400},
    },
)


@pytest.fixture
def looked(games: Workspace) -> Workspace:
    with games.graph.write(local_actor()) as writer:
        writer.put(LOOKED)
    games.journal.append(happened(120))
    return games


def test_the_course_has_the_looks_that_were_taken_and_those_to_come(looked: Workspace) -> None:
    loaded = store.load(looked, "looked")
    (course,) = courses(loaded.plan, store.result_of(looked, loaded))
    assert [place.state for place in course.places] == ["frozen", "planned", "planned", "planned"]
    first = course.places[0]
    assert first.information == pytest.approx(0.3)
    assert first.score is not None
    assert first.boundary is not None
    assert first.score > first.boundary
    assert first.shown
    assert course.places[-1].spent == pytest.approx(course.alpha)
    assert [place.information for place in course.places[1:]] == [0.5, 0.75, 1.0]


def test_a_taken_look_keeps_its_place_when_more_users_have_come(looked: Workspace) -> None:
    before = courses(store.load(looked, "looked").plan, store.result_of(looked, store.load(looked, "looked")))
    looked.journal.append(happened(240)[360:])
    loaded = store.load(looked, "looked")
    result = store.result_of(looked, loaded)
    (course,) = courses(loaded.plan, result)
    assert [place.index for place in course.taken] == [1, 2]
    assert course.taken[0] == before[0].places[0]


def test_a_plan_without_looks_has_no_course(played: Workspace) -> None:
    loaded = store.load(played, "gate")
    assert courses(loaded.plan, store.result_of(played, loaded)) == ()


def test_the_chart_tells_its_figures_in_words_and_draws_what_is_planned_apart(looked: Workspace) -> None:
    loaded = store.load(looked, "looked")
    result = replace(store.result_of(looked, loaded), as_of=datetime(2026, 5, 2, tzinfo=UTC))
    (course,) = courses(loaded.plan, result)
    drawn = str(chart_of(course, "Looks"))
    assert "look 1 at 30" in drawn
    assert "c-planned" in drawn
    assert "c-point is-good" in drawn
