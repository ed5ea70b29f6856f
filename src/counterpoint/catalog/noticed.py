"""What other rooms have to say about what an import wrote."""

from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.report import ImportReport
from counterpoint.errors import Problem
from counterpoint.graph import Reader
from counterpoint.noticing import KINDS, notices_of

__all__ = ["add_notices"]

WRITTEN = ("entity.created", "entity.updated")
MOST = 5_000
"""Entries of the activity log of one import that are looked through; a first import of more tells nothing here."""


def add_notices(reader: Reader, report: ImportReport, *, since: int) -> None:
    """Add a warning for each notice about entities written after the activity with this number.

    The calendar of experiments tells all of it at any time.
    """
    kinds = tuple(f"{kind}:" for kind in KINDS)
    if not any(ref.startswith(kinds) for ref in report.refs):
        return
    entries = reader.activity(action=WRITTEN, after=since, limit=MOST)
    if len(entries) == MOST:
        return
    refs = sorted({entry.subject for entry in entries})
    report.remarks += [
        Remark("warning", Problem(f"{each.ref}: {each.message}", each.pointer), "collision", each.ref)
        for each in notices_of(reader, refs)
    ]
