"""The decision's tree: every combination of answers, what each condition may cost, and who decides."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.experiments.decision import (
    Condition,
    Group,
    Node,
    answer,
    branch_of,
    conditions,
    deciding,
    parse_rule,
    rule_one,
    rule_two,
    shares,
)

BETTER, WITHIN = Condition("superiority", "s"), Condition("non-inferiority", "g")
CALM = tuple(Condition("deterioration", name) for name in ("s", "g", "d"))


def named(answers: dict[Condition, bool | None]) -> Any:
    """Rank by name, so that the nearest is predictable."""
    return lambda condition: condition.metric


@pytest.mark.parametrize("values", list(product([False, True], repeat=5)))
def test_rule_two_over_every_combination_of_answers(values: tuple[bool, ...]) -> None:
    tree = rule_two(["s"], ["g"], deterioration=["d"])
    answers: dict[Condition, bool | None] = dict(zip((BETTER, WITHIN, *CALM), values, strict=True))
    better, within, *calm = values
    assert answer(tree, answers) is (better and within and all(calm))
    found, _ = deciding(tree, answers, named(answers))
    if not all(calm):
        assert found == min(
            (leaf for leaf, is_calm in zip(CALM, calm, strict=True) if not is_calm),
            key=lambda leaf: leaf.metric,
        )
    elif not better:
        assert found == BETTER
    else:
        assert found == (BETTER if within else WITHIN)


@pytest.mark.parametrize("values", list(product([False, True], repeat=4)))
def test_rule_one_needs_any_success_metric_and_every_guardrail(values: tuple[bool, ...]) -> None:
    tree = rule_one(["a", "b"], ["c", "d"])
    answers = dict(zip(conditions(tree), values, strict=True))
    assert answer(tree, answers) is ((values[0] or values[1]) and values[2] and values[3])


@pytest.mark.parametrize("values", list(product([False, True, None], repeat=3)))
def test_open_answers_follow_kleenes_logic(values: tuple[bool | None, ...]) -> None:
    a, b, c = (Condition("superiority", name) for name in "abc")
    tree = Group("all", (Group("any", (a, b)), c))
    answers = dict(zip((a, b, c), values, strict=True))
    # An open answer may turn out either way: the tree is settled exactly if both ways say the same.
    ways = {
        answer(tree, dict(zip((a, b, c), settled, strict=True)))
        for settled in product(*([value] if value is not None else [False, True] for value in values))
    }
    assert answer(tree, answers) is (ways.pop() if len(ways) == 1 else None)


leaves = st.builds(
    Condition, st.sampled_from(["superiority", "non-inferiority", "deterioration"]), st.sampled_from("abcd")
)
trees = st.recursive(
    leaves,
    lambda parts: st.builds(
        Group, st.sampled_from(["all", "any"]), st.lists(parts, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


def plainly(node: Node, answers: dict[Condition, bool]) -> bool:
    if isinstance(node, Condition):
        return answers[node]
    return {"all": all, "any": any}[node.word](plainly(part, answers) for part in node.parts)


@given(trees, st.data())
def test_any_tree_answers_as_plain_logic_and_names_a_condition_that_answers_the_same(
    tree: Node, data: st.DataObject
) -> None:
    answers = {leaf: data.draw(st.booleans()) for leaf in set(conditions(tree))}
    assert answer(tree, answers) is plainly(tree, answers)
    found, _ = deciding(tree, answers, lambda leaf: 0.0)
    assert answers[found] is answer(tree, answers)
    assert branch_of(tree, answers).met is answer(tree, answers)


def test_and_shares_beta_and_or_shares_alpha() -> None:
    tree = rule_two(["a", "b", "c"], ["g", "h"], deterioration=["d"])
    found = shares(tree, alpha=0.06, beta=0.2, alpha_minus=0.05, watched=7)
    for name in "abc":
        share = found[Condition("superiority", name)]
        assert (share.alpha, share.beta) == pytest.approx((0.02, 0.05))
    for name in "gh":
        share = found[Condition("non-inferiority", name)]
        assert (share.alpha, share.beta) == pytest.approx((0.06, 0.05))
    assert found[Condition("deterioration", "d")].alpha == pytest.approx(0.05 / 7)


def test_without_success_metrics_beta_is_shared_among_the_guardrails_alone() -> None:
    found = shares(rule_one([], ["g", "h"]), alpha=0.05, beta=0.2, alpha_minus=0.0, watched=3)
    assert {share.beta for share in found.values()} == {0.1}


def test_levels_of_a_nested_tree_multiply() -> None:
    tree = parse_rule({"any": [{"better": "a"}, {"all": [{"better": "b"}, {"within": "c"}]}]})
    found = shares(tree, alpha=0.05, beta=0.2, alpha_minus=0.0, watched=1)
    assert {share.alpha for share in found.values()} == {0.025}
    assert [found[leaf].beta for leaf in conditions(tree)] == [0.2, 0.1, 0.1]


def test_alpha_minus_must_leave_something_of_beta() -> None:
    with pytest.raises(InputError, match="must be above alpha_minus"):
        shares(rule_one(["a"], []), alpha=0.05, beta=0.05, alpha_minus=0.05, watched=1)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"most": []}, "/spec/decision"),
        ({"all": [], "any": []}, "/spec/decision"),
        ({"all": []}, "/spec/decision/all"),
        ({"all": "x"}, "/spec/decision/all"),
        ({"all": [{"better": 3}]}, "/spec/decision/all/0/better"),
        ({"all": [{"better": "a"}, {"any": [7]}]}, "/spec/decision/all/1/any/0"),
    ],
)
def test_what_is_no_tree_is_refused_with_its_place(rule: Any, place: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_rule(rule)
    assert [problem.pointer for problem in caught.value.problems] == [place]


def test_a_tree_without_end_is_refused_rather_than_read() -> None:
    rule: Any = {"better": "a"}
    for _ in range(5000):
        rule = {"all": [rule]}
    with pytest.raises(InputError):
        parse_rule(rule)
