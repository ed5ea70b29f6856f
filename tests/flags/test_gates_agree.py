"""Plans made up at random: where their gates end is what the evaluation of the compiled rule answers."""

from collections import Counter
from itertools import product

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition import read_composition
from counterpoint.flags.plan_gates import gates_of
from counterpoint.flags.trace import trace

from .composition.conftest import NOW
from .composition.test_engines import compiled_from, people

LATER = NOW + 5_000_000
"""After every change of the schedules."""


def ends_of(seed: int, v: Bucketing) -> Counter[str]:
    """How often people ended at each kind of gate; every gate of theirs is held against their answer."""
    plans, made = compiled_from(seed, v)
    composition, flags, ends = read_composition(plans), FlagSet.from_flagd(made, v), Counter[str]()
    for (key, plan), context, now in product(composition.flags.items(), people(seed, 10), (NOW, LATER)):
        traced = trace(flags, key, context, now=now)
        gates = gates_of(flags, key, plan, composition, context, traced)
        where = (seed, key, context, gates)
        end = next((n for n, gate in enumerate(gates) if gate.fared in ("stopped", "given")), None)
        assert end is not None, where
        assert [gate.fared for gate in gates[:end]] == ["passed"] * end, where
        assert {gate.fared for gate in gates[end + 1 :]} <= {"not reached"}, where
        last, variant = gates[end], traced.evaluation.variant
        assert traced.evaluation.error_code is None, where
        if last.fared == "stopped":
            assert variant == plan.default, where
        else:
            assert repr(variant) in last.sentence, where
        if last.fared == "given" and last.asked.endswith("are enrolled"):
            assert last.split is not None, where  # whatever the bucketing, the draw is found
            drawn = next(part for part in last.split.parts if part.start <= last.split.bucket < part.end)
            assert drawn.variant == variant, where
        ends[last.asked.split()[0] if last.fared == "stopped" else last.fared] += 1
    return ends


@pytest.mark.parametrize("v", ["v2", "v3"])
def test_gates_end_where_the_rule_does(v: Bucketing) -> None:
    ends = sum((ends_of(seed, v) for seed in range(25)), Counter[str]())
    assert {"given", "It", "Its", "People", "Holdout"} <= ends.keys(), "each kind of gate ended for somebody"
