"""`counterpoint import people`, `people ...` and `units ...`."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.errors import UsageError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from counterpoint.people.importing import ImportReport
    from counterpoint.people.retirement import Plan

__all__ = [
    "export_people",
    "import_people",
    "list_people",
    "list_units",
    "retire_unit",
    "show_person",
    "show_unit",
]

SHOWN = 200
"""Problems that are printed for people; `--json` has them all."""
At = Annotated[str, Parameter(help="As it was at the end of this day, or at a moment.")]


def import_people(
    *files: Annotated[str, Parameter(help="CSV or YAML files of people or units.")],
    dry_run: Annotated[bool, Parameter(help="Check everything and keep nothing.")] = False,
    complete: Annotated[
        bool,
        Parameter(help="End memberships that an earlier file of that name listed and this one does not."),
    ] = False,
) -> int:
    """Read people, units, dated memberships and line managers from CSV or YAML."""
    from counterpoint.graph import local_actor
    from counterpoint.people.importing import import_files

    if not files or not all(files):
        raise UsageError("Name at least one file: counterpoint import people FILE...")
    here = terminal()
    with here.open() as workspace:
        report = import_files(workspace.graph, local_actor(), files, dry_run=dry_run, complete=complete)
    if not here.json:
        for level, problem in report.problems[:SHOWN]:
            here.say(f"{level}: {problem}")
        if len(report.problems) > SHOWN:
            here.say(f"... and {len(report.problems) - SHOWN} more; --json lists all")
    here.emit(report.record(), lambda: _summary(report, dry_run=dry_run))
    return 1 if report.failed else 0


def _summary(report: "ImportReport", *, dry_run: bool) -> str:
    lines = []
    for outcome, nouns in report.outcomes.items():
        if nouns:
            each = ", ".join(f"{noun} {count}" for noun, count in sorted(nouns.items()))
            lines.append(f"{outcome:<10}{each}")
    read = f"Read {counted(report.rows, 'row')} from {counted(report.files, 'file')}"
    refused = f"; {counted(report.refused, 'line')} refused" if report.refused else ""
    return "\n".join([*lines, f"{read}{refused}{'; nothing was kept (dry run)' if dry_run else ''}."])


def list_people(
    *,
    unit: Annotated[str, Parameter(help="Only people of this unit and its parts.")] = "",
    at: At = "",
) -> None:
    """List people with their units and line managers."""
    from counterpoint.people import store
    from counterpoint.people.dates import when_of

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        found = store.list_people(reader, when_of(at or None), unit=unit or None)
    here.emit(
        found,
        lambda: _table(
            ("person", "name", "units", "line manager"),
            [(each.ref, each.title, _names(each.units), _names([each.manager])) for each in found],
            "Nobody is here yet; read people with: counterpoint import people FILE",
        ),
    )


def show_person(person: str, *, at: At = "") -> None:
    """Show one person: memberships over time, line managers."""
    from counterpoint.people import store
    from counterpoint.people.dates import when_of

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        found = store.read_person(reader, person, when_of(at or None))

    def human() -> str:
        lines = [f"{found.title} ({found.ref})"]
        if found.manager:
            lines.append(f"Line manager: {found.manager.title}")
        lines += [f"{each.title}: {each.role_label}, {each.words}" for each in found.memberships]
        return "\n".join([*lines, *found.advice])

    here.emit(found, human)


def export_people(
    *,
    format_: Annotated[
        str, Parameter(name="--format", help="yaml (documents) or csv (memberships).")
    ] = "yaml",
    at: At = "",
) -> None:
    """Print all people and units: Backstage's documents, or memberships as CSV."""
    from counterpoint.people.dates import when_of
    from counterpoint.people.exporting import documents, export

    here = terminal()
    if here.json and format_ == "csv":
        raise UsageError("--format csv prints CSV and --json prints JSON; give one of the two.")
    with here.open() as workspace, workspace.graph.read() as reader:
        when = when_of(at or None)
        text = export(reader, format_, when)
        data: Any = documents(reader, when) if here.json else None
    here.emit(data, lambda: text.rstrip("\n"))


def list_units(*, at: At = "") -> None:
    """List units as a tree, with how many people are in each."""
    from counterpoint.people import store
    from counterpoint.people.dates import when_of

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        found = store.list_units(reader, when_of(at or None))
    here.emit(
        found,
        lambda: _table(
            (here.noun("unit"), "type", "axis", "people", "owns"),
            [
                (
                    "  " * each.depth + each.title,
                    here.noun(each.type),
                    each.axis,
                    str(each.people),
                    str(each.owned),
                )
                for each in found
            ],
            "No unit is here yet; read units with: counterpoint import people FILE",
        ),
    )


def show_unit(unit: str, *, at: At = "") -> None:
    """Show one unit: mission, people with their roles, parts, what it owns."""
    from counterpoint.people import store
    from counterpoint.people.dates import when_of

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        found = store.read_unit(reader, unit, when_of(at or None))

    def human() -> str:
        lines = [f"{found.title} ({found.ref}), {here.noun(found.type)}"]
        lines += [found.mission] if found.mission else []
        lines += [f"  {each.title}: {each.role_label}" for each in found.members]
        lines += [f"Owns {counted(len(found.things), 'thing')}", *(f"  {each.ref}" for each in found.things)]
        return "\n".join([*lines, *map(here.tell, found.advice)])

    here.emit(found, human)


def retire_unit(
    unit: str,
    *,
    to: Annotated[str, Parameter(help="The new owner of everything that --home does not name.")] = "",
    home: Annotated[
        list[str] | None,
        Parameter(help="REF=OWNER: the new owner of one thing, or the new parent of a part."),
    ] = None,
    reason: Annotated[str, Parameter(help="Why, for the activity log.")] = "",
    dry_run: Annotated[bool, Parameter(help="Show what would happen and change nothing.")] = False,
) -> int:
    """Retire a unit: everything that it owns gets a new home, all at once or not at all."""
    from counterpoint.graph import local_actor
    from counterpoint.people.retirement import plan, retire

    homes = dict(_pair(each) for each in home or ())
    here = terminal()
    with here.open() as workspace:
        if dry_run:
            with workspace.graph.read() as reader:
                decided = plan(reader, unit, homes, to or None)
        else:
            decided = retire(
                workspace.graph,
                unit,
                actor=local_actor(),
                homes=homes,
                default=to or None,
                reason=reason or None,
            )
    here.emit(decided, lambda: _plan_text(decided))
    return 1 if decided.homeless else 0


def _pair(text: str) -> tuple[str, str]:
    ref, equals, owner = text.partition("=")
    if not (ref and equals and owner):
        raise UsageError(f"--home is {text!r}; write REF=OWNER, such as component:default/player=playback.")
    return ref, owner


def _plan_text(decided: "Plan") -> str:
    lines = [f"{each.ref} -> {each.to or 'no new home yet'}" for each in (*decided.things, *decided.parts)]
    over = len(decided.members) - len(decided.named)
    lines.append(f"{counted(over, 'membership')} {'ended' if decided.done else 'end'}.")
    lines += [f"{each} still names it in a file; take it out there." for each in decided.named]
    if decided.done:
        return "\n".join([*lines, f"{decided.unit} is retired."])
    if decided.homeless:
        missing = counted(len(decided.homeless), "thing has", "things have")
        lines.append(f"{missing} no new home; name one with --to or --home. Nothing was changed.")
    else:
        lines.append("Nothing was changed; leave out --dry-run to do it.")
    return "\n".join(lines)


def _names(refs: Any) -> str:
    return ", ".join(ref.rpartition("/")[2] for ref in refs if ref)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]], empty: str) -> Any:
    if not rows:
        return empty
    from rich.table import Table

    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    return table
