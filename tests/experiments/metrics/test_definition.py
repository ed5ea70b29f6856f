from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.errors import InputError
from counterpoint.experiments import store
from counterpoint.experiments.metrics.definition import definition_from, in_words
from counterpoint.graph.actor import local_actor
from counterpoint.graph.descriptor import relations_of, validate
from tests.experiments.conftest import entity


def metric(**spec: Any) -> dict[str, Any]:
    return entity("Metric", "m", {"direction": "increase", "aggregation": "mean", "event": "e"} | spec)


@pytest.mark.parametrize(
    ("spec", "pointers"),
    [
        ({}, []),
        ({"event": None}, ["/spec/event"]),
        ({"direction": "none", "role": "northStar", "cap": 5, "unit": "ms"}, []),
        ({"direction": "up"}, ["/spec/direction"]),
        ({"role": "star"}, ["/spec/role"]),
        ({"cap": -1}, ["/spec/cap"]),
        ({"aggregation": "count", "cap": 3}, ["/spec/cap"]),
        ({"aggregation": "quantile"}, ["/spec/quantile"]),
        ({"aggregation": "quantile", "quantile": 0.95}, []),
        ({"aggregation": "quantile", "quantile": 95}, ["/spec/quantile"]),
        ({"aggregation": "quantile", "quantile": float("nan")}, ["/spec/quantile"]),
        ({"quantile": 0.5}, ["/spec/quantile"]),
        ({"numerator": "n"}, ["/spec/numerator"]),
        ({"window": {"days": 1.5}}, ["/spec/window/days"]),
        ({"window": {"days": 0}}, ["/spec/window/days"]),
        ({"window": {"calendar": "fortnight"}}, ["/spec/window/calendar"]),
        ({"decisions": [{"for": ["bet:b"]}]}, ["/spec/decisions/0/decision"]),
        ({"decisions": [{"decision": "d", "for": ["b"]}]}, ["/spec/decisions/0/for/0"]),
    ],
)
def test_a_metric_says_what_contradicts_itself_and_where(spec: dict[str, Any], pointers: list[str]) -> None:
    given = metric(**spec)
    given["spec"] = {name: value for name, value in given["spec"].items() if value is not None}
    assert [problem.pointer for problem in validate(given)] == pointers


def test_a_ratio_is_of_two_metrics_and_of_no_events() -> None:
    ratio = {"direction": "increase", "aggregation": "ratio"}
    whole = entity("Metric", "r", ratio | {"numerator": "a", "denominator": "other/b"})
    assert validate(whole) == []
    assert {(kind, target) for _, kind, target in relations_of(whole) if kind == "computedFrom"} == {
        ("computedFrom", "metric:default/a"),
        ("computedFrom", "metric:other/b"),
    }
    broken = entity("Metric", "r", ratio | {"numerator": "a", "event": "e"})
    assert [problem.pointer for problem in validate(broken)] == ["/spec/denominator", "/spec/event"]


def test_what_a_metric_decides_is_related_to_it() -> None:
    given = metric(decisions=[{"decision": "Whether it ships", "for": ["bet:b", "experiment:x/e"]}])
    assert {(kind, target) for _, kind, target in relations_of(given) if kind == "informs"} == {
        ("informs", "bet:default/b"),
        ("informs", "experiment:x/e"),
    }
    assert definition_from(given).decisions[0].for_ == ("bet:default/b", "experiment:x/e")


def test_what_is_left_out_has_its_default() -> None:
    found = definition_from(metric())
    assert (found.field, found.per, found.calendar, found.role, found.title) == (
        "value",
        "all",
        "day",
        "ordinary",
        "m",
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "The mean of `value` over each user's events of type `e`, averaged over the users, day by day."),
        ({"cap": 9.5}, "a number above 9.5 counts as 9.5."),
        (
            {"aggregation": "sum", "per": "user"},
            "The sum of `value` over the events of type `e`, for each user on average",
        ),
        (
            {"aggregation": "users", "window": {"calendar": "week"}},
            "different users who have events of type `e`, week by week.",
        ),
        (
            {"aggregation": "quantile", "quantile": 0.95, "field": "ms"},
            "What 95 % of the events of type `e` have in `ms` at most",
        ),
    ],
)
def test_every_metric_says_in_words_how_it_is_computed(spec: dict[str, Any], words: str) -> None:
    assert words in in_words(definition_from(metric(**spec)))


@pytest.mark.parametrize(
    ("spec", "said"),
    [({"direction": "none"}, "direction none"), ({"aggregation": "users"}, "one number per user")],
)
def test_an_experiment_refuses_a_metric_that_no_test_decides(
    games: Workspace, spec: dict[str, Any], said: str
) -> None:
    changed = entity(
        "Metric", "retained", {"event": "retained", "aggregation": "any", "direction": "increase"} | spec
    )
    with games.graph.write(local_actor()) as writer:
        writer.put(changed)
    with pytest.raises(InputError) as raised:
        store.load(games, "gate")
    assert [problem.pointer for problem in raised.value.problems] == ["/spec/success/0/metric"]
    assert said in raised.value.problems[0].message


def test_a_dashboard_is_never_split_into_single_people() -> None:
    panels = [{"metric": "m", "split": "subject"}, {"metric": "m", "split": "country", "series": 9}]
    found = validate(entity("Dashboard", "d", {"panels": panels}))
    assert [problem.pointer for problem in found] == ["/spec/panels/1/series"]
    panels[1]["series"] = 3
    found = validate(entity("Dashboard", "d", {"panels": panels}))
    assert [problem.pointer for problem in found] == ["/spec/panels/0/split"]
