"""What pages show of a metric's reading: the figure, its chart and table, and what it was computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from counterpoint.experiments.metrics.definition import ADDED, Calendar, Definition, in_words
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import LEAST, Bin, Figure, Reading
from counterpoint.experiments.metrics.store import Loaded
from counterpoint.experiments.metrics.telling import amount_text, figure_text, users_text
from counterpoint.experiments.wording import count, percent, value
from counterpoint.said import Said
from counterpoint.web.charts import Bar, Series, column_chart, line_chart
from counterpoint.web.formats import number
from counterpoint.web.urls import with_query

__all__ = [
    "ALL",
    "Panel",
    "Row",
    "Source",
    "distribution_chart",
    "panel_of",
    "period_text",
    "range_text",
    "span_text",
]

ALL: Final = "all"
"""What the line of all users together is called beside those of parts."""
LONG: Final = 10_000
"""From where on amounts are written beside an axis in thousands."""


@dataclass(frozen=True, slots=True)
class Source:
    """The events behind a figure."""

    text: Said
    href: str


BRIEF: Final = ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (100.0 * LONG, 1e6, "M"), (float(LONG), 1e3, "k"))
"""From which peak on amounts are written in which unit, with its sign."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table behind a chart."""

    span: str
    part: str
    figure: str
    users: str
    events: str
    open: bool
    """Whether more of it is to come."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A metric's figures as a page shows them."""

    metric: Definition
    figure: str
    """Of the newest span in which something happened."""
    span: str
    """That span, and whether more of it is to come; empty where nothing happened."""
    users: str
    whole: str
    """The figure of the whole period."""
    whole_users: str
    period: str
    chart: Markup
    rows: tuple[Row, ...]
    parts: tuple[tuple[str, str, str], ...]
    """Name, figure and users of each part over the whole period."""
    words: Said
    """How it is computed."""
    notes: tuple[Said, ...]
    """What was left out, and why."""
    sources: tuple[Source, ...]
    holds: bool = True
    """Whether it is of the events of now."""


def panel_of(
    loaded: Loaded,
    reading: Reading,
    *,
    today: date,
    chart: str | None = None,
    targets: Sequence[tuple[float, str]] = (),
    titles: Mapping[str, str] | None = None,
    name: str = "",
    holds: bool = True,
) -> Panel:
    """Everything that a page shows of a reading.

    Args:
        loaded: The metric.
        reading: Its figures.
        today: The day on which they are shown.
        chart: "line" or "columns"; what suits the aggregation where it is left out, none for "figure".
        targets: Values to aim at, with what they are called.
        titles: Titles of the metrics that a ratio is of.
        name: What the chart is called for those who do not see it; the metric's title by default.
        holds: Whether the reading is of the events of now.
    """
    metric, period = loaded.definition, reading.period
    last = next((each for each in reversed(reading.of_part("")) if each.events or each.withheld), None)
    return Panel(
        metric=metric,
        figure=figure_text(metric, last) if last else "–",
        span=_named(last.span, period, today) if last and last.span else "",
        users=users_text(last) if last else "0",
        whole=figure_text(metric, reading.whole),
        whole_users=users_text(reading.whole),
        period=period_text(period),
        chart=_chart(reading, chart, targets, name or metric.title),
        rows=tuple(_rows(reading, today)),
        parts=tuple((part.part, figure_text(metric, part), users_text(part)) for part in reading.parts),
        words=in_words(metric, titles or {part.ref: part.title for part in loaded.parts}),
        notes=tuple(_notes(reading, today)),
        sources=tuple(_sources(loaded, reading)),
        holds=holds,
    )


def period_text(period: Period) -> str:
    """The period's first and last day, as people write them."""
    if period.first == period.last:
        return _day(period.first)
    same = period.first.year == period.last.year
    first = f"{period.first.day} {period.first:%b}" if same else _day(period.first)
    return f"{first} to {_day(period.last)}"


def span_text(span: date, calendar: Calendar) -> str:
    """A span's name: its day, the Monday of its week, or its month."""
    if calendar == "month":
        return f"{span:%b %Y}"
    return f"week of {_day(span)}" if calendar == "week" else _day(span)


def _named(span: date, period: Period, today: date) -> str:
    return span_text(span, period.calendar) + ("" if period.over(span, today) else ", so far")


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _short(ordinal: float) -> str:
    found = date.fromordinal(max(1, round(ordinal)))
    return f"{found.day} {found:%b}"


def _brief(amount: float, peak: float) -> str:
    """An amount beside an axis, where a long number has no room: 2.5 M, 40 k."""
    if peak >= 1e15:  # beyond what anybody has a word for
        return f"{amount:.1e}" if amount else "0"
    for least, unit, sign in BRIEF:
        if peak >= least:
            return f"{number(amount / unit)} {sign}" if amount else "0"
    return number(amount)


def _chart(reading: Reading, kind: str | None, targets: Sequence[tuple[float, str]], name: str) -> Markup:
    metric = reading.metric
    if kind == "figure":
        return Markup("")
    names = [part.part for part in reading.parts]
    columns = kind == "columns" or (kind is None and metric.aggregation in ADDED)

    peak = max((abs(point.value or 0.0) for point in reading.points), default=0.0)

    def write(amount: float) -> str:
        return percent(amount, places=1) if metric.share else _brief(amount, peak)

    if columns and not names:
        bars = [
            Bar(
                _short(point.span.toordinal()),
                max(point.value or 0.0, 0.0),
                text=f"{span_text(point.span, reading.period.calendar)}, {figure_text(metric, point)}",
            )
            for point in reading.of_part("")
            if point.span is not None
        ]
        return (
            column_chart(bars, title=name, write=write, targets=targets)
            if any(bar.value for bar in bars)
            else Markup("")
        )
    lines = [
        Series(
            part or (ALL if names else metric.unit or ""),
            _line(reading.of_part(part)),
            gaps=_gaps(reading.of_part(part)),
        )
        for part in names or [""]
    ]
    return line_chart(
        lines,
        title=name,
        write_x=_short,
        write_y=write if metric.share or peak >= LONG else None,
        from_zero=metric.aggregation in ADDED,
        targets=targets,
        marks=[float(span.toordinal()) for span in reading.period.spans],
    )


def _line(points: Sequence[Figure]) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(each.span.toordinal()), each.value) for each in points if each.span and each.value is not None
    )


def _gaps(points: Sequence[Figure]) -> tuple[float, ...]:
    return tuple(float(each.span.toordinal()) for each in points if each.span and each.value is None)


def _rows(reading: Reading, today: date) -> list[Row]:
    metric, period = reading.metric, reading.period
    order = {part: index for index, part in enumerate(["", *(part.part for part in reading.parts)])}
    points = sorted(
        (point for point in reading.points if point.span),
        key=lambda point: (-(point.span or today).toordinal(), order[point.part]),
    )
    return [
        Row(
            span_text(point.span, period.calendar),
            point.part or ALL,
            figure_text(metric, point),
            users_text(point),
            "" if point.withheld else count(point.events),
            open=not period.over(point.span, today),
        )
        for point in points
        if point.span is not None
    ]


def _notes(reading: Reading, today: date) -> list[str]:
    metric, whole, notes = reading.metric, reading.whole, []
    if reading.period.last < today and whole.events:
        notes.append(f"No event has come since {_day(reading.period.last)}, so the period ends there.")
    if whole.blank and metric.numbered:
        notes.append(f"{count(whole.blank)} events have no number in `{metric.field}` and are left out.")
    elif whole.blank:
        notes.append(f"{count(whole.blank)} events have nothing in `{metric.field}`; each counts as 1.")
    if metric.cap is not None:
        notes.append(
            f"A number above the cap of {metric.cap:,g} counts as the cap: {count(whole.capped)} of {count(whole.events)} events."
        )
    if reading.withheld:
        notes.append(
            f"{count(reading.withheld)} figures are withheld: they are about fewer than {LEAST} people, or would tell of one that is."
        )
    if metric.days is not None:
        notes.append(
            f"Its window of {metric.days} days after a user's first exposure is about experiments; here every event of the period counts."
        )
    return notes


def _sources(loaded: Loaded, reading: Reading) -> list[Source]:
    whole, period = reading.whole, period_text(reading.period)
    if loaded.definition.aggregation == "ratio":
        return [
            Source(
                f"Events of type `{part.event}`, for “{part.title}”, {period}",
                with_query("/events", type=part.event),
            )
            for part in loaded.parts
        ]
    if whole.withheld:
        return []
    event = loaded.definition.event
    of = f" of {count(whole.users)} users" if whole.users else ""
    return [
        Source(
            f"Computed from {count(whole.events)} events of type `{event}`{of}, {period}",
            with_query("/events", type=event),
        )
    ]


def distribution_chart(metric: Definition, bins: Sequence[Bin], title: str) -> Markup:
    """How often which numbers are, with the cap; nothing where there is nothing to see."""
    if len(bins) < 2:
        return Markup("")
    bars = [
        Bar(
            number(each.low),
            float(each.events),
            text=f"{range_text(metric, each)}, {'withheld' if each.withheld else count(each.events)}",
            voice=5 if metric.cap is not None and each.low >= metric.cap else 1,
        )
        for each in bins
    ]
    width = bins[0].high - bins[0].low if bins[0].high is not None else 0.0
    mark = None
    if metric.cap is not None and width:
        mark = ((metric.cap - bins[0].low) / width, f"cap {amount_text(metric, metric.cap)}")
    return column_chart(bars, title=title, mark=mark)


def range_text(metric: Definition, each: Bin) -> str:
    """The numbers that a bin holds."""
    low = value(metric, each.low, unit=False)
    return f"{low} and more" if each.high is None else f"{low} to {value(metric, each.high, unit=False)}"
