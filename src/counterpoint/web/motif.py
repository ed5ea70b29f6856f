"""The motif of the house: two voices in contrary motion on five lines, each passing over the other in turn."""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from markupsafe import Markup

__all__ = ["staff"]

LINES = 5
STEP = 5
"""Pixels between the points of a voice."""
GAP = 6
"""Pixels around a crossing in which the lower voice is not drawn."""
EDGE = 20
"""Pixels at both ends in which a crossing has no gap, which would leave a stub."""


def _high(x: float, width: float) -> float:
    turn = 2 * math.pi * x / width
    return 0.62 * math.sin(turn * max(width / 400, 1.5) + 0.5) + 0.3 * math.sin(turn * 1.3 + 2.0)


def _low(x: float, width: float) -> float:
    turn = 2 * math.pi * x / width
    return -0.58 * math.sin(turn * max(width / 400, 1.5) + 0.25) + 0.24 * math.sin(turn * 2.1 + 4.0)


@cache
def staff(width: int = 1200, height: int = 48, class_: str = "staff") -> Markup:
    """Return the drawing, which is decoration: it stretches to its place and is hidden from screen readers."""
    voices: tuple[Callable[[float, float], float], ...] = (_high, _low)
    crossings = _crossings(width)
    gap = height / (LINES + 1)
    lines = Markup("").join(
        Markup('<path class="staff-line" d="M0 {}H{}"/>').format(f"{gap * (index + 1):.1f}", width)
        for index in range(LINES)
    )
    drawn = Markup("").join(
        Markup('<path class="staff-voice voice-{}" d="{}"/>').format(
            voice + 1,
            _path(function, width, height, [at for turn, at in enumerate(crossings) if turn % 2 == voice]),
        )
        for voice, function in enumerate(voices)
    )
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}{}</svg>'
    ).format(class_, width, height, lines, drawn)


def _crossings(width: int) -> list[float]:
    """Return where the voices cross, from left to right, apart from the ends."""
    places = [float(x) for x in range(width + 1)]
    return [
        (left + right) / 2
        for left, right in pairwise(places)
        if EDGE < left < width - EDGE
        and (_high(left, width) - _low(left, width)) * (_high(right, width) - _low(right, width)) < 0
    ]


def _path(voice: Callable[[float, float], float], width: int, height: int, under: list[float]) -> str:
    """Return a voice as a path that leaves a gap wherever it passes below the other."""
    edges = sorted(
        {
            0.0,
            float(width),
            *(float(x) for x in range(0, width, STEP)),
            *(at + side for at in under for side in (-GAP, GAP)),
        }
    )
    text, pen = [], False
    for x in edges:
        if not 0 <= x <= width:
            continue
        if any(abs(x - at) < GAP for at in under):
            pen = False
            continue
        if any(x == at + GAP for at in under):
            pen = False
        text.append(f"{'L' if pen else 'M'}{x:.0f} {height / 2 + voice(x, width) * height * 0.42:.1f}")
        pen = True
    return "".join(text)
