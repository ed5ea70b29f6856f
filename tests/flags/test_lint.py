"""What the linter sees."""

from typing import Any

from counterpoint.flags import FlagSet
from counterpoint.flags.lint import findings_in

VARIANTS = {"on": True, "off": False}


def found(
    targeting: Any, *, default: str | None = "off", bets: list[str] | None = None, **more: Any
) -> list[tuple[str, str]]:
    one = {
        "state": "ENABLED",
        "variants": VARIANTS,
        "defaultVariant": default,
        "targeting": targeting,
        **more.pop("flag", {}),
    }
    flags = FlagSet.from_flagd({"flags": {"f": one}, **more})
    return [(finding.level, finding.problem.pointer) for finding in findings_in(flags, bets=bets)]


def test_a_sound_flag_has_no_findings() -> None:
    assert found({"if": [{"var": "beta"}, "on", None]}) == []
    assert found({"fractional": [["on", 1], ["off", 1]]}) == []


def test_a_variant_that_does_not_exist_is_an_error() -> None:
    assert ("error", "/flags/f/targeting") in found({"if": [{"var": "beta"}, "blue", {"var": "x"}]})
    assert ("error", "/flags/f/targeting") in found({"==": [1, {"var": "x"}]})
    assert ("error", "/flags/f/targeting") in found({"fractional": [["blue"], ["off"]]})


def test_a_rule_that_cannot_run_is_an_error() -> None:
    assert found({"near": [1]}) == [("error", "/flags/f/targeting/near")]


def test_what_is_never_served_is_a_note() -> None:
    assert found({"if": [{"var": "beta"}, "on", "on"]}) == [("note", "/flags/f/defaultVariant")]
    assert found({"if": [{"var": "beta"}, "off", None]}) == [("note", "/flags/f/variants/on")]
    assert found({"var": "anything"}) == []


def test_an_evaluator_that_nobody_uses_is_a_note() -> None:
    rules = {"used": {"var": "x"}, "spare": {"var": "y"}}
    assert found({"if": [{"$ref": "used"}, "on", None]}, **{"$evaluators": rules}) == [
        ("note", "/$evaluators/spare")
    ]


def test_a_bet_that_does_not_exist_is_a_warning() -> None:
    named = {"metadata": {"bet": "Weekly"}}
    rule = {"if": [{"var": "beta"}, "on", None]}
    assert found(rule, flag=named, bets=[]) == [("warning", "/flags/f/metadata/bet")]
    assert found(rule, flag=named, bets=["bet:default/weekly"]) == []
    assert found(rule, flag=named, bets=None) == []


def test_findings_in_a_text_have_their_line() -> None:
    text = (
        '{"flags": {\n"f": {"state": "ENABLED",\n"variants": {"a": 1},\n"targeting": {"if": [true, "b"]}}}}'
    )
    (error, *_) = findings_in(FlagSet.from_flagd(text))
    assert (error.level, error.problem.line) == ("error", 4)
