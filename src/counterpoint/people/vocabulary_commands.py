"""The commands `vocabulary` and `practices`: words, practices, policies and limits of the organisation or a unit."""

from typing import TYPE_CHECKING, Any

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal
from counterpoint.vocabulary import check_nouns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterpoint.graph.customs import UnitCustoms
    from counterpoint.people.vocabulary_store import Whence
    from counterpoint.workspace import Workspace

__all__ = ["list_practices", "list_words", "set_practices", "set_words", "use_pack"]

AGAIN = "inherit"
"""What is written for a value that the units above set."""


def list_words(*, unit: str | None = None) -> None:
    """What every noun is called, and by whom.

    Parameters
    ----------
    unit
        A unit, such as listening; without it the whole organisation.
    """
    from counterpoint.people.vocabulary_store import view

    with terminal().open() as workspace:
        _words(view(_customs(workspace, unit)))


def set_words(*assignments: str, unit: str | None = None) -> None:
    """Rename nouns.

    Parameters
    ----------
    assignments
        squad=pod, with a plural of its own squad=person/people, or squad=inherit for what holds above.
    unit
        A unit, such as listening; without it the whole organisation.
    """
    from counterpoint.people.vocabulary_store import rename, view

    nouns = {key: _noun(value) for key, value in _pairs(assignments, "squad=pod")}
    with terminal().open() as workspace:
        rename(workspace.graph, _actor(), _customs(workspace, unit).unit, nouns)
        _words(view(_customs(workspace, unit)))


def use_pack(name: str, /, *, unit: str | None = None) -> None:
    """Take a ready vocabulary in the place of everything that was renamed.

    Parameters
    ----------
    name
        spotify (our own words), plain (team, department, practice, community) or pods.
    unit
        A unit, such as listening; without it the whole organisation.
    """
    from counterpoint.people.vocabulary_store import rename, view

    with terminal().open() as workspace:
        rename(workspace.graph, _actor(), _customs(workspace, unit).unit, {}, pack=name)
        _words(view(_customs(workspace, unit)))


def list_practices(*, unit: str | None = None) -> None:
    """Which practices are on, what the rules ask for, which limits are advised, and who says so.

    Parameters
    ----------
    unit
        A unit, such as listening; without it the whole organisation.
    """
    with terminal().open() as workspace:
        _practices(_customs(workspace, unit))


def set_practices(*assignments: str, unit: str | None = None) -> None:
    """Switch practices, and set policies and limits.

    Parameters
    ----------
    assignments
        bets=off, I1=ask_reason, squadMost=9; NAME=inherit takes what holds above.
    unit
        A unit, such as listening; without it the whole organisation.
    """
    from counterpoint.people.practices_store import switch
    from counterpoint.practices import LIMITS, RULES

    chosen: dict[str, dict[str, Any]] = {"practices": {}, "policies": {}, "limits": {}}
    for key, value in _pairs(assignments, "bets=off"):
        field = "policies" if key in RULES else "limits" if key in LIMITS else "practices"
        whole = int(value) if value.isascii() and value.isdigit() else value
        chosen[field][key] = None if value == AGAIN else whole if field == "limits" else value
    with terminal().open() as workspace:
        switch(
            workspace.graph,
            _actor(),
            _customs(workspace, unit).unit,
            practices=chosen["practices"],
            policies=chosen["policies"],
            limits=chosen["limits"],
        )
        _practices(_customs(workspace, unit))


def _actor() -> Any:
    from counterpoint.graph.actor import local_actor

    return local_actor()


def _customs(workspace: "Workspace", unit: str | None) -> "UnitCustoms":
    from counterpoint.graph.customs import Customs
    from counterpoint.people.holding import unit_of

    with workspace.graph.read() as reader:
        found = unit_of(reader, unit)
        return Customs(workspace.graph).read(reader, found.ref if found else None)


def _pairs(assignments: tuple[str, ...], example: str) -> list[tuple[str, str]]:
    if not assignments:
        raise UsageError(f"Nothing to set; write it as {example}.")
    pairs = []
    for text in assignments:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UsageError(f"{text!r} sets nothing; write it as {example}.")
        pairs.append((key.strip(), value.strip()))
    return pairs


def _noun(value: str) -> Any:
    if value == AGAIN:
        return None
    one, slash, many = value.partition("/")
    pair = {"one": one.strip(), "many": many.strip()}
    # What is no pair of words is told of whole: nobody wrote the halves of `<b>x</b>`.
    return pair if slash and not any(check_nouns({"squad": pair})) else value


def _words(view: Any) -> None:
    rows = [(row.key, row.one, row.many, _from(row.whence)) for row in view.nouns]
    terminal().emit(view, lambda: _table(("Noun", "One", "Many", "From"), rows))


def _practices(customs: "UnitCustoms") -> None:
    from counterpoint.people.practices_store import view

    found = view(customs)
    here = terminal()
    rows = [
        *(
            (row.key, "on" if row.on else "off", here.tell(row.meaning), _from(row.whence))
            for row in found.practices
        ),
        *((row.id, row.policy.value, here.tell(row.text), _from(row.whence)) for row in found.policies),
        *((row.key, str(row.value), here.tell(row.text), _from(row.whence)) for row in found.limits),
    ]
    here.emit(found, lambda: _table(("Name", "Value", "What it is", "From"), rows))


def _from(whence: "Whence | None") -> str:
    return f"{whence.unit_title} ({whence.ref})" if whence else "default"


def _table(titles: tuple[str, ...], rows: "Sequence[tuple[str, ...]]") -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    return table
