"""Home's flags in Arpeggio: planned, tried in staging, promoted, ramped step by step, and one of them killed."""

import random
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterpoint.demo.arriving import arrivals
from counterpoint.flags import FlagSet
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.exposure_event import Exposure, event_of
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph import Actor
from counterpoint.workspace import Workspace

__all__ = ["HOME_SET", "SHOWN", "greetings", "ramp_home", "show_home"]

HOME_SET = "home"
STAGING = "home.staging"
ANDROID = Actor(
    "user:default/viktor.bergstrom", "Viktor Bergström", "person", units=frozenset({"group:default/home"})
)
CHUNK = 40
"""Exposures that are sent together."""
SHOWN = 600
"""Listeners who have opened Home in the last two days."""
TWO_DAYS = 172_800.0
STEPS = (
    (2.5, "Errors and start of the app are as before at 1 %."),
    (5, "The shelf is opened by a third of those who see it."),
    (10, "Enough to read skips by Friday."),
)

GREETED = datetime(2026, 10, 19, tzinfo=UTC)
"""When the moving greeting was tried: in the second week of Discover Weekly, on the same listeners."""
GREETING = {
    "state": "ENABLED",
    "variants": {"on": True, "off": False},
    "defaultVariant": "off",
    "targeting": {"fractional": [["on", 50], ["off", 50]]},
}
"""The flag as it was then; since it was killed only employees would see it."""


def greetings(listeners: Iterable[str], seed: int) -> list[dict[str, Any]]:
    """That listeners were given the greeting, or were not, in the order of time. It changed nothing of what they did."""
    flags = FlagSet.from_flagd({"flags": {"animated-greeting": GREETING}})
    chance = random.Random(seed)
    shown = []
    for name in listeners:
        at = (GREETED + timedelta(seconds=chance.randrange(3 * 86_400))).timestamp()
        found = flags.evaluate("animated-greeting", {"targetingKey": name})
        shown.append(Exposure(HOME_SET, "animated-greeting", found.variant or "off", name, found.reason, at))
    shown.sort(key=lambda each: (each.at, each.subject))
    return [event_of(each, f"{each.subject}-greeting") for each in shown]


def ramp_home(workspace: Workspace, arpeggio: Path) -> None:
    """Write the flags of Home into staging, promote them, and take them to where they stand today."""
    write_set(workspace, ANDROID, STAGING, arpeggio / "home-flags.json", reason="New flags for the winter.")
    compose(workspace, ANDROID, STAGING, arpeggio / "home-flag-plans.yaml", reason="As agreed on Tuesday.")
    promote_set(
        workspace,
        ANDROID,
        way_of(STAGING, workspace.settings.flags.environments),
        reason="Two days in staging without a crash.",
    )
    for percent, reason in STEPS:
        ramp(workspace, ANDROID, HOME_SET, "morning-shelf", percent, reason=reason)
    kill(workspace, ANDROID, HOME_SET, "animated-greeting", reason="Old phones get warm.")
    ramp(workspace, ANDROID, STAGING, "large-covers", 50, reason="To see it on every tester's phone.")


def show_home(workspace: Workspace) -> None:
    """Let listeners open Home in the last two days: each is given what the flags give, and that is recorded."""
    with workspace.graph.read() as reader:
        flags = read_set(reader, HOME_SET).flags
    begun = time.time() - TWO_DAYS
    exposures = []
    for number in range(SHOWN):
        at = begun + TWO_DAYS * (number + 0.5) / SHOWN
        subject = f"listener-{number * 7:05}"
        context = {"targetingKey": subject, "device": ("phone", "tv", "car")[number % 3]}
        for key in ("morning-shelf", "large-covers"):
            found = flags.evaluate(key, context, now=at)
            if found.variant is not None:
                exposures.append(Exposure(HOME_SET, key, found.variant, subject, found.reason, at))
    events = [event_of(each, f"home-{number:04}") for number, each in enumerate(exposures)]
    with arrivals(workspace) as journal:
        for first in range(0, len(events), CHUNK):
            sent = exposures[min(first + CHUNK, len(events)) - 1].at
            journal.append(datetime.fromtimestamp(sent + 5, UTC), events[first : first + CHUNK])
