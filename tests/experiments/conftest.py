from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from counterpoint.experiments import Experiment, Guardrail, Metric

START = datetime(2026, 5, 1, tzinfo=UTC)
USERS = 90_000


@pytest.fixture(scope="session")
def plan() -> Experiment:
    """A plan with one success metric and two guardrails, for `tables`."""
    return Experiment(
        name="gate",
        flag="gate-level",
        control="gate_30",
        treatments=("gate_40",),
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
