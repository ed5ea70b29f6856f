"""Toy bets that the tests of this room share."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from counterpoint.bets.model import Bet, Reading, read_bet

AT = datetime(2026, 5, 3, 9, tzinfo=UTC)


@pytest.fixture
def full_spec() -> dict[str, Any]:
    return {
        "owner": "discovery",
        "stage": "ship",
        "purpose": "music-for-everyone",
        "beliefs": ["taste"],
        "hypothesis": "We believe a weekly list will bring listeners back.",
        "success": [{"metric": "retention", "expect": "up"}],
        "guardrails": [{"metric": "start-time", "margin": 0.01}],
        "kill": "Fewer than one in ten open it.",
        "patience": "2026-09-01",
    }


@pytest.fixture
def make_bet() -> Callable[..., Bet]:
    def make(spec: dict[str, Any], **metadata: Any) -> Bet:
        document = {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": "weekly", **metadata},
            "spec": spec,
        }
        entity = SimpleNamespace(
            ref="bet:default/weekly",
            namespace="default",
            name="weekly",
            owner="group:default/discovery",
            etag="e1",
            updated_at=AT,
            document=document,
        )
        return read_bet(entity)

    return make


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    def make(verdict: str, at: datetime = AT) -> Reading:
        return Reading(
            experiment="experiment:default/weekly",
            title="Weekly test",
            at=at,
            verdict=verdict,
            sentence="Plays rose by 3 %.",
        )

    return make
