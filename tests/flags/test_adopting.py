"""Which rules a plan can take over, and that it then gives everybody what the rule gave."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.flags import FlagSet
from counterpoint.flags.adopting import NotAdoptable, Offer, offer_of
from counterpoint.flags.composition import Composition, compiled, document_of, read_composition

KEY = "my/flag"
NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}
SUBJECT = {"var": "targetingKey"}
SEEDS = ([], [{"cat": [{"var": "$flagd.flagKey"}, SUBJECT]}], [{"cat": [KEY, SUBJECT]}], [{"cat": ["other", SUBJECT]}], [SUBJECT])  # fmt: skip


def definition(rule: Any, **changes: Any) -> dict[str, Any]:
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": rule}  # fmt: skip
    return {"flags": {KEY: {**flag, **changes}}}


def offered(rule: Any, bucketing: Any = "v2", **changes: Any) -> Offer | NotAdoptable:
    flags = FlagSet.from_flagd(definition(rule, **changes), bucketing)
    return offer_of(flags.flags[KEY], bucketing)


@given(
    total=st.sampled_from([2, 8, 20, 100, 1_000, 100_000]),
    part=st.floats(0.001, 0.999),
    seed=st.sampled_from(SEEDS),
    within=st.booleans(),
    turned=st.booleans(),
    bucketing=st.sampled_from(["v2", "v3"]),
)
def test_a_plan_that_is_said_to_be_exact_gives_everybody_what_the_rule_gave(
    total: int, part: float, seed: Any, within: bool, turned: bool, bucketing: Any
) -> None:
    on = min(max(round(total * part), 1), total - 1)
    entries = [["on", on], ["off", total - on]]
    split = {"fractional": [*seed, *(reversed(entries) if turned else entries)]}
    rule = {"if": [NORDIC, split, "off"]} if within else split
    offer = offered(rule, bucketing)
    assert isinstance(offer, Offer)
    expected = not turned and seed != [SUBJECT] and (bool(seed) or bucketing == "v2")
    assert offer.exact is expected
    plans = Composition(flags={KEY: offer.plan})
    assert read_composition(document_of(plans)).flags[KEY] == offer.plan  # it can be kept
    before = FlagSet.from_flagd(definition(rule), bucketing)
    after = FlagSet.from_flagd(compiled(definition(rule), plans, bucketing), bucketing)
    users = [{"targetingKey": f"user-{at}", "country": "SE" if at % 2 else "DK"} for at in range(100)]
    if expected:
        assert [after.evaluate(KEY, user).value for user in users] == [
            before.evaluate(KEY, user).value for user in users
        ]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"if": [{"fractional": [[True, 1], [False, 1]]}, "on"]}, "cannot split"),
        ({"if": [NORDIC, "off"]}, "leads to its default"),
        ({"if": [NORDIC, "on", "on"]}, "decides in another way"),
        ({"if": [NORDIC, "on", NORDIC, "off", "off"]}, "decides in another way"),
        ({"fractional": [["on", 1], ["off", 2]]}, "finer than a thousandth of a percent"),
        ({"fractional": [["on", 0], ["off", 2]]}, "nobody anything but the default"),
        ({"fractional": [["on", 1], ["off", 2], ["on", 1]]}, "computed parts"),
        ({"fractional": [["on", 1.5], ["off", 2]]}, "computed parts"),
        ({"in": [SUBJECT, ["a"]]}, "decides in another way"),
        ({"fractional": []}, "nobody anything but the default"),
    ],
)
def test_a_rule_that_no_plan_says_has_a_reason(rule: Any, why: str) -> None:
    offer = offered(rule)
    assert isinstance(offer, NotAdoptable), offer
    assert why in offer.reason


def test_a_shared_rule_is_written_out() -> None:
    rule = {"if": [{"$ref": "x"}, "on"]}
    flags = FlagSet.from_flagd({**definition(rule), "$evaluators": {"x": NORDIC}})
    offer = offer_of(flags.flags[KEY])
    assert isinstance(offer, Offer)
    assert offer.plan.audience is not None
    assert offer.plan.audience.rule == NORDIC


def test_several_arms_keep_their_shares_and_are_drawn_anew() -> None:
    variants = {"off": "a", "one": "b", "two": "c"}
    offer = offered({"fractional": [["one", 10], ["two", 30], ["off", 60]]}, variants=variants)
    assert isinstance(offer, Offer)
    assert (offer.plan.ramp, dict(offer.plan.treatments), offer.exact) == (
        40_000,
        {"one": 1, "two": 3},
        False,
    )


def test_a_key_beyond_ascii_is_no_salt_that_all_hash_alike() -> None:
    rule = {"fractional": [["on", 1], ["off", 1]]}
    flags = FlagSet.from_flagd({"flags": {"ö": definition(rule)["flags"][KEY]}})
    offer = offer_of(flags.flags["ö"])
    assert isinstance(offer, Offer)
    assert not offer.exact
