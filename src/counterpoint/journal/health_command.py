"""The command `events health`: what the page shows, in the terminal."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from counterpoint.journal.arrivals import Arrivals
from counterpoint.journal.engine_state import Engines, EngineState
from counterpoint.journal.health import Health, Range, Rejection, health_of, told_bytes, told_rate, told_span
from counterpoint.terminal import counted, terminal

__all__ = ["health"]

WITHIN: dict[Range, str] = {"hour": "last hour", "day": "last 24 hours", "month": "last 30 days"}
MOST = 8
"""Types that are named."""


def health(
    *,
    range: Annotated[Range, Parameter(help="What the counts are of: hour, day or month.")] = "day",  # noqa: A002
) -> None:
    """Say how much arrives, how late, what is refused and why, and what is stored."""
    here = terminal()
    with here.open() as workspace:
        engine = Engines(workspace.settings.engine).state(wait=True)
        found = health_of(workspace.journal, engine, range=range)
    here.emit(found, human=lambda: here.tell("\n".join(_lines(found))))


def _lines(found: Health) -> Iterator[str]:
    yield from (f"{'Error' if each.level == 'bad' else 'Note'}: {each.text}" for each in found.concerns)
    if not found.concerns:
        yield "All is well."
    rate, of_what = told_rate(found.rate)
    yield ""
    yield f"Now        {rate} {of_what}"
    yield f"Accepted   {found.total.accepted:,} in the {WITHIN[found.range]}{_types(found)}"
    yield f"Known      {found.total.duplicates:,} that the journal had already"
    yield f"Delay      {_delay(found.total)}"
    yield f"Rejected   {sum(each.count for each in found.rejections):,}"
    for rejection in found.rejections:
        yield from _rejection(rejection)
    yield f"Intake     {counted(found.in_intake, 'event')}, {told_bytes(found.intake_bytes)}"
    files, events = sum(each.files for each in found.stored), sum(each.events for each in found.stored)
    size = told_bytes(sum(each.bytes for each in found.stored))
    yield f"Segments   {counted(events, 'event')} of {counted(len(found.stored), 'type')} in {counted(files, 'file')}, {size}"
    last = "not yet" if found.compacted is None else f"last {found.compacted:%Y-%m-%d %H:%M} UTC"
    yield f"Compaction {last}"
    yield f"Repeats    recognised for {counted(found.identity_days, 'day')}"
    yield f"Engine     {_engine(found.engine)}"


def _types(found: Health) -> str:
    named = [f"{name} {counts.accepted:,}" for name, counts in found.by_type[:MOST]]
    more = len(found.by_type) - len(named)
    return f": {', '.join(named)}{f' and {more:,} more types' if more else ''}" if named else ""


def _delay(total: Arrivals) -> str:
    if not total.accepted:
        return "none arrived"
    mean = f"{told_span(total.mean_ms)} on average, " if total.mean_ms is not None else ""
    return f"{mean}{told_span(total.longest_ms)} at most; {total.later:,} later than a day, {total.future:,} ahead of its arrival"


def _rejection(each: Rejection) -> Iterator[str]:
    sources = ", ".join(source for source, _ in each.sources if source)
    yield f"  {each.count:,}  {each.title}{f' (from {sources})' if sources else ''}"
    yield f"       {each.remedy}"
    yield from (f"       {sample.shape}" for sample in each.samples[:1])


def _engine(engine: EngineState) -> str:
    packages = ", ".join(f"{name} {version or 'not installed'}" for name, version in engine.packages)
    answers = "" if engine.reachable else f"; it does not answer ({engine.detail})"
    return f"{engine.name}, {engine.place}: {packages}{answers}"
