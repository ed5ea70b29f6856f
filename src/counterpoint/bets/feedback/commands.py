"""`counterpoint feedback import`: feedback from a CSV file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from counterpoint.terminal import counted, terminal

__all__ = ["import_feedback"]

SHOWN = 200


def import_feedback(
    file: Path,
    *,
    unit: Annotated[str, Parameter(help="The unit that it is for.")],
    dry_run: Annotated[bool, Parameter(negative="", help="Check everything and keep nothing.")] = False,
) -> int:
    """Read feedback from a CSV file with the columns text, giver, contact, bet, received; only text is needed."""
    from counterpoint.bets.feedback import store
    from counterpoint.graph import local_actor

    here = terminal()
    with here.open() as workspace:
        found = store.import_feedback(workspace.graph, file, unit, actor=local_actor(), dry_run=dry_run)
    if not here.json:
        for problem in found.problems[:SHOWN]:
            here.say(f"problem: {problem}")
    kept = "; nothing was kept (dry run)" if dry_run else ""
    here.emit(
        {"taken": found.taken, "problems": [str(each) for each in found.problems]},
        lambda: f"Took in {counted(found.taken, 'piece')} of feedback{kept}.",
    )
    return 1 if found.problems else 0
