"""What is told of an experiment by the values of an attribute: frozen values, written as JSON in camelCase."""

import msgspec

from counterpoint.said import Said

__all__ = ["Homogeneity", "Level", "LevelEffect", "Range", "Segment"]


class Range(msgspec.Struct, frozen=True, rename="camel"):
    """An interval; an end that is none is unbounded."""

    low: float | None
    high: float | None


class LevelEffect(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One metric of one treatment over the users of one value of a segment."""

    name: str
    label: str
    treatment: str
    state: str
    """ "tested", or why there are no figures."""
    control_mean: float | None = None
    treatment_mean: float | None = None
    difference: float | None = None
    interval: Range | None = None
    """Of the difference, two-sided at 1 − the segment's level, of this value alone."""
    relative: float | None = None
    relative_interval: Range | None = None
    p: float | None = None
    """Two-sided, of this value alone."""
    p_adjusted: float | None = None
    """Corrected for all values and metrics of the segment (Benjamini–Hochberg)."""
    found: bool = False
    """Whether the corrected p is at most the level."""


class Level(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One value of a segment."""

    name: str
    """Empty for users without one."""
    users: dict[str, int]
    """By variant."""
    effects: tuple[LevelEffect, ...] = ()


class Homogeneity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether the effect on a metric is the same for all values of a segment."""

    name: str
    label: str
    treatment: str
    statistic: float | None = None
    """Chi-square; none where fewer than two values can be compared."""
    df: int | None = None
    p: float | None = None
    p_adjusted: float | None = None
    """Corrected for all metrics and segments (Holm)."""
    found: bool = False
    """Whether the effect differs: the corrected p is at most the level."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The effects by the values that an attribute had at the first exposure: exploration, never part of the verdict."""

    name: str
    level: float
    """Two-sided, of this reading."""
    levels: tuple[Level, ...] = ()
    """The largest first; those with too few users in an arm are not told."""
    others: int = 0
    """Users of the values that are not told, of all arms together."""
    looked_at: int = 0
    """Comparisons that the values' p are corrected for."""
    share_p: float | None = None
    """Whether the values are spread alike over the arms."""
    affected: bool = False
    """Whether they are not, below the threshold of the sample ratio: an arm may change the attribute."""
    homogeneity: tuple[Homogeneity, ...] = ()
    sentence: Said = ""
    warnings: tuple[Said, ...] = ()
