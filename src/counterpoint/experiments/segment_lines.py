"""Effects by segment as `counterpoint experiments analyze` prints them: whether they differ, and those that stay.

All values and metrics would push the verdict off the screen; `--json`, the page and the decision record have them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from counterpoint.experiments.result import Result
    from counterpoint.experiments.segment import Segment

__all__ = ["by_segment"]


def by_segment(result: "Result", segment: "Segment") -> "Iterator[RenderableType]":
    """The sentence about a segment, what warns of it, and the effects that stay after correction."""
    from rich.padding import Padding
    from rich.text import Text

    from counterpoint.experiments.by_level import each_once, effects_of
    from counterpoint.experiments.wording import count, p_value, written

    yield Text.assemble((f"\nBy {segment.name}", "bold"), ("  exploration, no part of the verdict", "dim"))
    yield Padding(Text(segment.sentence), (0, 0, 0, 2))
    for warning in segment.warnings:
        yield Padding(Text(f"! {warning}", style="yellow"), (0, 0, 0, 2))
    many = len(result.comparisons) > 1
    for metric in each_once(result):
        name = f"{metric.label}, {metric.treatment}" if many else metric.label
        for level, effect in effects_of(metric, segment):
            if effect.found:
                change, ends = written(metric, effect)
                line = f"{level.name or '(none)'}, {count(sum(level.users.values()))} users: {name} {change}"
                yield Padding(
                    Text(f"{line} ({ends}), p corrected {p_value(effect.p_adjusted)}"), (0, 0, 0, 2)
                )
