"""What the pages of recommenders show: charts of audiences, and a plan and what was left out as rows."""

from datetime import date

from markupsafe import Markup

from counterpoint.discover.creators import Audience
from counterpoint.discover.plan import Plan, Signal
from counterpoint.discover.versions import Version
from counterpoint.web.charts import (
    Bar,
    Interval,
    Series,
    horizontal_bars,
    interval_plot,
    line_chart,
)
from counterpoint.web.formats import number, percent

__all__ = [
    "EXAMPLE",
    "found_chart",
    "growth_chart",
    "left_out_rows",
    "overlap_chart",
    "plan_rows",
    "suggestion_chart",
    "week_chart",
]

EXAMPLE = """apiVersion: counterpoint.dev/v1
kind: Recommender
metadata:
  name: weekly
  title: Weekly playlist
spec:
  owner: group:default/discovery
  signals:
    - event: track.played
      item: track
    - event: track.skipped
      item: track
      weight: -1
  items:
    event: track.described
    item: track
  playlists:
    event: playlist.changed
  consent: required
  flag: weekly-model
"""
"""What an empty page shows to begin with."""
DRAWN = 10
"""Rows of a chart; its table has all."""


def plan_rows(plan: Plan) -> list[tuple[str, str]]:
    """What a recommender goes by, as pairs of label and value."""
    return [
        ("Signals", "; ".join(map(_signal, plan.signals))),
        ("From where", f"attribute {plan.context}"),
        ("Playlists", plan.playlists.event if plan.playlists else ""),
        ("What items are", plan.items.event if plan.items else ""),
        ("Half-life", f"{plan.half_life:g} days"),
        ("Window", f"{plan.window:g} days" if plan.window else "everything that was ever heard"),
        ("One listener, one item", f"counts {plan.most:g} at most"),
        ("Consent", "required" if plan.consent == "required" else "assumed until it is withdrawn"),
        ("Shadow", f"version {plan.shadow}" if plan.shadow else ""),
        (
            "Small artists",
            f"{percent(plan.weekly.small, 0)} of the places of a week at least" if plan.weekly.small else "",
        ),
        ("Budget of a fit", f"{plan.budget:g} CPU s"),
    ]


def _signal(signal: Signal) -> str:
    bounds = [
        f"{word} {value:g}"
        for word, value in (("above", signal.above), ("below", signal.below))
        if value is not None
    ]
    where = f", where {signal.attribute} is {' and '.join(bounds)}" if bounds else ""
    return f"{signal.event} ({signal.weight:+g}{where})"


def left_out_rows(version: Version | None) -> list[tuple[str, str]]:
    """Why entries were left out, and how many."""
    if version is None:
        return []
    return [
        (reason, number(count, 0))
        for reason, count in sorted(version.left_out.items(), key=lambda each: (-each[1], each[0]))
    ]


def found_chart(told: Audience) -> Markup:
    """Where listeners first heard a creator."""
    bars = [
        Bar(
            each.source, each.listeners, f"{percent(each.share, 0)}", voice=5 if each.source == "other" else 1
        )
        for each in told.found
    ]
    return horizontal_bars(bars, title="Where listeners first heard them")


def growth_chart(told: Audience) -> Markup:
    """All listeners at the end of each period."""
    points = [(float(told.periods[0].start.toordinal()), 0.0)] if told.periods else []
    points += [(float(each.end.toordinal()), float(each.total)) for each in told.periods]
    return line_chart(
        [Series("listeners", tuple(points))],
        title="Everybody who has listened, over time",
        write_x=_day,
        write_y=lambda value: number(value, 0),
        from_zero=True,
    )


def week_chart(told: Audience) -> Markup:
    """Who listened in each week; a gap where too few did for it to be told."""
    points = [
        (float(each.start.toordinal()), float(each.listeners))
        for each in told.weeks
        if each.listeners is not None
    ]
    gaps = tuple(float(each.start.toordinal()) for each in told.weeks if each.listeners is None)
    return line_chart(
        [Series("listeners", tuple(points), gaps=gaps)],
        title="Listeners of each week",
        write_x=_day,
        write_y=lambda value: number(value, 0),
        from_zero=True,
    )


def overlap_chart(told: Audience) -> Markup:
    """Whom listeners hear as well."""
    bars = [
        Bar(each.creator, each.share, f"{percent(each.share, 0)} · {each.lift:.1f}×")
        for each in told.overlaps[:DRAWN]
    ]
    return horizontal_bars(bars, title="Share of listeners who hear the other as well, beside everybody")


def suggestion_chart(told: Audience) -> Markup:
    """How many of other audiences listen already, with the range for more of them."""
    rows = [
        Interval(
            each.creator, each.share, each.low, each.high, tone="good", note=f"{each.listeners:,} not yet"
        )
        for each in told.suggestions[:DRAWN]
    ]
    return interval_plot(
        rows,
        title="Share of each audience that listens already, with the 90 % range for listeners like them",
        write=lambda value: percent(value, 0),
        lower="fewer",
        higher="more",
    )


def _day(ordinal: float) -> str:
    day = date.fromordinal(max(1, round(ordinal)))
    return f"{day.day} {day:%b}"
