from datetime import UTC, datetime

import pytest

from counterpoint import Workspace
from counterpoint.errors import ConflictError, InputError, NotFoundError
from counterpoint.experiments import listing, store
from counterpoint.experiments.decision import conditions
from counterpoint.experiments.model import SAMPLE_RATIO_GATES, QualityTest, Target
from counterpoint.experiments.stopping import Stopping
from counterpoint.graph.actor import local_actor

from .conftest import entity, happened


def put(workspace: Workspace, *documents: dict) -> None:
    with workspace.graph.write(local_actor()) as writer:
        for document in documents:
            writer.put(document)


def test_an_experiment_is_read_from_entities_and_events(played: Workspace) -> None:
    result = store.result_of(played, store.load(played, "gate"))
    assert [(arm.variant, arm.users) for arm in result.arms] == [("gate_30", 100), ("gate_40", 100)]
    retained, rounds = result.metrics
    assert (retained.control_mean, retained.treatment_mean) == (pytest.approx(0.2), pytest.approx(0.6))
    assert (rounds.label, rounds.outcome) == ("Rounds played", "within margin")
    assert result.verdict.state == "ship"


def test_what_was_read_is_recorded_where_the_bets_room_looks_for_it(played: Workspace) -> None:
    result, recorded = store.read_now(played, store.load(played, "experiment:default/gate"), local_actor())
    with played.graph.read() as reader:
        (entry,) = reader.activity(subject="experiment:default/gate", action="experiment.read")
    assert entry.seq == recorded.seq
    assert entry.after["verdict"] == "ship"
    assert entry.after["sentence"] == result.verdict.sentence
    metric = entry.after["metrics"][0]
    assert (metric["ref"], metric["outcome"]) == ("metric:default/retained", "better")
    assert metric["relative"] == pytest.approx(2.0)
    assert metric["relativeInterval"]["low"] > 0
    assert store.load(played, "gate").newest == entry
    assert listing.list_experiments(played).items[0].verdict == "ship"


def test_a_result_is_computed_again_only_when_events_or_plan_have_changed(
    played: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    analyze = store._analyze
    monkeypatch.setattr(store, "_analyze", lambda *given, **also: calls.append(1) or analyze(*given, **also))
    for _ in range(2):
        store.result_of(played, store.load(played, "gate"))
    assert len(calls) == 1
    played.journal.append(happened(202)[-6:])
    found = store.result_of(played, store.load(played, "gate"))
    assert (len(calls), found.users) == (2, 202)
    changed = entity("Metric", "rounds", {"event": "rounds", "aggregation": "count", "direction": "increase"})
    put(played, changed)
    store.result_of(played, store.load(played, "gate"))
    assert len(calls) == 3
    played.journal.compact()
    assert store.result_of(played, store.load(played, "gate")).users == 202


def test_only_exposures_of_the_named_flag_set_count(games: Workspace) -> None:
    games.journal.append(happened(40, flag_set="other"))
    assert store.result_of(games, store.load(games, "gate")).users == 40
    spec = store.load(games, "gate").entity.spec
    put(games, entity("Experiment", "gate", {**spec, "flagSet": "default"}))
    assert store.result_of(games, store.load(games, "gate")).users == 0


def test_an_unknown_name_tells_near_ones(games: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"no experiment gaet; did you mean gate\?"):
        store.load(games, "gaet")


def test_a_workspace_without_experiments_says_how_to_get_one(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="import catalog"):
        store.load(workspace, "gate")


def test_a_reference_of_another_kind_is_refused(games: Workspace) -> None:
    with pytest.raises(InputError, match="is no experiment"):
        store.load(games, "bet:default/later-gate")


def test_a_missing_metric_is_named_with_its_pointer_and_near_names(games: Workspace) -> None:
    put(
        games,
        entity(
            "Experiment",
            "other",
            {"flag": "f", "control": "a", "treatments": ["b"], "success": [{"metric": "retaind"}]},
        ),
    )
    with pytest.raises(InputError) as caught:
        store.load(games, "other")
    (problem,) = caught.value.problems
    assert problem.pointer == "/spec/success/0/metric"
    assert "did you mean retained?" in problem.message


def test_a_missing_flag_set_is_only_a_note(games: Workspace) -> None:
    assert store.load(games, "gate").notes == ()
    spec = store.load(games, "gate").entity.spec
    put(games, entity("Experiment", "gate", {**spec, "flagSet": "default"}))
    assert any(
        "flagset:default/default is not in the graph" in note for note in store.load(games, "gate").notes
    )


def test_days_of_a_plan_begin_at_their_first_moment_and_end_at_their_last(games: Workspace) -> None:
    spec = store.load(games, "gate").entity.spec
    put(games, entity("Experiment", "gate", {**spec, "start": "2026-05-01", "end": "2026-05-07"}))
    plan = store.load(games, "gate").plan
    assert plan.start == datetime(2026, 5, 1, tzinfo=UTC)
    assert plan.end == datetime(2026, 5, 7, 23, 59, 59, 999999, tzinfo=UTC)


def test_a_plan_that_contradicts_itself_is_told_when_it_is_read(games: Workspace) -> None:
    spec = store.load(games, "gate").entity.spec
    put(games, entity("Experiment", "gate", {**spec, "start": "2026-05-03", "end": "2026-05-01"}))
    with pytest.raises(InputError) as caught:
        store.load(games, "gate")
    assert caught.value.problems[0].pointer == "/spec/end"


def test_no_exposure_yet_is_a_result(games: Workspace) -> None:
    result, _ = store.read_now(games, store.load(games, "gate"), local_actor())
    assert result.verdict.condition == "exposures"


def test_a_server_never_says_that_nobody_came_when_somebody_has(games: Workspace) -> None:
    standing = store.standing_of(games)
    standing.start()
    assert store.result_at_hand(games, store.load(games, "gate"))[0].users == 0
    games.journal.append(happened())
    result, holds = store.result_at_hand(games, store.load(games, "gate"))
    standing.stop()
    assert result.users
    assert holds


def test_an_arm_that_is_no_variant_of_the_flag_is_a_note(games: Workspace) -> None:
    spec = store.load(games, "gate").entity.spec
    flag = {"state": "ENABLED", "variants": {"gate_30": 30, "gate_50": 50}, "defaultVariant": "gate_30"}
    definition = {"flags": {spec["flag"]: flag}}
    put(games, entity("FlagSet", "default", {"definition": definition}))
    (note,) = store.load(games, "gate").notes
    assert "has no variant gate_40, only gate_30, gate_50" in note


def test_the_whole_plan_is_read_from_a_descriptor(games: Workspace) -> None:
    spec = store.load(games, "gate").entity.spec
    whole = {
        **spec,
        "success": [{"metric": "retained", "mde": 0.02, "baseline": {"mean": 0.2, "correlation": 0.5}}],
        "guardrails": [{"metric": "rounds", "margin": 2, "scale": "absolute"}],
        "deterioration": [{"metric": "retained"}],
        "quality": [{"test": "pre-exposure", "level": 0.001}],
        "decision": {
            "all": [{"better": "retained"}, {"within": "rounds"}, {"notWorse": "metric:default/rounds"}]
        },
        "beta": 0.1,
        "alphaMinus": 0.02,
        "stopping": {"method": "group-sequential", "looks": 5, "maximum": 40000},
        "covariates": False,
        "slopes": "pooled",
        "unitsPerArm": 500,
    }
    put(games, entity("Experiment", "gate", whole))
    plan = store.load(games, "gate").plan
    assert plan.targets["retained"] == Target(mde=0.02, mean=0.2, correlation=0.5)
    assert (plan.guardrails[0].margin, plan.guardrails[0].scale) == (2, "absolute")
    assert plan.quality == (QualityTest("pre-exposure", 0.001),)
    assert [leaf.text for leaf in conditions(plan.tree)] == [
        "superiority: retained",
        "non-inferiority: rounds",
        "deterioration: rounds",
    ]
    assert plan.stopping == Stopping(method="group-sequential", looks=5, maximum=40_000)
    assert (plan.beta, plan.alpha_minus, plan.covariates, plan.slopes) == (0.1, 0.02, False, "pooled")
    assert plan.units_per_arm == 500


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"decision": "majority"}, "/spec/decision"),
        ({"stopping": {"looks": 2.5}}, "/spec/stopping/looks"),
        ({"stopping": {"method": "bayes"}}, "/spec/stopping/method"),
        ({"stopping": {"spending": "pocock", "parameter": 2}}, "/spec/stopping/parameter"),
        ({"stopping": {"spending": "obrien-fleming", "parameter": 0}}, "/spec/stopping/parameter"),
        ({"quality": [{"test": "vibes"}]}, "/spec/quality/0/test"),
        ({"success": [{"metric": "retained", "scale": "log"}]}, "/spec/success/0/scale"),
    ],
)
def test_a_descriptor_that_no_plan_can_have_is_refused_on_import(
    games: Workspace, changes: dict, pointer: str
) -> None:
    spec = store.load(games, "gate").entity.spec
    with pytest.raises(InputError) as caught:
        put(games, entity("Experiment", "gate", {**spec, **changes}))
    assert pointer in [problem.pointer for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("quality", "gates"),
    [
        ({}, ("sample-ratio-by-day", "sequential-sample-ratio")),
        ({"segments": ["country"]}, SAMPLE_RATIO_GATES),
        ({"quality": []}, ()),
        (
            {"quality": [{"test": "traffic"}, {"test": "sample-ratio-by-day", "level": 0.02}]},
            ("traffic", "sample-ratio-by-day"),
        ),
    ],
)
def test_an_empty_list_of_gates_is_an_answer_and_none_at_all_is_the_default(
    played: Workspace, quality: dict, gates: tuple[str, ...]
) -> None:
    spec = store.load(played, "gate").entity.spec
    put(played, entity("Experiment", "gate", {**spec, **quality}))
    loaded = store.load(played, "gate")
    assert tuple(each.test for each in loaded.plan.gates) == gates
    checks = store.result_of(played, loaded).quality.checks
    assert {each.test for each in checks if each.gates} == set(gates)


def test_a_look_is_logged_once_with_who_took_it_and_is_never_computed_anew(played: Workspace) -> None:
    spec = store.load(played, "gate").entity.spec
    spec = {name: value for name, value in spec.items() if name != "end"}
    stopping = {"method": "group-sequential", "looks": 4, "maximum": 400}
    put(played, entity("Experiment", "gate", {**spec, "stopping": stopping}))
    result, _ = store.read_now(played, store.load(played, "gate"), local_actor())
    assert (result.progress.look, result.progress.information) == (2, 0.5)
    store.result_of(played, store.load(played, "gate"))
    with played.graph.read() as reader:
        (entry,) = reader.activity(subject="experiment:default/gate", action="experiment.look")
    assert entry.actor == local_actor().ref
    ((alpha, (spent, boundary)),) = entry.after["spent"].items()
    assert (alpha, spent) == ("0.05", pytest.approx(0.05 * 0.25))
    assert boundary > 2
    assert entry.after["verdict"] == "ship"
    loaded = store.load(played, "gate")
    assert loaded.looks[0].by == local_actor().ref
    assert store.result_of(played, loaded).looks == loaded.looks


def test_what_a_confidence_sequence_decides_is_logged_at_once_and_stands(played: Workspace) -> None:
    spec = undeclared(played).entity.spec
    always = {"method": "confidence-sequence", "tunedAt": 200}
    put(played, entity("Experiment", "gate", {**spec, "guardrails": [], "stopping": always}))
    first = store.result_of(played, store.load(played, "gate"))
    assert first.verdict.state == "ship"
    with played.graph.read() as reader:
        (entry,) = reader.activity(subject="experiment:default/gate", action="experiment.look")
    assert (entry.after["index"], entry.after["verdict"]) == (0, "ship")
    again = store.result_of(played, store.load(played, "gate"))
    assert (again.verdict.state, len(again.looks)) == ("ship", 1)
    assert "with 200 users" in again.verdict.sentence


def test_an_invalid_result_is_acknowledged_once_it_is_invalid(played: Workspace) -> None:
    with pytest.raises(ConflictError, match="is not invalid"):
        store.acknowledge(played, store.load(played, "gate"), local_actor())
    spec = store.load(played, "gate").entity.spec
    put(played, entity("Experiment", "gate", {**spec, "shares": {"gate_30": 9, "gate_40": 1}}))
    hidden = store.result_of(played, store.load(played, "gate"))
    assert hidden.verdict.state == "invalid"
    assert hidden.metrics[0].withheld
    store.acknowledge(played, store.load(played, "gate"), local_actor(), "looking for the cause")
    shown = store.result_of(played, store.load(played, "gate"))
    assert (shown.acknowledged, shown.metrics[0].withheld) == (True, False)


def undeclared(workspace: Workspace) -> store.Loaded:
    """The experiment without anything that says when it is read."""
    spec = store.load(workspace, "gate").entity.spec
    put(workspace, entity("Experiment", "gate", {name: spec[name] for name in spec if name != "end"}))
    return store.load(workspace, "gate")


def test_an_exploratory_look_is_logged_with_its_figures_and_told_to_whoever_declares_a_plan_afterwards(
    played: Workspace,
) -> None:
    loaded = undeclared(played)
    before = store.result_of(played, loaded)
    assert (before.verdict.condition, before.metrics[0].difference) == ("plan", None)
    result, recorded = store.explore(played, loaded, local_actor(), reason="a fault was reported")
    assert result.metrics[0].difference == pytest.approx(0.4)
    assert (result.verdict.state, result.progress.exploratory) == ("keep running", True)
    assert (recorded.action, recorded.reason) == ("experiment.explored", "a fault was reported")
    assert recorded.after["progress"]["exploratory"]
    assert recorded.after["metrics"][0]["difference"] == pytest.approx(0.4)
    assert [each.seq for each in store.readings_of(played, "experiment:default/gate")] == [recorded.seq]
    again = store.result_of(played, store.load(played, "gate"))
    assert again.metrics[0].difference is None  # one look opens nothing for the next reader
    spec = loaded.entity.spec
    put(played, entity("Experiment", "gate", {**spec, "end": "2026-06-01"}))
    declared = store.load(played, "gate")
    assert any("It was explored without a stopping plan, once" in note for note in declared.notes)
    with pytest.raises(ConflictError, match="says when it is read"):
        store.explore(played, declared, local_actor())


def test_the_one_reading_of_a_plan_without_an_end_stands_though_users_go_on_to_come(
    played: Workspace,
) -> None:
    spec = undeclared(played).entity.spec
    put(played, entity("Experiment", "gate", {**spec, "unitsPerArm": 100}))
    first = store.result_of(played, store.load(played, "gate"))
    assert [look.index for look in store.load(played, "gate").looks] == [1]
    assert not played.journal.append(
        [{**each, "id": f"more-{each['id']}", "subject": f"more-{each['subject']}"} for each in happened(60)]
    ).rejected
    later = store.result_of(played, store.load(played, "gate"))
    assert later.users == first.users + 60
    assert later.verdict.state == first.verdict.state
    assert "by the one reading that the plan asks for" in later.verdict.sentence
