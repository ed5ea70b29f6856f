"""Whom an experiment meets, told when it is written: before it runs there is still time to part them."""

from collections.abc import Collection
from datetime import UTC, datetime

from counterpoint.experiments.coordination.model import meetings
from counterpoint.experiments.coordination.store import placed_in
from counterpoint.graph import Reader
from counterpoint.noticing import Notice

__all__ = ["notices"]


def notices(reader: Reader, refs: Collection[str]) -> list[Notice]:
    """A warning for each pair of experiments of which one was written, and that run or will run together."""
    asked = set(refs)
    return [
        Notice(each.one if each.one in asked else each.other, "/spec", f"{each.sentence} {each.remedy}")
        for each in meetings(placed_in(reader), datetime.now(UTC))
        if each.state != "past" and asked & {each.one, each.other}
    ]
