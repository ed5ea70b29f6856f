"""The demo's folder and its story."""

import os
from datetime import timedelta

import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.demo.folder import DemoFolder
from counterpoint.demo.past import RETIRED, SPLIT
from counterpoint.demo.simulate import TRUTH
from counterpoint.people.dates import now, when_of
from counterpoint.people.managers import lines
from counterpoint.people.memberships import effective
from counterpoint.people.model import holds
from counterpoint.people.ownership import orphans, tenures
from counterpoint.people.store import list_units

DAY = timedelta(days=1)

pytestmark = pytest.mark.xdist_group("demo")  # one worker builds the demo, once


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "arpeggio-demo"
    assert run(["demo", str(folder), "--no-serve"]) == 0
    return folder


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
    assert [entry.actor for entry in decided] == ["user:default/ana.moreira"]
    assert counts["feature_flag.evaluation"] == 6000
    assert not DemoFolder(built).claim.exists()


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


def test_nothing_in_the_demo_refers_to_what_is_missing(built):
    with Workspace.open(built) as workspace, workspace.graph.read() as reader:
        for entity in reader.all():
            for edge in entity.relations:
                assert reader.exists(edge.target), (entity.ref, edge)


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
