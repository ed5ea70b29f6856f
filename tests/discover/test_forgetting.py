"""Forgetting a listener leaves no trace: what is kept afterwards is that of a workspace which never had them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sqlalchemy import insert, select

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.discover import forgetting
from counterpoint.discover.consent import declare
from counterpoint.discover.corrections import Corrected, keep_corrections
from counterpoint.discover.forgetting import Followed, follow, forget_listener
from counterpoint.discover.listening import listening_of
from counterpoint.discover.making import alone, file_of
from counterpoint.discover.plan import plan_of
from counterpoint.discover.tables import OF_LISTENERS, WEEK
from counterpoint.discover.versions import fit_version, load_version, versions
from counterpoint.errors import NotFoundError
from counterpoint.graph.actor import SYSTEM
from counterpoint.journal.sought import Named
from tests.discover.heard import NOW, REF, SPEC, opened, planted, played, playlist, recommender, tell

GONE = "löuise@example.org"
METHODS = {"item-graph": {"rank": 6}, "als": {"factors": 4}, "ease": {}}


def hers() -> Iterator[dict[str, Any]]:
    """Somebody whose events change every model: items of hers alone, a playlist, saves and skips."""
    for track in (*range(0, 24, 3), "hers alone"):
        yield played(GONE, track if isinstance(track, str) else f"t{track}", ago=2 + len(str(track)))
    yield played(GONE, "t1", ms=100)
    yield playlist("secret", GONE, ["t1", "t3", "hers too"], title="hers")


Built = Callable[[str], Workspace]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Workspaces with a version by each method: one with her, and one that never had her."""
    found = {name: tmp_path_factory.mktemp("built") / name for name in ("had", "never")}
    for name, folder in found.items():
        with opened(folder) as made:
            tell(made, planted(), playlist("rain", "l001", ["t1", "t3", "t5"], title="rain"))
            if name == "had":
                tell(made, hers())
            for method, options in METHODS.items():
                fit_version(made, SYSTEM, "weekly", method=method, options=options, until=NOW)
    return found


@pytest.fixture
def built(templates: dict[str, Path], tmp_path: Path) -> Iterator[Built]:
    """Opens a copy of one of the two, by its name."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(
            Workspace.open(shutil.copytree(templates[name], tmp_path / name))
        )


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace with a recommender, on each database."""
    with opened(tmp_path / "workspace") as made:
        yield made


def files(workspace: Workspace) -> list[bytes]:
    return [file_of(workspace, REF, number).read_bytes() for number in (1, 2, 3)]


def answers(workspace: Workspace) -> list[list[int]]:
    history = sp.csr_matrix((np.ones(2), ([0, 0], [2, 5])), shape=(1, 24))
    return [load_version(workspace, REF, number).model.rank(history, 10).of(0) for number in (1, 2, 3)]


def keep_something(workspace: Workspace, listener: str) -> None:
    """A week and corrections of a listener."""
    with workspace.graph.write(SYSTEM) as writer:
        keep_corrections(writer, REF, listener, Corrected(items=("t1",)))
        writer.connection.execute(
            insert(WEEK).values(
                recommender=REF, listener=listener, week="2026-W44", at=writer.now, number=9, until=0, seed="", inputs="", playlist="{}", listening=""
            )
        )  # fmt: skip


def rows(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.graph.read() as reader:
        return [
            (table.name, row.listener)
            for table in OF_LISTENERS
            for row in reader.connection.execute(select(table.c.listener).order_by(table.c.listener))
        ]


def test_what_is_kept_afterwards_is_that_of_a_workspace_which_never_had_her(built: Built) -> None:
    never, had = built("never"), built("had")
    assert all(one != other for one, other in zip(files(never), files(had), strict=True))
    for listener in (GONE, "l001"):
        keep_something(had, listener)
    done = forget_listener(had, SYSTEM, "weekly", GONE)
    assert done == Followed(rows=2, fitted=("weekly/1", "weekly/2", "weekly/3"))
    assert files(had) == files(never)
    assert answers(had) == answers(never)
    assert rows(had) == [("discover_week", "l001"), ("discover_corrections", "l001")]
    for mine, other in zip(versions(had, "weekly"), versions(never, "weekly"), strict=True):
        assert mine.fits == 2
        assert (mine.digest, mine.counts, mine.left_out) == (other.digest, other.counts, other.left_out)
        assert mine.evaluation == other.evaluation
    kept = b"".join(
        each.read_bytes() for each in had.path.rglob("*") if each.is_file() and "journal" not in each.parts
    )
    assert GONE.encode() not in kept, "neither in files nor in the graph's database and its log"
    assert follow(had, SYSTEM, everything=True) == Followed(kept=("weekly/1", "weekly/2", "weekly/3"))


def test_events_forget_leads_to_the_same(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    never, had = built("never"), built("had")
    keep_something(had, GONE)
    assert run(["-w", str(had.path), "events", "forget", GONE, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "Fitted anew without them: weekly/1, weekly/2, weekly/3." in told
    assert "2 rows of recommenders were deleted." in told
    assert "holds it in" not in told, "nothing beside the journal has her"
    assert files(had) == files(never)
    assert answers(had) == answers(never)
    assert rows(had) == []
    assert run(["-w", str(had.path), "events", "forget", "nobody", "--yes"]) == 0
    assert "anew" not in capsys.readouterr().out.split("Receipt")[1]
    assert load_version(had, REF, 1).personal, "an erasure that does not concern it was followed"


def test_until_it_has_followed_a_version_answers_with_what_everybody_hears(built: Built) -> None:
    had = built("had")
    assert "hers alone" in load_version(had, REF, 1).items
    had.journal.forget([Named(GONE)])  # by whatever way: nobody has followed yet
    assert {each.following for each in versions(had, "weekly")} == {True}
    for number in (1, 2, 3):
        fitted = load_version(had, REF, number)
        assert not fitted.personal
        assert fitted.model.name == "popularity"
        assert "hers alone" not in fitted.items
        assert fitted.heard.sum() == 320
    follow(had, SYSTEM)
    assert load_version(had, REF, 1).personal


def test_while_another_process_fits_the_forgetting_waits_and_nothing_personal_is_answered(
    built: Built,
) -> None:
    had = built("had")
    with alone(had, REF):
        had.journal.forget([Named(GONE)])
        assert follow(had, SYSTEM, wait=0).waiting == (REF,)
        assert not load_version(had, REF, 1).personal
    assert follow(had, SYSTEM).fitted == ("weekly/1", "weekly/2", "weekly/3")


def test_somebody_who_is_forgotten_during_a_fit_is_in_no_version(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterpoint.discover import making

    had, made = built("had"), making.made
    calls: list[int] = []

    def forgetting(workspace: Workspace, *given: Any) -> Any:
        done = made(workspace, *given)
        if not calls:
            had.journal.forget([Named(GONE)])
        calls.append(1)
        return done

    monkeypatch.setattr(making, "made", forgetting)
    version = fit_version(had, SYSTEM, "weekly", method="popularity", until=NOW)
    assert len(calls) == 2
    assert version.counts["listeners"] == 40
    assert load_version(had, REF, 4).personal


def test_who_comes_back_after_a_forgetting_is_heard_from_then_on(either: Workspace) -> None:
    recommender(either, "other")
    tell(either, played("ana", "old"), playlist("p", "ana", ["old"]), played("ben", "x"))
    forget_listener(either, SYSTEM, "weekly", "ana")
    tell(either, played("ana", "new"))

    def heard(ref: str) -> list[str]:
        return [str(each) for each in listening_of(either, ref, plan_of(SPEC), until=NOW).items]

    assert heard(REF) == ["new", "x"]
    assert heard("recommender:default/other") == ["new", "old", "x"]
    forget_listener(either, SYSTEM, None, "ana")
    assert heard("recommender:default/other") == ["x"]


def test_a_version_of_which_nothing_is_left_is_gone(either: Workspace) -> None:
    tell(either, played("ana", "x"), played("ana", "y"))
    fit_version(either, SYSTEM, "weekly", method="popularity", until=NOW)
    assert forget_listener(either, SYSTEM, "weekly", "ana").gone == ("weekly/1",)
    assert not file_of(either, REF, 1).exists()
    with pytest.raises(NotFoundError, match="gone"):
        load_version(either, REF, 1)


def test_withdrawn_consent_and_a_lost_file_are_followed_when_everything_is_looked_at(built: Built) -> None:
    never, had = built("never"), built("had")
    declare(had, GONE, "personalisation", given=False, source="app")
    file_of(never, REF, 2).unlink()
    assert [each.following for each in versions(never, "weekly")] == [False, True, False]
    assert not load_version(never, REF, 2).personal, "a lost file fails no request"
    before = file_of(never, REF, 1).read_bytes()
    assert follow(had, SYSTEM, everything=True).fitted == ("weekly/1", "weekly/2", "weekly/3")
    assert follow(never, SYSTEM, everything=True).fitted == ("weekly/2",)
    assert files(had) == files(never)
    assert load_version(never, REF, 2).personal
    assert file_of(never, REF, 1).read_bytes() == before
    declare(had, GONE, "personalisation", given=True, source="app")
    follow(had, SYSTEM, everything=True)
    assert "hers alone" in load_version(had, REF, 1).items


def test_rows_of_people_who_are_known_by_a_hash_only_go_too(either: Workspace) -> None:
    tell(either, played("ana", "x"))
    keep_something(either, "ana")
    keep_something(either, "ben")
    either.journal.forget([Named("ana")])
    keep_something(either, "ana-2")
    assert follow(either, SYSTEM).rows == 2
    assert {listener for _, listener in rows(either)} == {"ana-2", "ben"}
    with either.graph.write(SYSTEM) as writer:
        keep_corrections(writer, REF, "ana", Corrected(items=("x",)))
    follow(either, SYSTEM)
    assert ("discover_corrections", "ana") in rows(either), "she has come back"


def test_the_log_of_changes_names_no_listener(built: Built) -> None:
    had = built("had")
    keep_something(had, GONE)
    forget_listener(had, SYSTEM, "weekly", GONE)
    with had.graph.read() as reader:
        told = reader.activity(limit=100)
    assert GONE not in repr(told)


def test_from_the_moment_of_forgetting_no_version_that_is_at_hand_answers_with_her(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """She has no week, correction or link, so that no row of hers goes; another process is fitting."""
    had = built("had")
    assert "hers alone" in load_version(had, REF, 1).items
    with alone(had, REF):
        monkeypatch.setattr(forgetting, "WAIT", 0.0)
        assert forget_listener(had, SYSTEM, "weekly", GONE).waiting == (REF,)
        assert not load_version(had, REF, 1).personal
        assert "hers alone" not in load_version(had, REF, 1).items
    follow(had, SYSTEM)
    assert load_version(had, REF, 1).personal


@pytest.mark.parametrize("dying", ["declare_forgotten", "_let_go", "follow"])
def test_a_forgetting_that_is_killed_answers_with_nothing_of_hers_and_is_made_whole(
    built: Built, monkeypatch: pytest.MonkeyPatch, dying: str
) -> None:
    had = built("had")
    for listener in (GONE, "l001"):
        keep_something(had, listener)
    load_version(had, REF, 1)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forgetting, dying, killed)
        with pytest.raises(KeyboardInterrupt):
            forget_listener(had, SYSTEM, "weekly", GONE)
    assert not load_version(had, REF, 1).personal
    follow(had, SYSTEM)
    if dying != "declare_forgotten":  # before it, nobody was told that she is forgotten
        assert {listener for _, listener in rows(had)} == {"l001"}
        assert "hers alone" not in load_version(had, REF, 1).items
    assert load_version(had, REF, 1).personal
