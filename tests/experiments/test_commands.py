import json
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments.model import Metric
from counterpoint.experiments.wording import value
from tests.journal.engines import OTHERS, address_of


def call(workspace: Workspace, *arguments: str) -> int:
    return run(["-w", str(workspace.path), *arguments])


def test_analyze_prints_arms_sample_ratio_metrics_and_verdict(
    played: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert call(played, "experiments", "analyze", "gate") == 0
    shown = capsys.readouterr().out
    for words in (
        "gate_30",
        "50.00 %",
        "Sample ratio: as planned",
        "+40.00 pp",
        "+200 %",
        "better",
        "Verdict: ship",
        "Rounds played",
    ):
        assert words in shown
    assert "Ship gate_40: retained rose by 200 % (20.00 % → 60.00 %" in shown


def test_json_has_everything_in_full(played: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(played, "--json", "experiments", "analyze", "gate") == 0
    found = json.loads(capsys.readouterr().out)
    metric = found["comparisons"][0]["metrics"][0]
    assert found["verdict"]["state"] == "ship"
    assert found["quality"]["sampleRatio"]["p"] == 1.0
    assert metric["difference"] == pytest.approx(0.4)
    assert metric["intervalTwoSided"]["low"] < metric["difference"] < metric["intervalTwoSided"]["high"]
    assert metric["pTwoSided"] == pytest.approx(2 * metric["p"])


@pytest.mark.parametrize(("option", "readings"), [((), 1), (("--no-record",), 0)])
def test_a_reading_is_recorded_unless_it_should_not_be(
    played: Workspace, option: tuple[str, ...], readings: int
) -> None:
    assert call(played, "experiments", "analyze", "gate", *option) == 0
    with played.graph.read() as reader:
        assert len(reader.activity(action="experiment.read")) == readings


@pytest.mark.parametrize("engine", ["sparc", "spark://", "clickhouse://h:1/a/b"])
def test_what_is_no_engine_is_wrong_usage_and_names_what_is(
    games: Workspace, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(games, "experiments", "analyze", "gate", "--engine", engine) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--engine" in line
    assert "spark" in line or "clickhouse://user" in line


@pytest.mark.parametrize(("engine", "package"), [("spark", "pyspark"), ("clickhouse", "clickhouse_connect")])
def test_an_engine_whose_package_is_missing_says_how_to_install_it(
    games: Workspace,
    engine: str,
    package: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    assert call(games, "experiments", "analyze", "gate", "--engine", engine) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'pip install "counterpoint[{engine}]"' in line


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # PySpark's
@pytest.mark.timeout(400)
@pytest.mark.parametrize("address", OTHERS)
def test_another_engine_gives_the_same_result(
    played: Workspace, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address_of(address)
    found = []
    for engine in ("duckdb", address):
        assert call(played, "--json", "experiments", "analyze", "gate", "--engine", engine) == 0
        found.append(json.loads(capsys.readouterr().out))
    ours, theirs = found
    assert theirs["engine"] == address.partition(":")[0]
    assert theirs["sql"] != ours["sql"]
    for name in ("verdict", "arms", "quality", "firstExposure", "lastExposure"):
        assert theirs[name] == ours[name]
    assert theirs["comparisons"][0]["metrics"][0]["se"] == pytest.approx(
        ours["comparisons"][0]["metrics"][0]["se"], rel=1e-12
    )


def test_an_unknown_experiment_is_one_line_and_exit_code_1(
    games: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(games, "experiments", "analyze", "gatee") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "did you mean gate?" in line


def test_before_any_exposure_it_says_what_would_fill_the_result(
    games: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(games, "experiments", "analyze", "gate") == 0
    assert "counterpoint import events" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("columns", ["40", "60", "80"])
def test_a_narrow_terminal_loses_no_name_and_no_figure(
    played: Workspace, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert call(played, "experiments", "analyze", "gate") == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    words = " ".join(shown.split())
    for name in ("gate_30", "treatment", "Rounds played", "+40.00 pp", "+200 %", "better"):
        assert name in words


@pytest.mark.parametrize("amount", [45.75, 45.74999999999999, 45.75000000000001])
def test_the_last_bits_of_a_sum_do_not_show(amount: float) -> None:
    metric = Metric(name="rounds", event="rounds", aggregation="sum")
    assert value(metric, amount, places=1) == "45.8"


def test_a_plan_is_sized_from_a_few_figures_without_a_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = "--baseline 0.1 --mde 0.02 --absolute --alpha 0.025 --alpha-minus 0.001 --users-per-day 500"
    assert run(["--json", "experiments", "plan", *options.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == pytest.approx(2 * 3841, rel=0.01)
    assert found["days"] == 21
    assert run(["experiments", "plan", *options.split(), "--looks", "14"]) == 0
    shown = capsys.readouterr().out
    assert "14 looks" in shown
    assert "Duration: 21 days at 500 users a day (given)" in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "--baseline and --mde"),
        ("--baseline 4 --mde 0.02", "no rate"),
        ("gate --baseline 0.1 --mde 0.02", "not both"),
        ("--baseline 0.1 --mde 0.02 --users-per-day 0", "above 0"),
        ("--baseline 0.1 --mde 0.02 --alpha 0.9", "--alpha is 0.9"),
        ("--baseline 0.1 --mde 0", "--mde is 0"),
        ("--baseline 0.1 --mde nan", "--mde is nan"),
        ("--baseline 0.1 --mde 0.02 --guardrails 2 --margin 0", "--margin is 0"),
        ("--baseline 0.1 --mde 0.02 --guardrails -1", "--guardrails is -1"),
        ("--baseline 0.1 --mde 0.02 --margin 0.1", "--guardrails"),
        ("--baseline 0.1 --mde 0.02 --looks 0", "--looks is 0"),
        ("--baseline 0.1 --mde 0.02 --treatments 0", "--treatments is 0"),
        ("--baseline 0.1 --mde 0.02 --beta 1", "--beta is 1"),
        ("--baseline 0.1 --mde inf", "a finite number above 0"),
        ("--baseline nan --sd 1 --mde 0.02", "--baseline is nan"),
        ("--baseline 1 --sd 1e300 --mde 0.02", "--sd is 1e+300"),
        ("--baseline 0.1 --mde 0.02 --guardrails 100000", "below 101"),
        ("--baseline 0.1 --mde 0.02 --treatments 100000", "below 101"),
        ("gate --looks 5 --alpha 0.1", "--alpha and --looks describe a plan without a name"),
    ],
)
def test_options_that_describe_no_plan_are_refused(
    options: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["experiments", "plan", *options.split()]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [("--baseline 0.2 --mde 100", "0.2 would become 20.2"), ("--baseline 0.2 --mde 1e-12", "too small")],
)
def test_a_change_that_no_number_of_users_shows_fails(
    options: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["experiments", "plan", *options.split()]) == 1
    assert words in capsys.readouterr().err


def test_a_number_of_users_that_is_asked_about_is_promised_no_power(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["experiments", "plan", "--baseline", "0.2", "--mde", "0.05", "--users", "5000"]) == 0
    shown = capsys.readouterr().out
    assert "at least 80 %" not in shown
    assert "Power is that of each test with so many users" in shown


def test_a_risk_without_room_for_tests_of_harm_promises_less_power(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = "--baseline 0.2 --mde 0.05 --beta 0.01"
    assert run(["--json", "experiments", "plan", *options.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["power"] == pytest.approx(1 - 0.01 - 0.05)
    assert any("has no room" in note for note in found["notes"])
    assert run(["--json", "experiments", "plan", *options.split(), "--alpha-minus", "0.005"]) == 0
    assert json.loads(capsys.readouterr().out)["power"] == pytest.approx(0.99)
