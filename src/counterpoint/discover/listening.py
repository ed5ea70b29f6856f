"""What listeners heard, out of the journal: one snapshot, any engine, bounded and counted.

`listening_of` reads; `listened.py` makes matrices of what was read.
"""

from collections.abc import Collection
from datetime import datetime

from counterpoint.discover.listened import Listened
from counterpoint.discover.plan import Plan
from counterpoint.workspace import Workspace

__all__ = ["listening_of"]


def listening_of(
    workspace: Workspace,
    recommender: str,
    plan: Plan,
    *,
    until: datetime | None = None,
    known: int | None = None,
    listeners: Collection[str] | None = None,
) -> Listened:
    """What a recommender's listeners heard before a cut.

    Args:
        workspace: where it lives.
        recommender: its reference; private sessions are kept by it.
        plan: what it says of signals, bounds and consent.
        until: events of later are left out and counted; now if nothing is said.
        known: microseconds since 1970: events that arrived later are as if they were not there. Consent counts as
            it is known now, whatever this says.
        listeners: whose events are read; everybody's if nothing is said. Playlists of others are left out then.
    """
    raise NotImplementedError
