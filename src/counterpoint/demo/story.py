"""Tells Arpeggio's first story through the doors that every user has: catalog, flags, events, reading, decision."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from importlib.resources import as_file, files
from pathlib import Path

from counterpoint.bets.decisions import decide
from counterpoint.catalog.importer import import_targets
from counterpoint.demo.arriving import arrivals, live_a_day, sent_together
from counterpoint.demo.betting import decide_before, tell_bets
from counterpoint.demo.checked import check
from counterpoint.demo.decided import tell_boundaries, tell_decisions
from counterpoint.demo.judged import close_review, tell_judgement, tell_review
from counterpoint.demo.past import tell_past
from counterpoint.demo.ramped import greetings, ramp_home, show_home
from counterpoint.demo.recommended import Listeners, build, give_lists, reuse, think, try_lists
from counterpoint.demo.rolled import WEEKLY_FLAG, WEEKLY_SET, give_to_all, roll_out
from counterpoint.demo.simulate import Simulation, simulate
from counterpoint.demo.voices import voice
from counterpoint.errors import CounterpointError
from counterpoint.experiments.store import load, read_now
from counterpoint.flags.store import DEFAULT_SET, read_set, write_set
from counterpoint.graph import Actor
from counterpoint.workspace import Workspace

__all__ = ["Tell", "copy_arpeggio", "tell"]

Tell = Callable[[str, float], None]
"""Takes what happens now, and which share of the story is told."""

UNIT = frozenset({"group:default/discovery"})
SYNC = Actor("user:default/catalog-sync", "Catalog sync", "service", scopes=frozenset({"read", "write"}))
"""Brings in what repositories say, as it would every hour."""
ENGINEER = Actor("user:default/jonas.albrecht", "Jonas Albrecht", "person", units=UNIT)
ANALYST = Actor("user:default/oskar.nystrom", "Oskar Nyström", "person", units=UNIT)
OWNER = Actor("user:default/ana.moreira", "Ana Moreira", "person", units=UNIT)
"""Product owner of Discovery."""

BET = "bet:default/discover-weekly"
EXPERIMENT = "experiment:default/discover-weekly"
ADDRESS = "http://127.0.0.1:7700"
"""Where `counterpoint demo` and `serve` listen unless they are told otherwise."""
SENT_AFTER = timedelta(seconds=20)
"""From the last event of a chunk to its arrival."""
CHANGED = {
    "discover-weekly": date(2026, 11, 10),
    "taste-profile": date(2026, 9, 2),
    "playlist-trainer": date(2026, 6, 18),
    "track-embeddings": date(2025, 3, 14),
}
"""When each documentation was last touched; the copied files would all say that it was now."""


@dataclass(frozen=True, slots=True)
class _Part:
    label: str
    share: float
    """Which share of the whole is told when this part is."""


PARTS = {
    "past": _Part("Remembering how it came to be", 0.1),
    "catalog": _Part("Reading 140 people, 18 squads and their software", 0.2),
    "flags": _Part("Importing the flags", 0.25),
    "tastes": _Part("Learning what listeners like", 0.4),
    "rollout": _Part("Rolling out, and back, and out again", 0.5),
    "events": _Part("Listening for four weeks", 0.75),
    "lists": _Part("Trying the lists of a week", 0.8),
    "reading": _Part("Reading the experiment", 0.85),
    "decision": _Part("Deciding", 0.9),
    "weeks": _Part("Making everybody's list of this week", 1.0),
}


def copy_arpeggio(folder: Path) -> Path:
    """Put Arpeggio's YAML and flags into a folder, where they can be read, changed and imported again."""
    target = folder / "arpeggio"
    with as_file(files("counterpoint.demo") / "arpeggio") as source:
        shutil.copytree(source, target)
    for documented, day in CHANGED.items():
        moment = datetime.combine(day, time(9), UTC).timestamp()
        for file in (target / "docs" / documented).rglob("*.md"):
            os.utime(file, (moment, moment))
    return target


def tell(
    workspace: Workspace, arpeggio: Path, *, seed: int, progress: Tell, address: str = ADDRESS
) -> Simulation:
    """Tell the story into an empty workspace; the truth behind what was simulated is returned.

    Args:
        workspace: where it happens.
        arpeggio: the folder with Arpeggio's files.
        seed: of the listeners' behaviour.
        progress: told of each part.
        address: where it will be served; links of listeners lead there.
    """
    progress(PARTS["past"].label, 0.0)
    tell_past(workspace, arpeggio)
    tell_decisions(workspace.graph)
    decide_before(workspace, arpeggio)
    progress(PARTS["catalog"].label, PARTS["past"].share)
    _import(workspace, SYNC, arpeggio / "catalog-info.yaml")
    progress(PARTS["flags"].label, PARTS["catalog"].share)
    write_set(workspace, ENGINEER, DEFAULT_SET, arpeggio / "flags.json")
    ramp_home(workspace, arpeggio)
    _import(workspace, ANALYST, arpeggio / "experiments")
    progress(PARTS["tastes"].label, PARTS["flags"].share)
    listeners = Listeners.of(arpeggio, seed=seed)
    chosen = think(workspace, arpeggio, listeners, BET)
    build(workspace, arpeggio, listeners, chosen)
    progress(PARTS["rollout"].label, PARTS["tastes"].share)
    roll_out(workspace, arpeggio, seed=seed)
    progress(PARTS["events"].label, PARTS["rollout"].share)
    simulation = _listen(workspace, listeners, progress)
    progress(PARTS["lists"].label, PARTS["events"].share)
    try_lists(workspace, listeners, WEEKLY_SET, WEEKLY_FLAG)
    show_home(workspace)
    live_a_day(workspace, seed=seed)
    progress(PARTS["reading"].label, PARTS["lists"].share)
    _read(workspace)
    tell_boundaries(workspace.graph)
    tell_judgement(workspace.graph, seed)
    review = tell_review(workspace.graph)
    tell_bets(workspace)
    progress(PARTS["decision"].label, PARTS["reading"].share)
    reason = (
        "Four full weeks and 6,000 listeners. Listening rose by more than we asked for, and neither the "
        "start of the app nor skipping got worse. Retention alone would not have convinced me; we read it "
        "again after twelve weeks."
    )
    decide(workspace.graph, BET, "ship", actor=OWNER, reason=reason)
    give_to_all(workspace)
    close_review(workspace.graph, review)
    voice(workspace)
    check(workspace)
    progress(PARTS["weeks"].label, PARTS["decision"].share)
    give_lists(workspace, arpeggio, listeners, address)
    reuse(workspace, arpeggio, chosen)
    progress("Done", PARTS["weeks"].share)
    return simulation


def _import(workspace: Workspace, actor: Actor, target: Path) -> None:
    report = import_targets(workspace.graph, actor, [str(target)])
    if report.failed:
        problems = [remark.problem for remark in report.remarks if remark.level == "error"]
        raise CounterpointError(f"Arpeggio's files in {target} are damaged.", problems)


def _listen(workspace: Workspace, listeners: Listeners, progress: Tell) -> Simulation:
    with workspace.graph.read() as reader:
        flags = read_set(reader, DEFAULT_SET).flags
    simulation = simulate(flags, seed=listeners.seed)
    greeted = greetings(simulation.variants, listeners.seed)
    events = list(merge(simulation.events, greeted, listeners.after, key=lambda event: event["time"]))
    start, end = PARTS["rollout"].share, PARTS["events"].share
    with arrivals(workspace) as journal:
        told = 0
        for chunk in sent_together(events):
            journal.append(datetime.fromisoformat(chunk[-1]["time"]) + SENT_AFTER, chunk)
            told += len(chunk)
            progress(PARTS["events"].label, start + (end - start) * told / len(events))
    workspace.journal.compact()
    return simulation


def _read(workspace: Workspace) -> None:
    """Analyse the experiment as its analyst does, and keep the reading."""
    read_now(workspace, load(workspace, EXPERIMENT), ANALYST)
