"""What the page of an experiment shows of its effects day by day: for each metric a line with its interval, and a table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from counterpoint.experiments import wording
from counterpoint.experiments.over_time import Day, Line, OverTime
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.segment import Range
from counterpoint.web.charts import Series, line_chart

__all__ = ["DayRow", "LineShown", "lines_shown"]

EPOCH = date(1970, 1, 1)
SETTLED = 3
"""The scale is that of the last two thirds of the days: the first ones know nearly nothing, and would press it flat."""
ROOM = 0.08


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day in the table."""

    day: str
    users: int
    change: str
    interval: str
    looks: str
    """The looks that were taken on the day."""


@dataclass(frozen=True, slots=True)
class LineShown:
    """One metric of one treatment over time."""

    line: Line
    chart: Markup
    """Empty where there is one day only."""
    margin_drawn: bool
    clipped: bool
    """Whether the interval of some day goes beyond the chart."""
    rows: tuple[DayRow, ...]
    """Newest first."""


def lines_shown(found: OverTime, result: Result, tell: Callable[[str], str]) -> list[LineShown]:
    """The lines of metrics in the order of the plan."""
    many = len(result.comparisons) > 1
    return [_shown(line, result, tell, many=many) for line in found.lines]


def _shown(line: Line, result: Result, tell: Callable[[str], str], *, many: bool) -> LineShown:
    known = [(each, _amount(line, each), _ends(line, each)) for each in line.days]
    days = [(each, amount, ends) for each, amount, ends in known if amount is not None and ends is not None]
    low, high = _limits([(amount, ends) for _, amount, ends in days])
    points = tuple((float((each.day - EPOCH).days), amount) for each, amount, _ in days)
    band = tuple(
        (low if ends.low is None else max(ends.low, low), high if ends.high is None else min(ends.high, high))
        for _, _, ends in days
    )
    cut = any(
        ends.low is None or ends.low < low or ends.high is None or ends.high > high for _, _, ends in days
    )
    margin = _margin(line)
    targets = [(margin, "margin")] if margin is not None and low <= margin <= high else []
    name = f"{line.label}, {line.treatment}" if many else line.label
    chart = line_chart(
        [Series("" if not many else line.treatment, points, band)],
        title=tell(f"{name}: the change at the end of each day"),
        description="; ".join(
            f"{_day(each.day)}: {_written(line, amount)} ({_written(line, ends.low)} to {_written(line, ends.high)})"
            for each, amount, ends in _few(days)
        ),
        write_x=lambda value: _day(EPOCH + timedelta(days=round(value))),
        write_y=(lambda value: wording.percent(value, signed=True, places=_places(high - low)))
        if line.relative
        else (lambda value: wording.value(line, value, signed=True, unit=False)),
        targets=targets,
        marks=[x for x, _ in points],
        limits=(low, high),
        height=200,
    )
    return LineShown(
        line,
        chart if len(points) > 1 else Markup(""),
        bool(targets),
        cut,
        tuple(
            DayRow(
                _day(each.day),
                each.users,
                _written(line, amount),
                f"{_written(line, ends.low)} to {_written(line, ends.high)}",
                ", ".join(_name(look) for look in result.looks if look.as_of.date() == each.day),
            )
            for each, amount, ends in reversed(days)
        ),
    )


def _name(look: Taken) -> str:
    if look.stops is not None:
        return f"{look.stops} stopped"
    return f"look {look.index}" if look.index else "decided"


def _places(span: float) -> int:
    """Places that tell ticks of a range of shares apart."""
    return 0 if span > 0.05 else 1 if span > 0.005 else 2


def _few(days: list[tuple[Day, float, Range]]) -> list[tuple[Day, float, Range]]:
    """Enough days to tell a line in words: the first, the last, and some between; the table has all."""
    step = max(1, -(-len(days) // 8))
    return [each for number, each in enumerate(days) if (len(days) - 1 - number) % step == 0]


def _amount(line: Line, each: Day) -> float | None:
    return each.relative if line.relative else each.difference


def _ends(line: Line, each: Day) -> Range | None:
    return each.relative_interval if line.relative else each.interval


def _limits(days: list[tuple[float, Range]]) -> tuple[float, float]:
    """The range that is drawn: every estimate, zero, and the intervals of the days that know something."""
    settled = days[len(days) // SETTLED :]
    ends = [end for _, each in settled for end in (each.low, each.high) if end is not None]
    values = [0.0, *ends, *(amount for amount, _ in days)]
    low, high = min(values), max(values)
    room = (high - low) * ROOM or 0.01
    return low - room, high + room


def _margin(line: Line) -> float | None:
    if line.margin is None or (line.margin_scale == "relative") != line.relative:
        return None
    return -line.margin if line.direction == "increase" else line.margin


def _written(line: Line, amount: float | None) -> str:
    if line.relative:
        return wording.percent(amount, signed=True)
    return wording.value(line, amount, signed=True)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
