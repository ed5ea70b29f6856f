import re
from collections.abc import Iterator

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.experiments import store
from counterpoint.experiments.planning import PlanForm, Row, form_of, planned_of, read_form
from counterpoint.experiments.planning_rule import decision_of, decision_text
from counterpoint.experiments.shown_plan import costs_of, curves_of, yaml_of
from counterpoint.graph.actor import local_actor
from counterpoint.graph.descriptor import validate
from counterpoint.server.app import create_app

from .conftest import ENTITIES, entity, happened

QUERY = {
    "name1": "played",
    "role1": "success",
    "kind1": "mean",
    "mean1": "20",
    "sd1": "7",
    "change1": "3",
    "correlation1": "0.7",
    "name2": "crash",
    "role2": "guardrail",
    "kind2": "rate",
    "mean2": "0.3",
    "change2": "20",
    "method": "group-sequential",
    "looks": "5",
    "perDay": "2000",
}


@pytest.fixture
def client(games: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(games, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        made.headers["Accept"] = "text/html"
        yield made


def test_covariates_save_users_and_looking_costs_some() -> None:
    planned = planned_of(read_form(QUERY))
    assert not planned.errors
    whole, plain, once = (each.sizing.total for each in planned.variants)
    assert whole is not None
    assert plain is not None
    assert once is not None
    assert plain == pytest.approx(whole / (1 - 0.7**2), rel=0.01)
    assert once < whole
    assert [sentence.split()[0] for sentence in costs_of(planned)] == ["Values", "Reading"]


def test_power_reaches_what_was_planned_at_the_users_that_are_needed() -> None:
    planned = planned_of(read_form(QUERY))
    assert planned.sizing
    at = dict(planned.variants[0].power)
    (decides,) = [
        each for each in planned.sizing.metrics if f"{each.test}: {each.name}" == planned.sizing.decides
    ]
    assert at[float(planned.sizing.total or 0)] == pytest.approx(1 - decides.beta, abs=0.002)
    assert list(at.values()) == sorted(at.values())


def test_the_curve_of_users_goes_through_the_size_of_the_plan() -> None:
    planned = planned_of(PlanForm(rows=(Row("c", "success", "rate", "0.1", "", "5"),)))
    assert planned.sizing
    (metric,) = planned.sizing.metrics
    assert [point.total for point in metric.curve if point.relative == pytest.approx(0.05)] == [metric.total]
    assert [each.title for each in curves_of(planned, str)] == [
        "Users by the change to be shown",
        "Power by users",
        "Days by the change to be shown",
    ]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"mean1": "many"}, "mean1", "'many', which is no number"),
        ({"sd1": ""}, "sd1", "The standard deviation of played is missing"),
        ({"mean2": "1.5"}, "mean2", "must be above 0 and below 1"),
        ({"alpha": "0.7"}, "alpha", "must be above 0 and below 0.5"),
        ({"name1": "", "name2": ""}, "name1", "Name at least one metric"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(change: dict[str, str], field: str, words: str) -> None:
    planned = planned_of(read_form({**QUERY, **change}))
    assert words in planned.errors[field]
    assert planned.sizing is None


def test_the_yaml_of_a_plan_is_a_descriptor_that_the_schema_takes() -> None:
    spec = yaml.safe_load(yaml_of(planned_of(read_form(QUERY))))
    document = entity(
        "Experiment", "made", {"flag": "f", "control": "a", "treatments": ["b"], "owner": "games", **spec}
    )
    assert validate(document) == []


def test_the_page_works_without_scripts_and_keeps_what_was_typed(client: TestClient) -> None:
    shown = client.get("/experiments/plan", params=QUERY).text
    assert "Values before exposure (CUPED) save" in shown
    assert shown.count("<svg") > 8
    assert re.search(r'name="correlation1"[^>]*value="0.7"', shown)
    more = client.get("/experiments/plan", params={**QUERY, "rows": "3"}).text
    assert 'name="name3"' in more
    wrong = client.get("/experiments/plan", params={**QUERY, "mean1": "many"})
    assert wrong.status_code == 200
    assert 'value="many"' in wrong.text


def test_a_plan_is_filled_in_from_an_experiment_and_the_journal(client: TestClient, games: Workspace) -> None:
    games.journal.append(happened())
    shown = client.get("/experiments/plan?experiment=experiment:default/gate").text
    assert "Filled in from Gate at level 40" in shown
    assert 'value="retained"' in shown
    assert "What each metric needs" in shown
    assert client.get("/experiments/plan?experiment=gates").status_code == 404


PREFILLED = {
    "shares": {"gate_30": 80, "gate_40": 20},
    "success": [{"metric": "retained", "mde": 0.02, "scale": "absolute"}],
    "guardrails": [{"metric": "rounds", "margin": 0.4, "scale": "absolute"}],
    "decision": {"all": [{"better": "retained"}, {"within": "rounds"}]},
    "stopping": {
        "method": "group-sequential",
        "looks": 6,
        "maximum": 9000,
        "spending": "hwang-shih-decani",
        "parameter": -2,
    },
}


def test_an_experiment_fills_in_its_shares_tree_spending_and_absolute_margins(games: Workspace) -> None:
    games.journal.append(happened())
    document = next(each for each in ENTITIES if each["kind"] == "Experiment")
    with games.graph.write(local_actor()) as writer:
        writer.put({**document, "spec": {**document["spec"], **PREFILLED}})
    loaded = store.load(games, "gate")
    sizing = store.sizing_of(games, loaded)
    form = form_of(loaded.plan, sizing, "gate")
    assert (form.shares, form.spending, form.parameter) == ("80 20", "hwang-shih-decani", "-2")
    assert form.decision == "{all: [{better: retained}, {within: rounds}]}"
    assert [(row.scale, row.change) for row in form.rows] == [("absolute", "0.02"), ("absolute", "0.4")]
    planned = planned_of(form)
    assert planned.errors == {}
    assert planned.sizing
    assert [each.arms for each in planned.sizing.metrics] == [
        pytest.approx(each.arms, rel=0.02)
        for each in sizing.metrics  # the means are typed with five digits
    ]
    spec = yaml.safe_load(yaml_of(planned))
    assert spec["decision"] == PREFILLED["decision"]
    assert spec["guardrails"][0]["scale"] == "absolute"
    assert spec["stopping"]["parameter"] == -2
    made = entity(
        "Experiment", "made", {"flag": "f", "control": "control", "treatments": ["treatment"], **spec}
    )
    assert validate(made) == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"shares": "80"}, "shares", "there are 2 arms"),
        ({"shares": "80 none"}, "shares", "write a number for each arm"),
        ({"shares": "80 0"}, "shares", "needs a number above 0"),
        ({"decision": "rule-3"}, "decision", "neither rule-1, rule-2 nor a tree"),
        ({"decision": "{all: [{better: }]}"}, "decision", "must be the name of a metric"),
        ({"decision": "{all: ["}, "decision", "is no YAML"),
        ({"decision": "{better: nobody}"}, "", "nobody"),
        ({"spending": "generous"}, "spending", "'generous'"),
        ({"parameter": "much"}, "parameter", "'much', which is no number"),
        ({"method": "group-sequential", "parameter": "-1"}, "", "must be above 0"),
    ],
)
def test_what_is_wrong_with_the_decision_is_said_at_its_field(
    change: dict[str, str], field: str, words: str
) -> None:
    assert words in planned_of(read_form({**QUERY, **change})).errors[field]


@pytest.mark.parametrize(
    "tree",
    ["rule-1", "{better: a}", "{all: [{better: a}, {any: [{within: b}, {notWorse: 'c d'}]}]}"],
)
def test_a_decision_is_written_as_it_is_read(tree: str) -> None:
    assert decision_text(decision_of(tree)) == tree


@pytest.mark.parametrize("number", ["²", "9" * 5_000, "x"])
def test_a_number_of_rows_that_is_none_is_passed_over(number: str) -> None:
    assert read_form({**QUERY, "rows": number, f"name{number}": "x"}).rows == read_form(QUERY).rows
