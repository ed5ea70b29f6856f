"""The demo's folder and its story."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from counterpoint import Workspace
from counterpoint.bets.board import read_board
from counterpoint.bets.deciding.records import all_records
from counterpoint.bets.deciding.search import unit_latency
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.bets.judgement.estimating import judged, portfolio
from counterpoint.bets.judgement.looking_back import calibration as calibrated
from counterpoint.bets.learned import read_learned
from counterpoint.bets.reviews.sittings import reviews_of
from counterpoint.catalog.docs.facts import facts_of
from counterpoint.catalog.problems import list_problems
from counterpoint.catalog.reuse.store import twins
from counterpoint.catalog.scorecards import store
from counterpoint.cli import run
from counterpoint.demo.betting import KILLED, SKIPPED
from counterpoint.demo.checked import WEEKS
from counterpoint.demo.folder import DemoFolder
from counterpoint.demo.past import RETIRED, SPLIT
from counterpoint.demo.ramped import HOME_SET, SHOWN
from counterpoint.demo.rolled import BUILDS, RECENT, ROLLOUT, WEEKLY_FLAG, WEEKLY_SET
from counterpoint.demo.simulate import TRUTH
from counterpoint.demo.story import BET
from counterpoint.experiments.dashboards.store import all_dashboards, open_dashboard, read_panels
from counterpoint.experiments.metrics import readings
from counterpoint.experiments.metrics.store import all_metrics
from counterpoint.flags import FlagSet
from counterpoint.flags.exposure_counts import counts_of_flag
from counterpoint.flags.promotion import environments_of
from counterpoint.flags.store import read_set
from counterpoint.flags.versions import read_version, versions_of_set
from counterpoint.graph import Actor, Ref
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.customs import Customs
from counterpoint.journal.engine_state import Engines
from counterpoint.journal.health import RANGES, health_of
from counterpoint.people.dates import now, when_of
from counterpoint.people.managers import lines
from counterpoint.people.memberships import effective
from counterpoint.people.model import holds
from counterpoint.people.ownership import orphans, tenures
from counterpoint.people.store import list_units
from counterpoint.rollouts import store as rollouts
from counterpoint.rollouts.happened import deployments_of
from counterpoint.rollouts.notes import notes_of
from counterpoint.rollouts.simulated import simulation_of

DAY = timedelta(days=1)

pytestmark = pytest.mark.xdist_group("demo")  # one worker builds the demo, once


def test_arpeggio_estimates_predicts_decides_with_advice_and_reviews(built):
    with Workspace.open(built) as workspace:
        graph = workspace.graph
        order = portfolio(graph).orders[0]
        calibration = calibrated(graph)
        decided = {each.number: each for each in all_records(graph)}
        latency = unit_latency(graph)
        advised = judged(graph, "monday-mix").advised
        with graph.read() as reader:
            told = repr(reader.activity(action=["prediction.locked", "prediction.revealed"], limit=500))
        held = reviews_of(graph, "discovery", actor=Actor("user:default/a", "A", "person"))
    assert [one.bet for one in order.groups[0].standings] == ["bet:default/discover-weekly"]
    assert [group.tie for group in order.groups] == [False, True]
    assert (calibration.n, calibration.interval is not None) == (12, True)
    assert advised.best is not None
    assert advised.best.risk == "risk-value"
    assert [len(decided[number].dissent) for number in (1, 5)] == [1, 1]
    assert (decided[3].state, decided[6].state) == ("rejected", "advice")
    assert (latency.decided, latency.open) == (5, 1)
    assert "user:default/oskar" not in told
    assert [(review.state, review.voted, review.fists) for review in held] == [("closed", 5, None)]
    assert [(line.title, line.chosen) for line in held[0].minutes] == [("Discover Weekly", "ship")]


def test_the_metric_catalogue_is_whole_and_its_figures_are_the_truth(built):
    with Workspace.open(built) as workspace:
        types, moment = readings.seen(workspace), datetime(2026, 11, 9, tzinfo=UTC)
        metrics = {each.definition.name: each for each in all_metrics(workspace)}
        last = max(types[event].last for each in metrics.values() for event in each.events).date()

        def read(name):
            loaded = metrics[name]
            return readings.reading_of(workspace, loaded, readings.asked_for(loaded, last, now=moment))

        remarks = {
            name: readings.check_metric(workspace, loaded, read(name), types, now=moment)
            for name, loaded in metrics.items()
        }
        starts = read("app-start-time")
        minutes = read("weekly-listening-minutes")
        returns = read("weekly-return")
        ratio, listeners = read("starts-per-listener"), read("active-listeners")
    assert len(metrics) == 10
    assert [name for name, each in metrics.items() if each.definition.role == "northStar"] == [
        "weekly-listening-minutes"
    ]
    assert [(remark.about, name) for name, each in remarks.items() for remark in each] == [
        ("cap", "listening-time")
    ]
    assert starts.whole.value == pytest.approx(TRUTH["app-start-time"].control, rel=0.02)
    truth = TRUTH["weekly-listening-minutes"]
    assert truth.control * 0.98 < minutes.whole.value < truth.treatment * 1.02
    weeks = [point.value for point in returns.points if point.value is not None]
    assert weeks == pytest.approx([0.93, 0.88, 0.84, 0.63], abs=0.02)
    assert ratio.whole.value == pytest.approx(types["app.start_ms"].count / listeners.whole.value, rel=0.02)


def test_a_squad_and_its_tribe_have_dashboards_whose_figures_come(built):
    with Workspace.open(built) as workspace:
        boards = {each.name: each for each in all_dashboards(workspace)}
        panels = {
            name: read_panels(
                workspace, open_dashboard(workspace, name), now=datetime(2026, 11, 9, tzinfo=UTC)
            )
            for name in boards
        }
        with workspace.graph.read() as reader:
            tribe = reader.require(boards["listening"].owner)
            assert boards["discovery"].owner in tribe.targets("parentOf")
    assert [len(each) for each in panels.values()] == [4, 6]
    for panel in (panel for each in panels.values() for panel in each):
        assert not panel.problem
        assert panel.reading.whole.value > 0
    split = panels["discovery"][3].reading
    assert [part.part for part in split.parts][-1] == "(other)"
    assert sum(part.users for part in split.parts) == split.whole.users == 6000
    assert panels["listening"][0].targets[0][0] == 430


def test_the_demo_walks_the_whole_thread(built):
    with Workspace.open(built) as workspace:
        with workspace.graph.read() as reader:
            assert dict(reader.facets("kind"))["Component"] >= 115
            assert reader.require("flagset:default/default").owner == "group:default/experimentation"
            assert reader.require("experiment:default/discover-weekly").targets("testsBet") == (
                "bet:default/discover-weekly",
            )
            decided = reader.activity(action="bet.decided")
        counts = {each.type: each.count for each in workspace.journal.counts()}
    rolled = counts["app.start_ms"] - 20_013  # each start of the app in the rollout follows an exposure
    assert counts["feature_flag.evaluation"] == 2 * 6000 + 2 * SHOWN + rolled + RECENT
    assert [entry.actor for entry in decided] == [
        "user:default/ana.moreira",
        "user:default/imogen.pritchard",
        "user:default/piotr.nowak",
    ]
    assert not DemoFolder(built).claim.exists()


def test_ingest_has_a_day_behind_it_with_what_goes_wrong_on_any_day(built):
    with Workspace.open(built) as workspace:
        engine = Engines(workspace.settings.engine).state()
        hour, day, month = (health_of(workspace.journal, engine, range=each) for each in RANGES)
        stored = {each.type: each.count for each in workspace.journal.counts()}
        counted = {name: each.accepted for name, each in workspace.journal.totals().items()}
    assert counted == stored
    assert hour.total.accepted > 300
    assert day.total.accepted > 1_000
    assert (hour.total.duplicates, hour.total.future, hour.total.later) == (5, 4, 12)
    assert {each.reason: each.count for each in hour.rejections} == {
        "time": 10,
        "request-content-type": 3,
        "missing": 1,
    }
    assert [len(each.samples) for each in hour.rejections if each.reason == "time"] == [5]
    assert month.total.accepted >= day.total.accepted


def test_the_reading_says_to_ship_and_its_intervals_cover_the_truth(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        (reading,) = reader.activity(action="experiment.read")
    assert reading.actor == "user:default/oskar.nystrom"
    assert reading.after["verdict"] == "ship"
    metrics = {each["name"]: each for each in reading.after["metrics"]}
    assert metrics.keys() == TRUTH.keys()
    for name, effect in TRUTH.items():
        interval = metrics[name]["interval"]
        assert interval["low"] <= effect.absolute <= interval["high"], name


def test_one_renamed_api_is_all_that_the_demo_refers_to_in_vain(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        missing = {
            (entity.ref, edge.target)
            for entity in reader.all()
            for edge in entity.relations
            if not reader.exists(edge.target)
        }
    assert missing == {("component:default/shelf-ranker", "api:default/listening-history-api")}


def test_scorecards_have_a_past_an_exemption_and_things_to_do(built):
    ready = Ref("scorecard", "default", "production-readiness")
    with Workspace.open(built) as workspace:
        views = {view.title: view for view in store.list_scorecards(workspace)}
        now = {check.id: check for check in views["Production readiness"].checks}
        points = store.trend_of(workspace, ready)
        (origin,) = (
            each
            for each in store.of_entity(workspace, Ref("component", "default", "origin-store"))
            if each.scorecard == str(ready)
        )
    assert views.keys() == {"Documented", "Production readiness"}
    assert not any(view.problems or view.notes for view in views.values())
    assert now["rehearsed"].exempt == 1
    assert now["rehearsed"].passes > now["rehearsed"].fails > 0
    assert {check.id: check.outcome for check in origin.checks}["rehearsed"] == "exempt"
    assert len(points) >= 7 * WEEKS
    assert points[0].fails > points[-1].fails
    assert points[0].entities == points[-1].entities == views["Production readiness"].entities


def test_its_documentation_can_be_read_and_one_link_and_one_page_are_left_to_mend(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        facts = {
            entity.name: facts_of(workspace, entity, reader=reader, now=datetime(2026, 11, 26, tzinfo=UTC))
            for entity in reader.all(kind="Component", owner="group:default/discovery")
        }
        documented = {name: each for name, each in facts.items() if each["docs.present"]}
    assert documented.keys() >= {"discover-weekly", "taste-profile", "playlist-trainer", "track-embeddings"}
    assert {name for name, each in documented.items() if each["docs.broken_links"]} == {"playlist-trainer"}
    assert {name for name, each in documented.items() if each["docs.age_days"] > 365} == {"track-embeddings"}
    assert not any(each["docs.problems"] for each in documented.values())


def test_one_component_still_names_an_api_that_has_another_name_now(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        standing = [each for _, each in list_problems(reader)]
    (left,) = [each for each in standing if each.code != "note"]
    assert (left.level, left.code, left.ref) == ("warning", "reference", "component:default/shelf-ranker")
    assert left.target == "api:default/listening-history-api"
    assert left.line is not None


def test_the_reorganisation_can_be_asked_for_at_any_date(built):
    def units(reader, when):
        found = {each.title: each for each in list_units(reader, when)}
        return {title: found[title].owned for title in ("Library and Player", "Player", "Playlists", "Radio", "Discovery") if title in found}, found["Arpeggio"].people  # fmt: skip

    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        before, people = units(reader, when_of((SPLIT - DAY).isoformat()))
        between, _ = units(reader, when_of((SPLIT + DAY).isoformat()))
        after, _ = units(reader, when_of((RETIRED + DAY).isoformat()))
        assert people == 140
        assert before.keys() == {"Library and Player", "Radio", "Discovery"}
        assert between.keys() == {"Player", "Playlists", "Radio", "Discovery"}
        assert after.keys() == {"Player", "Playlists", "Discovery"}
        assert before["Library and Player"] == between["Player"] + between["Playlists"]
        assert after["Discovery"] == between["Discovery"] + between["Radio"]
        assert orphans(reader, now()) == []
        spans = tenures(reader, "component:default/radio-service")
        assert [each.owner for each in spans] == ["group:default/radio", "group:default/discovery"]


def test_chapter_leads_are_line_managers_and_everybody_but_the_chief_has_one(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        managed = {each.person: each.manager for each in lines(reader) if holds(each, now().moment)}
        leads = {each.person for each in effective(reader, now()) if each.role == "lead"}
        people = {each.ref for each in reader.all(kind="User")}
    assert people - managed.keys() == {"user:default/layla.mansour"}
    bosses = {"user:default/layla.mansour", "user:default/ebba.oberg", "user:default/sora.ishikawa"}
    assert set(managed.values()) == leads | bosses


def test_a_whole_demo_is_used_again(built, capsys):
    before = (built / "graph.db").stat().st_mtime_ns
    assert run(["demo", str(built), "--no-serve"]) == 0
    assert "whole" in capsys.readouterr().err
    assert (built / "graph.db").stat().st_mtime_ns == before


def test_another_seed_in_the_same_folder_is_refused(built, capsys):
    assert run(["demo", str(built), "--no-serve", "--seed", "8"]) == 1
    assert "seed 7" in capsys.readouterr().err


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("x")
    assert run(["demo", str(tmp_path), "--no-serve"]) == 1
    assert "other files" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_an_interrupted_build_left_is_removed(tmp_path):
    place = DemoFolder(tmp_path / "demo")
    place.path.mkdir()
    (place.path / "half").write_text("x")
    place.claim.write_text("999999999")
    place.begin()
    assert not place.path.exists()
    assert place.claim.read_text() == str(os.getpid())


def test_a_build_of_another_process_is_left_alone(tmp_path):
    place = DemoFolder(tmp_path / "demo")
    place.claim.write_text(str(os.getppid()))
    with pytest.raises(Exception, match="is building the demo"):
        place.begin()


def test_one_tribe_has_words_and_practices_of_its_own(built):
    with Workspace.open(built) as workspace:
        customs = Customs(workspace.graph)
        crew, house = customs.of("group:default/identity"), customs.of("group:default/discovery")
    assert crew.words.tell("A squad") == "A crew"
    assert crew.off == ("bets",)
    assert house.words.plain
    assert house.off == ()


def test_a_second_unit_is_found_building_the_same(built):
    with Workspace.open(built) as workspace:
        found = twins(workspace)
    pairs = {(each.first, each.second): each for each in found.items}
    made_twice = pairs["component:default/discover-weekly", "component:default/monday-mix"]
    assert set(made_twice.owner_titles) == {"Discovery", "Home"}
    assert "api:default/taste-api" in made_twice.likeness.shared
    bets = pairs["bet:default/discover-weekly", "bet:default/monday-mix"]
    assert bets is found.items[0], "the pair that the story is about leads the list"
    assert "metric:default/weekly-listening-minutes" in bets.likeness.metrics
    assert found.total <= 6, "the list stays short enough to be read"


def test_the_flags_of_home_are_ramped_without_moving_anybody(built):
    listeners = [{"targetingKey": f"listener-{n}", "device": "phone"} for n in range(4000)]
    steps = []
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        page = versions_of_set(reader, HOME_SET, limit=20)
        for item in reversed(page.items):
            flags = FlagSet.from_flagd(read_version(reader, HOME_SET, item.version).definition)
            steps.append([flags.evaluate("morning-shelf", each).variant for each in listeners])
    reasons = [item.reason for item in reversed(page.items)]
    assert reasons[0] == "Promoted from staging, version 2: Two days in staging without a crash."
    assert "Ramp of 'morning-shelf' to 10 %: Enough to read skips by Friday." in reasons
    for before, after in pairwise(steps):
        moved = {(was, now) for was, now in zip(before, after, strict=True) if was != now}
        assert moved <= {("off", "on"), ("off", "control")}, "a ramp only ever lets listeners in"
    share = [sum(variant == "on" for variant in step) / len(listeners) for step in (steps[0], steps[-1])]
    # A layer of half the listeners and a holdout of a twentieth leave 47.5 % of them to ramp over.
    assert share == pytest.approx([0.01 * 0.475, 0.10 * 0.475], abs=0.01)


def test_of_the_flags_of_home_one_is_killed_and_one_is_ahead_in_staging(built):
    employee = {"targetingKey": "listener-7", "email": "ana@arpeggio.example"}
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        production, staging = read_set(reader, HOME_SET), read_set(reader, f"{HOME_SET}.staging")
        found = environments_of(workspace, reader, HOME_SET)
    assert production.entity.owner == "group:default/home"
    killed, alive = (each.flags.evaluate("animated-greeting", employee) for each in (production, staging))
    assert (killed.variant, killed.reason) == ("off", "STATIC")
    assert alive.reason == "TARGETING_MATCH"
    large = [
        sum(
            stored.flags.evaluate("large-covers", {"targetingKey": f"listener-{n}"}).variant == "large"
            for n in range(2000)
        )
        for stored in (production, staging)
    ]
    assert large[0] < large[1]
    assert [each.environment for each in found.items if each.pending] == ["staging"]


def test_the_page_of_a_flag_tells_who_was_given_what(built):
    with Workspace.open(built) as workspace:
        counts = counts_of_flag(workspace, HOME_SET, "morning-shelf")
        assert counts.total == SHOWN
        assert {each.variant for each in counts.variants} == {"on", "off", "control"}
        assert 0.4 * SHOWN <= sum(each.day for each in counts.variants) <= 0.6 * SHOWN


def test_what_the_plan_of_the_rollout_does_is_there_at_once(built):
    with Workspace.open(built) as workspace:
        kept = simulation_of(workspace, ROLLOUT)
    assert (kept.state, kept.is_current, kept.found.runs) == ("done", True, 1_000)
    clean = kept.found.of("plan", 1, 0.0)
    assert clean.high <= kept.found.alpha
    assert kept.found.of("plan", 1, 0.20).rate == 1, "as the first build was taken back"
    assert kept.found.of("threshold", 1440, 0.0).rate > clean.high


def test_the_first_build_takes_itself_back_and_the_second_reaches_everybody(built):
    with Workspace.open(built) as workspace:
        found = rollouts.status_of(workspace, ROLLOUT)
        with workspace.graph.read() as reader:
            flags = read_set(reader, WEEKLY_SET).flags
            ended = reader.activity(subject=ROLLOUT, action="rollout.ended")
        component = "component:default/discover-weekly"
        deployed = deployments_of(workspace, component, BUILDS[0].at)
        notes = notes_of(workspace, ROLLOUT, 4).markdown
        evidence = [row for row in read_evidence(workspace.graph, BET) if row.source.startswith(ROLLOUT)]
    moves = [(event.kind, event.percent) for event in reversed(found.events) if event.percent is not None]
    back = next(event for event in found.events if event.kind == "rolled-back")
    assert moves == [
        ("started", 1),
        ("advanced", 5),
        ("rolled-back", 0),
        ("started", 1),
        ("advanced", 5),
        ("advanced", 25),
        ("advanced", 50),
        ("advanced", 100),
        ("completed", 100),
    ]
    assert (found.phase, found.run, back.actor) == ("completed", 2, "system:default/counterpoint")
    assert back.reason.startswith("'App start time' is worse by more than its margin of 5 %")
    for event, build in ((back, BUILDS[0]), (found.events[1], BUILDS[1])):
        (figures,) = event.figures.guardrails
        assert figures.low <= build.slower <= figures.high, "the bounds cover the truth"
    assert [each.after["outcome"] for each in ended] == ["completed", "rolled back"]
    seen = {each.direction: each for each in evidence}  # what the decision saw, and what came after it
    assert {name: (each.risk, each.sample) for name, each in seen.items()} == {
        "against": ("feasibility", back.figures.treatment_users),
        "for": ("feasibility", found.figures.treatment_users),
    }
    assert seen["for"].note.startswith("Completed at 100 %: All steps are done")
    assert [each.version for each in deployed] == ["1.0.0", "1.1.0"]
    assert {flags.evaluate(WEEKLY_FLAG, {"targetingKey": f"listener-{n:05}"}).value for n in range(50)} == {
        2
    }, "everybody is answered by the second version of the recommender"
    assert notes.startswith("# Discover Weekly: 50 %")
    assert "looking forward to something makes a habit" in notes


def test_bets_stand_on_boards_with_what_is_known_and_one_was_thanked(built):
    with Workspace.open(built) as workspace:
        board = read_board(workspace.graph, "", actor=SYSTEM)
        tribe = read_board(workspace.graph, "listening", actor=SYSTEM)
        squad = read_board(workspace.graph, "discovery", actor=SYSTEM)
        learned = read_learned(workspace.graph, words="invitation minute")
        files = {entity.ref: entity for entity in _bets(workspace)}
    assert board.unit.ref == "group:default/arpeggio"
    assert [[row.line.bet.name for row in column.bets] for column in tribe.columns] == [
        ["discover-weekly", "instant-start"],
        ["monday-mix"],
        ["night-mode-audio"],
    ]
    (weekly,) = squad.columns[0].bets
    assert [view.level for view in weekly.line.risks] == ["low", "falling", "low", "open"]
    assert board.untraced == 0
    assert [each.bet for each in board.due] == [SKIPPED]
    (killed,) = learned.ended
    assert killed.line.bet.ref == KILLED
    assert killed.thanks[0].actor == "user:default/ngozi.balogun"
    assert files[KILLED].spec["state"] == "killed", "the file says how it ended, and changes nothing of it"


def _bets(workspace):
    with workspace.graph.read() as reader:
        return reader.all(kind="Bet")
