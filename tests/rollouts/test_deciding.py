"""What the rules say, one situation after another."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace as with_

from counterpoint.errors import ConflictError
from counterpoint.rollouts.acting import COMMANDS, ReasonWantedError, act, commands_for, read_command
from counterpoint.rollouts.deciding import RULES, FlagFacts, Move, decide, event_of
from counterpoint.rollouts.judging import Observed, judge
from counterpoint.rollouts.model import TRANSITIONS, Event, Guardrail, Rollout, State, apply, state_of

from .conftest import CRASHED, HOUR, NOW, observed_of, plan_of


def started(plan: Rollout, at: datetime = NOW) -> State:
    move = act(plan, State(), "start", None)
    event = event_of(move, State(), now=at, actor="user:default/ana", figures=None)
    return apply(State(), with_(event, plan=plan))


def flag_of(state: State, plan: Rollout) -> FlagFacts:
    return FlagFacts("driven", state.percent, plan.salt)


def look(
    plan: Rollout, state: State, now: datetime, observed: Observed, flag: FlagFacts | None = None
) -> tuple[Move, State]:
    """What the controller does, and where that leads."""
    figures = judge(plan, state, observed, now)
    move = decide(plan, state, figures, flag or flag_of(state, plan), now)
    if move.kind is None:
        return move, state
    event = event_of(move, state, now=now, actor="system", figures=figures)
    return move, apply(state, event)


def at_step(plan: Rollout, index: int) -> State:
    state = started(plan)
    return with_(state, step=index, percent=plan.steps[index].percent)


def test_a_start_publishes_the_first_step() -> None:
    state = started(plan_of())
    assert (state.phase, state.step, state.percent, state.run) == ("running", 0, 1, 1)
    assert state.started == state.since == NOW


def test_nothing_happens_before_a_step_has_lasted_its_time() -> None:
    plan = plan_of()
    move, state = look(plan, started(plan), NOW + HOUR / 2, observed_of(NOW + HOUR / 2))
    assert (move.kind, move.rule) == ("checked", "its time is not over")
    again, _ = look(plan, state, NOW + HOUR / 2, observed_of(NOW + HOUR / 2))
    assert again.kind is None


def test_a_step_ends_when_its_time_is_over_and_no_harm_is_shown() -> None:
    plan = with_(plan_of(), steps=(plan_of().steps[0], plan_of().steps[2]))
    later = NOW + HOUR
    move, state = look(plan, started(plan), later, observed_of(later, users=150))
    assert (move.kind, state.percent, state.since) == ("advanced", 50, later)
    assert move.reason == "No harm is shown at 1 %."


def test_an_approval_that_is_wanted_holds_until_it_is_given() -> None:
    plan = plan_of()
    later = NOW + HOUR
    move, state = look(plan, started(plan), later, observed_of(later))
    assert (move.kind, state.trouble) == ("held", "approval")
    assert look(plan, state, later + 900 * HOUR, observed_of(later + 900 * HOUR))[0].kind is None
    approved = apply(
        state, event_of(act(plan, state, "approve", None), state, now=later, actor="a", figures=None)
    )
    move, state = look(plan, approved, later, observed_of(later))
    assert (move.kind, state.step, state.approved) == ("advanced", 1, False)


def test_harm_beyond_the_margin_takes_the_change_back_at_once() -> None:
    plan = plan_of()
    move, state = look(plan, started(plan), NOW + HOUR / 10, observed_of(NOW + HOUR / 10, treatment=0.3))
    assert (move.kind, move.percent, state.phase) == ("rolled-back", 0.0, "rolled-back")
    assert move.reason.startswith("'crashed' is worse by more than its margin of 50 %: +200 %, between +")


def test_a_guardrail_may_pause_instead() -> None:
    plan = plan_of(guardrails=(Guardrail(metric=CRASHED, margin=0.5, action="pause"),))
    move, state = look(plan, started(plan), NOW, observed_of(NOW, treatment=0.3))
    assert (move.kind, move.percent, state.phase, state.percent) == ("paused", None, "paused", 1)


def test_harm_is_not_seen_in_too_few_users() -> None:
    plan = plan_of()
    move, _ = look(plan, started(plan), NOW, observed_of(NOW, users=99, treatment=0.9))
    assert move.kind == "checked"


@pytest.mark.parametrize(
    ("observed", "trouble"),
    [
        (Observed(), "missing"),
        (observed_of(NOW - HOUR), "missing"),
        (observed_of(NOW + HOUR / 4), "stale"),
        (replace(observed_of(NOW + 2 * HOUR), silent=("crashed",)), "stale"),
        (observed_of(NOW + 2 * HOUR, users=2_000, treated=1_000), "sample ratio"),
        (observed_of(NOW + 2 * HOUR, users=60), "too few users"),
        (observed_of(NOW + 2 * HOUR, control=0.0, treatment=0.0), "missing"),
    ],
)
def test_what_cannot_be_judged_holds_and_after_a_limit_goes_back(observed: Observed, trouble: str) -> None:
    plan, later = plan_of(), NOW + 2 * HOUR
    move, state = look(plan, started(plan), later, observed)
    assert (move.kind, state.phase, state.trouble, state.trouble_since) == ("held", "holding", trouble, later)
    day = timedelta(days=1)
    fresh = (
        replace(observed, last_exposure=later + day)
        if trouble != "missing" and (trouble != "stale" or observed.silent)
        else observed
    )
    if trouble == "missing" and observed.pairs:
        fresh = replace(observed, last_exposure=observed.last_exposure)
    assert look(plan, state, later + day - timedelta(seconds=1), fresh)[1].phase == "holding"
    move, state = look(plan, state, later + day, fresh)
    assert (move.kind, move.percent) == ("rolled-back", 0.0)
    assert move.reason.startswith("For 1 day it could not be judged: ")


def test_a_guardrail_that_falls_silent_is_named_and_a_person_may_go_on_without_it() -> None:
    plan, observed = plan_of(), replace(observed_of(NOW), silent=("crashed",))
    move, state = look(plan, started(plan), NOW, observed)
    assert move.reason == "No event of 'crashed' has come for too long, so calm figures say nothing."
    figures = judge(plan, state, observed, NOW)
    with pytest.raises(ReasonWantedError, match="'crashed'"):
        act(plan, state, "proceed", figures)
    went = act(plan, state, "proceed", figures, reason="The new client sends no crashes yet.")
    assert went.overridden == ("crashed",)
    state = apply(state, event_of(went, state, now=NOW, actor="a", figures=figures))
    assert look(plan, state, NOW, observed)[0].kind is None


def test_trouble_that_ends_before_its_limit_is_forgotten() -> None:
    plan = plan_of()
    half = NOW + HOUR / 2
    _, state = look(plan, started(plan), half, observed_of(half, treated=1_000))
    assert state.trouble == "sample ratio"
    move, state = look(plan, state, half, observed_of(half))
    assert (move.kind, state.phase, state.trouble) == ("cleared", "running", None)


def test_one_trouble_after_another_shares_one_limit() -> None:
    plan, later = plan_of(), NOW + 2 * HOUR
    _, state = look(plan, started(plan), later, Observed())
    half = later + timedelta(hours=12)
    move, state = look(plan, state, half, observed_of(half, users=60))
    assert (move.kind, state.trouble, state.trouble_since) == ("held", "too few users", later)
    end = later + timedelta(hours=24)
    assert look(plan, state, end, observed_of(end, users=60))[1].phase == "rolled-back"


def test_what_is_inconclusive_holds_and_after_a_limit_asks_people() -> None:
    plan = plan_of()
    later = NOW + HOUR
    unclear = observed_of(later, users=150)
    move, state = look(plan, at_step(plan, 2), later, unclear)
    assert (move.kind, state.trouble) == ("held", "inconclusive")
    week = later + timedelta(days=7)
    move, state = look(plan, state, week, replace(unclear, last_exposure=week))
    assert (move.kind, move.percent, state.phase, state.percent) == ("paused", None, "paused", 50)


def test_a_step_ends_once_every_guardrail_is_within_its_margin() -> None:
    plan = plan_of()
    later = NOW + HOUR
    move, state = look(plan, at_step(plan, 2), later, observed_of(later, users=20_000))
    assert (move.kind, state.step, move.reason) == (
        "advanced",
        3,
        "All guardrails are within their margins at 50 %.",
    )
    move, state = look(plan, state, later, Observed())
    assert (move.kind, state.phase) == ("completed", "completed")
    assert look(plan, state, later, Observed())[0].kind is None


def test_being_late_never_skips_a_monitored_step() -> None:
    plan = with_(plan_of(), steps=tuple(with_(each, approval=False) for each in plan_of().steps))
    late = NOW + timedelta(days=30)
    move, state = look(plan, started(plan), late, observed_of(late, users=20_000))
    assert (move.kind, state.step, state.since) == ("advanced", 1, late)
    move, state = look(plan, state, late, observed_of(late, users=20_000))
    assert (state.step, move.rule) == (1, "its time is not over")


def test_a_step_needs_figures_of_its_own_even_without_time() -> None:
    plan = plan_of(steps=(with_(plan_of().steps[0], hold_seconds=0), plan_of().steps[2]))
    move, state = look(plan, started(plan), NOW, observed_of(NOW - HOUR, users=20_000))
    assert (move.kind, state.trouble) == ("held", "missing")


@pytest.mark.parametrize("back", [HOUR, timedelta(days=400)])
def test_a_clock_set_back_ends_nothing_early_and_undoes_nothing(back: timedelta) -> None:
    plan = with_(plan_of(), steps=tuple(with_(each, approval=False) for each in plan_of().steps))
    later = NOW + HOUR
    _, state = look(plan, started(plan), later, observed_of(later))
    assert (state.step, state.since) == (1, later)
    move, after = look(plan, state, later - back, observed_of(later, users=20_000))
    assert (move.kind, move.rule, after.step, after.at) == ("checked", "its time is not over", 1, later)
    move, after = look(plan, after, later + HOUR, observed_of(later + HOUR, users=20_000))
    assert (move.kind, after.step) == ("advanced", 2)


@pytest.mark.parametrize(
    "flag",
    [
        FlagFacts("missing"),
        FlagFacts("no plan"),
        FlagFacts("edited", 1, "weekly-list"),
        FlagFacts("killed", 1, "weekly-list"),
        FlagFacts("driven", 20, "weekly-list"),
        FlagFacts("driven", 1, "weekly-list@2"),
    ],
)
def test_a_flag_that_a_person_changed_pauses_and_is_left_as_it_is(flag: FlagFacts) -> None:
    plan = plan_of()
    move, state = look(plan, started(plan), NOW, observed_of(NOW, treatment=0.9), flag)
    assert (move.kind, move.percent, state.phase) == ("paused", None, "paused")
    assert move.reason


def test_harm_takes_back_what_is_paused_too() -> None:
    plan = plan_of()
    state = started(plan)
    paused = apply(state, event_of(act(plan, state, "pause", None), state, now=NOW, actor="a", figures=None))
    assert look(plan, paused, NOW, observed_of(NOW, treatment=0.3))[0].kind == "rolled-back"


def test_a_look_is_taken_once_while_people_are_waited_for() -> None:
    """What is written of it is all that its level pays for: the next check has no look of its own."""
    plan = plan_of()
    state = started(plan)
    paused = apply(state, event_of(act(plan, state, "pause", None), state, now=NOW, actor="a", figures=None))
    move, state = look(plan, paused, NOW, observed_of(NOW))
    assert (move.kind, state.phase, len(state.looks["crashed"])) == ("checked", "paused", 1)
    assert look(plan, state, NOW, observed_of(NOW, users=2_100))[0].kind is None
    assert look(plan, state, NOW, observed_of(NOW, users=2_600, treatment=0.3))[1].phase == "rolled-back"


def test_going_on_past_a_guardrail_asks_why_and_silences_it_for_this_run() -> None:
    plan = plan_of()
    state = started(plan)
    figures = judge(plan, state, observed_of(NOW, treatment=0.3), NOW)
    with pytest.raises(ReasonWantedError, match="crashed") as caught:
        act(plan, state, "proceed", figures)
    assert caught.value.problems[0].pointer == "/reason"
    move = act(plan, state, "proceed", figures, reason="The crashes are of a test device.")
    after = apply(state, event_of(move, state, now=NOW, actor="a", figures=figures))
    assert (after.step, after.overridden) == (1, ("crashed",))
    assert look(plan, after, NOW, observed_of(NOW, treatment=0.3))[1].phase == "running"
    gone = apply(
        after, event_of(act(plan, after, "roll-back", None), after, now=NOW, actor="a", figures=None)
    )
    again = act(plan, gone, "start", None, reason="The build is mended.")
    assert apply(gone, event_of(again, gone, now=NOW, actor="a", figures=None)).overridden == ()


def test_what_is_not_possible_says_what_is() -> None:
    plan = plan_of()
    with pytest.raises(ConflictError, match=r"is pending, so approve does nothing\. What can be done: start"):
        act(plan, State(), "approve", None)


def test_a_command_that_is_none_names_those_there_are() -> None:
    with pytest.raises(Exception, match="not changed") as caught:
        read_command("ship")
    assert "roll-back" in str(caught.value.problems[0])


def test_every_phase_offers_only_what_works() -> None:
    plan = plan_of()
    for phase in ("pending", "running", "holding", "paused", "rolled-back", "completed"):
        state = with_(started(plan), phase=phase)
        for command in COMMANDS:
            if command in commands_for(state):
                move = act(plan, state, command, None, reason="because")
                after = apply(state, event_of(move, state, now=NOW, actor="a", figures=None))
                assert after.sequence == state.sequence + 1
            else:
                with pytest.raises(ConflictError):
                    act(plan, state, command, None, reason="because")


def test_events_that_do_not_fit_are_refused() -> None:
    plan = plan_of()
    state = started(plan)
    good = Event(sequence=2, kind="paused", at=NOW, actor="a", step=0)
    for bad in (
        with_(good, sequence=3),
        with_(good, at=NOW - HOUR),
        with_(good, kind="resumed"),
        with_(good, kind="cleared"),
    ):
        with pytest.raises(ValueError, match=r"event|cannot"):
            apply(state, bad)


def test_the_log_alone_gives_the_state() -> None:
    plan = plan_of()
    state, events = State(), []

    def happen(move: Move, at: datetime) -> None:
        nonlocal state
        event = event_of(move, state, now=at, actor="a", figures=None)
        events.append(with_(event, plan=plan) if move.kind == "started" else event)
        state = apply(state, events[-1])

    happen(act(plan, state, "start", None), NOW)
    happen(act(plan, state, "approve", None), NOW)
    happen(act(plan, state, "proceed", None, reason="Hurry."), NOW - HOUR)
    happen(act(plan, state, "pause", None), NOW + HOUR)
    assert state_of(events) == state
    assert [event.at for event in events] == [NOW, NOW, NOW, NOW + HOUR]


def test_each_rule_says_why_it_is_there() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why.endswith(".") for rule in RULES)
    assert set(TRANSITIONS) == set(Event.__annotations__["kind"].__args__)
