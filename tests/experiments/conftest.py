from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from counterpoint import Workspace
from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.graph.actor import local_actor

START = datetime(2026, 5, 1, tzinfo=UTC)
END = datetime(2026, 6, 1, tzinfo=UTC)
USERS = 90_000


@pytest.fixture(scope="session")
def plan() -> Experiment:
    """A plan with one success metric and two guardrails, for `tables`."""
    return Experiment(
        name="gate",
        flag="gate-level",
        control="gate_30",
        treatments=("gate_40",),
        end=END,
        success=(Metric(name="retained", event="retained", aggregation="any"),),
        guardrails=(
            Guardrail(Metric(name="rounds", event="rounds", aggregation="sum", unit="rounds"), 0.02),
            Guardrail(Metric(name="crashes", event="crash", aggregation="count", direction="decrease"), 0.2),
        ),
    )


@pytest.fixture(scope="session")
def tables() -> tuple[pa.Table, pa.Table]:
    """Exposures and events of 90,000 users by integer arithmetic, so every tool makes the same data.

    Retention is 18 % in the control and 19.2 % in the treatment; rounds are equal in law; crashes too.
    """
    index = np.arange(USERS)
    treated = index % 2 == 1
    subject = pa.array([f"u{i}" for i in index])
    exposed = pa.array([START + timedelta(seconds=int(i)) for i in index], pa.timestamp("us", "UTC"))
    retained = (index * 7919 // 2) % 1000 < np.where(treated, 192, 180)
    rounds = ((index // 2) * 104_729 % 211).astype(float)
    exposures = pa.table(
        {"subject": subject, "variant": np.where(treated, "gate_40", "gate_30"), "time": exposed}
    )

    def events(kind: str, chosen: np.ndarray, value: np.ndarray) -> pa.Table:
        rows = np.flatnonzero(chosen)
        return pa.table(
            {
                "type": pa.array([kind] * len(rows)),
                "subject": subject.take(rows),
                "time": exposed.take(rows),
                "value": pa.array(value[rows], pa.float64()),
            }
        )

    every = np.ones(USERS, dtype=bool)
    crashed = (index // 2) % 50 == 0
    parts = [
        events("retained", every, retained.astype(float)),
        events("rounds", every, rounds),
        events("crash", crashed, np.ones(USERS)),
    ]
    return exposures, pa.concat_tables(parts)


def entity(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A descriptor of one of our kinds, owned by a squad."""
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": {"owner": "games", **spec},
    }


ENTITIES = (
    {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": "games"},
        "spec": {"type": "squad", "children": []},
    },
    entity("Metric", "retained", {"event": "retained", "aggregation": "any", "direction": "increase"}),
    entity(
        "Metric",
        "rounds",
        {"event": "rounds", "aggregation": "sum", "direction": "increase"},
        title="Rounds played",
    ),
    entity("Bet", "later-gate", {}),
    entity(
        "Experiment",
        "gate",
        {
            "bet": "later-gate",
            "flag": "gate-level",
            "control": "gate_30",
            "treatments": ["gate_40"],
            "success": [{"metric": "retained"}],
            "guardrails": [{"metric": "rounds", "margin": 0.3}],
            "end": "2026-06-01",
        },
        title="Gate at level 40",
    ),
)
"""A squad, two metrics, a bet and the experiment that tests it."""


@pytest.fixture
def games(workspace: Workspace) -> Workspace:
    """The workspace with the entities and no events."""
    with workspace.graph.write(local_actor()) as writer:
        for document in ENTITIES:
            writer.put(document)
    return workspace


def happened(
    users: int = 200, *, treated: str = "gate_40", flag_set: str = "default"
) -> list[dict[str, Any]]:
    """Exposures and events of some users: 20 % of the control come back and 60 % of the treatment."""
    made: list[dict[str, Any]] = []

    def add(kind: str, user: int, data: dict[str, Any]) -> None:
        at = (START + timedelta(seconds=user)).isoformat()
        made.append(
            {
                "specversion": "1.0",
                "id": f"{kind}-{user}",
                "source": "/test",
                "type": kind,
                "subject": f"u{user}",
                "time": at,
                "data": data,
            }
        )

    for user in range(users):
        variant = treated if user % 2 else "gate_30"
        shown = {"feature_flag.key": "gate-level", "feature_flag.result.variant": variant}
        add("feature_flag.evaluation", user, shown | {"feature_flag.set.id": flag_set})
        add("retained", user, {"value": int((user // 2) % 10 < (6 if user % 2 else 2))})
        add("rounds", user, {"value": (user // 2) % 7})
    return made


@pytest.fixture
def played(games: Workspace) -> Workspace:
    """The workspace with entities and events."""
    assert not games.journal.append(happened()).rejected
    return games
