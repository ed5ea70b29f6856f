"""`counterpoint discover weekly | link`, and `discover recommend` for listeners of a recommender of the workspace."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.discover.serving import Recommendations, Service
    from counterpoint.discover.week import Week
    from counterpoint.discover.weeks import Made, Replayed

__all__ = ["link", "recommend_to", "weekly"]

Name = Annotated[str, Parameter(help="The recommender's name or reference.")]


def weekly(
    name: Name,
    /,
    *,
    week: Annotated[
        str | None, Parameter(help="An ISO week such as 2026-W48, at most the next; this one without it.")
    ] = None,
    listener: Annotated[str | None, Parameter(help="Only this listener, whose playlist is printed.")] = None,
    replay: Annotated[
        bool,
        Parameter(
            negative="",
            help="Make the listener's playlist again from its inputs, and say whether it is the same.",
        ),
    ] = False,
) -> int:
    """Make the week's playlist of everybody who listens and has none yet; broken off, it goes on where it was.

    Each has exactly one a week. Who asks for one before it was made is given the one that the batch then leaves alone.
    """
    from counterpoint.discover.weeks import make_weeks, week_of
    from counterpoint.discover.weeks import replay as replayed
    from counterpoint.graph.actor import local_actor

    if replay and listener is None:
        raise UsageError("--replay needs --listener, whose playlist is made again")
    here = terminal()
    with _service(here) as service:
        if replay and listener is not None:
            same = replayed(service, local_actor(), name, listener, week=week)
            here.emit(same, lambda: _replayed(here, same))
            return 0 if same.equal else 1
        if listener is not None:
            found = week_of(service, local_actor(), name, listener, week=week)
            here.emit(found, lambda: _week(here, found))
            return 0
        begun = time.monotonic()
        with here.progress("Making playlists") as advance:
            done = make_weeks(service, local_actor(), name, week=week, advance=advance)
        here.emit(done, lambda: _made(here, done, time.monotonic() - begun))
    return 0


def link(
    name: Name,
    /,
    *,
    listener: Annotated[str, Parameter(help="The listener: the subject of their events, exactly.")],
    days: Annotated[float, Parameter(help="Days after which it opens nothing any more, at most 400.")] = 30.0,
) -> None:
    """Make a link with which a listener sees, corrects, takes along and deletes what was learnt of them.

    It opens their own page and nobody else's. Whoever has it is taken for the listener: give it to them alone.
    """
    from counterpoint.discover.links import lifetime_of, link_of
    from counterpoint.graph.actor import local_actor

    here = terminal()
    with _service(here) as service:
        ref, _ = service.plan(name)
        made = link_of(service.workspace, local_actor(), ref, listener, lifetime=lifetime_of(days))
    here.emit(made, lambda: made.path)


def recommend_to(
    name: str,
    listeners: Sequence[str],
    *,
    count: int,
    where: Sequence[str],
    context: str | None,
    known: bool,
    why: bool,
) -> None:
    """Print what listeners of a recommender are recommended now, by the version that answers each."""
    from counterpoint.graph.actor import local_actor

    here = terminal()
    with _service(here) as service:
        found = {
            each: service.recommend(
                local_actor(), name, each, count=count, where=where, context=context, known=known
            )
            for each in listeners
        }
    first = next(iter(found.values()))
    here.emit(first if len(found) == 1 else found, lambda: _recommended(here, found, why=why))


@contextmanager
def _service(here: Terminal) -> "Iterator[Service]":
    """The service of the workspace; what waits is written at the end."""
    from counterpoint.discover.serving import service_of

    with here.open() as workspace:
        service = service_of(workspace)
        try:
            yield service
        finally:
            service.close()


def _made(here: Terminal, done: "Made", seconds: float) -> str:
    by = ", ".join(f"{count:,} by version {number}" for number, count in sorted(done.versions.items()))
    lines = [
        f"{done.week}: {counted(done.made, 'playlist')} made in {seconds:.1f} s{f' ({by})' if by else ''}."
    ]
    if done.already:
        lines.append(f"{counted(done.already, 'listener')} had one already.")
    if not done.made and not done.already:
        lines.append("Nobody has listened yet, so there is nobody to make one for.")
    return here.tell("\n".join(lines))


def _week(here: Terminal, week: "Week") -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, title=f"{week.week}, version {week.version}")
    for column in ("", "track", "why"):
        table.add_column(column, justify="right" if not column else "left")
    for place, each in enumerate(week.tracks, 1):
        chance = f" By chance ({each.propensity:.0%})." if each.explored else ""
        table.add_row(str(place), each.title, here.tell(each.reason) + here.tell(chance))
    if week.note:
        table.caption = here.tell(week.note)
    return table


def _replayed(here: Terminal, same: "Replayed") -> str:
    head = f"{same.week}: made again by version {same.version}, and it is {'the same' if same.equal else 'another one'}."
    return here.tell("\n".join([head, *same.differs]))


def _recommended(here: Terminal, found: "dict[str, Recommendations]", *, why: bool) -> "RenderableType":
    from rich.table import Table

    table = Table(box=None)
    columns = [*(["listener"] if len(found) > 1 else []), "item", "score", *(["why"] if why else [])]
    for column in columns:
        table.add_column(column, justify="right" if column == "score" else "left")
    for listener, answer in found.items():
        for each in answer.items:
            cells = [listener] if len(found) > 1 else []
            cells += [each.title, f"{each.score:.4f}"]
            table.add_row(*cells, *([here.tell(each.reason)] if why else []))
        if answer.note:
            here.say(answer.note)
    return table
