"""Bets and decisions on both databases."""

from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint.bets.decisions import ReasonWantedError, decide, decisions
from counterpoint.bets.model import Stage, State
from counterpoint.bets.store import list_bets, may_write, names_of, read, write
from counterpoint.errors import InputError, NotAllowedError, NotFoundError, PreconditionError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph

ANA = Actor("user:default/ana", "Ana", "person")
BEN = Actor("user:default/ben", "Ben", "person")
REF = "bet:default/weekly"


def ours(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, "title": f"The {name}"},
        "spec": spec,
    }


def theirs(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def squads(graph: Graph) -> Graph:
    """Discovery, of which Ana is a member, with a purpose, a belief, metrics, a flag and an experiment."""
    flags = {
        "weekly-list": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "metadata": {"bet": REF},
        }
    }
    other = {"other": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}}
    documents = [
        theirs("Group", "discovery", type="squad", children=[]),
        theirs("Group", "player", type="squad", children=[]),
        theirs("User", "ana", memberOf=["discovery"]),
        theirs("User", "ben", memberOf=["player"]),
        ours("Purpose", "music", owner="discovery", statement="Music for everyone."),
        ours("Belief", "taste", owner="discovery", statement="Taste can be learned.", purpose="music"),
        ours("Metric", "retention", owner="discovery", direction="increase", event="play", aggregation="any"),
        ours("FlagSet", "default", owner="discovery", definition={"flags": flags | other}),
        ours(
            "Experiment",
            "weekly-test",
            owner="discovery",
            bet="weekly",
            flag="weekly-list",
            control="off",
            treatments=["on"],
            success=[{"metric": "retention"}],
        ),
    ]
    with graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)
    return graph


def weekly(**spec: Any) -> dict[str, Any]:
    return ours(
        "Bet",
        "weekly",
        owner="discovery",
        beliefs=["taste"],
        success=[{"metric": "retention", "expect": "up"}],
        guardrails=[{"metric": "start", "margin": 0.01}],
    ) | ({} if not spec else {"spec": {"owner": "discovery", **spec}})


def record_reading(graph: Graph, verdict: str, sentence: str = "Retention rose.") -> None:
    with graph.write(SYSTEM) as writer:
        writer.record(
            "experiment.read",
            "experiment:default/weekly-test",
            after={"verdict": verdict, "sentence": sentence, "metrics": []},
        )


def test_flags_that_are_defined_as_a_list_are_on_the_line_too(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    flag = {"key": "weekly-list", "state": "ENABLED", "variants": {"on": True}, "metadata": {"bet": REF}}
    with squads.write(SYSTEM) as writer:
        writer.put(ours("FlagSet", "mobile", owner="discovery", definition={"flags": [flag]}))
    assert ("mobile", "weekly-list") in [(node.flag_set, node.key) for node in read(squads, REF).flags]


def test_the_line_runs_from_purpose_to_reading(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    record_reading(squads, "ship")
    line = read(squads, REF)
    assert line.owner is not None
    assert (line.owner.ref, line.bet.title) == ("group:default/discovery", "The weekly")
    assert [(node.title, node.text) for node in line.purposes] == [("The music", "Music for everyone.")]
    assert [node.text for node in line.beliefs] == ["Taste can be learned."]
    assert [(item.metric.ref, item.role, item.metric.exists) for item in line.measures] == [
        ("metric:default/retention", "success", True),
        ("metric:default/start", "guardrail", False),
    ]
    assert [(flag.flag_set, flag.key, sorted(flag.variants)) for flag in line.flags] == [
        ("default", "weekly-list", ["off", "on"])
    ]
    assert [(test.experiment.ref, test.flag) for test in line.tests] == [
        ("experiment:default/weekly-test", "weekly-list")
    ]
    assert line.verdict is not None
    assert (line.verdict.verdict, line.verdict.sentence, line.verdict.title) == (
        "ship",
        "Retention rose.",
        "The weekly-test",
    )


def test_the_list_holds_every_bet_with_what_it_lacks(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    write(squads, ours("Bet", "another", owner="player"), actor=BEN)
    page = list_bets(squads)
    assert [line.bet.name for line in page.items] == ["another", "weekly"]
    assert page.total == 2
    assert "hypothesis" in {item.code for item in page.items[0].advice}
    assert [line.bet.name for line in list_bets(squads, owner="player").items] == ["another"]


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"owner": "nobody"}, "/spec/owner"),
        ({"owner": ""}, "/spec/owner"),
        ({}, "/spec/owner"),
        ({"owner": "discovery", "stage": "never"}, "/spec/stage"),
    ],
)
def test_a_bet_needs_an_owner_that_exists(squads: Graph, spec: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputError) as failure:
        write(squads, ours("Bet", "weekly", **spec), actor=ANA)
    assert [problem.pointer for problem in failure.value.problems] == [pointer]
    assert list_bets(squads).total == 0


def test_another_kind_of_document_is_refused(squads: Graph) -> None:
    with pytest.raises(InputError) as failure:
        write(squads, ours("Goal", "weekly", owner="discovery"), actor=ANA)
    assert failure.value.problems[0].pointer == "/kind"


def test_a_new_bet_does_not_replace_one_of_the_same_name(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA, new=True)
    with pytest.raises(InputError, match="cannot be stored") as failure:
        write(squads, weekly(kill="never"), actor=ANA, new=True)
    assert failure.value.problems[0].pointer == "/metadata/name"


def test_a_change_of_an_older_version_is_refused(squads: Graph) -> None:
    first = write(squads, weekly(), actor=ANA)
    write(squads, weekly(kill="Nobody opens it."), actor=ANA, if_match=[first.bet.etag])
    with pytest.raises(PreconditionError):
        write(squads, weekly(kill="Something else."), actor=ANA, if_match=[first.bet.etag])


def test_only_the_owner_edits_and_decides(squads: Graph) -> None:
    line = write(squads, weekly(), actor=ANA)
    assert may_write(squads, line, ANA).allow
    assert not may_write(squads, line, BEN).allow
    with pytest.raises(NotAllowedError):
        write(squads, weekly(kill="Now."), actor=BEN)
    with pytest.raises(NotAllowedError):
        decide(squads, REF, "persevere", actor=BEN)
    assert decisions(squads, REF) == ()


def test_a_decision_moves_the_bet_and_is_told_in_the_activity_log(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    made = decide(squads, REF, "advance", actor=ANA, reason="Seven of ten wanted it.")
    assert (made.stage_before, made.stage_after, made.override) == (Stage.THINK, Stage.BUILD, False)
    line = read(squads, REF)
    assert line.bet.stage is Stage.BUILD
    assert line.decisions == (made,)
    with squads.read() as reader:
        newest = reader.activity(action="bet.decided")[0]
    assert (newest.subject, newest.actor, newest.reason) == (
        REF,
        "user:default/ana",
        "Seven of ten wanted it.",
    )
    assert newest.before == {"stage": "think", "state": "active"}
    assert newest.after == {
        "stage": "build",
        "state": "active",
        "choice": "advance",
        "override": False,
        "decision": made.id,
        "verdicts": [],
    }


def test_a_decision_that_moves_nothing_is_recorded_too(squads: Graph) -> None:
    before = write(squads, weekly(), actor=ANA)
    decide(squads, REF, "persevere", actor=ANA)
    after = read(squads, REF)
    assert after.bet.etag == before.bet.etag
    assert [item.choice for item in after.decisions] == ["persevere"]


def test_an_override_asks_for_a_reason_and_is_then_recorded(squads: Graph) -> None:
    write(squads, weekly(stage="ship"), actor=ANA)
    record_reading(squads, "do not ship", "Retention fell.")
    with pytest.raises(ReasonWantedError) as asked:
        decide(squads, REF, "ship", actor=ANA, reason="  ")
    assert asked.value.problems[0].pointer == "/reason"
    assert decisions(squads, REF) == ()
    made = decide(squads, REF, "ship", actor=ANA, reason="The drop is one broken client.")
    assert made.override
    assert "Retention fell." in made.known.overrides[0]


def test_a_reason_that_is_wanted_leaves_the_bet_where_it_was(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    with pytest.raises(ReasonWantedError):
        decide(squads, REF, "ship", actor=ANA)
    assert read(squads, REF).bet.stage is Stage.THINK


def test_a_decision_keeps_what_was_known_that_day(squads: Graph) -> None:
    written = write(squads, weekly(stage="ship"), actor=ANA)
    record_reading(squads, "ship", "Retention rose by 3 %.")
    made = decide(squads, REF, "ship", actor=ANA)
    record_reading(squads, "do not ship", "Retention fell after all.")
    write(squads, weekly(stage="ship", hypothesis="Another one.", kill="Now."), actor=ANA)
    kept = decisions(squads, REF)[0]
    assert kept == made
    assert [(item.verdict, item.sentence) for item in kept.known.readings] == [
        ("ship", "Retention rose by 3 %.")
    ]
    assert kept.known.etag == written.bet.etag
    assert "No hypothesis" in kept.known.advice


@pytest.mark.parametrize(
    "change", ["UPDATE bets_decisions SET reason = 'better'", "DELETE FROM bets_decisions"]
)
def test_the_database_refuses_to_change_a_decision(squads: Graph, change: str) -> None:
    write(squads, weekly(), actor=ANA)
    made = decide(squads, REF, "persevere", actor=ANA)
    with pytest.raises(sa.exc.DBAPIError, match="recorded decision"), squads.write(SYSTEM) as writer:
        writer.connection.execute(sa.text(change))
    assert decisions(squads, REF) == (made,)


def test_a_killed_bet_keeps_its_stage_and_may_be_opened_again(squads: Graph) -> None:
    write(squads, weekly(stage="build"), actor=ANA)
    decide(squads, REF, "kill", actor=ANA)
    assert (read(squads, REF).bet.stage, read(squads, REF).bet.state) == (Stage.BUILD, State.KILLED)
    with pytest.raises(ReasonWantedError):
        decide(squads, REF, "persevere", actor=ANA)
    decide(squads, REF, "persevere", actor=ANA, reason="The blocker went away.")
    assert read(squads, REF).bet.state is State.ACTIVE


@pytest.mark.parametrize(
    ("choice", "to", "pointer"),
    [("celebrate", None, "/choice"), ("", None, "/choice"), ("advance", Stage.THINK, "/to")],
)
def test_what_is_no_decision_is_refused_with_its_place(
    squads: Graph, choice: str, to: Stage | None, pointer: str
) -> None:
    write(squads, weekly(stage="build"), actor=ANA)
    with pytest.raises(InputError) as failure:
        decide(squads, REF, choice, actor=ANA, to=to)
    assert failure.value.problems[0].pointer == pointer


@pytest.mark.parametrize("ref", ["bet:default/none", "experiment:default/weekly-test"])
def test_what_is_no_bet_is_not_found(squads: Graph, ref: str) -> None:
    with pytest.raises(NotFoundError):
        read(squads, ref)
    with pytest.raises(NotFoundError):
        decide(squads, ref, "ship", actor=SYSTEM)


def test_names_for_a_field_leave_out_the_default_namespace(squads: Graph) -> None:
    assert names_of(squads, "Group") == ("discovery", "player")


def test_the_reason_of_a_decision_has_a_length_and_no_nul(squads: Graph) -> None:
    write(squads, weekly(), actor=ANA)
    with pytest.raises(InputError) as caught:
        decide(squads, REF, "persevere", actor=ANA, reason="x" * 10_001)
    assert [each.pointer for each in caught.value.problems] == ["/reason"]
    assert decide(squads, REF, "persevere", actor=ANA, reason="We\x00 wait.").reason == "We wait."
