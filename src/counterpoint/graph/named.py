"""Owners by what somebody wrote in a filter: a slip must not look like an owner of nothing."""

import sqlalchemy as sa

from counterpoint.errors import NotFoundError, Problem
from counterpoint.graph.kinds import canonical_kind
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.tables import relation, revision
from counterpoint.spelling import near

__all__ = ["not_found", "require_known"]

WORDS = {"group": "unit", "user": "person"}


def require_known(reader: Reader, text: str, pointer: str, *, default_kind: str = "Group") -> str:
    """The canonical reference of a unit, a person or another owner that is or was there, or that something names.

    An owner that does not exist may own things all the same, as in Backstage.

    Raises:
        InputError: it is no reference.
        NotFoundError: nobody has ever heard of it; near spellings are named.
    """
    ref = parse_ref(text.strip(), default_kind=default_kind)
    wanted = str(ref)
    for column in (revision.c.ref, relation.c.source):
        if reader.connection.execute(sa.select(column).where(column == wanted).limit(1)).first():
            return wanted
    raise not_found(reader, ref, pointer)


def not_found(reader: Reader, ref: Ref, pointer: str) -> NotFoundError:
    """The error for a reference that leads nowhere, with what may have been meant."""
    kind = canonical_kind(ref.kind)
    query = sa.select(revision.c.name, revision.c.ref).where(
        revision.c.kind == kind, revision.c.valid_to.is_(None)
    )
    names = {row.name.lower(): row.ref for row in reader.connection.execute(query.limit(20_000))}
    hint = near(ref.name, names)
    message = f"There is no {WORDS.get(ref.kind, ref.kind)} '{ref}'{hint or '.'}"
    return NotFoundError(message, [Problem(message, pointer)])
