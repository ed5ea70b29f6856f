"""Effects day by day of experiments in the workspace: one grouped query, kept while it holds."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from counterpoint.experiments import store
from counterpoint.experiments.journal_totals import EXPOSURE, kept_course
from counterpoint.experiments.over_time import OverTime, centres_of, days_of, over_time, part_of
from counterpoint.experiments.result import Result
from counterpoint.experiments.standing import Standing
from counterpoint.moments import today_utc
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LARGE", "over_time_at_hand", "over_time_of", "over_times_of"]

LARGE = 500_000
"""Events of a journal from which a day's course is computed once a day, behind the reader's back."""


class OverTimes(Standing[OverTime]):
    """The courses of experiments."""


def over_times_of(workspace: Workspace) -> OverTimes:
    """The courses of a workspace that this process keeps."""
    return workspace.keep(OverTimes, lambda _: OverTimes())


def over_time_of(workspace: Workspace, loaded: store.Loaded, result: Result) -> OverTime:
    """The effects at the end of each day up to now; nothing of an experiment that is read from a table.

    A large journal is read once a day, since all its days are read for it; the last day is as of then.

    Raises:
        InputError: values of a metric are not all finite numbers.
    """
    return over_times_of(workspace).newest(
        loaded.entity.ref,
        *_basis(workspace, loaded, result),
        lambda: _computed(workspace, loaded, result),
    )


def over_time_at_hand(workspace: Workspace, loaded: store.Loaded, result: Result) -> OverTime | None:
    """The last course that holds for the plan; none while the first one of a large journal is being computed."""
    if loaded.source is not None or not result.users:
        return OverTime(as_of=result.as_of)
    standing, ref = over_times_of(workspace), loaded.entity.ref
    plan, data = _basis(workspace, loaded, result)
    if standing.renews and standing.kept(ref) is None and _large(workspace, loaded):
        standing.renew(
            ref, lambda: standing.newest(ref, plan, data, lambda: _computed(workspace, loaded, result))
        )
        return None
    return standing.at_hand(ref, plan, data, lambda: _computed(workspace, loaded, result))[0]


def _basis(
    workspace: Workspace, loaded: store.Loaded, result: Result
) -> tuple[tuple[object, ...], tuple[object, ...]]:
    shown = tuple((each.name, each.treatment, each.withheld) for each in result.metrics)
    plan = (*loaded.version, result.verdict.state == "invalid", result.acknowledged, shown)
    now = today_utc()
    data = () if _large(workspace, loaded) else (workspace.journal.version(),)
    return plan, (*data, now, len(result.looks))


def _large(workspace: Workspace, loaded: store.Loaded) -> bool:
    """Whether reading all events of the plan takes seconds."""
    types = {EXPOSURE, *loaded.plan.types}
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        return sum(each.events for each in snapshot.segments if each.type in types) >= LARGE


def _computed(workspace: Workspace, loaded: store.Loaded, result: Result) -> OverTime:
    plan = loaded.plan
    asked = part_of(plan)
    if asked is None or loaded.source is not None:
        return over_time(plan, result, ())
    import ibis

    from counterpoint.experiments.aggregation import exposures_of
    from counterpoint.experiments.course_query import course_expression

    centres = centres_of(asked, result)
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        known = kept_course(workspace, asked, snapshot, result.as_of)
        if known is not None:
            return over_time(plan, result, known)
        exposures = exposures_of(plan, snapshot.events(EXPOSURE))
        expression = course_expression(
            asked,
            exposures,
            snapshot.events(*asked.types),
            centres=centres,
            as_of=result.as_of,
            last_data=True,
        )
        rows: Sequence[dict[str, object]] = expression.to_pyarrow().to_pylist()
        sql = str(ibis.to_sql(expression))
    return replace(over_time(plan, result, days_of(asked, rows, centres)), sql=sql)
