"""The fields of a Recommender, and what they say against each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem
from counterpoint.graph.fields import Field
from counterpoint.graph.kind import refers
from counterpoint.graph.own_checks import check_whole

__all__ = ["RECOMMENDER", "check_recommender"]

RECOMMENDER = (
    Field(
        "signals",
        "objects",
        at_least=1,
        fields=(
            Field("event", required=True),
            Field("item"),
            Field("weight", "number", minimum=-1000, maximum=1000),
            Field("attribute"),
            Field("above", "number"),
            Field("below", "number"),
        ),
    ),
    Field("context"),
    Field("private"),
    Field("zone"),
    Field(
        "playlists",
        "object",
        fields=(Field("event", required=True), Field("playlist"), Field("title"), Field("items")),
    ),
    Field("items", "object", fields=(Field("event", required=True), Field("item"))),
    Field("halfLife", "number", minimum=0.01, maximum=36_500),
    Field("window", "number", minimum=1, maximum=36_500),
    Field("most", "number", minimum=1, maximum=1_000_000),
    Field(
        "mostItems",
        "object",
        fields=(Field("day", "number", minimum=1), Field("all", "number", minimum=1)),
    ),
    Field("consent", choices=("assumed", "required")),
    Field("flag"),
    refers("flagSet", "FlagSet", "recommendsBy", "choosesVersionOf", default="default"),
    Field("shadow", "number", minimum=1),
    Field(
        "weekly",
        "object",
        fields=(
            Field("places", "number", minimum=1, maximum=500),
            Field("calibration", "number", minimum=0, maximum=1),
            Field("byArtist", "number", minimum=1),
            Field("gap", "number", minimum=0),
            Field("popular", "number", minimum=0, maximum=1),
            Field("small", "number", minimum=0, maximum=1),
            Field("candidates", "number", minimum=1, maximum=10_000),
            Field("known", "number", minimum=0, maximum=1),
            Field("explored", "number", minimum=0),
            Field("greed", "number", minimum=0, maximum=1),
        ),
    ),
    Field("budget", "number", minimum=1, maximum=1_000_000),
)
"""What a Recommender may say beside its owner; `discover.plan` has what holds where it says nothing."""
WHOLE = (
    ("shadow", ""),
    *(("weekly", name) for name in ("places", "byArtist", "gap", "candidates", "explored")),
    *(("mostItems", name) for name in ("day", "all")),
)


def check_recommender(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Bounds need an attribute to bound, and some signal must speak for an item."""
    signals = spec.get("signals") or ()
    for index, signal in enumerate(signals):
        place = f"/spec/signals/{index}"
        bounded = "above" in signal or "below" in signal
        if bounded and "attribute" not in signal:
            yield Problem(
                "above and below bound a number of the event; name its attribute, such as msPlayed.",
                f"{place}/attribute",
            )
        if "attribute" in signal and not bounded:
            yield Problem(
                "attribute is bounded by nothing; say above or below, or leave it out.", f"{place}/attribute"
            )
        if signal.get("above", 0) >= signal.get("below", float("inf")):
            yield Problem("above is the smaller of the two; nothing lies between them.", f"{place}/above")
        if signal.get("weight", 1) == 0:
            yield Problem("weight is 0, so the signal says nothing; leave it out.", f"{place}/weight")
    if signals and all(signal.get("weight", 1) < 0 for signal in signals):
        yield Problem("Every signal speaks against items; give one with a weight above 0.", "/spec/signals")
    for outer, inner in WHOLE:
        if inner:
            yield from check_whole(spec.get(outer) or {}, inner, f"/spec/{outer}")
        else:
            yield from check_whole(spec, outer, "/spec")
    weekly = spec.get("weekly") or {}
    if weekly.get("explored", 0) > weekly.get("places", 30):
        yield Problem(
            f"explored is {weekly['explored']:g}; it must be at most the {weekly.get('places', 30):g} places.",
            "/spec/weekly/explored",
        )
