"""`import flags`, `flags eval` and `flags lint` as a user calls them."""

import json
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
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


ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
OFF = ON | {"state": "DISABLED"}


def test_a_dry_run_shows_what_would_change(call: Run, file: Callable[[Any], str]) -> None:
    call("import", "flags", file({"flags": {"a": ON, "b": ON}}))
    code, out, _ = call("import", "flags", file({"flags": {"a": OFF, "c": ON}}), "--dry-run")
    assert code == 0
    assert out.splitlines()[:4] == ["~ a", "    state: ENABLED -> DISABLED", "+ c", "- b"]
    _, out, _ = call("--json", "import", "flags", file({"flags": {"a": OFF}}), "--dry-run")
    assert json.loads(out)["changes"]["said"] == "turned 'a' off, removed 'b'"
    _, out, _ = call("--json", "flags", "list")
    assert [(each["set"], each["flags"], each["version"]) for each in json.loads(out)] == [("default", 2, 1)]


def test_yaml_and_several_files_are_imported(call: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("flags: {a: {state: ENABLED, variants: {on: true}}}")
    (tmp_path / "b.json").write_text(json.dumps({"flags": {"b": ON}}))
    code, out, _ = call("import", "flags", str(tmp_path / "a.yaml"), str(tmp_path / "b.json"), "--set", "m")
    assert (code, "created, 2 flags" in out) == (0, True)
    code, _, err = call("import", "flags")
    assert (code, "Name at least one file" in err) == (2, True)
    (tmp_path / "c.yaml").write_text("flags: {a: {state: on, variants: {on: true}}}")
    code, out, err = call("import", "flags", str(tmp_path / "c.yaml"), "--set", "m")
    assert (code, out, "c.yaml:1:" in err) == (1, "", True)


def test_what_is_piped_in_is_imported(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(json.dumps({"flags": {"a": ON}}).encode())))
    code, out, _ = call("import", "flags", "-", "--set", "m", "--bucketing", "v3")
    assert (code, "Flag set 'm': created, 1 flag" in out) == (0, True)
    code, out, err = call("import", "flags", "--sett", "m")
    assert (code, out, "Unknown option: '--sett'" in err) == (2, "", True)


def test_versions_are_listed_compared_restored_and_exported(
    call: Run, file: Callable[[Any], str], tmp_path: Path
) -> None:
    call("import", "flags", file({"flags": {"a": ON}}), "--reason", "a start")
    call("import", "flags", file({"flags": {"a": OFF}}), "--reason", "errors rose")
    _, out, _ = call("flags", "versions")
    first, why, *_ = out.splitlines()
    assert first.endswith("turned 'a' off")
    assert why.strip() == "errors rose"
    _, out, _ = call("--json", "flags", "versions", "--limit", "1")
    assert [item["version"] for item in json.loads(out)["items"]] == [2]
    _, out, _ = call("flags", "diff", "default", "--from", "2", "--to", "1")
    lines = out.splitlines()
    assert lines[:3] == ["~ a", "    state: DISABLED -> ENABLED", ""]
    assert lines[3].startswith("a: It is turned on. 100.0 % get something else (the default in the code -> '")
    assert "invented users" in lines[4]
    code, _, err = call("flags", "restore", "default", "1", "--if-match", "other")
    assert (code, "has changed since it was read" in err) == (1, True)
    _, out, _ = call("flags", "restore", "default", "1", "--dry-run")
    assert out.startswith("~ a\n    state: DISABLED -> ENABLED\n")
    _, out, _ = call("--json", "flags", "restore", "default", "1", "--reason", "mended")
    assert (json.loads(out)["version"], json.loads(out)["outcome"]) == (3, "updated")
    _, out, _ = call("flags", "export")
    assert json.loads(out) == {"flags": {"a": ON}}
    code, out, _ = call("flags", "export", "--version", "2", "--file", str(tmp_path / "old.json"))
    assert json.loads((tmp_path / "old.json").read_text()) == {"flags": {"a": OFF}}
    code, _, err = call("flags", "export", "--file", str(tmp_path))
    assert (code, "cannot be written" in err) == (2, True)
    for wrong in (("versions", "nobody"), ("diff", "--to", "9"), ("restore", "default", "9")):
        code, out, err = call("flags", *wrong)
        assert (code, out, err.count("\n")) == (1, "", 1)


def test_every_command_takes_the_set_by_its_option(call: Run, file: Callable[[Any], str]) -> None:
    for content in (ON, OFF):
        call("import", "flags", file({"flags": {"a": content}}), "--set", "m.staging")
    for command, *more in (
        ("versions",), ("diff",), ("environments",), ("restore", "1"), ("promote", "--dry-run"),
        ("eval", "a"), ("trace", "a"), ("lint",), ("stale",), ("references",), ("export",), ("composition",),
        ("kill", "a"), ("revive", "a"), ("list",), ("delete", "--dry-run"),
    ):  # fmt: skip
        code, out, err = call("--json", "flags", command, "--set", "m.staging", *more)
        assert (code, bool(out)) == (0, True), (command, err)
        code, _, err = call("flags", command, "--set", "nobody.staging", *more)
        assert (code, "nobody" in err) == (1, True), command


def test_a_set_is_named_once(call: Run, file: Callable[[Any], str]) -> None:
    call("import", "flags", file({"flags": {"a": ON}}))
    for command, more in (("versions", ()), ("restore", ("1",)), ("promote", ()), ("delete", ())):
        code, _, err = call("flags", command, "default", *more, "--set", "other")
        assert (code, "name one" in err) == (2, True)
    for command, *wrong in (("delete",), ("promote",), ("restore",), ("restore", "1"), ("restore", "m", "x"), ("restore", "m", "1", "2")):  # fmt: skip
        code, _, err = call("flags", command, *wrong)
        assert (code, "Name the flag set" in err) == (2, True), wrong


def test_findings_that_are_alike_are_counted(call: Run, file: Callable[[Any], str]) -> None:
    name = file({"flags": {f"f{number}": ON for number in range(200)}})
    _, out, _ = call("flags", "lint", name)
    assert out.count("\n") < 20
    assert " more like it" in out
    assert "--all" in out
    _, whole, _ = call("flags", "lint", name, "--all")
    assert "more like it" not in whole
    _, machine, _ = call("--json", "flags", "lint", name)
    assert len(json.loads(machine)) == whole.count("\n") - 1
    assert whole.count("\n") > 200
    assert out.splitlines()[-1] == whole.splitlines()[-1]


def test_a_set_is_deleted_and_comes_back(call: Run, file: Callable[[Any], str]) -> None:
    call("import", "flags", file({"flags": {"a": ON | {"metadata": {"bet": "weekly"}}}}), "--set", "m")
    _, out, _ = call("--json", "flags", "delete", "m", "--dry-run")
    assert json.loads(out)["links"] == [{"relation": "implementsBet", "ref": "bet:default/weekly"}]
    code, out, _ = call("flags", "delete", "m", "--reason", "moved")
    assert (code, "counterpoint flags restore m 1" in out) == (0, True)
    assert call("flags", "delete", "m")[0] == 1
    assert call("flags", "restore", "m", "1")[0] == 0
    assert "a" in call("flags", "list", "--set", "m")[1]


def test_flags_are_promoted(call: Run, file: Callable[[Any], str]) -> None:
    call("import", "flags", file({"flags": {"a": ON, "b": ON}}), "--set", "checkout.staging")
    call("import", "flags", file({"flags": {"a": OFF}}), "--set", "checkout")
    _, out, _ = call("flags", "environments", "checkout")
    assert "to production: turned 'a' on, added 'b'" in out
    _, out, _ = call("flags", "promote", "checkout", "--from", "staging", "--dry-run")
    assert out.splitlines()[:3] == ["~ a", "    state: DISABLED -> ENABLED", "+ b"]
    assert "\na: It is turned on. 100.0 % get something else" in out
    assert "\nb: It is new here." in out
    code, out, _ = call("flags", "promote", "checkout.staging", "--flag", "b", "--flag", "a", "--keep-state")
    assert (code, out.splitlines()[0]) == (0, "+ b")
    assert json.loads(call("flags", "export", "--set", "checkout")[1]) == {"flags": {"a": OFF, "b": ON}}
    _, out, _ = call("flags", "versions", "checkout")
    assert "Promoted from staging, version 1." in out
    code, _, err = call("flags", "promote", "checkout")
    assert (code, "No environment comes after 'production'" in err) == (1, True)


def test_flags_are_listed_by_state_and_text(call: Run, file: Callable[[Any], str]) -> None:
    assert "counterpoint import flags FILE" in call("flags", "list")[1]
    call("import", "flags", file({"flags": {"alpha": ON, "beta": OFF}}))
    _, out, _ = call("--json", "flags", "list", "--state", "disabled")
    assert [item["key"] for item in json.loads(out)] == ["beta"]
    assert "alpha" in call("flags", "list", "--text", "alp")[1]
    assert "There is no such flag" in call("flags", "list", "--text", "zzz")[1]


def test_a_broken_set_in_a_catalog_file_is_refused_with_its_line_and_the_good_version_stays(
    call: Run, tmp_path: Path
) -> None:
    file = tmp_path / "catalog-info.yaml"
    text = """\
apiVersion: counterpoint.dev/v1
kind: FlagSet
metadata: {name: mobile}
spec:
  owner: squad
  definition:
    flags:
      f:
        state: ENABLED
        variants: {on: true}
        defaultVariant: on
---
{apiVersion: backstage.io/v1alpha1, kind: Group, metadata: {name: squad}, spec: {type: squad, children: []}}
"""
    file.write_text(text)
    assert call("import", "catalog", str(file))[0] == 0
    file.write_text(text.replace("defaultVariant: on", "defaultVariant: off"))
    code, _, err = call("import", "catalog", str(file))
    assert code == 1
    assert "catalog-info.yaml:11:" in err
    assert "which is not among its variants ('on')" in err
    code, out, _ = call("flags", "eval", "f", "--set", "mobile")
    assert (code, "variant  on" in out) == (0, True)
