"""A rollout in a workspace, and the values that pure tests are made of."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.experiments.model import Metric
from counterpoint.flags.composing import compose
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts.judging import Observed
from counterpoint.rollouts.model import Guardrail, Limits, Rollout, Step
from counterpoint.stats import MeanPair, rate

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plan_of(**changes: Any) -> Rollout:
    """A rollout of three monitored steps and a last one, on crashes, which should become fewer."""
    given: dict[str, Any] = {
        "ref": "rollout:default/weekly",
        "name": "weekly",
        "title": "Weekly list",
        "flag": "weekly-list",
        "steps": (
            Step(percent=1, hold_seconds=3_600, inconclusive="proceed"),
            Step(percent=10, hold_seconds=3_600, approval=True),
            Step(percent=50, hold_seconds=3_600),
            Step(percent=100, hold_seconds=0, monitored=False, minimum_sample=0),
        ),
        "guardrails": (Guardrail(metric=CRASHED, margin=0.5),),
        "limits": Limits(),
        "treatment": "on",
        "control": "control",
        "salt": "weekly-list",
    }
    return Rollout(**{**given, **changes})


CRASHED = Metric(name="crashed", event="crash", aggregation="any", direction="decrease")


def observed_of(
    at: datetime,
    *,
    users: int = 2_000,
    control: float = 0.1,
    treatment: float = 0.1,
    treated: int | None = None,
) -> Observed:
    """What the journal says where so many users are in each arm, and these shares of them crashed."""
    there = users if treated is None else treated
    pair = (
        MeanPair(rate(round(users * control), users), rate(round(there * treatment), there))
        if users
        else None
    )
    return Observed(
        control_users=users,
        treatment_users=there,
        last_exposure=at if users else None,
        pairs={"crashed": pair} if pair else {},
    )


def document(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A descriptor of one of our kinds, owned by a squad."""
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": {"owner": "discovery", **spec},
    }


SQUAD = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Group",
    "metadata": {"name": "discovery"},
    "spec": {"type": "squad", "children": []},
}
ROLLOUT: dict[str, Any] = {
    "flag": "weekly-list",
    "steps": [
        {"percent": 1, "hold": "1h", "inconclusive": "proceed"},
        {"percent": 10, "hold": "1h", "approval": True},
        {"percent": 50, "hold": "1h"},
        {"percent": 100, "hold": "0s"},
    ],
    "guardrails": [{"metric": "crashed", "margin": 0.5}],
}
PLANS = {
    "flags": {
        "weekly-list": {
            "variants": {"on": True, "off": False, "control": False},
            "default": "off",
            "treatment": "on",
            "control": "control",
        }
    }
}


def furnish(workspace: Workspace) -> Workspace:
    """Put a squad, a metric, a planned flag and a rollout of it into a workspace."""
    metric = {"event": "crash", "aggregation": "any", "direction": "decrease"}
    with workspace.graph.write(local_actor()) as writer:
        for each in (SQUAD, document("Metric", "crashed", metric), document("Rollout", "weekly", ROLLOUT)):
            writer.put(each)
    flags = {
        "weekly-list": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    }
    write_set(workspace, local_actor(), "default", {"flags": flags}, owner="group:default/discovery")
    compose(workspace, local_actor(), "default", PLANS)
    return workspace


@pytest.fixture
def org(workspace: Workspace) -> Workspace:
    """The workspace with a rollout that has not started."""
    return furnish(workspace)


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """As `org`, once on each database."""
    with Workspace.create(tmp_path / "either", name="Test") as made:
        yield furnish(made)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says what the journal would say from now on, without events."""

    def say(observed: Observed) -> None:
        monkeypatch.setattr("counterpoint.rollouts.controller.observe", lambda *_: observed)

    say(Observed())
    return say


def happened(
    users: int, *, at: datetime, crashed: float, treated: float, first: int = 0
) -> list[dict[str, Any]]:
    """Exposures of so many users, half of them in each arm, and the crashes of these shares."""
    made: list[dict[str, Any]] = []

    def add(kind: str, user: int, data: dict[str, Any]) -> None:
        made.append(
            {
                "specversion": "1.0",
                "id": f"{kind}-{user}",
                "source": "/test",
                "type": kind,
                "subject": f"u{user}",
                "time": at.isoformat(),
                "data": data,
            }
        )

    for user in range(first, first + users):
        is_treated = user % 2
        variant = "on" if is_treated else "control"
        data = {"feature_flag.key": "weekly-list", "feature_flag.result.variant": variant}
        add("feature_flag.evaluation", user, data | {"feature_flag.set.id": "default"})
        if (user // 2) % 100 < 100 * (treated if is_treated else crashed):
            add("crash", user, {})
    return made
