"""From values to places on a chart: linear scales, round ticks, text that fits."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from counterpoint.web.formats import number

__all__ = ["Scale", "clipped", "extent", "tick_text", "ticks"]

CHARACTER = 6.6
"""Width in pixels that a character of 12 px text takes at most on average."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values (`low`..`high`) to pixels (`start`..`end`)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value in pixels; a scale without width puts all in the middle."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def clamped(self, value: float) -> float:
        """Return the place of a value, or the nearer end for one outside or infinite."""
        return self(min(max(value, self.low), self.high))


def extent(
    values: Iterable[float], *, include: Iterable[float] = (), padding: float = 0.06
) -> tuple[float, float]:
    """Return the lowest and highest finite value with some room around; (0, 1) where there is none."""
    finite = [value for value in (*values, *include) if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * padding or abs(high) * 0.1 or 1.0
    return low - room, high + room


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round values (steps of 1, 2 or 5 times a power of ten) within a range."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda size: abs(math.log(size / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]


def tick_text(values: list[float]) -> Callable[[float], str]:
    """Return the writing of ticks, with as many places as their step needs."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    places = max(0, -math.floor(math.log10(abs(step)) + 1e-9)) if step else 0
    return lambda value: number(value, places)


def clipped(text: str, width: float, character: float = CHARACTER) -> str:
    """Return text shortened with an ellipsis to what fits into a width in pixels."""
    room = max(int(width / character), 1)
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"
