"""The sufficient statistics of a plan out of the journal: from what is kept of users, or from every event."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from counterpoint.experiments.model import Experiment
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from counterpoint.experiments.totals import Totals
    from counterpoint.journal import Snapshot
    from counterpoint.journal.columns import Kind

__all__ = ["EXPOSURE", "columns_of", "kept_totals", "totals_now"]

EXPOSURE: Final = "feature_flag.evaluation"


def totals_now(workspace: Workspace, plan: Experiment, now: datetime) -> "Totals":
    """The sufficient statistics of a plan of the journal as of now, for rooms that judge them by rules of their own."""
    from counterpoint.experiments.aggregation import exposures_of, totals_expression, totals_of

    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        totals = kept_totals(workspace, plan, snapshot, now)
        if totals is None:
            exposures = exposures_of(plan, snapshot.events(EXPOSURE, attributes=columns_of(plan)))
            events = snapshot.events(*plan.types)
            found = totals_expression(plan, exposures, events, as_of=now, last_data=True)
            totals = totals_of(plan, found.to_pyarrow().to_pylist())
    return totals


def columns_of(plan: Experiment) -> dict[str, "Kind"]:
    """The columns of exposures that segments need beside those that they have anyway."""
    from counterpoint.journal.model.row import COLUMNS

    return {name: "string" for name in plan.segments if name not in COLUMNS}


def kept_totals(
    workspace: Workspace, plan: Experiment, snapshot: "Snapshot", now: datetime
) -> "Totals | None":
    """The totals as of now out of sums that are kept beside the journal; none where that is switched off or would not pay."""
    from counterpoint.experiments.daily import daily_totals, key_of, pays
    from counterpoint.journal.daily import Kept, trim

    journal = workspace.journal
    most = journal.settings.daily_mb * 1_000_000
    if not most or not pays(plan, snapshot):
        return None
    totals = daily_totals(plan, snapshot, Kept(journal.folder, key_of(plan)), holds=journal.holds, as_of=now)
    trim(journal.folder, most)
    return totals
