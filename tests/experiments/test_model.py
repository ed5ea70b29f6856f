import msgspec
import pytest

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.decision import Condition, rule_one
from counterpoint.experiments.model import QualityTest, Target
from counterpoint.experiments.stopping import Stopping

METRIC = Metric(name="m", event="m")


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"treatments": ()}, "/spec/treatments", "no treatment"),
        ({"treatments": ("a",)}, "/spec/treatments", "named 2 times"),
        ({"success": ()}, "/spec/success", "nothing to decide by"),
        ({"shares": {"a": 0.5}}, "/spec/shares/b", "no share above 0"),
        ({"shares": {"a": 1, "b": 1, "z": 1}}, "/spec/shares/z", "neither control nor treatment"),
        ({"alpha": 0.0}, "/spec/alpha", "above 0"),
        ({"srm_threshold": 1.0}, "/spec/srmThreshold", "below 1"),
        ({"guardrails": (Guardrail(METRIC, 1.5),)}, "/spec/guardrails/0/margin", "0.01 is 1 %"),
        ({"guardrails": (Guardrail(METRIC, 0.0, "absolute"),)}, "/spec/guardrails/0/margin", "above 0"),
        ({"beta": 1.0}, "/spec/beta", "below 1"),
        ({"alpha_minus": 0.3}, "/spec/alphaMinus", "below beta"),
        ({"quality": (QualityTest("traffic"),) * 2}, "/spec/quality", "named 2 times"),
        ({"quality": (QualityTest("traffic", 2.0),)}, "/spec/quality/0/level", "below 1"),
        ({"targets": {"z": Target()}}, "/spec/success", "no metric of the plan"),
        ({"targets": {"m": Target(mde=-1.0)}}, "/spec/success", "above 0"),
        ({"kind": "rollout"}, "/spec/success", "guardrails only"),
        (
            {
                "kind": "rollout",
                "success": (),
                "guardrails": (Guardrail(METRIC, 0.1),),
                "stopping": Stopping(method="fixed-power"),
            },
            "/spec/stopping/method",
            "read all the time",
        ),
        ({"stopping": Stopping(method="group-sequential", looks=5)}, "/spec/stopping/maximum", "maximum"),
        ({"stopping": Stopping(method="group-sequential", maximum=9)}, "/spec/stopping/looks", "how often"),
        (
            {"stopping": Stopping(method="group-sequential", every_days=float("inf"), maximum=9)},
            "/spec/stopping/everyDays",
            "finite",
        ),
        (
            {
                "stopping": Stopping(
                    method="group-sequential",
                    looks=5,
                    maximum=9,
                    spending="hwang-shih-decani",
                    parameter=float("nan"),
                )
            },
            "/spec/stopping/parameter",
            "finite",
        ),
        ({"stopping": Stopping(looks=5)}, "/spec/stopping/looks", "has no looks"),
        ({"decision": Condition("non-inferiority", "m")}, "/spec/decision", "a guardrail with a margin"),
        ({"decision": Condition("deterioration", "m")}, "/spec/decision", "nothing was shown"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused_with_its_place(
    changes: dict, pointer: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        Experiment(
            **{
                "name": "e",
                "flag": "e",
                "control": "a",
                "treatments": ("b",),
                "success": (METRIC,),
                **changes,
            }
        )
    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert words in problem.message


def test_every_contradiction_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Experiment(name="e", flag="e", control="a", treatments=(), alpha=2)
    assert len(caught.value.problems) == 3


def test_planned_shares_sum_to_one_in_any_unit() -> None:
    plan = Experiment(
        name="e", flag="e", control="a", treatments=("b",), success=(METRIC,), shares={"b": 75, "a": 25}
    )
    assert plan.planned == (0.25, 0.75)


def test_a_metric_in_two_roles_is_computed_once() -> None:
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        success=(METRIC,),
        guardrails=(Guardrail(METRIC, 0.01),),
    )
    assert plan.metrics == (METRIC,)


def test_the_rules_are_trees_and_a_tree_has_the_levels_of_its_place() -> None:
    other = Metric(name="o", event="o")
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b", "c"),
        success=(METRIC, other),
        guardrails=(Guardrail(other, 0.01),),
    )
    costs = plan.costs
    assert costs[Condition("superiority", "m")].alpha == pytest.approx(plan.levels.success)
    assert costs[Condition("non-inferiority", "o")].alpha == pytest.approx(plan.levels.guardrail)
    assert costs[Condition("deterioration", "o")].alpha == pytest.approx(plan.levels.deterioration)
    assert costs[Condition("superiority", "m")].beta == pytest.approx((0.2 - 0.025) / 2)
    first = msgspec.structs.replace(plan, decision="rule-1")
    assert first.tree == rule_one(["m", "o"], ["o"])
    assert first.costs[Condition("superiority", "m")].beta == pytest.approx(0.1)


def test_a_rollout_is_read_at_any_time_unless_it_says_more() -> None:
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        kind="rollout",
        guardrails=(Guardrail(METRIC, 0.1),),
    )
    assert plan.reading.method == "confidence-sequence"
