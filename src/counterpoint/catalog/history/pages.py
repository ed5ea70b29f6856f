"""The page of what changed of an entity between two dates."""

from datetime import UTC, timedelta
from typing import Annotated, Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from counterpoint.catalog.history.asking import JUST_BEFORE, compare_between
from counterpoint.catalog.history.shown import rows_of
from counterpoint.catalog.shown import LABELS
from counterpoint.graph.kinds import canonical_kind
from counterpoint.graph.ref import Ref
from counterpoint.web import PageContext, render
from counterpoint.web.urls import entity_url
from counterpoint.workspace import Workspace

__all__ = ["diff_url", "pages"]

Since = Annotated[str, QueryParameter(name="from")]
Until = Annotated[str, QueryParameter(name="to")]


def diff_url(ref: str) -> str:
    """The address of the page, for any entity; `from` and `to` narrow it."""
    kind, _, rest = ref.partition(":")
    return f"/catalog/{kind}/{rest}/diff"


@get(
    "/catalog/{kind:str}/{namespace:str}/{name:str}/diff",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_difference(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    since: Since = "",
    until: Until = "",
) -> str:
    """What changed between two dates: fields side by side, relations, and the versions in between."""
    ref = Ref(kind, namespace, name)
    with ws.graph.read() as reader:
        found = compare_between(reader, ref, since, until)
        entity = reader.get(ref)
        titles = reader.titles(
            {str(ref)}
            | {edge.target for edge in (*found.gained, *found.lost)}
            | {step.actor for step in found.steps if step.actor.count(":") == 1}
        )
    return render(
        page,
        "catalog/history/diff.html",
        ref=str(ref),
        kind=canonical_kind(ref.kind),
        title=titles.get(str(ref)) or ref.name,
        exists=entity is not None,
        entity=entity,
        entity_page=entity_url(str(ref)),
        found=found,
        rows=rows_of(found.changes),
        labels=LABELS,
        titles=titles,
        here=diff_url(str(ref)),
        # The last day that ended by the start, so that the form never leaves out what is shown.
        first_day=((found.before.at + JUST_BEFORE).astimezone(UTC) - timedelta(days=1)).date(),
        last_day=found.after.at.astimezone(UTC).date(),
    )


pages: list[Any] = [show_difference]
