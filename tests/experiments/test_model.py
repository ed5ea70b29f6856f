import pytest

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Guardrail, Metric

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
