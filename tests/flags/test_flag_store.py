"""Flag sets in the graph: who owns them, what a write keeps, and when compiled sets are read again."""

from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.errors import InputError, NotAllowedError, NotFoundError, PreconditionError, WorkspaceError
from counterpoint.flags import FlagSetError
from counterpoint.flags.store import FlagSets, flag_sets, read_set, read_sets, write_set
from counterpoint.graph.actor import Actor, local_actor

ANA = Actor("user:default/ana", "Ana", "person")
BO = Actor("user:default/bo", "Bo", "person")


def definition(value: str = "x", **more: Any) -> dict[str, Any]:
    return {
        "flags": {
            "f": {"state": "ENABLED", "variants": {"a": value}, "defaultVariant": "a", **more.pop("flag", {})}
        },
        **more,
    }


def entity(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    api = "backstage.io/v1alpha1" if kind in ("User", "Group") else "counterpoint.dev/v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def house(workspace: Workspace) -> Workspace:
    """A workspace with Ana in a squad that owns a bet, and Bo outside it."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(entity("Group", "squad", type="squad", children=[]))
        writer.put(entity("User", "ana", memberOf=["squad"]))
        writer.put(entity("User", "bo", memberOf=[]))
        writer.put(entity("Bet", "weekly", owner="squad"))
    return workspace


def test_what_is_written_is_read_back_as_it_was(workspace: Workspace) -> None:
    given = {**definition(), "$schema": "https://flagd.dev/schema/v0/flags.json", "$evaluators": {}}
    written = write_set(workspace, local_actor(), "default", given)
    with workspace.graph.read() as reader:
        stored = read_set(reader, "default")
    assert (written.outcome, stored.flags.definition, stored.flags.bucketing) == ("created", given, "v2")
    assert stored.etag == written.stored.etag if written.stored else False


def test_floats_stay_floats(workspace: Workspace) -> None:
    write_set(
        workspace,
        local_actor(),
        "default",
        '{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1.0}, "defaultVariant": "a"}}}',
    )
    with workspace.graph.read() as reader:
        assert type(read_set(reader, "default").flags.evaluate("f").value) is float


def test_the_same_definition_changes_nothing(workspace: Workspace) -> None:
    first = write_set(workspace, local_actor(), "default", definition())
    second = write_set(workspace, local_actor(), "default", definition())
    assert second.outcome == "unchanged"
    assert first.stored is not None
    assert second.stored is not None
    assert first.stored.etag == second.stored.etag


@pytest.mark.parametrize(
    ("more", "owner"),
    [
        ({}, "user:default/bo"),
        ({"metadata": {"owner": "tribe"}}, "group:default/tribe"),
        ({"metadata": {"bet": "weekly"}}, "group:default/squad"),
        ({"flag": {"metadata": {"bet": "bet:default/weekly"}}}, "group:default/squad"),
        ({"flag": {"metadata": {"bet": "nobody"}}}, "user:default/bo"),
    ],
)
def test_a_new_set_belongs_to_its_metadatas_owner_its_bets_owner_or_its_writer(
    house: Workspace, more: dict[str, Any], owner: str
) -> None:
    stored = write_set(house, BO, "default", definition(**more)).stored
    assert stored is not None
    assert stored.entity.owner == owner


def test_a_write_keeps_owner_title_and_bucketing(house: Workspace) -> None:
    document = entity("FlagSet", "default", owner="squad", definition=definition(), bucketing="v3")
    document["metadata"] |= {"title": "Ours", "tags": ["live"]}
    with house.graph.write(local_actor()) as writer:
        writer.put(document)
    stored = write_set(house, ANA, "default", definition("y", metadata={"owner": "tribe"})).stored
    assert stored is not None
    assert (stored.entity.owner, stored.entity.title, stored.entity.metadata["tags"]) == (
        "group:default/squad",
        "Ours",
        ["live"],
    )
    assert stored.flags.bucketing == "v3"
    again = write_set(house, ANA, "default", definition("y"), bucketing="v2").stored
    assert again is not None
    assert again.flags.bucketing == "v2"


def test_who_is_no_member_of_the_owner_may_not_write(house: Workspace) -> None:
    write_set(house, ANA, "default", definition(), owner="squad")
    with pytest.raises(NotAllowedError):
        write_set(house, BO, "default", definition("y"))
    assert write_set(house, ANA, "default", definition("y")).outcome == "updated"


def test_a_write_matches_the_etag_that_was_read(workspace: Workspace) -> None:
    first = write_set(workspace, local_actor(), "default", definition()).stored
    assert first is not None
    assert (
        write_set(
            workspace, local_actor(), "default", definition("y"), if_match=["other", first.etag]
        ).outcome
        == "updated"
    )
    for wanted in ([first.etag], [], ["x"]):
        with pytest.raises(PreconditionError, match="changed"):
            write_set(workspace, local_actor(), "default", definition("z"), if_match=wanted)
    assert (
        write_set(workspace, local_actor(), "default", definition("z"), if_match=["*"]).outcome == "updated"
    )
    with pytest.raises(PreconditionError, match="exists already"):
        write_set(workspace, local_actor(), "default", definition(), if_absent=True)
    with pytest.raises(PreconditionError, match="no flagset:default/new to change"):
        write_set(workspace, local_actor(), "new", definition(), if_match=["*"])
    assert write_set(workspace, local_actor(), "new", definition(), if_absent=True).outcome == "created"


def test_a_refused_write_changes_nothing(workspace: Workspace) -> None:
    write_set(workspace, local_actor(), "default", definition())
    with workspace.graph.read() as reader:
        before = reader.last_activity()
    for broken, error in (({"flags": {"f": {}}}, FlagSetError), (definition(), InputError)):
        with pytest.raises(error):
            write_set(workspace, local_actor(), "not a name" if broken == definition() else "default", broken)
    with pytest.raises(InputError, match="v2"):
        write_set(workspace, local_actor(), "default", definition(), bucketing="v9")
    assert write_set(workspace, local_actor(), "default", definition("y"), dry_run=True).outcome == "checked"
    with workspace.graph.read() as reader:
        assert reader.last_activity() == before


def test_warnings_name_rules_variants_and_bets_that_lead_nowhere(workspace: Workspace) -> None:
    odd = definition(
        flag={"targeting": {"if": [{"var": "x"}, "blue", {"cat": []}]}, "metadata": {"bet": "nobody"}}
    )
    written = write_set(workspace, local_actor(), "default", odd)
    assert [warning.pointer for warning in written.warnings] == [
        "/flags/f/targeting/if/2/cat",
        "/flags/f/targeting",
        "/flags/f/metadata/bet",
    ]


def test_a_set_that_does_not_exist_names_the_command(workspace: Workspace) -> None:
    with workspace.graph.read() as reader:
        with pytest.raises(NotFoundError, match="counterpoint import flags"):
            read_set(reader, "nobody")
        with pytest.raises(NotFoundError):
            read_set(reader, "no name at all!")
        assert read_sets(reader) == []


def test_compiled_sets_follow_writes_here_and_in_other_processes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = flag_sets(workspace)
    assert sets.get("default") is None
    write_set(workspace, local_actor(), "default", definition())
    first = sets.get("default")
    assert first is not None
    assert sets.cached("default") is first
    write_set(workspace, local_actor(), "default", definition("y"))
    assert sets.cached("default") is None
    second = sets.get("default")
    assert second is not None
    assert second.flags.evaluate("f").value == "y"
    monkeypatch.setattr("counterpoint.flags.ready_sets.FRESH_SECONDS", -1.0)
    with Workspace.open(workspace.path) as elsewhere:
        write_set(elsewhere, local_actor(), "default", definition("z"))
    assert sets.cached("default") is None
    third = sets.get("default")
    assert third is not None
    assert third.flags.evaluate("f").value == "z"


def test_a_set_is_compiled_once_for_as_long_as_it_stays(workspace: Workspace) -> None:
    write_set(workspace, local_actor(), "default", definition())
    sets = FlagSets(workspace)
    first = sets.get("default")
    write_set(workspace, local_actor(), "other", definition())
    assert sets.get("other") is not None
    assert sets.get("default") is first


def test_names_that_no_set_has_are_not_remembered(workspace: Workspace) -> None:
    sets = FlagSets(workspace)
    assert [sets.get(f"made-up-{number}") for number in range(3)] == [None] * 3
    assert not sets._seen


def test_the_last_known_set_answers_while_the_graph_cannot(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(workspace, local_actor(), "default", definition())
    sets = FlagSets(workspace)
    known = sets.get("default")

    def fail() -> None:
        raise WorkspaceError("away")

    monkeypatch.setattr(workspace.graph, "read", fail)
    assert sets.get("default") is known
    with pytest.raises(WorkspaceError):
        sets.get("never seen")


def test_a_rule_as_deep_as_a_definition_may_be_is_kept_and_runs(workspace: Workspace) -> None:
    rule: Any = {"var": "x"}
    for _ in range(145):
        rule = {"if": [False, "b", rule]}
    write_set(workspace, local_actor(), "default", definition(flag={"targeting": rule}))
    stored = flag_sets(workspace).get("default")
    assert stored is not None
    assert stored.flags.evaluate("f", {"x": "a"}).reason == "TARGETING_MATCH"


def test_keys_and_variants_that_differ_in_their_case_only_are_told_apart(workspace: Workspace) -> None:
    one = {"state": "ENABLED", "variants": {"on": "lower", "ON": "upper"}, "defaultVariant": "ON"}
    write_set(
        workspace, local_actor(), "default", {"flags": {"flag": one, "FLAG": one | {"defaultVariant": "on"}}}
    )
    stored = flag_sets(workspace).get("default")
    assert stored is not None
    assert [stored.flags.evaluate(key).value for key in ("flag", "FLAG")] == ["upper", "lower"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"on": "\\u0000"}}}}', "/flags/a/variants/on"),
        ('{"flags": {"a\\u0000": {"state": "ENABLED", "variants": {"on": true}}}}', "/flags"),
        (
            '{"flags": {"a": {"state": "ENABLED", "variants": {"on": {"x": 1e999}}}}}',
            "/flags/a/variants/on/x",
        ),
    ],
)
def test_what_no_database_keeps_is_refused_with_its_place_in_the_definition(
    workspace: Workspace, text: str, pointer: str
) -> None:
    with pytest.raises(FlagSetError) as caught:
        write_set(workspace, local_actor(), "default", text)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


def test_what_was_just_written_is_not_compiled_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(workspace, local_actor(), "default", definition())
    write_set(workspace, local_actor(), "other", definition(), bucketing="v3")

    def fail(*_: Any) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr("counterpoint.flags.ready_sets.shown_of", fail)
    sets = flag_sets(workspace)
    assert sets.get("default") is not None
    with workspace.graph.read() as reader:
        assert [(each.name, each.flags.bucketing) for each in read_sets(reader, compiled=sets)] == [
            ("default", "v2"),
            ("other", "v3"),
        ]
