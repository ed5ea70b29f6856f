"""Every engine hears the same of the same journal."""

from collections.abc import Iterator

import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.discover.consent import declare
from counterpoint.discover.forgotten import declare_forgotten
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import plan_of
from tests.discover.heard import NOW, REF, SPEC, described, played, playlist, tell
from tests.journal.engines import OTHERS, address_of, collect_sockets

pytestmark = [pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"), pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    collect_sockets()


@pytest.mark.parametrize("engine", OTHERS)
def test_another_engine_hears_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    tell(
        workspace,
        (played(f"l{at % 7}", f"t{at * at % 11}", ago=1 + at / 9, private=at % 9 == 0) for at in range(60)),
        played("ü", 42, context="search"),
        played("odd", True, ms="long"),
        playlist("p1", "l1", ["t1", 7], title="rain"),
        described("t1", artist=["a", "b"]),
    )
    workspace.journal.compact(full=True)
    declare(workspace, "l2", "personalisation", given=False, source="app")
    declare_forgotten(workspace, "l3", None, source="app")
    tell(workspace, played("l3", "new"), playlist("p1", "l1", ["t2"], ago=0.5))
    plan = plan_of({**SPEC, "window": 200})
    found = listening_of(workspace, REF, plan, until=NOW)
    monkeypatch.setattr(workspace.journal, "engine", address_of(engine))
    other = listening_of(workspace, REF, plan, until=NOW)
    assert other.digest == found.digest
    assert other.left_out == found.left_out
    assert np.array_equal(other.plays.at, found.plays.at)
    assert found.left_out["listeners without consent"] == 1
