"""Rollouts in a workspace: publishing and recording are one, and whoever acts comes to the same."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.flags.composing import compose, kill, ramp, read_plans, revive
from counterpoint.flags.composition import CompositionError, FlagPlan
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph.actor import SYSTEM, Actor, local_actor
from counterpoint.graph.descriptor import validate
from counterpoint.rollouts import controller, store
from counterpoint.rollouts.acting import ReasonWantedError
from counterpoint.rollouts.controller import check, commit, step, step_all
from counterpoint.rollouts.deciding import event_of
from counterpoint.rollouts.judging import Observed
from counterpoint.rollouts.log import MovedOnError, under_way
from counterpoint.rollouts.model import ACTIVE, TRANSITIONS
from counterpoint.rollouts.outcome import ENDS

from .conftest import HOUR, NOW, PLANS, ROLLOUT, document, happened, observed_of

REF = "rollout:default/weekly"
ANA = local_actor()


def plan_in(workspace: Workspace) -> FlagPlan:
    with workspace.graph.read() as reader:
        return read_plans(reader, "default")[0].flags["weekly-list"]


def ramp_in(workspace: Workspace) -> float:
    return plan_in(workspace).ramp / 1000


def treated(workspace: Workspace, users: int = 400) -> dict[str, str | None]:
    with workspace.graph.read() as reader:
        flags = read_set(reader, "default").flags
    return {
        f"u{user}": flags.evaluate("weekly-list", {"targetingKey": f"u{user}"}).variant
        for user in range(users)
    }


def phase_of(workspace: Workspace) -> str:
    return store.load(workspace, "weekly").state.phase


def put(workspace: Workspace, *documents: dict) -> None:
    with workspace.graph.write(ANA) as writer:
        for each in documents:
            writer.put(each)


def test_a_rollout_goes_from_its_start_to_its_end(either: Workspace, seen: Callable[..., None]) -> None:
    store.command(either, ANA, "weekly", "start", now=NOW)
    assert (ramp_in(either), plan_in(either).guarded, plan_in(either).rollout) == (1, True, REF)
    moment = NOW
    for users, wanted in ((500, 10), (5_000, 50), (50_000, 100)):
        moment += HOUR
        seen(observed_of(moment, users=users))
        if wanted == 10:
            assert [event.kind for event in step(either, REF, now=moment)] == ["held"]
            store.command(either, ANA, "weekly", "approve", now=moment)
        kinds = [event.kind for event in step(either, REF, now=moment)]
        assert kinds == (["advanced"] if wanted < 100 else ["advanced", "completed"])
        assert ramp_in(either) == wanted
    loaded = store.load(either, "weekly")
    assert (loaded.state.phase, plan_in(either).rollout, plan_in(either).guarded) == (
        "completed",
        None,
        False,
    )
    assert [event.sequence for event in loaded.events] == list(range(1, len(loaded.events) + 1))
    moved = [event for event in loaded.events if event.kind == "advanced"]
    assert all(event.figures is not None and event.actor == SYSTEM.ref for event in moved)


def test_harm_gives_everybody_the_default_and_says_what_was_seen(
    either: Workspace, seen: Callable[..., None]
) -> None:
    store.command(either, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))
    (event,) = step(either, REF, now=NOW + HOUR / 60)
    assert (event.kind, ramp_in(either)) == ("rolled-back", 0)
    assert set(treated(either).values()) == {"off"}
    with either.graph.read() as reader:
        logged = reader.activity(subject=REF, action="rollout.rolled-back")[0]
        versions = reader.activity(subject="flagset:default/default", limit=1)
    assert logged.after["figures"]["guardrails"] == {"crashed": "fail"}
    assert "'crashed' is worse" in (logged.reason or "")
    assert (
        versions[0].reason == f"Weekly list: {event.reason}"
        or versions[0].reason == f"weekly: {event.reason}"
    )


def test_a_restart_has_the_same_users(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    store.command(org, ANA, "weekly", "proceed", reason="For the test.", now=NOW)
    first = treated(org)
    assert 10 < list(first.values()).count("on") < 80
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    assert set(treated(org).values()) == {"off"}
    store.command(org, ANA, "weekly", "start", reason="The build is mended.", now=NOW + HOUR)
    store.command(org, ANA, "weekly", "proceed", reason="For the test.", now=NOW + HOUR)
    assert treated(org) == first
    state = store.load(org, "weekly").state
    assert (state.run, state.started) == (2, NOW + HOUR)


def test_a_larger_step_only_adds_users_and_measured_arms_grow_alike(org: Workspace) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    before = treated(org, 2_000)
    for _ in range(2):
        store.command(org, ANA, "weekly", "proceed", reason="For the test.", now=NOW)
        after = treated(org, 2_000)
        for arm in ("on", "control"):
            assert {user for user, got in before.items() if got == arm} <= {
                user for user, got in after.items() if got == arm
            }
        before = after
    arms = list(before.values())
    assert abs(arms.count("on") - arms.count("control")) < 150


def test_two_controllers_cannot_both_act(either: Workspace, seen: Callable[..., None]) -> None:
    store.command(either, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))
    first, second = check(either, REF, now=NOW), check(either, REF, now=NOW)
    assert first is not None
    assert second is not None
    for found in (first, second):
        event = event_of(found.move, found.state, now=NOW, actor=SYSTEM.ref, figures=found.figures)
        if found is second:
            version = read_version(either)
            with pytest.raises(MovedOnError, match="moved on"):
                commit(either, SYSTEM, REF, found.state, event)
            assert read_version(either) == version
        else:
            commit(either, SYSTEM, REF, found.state, event)
    assert len(store.load(either, "weekly").events) == 2


def read_version(workspace: Workspace) -> str:
    with workspace.graph.read() as reader:
        return reader.require("flagset:default/default").etag


def test_a_person_who_looked_before_the_controller_acted_is_told(
    org: Workspace, seen: Callable[..., None]
) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))
    step(org, REF, now=NOW)
    with pytest.raises(ConflictError, match="is rolled-back now"):
        store.command(org, ANA, "weekly", "proceed", reason="Go.", sequence=1, now=NOW)


def test_a_check_that_changed_nothing_is_in_nobodys_way(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW))
    assert [event.kind for event in step(org, REF, now=NOW)] == ["checked"]
    assert store.command(org, ANA, "weekly", "pause", sequence=1, now=NOW).sequence == 3


@pytest.mark.parametrize("sequence", [1, None])
def test_a_check_noted_while_a_command_reads_its_figures_is_in_nobodys_way(
    org: Workspace, seen: Callable[..., None], monkeypatch: pytest.MonkeyPatch, sequence: int | None
) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW))

    def slow(workspace: Workspace, ref: str, **moment: object) -> object:
        found = check(workspace, ref, now=NOW)
        step(org, REF, now=NOW)  # the controller is quicker; its second check finds nothing to note
        return found

    monkeypatch.setattr(store, "check", slow)
    event = store.command(org, ANA, "weekly", "proceed", reason="Go.", sequence=sequence, now=NOW)
    assert (event.kind, event.sequence) == ("advanced", 3)


def test_a_move_made_while_a_command_reads_its_figures_is_told(
    org: Workspace, seen: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))

    def slow(workspace: Workspace, ref: str, **moment: object) -> object:
        found = check(workspace, ref, now=NOW)
        step(org, REF, now=NOW)
        return found

    monkeypatch.setattr(store, "check", slow)
    with pytest.raises(ConflictError, match="moved on"):
        store.command(org, ANA, "weekly", "proceed", reason="Go.", now=NOW)
    assert phase_of(org) == "rolled-back"


def test_what_happened_is_neither_changed_nor_deleted(either: Workspace) -> None:
    store.command(either, ANA, "weekly", "start", now=NOW)
    for statement in ("UPDATE rollouts_event SET kind = 'x'", "DELETE FROM rollouts_event"):
        with pytest.raises(sa.exc.DBAPIError), either.graph.write(ANA) as writer:
            writer.connection.execute(sa.text(statement))
    assert len(store.load(either, "weekly").events) == 1


def test_a_dry_run_writes_nothing(org: Workspace) -> None:
    version = read_version(org)
    event = store.command(org, ANA, "weekly", "start", dry_run=True, now=NOW)
    assert (event.kind, event.percent, phase_of(org), read_version(org)) == ("started", 1, "pending", version)
    store.command(org, ANA, "weekly", "start", now=NOW)
    store.command(org, ANA, "weekly", "pause", dry_run=True, now=NOW)
    assert phase_of(org) == "running"


def test_edits_of_a_moved_flag_go_through_with_a_reason_and_pause_the_rollout(
    org: Workspace, seen: Callable[..., None]
) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    with pytest.raises(CompositionError, match="A rollout moves 'weekly-list'") as caught:
        ramp(org, ANA, "default", "weekly-list", 20)
    assert caught.value.problems[0].pointer == "/reason"
    with pytest.raises(CompositionError, match="A rollout moves"):
        compose(org, ANA, "default", PLANS)
    ramp(org, ANA, "default", "weekly-list", 20, reason="A demo for the board.")
    assert ramp_in(org) == 20
    (event,) = step(org, REF, now=NOW)
    assert (event.kind, ramp_in(org)) == ("paused", 20)
    assert "set to 20 % by hand, and the step is 1 %" in event.reason
    store.command(org, ANA, "weekly", "resume", now=NOW)
    assert (phase_of(org), ramp_in(org)) == ("running", 1)
    assert plan_in(org).rollout == REF


def test_plans_that_do_not_change_a_moved_flag_need_no_reason(org: Workspace) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    other = {**PLANS["flags"]["weekly-list"]}
    flags = {**PLANS["flags"], "weekly-list": {**other, "ramp": 1, "guarded": True}}
    compose(org, ANA, "default", {"flags": flags})
    assert plan_in(org).rollout == REF


def test_a_kill_needs_no_reason_and_the_rollout_leaves_it(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    kill(org, ANA, "default", "weekly-list")
    assert [event.kind for event in step(org, REF, now=NOW)] == ["paused"]
    with pytest.raises(ConflictError, match="Revive it first"):
        store.command(org, ANA, "weekly", "resume", now=NOW)
    revive(org, ANA, "default", "weekly-list")
    store.command(org, ANA, "weekly", "resume", now=NOW)
    assert phase_of(org) == "running"


def test_a_flag_edited_by_hand_is_left_and_can_still_be_taken_back(
    org: Workspace, seen: Callable[..., None]
) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    flags = {
        "weekly-list": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
    }
    write_set(org, ANA, "default", {"flags": flags})
    assert [event.kind for event in step(org, REF, now=NOW)] == ["paused"]
    assert set(treated(org, 5).values()) == {"on"}
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    assert phase_of(org) == "rolled-back"
    assert set(treated(org, 5).values()) == {None}


def test_a_flag_that_is_gone_can_be_taken_back_too(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    write_set(org, ANA, "default", {"flags": {}})
    assert [event.kind for event in step(org, REF, now=NOW)] == ["paused"]
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    assert phase_of(org) == "rolled-back"


def test_only_one_rollout_moves_a_flag(org: Workspace) -> None:
    put(org, document("Rollout", "other", ROLLOUT))
    store.command(org, ANA, "weekly", "start", now=NOW)
    with pytest.raises(ConflictError, match="rollout:default/weekly moves the flag"):
        store.command(org, ANA, "other", "start", now=NOW)
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    store.command(org, ANA, "other", "start", now=NOW)
    assert plan_in(org).rollout == "rollout:default/other"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"default": "off", "treatment": "on"}, "no measured control"),
        ({"default": "off", "treatments": {"on": 1, "more": 1}, "control": "control"}, "2 treatments"),
    ],
)
def test_a_flag_that_cannot_be_moved_says_what_to_write(org: Workspace, plan: dict, words: str) -> None:
    variants = {"on": True, "more": True, "off": False, "control": False}
    compose(org, ANA, "default", {"flags": {"weekly-list": {"variants": variants, **plan}}})
    with pytest.raises(ConflictError, match=words):
        store.command(org, ANA, "weekly", "start", now=NOW)
    assert phase_of(org) == "pending"


@pytest.mark.parametrize(
    ("plan", "words"),
    [({"flag": "unplanned"}, "has no plan. Write one"), ({"flagSet": "nowhere"}, "'nowhere'")],
)
def test_a_rollout_of_a_flag_without_a_plan_says_how_to_give_it_one(
    org: Workspace, plan: dict, words: str
) -> None:
    with org.graph.write(ANA) as writer:
        writer.put(document("Rollout", "weekly", {**ROLLOUT, **plan}))
    with pytest.raises(ConflictError, match=words) as caught:
        store.command(org, ANA, "weekly", "start", now=NOW)
    assert "rollout:default/weekly cannot move the flag" in caught.value.message
    assert phase_of(org) == "pending"


@pytest.mark.parametrize("ending", ["roll-back", "complete"])
def test_to_begin_again_asks_why_and_a_dry_run_says_what_it_does(org: Workspace, ending: str) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    store.command(org, ANA, "weekly", ending, reason="It is good.", now=NOW)
    with pytest.raises(ReasonWantedError, match="a dry run shows"):
        store.command(org, ANA, "weekly", "start", now=NOW)
    shown = store.command(org, ANA, "weekly", "start", dry_run=True, now=NOW)
    assert (shown.kind, shown.percent) == ("started", 1)
    assert "begins again at 1 % with the same users" in shown.reason
    assert ("lose the change" in shown.reason) == (ending == "complete")
    assert phase_of(org) != "running"
    store.command(org, ANA, "weekly", "start", reason="A new build.", now=NOW)
    assert (phase_of(org), ramp_in(org)) == ("running", 1)


def test_somebody_else_may_look_and_not_act(org: Workspace) -> None:
    stranger = Actor("user:default/bo", "Bo", "person")
    for wanted in ("start",):
        with pytest.raises(NotAllowedError):
            store.command(org, stranger, "weekly", wanted, now=NOW)
    store.command(org, ANA, "weekly", "start", now=NOW)
    for wanted in ("approve", "pause", "roll-back"):
        with pytest.raises(NotAllowedError):
            store.command(org, stranger, "weekly", wanted, now=NOW)
    assert (phase_of(org), ramp_in(org)) == ("running", 1)


def test_a_plan_edited_while_it_runs_counts_from_the_next_start(org: Workspace) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    put(org, document("Rollout", "weekly", {**ROLLOUT, "steps": [{"percent": 2, "hold": "1h"}]}))
    loaded = store.load(org, "weekly")
    assert len(loaded.plan.steps) == 4
    assert any("edited since it started" in note for note in loaded.notes)
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    store.command(org, ANA, "weekly", "start", reason="The new plan.", now=NOW)
    assert len(store.load(org, "weekly").plan.steps) == 1


def test_a_deleted_rollout_goes_on_and_can_be_taken_back(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    with org.graph.write(ANA) as writer:
        writer.delete(REF)
    assert store.status_of(org, "weekly", now=NOW).notes[0].startswith("The rollout was deleted")
    store.command(org, ANA, "weekly", "roll-back", now=NOW)
    assert ramp_in(org) == 0


def test_figures_come_from_the_journal(org: Workspace) -> None:
    start = NOW - timedelta(minutes=10)
    store.command(org, ANA, "weekly", "start", now=start)
    org.journal.append(happened(1_200, at=NOW, crashed=0.1, treated=0.1))
    status = store.status_of(org, "weekly", now=NOW)
    assert status.figures is not None
    assert (status.figures.control_users, status.figures.treatment_users) == (600, 600)
    assert status.figures.guardrails[0].control_mean == pytest.approx(0.1)
    org.journal.append(happened(1_200, at=NOW, crashed=0.1, treated=0.6, first=1_200))
    (event,) = step(org, REF, now=NOW)
    assert (event.kind, ramp_in(org)) == ("rolled-back", 0)


def test_exposures_before_the_start_do_not_count(org: Workspace) -> None:
    org.journal.append(happened(400, at=NOW - HOUR, crashed=0.1, treated=0.9))
    store.command(org, ANA, "weekly", "start", now=NOW)
    figures = store.status_of(org, "weekly", now=NOW + HOUR / 60).figures
    assert figures is not None
    assert (figures.control_users, figures.treatment_users) == (0, 0)


def test_all_that_is_under_way_is_stepped_and_nothing_else(org: Workspace, seen: Callable[..., None]) -> None:
    assert step_all(org, now=NOW) == {}
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))
    assert list(step_all(org, now=NOW)) == [REF]
    assert step_all(org, now=NOW) == {}


def test_a_fault_of_ours_in_one_rollout_keeps_no_other_from_its_check(
    org: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def fail_first(workspace: Workspace, ref: str, **moment: object) -> list[object]:
        checked.append(ref)
        if ref == "rollout:default/a":
            raise ZeroDivisionError
        return []

    monkeypatch.setattr(controller, "under_way", lambda reader: ["rollout:default/a", "rollout:default/b"])
    monkeypatch.setattr(controller, "step", fail_first)
    with pytest.raises(ZeroDivisionError):
        step_all(org, now=NOW, failed=lambda ref, error: None)
    assert checked == ["rollout:default/a", "rollout:default/b"]


def test_many_steps_without_time_keep_no_other_rollout_waiting(org: Workspace) -> None:
    """Sixty of them take four checks, the last of which finds nothing to do."""
    steps = [{"percent": n + 1, "hold": "0s", "monitored": False} for n in range(60)]
    with org.graph.write(local_actor()) as writer:
        writer.put(document("Rollout", "weekly", {**ROLLOUT, "steps": steps}))
    store.command(org, local_actor(), "weekly", "start", now=NOW)
    kinds = [[event.kind for event in step(org, REF, now=NOW)] for _ in range(4)]
    assert [len(each) for each in kinds] == [20, 20, 20, 0]
    assert kinds[2][-1] == "completed"
    assert store.load(org, "weekly").state.percent == 60


def test_a_metric_that_is_deleted_under_way_stops_nothing_and_nothing_is_forgotten(
    org: Workspace, seen: Callable[..., None]
) -> None:
    """The plan of a run is fixed at its start, with what its metrics are."""
    store.command(org, local_actor(), "weekly", "start", now=NOW)
    with org.graph.write(local_actor()) as writer:
        writer.delete("metric:default/crashed")
    seen(observed_of(NOW + HOUR, treatment=0.4))
    (event,) = step(org, REF, now=NOW + HOUR)
    assert (event.kind, event.rule) == ("rolled-back", "a guardrail failed")
    with pytest.raises(InputError, match="do not exist"):
        store.command(org, local_actor(), "weekly", "start", reason="Again.", now=NOW + HOUR)
    assert store.load(org, "weekly").state.phase == "rolled-back"
    (note,) = store.load(org, "weekly").notes
    assert "Mend it before you start it again" in note


def test_what_is_completed_can_be_taken_back_though_its_metric_is_gone(org: Workspace) -> None:
    for wanted in ("start", "complete"):
        store.command(org, local_actor(), "weekly", wanted, reason="Now.", now=NOW)
    with org.graph.write(local_actor()) as writer:
        writer.delete("metric:default/crashed")
    store.command(org, local_actor(), "weekly", "roll-back", now=NOW)
    assert (phase_of(org), ramp_in(org)) == ("rolled-back", 0)


def test_nobody_gets_more_while_nobody_watches(org: Workspace, seen: Callable[..., None]) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    assert ramp_in(org) == 1
    seen(Observed())
    assert [event.kind for event in step(org, REF, now=NOW + 1_000 * HOUR)] == ["held"]
    assert ramp_in(org) == 1


def test_the_organisations_template_gives_what_is_left_out(org: Workspace) -> None:
    put(
        org,
        document("RolloutTemplate", "default", {"alpha": 0.01, "steps": [{"percent": 5, "hold": "30m"}]}),
        document("Rollout", "short", {"flag": "weekly-list", "guardrails": ROLLOUT["guardrails"]}),
    )
    plan = store.load(org, "short").plan
    assert (plan.alpha, [step.percent for step in plan.steps], plan.template) == (
        0.01,
        [5],
        "rollouttemplate:default/default",
    )
    put(org, document("Rollout", "odd", {"flag": "weekly-list", "template": "careful"}))
    with pytest.raises(InputError) as caught:
        store.load(org, "odd")
    assert caught.value.problems[0].pointer == "/spec/template"


def test_names_that_are_not_there_tell_near_ones(org: Workspace) -> None:
    with pytest.raises(NotFoundError, match="did you mean weekly"):
        store.load(org, "wekly")
    with pytest.raises(InputError, match="is no rollout"):
        store.load(org, "bet:default/x")
    put(org, document("Rollout", "odd", {"flag": "x", "guardrails": [{"metric": "crashd", "margin": 0.1}]}))
    with pytest.raises(InputError) as caught:
        store.load(org, "odd")
    assert "did you mean crashed" in caught.value.problems[0].message


def test_the_list_says_where_each_stands(org: Workspace) -> None:
    (listed,) = store.list_rollouts(org).items
    assert (listed.phase, listed.percent, listed.steps, listed.changed) == ("pending", 0, 4, None)
    store.command(org, ANA, "weekly", "start", reason="The build is out.", now=NOW)
    (listed,) = store.list_rollouts(org).items
    assert (listed.phase, listed.percent, listed.reason, listed.changed) == (
        "running",
        1,
        "The build is out.",
        NOW,
    )


def test_a_rollout_that_cannot_be_read_hides_no_other_from_the_list(org: Workspace) -> None:
    put(org, document("Rollout", "odd", {"flag": "x", "template": "nowhere"}))
    odd, weekly = store.list_rollouts(org).items
    assert (weekly.name, weekly.steps) == ("weekly", 4)
    assert (odd.phase, odd.steps) == ("pending", 0)
    assert "There is no rollouttemplate:default/nowhere" in odd.reason


def test_a_reason_has_a_length(org: Workspace) -> None:
    with pytest.raises(InputError, match="Nothing was changed"):
        store.command(org, ANA, "weekly", "start", reason="x" * 10_001, now=NOW)


@pytest.mark.parametrize("percent", [4.094, 0.001, 33.333, 8.19])
def test_a_share_with_three_decimals_is_one_however_a_float_holds_it(percent: float) -> None:
    steps = [{"percent": percent}, {"percent": 100, "hold": "0s"}]
    guardrails = [{"metric": "crashed", "margin": 0.1}]
    written = document("Rollout", "fine", {"flag": "x", "steps": steps, "guardrails": guardrails})
    assert [each for each in validate(written) if "decimals" in each.message] == []


def test_a_watch_with_nothing_under_way_reads_no_event(
    either: Workspace, seen: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch looks each minute, so what has ended must cost nothing however long its log is."""
    store.command(either, ANA, "weekly", "start", now=NOW)
    with either.graph.read() as reader:
        assert under_way(reader) == [REF]
    store.command(either, ANA, "weekly", "pause", now=NOW)
    with either.graph.read() as reader:
        assert under_way(reader) == [REF]
    store.command(either, ANA, "weekly", "roll-back", now=NOW)
    monkeypatch.setattr(msgspec.json, "decode", None)
    assert step_all(either, now=NOW + HOUR) == {}


def test_what_ends_a_rollout_is_what_leads_out_of_every_phase_that_is_watched() -> None:
    assert {kind for kind, (_, phase) in TRANSITIONS.items() if phase not in (ACTIVE | {None})} == ENDS
    # So the newest event alone says whether one is under way: what stays in its phase happens in no other.
    assert all(allowed <= ACTIVE for allowed, phase in TRANSITIONS.values() if phase is None)
