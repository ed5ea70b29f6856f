"""Exposures of a flag by variant: what the figures count is what the journal holds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.flags.exposure_counts import counts_of_flag

NOW = datetime(2026, 11, 20, 12, 30, 30, tzinfo=UTC)


def exposure(number: int, at: datetime, variant: str = "on", **others: Any) -> dict[str, Any]:
    data = {"feature_flag.key": "one", "feature_flag.set.id": "shop", "feature_flag.result.variant": variant}
    return {
        "specversion": "1.0",
        "id": f"{number}",
        "source": "test",
        "type": "feature_flag.evaluation",
        "subject": f"user-{number}",
        "time": at.isoformat(),
        "data": {name: value for name, value in {**data, **others}.items() if value is not None},
    }


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        yield made


def test_without_exposures_there_is_nothing(ws: Workspace) -> None:
    found = counts_of_flag(ws, "shop", "one", now=NOW)
    assert (found.variants, found.days, found.total) == ((), (), 0)


def test_each_variant_is_counted_for_the_hour_the_day_and_all(ws: Workspace) -> None:
    ages = [timedelta(minutes=5), timedelta(minutes=50), timedelta(hours=3), timedelta(days=2)]
    ws.journal.append([exposure(n, NOW - age) for n, age in enumerate(ages)])
    ws.journal.append([exposure(9, NOW - timedelta(days=2), "off"), exposure(10, NOW - timedelta(days=200))])
    found = counts_of_flag(ws, "shop", "one", now=NOW)
    assert [(each.variant, each.hour, each.day, each.total) for each in found.variants] == [
        ("on", 2, 3, 4),
        ("off", 0, 0, 1),
    ]
    assert [(day.day, dict(counts)) for day, counts in found.days] == [
        (18, {"on": 1, "off": 1}),
        (19, {}),
        (20, {"on": 3}),
    ]


def test_the_same_key_in_another_set_is_another_flag_and_no_set_is_the_default_one(ws: Workspace) -> None:
    ws.journal.append(
        [
            exposure(1, NOW),
            exposure(2, NOW, **{"feature_flag.set.id": "shop.staging"}),
            exposure(3, NOW, **{"feature_flag.set.id": None}),
            exposure(4, NOW, **{"feature_flag.key": "two"}),
        ]
    )
    for name in ("shop", "shop.staging", "default"):
        assert counts_of_flag(ws, name, "one", now=NOW).total == 1
        events = ws.journal.recent(type="feature_flag.evaluation", flag_set=name, flag="one")
        assert len(events) == 1, name  # the list that the figure leads to


def test_a_new_exposure_counts_at_once(ws: Workspace) -> None:
    ws.journal.append([exposure(1, NOW)])
    assert counts_of_flag(ws, "shop", "one", now=NOW).total == 1
    ws.journal.append([exposure(2, NOW)])
    assert counts_of_flag(ws, "shop", "one", now=NOW).total == 2


def test_exposures_count_when_they_have_been_moved_to_files(ws: Workspace) -> None:
    ws.journal.append([exposure(1, NOW)])
    ws.journal.compact()
    ws.journal.append([exposure(2, NOW)])
    assert counts_of_flag(ws, "shop", "one", now=NOW).total == 2
    assert len(ws.journal.recent(flag_set="shop", flag="one")) == 2
    assert ws.journal.recent(flag_set="default", flag="one") == []
