"""What the pages of judgement show: rows and charts."""

from collections.abc import Mapping, Sequence

import msgspec
from markupsafe import Markup

from counterpoint.bets.judgement.calibration import Calibration
from counterpoint.bets.judgement.estimates import QUANTITIES, QuantityGuide, Range
from counterpoint.bets.judgement.estimating import Estimate, Judged
from counterpoint.bets.judgement.next_test import TestWorth
from counterpoint.bets.judgement.portfolio import Order, Standing
from counterpoint.bets.judgement.predicting import Question
from counterpoint.said import Said
from counterpoint.web.charts import Interval, interval_plot
from counterpoint.web.formats import number, percent
from counterpoint.web.forms import text_of
from counterpoint.web.urls import entity_url

__all__ = [
    "GUIDES",
    "RANGES",
    "TestRow",
    "calibration_chart",
    "estimate_rows",
    "order_chart",
    "points_of",
    "spread_text",
    "tests_shown",
]

GUIDES = {guide.quantity: guide for guide in QUANTITIES}
RANGES = tuple(guide for guide in QUANTITIES if not guide.quantity.is_risk)
"""What a range may be asked for of; chances are asked for by questions that yes or no will answer."""
MOST_TESTS = 6


class EstimateShown(msgspec.Struct, frozen=True):
    """An estimate as text."""

    guide: QuantityGuide
    low: str
    mid: str
    high: str
    unit: str
    estimate: Estimate


class TestRow(msgspec.Struct, frozen=True):
    """A test as text."""

    __test__ = False

    label: str
    risk: Said
    weeks: str
    worth: str
    between: str
    cost: str
    a_week: str
    pays: bool


def estimate_rows(judged: Judged) -> list[EstimateShown]:
    """The newest estimates as text."""
    return [
        EstimateShown(GUIDES[each.quantity], *_points(each), _unit_of(each), each)
        for each in judged.estimates
    ]


def _points(each: Estimate) -> tuple[str, str, str]:
    write = (lambda value: percent(value, 0)) if each.quantity.is_risk else number
    return write(each.p10), write(each.p50), write(each.p90)


def _unit_of(each: Estimate) -> str:
    if each.quantity.is_risk:
        return ""
    return "weeks" if each.quantity.value == "duration" else each.unit


def tests_shown(tests: Sequence[TestWorth]) -> list[TestRow]:
    """The tests that pay most, as text."""
    return [_shown_test(test) for test in tests[:MOST_TESTS]]


def _shown_test(test: TestWorth) -> TestRow:
    guide = next(guide for guide in QUANTITIES if guide.quantity.value == test.risk)
    return TestRow(
        label=test.label,
        risk=guide.label,
        weeks=number(test.weeks),
        worth=number(float(f"{test.evsi:.3g}")),
        between=f"{number(float(f'{test.low:.3g}'))} to {number(float(f'{test.high:.3g}'))}",
        cost=number(float(f"{test.cost:.3g}")),
        a_week=number(float(f"{test.a_week:.3g}"), signed=True),
        pays=test.a_week > 0,
    )


def spread_text(given: Range) -> str:
    """A range as people write it: "12 (3 to 40)"."""
    low, mid, high = (number(float(f"{point:.2g}")) for point in (given.p10, given.p50, given.p90))
    return f"{mid} ({low} to {high})"


def points_of(asked: Question) -> tuple[str, str, str]:
    """The reader's own range as they typed it."""
    mine = asked.mine_range
    if mine is None:
        return ("", "", "")
    low, middle, high = (text_of(float(f"{point:.10g}")) for point in (mine.p10, mine.p50, mine.p90))
    return low, middle, high


def order_chart(found: Order, titles: Mapping[str, str]) -> Markup:
    """The value of each bet per week of work, as ranges, in their order."""
    standings = [standing for group in found.groups for standing in group.standings]
    rows = [_interval(standing, titles) for standing in standings]
    return interval_plot(
        rows,
        title="Cost of delay over duration",
        write=lambda value: number(float(f"{value:.2g}")),
        lower="less lost by waiting",
        higher="more lost by waiting",
    )


def _interval(standing: Standing, titles: Mapping[str, str]) -> Interval:
    title = titles.get(standing.bet, standing.bet)
    points = standing.cd3
    return Interval(title, points.p50, points.p10, points.p90, href=entity_url(standing.bet))


def calibration_chart(found: Calibration) -> Markup:
    """By what was predicted, the share that came true with its exact interval."""
    rows = [
        Interval(
            f"Said {percent(each.low, 0)} to {percent(each.high, 0)}",
            each.came_true,
            *each.interval,
            margin=each.predicted,
            note=f"{number(each.n)} resolved",
        )
        for each in found.bins
    ]
    return interval_plot(
        rows,
        title="What came true, by what was said",
        write=lambda value: percent(value, 0),
        lower="came true less often",
        higher="more often",
    )
