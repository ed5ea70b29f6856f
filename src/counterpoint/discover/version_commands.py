"""`counterpoint discover versions | forget | follow`, and `discover fit` of a recommender of the workspace."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.discover.forgetting import Followed
    from counterpoint.discover.version import Version

__all__ = ["fit_recommender", "follow", "forget", "versions"]

Name = Annotated[str, Parameter(help="The recommender's name or reference.")]
DryRun = Annotated[bool, Parameter(negative="", help="Say what would be done, and change nothing.")]


def fit_recommender(
    name: str, *, method: str, budget: float | None, seed: int, until: datetime | None
) -> None:
    """Fit the next version of a recommender from the journal, or go on with one that was broken off."""
    from counterpoint.discover.versions import fit_version
    from counterpoint.graph.actor import local_actor

    here = terminal()
    with here.open() as workspace:
        version = fit_version(
            workspace,
            local_actor(),
            name,
            method=None if method == "auto" else method,
            budget=budget,
            seed=seed,
            until=until.replace(tzinfo=UTC) if until is not None and until.tzinfo is None else until,
            progress=here.say,
        )
    for reason, number in version.left_out.items():
        here.say(f"left out: {number:,} {reason}")
    here.emit(version, lambda: _fitted(here, version))


def versions(name: Name, /) -> None:
    """List the versions of a recommender, the newest first, with what each is worth on what was held out."""
    from counterpoint.discover.versions import versions as found_versions

    here = terminal()
    with here.open() as workspace:
        found = found_versions(workspace, name)
    here.emit({"items": found}, lambda: _versions(here, name, found))


def forget(
    listener: Annotated[str, Parameter(help="The listener: the subject of their events, exactly.")],
    /,
    *,
    recommender: Annotated[str | None, Parameter(help="One recommender; all of them without it.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Forget a listener: their weeks, corrections and links go, and every version is fitted anew without them.

    Their events stay in the journal, and count for nothing any more; what they hear from now on counts again.
    `counterpoint events forget` removes the events themselves, and does this as well.
    """
    from counterpoint.discover.forgetting import forget_listener, would_forget
    from counterpoint.graph.actor import local_actor

    here = terminal()
    with here.open() as workspace:
        if dry_run:
            done = would_forget(workspace, recommender, listener)
        else:
            done = forget_listener(workspace, local_actor(), recommender, listener, progress=here.say)
    here.emit(done, lambda: _followed(here, done, dry_run=dry_run))


def follow(
    *, recommender: Annotated[str | None, Parameter(help="One recommender; all of them without it.")] = None
) -> None:
    """Look at every version, and fit those anew that hold somebody who was forgotten or has withdrawn consent.

    Private sessions that were declared later are followed as well, and files that were lost are made again. To be
    run each night, and after a backup was restored.
    """
    from counterpoint.discover.forgetting import follow as followed
    from counterpoint.discover.plan import read_plan
    from counterpoint.graph.actor import local_actor

    here = terminal()
    with here.open() as workspace:
        ref = None
        if recommender is not None:
            with workspace.graph.read() as reader:
                ref = read_plan(reader, recommender)[0].ref
        done = followed(workspace, local_actor(), recommender=ref, everything=True, progress=here.say)
    here.emit(done, lambda: _followed(here, done, dry_run=False))


def _fitted(here: Terminal, version: "Version") -> str:
    counts = version.counts
    options = ", ".join(f"{name} {value}" for name, value in version.options.items())
    lines = [
        here.tell(
            f"Version {version.number}: {version.method}{f' ({options})' if options else ''}, fitted to"
            f" {counts['interactions']:,} interactions of {counted(counts['listeners'], 'listener')} with"
            f" {counted(counts['items'], 'item')} and {counted(counts['playlists'], 'playlist')} in"
            f" {version.seconds:.1f} CPU s."
        )
    ]
    lines += [here.tell(note) for note in version.notes]
    for each in version.evaluation:
        recall, behind = (
            each.recall,
            "" if each.behind is None else f", {each.behind:.4f} behind (p {each.p:.2g})",
        )
        interval = "" if recall.low is None else f" ({recall.low:.4f} to {recall.high:.4f})"
        lines.append(f"  {each.method}: recall at 20 {recall.mean:.4f}{interval}{behind}")
    return "\n".join(lines)


def _versions(here: Terminal, name: str, found: "list[Version]") -> "RenderableType":
    from rich.table import Table

    if not found:
        return here.tell(f"There is no version yet. Fit one with: counterpoint discover fit {name}")
    table = Table(box=None)
    for column in ("version", "state", "method", "until", "listeners", "items", "recall at 20", "95 %"):
        table.add_column(column, justify="right" if column in ("version", "listeners", "items") else "left")
    for each in found:
        recall = each.evaluation[0].recall if each.evaluation else None
        table.add_row(
            str(each.number),
            "has yet to follow" if each.following else each.state,
            each.method or "yet to be chosen",
            f"{each.until:%Y-%m-%d %H:%M}",
            f"{each.counts.get('listeners', 0):,}",
            f"{each.counts.get('items', 0):,}",
            "" if recall is None else f"{recall.mean:.4f}",
            "" if recall is None or recall.low is None else f"{recall.low:.4f} to {recall.high:.4f}",
        )
    return table


def _followed(here: Terminal, done: "Followed", *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    lines = [f"{counted(done.rows, 'row')} of theirs {would}deleted."]
    for what, labels in (
        (f"{would}fitted anew", done.fitted),
        (f"{would}gone, since nothing is left to fit on", done.gone),
        ("nothing of them is in", done.kept),
        ("being fitted by another process, and to be followed later", done.waiting),
    ):
        if labels:
            lines.append(f"{what[0].upper()}{what[1:]}: {', '.join(labels)}.")
    return here.tell("\n".join(lines))
