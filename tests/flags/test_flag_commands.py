"""`import flags`, `flags eval` and `flags lint` as a user calls them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.cli import run

Run = Callable[..., tuple[int, str, str]]
GOOD = {
    "flags": {
        "f": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "targeting": {"if": [{"var": "beta"}, "on", None]},
        },
        "broken": {"state": "ENABLED", "variants": {"a": "x"}, "targeting": {"near": 1}},
    }
}


@pytest.fixture
def call(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the workspace; returns exit code, stdout and stderr."""

    def made(*arguments: str) -> tuple[int, str, str]:
        code = run(["-w", str(workspace.path), *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return made


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], str]:
    """Write a flag definition into a file."""

    def made(content: Any) -> str:
        path = tmp_path / "flags.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return str(path)

    return made


def test_a_file_is_imported_and_evaluated(call: Run, file: Callable[[Any], str]) -> None:
    code, out, err = call("import", "flags", file(GOOD))
    assert code == 0
    assert "Flag set 'default': created, 2 flags" in out
    assert "flags.json:" in err
    assert "There is no operator 'near'" in err
    code, out, err = call("flags", "eval", "f", "--context", '{"beta": 1}')
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["flag", "f"],
        ["value", "true"],
        ["variant", "on"],
        ["reason", "TARGETING_MATCH"],
    ]


def test_json_output_is_only_json(call: Run, file: Callable[[Any], str]) -> None:
    _, out, _ = call("--json", "import", "flags", file(GOOD), "--set", "mobile", "--bucketing", "v3")
    data = json.loads(out)
    assert (data["set"], data["outcome"], data["flags"], data["bucketing"]) == ("mobile", "created", 2, "v3")
    assert data["warnings"][0]["pointer"] == "/flags/broken/targeting/near"
    _, out, _ = call("--json", "flags", "eval", "f", "--set", "mobile")
    assert json.loads(out) == {
        "key": "f",
        "value": False,
        "variant": "off",
        "reason": "DEFAULT",
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            '{"flags": {\n"f": {"state": "ENABLED", "variants": {"on": true},\n"defaultVariant": "of"}}}',
            "flags.json:3:1 /flags/f/defaultVariant: ",
        ),
        ('{"flags": {\n]}', "flags.json:2:1: This is not JSON"),
        ({"flags": {"f": {"state": "ENABLED"}}}, "no variants"),
    ],
)
def test_a_broken_file_is_refused_whole_with_its_line(
    call: Run, file: Callable[[Any], str], content: Any, words: str
) -> None:
    call("import", "flags", file(GOOD))
    code, out, err = call("import", "flags", file(content))
    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err
    assert call("flags", "eval", "f")[0] == 0


def test_strict_refuses_what_the_schema_refuses(call: Run, file: Callable[[Any], str]) -> None:
    odd = {
        "flags": {
            "f": {"state": "ENABLED", "variants": {"on": 1}, "targeting": {"fractional": [["on", 1.5]]}}
        }
    }
    assert call("import", "flags", file(odd))[0] == 0
    code, _, err = call("import", "flags", file(odd), "--strict")
    assert (code, "/flags/f/targeting/fractional/0/1" in err) == (1, True)


def test_a_dry_run_writes_nothing(call: Run, file: Callable[[Any], str]) -> None:
    assert call("import", "flags", file(GOOD), "--dry-run")[0] == 0
    assert call("flags", "eval", "f")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none"], 1, "FLAG_NOT_FOUND: There is no flag 'none'."),
        (["broken"], 1, "PARSE_ERROR"),
        (["f", "--context", "{x"], 2, "--context is not JSON"),
        (["f", "--context", "[]"], 2, "not a JSON object"),
        (["f", "--set", "none"], 1, "counterpoint import flags"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line_on_stderr(
    call: Run, file: Callable[[Any], str], arguments: list[str], code: int, words: str
) -> None:
    call("import", "flags", file(GOOD))
    found, out, err = call("flags", "eval", *arguments)
    assert (found, out, len(err.splitlines())) == (code, "", 1)
    assert words in err


def test_an_error_is_json_too(call: Run, file: Callable[[Any], str]) -> None:
    call("import", "flags", file(GOOD))
    code, out, _ = call("--json", "flags", "eval", "broken")
    assert (code, json.loads(out)["errorCode"]) == (1, "PARSE_ERROR")


def test_the_linter_looks_at_a_file_or_a_set(call: Run, file: Callable[[Any], str], tmp_path: Path) -> None:
    path = file(GOOD)
    code, out, _ = call("flags", "lint", path)
    assert code == 1
    assert "error: " in out
    assert "2 flags, 1 error, 0 warnings, 3 notes." in out
    sound = {"flags": {"f": GOOD["flags"]["f"]}}
    assert run(["-w", str(tmp_path / "nowhere"), "flags", "lint", file(sound)]) == 0
    call("import", "flags", path)
    code, out, err = call("--json", "flags", "lint")
    assert (code, [finding["level"] for finding in json.loads(out)], err) == (0, ["note"], "")
    assert call("flags", "lint", path, "--set", "default")[0] == 2


def test_flags_that_a_file_no_longer_has_are_named(call: Run, file: Callable[[Any], str]) -> None:
    assert call("import", "flags", file(GOOD))[0] == 0
    less = file({"flags": {"f": GOOD["flags"]["f"]}})
    _, out, err = call("--json", "import", "flags", less, "--dry-run")
    assert json.loads(out)["removed"] == ["broken"]
    assert "broken would be no longer in it" in err
    _, _, err = call("import", "flags", less)
    assert err == "note: the file replaces the whole set; broken is no longer in it.\n"
    assert call("import", "flags", less)[2] == ""


def test_an_owner_that_does_not_exist_is_a_warning(call: Run, file: Callable[[Any], str]) -> None:
    code, _, err = call("import", "flags", file({"flags": {}}), "--owner", "nosuch")
    assert (code, err) == (0, "warning: /spec/owner: The owner group:default/nosuch does not exist.\n")


def test_an_unknown_bucketing_is_wrong_usage(call: Run, file: Callable[[Any], str]) -> None:
    code, _, err = call("import", "flags", file(GOOD), "--bucketing", "v4")
    assert (code, err) == (2, "counterpoint: --bucketing is 'v4'; it must be v2 or v3.\n")


def test_lint_gives_the_reasons_of_a_refusal_as_json_too(call: Run, file: Callable[[Any], str]) -> None:
    wrong = file({"flags": {"f": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "of"}}})
    code, out, err = call("--json", "flags", "lint", wrong)
    assert code == 1
    assert [(found["level"], found["pointer"]) for found in json.loads(out)] == [
        ("error", "/flags/f/defaultVariant")
    ]
    assert "refused as a whole" in err
