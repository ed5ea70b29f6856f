"""`counterpoint locations ...`: what the catalog is read from, and taking it back."""

from typing import Annotated

from cyclopts import Parameter

from counterpoint.terminal import counted, terminal

__all__ = ["list_locations", "remove_location"]


def list_locations() -> None:
    """List the files, folders, patterns and addresses that were imported or registered."""
    from counterpoint.catalog.removal import list_places

    here = terminal()
    with here.open() as workspace, workspace.graph.read() as reader:
        found = list_places(reader)

    def human() -> str:
        lines = [
            f"{each.target}  ({'registered' if each.registered else 'imported'} by {each.by}; "
            f"{counted(each.entities, 'entity', 'entities')})"
            for each in found
        ]
        return "\n".join(lines) or "Nothing was imported yet; begin with: counterpoint import catalog FOLDER"

    here.emit(found, human)


def remove_location(
    target: Annotated[
        str, Parameter(help="A file, folder, pattern or address, as `locations list` names it.")
    ],
) -> None:
    """Take back what was imported or registered, with everything that came from it and its problems."""
    from counterpoint.catalog.removal import remove_place
    from counterpoint.graph import local_actor

    here = terminal()
    with here.open() as workspace:
        found = remove_place(workspace.graph, local_actor(), target)
    gone = counted(found.entities, "entity", "entities")
    here.emit(found, lambda: f"'{found.target}' is not read any more; {gone} went with it.")
