"""What is refused in a flag definition, with its place, and what is only warned about."""

import json
from pathlib import Path
from typing import Any

import pytest

from counterpoint.flags import FlagSet, FlagSetError
from counterpoint.flags.places import locate

GOOD: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def with_flag(**changes: Any) -> dict[str, Any]:
    return {"flags": {"a/b": {**GOOD, **changes}}}


def without(name: str) -> dict[str, Any]:
    return {"flags": {"a/b": {key: value for key, value in GOOD.items() if key != name}}}


BROKEN: list[tuple[Any, str, str]] = [
    ([], "", "JSON object"),
    ({}, "", "`flags` is missing"),
    ({"flags": 1}, "/flags", "an object of flags"),
    ({"flags": {"a": 1}}, "/flags/a", "not an object"),
    ({"flags": [GOOD]}, "/flags/0", "`key`"),
    ({"flags": [{"key": "a", **GOOD}, {"key": "a", **GOOD}]}, "/flags/1", "twice"),
    (without("state"), "/flags/a~1b", "ENABLED or DISABLED"),
    (with_flag(state="on"), "/flags/a~1b/state", "ENABLED or DISABLED"),
    (without("variants"), "/flags/a~1b", "no variants"),
    (with_flag(variants={}), "/flags/a~1b/variants", "no variants"),
    (with_flag(variants=[True]), "/flags/a~1b/variants", "no variants"),
    (with_flag(variants={"on": True, "off": 0}), "/flags/a~1b/variants", "mixes types"),
    (with_flag(variants={"on": 1, "off": True}), "/flags/a~1b/variants", "mixes types"),
    (with_flag(variants={"on": True, "off": None}), "/flags/a~1b/variants/off", "no value"),
    (with_flag(variants={"off": 2**53}), "/flags/a~1b/variants/off", "2^53-1"),
    (with_flag(variants={"off": -1e300}), "/flags/a~1b/variants/off", "2^53-1"),
    (with_flag(variants={"off": {"a": [1, {"b/c": 2**53}]}}), "/flags/a~1b/variants/off/a/1/b~1c", "2^53-1"),
    (with_flag(variants={"off": [1, -(2**60)]}), "/flags/a~1b/variants/off/1", "2^53-1"),
    (with_flag(defaultVariant="blue"), "/flags/a~1b/defaultVariant", "'on', 'off'"),
    (with_flag(defaultVariant=True), "/flags/a~1b/defaultVariant", "name of a variant"),
    (with_flag(metadata=[]), "/flags/a~1b/metadata", "metadata"),
    ({**with_flag(), "metadata": 1}, "/metadata", "metadata"),
    ({**with_flag(), "$evaluators": []}, "/$evaluators", "rules by name"),
]


@pytest.mark.parametrize(
    ("definition", "pointer", "words"), BROKEN, ids=[f"{pointer} {words}" for _, pointer, words in BROKEN]
)
def test_broken_structure_is_refused_with_its_pointer(definition: Any, pointer: str, words: str) -> None:
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd(json.dumps(definition))
    assert [problem.pointer for problem in caught.value.problems] == [pointer] or len(
        caught.value.problems
    ) > 1
    assert any(problem.pointer == pointer and words in problem.message for problem in caught.value.problems)


def test_every_problem_is_named_and_nothing_is_half_taken() -> None:
    definition = {"flags": {"good": GOOD, "x": {**GOOD, "state": 1}, "y": {**GOOD, "defaultVariant": "z"}}}
    with pytest.raises(FlagSetError, match="2 problems") as caught:
        FlagSet.from_flagd(definition)
    assert [problem.pointer for problem in caught.value.problems] == [
        "/flags/x/state",
        "/flags/y/defaultVariant",
    ]


def test_a_number_without_end_is_refused_and_left_out_of_metadata() -> None:
    flag = '{"flags": {"f": {"state": "ENABLED", "variants": {"v": {"a": 1e999}}, "metadata": {"a": 1e999, "b": 1}}}}'
    with pytest.raises(FlagSetError, match="1 problem") as caught:
        FlagSet.from_flagd(flag)
    assert caught.value.problems[0].pointer == "/flags/f/variants/v/a"
    flags = FlagSet.from_flagd(flag.replace('"v": {"a": 1e999}', '"v": 1'))
    assert flags.evaluate("f").metadata == {"b": 1}


def test_largest_safe_numbers_pass() -> None:
    assert (
        FlagSet.from_flagd(with_flag(variants={"off": 2**53 - 1, "on": -(2**53) + 1})).evaluate("a/b").value
        == 2**53 - 1
    )


WARNED: list[tuple[dict[str, Any], str]] = [
    (with_flag(targeting={"fractional": [["on", 1.5], ["off", 1]]}), "/flags/a~1b/targeting/fractional/0/1"),
    (with_flag(targeting={"fractional": [["on", -1], ["off", 1]]}), "/flags/a~1b/targeting/fractional/0/1"),
    (with_flag(targeting={"starts_with": ["a"]}), "/flags/a~1b/targeting/starts_with"),
    (with_flag(targeting={"starts_with": ["a", 1]}), "/flags/a~1b/targeting/starts_with/1"),
    (with_flag(targeting={"sem_ver": ["1", "=", "1.0.0"]}), "/flags/a~1b/targeting/sem_ver/0"),
    (with_flag(targeting={"sem_ver": ["1.0.0", "==", "1.0.0"]}), "/flags/a~1b/targeting/sem_ver/1"),
    (with_flag(targeting={"if": [{"var": "$flagd.user"}, "on"]}), "/flags/a~1b/targeting/if/0/var"),
    (with_flag(targeting={"==": [1, 1, 1]}), "/flags/a~1b/targeting/=="),
    (with_flag(targeting="on"), "/flags/a~1b/targeting"),
    (with_flag(targeting={"near": [1]}), "/flags/a~1b/targeting/near"),
    (with_flag(targeting={"$ref": "x"}), "/flags/a~1b/targeting/$ref"),
    (with_flag(variants={"on": [1], "off": [2]}), "/flags/a~1b/variants/on"),
    (with_flag(metadata={"nested": {}}), "/flags/a~1b/metadata/nested"),
    (with_flag(metadata={"large": 2**53}), "/flags/a~1b/metadata/large"),
    ({**with_flag(), "$evaluators": {"e": {"==": [1]}}}, "/$evaluators/e/=="),
    ({"flags": {"": GOOD}}, "/flags/"),
]


@pytest.mark.parametrize(
    ("definition", "pointer"), WARNED, ids=[json.dumps(definition)[:90] for definition, _ in WARNED]
)
def test_what_only_the_schema_refuses_is_a_warning_and_strict_refuses_it(
    definition: dict[str, Any], pointer: str
) -> None:
    flags = FlagSet.from_flagd(definition)
    assert pointer in [warning.pointer for warning in flags.warnings]
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd(definition, strict=True)
    assert pointer in [problem.pointer for problem in caught.value.problems]


VALID = [
    {"if": [{"and": [{"!": {"var": "a"}}, {"in": [{"var": ["b", 1]}, ["x"]]}]}, "on", "off"]},
    {
        "fractional": [
            {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]},
            ["on", 1],
            ["off", {"-": [5, 1]}],
        ]
    },
    {"fractional": [["on"]]},
    {"sem_ver": [{"var": "v"}, "^", "1.0.0-rc.1+b"]},
    {"missing_some": [1, ["a"]]},
    {"reduce": [{"var": "l"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
    {"<": [1, 2, 3]},
    {},
]


@pytest.mark.parametrize("targeting", VALID, ids=str)
def test_what_the_schema_takes_passes_strictly(targeting: Any) -> None:
    assert FlagSet.from_flagd(with_flag(targeting=targeting), strict=True).warnings == ()


def test_a_file_names_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    file.write_text(
        '{\n  "flags": {\n    "a": {"state": "ENABLED", "variants": {"on": true},\n      "defaultVariant": "off"}\n  }\n}\n'
    )
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd(file)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column, problem.pointer) == (
        str(file),
        4,
        7,
        "/flags/a/defaultVariant",
    )
    with pytest.raises(FlagSetError):
        FlagSet.from_flagd(str(file))


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b'{"flags": {},\n}', 2, "not JSON"),
        (b'{"flags":\n {"a": "\xff"}}', 2, "UTF-8"),
        (b"", 1, "not JSON"),
        (b'{"flags": NaN}', None, "NaN"),
        (b"[" * 100_000, None, "deep"),
        (b'{"flags": {"\\ud800": 1}}', None, "surrogate"),
    ],
)
def test_what_is_no_json_is_refused_with_the_line(
    tmp_path: Path, content: bytes, line: int | None, words: str
) -> None:
    file = tmp_path / "flags.json"
    file.write_bytes(content)
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd(file)
    assert words in caught.value.problems[0].message
    assert line is None or caught.value.problems[0].line == line


@pytest.mark.parametrize("given", ["no such file.json", Path("/nowhere/flags.json"), "x\0y"])
def test_a_missing_file_is_one_clear_problem(given: Any) -> None:
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd(given)
    assert "Give the path" in caught.value.problems[0].message


@pytest.mark.parametrize("given", [{"flags": {1, 2}}, {"flags": {}, "metadata": {"x": float("nan")}}])
def test_a_dict_that_is_no_json_is_refused(given: Any) -> None:
    with pytest.raises(FlagSetError):
        FlagSet.from_flagd(given)


def test_a_dict_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {"flags": {}}
    loop["metadata"] = loop
    with pytest.raises(FlagSetError):
        FlagSet.from_flagd(loop)


def test_a_rule_nested_beyond_the_limit_is_refused() -> None:
    rule: Any = True
    for _ in range(600):
        rule = {"!": rule}
    with pytest.raises(FlagSetError, match="refused"):
        FlagSet.from_flagd(with_flag(targeting=rule))


def test_an_unknown_bucketing_is_refused() -> None:
    with pytest.raises(FlagSetError, match="'v2' or 'v3'"):
        FlagSet.from_flagd({"flags": {}}, bucketing="v1")  # type: ignore[arg-type]


def test_places_of_pointers_and_of_names_given_twice() -> None:
    places = locate('{"a": [1, {"b\\"c": 2}],\n "a": {},\n "x/y": 1}')
    assert places.of("") == (1, 1)
    assert places.of("/a/0") == (1, 8)
    assert places.of('/a/1/b"c') == (1, 12)
    assert places.of("/x~1y") == (3, 2)
    assert places.of("/x~1y/none/there") == (3, 2)
    assert places.repeated == ("/a",)


def test_a_flag_given_twice_is_warned_about() -> None:
    one = json.dumps(GOOD)
    flags = FlagSet.from_flagd(f'{{"flags": {{"a": {one},\n"a": {one}}}}}')
    assert [(warning.pointer, warning.line) for warning in flags.warnings] == [("/flags/a", 2)]
