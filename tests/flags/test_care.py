"""Flags that can go, the code that names them, and the doors of the care of flags."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.cli import run
from counterpoint.errors import InputError
from counterpoint.flags import FlagSet
from counterpoint.flags.care import recent_contexts, search_code, stale_in
from counterpoint.flags.references import Place, find_references
from counterpoint.flags.stale import Ended, Known, Seen, only_variant, stale_flags
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor

from .conftest import Served

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OPEN = {"if": [{"var": "beta"}, "on", None]}


def flag(targeting: Any = OPEN, **more: Any) -> dict[str, Any]:
    one = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return one | {"targeting": targeting} | more


def kinds(known: Known | None = None, **more: Any) -> list[str]:
    flags = FlagSet.from_flagd({"flags": {"f": flag(**more)}})
    return [
        reason.kind
        for stale in stale_flags("default", flags, known or Known(), now=NOW)
        for reason in stale.reasons
    ]


@pytest.mark.parametrize(
    ("rule", "variant"),
    [
        ({}, "off"),
        ({"if": [True, "on", "off"]}, "on"),
        ({"if": [{"var": "beta"}, "on", "on"]}, "on"),
        ({"if": [{"var": "beta"}, "off", None]}, "off"),
        ({"fractional": [["on", 100], ["off", 0]]}, "on"),
        ({"if": [{"in": [{"var": "a"}, ["x"]]}, "on", {"==": [{"var": "a"}, "x"]}, "off", "on"]}, "on"),
        ({"fractional": [["on", 99], ["off", 1]]}, None),
        ({"var": "variant"}, None),
        (OPEN, None),
    ],
)
def test_what_everybody_gets_is_proven_from_the_rule(rule: Any, variant: str | None) -> None:
    flags = FlagSet.from_flagd({"flags": {"f": flag(rule)}})
    assert only_variant(flags, flags.flags["f"]) == variant


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("seen", "since", "changed", "expected"),
    [
        (None, 90, 90, ["unseen"]),
        (None, 5, 90, []),
        (None, 90, 5, []),
        (Seen({"on": ago(60)}, ago(80)), 90, 90, ["unseen"]),
        (Seen({"on": ago(1), "off": ago(40)}, ago(80)), 90, 90, ["one-variant"]),
        (Seen({"on": ago(1), "off": ago(2)}, ago(80)), 90, 90, []),
        (Seen({"on": ago(1)}, ago(3)), 90, 90, []),
    ],
)
def test_exposures_tell_only_where_they_go_back_far_enough(
    seen: Seen | None, since: int, changed: int, expected: list[str]
) -> None:
    known = Known({"f": seen} if seen else {}, ago(since), ago(changed))
    assert kinds(known) == expected


def test_what_a_flag_was_for_can_be_over() -> None:
    over = Ended("bet:default/weekly", "killed", ago(3))
    assert kinds(Known(bets={over.ref: over}), metadata={"bet": "weekly"}) == ["bet-ended"]
    test = Ended("experiment:default/x", "ended", ago(3))
    assert kinds(Known(experiments={"f": [test]})) == ["experiment-ended"]
    assert kinds(Known(experiments={"f": [test, None]})) == []
    assert kinds(metadata={"expires": "2026-05-31"}) == ["expired"]
    assert kinds(metadata={"expires": "2026-06-01"}) == []
    assert kinds(targeting={}, metadata={"permanent": True}) == []


def test_the_next_step_names_the_branch_and_the_places() -> None:
    flags = FlagSet.from_flagd({"flags": {"f": flag({"if": [True, "on"]})}})
    (found,) = stale_flags("default", flags, Known(places={"f": [Place("a.py", 12)]}), now=NOW)
    assert (
        found.next_step
        == "Keep the branch of 'on', and remove the flag and the branch of 'off'; 1 place: a.py:12."
    )
    (found,) = stale_flags("default", flags, Known(places={"f": []}), now=NOW)
    assert "can leave the set at once" in found.next_step
    (found,) = stale_flags("default", flags, Known(places={"g": []}), now=NOW)
    assert "counterpoint flags references PATH" in found.next_step


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of code that names flags."""
    folder = tmp_path / "code"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "a.py").write_text('x = flag("new-home")\ny = flag("new-home-2")\n# new-home, new-home\n')
    (folder / "b.ts").write_text('flags.is("team/odd key")\nis("team/odd keys")\n')
    (folder / "flags.json").write_text(json.dumps({"flags": {"new-home": flag()}}))
    (folder / "picture.png").write_bytes(b"\0new-home")
    (folder / "node_modules" / "c.js").write_text("new-home")
    return folder


def test_keys_are_found_as_whole_words_in_code(code: Path) -> None:
    found = find_references([code, code / "a.py"], ["new-home", "new-home-2", "team/odd key", "nowhere"])
    assert {
        key: [(Path(place.file).name, place.line) for place in places] for key, places in found.items()
    } == {
        "new-home": [("a.py", 1), ("a.py", 3)],
        "new-home-2": [("a.py", 2)],
        "team/odd key": [("b.ts", 1)],
        "nowhere": [],
    }
    with pytest.raises(InputError):
        find_references([code / "nothing"], ["a"])


def test_what_git_ignores_is_left_out(code: Path) -> None:
    subprocess.run(["git", "init", "-q", str(code)], check=True)
    (code / ".gitignore").write_text("ignored.py\n")
    (code / "ignored.py").write_text("new-home-2")
    found = find_references([code.parent], ["new-home-2"])
    assert [Path(place.file).name for place in found["new-home-2"]] == ["a.py"]


def exposure(workspace: Workspace, number: int, variant: str, at: str) -> None:
    workspace.journal.append(
        [
            {
                "specversion": "1.0",
                "id": f"{number}",
                "source": "/test",
                "type": "feature_flag.evaluation",
                "subject": f"user-{number}",
                "time": at,
                "data": {
                    "feature_flag.key": "f",
                    "feature_flag.set.id": "default",
                    "feature_flag.result.variant": variant,
                },
            }
        ]
    )


def test_the_journal_tells_who_was_shown_what(workspace: Workspace, code: Path) -> None:
    write_set(workspace, local_actor(), "default", {"flags": {"f": flag(), "new-home": flag()}})
    exposure(workspace, 1, "on", "2026-01-01T00:00:00Z")
    exposure(workspace, 2, "off", "2026-02-01T00:00:00Z")
    later = datetime.now(UTC) + timedelta(days=365)
    found = {stale.key: stale for stale in stale_in(workspace, now=later)}
    assert [reason.kind for reason in found["f"].reasons] == ["unseen"]
    assert found["f"].since == datetime(2026, 2, 1, tzinfo=UTC)
    assert found["new-home"].places == ()
    search_code(workspace, [code], keys=["f", "new-home"])
    found = {stale.key: stale for stale in stale_in(workspace, flag_set="default", now=later)}
    assert [place.line for place in found["new-home"].places] == [1, 3]
    assert recent_contexts(workspace, "default", limit=1) == [{"targetingKey": "user-2"}]


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Call:
    """Run a command in the workspace; returns exit code, stdout and stderr."""
    write_set(workspace, local_actor(), "default", {"flags": {"f": flag(), "new-home": flag({})}})

    def made(*arguments: str) -> tuple[int, str, str]:
        code = run(["-w", str(workspace.path), *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return made


def test_the_commands_find_what_can_go(call: Call, code: Path) -> None:
    status, out, _ = call("flags", "references", str(code))
    assert (status, out.splitlines()[-1]) == (0, "2 places, 2 flags.")
    status, out, _ = call("flags", "stale")
    assert status == 0
    assert "default/new-home" in out
    assert "a.py:1" in out
    _, out, _ = call("--json", "flags", "stale", str(code))
    (item,) = json.loads(out)["items"]
    assert (item["key"], item["keeps"], len(item["references"])) == ("new-home", "off", 2)
    assert call("flags", "stale", "--set", "nothing")[0] == 1


def test_the_checkouts_of_the_catalog_are_searched(call: Call, workspace: Workspace, code: Path) -> None:
    status, _, err = call("flags", "references", "--checkouts")
    assert (status, "Import the catalog from your checkouts" in err) == (1, True)
    descriptor = "{apiVersion: backstage.io/v1alpha1, kind: System, metadata: {name: %s}, spec: {owner: a}}"
    loose = code.parent / "loose"
    for folder, name in ((code / "deep" / "down", "inside"), (code, "top"), (loose, "loose")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "catalog-info.yaml").write_text(descriptor % name)
        import_targets(workspace.graph, local_actor(), [str(folder / "catalog-info.yaml")])
    (loose / "b.py").write_text("new-home")
    (code / ".gitignore").write_text("node_modules\n")
    subprocess.run(["git", "init", "-q", str(code)], check=True)
    _, out, _ = call("--json", "flags", "references", "--checkouts")
    assert {Path(place["file"]).name for place in json.loads(out)["new-home"]} == {"a.py"}
    _, out, _ = call("--json", "flags", "stale", "--checkouts", str(loose))
    (item,) = json.loads(out)["items"]
    assert sorted(Path(place["file"]).name for place in item["references"]) == ["a.py", "a.py", "b.py"]


def test_the_commands_tell_why(call: Call) -> None:
    context = ["--context", '{"beta": true}']
    status, out, _ = call("flags", "trace", "f", *context)
    assert (status, "The rule names the variant 'on'." in out) == (0, True)
    assert call("flags", "eval", "f", "--why", *context)[1] == out
    steps = json.loads(call("--json", "flags", "trace", "f", *context)[1])["steps"]
    assert [step["operator"] for step in steps] == ["flag", "state", "if", "var", "variant"]
    assert call("flags", "trace", "nothing")[0] == 1


def test_the_command_says_who_would_change(call: Call, tmp_path: Path) -> None:
    file, users = tmp_path / "new.json", tmp_path / "users.ndjson"
    file.write_text(json.dumps({"flags": {"f": flag({}), "new-home": flag({})}}))
    users.write_text('{"targetingKey": "a", "beta": true}\n\n{"targetingKey": "b"}\n')
    _, out, _ = call("--json", "flags", "simulate", str(file), "--contexts", str(users))
    (change,) = json.loads(out)["flags"]
    assert (change["key"], change["users"], change["changed"], change["percent"]) == ("f", 2, 1, 50.0)
    assert change["examples"][0]["context"] == {"targetingKey": "a", "beta": True}
    table = tmp_path / "users.csv"
    table.write_text("targetingKey,beta\n1,true\n2,\n3,1\n")
    _, out, _ = call("flags", "simulate", str(file), "--contexts", str(table))
    assert "f: 2 of 3 change (66.67 %)" in out
    users.write_text("[]\n")
    status, _, err = call("flags", "simulate", str(file), "--contexts", str(users))
    assert (status, "users.ndjson:1" in err) == (1, True)


def test_the_same_is_answered_over_http(http: httpx2.Client, served: Served) -> None:
    served.write("care", {"flags": {"f": flag(), "still": flag({})}})
    stale = http.get("/api/v1/flags/stale", params={"set": "care"}).json()
    assert [(item["key"], item["reasons"][0]["kind"]) for item in stale["items"]] == [("still", "rolled-out")]
    assert http.get("/api/v1/flags/stale", params={"days": 0}).status_code == 400
    path = "/api/v1/flags/sets/care"
    traced = http.post(f"{path}/trace", json={"key": "f", "context": {"beta": 1}})
    assert (traced.status_code, traced.json()["variant"], len(traced.json()["steps"])) == (200, "on", 5)
    assert http.post(f"{path}/trace", json={"key": "nothing"}).status_code == 404
    body = {"definition": {"flags": {"f": flag({}), "still": flag({})}}, "users": 1000}
    (change,) = http.post(f"{path}/simulation", json=body).json()["flags"]
    assert change["key"] == "f"
    assert sum(one["users"] for one in change["transitions"]) == 1000
    broken = http.post(f"{path}/simulation", json={"definition": {"flags": 1}})
    assert (broken.status_code, broken.headers["content-type"]) == (400, "application/problem+json")
