"""A saved view: a name for a question to the catalog. Pure."""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.spelling import near, quoted

__all__ = ["ASKED", "View", "checked", "query_of"]

ASKED = ("kind", "type", "lifecycle", "owner", "tag", "text", "at", "order")
"""What a list of the catalog may be asked by, in the order in which a view keeps it."""
BESIDE = frozenset({"cursor", "limit", "told", "view", "of"})
"""What an address of the catalog holds besides: where one is in the list, not what it is asked by."""
NAME, QUERY = 80, 2_000
"""Characters at most."""


class View(msgspec.Struct, frozen=True):
    """A list that somebody saved."""

    id: str
    name: str
    query: str
    """What the list is asked by, as in an address: `kind=Component&tag=python`."""
    owner: str
    """Reference of the person whose it is, or of the unit that shares it."""
    at: datetime
    """When it was saved or last changed."""

    @property
    def shared(self) -> bool:
        """Whether a unit shares it; else only its owner sees it."""
        return not self.owner.startswith("user:")

    @property
    def url(self) -> str:
        """The address of the list."""
        return f"/catalog?{self.query}" if self.query else "/catalog?kind=all"

    @property
    def told(self) -> str:
        """The question in words: `kind Component, tag python`."""
        asked = [f"{name} {value}" for name, value in parse_qsl(self.query) if value != "all"]
        return ", ".join(asked) or "everything"


def query_of(text: str) -> str:
    """The question in one form, whatever order it came in; what a list is not asked by is left out.

    >>> query_of("?tag=python&cursor=x&kind=Component&text=")
    'kind=Component&tag=python'
    """
    given = dict(parse_qsl(_bare(text)))
    return urlencode([(name, given[name]) for name in ASKED if given.get(name)])


def _bare(text: str) -> str:
    return text.strip().removeprefix("/catalog").removeprefix("?")


def checked(name: str, query: str) -> tuple[str, str]:
    """The name and the question as they are kept.

    Raises:
        InputError: the name is empty or too long, or the question is, or it asks by what no list is asked by.
    """
    plain, asked = " ".join(name.replace("\x00", "").split()), query_of(query.replace("\x00", ""))
    problems = []
    if not plain:
        problems.append(Problem("Give the view a name.", "/name"))
    if len(plain) > NAME:
        problems.append(Problem(f"The name has {len(plain)} characters; {NAME} are the most.", "/name"))
    if len(asked) > QUERY:
        problems.append(
            Problem(f"The query has {len(asked):,} characters; {QUERY:,} are the most.", "/query")
        )
    for field, _ in parse_qsl(_bare(query)):
        if field not in ASKED and field not in BESIDE:
            meant = near(field, ASKED) or f"; it is asked by {quoted(ASKED)}."
            problems.append(Problem(f"A list is not asked by {field[:40]!r}{meant}", "/query"))
    if problems:
        raise InputError("The view is not valid.", problems)
    return plain, asked
