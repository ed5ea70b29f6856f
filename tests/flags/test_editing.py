"""Definitions as they are edited: laid out, one flag taken out and put back, two people's changes put together."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.flags import FlagSet
from counterpoint.flags.edit_check import typed
from counterpoint.flags.editing import flag_in, merged, pretty, with_flag, without_flag
from counterpoint.flags.new_flag import KINDS, Fields, flag_of

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
RULED = ON | {"targeting": {"if": [{"==": [{"var": "country"}, "SE"]}, "on", "off"]}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
FLAGS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([ON, RULED, {"state": "DISABLED"}]))
DEFINITIONS = st.fixed_dictionaries(
    {"flags": FLAGS},
    optional={
        "metadata": st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
        "$evaluators": st.dictionaries(st.sampled_from("pq"), st.sampled_from([{"!": 1}, {"!": 2}])),
        "$schema": st.sampled_from(["1", "2"]),
    },
)


@given(value=JSON)
def test_what_is_laid_out_is_the_same_json(value: Any) -> None:
    assert json.dumps(json.loads(pretty(value))) == json.dumps(value)


def test_short_things_stay_on_a_line_and_flags_do_not() -> None:
    lines = pretty({"flags": {"a": RULED}}).splitlines()
    assert '      "variants": {"on": true, "off": false},' in lines
    assert '    "a": {' in lines


@pytest.mark.parametrize("listed", [False, True])
def test_one_flag_is_put_back_in_its_place(listed: bool) -> None:
    flags = {"a": ON, "b": ON, "c": ON}
    definition = {"flags": [{"key": key, **flag} for key, flag in flags.items()] if listed else flags, "x": 1}
    changed = with_flag(definition, "b", RULED)
    assert flag_in(changed, "b") == RULED
    assert list(FlagSet.from_flagd(changed).flags) == ["a", "b", "c"]
    assert list(FlagSet.from_flagd(with_flag(definition, "d/e", ON)).flags) == ["a", "b", "c", "d/e"]
    assert list(FlagSet.from_flagd(without_flag(definition, "a")).flags) == ["b", "c"]
    assert flag_in(definition, "nothing") is None
    assert changed["x"] == 1
    assert flag_in(definition, "b") == ON, "what was given is left alone"


@given(base=DEFINITIONS, other=DEFINITIONS)
def test_what_only_one_side_changed_is_as_that_side_has_it(base: Any, other: Any) -> None:
    def meant(definition: Any) -> Any:
        return {name: value for name, value in definition.items() if value != {} or name == "flags"}

    for found in (merged(base, other, base), merged(base, base, other), merged(base, other, other)):
        assert not found.conflicts
        assert meant(found.definition) == meant(other)


@given(base=DEFINITIONS, mine=DEFINITIONS, theirs=DEFINITIONS)
def test_no_change_of_a_flag_is_lost(base: Any, mine: Any, theirs: Any) -> None:
    found = merged(base, mine, theirs)
    for key in "abcd":
        before, one, two = (side["flags"].get(key) for side in (base, mine, theirs))
        result = found.definition["flags"].get(key)
        if one == before:
            assert result == two
        else:
            assert result == one, "where both changed it, mine counts"
            assert (key in found.conflicts) == (two not in (before, one))


@pytest.mark.parametrize(
    ("text", "level", "line", "words"),
    [
        ('{\n  "state": "ENABLED",\n', "error", 3, "not JSON"),
        ("", "error", 1, "not JSON"),
        ("[]", "error", 1, "object"),
        (pretty(ON | {"defaultVariant": "of"}), "error", 4, "'of'"),
        (pretty(RULED).replace('}, "on", "off"]', '}, "onn", "off"]'), "warning", 5, "'onn'"),
    ],
)
def test_remarks_name_the_line_of_the_flag_itself(
    text: str, level: str, line: int | None, words: str
) -> None:
    found = typed(text, {"flags": {"other": ON, "a/b~c": ON}}, key="a/b~c", bucketing="v2")
    assert found.remarks
    remark = found.remarks[0]
    assert (remark.level, found.definition is None) == (level, level == "error")
    assert words in remark.message
    assert line is None or remark.line == line


def test_a_whole_definition_is_looked_at_where_it_differs() -> None:
    stored = {"flags": {f"f{n}": RULED for n in range(200)}}
    changed = with_flag(stored, "f7", RULED | {"targeting": {"if": [True, "onn", "off"]}})
    found = typed(pretty(changed), stored, key=None, bucketing="v2")
    assert found.definition == changed
    assert [remark.level for remark in found.remarks if "'onn'" in remark.message] == ["warning"]
    (line,) = [remark.line for remark in found.remarks if "'onn'" in remark.message]
    assert line is not None
    assert '"targeting"' in pretty(changed).splitlines()[line - 1]


@given(text=st.text(max_size=80) | JSON.map(json.dumps))
def test_nothing_that_is_typed_makes_it_fail(text: str) -> None:
    for key in ("a", None):
        found = typed(text, {"flags": {"a": ON}}, key=key, bucketing="v3")
        assert found.definition is not None or found.remarks


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_fields_to_begin_with_make_a_good_flag(kind: str) -> None:
    default = KINDS[kind].splitlines()[-1].split(" ")[0]
    fields = Fields(key="a b/c", kind=kind, variants=KINDS[kind], default=default, percent="12,5 %")
    flag = flag_of(fields, {"flags": {}}, None)
    flags = FlagSet.from_flagd({"flags": {"a b/c": flag}})
    assert not flags.warnings
    reached = sum(
        flags.evaluate("a b/c", {"targetingKey": f"user-{n}"}).variant != default for n in range(4000)
    )
    assert reached / 4000 == pytest.approx(0.125, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"key": " "}, "/key", "Give the flag a key"),
        ({"key": "taken"}, "/key", "already"),
        ({"variants": "on: true"}, "/variants", "Line 1"),
        ({"variants": "on = yes\noff = false"}, "/variants", "'yes' is not true or false"),
        ({"variants": "on = true\non = false"}, "/variants", "twice"),
        ({"variants": ""}, "/variants", "at least one"),
        ({"default": "none"}, "/default", "one of the variants"),
        ({"percent": "101"}, "/percent", "from 0 to 100"),
        ({"percent": "nan"}, "/percent", "from 0 to 100"),
        ({"expires": "tomorrow"}, "/expires", "2027-03-31"),
        ({"kind": "number", "variants": "a = true", "default": "a"}, "/variants", "not a number"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(changes: dict[str, str], field: str, words: str) -> None:
    fields = Fields(**{"key": "new", **changes})
    with pytest.raises(InputError) as caught:
        flag_of(fields, {"flags": {"taken": ON}}, None)
    assert any(problem.pointer == field and words in problem.message for problem in caught.value.problems)
