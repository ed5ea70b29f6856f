"""Spans of days as people write them."""

from datetime import datetime

from counterpoint.experiments.wording import day

__all__ = ["span_in_words"]


def span_in_words(start: datetime | None, end: datetime | None) -> str:
    """The days of an experiment, whose ends may be open."""
    if start and end:
        return f"{day(start)} to {day(end)}"
    if start:
        return f"from {day(start)}"
    return f"until {day(end)}" if end else "no dates"
