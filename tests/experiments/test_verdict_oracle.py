"""The verdict against a brute-force reading of the rule that knows nothing of its code.

The oracle is written from the rule's words: ship if at least one success metric is significantly better and every
guardrail is significantly within its margin (rule 1), and nothing is significantly worse and no test of quality
rejects (rule 2). What is still open is answered by trying both: a decision is known exactly if it is the same
however the open conditions turn out.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest
from msgspec.structs import replace

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.decision import Condition, Group, Node, answer, conditions, deciding
from counterpoint.experiments.hypotheses import arms_of, compare, quality_of
from counterpoint.experiments.looks import Reading, reading_of
from counterpoint.experiments.model import SAMPLE_RATIO_GATES
from counterpoint.experiments.result import Comparison, QualityCheck
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.experiments.verdict import decide
from counterpoint.stats import Moments

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SUCCESS = (Metric(name="s1", event="s1"), Metric(name="s2", event="s2"))
BOUNDED, UNBOUNDED, WATCHED = (Metric(name=name, event=name) for name in ("g", "h", "d"))
Answer = bool | None


def settled(ship: Callable[[Mapping[str, bool]], bool], facts: Mapping[str, Answer]) -> Answer:
    """What is known of a decision: the same for every way in which what is open may turn out, or open."""
    unknown = [name for name, fact in facts.items() if fact is None]
    ways = {
        ship({**facts, **dict(zip(unknown, way, strict=True))})  # type: ignore[dict-item]
        for way in product([False, True], repeat=len(unknown))
    }
    return ways.pop() if len(ways) == 1 else None


def rule_one(found: Mapping[str, bool]) -> bool:
    return (found["better s1"] or found["better s2"]) and found["within g"] and not found["worse h"]


def rule_two(found: Mapping[str, bool]) -> bool:
    return rule_one(found) and not any(found[f"worse {name}"] for name in ("s1", "s2", "g", "h", "d"))


def plan(rule: str, treatments: tuple[str, ...] = ("on",)) -> Experiment:
    return Experiment(
        name="trial", flag="trial", control="off", treatments=treatments, success=SUCCESS,
        guardrails=(Guardrail(BOUNDED, 0.03), Guardrail(UNBOUNDED)), deterioration=(WATCHED,),
        decision=rule, end=NOW,
    )  # fmt: skip


def totals(arms: tuple[str, ...]) -> Totals:
    same = {
        metric.name: MetricTotals(Moments(1000, 10.0, 9e4), events=1000) for metric in plan("rule-2").metrics
    }
    return Totals(tuple(ArmTotals(arm, False, 1000, same) for arm in arms), NOW - timedelta(days=9), NOW)


def with_facts(comparison: Comparison, facts: Mapping[str, bool]) -> Comparison:
    """The comparison with tests that reject exactly where the facts say so."""
    word = {"superiority": "better", "non-inferiority": "within", "deterioration": "worse"}
    return replace(
        comparison,
        metrics=tuple(
            replace(
                metric,
                hypotheses=tuple(
                    replace(test, rejected=facts.get(f"{word[test.kind]} {metric.name}", False))
                    for test in metric.hypotheses
                ),
            )
            for metric in comparison.metrics
        ),
    )


def read(
    experiment: Experiment, facts: Mapping[str, bool], *, final: bool, spoilt: str = ""
) -> tuple[str, str]:
    found, reading, tested = base(str(experiment.decision), final=final)
    quality = quality_of(experiment, found)
    if spoilt == "sample ratio":
        quality = replace(quality, sample_ratio=replace(quality.sample_ratio, p=1e-9, rejected=True))
    elif spoilt:
        check = QualityCheck(test=spoilt, state="tested", p=1e-9, level=0.01, rejected=True, gates=True)
        quality = replace(quality, checks=(check,))
    verdict = decide(
        experiment,
        arms=arms_of(experiment, found),
        quality=quality,
        comparisons=[with_facts(tested, facts)],
        reading=reading,
    )
    return verdict.state, verdict.condition


@cache
def base(rule: str, *, final: bool) -> tuple[Totals, Reading, Comparison]:
    """Data of two equal arms, which the facts are put into."""
    experiment = plan(rule)
    found = totals(experiment.arms)
    reading = replace_progress(reading_of(experiment, found, NOW), final=final)
    return found, reading, compare(experiment, found, "on", reading)


def replace_progress(reading: Reading, *, final: bool) -> Reading:
    return Reading(reading.plan, replace(reading.progress, final=final), sizes=reading.sizes)


NAMES = ("better s1", "better s2", "within g", "worse s1", "worse s2", "worse g", "worse h", "worse d")
STATES = {True: "ship", False: "do not ship", None: "keep running"}


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize(("rule", "ship"), [("rule-1", rule_one), ("rule-2", rule_two)])
def test_every_combination_of_tests_gives_what_the_rule_says(
    rule: str, ship: Callable[[Mapping[str, bool]], bool], final: bool
) -> None:
    experiment = plan(rule)
    for values in product([False, True], repeat=len(NAMES)):
        facts = dict(zip(NAMES, values, strict=True))
        # Evidence that is not there yet may come; harm that is not seen is no reason to wait.
        known: dict[str, Answer] = {
            name: fact if fact or final or name.startswith("worse") else None for name, fact in facts.items()
        }
        state, condition = read(experiment, facts, final=final)
        assert state == STATES[settled(ship, known)], (rule, facts)
        word, name = condition.split(": ")
        if state == "ship":
            assert (word, facts[f"better {name}"]) == ("superiority", True)
        elif state == "do not ship":
            harmed = word == "deterioration"
            assert (
                facts[f"{'worse' if harmed else 'better' if word == 'superiority' else 'within'} {name}"]
                is harmed
            )


@pytest.mark.parametrize("spoilt", ["sample ratio", *SAMPLE_RATIO_GATES, "pre-exposure", "traffic"])
@pytest.mark.parametrize("rule", ["rule-1", "rule-2"])
def test_no_combination_survives_a_test_of_quality_that_rejects(rule: str, spoilt: str) -> None:
    for values in product([False, True], repeat=3):
        facts = dict(zip(NAMES[:3], values, strict=True))
        state, condition = read(plan(rule), facts, final=True, spoilt=spoilt)
        assert (state, condition) == ("invalid", spoilt if spoilt == "sample ratio" else f"quality: {spoilt}")


def test_one_treatment_that_ships_is_enough_and_one_that_is_open_keeps_it_running() -> None:
    experiment = plan("rule-2", ("one", "two"))
    found = totals(experiment.arms)
    cases = {True: {"better s1": True, "within g": True}, None: {}, False: {"worse d": True}}
    for first, second in product(cases, repeat=2):
        reading = replace_progress(reading_of(experiment, found, NOW), final=False)
        verdict = decide(
            experiment,
            arms=arms_of(experiment, found),
            quality=quality_of(experiment, found),
            comparisons=[
                with_facts(compare(experiment, found, name, reading), cases[case])
                for name, case in (("one", first), ("two", second))
            ],
            reading=reading,
        )
        wished = True if True in (first, second) else None if None in (first, second) else False
        assert verdict.state == STATES[wished]
        if wished is True:
            assert verdict.treatment == ("one" if first else "two")


def trees(many: int) -> Iterator[Node]:
    """Made-up trees of up to three levels over five leaves; a leaf may stand twice."""
    leaves = [
        *(Condition("superiority", name) for name in ("s1", "s2")),
        Condition("non-inferiority", "g"),
        *(Condition("deterioration", name) for name in ("h", "d")),
    ]
    draw = random.Random(20260901)  # noqa: S311 - no secret

    def node(depth: int) -> Node:
        if depth == 0 or draw.random() < 0.3:
            return draw.choice(leaves)
        parts = tuple(node(depth - 1) for _ in range(draw.randint(1, 3)))
        return Group(draw.choice(["all", "any"]), parts)

    for _ in range(many):
        yield node(3)


def holds(node: Node, found: Mapping[str, bool]) -> bool:
    if isinstance(node, Condition):
        return found[node.text]
    return (all if node.word == "all" else any)([holds(part, found) for part in node.parts])


def test_any_tree_answers_as_trying_every_outcome_does_and_names_a_condition_of_that_answer() -> None:
    for tree in trees(150):
        leaves = sorted(set(conditions(tree)), key=lambda leaf: leaf.text)
        for values in product([True, False, None], repeat=len(leaves)):
            known: dict[Condition, Answer] = dict(zip(leaves, values, strict=True))
            by_text = {leaf.text: fact for leaf, fact in known.items()}
            expected = settled(lambda found, tree=tree: holds(tree, found), by_text)  # type: ignore[misc]
            assert answer(tree, known) is expected, (tree, by_text)
            leaf, _ = deciding(tree, known, lambda _: 0.5)
            assert known[leaf] is expected, (tree, by_text)
