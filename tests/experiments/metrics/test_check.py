from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.experiments.metrics import readings, store
from counterpoint.experiments.metrics.check import Remark
from tests.experiments.metrics.conftest import FIRST, WEEK, event, measured

SOON = FIRST + timedelta(days=3)


def told(workspace: Workspace, loaded: store.Loaded, *, now: datetime = SOON) -> dict[str, Remark]:
    types = readings.seen(workspace)
    reading = None if loaded.problem else readings.preview(workspace, loaded, readings.Asked(WEEK))
    found = readings.check_metric(workspace, loaded, reading, types, now=now)
    return {f"{remark.level} {remark.about}": remark for remark in found if remark.about != "definition"}


def test_an_event_that_never_came_is_told_with_the_nearest_type(squad: Workspace) -> None:
    squad.journal.append([event(0, 1, kind="listen.minutes")])
    found = told(squad, measured(squad, event="listen.minuts"))
    assert list(found) == ["warning event"]
    assert "did you mean listen.minutes?" in found["warning event"].message


def test_an_event_that_stopped_is_told_with_its_last_day(squad: Workspace) -> None:
    squad.journal.append([event(0, user, {"value": 1}) for user in range(5)])
    assert told(squad, measured(squad)) == {}
    late = told(squad, measured(squad), now=datetime(2026, 7, 4, tzinfo=UTC))
    assert "has come for 61 days; the last one is of 4 May 2026" in late["warning event"].message


@pytest.mark.parametrize(
    ("spec", "data", "key", "words"),
    [
        (
            {"field": "ms"},
            [{"ms": 1}] * 9 + [{}],
            "warning field",
            "10.0 % of the events have no number in `ms` (1 of 10)",
        ),
        ({"field": "duration"}, [{"durations": 1}] * 10, "warning field", "did you mean durations?"),
        (
            {"field": "ms"},
            [{"secret": 1, "page": {"x": 2}}] * 10,
            "warning field",
            "They have `page`, `page.x`, `secret`.",
        ),
        (
            {"cap": 5},
            [{"value": 1}] * 19 + [{"value": 9}],
            "info cap",
            "5.0 % of the events have a number above the cap of 5",
        ),
        ({"cap": 5}, [{"value": 9}] * 10, "warning cap", "the cap decides the figure"),
        ({"unit": "ms"}, [{"value": -1}] * 10, "warning unit", "below 0"),
        ({"unit": "%"}, [{"value": 0.5}] * 10, "warning unit", "shares of one"),
        ({"unit": "%"}, [{"value": 500}] * 10, "warning unit", "above 100"),
        ({"aggregation": "any", "field": "ok"}, [{}] * 10, "info field", "each of them counts as 1"),
    ],
)
def test_what_the_numbers_say_against_the_definition_is_told(
    squad: Workspace, spec: dict[str, Any], data: list[Any], key: str, words: str
) -> None:
    squad.journal.append([event(0, user, each) for user, each in enumerate(data)])
    found = told(squad, measured(squad, **spec))
    assert list(found) == [key]
    assert words in found[key].message


def test_events_without_subjects_are_told(squad: Workspace) -> None:
    squad.journal.append([event(0, user if user > 3 else None, {"value": 1}) for user in range(10)])
    assert "4 events name no subject" in told(squad, measured(squad))["warning users"].message


def test_both_metrics_of_a_ratio_are_checked(squad: Workspace) -> None:
    measured(squad, "a", event="x")
    measured(squad, "b", event="y")
    ratio = measured(squad, "r", aggregation="ratio", numerator="a", denominator="b")
    found = readings.check_metric(squad, ratio, None, readings.seen(squad), now=SOON)
    assert [remark.message[:4] for remark in found if remark.about == "event"] == ["“a”:", "“b”:"]
