"""What Arpeggio's squads knew and decided about their bets, told through the doors that every user has.

The files say how the bets are now. Two of them were decided on before: one was killed and thanked for,
one passed over a stage with a reason that now comes back.
"""

from datetime import date
from pathlib import Path
from typing import Any

from counterpoint.bets.decisions import decide
from counterpoint.bets.evidence import Direction, EvidenceInput, Method
from counterpoint.bets.evidence_log import add_evidence
from counterpoint.bets.learned import thank
from counterpoint.bets.model import Answer, Party, Risk, Stage
from counterpoint.bets.ranking import Move
from counterpoint.bets.ranks import rank
from counterpoint.bets.stances import take_stance
from counterpoint.graph import Actor
from counterpoint.moments import today_utc
from counterpoint.workspace import Workspace
from counterpoint.yaml12.reader import read_file

__all__ = ["KILLED", "SKIPPED", "decide_before", "tell_bets"]

KILLED = "bet:default/listening-together"
SKIPPED = "bet:default/podcast-shelf"


def _person(name: str, title: str, *units: str) -> Actor:
    return Actor(
        f"user:default/{name}", title, "person", units=frozenset(f"group:default/{unit}" for unit in units)
    )


ANA = _person("ana.moreira", "Ana Moreira", "discovery", "listening")
ELSA = _person("elsa.lindqvist", "Elsa Lindqvist", "discovery")
KAVEH = _person("kaveh.rahimi", "Kaveh Rahimi", "discovery")
CALLUM = _person("callum.ashworth", "Callum Ashworth", "player")
MINH = _person("minh.nguyen", "Minh Nguyen", "home")
PIOTR = _person("piotr.nowak", "Piotr Nowak", "playlists")
IMOGEN = _person("imogen.pritchard", "Imogen Pritchard", "podcasts")
YOAV = _person("yoav.levi", "Yoav Levi", "onboarding")
LEAD = _person("ngozi.balogun", "Ngozi Balogun", "listening")
TOP = Actor("user:default/sora.ishikawa", "Sora Ishikawa", "person", admin=True)


def decide_before(workspace: Workspace, arpeggio: Path) -> None:
    """Decide on two bets as they were before the files were written that say how they are now."""
    graph = workspace.graph
    with graph.write(PIOTR) as writer:
        writer.put(_as_it_was(arpeggio, KILLED, stage="build", state="active", learned=None))
    with graph.write(IMOGEN) as writer:
        writer.put(_as_it_was(arpeggio, SKIPPED, stage="build", state="active"))
    _evidence(
        workspace,
        PIOTR,
        KILLED,
        (Risk.FEASIBILITY, Method.PROTOTYPE, Direction.FOR, "Two phones, Lagos and Oslo: within 40 ms.", 40, 9.0, "2026-06-22"),
        (Risk.VALUE, Method.INTERVIEW, Direction.FOR, "Eleven of twelve said that they would use it weekly.", 12, 4.0, "2026-05-18"),
        (Risk.VALUE, Method.PILOT, Direction.AGAINST, "Of 840 who tried it, 31 came back within two weeks.", 840, 15.0, "2026-08-28"),
    )  # fmt: skip
    take_stance(
        graph, KILLED, Party.SQUAD, Answer.NO, actor=PIOTR, reason="They loved the idea and opened it once."
    )
    take_stance(graph, KILLED, Party.SPONSOR, Answer.UNSURE, actor=LEAD, reason="I would have liked one more try, with people who are in a call already.")  # fmt: skip
    decide(
        graph,
        KILLED,
        "kill",
        actor=PIOTR,
        reason="We wrote that we stop below one in ten who come back, and four in a hundred came. Nobody failed: we know it after three months and not after two years.",
        learned=str(_file_of(arpeggio, KILLED)["spec"]["learned"]),
    )
    for actor, note in (
        (LEAD, "For stopping on the line you drew yourselves, and for the 40 ms."),
        (CALLUM, "Connect is in time because of you."),
        (ANA, ""),
    ):
        thank(graph, KILLED, actor=actor, note=note)
    decide(
        graph,
        SKIPPED,
        "advance",
        to=Stage.TWEAK,
        actor=IMOGEN,
        reason="The shelf went to everybody with the redesign of the first screen; there was nobody left to compare with. We watch music listening for six weeks and look again.",
        follow_up_on=today_utc(),
    )


def tell_bets(workspace: Workspace) -> None:
    """Write down what was found out, what squads and sponsors answered, and in which order things stand."""
    graph = workspace.graph
    _evidence(
        workspace,
        ELSA,
        "bet:default/discover-weekly",
        (Risk.USABILITY, Method.PROTOTYPE, Direction.FOR, "Seven of eight listeners found the list without help.", 8, 3.0, "2026-07-09"),
    )  # fmt: skip
    _evidence(
        workspace,
        KAVEH,
        "bet:default/discover-weekly",
        (Risk.FEASIBILITY, Method.PROTOTYPE, Direction.FOR, "Ten million lists in four hours on the nightly cluster.", None, 8.0, "2026-08-14"),
        (Risk.VIABILITY, Method.OPINION, Direction.UNCLEAR, "Licensing sees no difference to a radio station, and wants to look again.", None, 0.5, "2026-08-20"),
    )  # fmt: skip
    _evidence(
        workspace,
        CALLUM,
        "bet:default/instant-start",
        (Risk.VALUE, Method.DATA, Direction.FOR, "One in nine starts over two seconds ends before the first track.", 1_200_000, 2.0, "2026-09-02"),
        (Risk.FEASIBILITY, Method.PROTOTYPE, Direction.AGAINST, "On phones older than three years the gain is 90 ms, and we wanted 150.", 14, 5.0, "2026-10-16"),
    )  # fmt: skip
    _evidence(
        workspace,
        YOAV,
        "bet:default/two-taps-to-taste",
        (Risk.VALUE, Method.INTERVIEW, Direction.UNCLEAR, "Six of ten could name two songs at once; four began to search.", 10, 3.0, "2026-10-28"),
    )  # fmt: skip
    take_stance(
        graph,
        "bet:default/discover-weekly",
        Party.SQUAD,
        Answer.YES,
        actor=ANA,
        reason="It gained more than we asked for.",
    )
    take_stance(graph, "bet:default/discover-weekly", Party.SPONSOR, Answer.YES, actor=LEAD, reason="Good enough for everybody. Mind the licences.")  # fmt: skip
    take_stance(
        graph,
        "bet:default/instant-start",
        Party.SQUAD,
        Answer.YES,
        actor=CALLUM,
        reason="New phones alone are worth it.",
    )
    take_stance(graph, "bet:default/instant-start", Party.SPONSOR, Answer.NO, actor=LEAD, reason="Half of our listeners have the old ones.")  # fmt: skip
    take_stance(graph, "bet:default/monday-mix", Party.SQUAD, Answer.UNSURE, actor=MINH, reason="It looks much like Discovery's.")  # fmt: skip
    rank(graph, "discovery", "discover-weekly", actor=ANA, move=Move.TOP)
    rank(graph, "listening", "discover-weekly", actor=LEAD, move=Move.TOP)
    rank(graph, "listening", "instant-start", actor=LEAD, move=Move.BOTTOM)
    rank(graph, "player", "instant-start", actor=CALLUM, move=Move.TOP)
    rank(graph, "arpeggio", "discover-weekly", actor=TOP, move=Move.TOP)


Told = tuple[Risk, Method, Direction, str, int | None, float, str]


def _evidence(workspace: Workspace, actor: Actor, bet: str, *rows: Told) -> None:
    today = today_utc()
    for risk, method, direction, note, sample, cost, day in rows:
        given = EvidenceInput(
            risk=risk,
            method=method,
            direction=direction,
            note=note,
            sample=sample,
            cost=cost,
            date=min(date.fromisoformat(day), today),  # this machine's clock may not have reached the story
        )
        add_evidence(workspace.graph, bet, given, actor=actor)


def _file_of(arpeggio: Path, bet: str) -> dict[str, Any]:
    file = arpeggio / "bets" / f"{bet.rpartition('/')[2]}.yaml"
    document: dict[str, Any] = read_file(file).documents[0].value
    return document


def _as_it_was(arpeggio: Path, bet: str, **spec: Any) -> dict[str, Any]:
    document = _file_of(arpeggio, bet)
    earlier = {key: value for key, value in {**document["spec"], **spec}.items() if value is not None}
    return {**document, "spec": earlier}
