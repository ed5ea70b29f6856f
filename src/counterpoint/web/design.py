"""The specimens of the guide at `/design`: every component and chart with made-up values."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counterpoint.graph.customs import Custom, Origin, UnitCustoms
from counterpoint.graph.entity import Activity
from counterpoint.graph.similar.likeness import Likeness
from counterpoint.web import charts
from counterpoint.web.activity import ActivityGroup, grouped
from counterpoint.web.formats import percent
from counterpoint.web.icons import ICONS
from counterpoint.web.render import STATIC, PageContext
from counterpoint.web.similar import Contact, SimilarThing
from counterpoint.web.words import TONES

__all__ = ["colour_tokens", "leading_nowhere", "specimens"]


_THING = re.compile(
    r'href="/(?:(?:bets|catalog|experiments|flags|people|scorecards|units)/|practices\?)[^"]*"(?=[^<]*>)'
)
"""A link to the page of one thing, or to the practices of one unit."""


def leading_nowhere(html: str) -> str:
    """The guide with the links of its specimens leading to the guide itself: what they name is made up.

    >>> leading_nowhere('<main id="main"><a href="/bets/default/radio">Radio</a></main>')
    '<main id="main"><a href="#main">Radio</a></main>'
    """
    before, main, rest = html.partition("<main")
    shown, end, after = rest.partition("</main>")
    return before + main + _THING.sub('href="#main"', shown) + end + after


def colour_tokens(file: Path = STATIC / "tokens.css") -> list[tuple[str, str, str]]:
    """Return name, light and dark value of every colour of the tokens."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        name, colon, value = line.strip().partition(":")
        value = value.strip().rstrip(";")
        if name.startswith("--") and colon and value.startswith("light-dark("):
            light, _, dark = value.removeprefix("light-dark(").removesuffix(")").partition(", ")
            found.append((name, light, dark))
    return found


def specimens() -> dict[str, Any]:
    """Return what the template of the guide shows."""
    return {
        "colours": colour_tokens(),
        "icons": sorted(ICONS),
        "words": sorted(TONES),
        "moment_then": datetime(2026, 5, 3, 14, 2, tzinfo=UTC),
        "plot": _plot(),
        "lines": _lines(),
        "bars": _bars(),
        "columns": charts.column_chart(
            [charts.Bar(f"{day} May", 400 + 180 * math.sin(day / 2.2)) for day in range(1, 15)],
            title="Exposures per day",
        ),
        "stacks": charts.stacked_columns(
            [
                charts.Stack(
                    f"{hour}:00",
                    (80 + 40 * math.sin(hour / 3), hour % 5, 9 if hour == 11 else 0),
                    f"{hour}:00",
                )
                for hour in range(24)
            ],
            [("Accepted", 1), ("Known already", 5), ("Rejected", 2)],
            title="Events per hour",
        ),
        "shares": charts.share_bar(
            [charts.Bar("control", 45120), charts.Bar("weekly", 44912)], title="Share of people by arm"
        ),
        "spark": charts.sparkline([3, 4, 3.5, 5, 4.8, 6.2, 6, 7.1], title="Plays over eight weeks"),
        "relations": _relations(),
        "sight": SIGHT,
        "activity": _activity(),
        "without_bets": _without_bets(),
        "similar": _similar(),
    }


def _similar() -> tuple[SimilarThing, ...]:
    contacts = (Contact("home@arpeggio.example", "mailto:home@arpeggio.example"),)
    return (
        SimilarThing(
            ref="bet:default/monday-mix",
            kind="Bet",
            title="Monday mix",
            description="A mix of thirty tracks on the first screen every Monday.",
            url="/bets/default/monday-mix",
            owner="group:default/home",
            owner_title="Home",
            contacts=contacts,
            likeness=Likeness(0.6, 0.4, metrics=("metric:default/weekly-listening-minutes",)),
            phrases=("thirty tracks", "every monday"),
        ),
    )


def _without_bets() -> Any:
    """The frame of a page of a unit that has switched bets off."""
    origin = Origin(
        "policypack:default/listening", "Listening's ways", "group:default/listening", "Listening"
    )
    customs = UnitCustoms("group:default/onboarding", practices={"bets": Custom(value=False, origin=origin)})
    return PageContext("Arpeggio", "/bets", "Ana Lind", signed_in=True, csrf="", customs=customs)


def _plot() -> Any:
    rows = [
        charts.Interval("Sessions per person", 0.031, 0.012, 0.050, "good", note="success"),
        charts.Interval("Retention after 7 days", 0.008, -0.006, 0.022, note="success"),
        charts.Interval(
            "App start time", 0.004, -0.003, 0.011, "good", margin=0.02, note="guardrail, margin 2 %"
        ),
        charts.Interval(
            "Crash-free sessions", -0.024, -0.041, -0.007, "bad", margin=-0.01, note="guardrail, margin 1 %"
        ),
    ]
    return charts.interval_plot(
        rows,
        title="Difference of weekly against control",
        lower="control is higher",
        higher="weekly is higher",
    )


def _lines() -> Any:
    days = range(1, 29)
    weekly = charts.Series(
        "weekly",
        tuple((day, 0.30 + 0.0018 * day + 0.008 * math.sin(day)) for day in days),
        tuple((0.28 + 0.0018 * day, 0.325 + 0.0018 * day) for day in days),
    )
    control = charts.Series("control", tuple((day, 0.30 + 0.007 * math.cos(day)) for day in days))
    return charts.line_chart(
        [weekly, control],
        title="People who come back, by day",
        write_x=lambda value: f"day {value:.0f}",
        write_y=lambda value: percent(value, 0),
    )


def _bars() -> Any:
    return charts.horizontal_bars(
        [
            charts.Bar("Components", 118, href="/catalog?kind=Component"),
            charts.Bar("APIs", 46, href="/catalog?kind=API"),
            charts.Bar("Resources", 31, href="/catalog?kind=Resource"),
            charts.Bar("Systems", 22, href="/catalog?kind=System"),
        ],
        title="Entities by kind",
    )


def _relations() -> Any:
    return charts.relation_diagram(
        charts.Node("playlist-builder"),
        [
            charts.RelationGroup("owned by", (charts.Node("Discovery", "/units/default/discovery"),), "left"),
            charts.RelationGroup(
                "part of",
                (charts.Node("recommendations", "/catalog/system/default/recommendations"),),
                "left",
            ),
            charts.RelationGroup(
                "depends on",
                (
                    charts.Node("taste-profiles", "/catalog/component/default/taste-profiles"),
                    charts.Node("play-history", "/catalog/resource/default/play-history"),
                    charts.Node("a-component-with-a-name-that-is-far-too-long-to-fit", "/catalog"),
                ),
            ),
            charts.RelationGroup(
                "provides", (charts.Node("playlists-api", "/catalog/api/default/playlists-api"),)
            ),
        ],
        title="Relations of playlist-builder",
    )


def _activity() -> list[ActivityGroup]:
    then = datetime(2026, 5, 3, 14, 2, tzinfo=UTC)
    refs = [
        f"component:default/{name}"
        for name in ("playlist-builder", "taste-profiles", "play-history", "signup")
    ]
    decided = Activity(
        9,
        then,
        "user:default/ana",
        "bet.decided",
        "bet:default/discover-weekly",
        reason="Both guardrails hold.",
    )
    return grouped(
        [
            decided,
            *(
                Activity(8 - at, then, "user:default/ana", "entity.created", ref)
                for at, ref in enumerate(refs)
            ),
        ]
    )


SIGHT = (
    {
        "kind": "Purpose",
        "title": "Everybody finds music they love",
        "href": "/catalog/purpose/default/find-music",
    },
    {
        "kind": "Belief",
        "title": "Somebody who is surprised once a week comes back",
        "href": "/catalog/belief/default/surprise",
        "note": "confidence 70 %",
    },
    {"kind": "Bet", "title": "Discover Weekly", "href": "/bets/default/discover-weekly", "status": "active"},
    {
        "kind": "Flag",
        "title": "discover-weekly",
        "href": "/flags/default/discover-weekly",
        "status": "enabled",
    },
    {
        "kind": "Experiment",
        "title": "Discover Weekly, first 25 %",
        "href": "/experiments/default/discover-weekly",
        "status": "running",
    },
    {
        "kind": "Verdict",
        "title": "Sessions rise by 1.2 to 5.0 %",
        "href": "/experiments/default/discover-weekly",
        "status": "ship",
    },
    {"kind": "Decision", "title": "Nobody has decided yet", "open": True},
)
"""A line of sight whose decision is still open."""
