"""Plans beside their definition in the graph: over Python, HTTP and the command line."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import NotAllowedError, NotFoundError, PreconditionError
from counterpoint.flags.composing import compose, kill, ramp, read_plans, revive
from counterpoint.flags.composition import CompositionError, compiled, settled
from counterpoint.flags.composition.plan import reattach_command
from counterpoint.flags.store import read_set, write_set
from counterpoint.flags.versions import restore_set
from counterpoint.graph.actor import Actor, local_actor

from .conftest import ours, users

ME = local_actor()
USERS = users(300)
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
PLANS: dict[str, Any] = {"flags": {"new/home": {**PLAIN, "ramp": 20}, "other": {**PLAIN, "ramp": 50}}}


def definition(workspace: Workspace, name: str = "default") -> dict[str, Any]:
    with workspace.graph.read() as reader:
        return json.loads(json.dumps(read_set(reader, name).flags.definition))


def plans(workspace: Workspace, name: str = "default") -> Any:
    with workspace.graph.read() as reader:
        return read_plans(reader, name)[0]


def edit(workspace: Workspace, key: str, **changes: Any) -> list[str]:
    document = definition(workspace)
    document["flags"][key].update(changes)
    return [str(warning) for warning in write_set(workspace, ME, "default", document).warnings]


def test_plan_and_definition_change_in_one_version(workspace: Workspace) -> None:
    made = compose(workspace, ME, "default", PLANS, reason="begin")
    assert made.written.outcome == "created"
    assert made.written.stored is not None
    assert made.written.stored.entity.version == 1
    assert compose(workspace, ME, "default", PLANS).written.outcome == "unchanged"
    step = ramp(workspace, ME, "default", "new/home", 25, reason="all is well")
    assert step.written.stored is not None
    assert step.written.stored.entity.version == 2
    assert step.changes[0].sentences == ("ramp of 'new/home' 20 % → 25 %: 5 % of users enter, nobody leaves or changes arm.",)  # fmt: skip
    assert [change.key for change in step.written.changes.flags] == ["new/home"]
    with workspace.graph.read() as reader:
        assert reader.activity(limit=1)[0].reason == "Ramp of 'new/home' to 25 %: all is well"


def test_a_kill_and_a_revival_give_back_exactly_what_was(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    before = definition(workspace)
    assert ours(before, "new/home", USERS).count("on") > 30
    kill(workspace, ME, "default", "new/home", reason="slow")
    assert set(ours(definition(workspace), "new/home", USERS)) == {"off"}
    assert plans(workspace).flags["new/home"].killed.reason == "slow"
    revive(workspace, ME, "default", "new/home")
    assert definition(workspace) == before
    assert revive(workspace, ME, "default", "new/home").written.outcome == "unchanged"


def test_a_flag_without_a_plan_is_killed_by_its_state(workspace: Workspace) -> None:
    flag = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "targeting": {"if": [True, "a"]}}
    write_set(workspace, ME, "default", {"flags": {"hand": flag}})
    kill(workspace, ME, "default", "hand")
    assert definition(workspace)["flags"]["hand"] == {**flag, "state": "DISABLED"}
    revive(workspace, ME, "default", "hand")
    assert definition(workspace)["flags"]["hand"] == flag
    with pytest.raises(NotFoundError, match="There is no flag 'hands' in the set; did you mean hand"):
        kill(workspace, ME, "default", "hands")
    with pytest.raises(NotFoundError, match="flags compose FILE"):
        ramp(workspace, ME, "default", "hand", 5)
    with pytest.raises(NotFoundError, match="There is no flag set 'none'"):
        kill(workspace, ME, "none", "hand")


def test_the_remedy_for_an_edit_by_hand_is_one_word_to_a_shell() -> None:
    key = "it's; touch $HOME/x"
    *_, option, given = shlex.split(reattach_command(key))
    assert (option, given) == ("--reattach", key)


def test_an_edit_by_hand_outlives_the_next_plans_until_it_is_reattached(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    (warning,) = edit(workspace, "new/home", defaultVariant="on")
    assert warning.startswith("/flags/new~1home: The flag 'new/home' was edited by hand")
    assert list(plans(workspace).detached) == ["new/home"]
    with pytest.raises(CompositionError, match="--reattach 'new/home'"):
        ramp(workspace, ME, "default", "new/home", 30)
    grown = {"flags": {**PLANS["flags"], "new/home": {**PLAIN, "ramp": 30}}}
    done = compose(workspace, ME, "default", grown)
    assert "was edited by hand and stays as it is" in done.written.warnings[0].message
    assert definition(workspace)["flags"]["new/home"]["defaultVariant"] == "on"
    again = compose(workspace, ME, "default", grown, reattach=["new/home"])
    assert again.written.warnings == ()
    assert definition(workspace)["flags"]["new/home"]["defaultVariant"] == "off"
    assert (list(plans(workspace).flags), plans(workspace).detached) == (["new/home", "other"], {})


def test_what_edits_no_rule_keeps_the_plan(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    assert edit(workspace, "other", state="DISABLED", metadata={"description": "x"}) == []
    assert plans(workspace).detached == {}
    ramp(workspace, ME, "default", "other", 60)
    assert definition(workspace)["flags"]["other"]["state"] == "DISABLED"


def test_an_edit_through_the_catalog_is_seen_too(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    with workspace.graph.write(ME) as writer:
        document = json.loads(json.dumps(writer.require("flagset:default/default").document))
        document["spec"]["definition"]["flags"]["other"]["defaultVariant"] = "on"
        writer.put(document)
    done = compose(workspace, ME, "default", PLANS)
    assert ["was edited by hand" in warning.message for warning in done.written.warnings] == [True, True]
    assert definition(workspace)["flags"]["other"]["defaultVariant"] == "on"


def test_a_restored_version_has_its_plans_again(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    ramp(workspace, ME, "default", "other", 80)
    assert restore_set(workspace, ME, "default", 1).warnings == ()
    assert (plans(workspace).flags["other"].ramp, plans(workspace).detached) == (50_000, {})


def test_a_flag_that_loses_its_plan_stays_as_it_is(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    before = definition(workspace)
    done = compose(workspace, ME, "default", {"flags": {"other": PLANS["flags"]["other"]}})
    assert done.changes[0].sentences == ("The plan of 'new/home' is removed; the flag stays as it is.",)
    assert definition(workspace) == before


def test_another_bucketing_is_a_warning_and_then_a_refusal_until_it_is_wished_for(
    workspace: Workspace,
) -> None:
    compose(workspace, ME, "default", PLANS)
    written = write_set(workspace, ME, "default", definition(workspace), bucketing="v3")
    assert "begun with the bucketing v2; with v3 everybody is drawn anew" in written.warnings[0].message
    with pytest.raises(CompositionError) as caught:
        ramp(workspace, ME, "default", "other", 60)
    assert caught.value.problems[0].pointer == "/flags/other/bucketing"
    wished = {"flags": {key: {**plan, "bucketing": "v3"} for key, plan in PLANS["flags"].items()}}
    done = compose(workspace, ME, "default", wished)
    assert "drawn anew" in done.changes[0].sentences[0]


def test_a_dry_run_tells_all_and_writes_nothing(workspace: Workspace) -> None:
    assert compose(workspace, ME, "default", PLANS, dry_run=True).written.outcome == "checked"
    with pytest.raises(NotFoundError):
        plans(workspace)
    compose(workspace, ME, "default", PLANS)
    assert kill(workspace, ME, "default", "other", dry_run=True).changes
    assert plans(workspace).flags["other"].killed is None


def test_who_may_not_write_the_set_may_not_change_its_plans(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    with pytest.raises(NotAllowedError):
        kill(workspace, Actor("user:default/bo", "Bo", "person"), "default", "other")
    with pytest.raises(PreconditionError):
        ramp(workspace, ME, "default", "other", 60, if_match=["old"])


def test_nothing_stands_in_the_way_of_a_kill(workspace: Workspace) -> None:
    need = {"prerequisites": [{"flag": "parent", "variant": "on"}]}
    flags = {"parent": {**PLAIN, "ramp": 100}, "child": {**PLAIN, "ramp": 100, **need}, "other": PLAIN}
    compose(workspace, ME, "default", {"flags": flags})
    write_set(workspace, ME, "default", definition(workspace), bucketing="v3")
    done = kill(workspace, ME, "default", "parent")
    assert [warning.pointer for warning in done.written.warnings] == ["/flags/child/bucketing"]
    assert set(ours(definition(workspace), "parent", USERS, v="v3")) == {"off"}


def test_plans_that_another_door_broke_are_told_and_kept(workspace: Workspace) -> None:
    compose(workspace, ME, "default", PLANS)
    with workspace.graph.write(ME) as writer:
        document = json.loads(json.dumps(writer.require("flagset:default/default").document))
        document["spec"]["composition"]["flags"]["other"]["ramp"] = "much"
        writer.put(document)
    done = kill(workspace, ME, "default", "other")
    assert "cannot be read (/flags/other/ramp" in done.written.warnings[0].message
    assert definition(workspace)["flags"]["other"]["state"] == "DISABLED"
    with pytest.raises(CompositionError):
        plans(workspace)
    compose(workspace, ME, "default", PLANS)
    assert list(plans(workspace).flags) == ["new/home", "other"]


def test_a_change_of_one_flag_compiles_as_if_all_were_compiled(workspace: Workspace) -> None:
    need = {"prerequisites": [{"flag": "parent", "variant": "on"}], "audience": ["s"]}
    flags = {"parent": {**PLAIN, "ramp": 50}, "child": {**PLAIN, "ramp": 50, **need}, "third": {**PLAIN, "prerequisites": [{"flag": "child", "variant": "off"}]}, "other": {**PLAIN, "audience": ["s"]}}  # fmt: skip
    compose(workspace, ME, "default", {"segments": {"s": {"var": "x"}}, "flags": flags})
    for change in (
        lambda: ramp(workspace, ME, "default", "parent", 60),
        lambda: kill(workspace, ME, "default", "child"),
    ):
        change()
        assert compiled(definition(workspace), plans(workspace)) == definition(workspace)
        assert settled(plans(workspace), definition(workspace)) == (plans(workspace), ())


def test_what_builds_on_an_edited_flag_follows_it(workspace: Workspace) -> None:
    need = {"prerequisites": [{"flag": "parent", "variant": "on"}]}
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
    write_set(workspace, ME, "default", {"flags": {"parent": flag}})
    compose(workspace, ME, "default", {"flags": {"child": {**PLAIN, "ramp": 100, **need}, "other": PLAIN}})
    assert set(ours(definition(workspace), "child", USERS)) == {"on"}
    for edited in ({"defaultVariant": "off"}, {"defaultVariant": "on", "state": "DISABLED"}):
        (warning,) = edit(workspace, "parent", **edited)
        assert warning.startswith("/flags/child: The flag 'child' was compiled anew")
        assert set(ours(definition(workspace), "child", USERS)) == {"off"}
        edit(workspace, "parent", state="ENABLED", defaultVariant="on")
        assert set(ours(definition(workspace), "child", USERS)) == {"on"}
    assert (list(plans(workspace).flags), plans(workspace).detached) == (["child", "other"], {})
    document = definition(workspace)
    del document["flags"]["parent"]
    (warning,) = map(str, write_set(workspace, ME, "default", document).warnings)
    assert "There is no flag 'parent'. Until then the flags stay" in warning
    assert list(plans(workspace).flags) == ["child", "other"]


def test_a_parent_whose_plan_is_detached_is_followed_as_well(workspace: Workspace) -> None:
    need = {"prerequisites": [{"flag": "parent", "variant": "on"}]}
    flags = {"parent": {**PLAIN, "ramp": 100}, "child": {**PLAIN, "ramp": 100, **need}}
    compose(workspace, ME, "default", {"flags": flags})
    warnings = edit(
        workspace, "parent", targeting={"if": [{"ends_with": [{"var": "targetingKey"}, "7"]}, "on"]}
    )
    assert ["edited by hand" in warnings[0], "compiled anew" in warnings[1]] == [True, True]
    made = definition(workspace)
    assert ours(made, "child", USERS) == ours(made, "parent", USERS)
    assert list(plans(workspace).flags) == ["child"]


PATH = "/api/v1/flags/sets/apps"


def test_http_reads_writes_ramps_kills_and_revives(http: httpx2.Client) -> None:
    made = http.put(f"{PATH}/composition", json=PLANS, params={"reason": "begin"})
    assert (made.status_code, made.json()["outcome"]) == (201, "created")
    tag, version = made.headers["etag"], made.json()["version"]
    read = http.get(f"{PATH}/composition")
    assert (read.headers["etag"], read.json()["flags"]["new/home"]["ramp"]) == (tag, 20)
    assert http.get(f"{PATH}/composition", headers={"If-None-Match": tag}).status_code == 304
    again = http.put(f"{PATH}/composition", content=read.content, headers={"If-Match": tag})
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    body = {"key": "new/home", "percent": 25.5, "reason": "well"}
    told = http.post(f"{PATH}/ramp", json=body, params={"dryRun": "true"})
    assert (told.json()["outcome"], told.json()["changes"][0]["entering"]) == ("checked", 5.5)
    assert http.post(f"{PATH}/ramp", json=body).json()["version"] == version + 1
    assert http.post(f"{PATH}/ramp", json=body, headers={"If-Match": tag}).status_code == 412
    selector = {"Flagd-Selector": "flagSetId=apps"}
    context = {"context": {"targetingKey": "user-7"}}
    ask = "/ofrep/v1/evaluate/flags/new/home"
    before = http.post(ask, json=context, headers=selector).json()
    assert http.post(f"{PATH}/kill", json={"key": "new/home"}).status_code == 200
    killed = http.post(ask, json=context, headers=selector).json()
    assert (killed["value"], killed["variant"]) == (False, "off")
    assert http.post(f"{PATH}/revive", json={"key": "new/home"}).status_code == 200
    assert http.post(ask, json=context, headers=selector).json() == before


def test_http_lists_what_is_to_come_and_refuses_with_pointers(http: httpx2.Client) -> None:
    schedule = [{"at": "2099-12-01T09:00:00Z", "ramp": 25}]
    plan = {"flags": {"f": {**PLAIN, "ramp": 5, "schedule": schedule}}}
    assert http.put(f"{PATH}/composition", content=json.dumps(plan)).status_code == 201
    (coming,) = http.get(f"{PATH}/upcoming").json()["items"]
    assert (coming["key"], coming["before"], coming["after"], coming["at"]) == ("f", 5, 25, 4_099_798_800)
    bad = http.put(f"{PATH}/composition", content=b"flags:\n  f: {default: off, treatment: on, ramp: 101}")
    assert (bad.status_code, bad.headers["content-type"]) == (400, "application/problem+json")
    assert bad.json()["errors"][0]["pointer"] == "/flags/f/ramp"
    for path, body, status in [
        ("ramp", {"key": "none", "percent": 5}, 404),
        ("ramp", {"key": "f", "percent": 5.00001}, 400),
        ("ramp", {"key": "f"}, 400),
        ("kill", {"key": "none"}, 404),
    ]:
        assert http.post(f"{PATH}/{path}", json=body).status_code == status
    assert http.get("/api/v1/flags/sets/nobody/composition").status_code == 404


@pytest.fixture
def call(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in the workspace; returns exit code, stdout and stderr."""

    def made(*arguments: str) -> tuple[int, str, str]:
        code = run(["-w", str(workspace.path), *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return made


def test_the_command_line_composes_ramps_kills_and_revives(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text("flags:\n  home:\n    variants: {on: true, off: false}\n    default: off\n    treatment: on\n    ramp: 5\n")  # fmt: skip
    code, out, err = call("flags", "compose", str(file), "--dry-run")
    assert (code, err, "Flag set 'default': checked" in out) == (0, "", True)
    assert call("flags", "compose", str(file))[0] == 0
    code, out, _ = call("flags", "ramp", "home", "10", "--reason", "well")
    assert (
        out.splitlines()[0] == "ramp of 'home' 5 % → 10 %: 5 % of users enter, nobody leaves or changes arm."
    )
    code, out, _ = call("--json", "flags", "kill", "home", "--reason", "slow")
    assert (code, json.loads(out)["composition"]["flags"]["home"]["killed"]) == (0, {"reason": "slow"})
    code, out, _ = call("flags", "composition")
    assert (code, "ramp: 10" in out, "reason: slow" in out) == (0, True, True)
    assert "is revived" in call("flags", "revive", "home")[1]
    for arguments, wanted, words in [
        (("ramp", "home", "much"), 2, "'much' is no percentage"),
        (("ramp", "home", "101"), 1, "101 is no percentage"),
        (("ramp", "none", "5"), 1, "There is no flag 'none'"),
        (("compose", str(tmp_path / "none.yaml")), 1, "none.yaml"),
    ]:
        code, out, err = call("flags", *arguments)
        assert (code, out, words in err, "Traceback" in err) == (wanted, "", True, False), err
    file.write_text("flags:\n  home: {default: of, treatment: on}\n")
    code, _, err = call("flags", "compose", str(file))
    assert (code, f"{file}:2:19 /flags/home/default: There is no variant 'of'" in err) == (1, True), err
