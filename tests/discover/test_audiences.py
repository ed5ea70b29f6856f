"""What creators are told out of the journal, what an evaluation of a recommender leaves, and the commands of both."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.bets.evidence_log import read_evidence
from counterpoint.cli import run as call
from counterpoint.discover import Protocol
from counterpoint.discover.audiences import audience, creators
from counterpoint.discover.consent import declare
from counterpoint.discover.corrections import Corrected, PrivateSession, keep_corrections
from counterpoint.discover.evaluating import Beside, Compared, Judged
from counterpoint.discover.evaluations import (
    direction_of,
    evaluate_recommender,
    newest_evaluation,
    offer_newest,
    sentence_of,
)
from counterpoint.discover.forgetting import forget_listener
from counterpoint.discover.version import Figure
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.journal.sought import Named
from tests.discover.heard import NOW, REF, described, opened, planted, played, recommender, tell

ANA = Actor("user:default/ana", "Ana", "person")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A hundred listeners over six weeks: half of Nina's come from search, the rest by playlists."""
    with opened(tmp_path_factory.mktemp("station") / "ws") as workspace:
        with workspace.graph.write(SYSTEM) as writer:
            for name in ("weekly-bet", "guarded"):
                writer.put(
                    {
                        "apiVersion": "counterpoint.dev/v1",
                        "kind": "Bet",
                        "metadata": {"name": name},
                        "spec": {"owner": "discovery", "hypothesis": "Taste helps."},
                    }
                )
            writer.put(
                {
                    "apiVersion": "backstage.io/v1alpha1",
                    "kind": "Group",
                    "metadata": {"name": "discovery"},
                    "spec": {"type": "squad", "children": []},
                }
            )
        tell(workspace, planted(60), described("n", artist=["Nina", "Both"]), described("s", show="Sundays"))
        tell(
            workspace,
            (
                played(
                    f"l{at:03d}", "n", ago=40 if at < 30 else 20, context="search" if at < 30 else "playlist"
                )
                for at in range(60)
            ),
            (played(f"m{at:03d}", "s", ago=15) for at in range(40)),
            (played(f"l{at:03d}", "s", ago=15) for at in range(25)),
            (played(f"o{at:03d}", "t0", ago=15) for at in range(30)),
        )
        yield workspace


def test_an_audience_is_read_out_of_the_journal(station: Workspace) -> None:
    entity, told = audience(station, "weekly", "Nina")
    assert (entity.ref, told.listeners) == (REF, 60)
    assert [(each.source, each.listeners) for each in told.found] == [("playlist", 30), ("search", 30)]
    assert [each.new for each in told.periods] == [30, 30]
    assert {each.creator: each.shared for each in told.overlaps}["Sundays"] == 25
    assert audience(station, "weekly", "Both")[1].listeners == 60, "an item may have several creators"
    with pytest.raises(NotFoundError, match="did you mean Nina"):
        audience(station, "weekly", "Nine")


def test_creators_are_listed_by_how_many_listen_and_only_with_listeners_enough(station: Workspace) -> None:
    _, found = creators(station, "weekly", words="n")
    assert [(each.name, each.listeners) for each in found] == [("Sundays", 65), ("Nina", 60)]
    assert [each.name for each in creators(station, "weekly", words="n", limit=1)[1]] == ["Sundays"]


def test_events_may_say_under_another_name_from_where_something_was_played(tmp_path: Path) -> None:
    with opened(tmp_path / "ws") as workspace:
        recommender(workspace, context="source")
        tell(workspace, described("n", artist="Nina"))
        tell(workspace, (played(f"l{at:02d}", "n", ago=20, source="radio") for at in range(20)))
        (found,) = audience(workspace, "weekly", "Nina")[1].found
        assert (found.source, found.listeners, found.plays) == ("radio", 20, 1.0)


def test_who_said_no_to_research_or_listened_in_private_has_no_part(tmp_path: Path) -> None:
    with opened(tmp_path / "ws") as workspace:
        tell(
            workspace, described("n", artist="Nina"), (played(f"l{at:02d}", "n", ago=20) for at in range(23))
        )
        assert audience(workspace, "weekly", "Nina")[1].listeners == 23
        declare(workspace, "l00", "research", given=False, source="test")
        assert audience(workspace, "weekly", "Nina")[1].listeners == 22
        session = PrivateSession(NOW - timedelta(days=30), NOW)
        with workspace.graph.write(SYSTEM) as writer:
            keep_corrections(writer, REF, "l01", Corrected(private=(session,)))
        assert audience(workspace, "weekly", "Nina")[1].listeners == 21
        forget_listener(workspace, SYSTEM, "weekly", "l22")
        assert audience(workspace, "weekly", "Nina")[1].listeners == 20
        recommender(workspace, consent="required")
        for at in range(20):
            declare(workspace, f"l{at:02d}", "personalisation", given=True, source="test")
        assert audience_or_none(workspace) is None, "research was allowed by nobody"
        for at in range(2, 20):
            declare(workspace, f"l{at:02d}", "research", given=True, source="test")
        assert audience_or_none(workspace) is None, "18 are too few"


def test_how_many_a_group_must_have_can_be_raised_and_not_lowered(
    station: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_DISCOVER__LEAST_LISTENERS", "61")
    with Workspace.open(station.path) as strict:
        assert audience_or_none(strict) is None
        assert [each.name for each in creators(strict, "weekly", words="n")[1]] == ["Sundays"]
        with pytest.raises(InputError, match="of fewer than 61 nothing is told"):
            evaluate_recommender(
                strict,
                SYSTEM,
                "weekly",
                methods=("popularity",),
                protocol=Protocol(split="listeners"),
                budget=0.01,
                until=NOW,
            )
    monkeypatch.setenv("COUNTERPOINT_DISCOVER__LEAST_LISTENERS", "5")
    with pytest.raises(InputError) as refused:
        Workspace.open(station.path)
    assert "least_listeners" in str(refused.value.problems)


def figures(method: str, recall: float, low: float | None = None, high: float | None = None) -> Judged:
    """A method that finds so much, and so much more than popularity."""
    none = Figure(0.0, 0.0, 0.0, 50)
    beside = None if low is None or high is None else Beside((low + high) / 2, low, high, 0.04, "popularity")
    return Judged(
        method=method, options={}, fit_seconds=0, recall=Figure(recall, recall - 0.1, recall + 0.1, 50), ndcg=none,
        map=none, r_precision=none, coverage=1, novelty=1, exposure=0.1, consumption=0.1, calibration=none, gini=0,
        tiers=(), lorenz=(), beside_popularity=beside, behind=beside if method != "als" else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("methods", "direction", "words"),
    [
        (
            (figures("als", 0.4, 0.05, 0.15), figures("popularity", 0.3)),
            "for",
            "10.0 points more than popularity",
        ),
        ((figures("als", 0.4, -0.05, 0.15), figures("popularity", 0.3)), "unclear", "(−5.0 to 15.0, p 0.04)"),
        ((figures("popularity", 0.4), figures("ease", 0.3, 0.02, 0.2)), "against", "points more than ease"),
        (
            (figures("popularity", 0.4), figures("ease", 0.3, -0.02, 0.2)),
            "unclear",
            "popularity finds 40.0 %",
        ),
        ((figures("als", 0.4),), "unclear", "Nothing was compared with it."),
        ((), "unclear", "Nothing was compared."),
    ],
)
def test_evidence_is_for_a_bet_only_where_more_is_surely_found_than_by_popularity(
    methods: tuple[Judged, ...], direction: str, words: str
) -> None:
    found = Compared(split="the last", places=20, rows=50, calibrated="genres", methods=methods)
    assert direction_of(found) == direction
    assert words in sentence_of(found)


def audience_or_none(workspace: Workspace) -> int | None:
    return audience(workspace, "weekly", "Nina")[1].listeners


def test_an_evaluation_is_kept_and_is_evidence_on_the_value_of_a_bet(station: Workspace) -> None:
    found, entry = evaluate_recommender(
        station,
        SYSTEM,
        "weekly",
        methods=("popularity", "neighbours"),
        budget=0.01,
        until=NOW,
        bet="weekly-bet",
    )
    assert found.calibrated == "genres"
    kept = newest_evaluation(station, REF)
    assert kept is not None
    assert (kept.entry.seq, kept.kept.compared) == (entry.seq, found)
    (evidence,) = read_evidence(station.graph, "weekly-bet")
    assert (evidence.risk, evidence.method, evidence.strength, evidence.sample) == (
        "value",
        "offline",
        2,
        found.rows,
    )
    assert (evidence.source, evidence.link) == (f"{REF}#{entry.seq}", "/discover/default/weekly")
    assert f"Of {found.rows} listeners, {found.methods[0].method} finds" in evidence.note
    offered = offer_newest(station, SYSTEM, "weekly", "guarded")
    assert offered.subject == "bet:default/guarded"


def test_an_evaluation_needs_the_recommender_and_the_bet(station: Workspace) -> None:
    with pytest.raises(NotAllowedError, match="group:default/discovery"):
        evaluate_recommender(station, ANA, "weekly")
    with pytest.raises(NotFoundError, match="no bet weekly-bat; did you mean weekly-bet"):
        evaluate_recommender(station, SYSTEM, "weekly", bet="weekly-bat")
    with pytest.raises(InputError, match="is no bet"):
        evaluate_recommender(station, SYSTEM, "weekly", bet="component:default/x")
    evaluate_recommender(station, SYSTEM, "weekly", methods=("popularity",), budget=0.01, until=NOW)
    with pytest.raises(NotAllowedError):
        offer_newest(station, ANA, "weekly", "weekly-bet")


def test_few_listeners_are_not_evaluated_and_forgetting_one_ends_an_evaluation(tmp_path: Path) -> None:
    with opened(tmp_path / "ws") as workspace:
        tell(workspace, planted(12))
        with pytest.raises(InputError, match="Too few listeners had something held out: of fewer than 20"):
            evaluate_recommender(
                workspace,
                SYSTEM,
                "weekly",
                methods=("popularity",),
                protocol=Protocol(split="within"),
                budget=0.01,
                until=NOW,
            )
        tell(workspace, (played(f"m{at}", f"t{at % 7 + step}") for at in range(20) for step in range(3)))
        evaluate_recommender(
            workspace,
            SYSTEM,
            "weekly",
            methods=("popularity",),
            protocol=Protocol(split="within"),
            budget=0.01,
            until=NOW,
        )
        assert newest_evaluation(workspace, REF) is not None
        forget_listener(workspace, SYSTEM, "weekly", "m2")
        assert newest_evaluation(workspace, REF) is None
        evaluate_recommender(
            workspace,
            SYSTEM,
            "weekly",
            methods=("popularity",),
            protocol=Protocol(split="within"),
            budget=0.01,
            until=NOW,
        )
        workspace.journal.forget([Named("m1")])
        assert newest_evaluation(workspace, REF) is None
        with pytest.raises(NotFoundError, match="no evaluation that holds now"):
            offer_newest(workspace, SYSTEM, "weekly", "any")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    code = call([str(word) for word in words])
    out = capsys.readouterr().out
    return code, json.loads(out) if "--json" in words else out


def test_creators_and_evaluations_on_the_command_line(
    station: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("-w", station.path)
    code, told = run(capsys, *here, "--json", "discover", "creators", "weekly", "Nina")
    assert (code, told["listeners"], told["found"][0]["source"]) == (0, 60, "playlist")
    code, shown = run(capsys, *here, "discover", "creators", "weekly", "Nina")
    assert code == 0
    for words in ("Where they first listened", "Audiences to try next", "Sundays", "60 listeners until"):
        assert words in shown
    assert "Nina" in run(capsys, *here, "discover", "creators", "weekly")[1]
    words = ("--method", "popularity", "--budget", "0.01", "--plots", tmp_path, "--bet", "guarded")
    code, found = run(capsys, *here, "--json", "discover", "evaluate", "weekly", "--split", "within", *words)
    assert (code, found["methods"][0]["method"]) == (0, "popularity")
    assert (tmp_path / "recall.svg").is_file()
    log = tmp_path / "plays.csv"
    log.write_text("\n".join(["user,track", *(f"u{at % 30},t{at % 7}" for at in range(200))]), "utf-8")
    assert run(capsys, *here, "--json", "discover", "evaluate", log, *words)[0] == 0
    sources = {each.thing for each in read_evidence(station.graph, "guarded")}
    assert {REF, "evaluation of plays.csv"} <= sources
    assert call(["-w", str(station.path), "discover", "evaluate", "weekli"]) == 1
    assert "did you mean weekly" in capsys.readouterr().err
