"""Several treatments: the rule holds for each alone, and one that does harm stops while the others go on."""

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest

from counterpoint.experiments import Experiment, Guardrail, Metric, store
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.going import going, share_going
from counterpoint.experiments.model import QualityTest, Target
from counterpoint.experiments.quality_totals import QualityTotals, Sizes
from counterpoint.experiments.record import About, record_of
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.shown_verdict import trees_of
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.graph.actor import local_actor
from counterpoint.stats import Moments
from counterpoint.workspace import Workspace

from .conftest import START as HAPPENED
from .conftest import entity

START = datetime(2026, 5, 1, tzinfo=UTC)
END = START + timedelta(days=20)
GAIN, LOAD = Metric(name="gain", event="g"), Metric(name="load", event="l", direction="decrease")
ALWAYS = Stopping(method="confidence-sequence")
SHIPS, OPEN, HARMS = {"gain": 1.2}, {"gain": 1.0}, {"load": 1.2}
"""What an arm's means are, as ratios of the control's."""


def plan(stopping: Stopping | None = None, **changes: object) -> Experiment:
    base = Experiment(
        name="trial",
        flag="trial",
        control="off",
        treatments=("one", "two", "three"),
        success=(GAIN,),
        guardrails=(Guardrail(LOAD, 0.3),),
        start=START,
        end=END,
        stopping=stopping,
        targets={"gain": Target(mde=0.05)},
    )
    return msgspec.structs.replace(base, **changes)


def totals(day: int, *, users: dict[str, int] | None = None, **arms: dict[str, float]) -> Totals:
    """500 users a day in each arm, but for those given; means of 10 with a standard deviation of 10, times the ratios."""

    def arm(variant: str, ratios: dict[str, float]) -> ArmTotals:
        n = (users or {}).get(variant, 500 * day)
        metrics = {
            name: MetricTotals(Moments(n, 10 * ratios.get(name, 1.0), 100.0 * n), events=n)
            for name in ("gain", "load")
        }
        return ArmTotals(variant, False, n, metrics)

    groups = (arm("off", {}), *(arm(variant, ratios) for variant, ratios in arms.items()))
    return Totals(groups, first_exposure=START, last_exposure=START + timedelta(days=day))


def read(experiment: Experiment, found: Totals, day: float, looks: tuple[Taken, ...] = ()) -> Result:
    return result_of(experiment, found, as_of=START + timedelta(days=day), looks=looks)


@pytest.mark.parametrize("case", list(product(["ship", "open", "harm"], repeat=3)), ids="-".join)
def test_each_treatment_is_judged_alone_and_the_whole_says_what_the_best_does_and_who_harms(
    case: tuple[str, str, str],
) -> None:
    means = {"ship": SHIPS, "open": OPEN, "harm": HARMS}
    experiment = plan(ALWAYS)
    arms = {name: means[each] for name, each in zip(experiment.treatments, case, strict=True)}
    result = read(experiment, totals(10, **arms), day=10)
    states = {"ship": "ship", "open": "keep running", "harm": "do not ship"}
    own = [each.verdict for each in result.comparisons]
    assert [each and each.state for each in own] == [states[each] for each in case]
    wished = "ship" if "ship" in case else "open" if "open" in case else "harm"
    assert result.verdict.state == states[wished]
    harmful = [name for name, each in zip(experiment.treatments, case, strict=True) if each == "harm"]
    for name in harmful:
        assert f"Do not ship {name}: load got significantly worse, +20.0 %" in result.verdict.sentence
    going_on = wished == "open"
    assert result.verdict.stopped == (tuple(harmful) if going_on else ())
    assert [look.stops for look in result.looks if look.stops] == (harmful if going_on else [])
    if wished == "ship":
        assert result.verdict.treatment == experiment.treatments[case.index("ship")]


@pytest.mark.parametrize(
    "stopping",
    [
        None,
        ALWAYS,
        Stopping(method="group-sequential", looks=4, maximum=40_000),
        Stopping(method="fixed-power"),
    ],
    ids=lambda each: each.method if each else "fixed",
)
def test_what_was_stopped_stays_stopped_when_its_harm_fades_and_the_others_are_read_to_the_end(
    stopping: Stopping | None,
) -> None:
    experiment = plan(stopping)
    calm = read(experiment, totals(3, one=OPEN, two=OPEN, three=OPEN), day=3)
    assert not any(look.stops for look in calm.looks)
    harmed = read(experiment, totals(5, one=OPEN, two=HARMS, three=OPEN), day=5, looks=calm.looks)
    assert (harmed.verdict.state, harmed.verdict.stopped) == ("keep running", ("two",))
    assert "one and three go on." in harmed.verdict.sentence
    assert "before the end" in harmed.verdict.sentence
    assert "share its users out" in harmed.verdict.would_change
    assert harmed.learning is None
    faded = read(experiment, totals(20, one=OPEN, two={"gain": 1.3}, three=SHIPS), day=20, looks=harmed.looks)
    assert (faded.verdict.state, faded.verdict.treatment) == ("ship", "three")
    _, two, three = (each.verdict for each in faded.comparisons)
    assert (two.state, two.condition, three.state) == ("do not ship", "deterioration: load", "ship")
    assert "on 6 May 2026, and stands" in two.sentence
    assert two.sentence in faded.verdict.sentence
    assert all(look in faded.looks for look in harmed.looks)
    nothing = read(experiment, totals(20, one=OPEN, two=OPEN, three=OPEN), day=20, looks=harmed.looks)
    assert nothing.verdict.state == "do not ship"
    assert nothing.verdict.stopped == ()
    assert nothing.learning.outcome == "regression"


@pytest.mark.parametrize(
    ("minus", "told"), [(None, "alpha to 0.0333333,"), (0.01, "alphaMinus to 0.00666667,")]
)
def test_who_stops_a_treatment_of_a_table_is_told_how_the_others_keep_their_levels(
    minus: float | None, told: str
) -> None:
    """A table is read anew each time: an arm that gets nobody any more would be a mismatch there."""
    table = plan(flag="", alpha_minus=minus)
    harmed = read(table, totals(5, one=OPEN, two=HARMS, three=OPEN), day=5)
    assert harmed.verdict.stopped == ("two",)
    assert "share its users out" not in harmed.verdict.would_change
    assert told in harmed.verdict.would_change
    left = plan(
        flag="",
        treatments=("one", "three"),
        alpha=0.05 * 2 / 3,
        alpha_minus=None if minus is None else minus * 2 / 3,
    )
    for level in ("success", "guardrail", "deterioration"):
        assert getattr(left.levels, level) == pytest.approx(getattr(table.levels, level)), level
    fewer = {"two": 2500}
    on = totals(20, users=fewer, one=OPEN, two=HARMS, three=SHIPS)
    assert read(table, on, day=20).verdict.state == "invalid"
    assert read(left, on, day=20).verdict.state == "ship"


def test_at_the_end_every_treatment_has_its_reason() -> None:
    result = read(plan(), totals(20, one=OPEN, two=HARMS, three=OPEN), day=20)
    assert result.verdict.state == "do not ship"
    assert result.verdict.sentence.startswith("Do not ship one: no clear change in gain")
    assert "Do not ship two: load got significantly worse" in result.verdict.sentence
    assert result.verdict.sentence.endswith("Nor is there reason to ship three.")


def test_harm_that_the_tree_does_not_ask_about_is_told_all_the_same() -> None:
    result = read(plan(decision="rule-1"), totals(10, one=OPEN, two={"gain": 0.8}, three=OPEN), day=10)
    assert (result.verdict.state, result.verdict.stopped) == ("keep running", ())
    assert "In two, gain fell by 20.0 %" in result.verdict.sentence


def test_levels_stay_those_of_all_treatments() -> None:
    experiment = plan(ALWAYS)
    harmed = read(experiment, totals(5, one=OPEN, two=HARMS, three=OPEN), day=5)
    later = read(experiment, totals(9, one=OPEN, two=HARMS, three=OPEN), day=9, looks=harmed.looks)
    assert later.levels == experiment.levels
    assert {test.total_alpha for each in later.metrics for test in each.hypotheses} == {
        0.05 / 3,
        experiment.levels.deterioration,
    }


def test_once_stopped_an_arm_may_get_nobody_and_the_others_are_compared_and_read_without_it() -> None:
    checks = (QualityTest(test="traffic", level=0.01), QualityTest(test="sample-ratio-by-day", level=0.01))
    experiment = plan(end=None, units_per_arm=5000, quality=checks)
    harmed = read(experiment, totals(5, one=OPEN, two=HARMS, three=OPEN), day=5)
    (stop,) = harmed.looks
    assert (stop.stops, stop.index, stop.users, stop.final) == ("two", 0, 10_000, False)
    days = [
        Sizes(f"2026-05-{day:02}", dict.fromkeys(("off", "one", "three"), 500) | {"two": 500 * (day <= 5)})
        for day in range(1, 11)
    ]
    found = msgspec.structs.replace(
        totals(10, users={"two": 2500}, one=SHIPS, two=HARMS, three=OPEN),
        quality=QualityTotals(days=tuple(days)),
    )
    mismatched = read(experiment, found, day=10)
    assert (mismatched.verdict.state, mismatched.verdict.condition) == ("invalid", "sample ratio")
    result = read(experiment, found, day=10, looks=harmed.looks)
    assert (result.verdict.state, result.verdict.treatment) == ("ship", "one")
    assert result.progress.final
    assert [arm.stopped for arm in result.arms] == [False, False, True, False]
    assert result.quality.sample_ratio.observed == (5000, 5000, 5000)
    assert not any(check.rejected for check in result.quality.checks)
    skewed = totals(10, users={"two": 2500, "three": 4400}, one=SHIPS, two=HARMS, three=OPEN)
    invalid = read(experiment, skewed, day=10, looks=harmed.looks)
    assert invalid.verdict.state == "invalid"
    assert "in two" not in invalid.verdict.sentence


def test_the_information_of_those_who_go_on_is_their_share_of_the_planned_maximum() -> None:
    stopping = Stopping(method="group-sequential", looks=4, maximum=40_000)
    experiment = plan(stopping)
    harmed = read(experiment, totals(4, one=OPEN, two=HARMS, three=OPEN), day=4)
    later = read(
        experiment,
        totals(10, users={"two": 2000}, one=OPEN, two=HARMS, three=OPEN),
        day=10,
        looks=harmed.looks,
    )
    assert (later.progress.look, later.progress.information, later.progress.maximum) == (2, 0.5, 30_000)
    assert share_going(experiment, later.looks) == pytest.approx(0.75)
    assert going(experiment, later.looks).arms == ("off", "one", "three")
    # The clock of a confidence sequence runs on as if all arms went on.
    always = plan(ALWAYS)
    stopped = read(always, totals(4, one=OPEN, two=HARMS, three=OPEN), day=4).looks
    known = read(always, totals(8, one=OPEN, two=OPEN, three=OPEN), day=8)
    reduced = read(
        always, totals(8, users={"two": 2000}, one=OPEN, two=OPEN, three=OPEN), day=8, looks=stopped
    )
    assert reduced.metrics[0].alpha == pytest.approx(known.metrics[0].alpha)


def test_the_record_and_the_page_have_the_verdict_of_each() -> None:
    result = read(plan(ALWAYS), totals(10, one=OPEN, two=HARMS, three=SHIPS), day=10)
    about = About(
        title="Trial", reference="experiment:default/trial", asked="", owner="", bet="", hypothesis="",
        decisions=(), readings=(),
    )  # fmt: skip
    text = record_of(about, plan(ALWAYS), result)
    assert "- two: do not ship. Do not ship two: load got significantly worse" in text
    assert "- three: ship. Ship three: gain rose" in text
    shown = {treatment: (own.state, row) for treatment, own, row in trees_of(result)}
    assert {name: state for name, (state, _) in shown.items()} == {
        "one": "keep running",
        "two": "do not ship",
        "three": "ship",
    }
    assert [part.text for part in shown["two"][1].parts if part.decides] == [
        "load is not significantly worse"
    ]


@pytest.mark.usefixtures("each_database")
def test_a_stop_is_logged_once_beside_the_looks_and_stands(workspace: Workspace) -> None:
    """Of three arms one loses its rounds, and gets nobody after that."""

    def events(first: int, last: int, *, arms: tuple[str, ...]) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []
        for number, user in enumerate(range(first, last)):
            arm = arms[number % len(arms)]
            at = (HAPPENED + timedelta(seconds=user)).isoformat()
            shown = {"feature_flag.key": "gate-level", "feature_flag.result.variant": arm}
            rounds = {"value": (user // 3) % 7 * (0 if arm == "b" else 1)}
            for kind, data in (("feature_flag.evaluation", shown), ("rounds", rounds)):
                made.append(
                    {"specversion": "1.0", "id": f"{kind}-{user}", "source": "/test", "type": kind,
                     "subject": f"u{user}", "time": at, "data": data}
                )  # fmt: skip
        return made

    group = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": "games"},
        "spec": {"type": "squad", "children": []},
    }
    spec = {
        "flag": "gate-level", "control": "off", "treatments": ["a", "b"], "success": [{"metric": "rounds"}],
        "unitsPerArm": 200,
    }  # fmt: skip
    metric = {"event": "rounds", "aggregation": "sum", "direction": "increase"}
    with workspace.graph.write(local_actor()) as writer:
        for document in (group, entity("Metric", "rounds", metric), entity("Experiment", "gate", spec)):
            writer.put(document)
    assert not workspace.journal.append(events(0, 300, arms=("off", "a", "b"))).rejected
    first = store.result_of(workspace, store.load(workspace, "gate"))
    assert (first.verdict.state, first.verdict.stopped) == ("keep running", ("b",))
    assert not workspace.journal.append(events(300, 600, arms=("off", "a"))).rejected
    loaded = store.load(workspace, "gate")
    assert [(look.index, look.stops) for look in loaded.looks] == [(0, "b")]
    last = store.result_of(workspace, loaded)
    assert last.verdict.state == "do not ship"
    assert last.quality.sample_ratio.observed == (250, 250)
    assert [(look.index, look.stops) for look in store.load(workspace, "gate").looks] == [(0, "b"), (1, None)]
    with workspace.graph.read() as reader:
        logged = list(reader.activity(subject="experiment:default/gate", action="experiment.look"))
    assert len(logged) == 2
