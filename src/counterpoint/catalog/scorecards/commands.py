"""`counterpoint scorecards check`."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from counterpoint.terminal import Terminal, counted, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from counterpoint.catalog.scorecards.store import AskedCheck, EntityScorecard, OwnerTodo, ScorecardView
    from counterpoint.workspace import Workspace

__all__ = ["check"]

SHOWN = 50
"""Things to do that are printed for people; `--json` has them all."""


def check(
    name: Annotated[str | None, Parameter(help="A scorecard; every one, where it is left out.")] = None,
    /,
    *,
    entity: Annotated[str | None, Parameter(help="Say only what is so of this entity.")] = None,
    at: Annotated[str | None, Parameter(help="A past date, or moment.")] = None,
    record: Annotated[bool, Parameter(negative="--no-record")] = True,
) -> int:
    """Say which checks pass and what to do next; keep what has changed in the history.

    Ends with 1 where a scorecard is broken. A check that fails is advice and ends with 0.
    """
    from counterpoint.catalog.scorecards import history, store
    from counterpoint.catalog.shown import moment_of
    from counterpoint.graph.ref import parse_ref

    here = terminal()
    moment = moment_of(at) if at else None
    card = parse_ref(name, default_kind="Scorecard") if name else None
    with here.open() as workspace:
        if record and moment is None:
            history.keep(workspace)
        if entity is not None:
            ref = parse_ref(entity, default_kind="Component")
            _require(workspace, str(ref), moment)
            told = [
                each
                for each in store.of_entity(workspace, ref, moment)
                if card is None or each.scorecard == str(card)
            ]
            here.emit({"entity": str(ref), "scorecards": told}, lambda: _entity(str(ref), told))
            return 0
        views = (
            store.list_scorecards(workspace, moment)
            if card is None
            else [store.read_one(workspace, card, moment)]
        )
        owners = store.of_owners(workspace, scorecard=card, at=moment)
    if not here.json:
        _tell_problems(here, views)
    here.emit({"scorecards": views, "next": owners}, lambda: _all(views, owners))
    return 1 if any(view.problems for view in views) else 0


def _require(workspace: "Workspace", ref: str, at: Any) -> None:
    from counterpoint.errors import NotFoundError

    with workspace.graph.read() as reader:
        if reader.get(ref, at=at) is None:
            raise NotFoundError(f"There is no {ref}." if at is None else f"There was no {ref} then.")


def _tell_problems(here: Terminal, views: "list[ScorecardView]") -> None:
    for view in views:
        for problem in view.problems:
            here.say(f"error: {view.ref}: {problem}")
        for note in view.notes:
            here.say(f"note: {view.ref}: {note}")


def _all(views: "list[ScorecardView]", owners: "list[OwnerTodo]") -> str:
    if not views:
        return "There are no scorecards. Write one as YAML (docs/scorecards.md) and import it."
    lines: list[str] = []
    for view in views:
        lines.append(f"{view.title}: {counted(view.entities, 'entity', 'entities')}")
        for each in view.checks:
            exempt = f", {each.exempt:,} exempt" if each.exempt else ""
            lines.append(f"  {each.passes:>6,} of {each.asked:,} pass{exempt}  {each.title}")
    todo = list(_todo(owners))
    if todo:
        lines += ["", "What to do next, by owner:", *todo[:SHOWN]]
        if len(todo) > SHOWN:
            lines.append(f"  ... and {counted(len(todo) - SHOWN, 'line')} more; --json lists all")
    return "\n".join(lines)


def _todo(owners: "list[OwnerTodo]") -> "Iterator[str]":
    for owner in owners:
        yield f"  {owner.title or 'No owner'}"
        for item in owner.items:
            for each in item.checks:
                yield f"    {item.title}: {each.title}. {_remedy(each)}".rstrip()


def _entity(ref: str, told: "list[EntityScorecard]") -> str:
    if not told:
        return f"No scorecard is about {ref}."
    lines: list[str] = []
    for each in told:
        lines.append(each.title)
        lines += [f"  {asked.outcome:<7} {asked.title}{_exemption(asked)}" for asked in each.checks]
        lines += [f"  Next: {asked.title}. {_remedy(asked)}".rstrip() for asked in each.next]
    return "\n".join(lines)


def _exemption(check: "AskedCheck") -> str:
    if check.until is None:
        return ""
    return f" (exempt {'until' if not check.expired else 'ended on'} {check.until}: {check.reason})"


def _remedy(check: "AskedCheck") -> str:
    return " ".join(part for part in (check.remedy, check.link) if part)
