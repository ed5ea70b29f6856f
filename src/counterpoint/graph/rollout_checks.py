"""What a rollout's plan must be beyond the types of its fields, each with its place."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from counterpoint.errors import Problem
from counterpoint.graph.own_checks import check_whole

__all__ = ["MOST_MONITORED", "check_rollout", "seconds_of"]

MOST_MONITORED: Final = 50
"""Percent above which there is no control of equal size any more."""
MOST_STEPS: Final = 1_000
"""A step is a version of the flag set and an event; every check reads them all."""
MOST_POWER: Final = 50
"""Beyond it nothing is spent before the last look."""
_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s*(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def seconds_of(text: str) -> float | None:
    """Seconds of a length of time such as `90s`, `30m`, `24h` or `7d`; None where it is none.

    >>> seconds_of("24h"), seconds_of("1.5d"), seconds_of("soon")
    (86400.0, 129600.0, None)
    """
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _SECONDS[match[2]] if match else None


def check_rollout(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the steps, guardrails, levels and limits of a rollout or a template."""
    yield from _steps(spec)
    yield from _guardrails(spec)
    alpha, taken = spec.get("alpha", 0.05), spec.get("sampleRatioAlpha", 0.001)
    if not 0 < alpha < 1:
        yield Problem(f"alpha is {alpha:g}; it must be above 0 and below 1.", "/spec/alpha")
    elif not 0 < taken < alpha:
        place = "/spec/sampleRatioAlpha" if "sampleRatioAlpha" in spec else "/spec/alpha"
        yield Problem(
            f"The check of the arms' sizes takes {taken:g} of alpha, {alpha:g}; it must be above 0 and leave something.",
            place,
        )
    for name in ("least", "tunedAt"):
        yield from check_whole(spec, name, "/spec")
    for name, text in (spec.get("limits") or {}).items():
        if isinstance(text, str):
            yield from _duration(text, f"/spec/limits/{name}", least=1.0)


def _steps(spec: Mapping[str, Any]) -> Iterator[Problem]:
    before, steps = 0.0, spec.get("steps") or ()
    if len(steps) > MOST_STEPS:
        yield Problem(f"There are {len(steps):,} steps; {MOST_STEPS:,} are the most.", "/spec/steps")
        return
    for index, step in enumerate(steps):
        place, percent = f"/spec/steps/{index}", step["percent"]
        if not percent > before and index:
            yield Problem(
                f"percent is {percent:g} after {before:g}; each step reaches more users than the one before.",
                f"{place}/percent",
            )
        before = percent
        if round(percent, 3) != percent:  # not its product with 1000: 4.094 * 1000 is 4093.9999999999995
            yield Problem(
                f"percent is {percent}; give at most three decimals, since a share is drawn in 1/1000 %.",
                f"{place}/percent",
            )
        if step.get("monitored") and percent > MOST_MONITORED:
            yield Problem(
                f"At {percent:g} % there is no control of equal size; a monitored step reaches {MOST_MONITORED} % at most."
                " Leave `monitored` out: the step before decides.",
                f"{place}/monitored",
            )
        yield from check_whole(step, "minimumSample", place)
        if "hold" in step:
            yield from _duration(step["hold"], f"{place}/hold", least=1.0 if step.get("monitored") else 0.0)


def _guardrails(spec: Mapping[str, Any]) -> Iterator[Problem]:
    seen = set()
    for index, guardrail in enumerate(spec.get("guardrails") or ()):
        place, margin = f"/spec/guardrails/{index}", guardrail["margin"]
        relative = guardrail.get("scale", "relative") == "relative"
        if not 0 < margin < (1 if relative else math.inf):
            rule = "above 0 and below 1 (0.02 is 2 %)" if relative else "above 0"
            yield Problem(f"margin is {margin:g}; it must be {rule}.", f"{place}/margin")
        if guardrail["metric"] in seen:
            yield Problem(f"{guardrail['metric']} is named twice.", f"{place}/metric")
        seen.add(guardrail["metric"])
        sequential = guardrail.get("test") == "group-sequential"
        if sequential and "maximum" not in guardrail:
            yield Problem(
                "A group-sequential guardrail needs `maximum`, the users in both arms at its last look.",
                f"{place}/maximum",
            )
        for name in ("looks", "maximum", "spending", "parameter"):
            if name in guardrail and not sequential:
                yield Problem(
                    f"An anytime-valid guardrail has no {name}; leave it out, or write test: group-sequential.",
                    f"{place}/{name}",
                )
        for name in ("looks", "maximum"):
            yield from check_whole(guardrail, name, place)
        spending, parameter = guardrail.get("spending", "power"), guardrail.get("parameter")
        if sequential and parameter is not None:
            if spending == "power" and not 0 < parameter <= MOST_POWER:
                yield Problem(
                    f"parameter is {parameter:g}; the power of the time must be above 0, and {MOST_POWER} at most.",
                    f"{place}/parameter",
                )
            elif spending not in ("power", "hwang-shih-decani"):
                yield Problem(f"{spending} takes no parameter; leave it out.", f"{place}/parameter")


def _duration(text: str, place: str, *, least: float) -> Iterator[Problem]:
    seconds = seconds_of(text)
    if seconds is None:
        yield Problem(f"{text!r} is no length of time; write 30m, 24h or 7d.", place)
    elif seconds < least:
        yield Problem(f"{text!r} is too short; figures need time to come.", place)
