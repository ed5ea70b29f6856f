"""The decision record of an experiment in the workspace, and the decisions that go into it."""

from collections.abc import Mapping
from typing import Any

from counterpoint.errors import InputError
from counterpoint.experiments import store
from counterpoint.experiments.record import About, Taken, record_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Activity
from counterpoint.workspace import Workspace

__all__ = ["DECIDED", "decide", "record_for"]

DECIDED = "experiment.decided"
ABOUT_BET = "bet.decided"
LENGTH = 4_000


def record_for(workspace: Workspace, loaded: store.Loaded) -> str:
    """The record as Markdown, with the result of now.

    Raises:
        InputError: the experiment cannot be read.
    """
    result = store.result_of(workspace, loaded)
    entity = loaded.entity
    with workspace.graph.read() as reader:
        bet = next((found for ref in entity.targets("testsBet") if (found := reader.get(ref))), None)
        decided = list(reader.activity(subject=entity.ref, action=DECIDED, limit=20))
        if bet:
            decided += reader.activity(subject=bet.ref, action=ABOUT_BET, limit=20)
        readings = list(reader.activity(subject=entity.ref, action=store.READ, limit=store.READINGS))
        titles = reader.titles({entity.owner or "", *(each.actor for each in (*decided, *readings))} - {""})
    about = About(
        title=entity.title,
        reference=entity.ref,
        asked=entity.description,
        owner=titles.get(entity.owner or "", entity.owner or ""),
        bet=bet.title if bet else "",
        hypothesis=str(bet.spec.get("hypothesis") or "") if bet else "",
        decisions=_taken(decided, "choice", titles),
        readings=_taken(readings, "verdict", titles),
    )
    return record_of(about, loaded.plan, result)


def decide(
    workspace: Workspace, loaded: store.Loaded, actor: Actor, *, choice: str, reason: str = ""
) -> Activity:
    """Note in the activity log what was decided after an experiment, whatever its verdict was.

    Raises:
        NotAllowedError: the experiment is somebody else's.
        InputError: nothing was said, or too much.
    """
    choice, reason = choice.strip(), reason.strip()
    if not choice or len(choice) > LENGTH or len(reason) > LENGTH:
        raise InputError(
            f"Say in a few words what was decided, such as ship or stop; a reason has {LENGTH:,} characters at most."
        )
    newest: Any = loaded.newest.after if loaded.newest else None
    verdict = newest.get("verdict") if isinstance(newest, Mapping) else None
    with workspace.graph.write(actor) as writer:
        writer.require_write(loaded.entity.ref)
        return writer.record(
            DECIDED, loaded.entity.ref, after={"choice": choice, "verdict": verdict}, reason=reason or None
        )


def _taken(entries: list[Activity], key: str, titles: Mapping[str, str]) -> tuple[Taken, ...]:
    found = []
    for entry in sorted(entries, key=lambda each: -each.seq):
        after: Mapping[str, Any] = entry.after if isinstance(entry.after, Mapping) else {}
        about = " (of the bet)" if entry.action == ABOUT_BET else ""
        who = titles.get(entry.actor, entry.actor)
        found.append(Taken(f"{after.get(key) or 'read'}{about}", who, entry.at, entry.reason or ""))
    return tuple(found)
