"""Is the sample ratio as planned, in parts and over time? Pure functions of sizes and planned shares.

Each keeps its level while every user is assigned by the planned shares, however few users there are and however many
come on which day: parts are merged by how many users they hold in all arms together, which says nothing of the arms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from counterpoint.experiments.quality_totals import Sizes
from counterpoint.experiments.wording import count
from counterpoint.stats import SampleRatio, exact_sample_ratio, sample_ratio, sequential_sample_ratio

__all__ = ["Found", "by_day", "by_value", "over_time", "part_p", "told"]

LEAST_DUE = 5 - 1e-9
"""Users that the plan must give each arm of a part before a chi-square test of it is trusted."""
APPROXIMATE = 1000
"""Users of the smallest arm from which the chi-square distribution is right far out in its tails too."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one of the tests found; p is none unless `state` is "tested"."""

    p: float | None
    note: str = ""
    state: str = "tested"


def part_p(found: SampleRatio, shares: Sequence[float]) -> float | None:
    """The p of a part: that of the chi-square test, and for small arms not below the exact one.

    At shares of 9 to 1 and 5 users due, the chi-square test rejects three times as often at 0.001 as it says.
    """
    if found.p is None or min(found.expected) >= APPROXIMATE:
        return found.p
    return max(found.p, exact_sample_ratio(found.observed, shares))


def by_day(days: Sequence[Sizes], arms: Sequence[str], shares: Sequence[float]) -> Found:
    """The day that lies farthest from the plan; days with too few users are merged with those after them."""
    merged = [(name, sizes) for name, sizes in _merged_days(days, arms, shares)]
    return _farthest(merged, arms, shares, "days or runs of days")


def by_value(segments: Mapping[str, Sequence[Sizes]], arms: Sequence[str], shares: Sequence[float]) -> Found:
    """The value of a segment that lies farthest from the plan; those with too few users are one rest per segment."""
    parts = [
        (f"{segment} {name}", sizes)
        for segment, values in segments.items()
        for name, sizes in _merged_values(values, arms, shares)
    ]
    return _farthest(parts, arms, shares, "values of segments")


def over_time(days: Sequence[Sizes], arms: Sequence[str], shares: Sequence[float]) -> Found:
    """The smallest always-valid p of all days up to now, since it may be looked at each of them."""
    sizes, lowest, note = [0] * len(arms), 1.0, ""
    for each in days:
        sizes = [before + more for before, more in zip(sizes, each.of(arms), strict=True)]
        p = sequential_sample_ratio(sizes, shares).p
        if p < lowest:
            lowest, note = (
                p,
                f"Farthest from the plan at the end of {each.name} ({told(arms, sizes)} until then).",
            )
    return Found(lowest, note)


def told(arms: Sequence[str], sizes: Sequence[int]) -> str:
    """The users of each arm, in words."""
    return ", ".join(f"{arm} {count(size)}" for arm, size in zip(arms, sizes, strict=True))


def _enough(sizes: Sequence[int], shares: Sequence[float]) -> bool:
    return sum(sizes) * min(shares) / sum(shares) >= LEAST_DUE


def _merged_days(
    days: Sequence[Sizes], arms: Sequence[str], shares: Sequence[float]
) -> Iterator[tuple[str, list[int]]]:
    """Runs of adjacent days that each give every arm users enough; too few at the end join the run before."""
    runs: list[tuple[str, str, list[int]]] = []
    first, sizes = "", [0] * len(arms)
    for each in days:
        first = first or each.name
        sizes = _sum(sizes, each.of(arms))
        if _enough(sizes, shares):
            runs.append((first, each.name, sizes))
            first, sizes = "", [0] * len(arms)
    if first and runs:
        start, _, before = runs.pop()
        runs.append((start, days[-1].name, _sum(before, sizes)))
    for start, end, whole in runs:
        yield start if start == end else f"{start} to {end}", whole


def _merged_values(
    values: Sequence[Sizes], arms: Sequence[str], shares: Sequence[float]
) -> Iterator[tuple[str, list[int]]]:
    """The values with users enough, then the others together, if those are enough."""
    rest, small = [0] * len(arms), []
    for each in values:
        sizes = each.of(arms)
        if _enough(sizes, shares):
            yield each.name or "(none)", sizes
        else:
            small.append(each.name or "(none)")
            rest = _sum(rest, sizes)
    if small and _enough(rest, shares):
        yield small[0] if len(small) == 1 else f"of {count(len(small))} small values", rest


def _sum(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _farthest(
    parts: Sequence[tuple[str, list[int]]], arms: Sequence[str], shares: Sequence[float], what: str
) -> Found:
    """The smallest p of all parts, times their number (Bonferroni's bound)."""
    if not parts:
        return Found(None, state="too few units")
    tested = [(part_p(sample_ratio(sizes, shares), shares) or 0.0, name, sizes) for name, sizes in parts]
    p, name, sizes = min(tested, key=lambda each: each[0])
    note = f"Farthest from the plan of {count(len(tested))} {what}: {name} ({told(arms, sizes)})."
    return Found(min(1.0, p * len(tested)), note)
