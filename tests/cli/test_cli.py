"""The command tree: what it lists, what it costs, how it fails."""

import importlib
import io
import json
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.cli import create_cli, run
from counterpoint.cli.examples import EXAMPLES
from counterpoint.cli.tree import COMMANDS
from counterpoint.terminal import soften_encodings

ADDRESSES = [address for group in COMMANDS.values() for address, _ in group.values()]
HEAVY = (
    "numpy",
    "scipy",
    "duckdb",
    "ibis",
    "pyarrow",
    "litestar",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "jinja2",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_command_of_the_tree_exists_and_says_what_it_does(address: str) -> None:
    module, _, name = address.partition(":")
    function = getattr(importlib.import_module(module), name)
    assert function.__doc__


@pytest.mark.parametrize(
    "words",
    [[*group.split(), name] for group, names in COMMANDS.items() for name in names],
    ids=" ".join,
)
def test_each_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    assert "Usage: counterpoint " + " ".join(words) in " ".join(capsys.readouterr().out.split())


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys; from counterpoint.cli import run; run(['--help']); sys.exit(any(m in sys.modules for m in {HEAVY!r}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_help_costs_less_than_a_quarter_of_a_second_of_cpu() -> None:
    command = [sys.executable, "-m", "counterpoint", "--help"]
    subprocess.run(command, check=True, capture_output=True)  # writes the byte code

    def cpu() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu() for _ in range(5)) < 0.25


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nonsense"], 2, "nonsense"),
        (["import", "nonsense"], 2, "nonsense"),
        (["doctor", "--nonsense"], 2, "nonsense"),
        (["flags", "eval"], 2, "KEY"),
        (["serve", "--port", "many"], 2, "many"),
        (["import", "catalog", ""], 2, "TARGET is empty"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == code
    error = capsys.readouterr().err
    assert said.casefold() in error.casefold()
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        ["flags", "eval", "x"],
        ["experiments", "analyze", "x"],
        ["token", "list"],
        ["events", "compact"],
    ],
    ids=" ".join,
)
def test_a_folder_that_is_no_workspace_is_named_with_the_remedy(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(tmp_path / "nowhere"), *words]) == 1
    error = capsys.readouterr().err
    assert "nowhere" in error
    assert "counterpoint init" in error


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_encoding_takes_every_text_and_a_minus_stays_one(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    soften_encodings()
    stream.write("−1.5 % → Åsa … 木 \udcff")
    stream.flush()
    said = raw.getvalue().decode(encoding)
    assert said.startswith("−1.5 % → " if encoding == "utf-8" else "-1.5 % -> ")
    assert said.endswith("木 \\udcff" if encoding == "utf-8" else "\\u6728 \\udcff")


def test_help_shows_examples_and_switches_without_their_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "catalog", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "counterpoint import catalog ~/checkouts/shop" in shown
    assert "--no-dry-run" not in shown
    assert "False" not in shown
    assert run(["serve", "--help"]) == 0
    assert "[default: 7700]" in capsys.readouterr().out


@pytest.mark.parametrize("command", EXAMPLES)
def test_each_example_is_taken_by_its_command(command: str) -> None:
    app = create_cli()
    for example in EXAMPLES[command]:
        words = shlex.split(example)
        if words[0] == "-w":
            words = words[2:]
        words = [word for word in words if word != "--json"]
        assert words[: len(command.split())] == command.split()
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_ctrl_c_says_that_the_command_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Workspace, "open", stopped)
    assert run(["doctor"]) == 130
    assert capsys.readouterr().err == "counterpoint: Stopped; it is safe to run the same command again.\n"


def test_with_json_an_error_can_be_parsed_and_is_told_to_people_as_well(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["-w", str(workspace.path), "--json"]
    for words, code, title in (
        (["history", "component:default/none"], 1, "Not found"),
        (["units", "show", "none"], 1, "Not found"),
        (["problems", "--level", "eror"], 2, "Wrong usage"),
        (["people", "export", "--format", "csv"], 2, "Wrong usage"),
    ):
        assert run([*at, *words]) == code
        said = capsys.readouterr()
        error = json.loads(said.out)["error"]
        assert error["title"] == title
        assert error["message"] in said.err
