"""docs/experiments.md, tried out: its YAML, a table as it comes, and the command that it ends with."""

import json
import re
from pathlib import Path

import pytest
import yaml

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments.decision import parse_rule
from counterpoint.graph.descriptor import validate

GUIDE = Path(__file__).parents[2] / "docs" / "experiments.md"
MAPPING = """\
source: gate-test
subject: userid
time: 2026-05-04T00:00:00Z
exposure: {flag: gate, variant: version}
metrics: {game.rounds: rounds, retention.day7: retained}
"""


def test_the_guide_leads_from_a_table_to_a_verdict(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, *parts = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    *_, experiment = yaml.safe_load_all(text)
    for part in parts:  # each may stand in the experiment's spec
        spec = {**experiment["spec"], **yaml.safe_load(part)}
        assert not list(validate({**experiment, "spec": spec}))
        parse_rule(spec.get("decision", {"better": "rounds"}))
    assert not any(problem for document in yaml.safe_load_all(text) for problem in validate(document))
    (tmp_path / "experiment.yaml").write_text(text)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    lines = ["userid,version,rounds,retained"]
    for user in range(3000):
        variant, retained = ("gate_40", user % 10 < 5) if user % 2 else ("gate_30", user % 10 < 4)
        lines.append(f"{user},{variant},{user // 2 % 40},{retained}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")

    def call(*arguments: str) -> int:
        return run(["-w", str(workspace.path), *arguments])

    assert call("import", "catalog", str(tmp_path / "experiment.yaml")) == 0
    assert (
        call("import", "events", str(tmp_path / "table.csv"), "--mapping", str(tmp_path / "mapping.yaml"))
        == 0
    )
    capsys.readouterr()
    assert call("--json", "experiments", "analyze", "gate") == 0
    found = json.loads(capsys.readouterr().out)
    assert [arm["users"] for arm in found["arms"]] == [1500, 1500]
    retained = found["comparisons"][0]["metrics"][0]
    assert (retained["controlMean"], retained["treatmentMean"]) == (pytest.approx(0.4), pytest.approx(0.4))
    assert found["verdict"]["condition"] == "superiority: week-one-retention"
