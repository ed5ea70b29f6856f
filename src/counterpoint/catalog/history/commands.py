"""`counterpoint history`."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.graph.entity import Entity, Revision
    from counterpoint.graph.past import Comparison

__all__ = ["history"]


def history(
    ref: Annotated[str, Parameter(help="A reference such as component:default/search.")],
    /,
    *,
    at: Annotated[
        str | None, Parameter(help="Show it as it was at the end of a day, or at a moment.")
    ] = None,
    diff: Annotated[
        tuple[str, str] | None, Parameter(help="Show what changed between two dates or moments.")
    ] = None,
) -> None:
    """List every version of an entity, or show a past one, or what changed between two dates."""
    from counterpoint.catalog.history.asking import compare_between
    from counterpoint.catalog.shown import moment_of
    from counterpoint.errors import NotFoundError
    from counterpoint.graph.ref import parse_ref

    if at is not None and diff is not None:
        raise UsageError("Give --at or --diff, not both.")
    here, named = terminal(), parse_ref(ref)
    with here.open() as workspace, workspace.graph.read() as reader:
        if diff is not None:
            found = compare_between(reader, named, *diff)
            here.emit(found, lambda: _difference(found))
            return
        versions = reader.history(named)
        if not versions:
            raise NotFoundError(f"There never was a {named}.")
        if at is None:
            here.emit({"ref": str(named), "versions": versions}, lambda: _versions(versions))
            return
        moment = moment_of(at)
        entity = reader.get(named, at=moment)
        if entity is None:
            raise NotFoundError(
                f"There was no {named} at {moment.isoformat()}; leave out --at to list its versions."
            )
        here.emit(entity, lambda: _as_it_was(entity))


def _versions(versions: "list[Revision]") -> str:
    rows = [
        f"{each.version:>4}  {each.at:%Y-%m-%d %H:%M:%S}Z  {each.action:<8} {each.actor}"
        for each in reversed(versions)
    ]
    return "\n".join(rows)


def _as_it_was(entity: "Entity") -> str:
    from counterpoint.yaml12.writing import yaml_text

    return f"# version {entity.version}, since {entity.updated_at.isoformat()}\n{yaml_text(entity.document)}".rstrip()


def _difference(found: "Comparison") -> str:
    from counterpoint.catalog.history.shown import rows_of

    lines: list[str] = []
    rows = rows_of(found.changes)
    for row in rows:
        lines.append(f"{row.field} ({row.action})")
        lines += [f"  - {text}" for text in (*row.lost, *_split(row.before))]
        lines += [f"  + {text}" for text in (*row.gained, *_split(row.after))]
        signs = {"added": "+", "removed": "-", "same": " ", "gap": "…"}
        lines += [f"  {signs[line.kind]} {line.text}".rstrip() for line in row.lines]
    if len(found.changes) > len(rows):
        lines.append(f"… and {len(found.changes) - len(rows):,} more changes; --json has all of them.")
    lines += [f"+ {edge.type} {edge.target}" for edge in found.gained]
    lines += [f"- {edge.type} {edge.target}" for edge in found.lost]
    if not lines:
        return "Nothing changed between the two."
    versions = counted(len(found.steps), "version")
    return "\n".join([*lines, f"{versions} in between."])


def _split(text: str | None) -> list[str]:
    return [] if text is None else text.splitlines() or ["(empty)"]
