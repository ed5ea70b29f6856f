"""Interactions: the difference of an effect across the other experiment's arms, from the journal to the corrected p."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.coordination.interaction import Pair, adjusted, both_name, interactions
from counterpoint.experiments.coordination.together import interactions_in
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from counterpoint.stats import Moments
from tests.experiments.conftest import ENTITIES, entity

NOW = datetime(2026, 6, 15, tzinfo=UTC)
SPENT = Metric(name="spent", event="spent", aggregation="sum")


def plan(name: str) -> Experiment:
    return Experiment(name=name, flag=name, control="off", treatments=("on",), success=(SPENT,), ref=name)


def totals(cells: dict[tuple[str, str], np.ndarray]) -> Totals:
    return Totals(
        groups=tuple(
            ArmTotals(both_name(*arms), False, len(values), {"spent": MetricTotals(Moments.of(values))})
            for arms, values in cells.items()
        )
    )


def sample(effect: float, seed: int, users: int = 400) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(seed)
    both = {("off", "off"): 0.0, ("on", "off"): 0.2, ("off", "on"): 0.1, ("on", "on"): 0.3 + effect}
    return {arms: rng.normal(mean, 1 + mean, users + int(10 * mean)) for arms, mean in both.items()}


def test_the_test_is_the_contrast_of_four_means_with_their_own_variances() -> None:
    cells = sample(0.5, 3)
    (found,) = interactions(Pair(plan("a"), plan("b")), totals(cells), {})
    off, one, other, both = (
        cells[key] for key in (("off", "off"), ("on", "off"), ("off", "on"), ("on", "on"))
    )
    difference = (both.mean() - other.mean()) - (one.mean() - off.mean())
    se = math.sqrt(sum(each.var(ddof=1) / len(each) for each in (off, one, other, both)))
    assert found.difference == pytest.approx(difference, rel=1e-12)
    assert found.se == pytest.approx(se, rel=1e-12)
    assert found.users == tuple(map(len, (off, one, other, both)))
    assert found.low is not None
    assert found.high is not None
    assert (found.low > 0 or found.high < 0) == (found.p is not None and found.p < 0.05)


def test_without_an_interaction_five_of_a_hundred_are_named_before_correction_and_few_after() -> None:
    seen = [interactions(Pair(plan("a"), plan("b")), totals(sample(0, seed)), {})[0] for seed in range(300)]
    share = sum(each.p is not None and each.p <= 0.05 for each in seen) / len(seen)
    assert 0.02 < share < 0.09
    assert sum(each.found for each in adjusted(seen, {})) <= 1


def test_cells_that_are_empty_or_all_alike_are_not_tested() -> None:
    (few,) = interactions(Pair(plan("a"), plan("b")), totals({("off", "off"): np.ones(9)}), {})
    assert (few.state, few.p) == ("too few users", None)
    alike = {arms: np.ones(9) for arms in sample(0, 0)}
    (same,) = interactions(Pair(plan("a"), plan("b")), totals(alike), {})
    assert (same.state, same.p) == ("no variance", None)
    assert all(each.p_adjusted is None for each in adjusted([few, same], {}))


def experiment(name: str, **spec: Any) -> dict[str, Any]:
    dates = {"start": "2026-05-01", "end": "2026-05-20"}
    arms = {"control": "off", "treatments": ["on"], "success": [{"metric": "spent"}]}
    return entity(
        "Experiment", name, {"flag": name, "surface": "home", **arms, **dates, **spec}, title=name.title()
    )


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """Two experiments at once on one surface: covers help only those who do not have the shelf."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(ENTITIES[0])
        writer.put(
            entity("Metric", "spent", {"event": "spent", "aggregation": "sum", "direction": "increase"})
        )
        for name in ("covers", "shelf"):
            writer.put(experiment(name))
    made = []
    for user in range(400):
        covers, shelf = user % 2, user // 2 % 2
        spent = user // 4 % 5 + 3 * covers * (1 - shelf)
        for key, on in (("covers", covers), ("shelf", shelf)):
            if key == "covers" or user >= 40:  # 40 users are in one experiment only
                made.append(event(user, "feature_flag.evaluation", 0, key=key, variant="on" if on else "off"))
        made.append(event(user, "spent", 60, value=spent))
    assert not workspace.journal.append(made).rejected
    return workspace


def event(user: int, kind: str, seconds: int, **data: Any) -> dict[str, Any]:
    at = datetime(2026, 5, 2, tzinfo=UTC) + timedelta(seconds=user * 100 + seconds)
    if kind == "feature_flag.evaluation":
        data = {
            "feature_flag.key": data["key"],
            "feature_flag.result.variant": data["variant"],
            "feature_flag.set.id": "default",
        }
    return {
        "specversion": "1.0", "id": f"{kind}-{user}-{data}", "source": "/test", "type": kind, "subject": f"u{user}",
        "time": at.isoformat(), "data": data,
    }  # fmt: skip


def test_an_interaction_in_the_journal_is_found_with_the_users_of_both(
    shop: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    found = interactions_in(shop, NOW)
    assert found.pairs == 1
    (only,) = found.items
    assert only.users == (90, 90, 90, 90)
    assert (only.alone, only.together, only.difference) == pytest.approx((3.0, 0.0, -3.0))
    assert only.found
    assert "another one for users who also have “Shelf”" in only.sentence
    assert run(["-w", str(shop.path), "experiments", "interactions", "covers"]) == 0
    shown = capsys.readouterr().out
    assert "1 pair of experiments looked at" in shown
    assert "! spent: the effect of “Covers”" in shown


def test_the_page_tells_the_pair_with_its_figures_when_somebody_asks(shop: Workspace) -> None:
    with TestClient(create_app(shop, auth=False, loopback=True), base_url="http://127.0.0.1") as client:
        client.headers["Accept"] = "text/html"
        first = client.get("/experiments/interactions").text
        assert "Look at them" in first
        assert "What was found" not in first
        shown = client.get("/experiments/interactions?look=1").text
        for words in (
            "1 interaction in 1 pair",
            "+3.000",
            "−3.000",
            "360",
            "another one for users who also have",
        ):
            assert words in shown
        assert "1 pair" in client.get("/experiments/interactions?experiment=experiment:default/covers").text
        assert "/experiments/interactions" in client.get("/experiments/calendar").text
        assert "/experiments/interactions?experiment=" in client.get("/experiments/default/covers").text


def test_effects_are_withheld_while_a_plan_does_not_let_them_be_read(
    shop: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (only,) = interactions_in(shop, datetime(2026, 5, 19, tzinfo=UTC)).items
    assert (only.alone, only.together, only.difference) == (None, None, pytest.approx(-3.0))
    with shop.graph.write(local_actor()) as writer:
        writer.put(experiment("covers", end="2126-05-20"))
    assert run(["-w", str(shop.path), "experiments", "interactions"]) == 0
    assert "effects withheld; difference -3" in capsys.readouterr().out


def test_an_experiment_without_neighbours_has_no_interactions(shop: Workspace) -> None:
    with shop.graph.write(local_actor()) as writer:
        writer.put(experiment("search", surface="search"))
    assert interactions_in(shop, NOW, name="search").items == ()


def test_effects_of_a_plan_that_does_not_say_when_it_is_read_are_withheld_here_too(shop: Workspace) -> None:
    undeclared = experiment("covers")
    del undeclared["spec"]["end"]
    with shop.graph.write(local_actor()) as writer:
        writer.put(undeclared)
    (only,) = interactions_in(shop, NOW).items
    assert (only.alone, only.together, only.difference) == (None, None, pytest.approx(-3.0))
