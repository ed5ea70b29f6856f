"""Flag definitions from files: JSON and YAML, several as one set, and what is wrong with its place."""

import json
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from counterpoint.flags import FlagSet, FlagSetError
from counterpoint.flags.files import read_definitions

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
OFF = ON | {"state": "DISABLED"}
YAML = """\
$schema: https://flagd.dev/schema/v0/flags.json
# comments are YAML's
flags:
  new-home:
    state: ENABLED
    variants: {on: true, off: false}   # not the truth values of YAML 1.1
    defaultVariant: off
    targeting:
      if:
        - {$ref: nordic}
        - on
$evaluators:
  nordic: {in: [{var: country}, [SE, NO]]}
"""

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of that name, its content as JSON where it is no text."""

    def made(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    return made


@pytest.mark.parametrize("name", ["flags.yaml", "flags.yml", "flags", "flags.flagd"])
def test_yaml_is_read_as_flagd_reads_it(write: Write, name: str) -> None:
    source, remarks = read_definitions([write(name, YAML)], strict=True)
    flags = FlagSet.from_flagd(source.document)
    assert remarks == ()
    assert source.document["$schema"] == "https://flagd.dev/schema/v0/flags.json"
    assert flags.evaluate("new-home", {"country": "SE"}).variant == "on"
    assert flags.evaluate("new-home", {"country": "US"}).value is False


def test_json_is_told_from_yaml_by_how_it_begins(write: Write) -> None:
    text = json.dumps({"flags": {"a": ON}})
    for name in ("flags", "flags.json", "flags.yaml", "flags.txt"):
        source, _ = read_definitions([write(name, text)])
        assert source.document == {"flags": {"a": ON}}


@pytest.mark.parametrize(
    ("name", "content", "place", "words"),
    [
        ("f.yaml", "flags:\n  a:\n    state: on\n", "f.yaml:3:", "must be ENABLED or DISABLED"),
        ("f.yaml", "flags:\n  a: {state: ENABLED, variants: {x: 1},\n   defaultVariant: y}", "f.yaml:3:20", "not among"),
        ("f.yaml", "a: [", "f.yaml:", "is not valid YAML"),
        ("f.yaml", "flags: {}\n---\nflags: {}", "f.yaml:", "2 YAML documents"),
        ("f.yaml", "", "f.yaml:", "0 YAML documents"),
        ("f.yaml", "a: 1\na: 2", "f.yaml:2:", "given twice"),
        ("f.json", '{\n // why\n "flags": {}}', "f.json:2:2", "JSON has no comments"),
        ("f.json", '{\n "flags": {}} # why', "f.json:2:15", "no comments"),
        ("f", "// why\n{}", "f:1:1", "no comments"),
        ("f.json", "", "f.json:1:1", "not JSON"),
        ("f.json", '{"flags": {"a": 1}}', "f.json:1:12", "not an object"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_file_and_line(
    write: Write, name: str, content: str, place: str, words: str
) -> None:
    with pytest.raises(FlagSetError) as caught:
        read_definitions([write(name, content)])
    problem, *_ = caught.value.problems
    assert place in str(problem)
    assert words in problem.message


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    for name in ("none.yaml", "none.json", "none"):
        with pytest.raises(FlagSetError) as caught:
            read_definitions([tmp_path / name])
        assert name in str(caught.value.problems[0])
    with pytest.raises(FlagSetError):
        read_definitions([tmp_path])


@pytest.mark.parametrize("text", [YAML, json.dumps({"flags": {"new-home": ON}})], ids=["yaml", "json"])
def test_what_is_piped_in_is_read(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))
    source, _ = read_definitions([Path("-")])
    assert list(source.document["flags"]) == ["new-home"]
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b'{"flags": 1}')))
    with pytest.raises(FlagSetError) as caught:
        read_definitions([Path("-")])
    assert caught.value.problems[0].file == "stdin"


def test_several_files_are_one_set(write: Write) -> None:
    first = {"flags": {"a": ON, "b": ON}, "$evaluators": {"x": {"var": "x"}}, "metadata": {"owner": "squad"}}
    second = {
        "flags": [{"key": "b", **OFF}],
        "$evaluators": {"x": {"var": "x"}},
        "metadata": {"owner": "squad"},
    }
    source, (remark,) = read_definitions([write("1.json", first), write("2.json", second)])
    assert source.document == {
        "metadata": {"owner": "squad"},
        "$evaluators": {"x": {"var": "x"}},
        "flags": {"a": ON, "b": OFF},
    }
    assert ("2.json" in str(remark), "'b'" in remark.message) == (True, True)


def test_metadata_of_files_that_differ_goes_to_their_flags(write: Write) -> None:
    files = [
        write(
            "1.json", {"flags": {"a": ON | {"metadata": {"bet": "own"}}}, "metadata": {"bet": "x", "team": 1}}
        ),
        write("2.json", {"flags": {"b": ON}}),
    ]
    source, _ = read_definitions(files)
    assert "metadata" not in source.document
    alone = [FlagSet.from_flagd(file) for file in files]
    together = FlagSet.from_flagd(source.document)
    for flags in alone:
        for flag in flags:
            assert together.evaluate(flag.key).metadata == flags.evaluate(flag.key).metadata


def test_the_same_key_of_two_flag_set_ids_stays_twice(write: Write) -> None:
    files = [write(f"{name}.json", {"flags": {"a": ON}, "metadata": {"flagSetId": name}}) for name in "xy"]
    source, remarks = read_definitions(files)
    assert remarks == ()
    assert [flag["metadata"]["flagSetId"] for flag in source.document["flags"]] == ["x", "y"]
    FlagSet.from_flagd(source.document)


def test_files_that_contradict_each_other_are_refused(write: Write) -> None:
    files = [
        write("1.json", {"flags": {}, "$evaluators": {"x": {"var": "x"}}}),
        write("2.json", {"flags": {}, "$evaluators": {"x": {"var": "y"}}}),
    ]
    with pytest.raises(FlagSetError) as caught:
        read_definitions(files)
    (problem,) = caught.value.problems
    assert (problem.pointer, "1.json" in problem.message, "2.json" in str(problem)) == (
        "/$evaluators/x",
        True,
        True,
    )


def test_all_broken_files_are_named_at_once(write: Write) -> None:
    files = [write(f"{number}.json", {"flags": {"a": number}}) for number in range(3)]
    with pytest.raises(FlagSetError) as caught:
        read_definitions(files)
    assert len(caught.value.problems) == 3
