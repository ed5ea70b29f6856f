"""The pages of metrics: the catalogue, one metric with its figures, and the form with a preview."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec.structs import replace

from counterpoint.errors import InputError, PreconditionError
from counterpoint.experiments.metrics import readings, store
from counterpoint.experiments.metrics.check import Remark
from counterpoint.experiments.metrics.definition import ROLES, Definition
from counterpoint.experiments.metrics.form import (
    MetricForm,
    descriptor,
    field_errors,
    form_of,
    read_form,
)
from counterpoint.experiments.metrics.period import CHOICES
from counterpoint.experiments.metrics.shown import Panel, distribution_chart, panel_of, range_text
from counterpoint.experiments.metrics.telling import amount_text
from counterpoint.experiments.metrics.usage import uses_of
from counterpoint.graph.actor import Actor
from counterpoint.journal.model.outcome import TypeCount
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import catalog_url, entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

HTML: dict[str, Any] = {"media_type": MediaType.HTML, "include_in_schema": False, "sync_to_thread": True}
Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
LIST = "/dashboards/metrics"
EXAMPLE = """\
apiVersion: counterpoint.dev/v1
kind: Metric
metadata:
  name: app-start-time
  title: App start time
  description: From the tap on the icon to the first screen that can be used.
spec:
  owner: player
  event: app.start            # type of the events it is computed from
  aggregation: mean           # mean, sum, count, any, users, ratio or quantile
  field: ms                   # key in the events' data
  unit: ms
  direction: decrease         # increase, decrease or none
  cap: 20000                  # a larger number counts as this
  role: guardrail             # northStar, guardrail or ordinary
  decisions:
    - decision: Whether a release rolls out further
"""
AGGREGATIONS = (
    ("mean", "Mean of a field, of each user and then of all users"),
    ("sum", "Sum of a field"),
    ("count", "Number of events"),
    ("any", "Share of users whose events have a field that is true"),
    ("users", "Number of different users"),
    ("quantile", "Quantile of a field, such as the median"),
    ("ratio", "Ratio of two metrics"),
    ("retention", "In experiments: users with an event in the window after exposure"),
    ("time to event", "In experiments: days from exposure to the first event"),
    ("funnel", "In experiments: users who did all steps in order"),
)
DIRECTIONS = (
    ("increase", "Better when it rises"),
    ("decrease", "Better when it falls"),
    ("none", "Neither is better"),
)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A metric in the catalogue."""

    definition: Definition
    last: datetime | None
    uses: int
    problem: str


@get(LIST, **HTML)
def show_list(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    role: FromQuery[str] = "",
    owner: FromQuery[str] = "",
) -> str:
    """Every metric with who answers for it, what it is for and when its last event came."""
    types = readings.seen(ws)
    found = [
        _Listed(
            each.definition,
            max((types[event].last for event in each.events if event in types), default=None),
            sum(len(each.entity.targets(name)) for name in ("measures", "shownOn")) if each.entity else 0,
            each.problem,
        )
        for each in store.all_metrics(ws)
    ]
    chosen = [
        each for each in found if role in ("", each.definition.role) and owner in ("", each.definition.owner)
    ]
    chosen.sort(key=lambda each: list(ROLES).index(each.definition.role))
    owners = sorted({each.definition.owner for each in found if each.definition.owner})
    counts = [(each, sum(item.definition.role == each for item in found)) for each in ROLES]
    tabs = [("All", with_query(LIST, owner=owner), len(found))]
    tabs += [
        (ROLES[each].capitalize(), with_query(LIST, role=each, owner=owner), count)
        for each, count in counts
        if count
    ]
    return render(
        page,
        "experiments/metrics/list.html",
        items=chosen,
        total=len(found),
        tabs=tabs,
        current=with_query(LIST, role=role, owner=owner),
        owner_chosen=owner,
        titles=_titles(ws, owners),
        roles=ROLES,
        example=EXAMPLE,
    )


@get(f"{LIST}/new", **HTML)
def show_new(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    owner: FromQuery[str] = "",
    event: FromQuery[str] = "",
) -> str:
    """The empty form; `owner` and `event` fill in what is known."""
    return _form(ws, page, MetricForm(owner=owner, event=event), {})


@post(f"{LIST}/new", **HTML)
def create(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Store a new metric, or show the form again with what is wrong, or with what it would say."""
    form = read_form(data)
    if data.get("look"):
        return again(_form(ws, page, form, {}, looked=True), status=200)
    document, errors = descriptor(form)
    if not errors:
        try:
            return _to(store.write(ws, document, actor=actor, new=True))
        except InputError as error:
            errors = field_errors(error.problems) or {"": error.message}
    return again(_form(ws, page, form, errors))


@post(f"{LIST}/preview", status_code=200, **HTML)
def preview(ws: NamedDependency[Workspace], page: NamedDependency[PageContext], data: Posted) -> str:
    """What a metric that is being written says on the events that came: a part of the form."""
    looked = _preview(ws, read_form(data))
    return render(page, "experiments/metrics/preview.html", **looked)


@get(f"{LIST}/{{namespace:str}}/{{name:str}}/edit", **HTML)
def show_edit(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The form as the metric is."""
    loaded = store.load(ws, f"metric:{namespace}/{name}")
    return _form(ws, page, _form_of(loaded), {}, loaded)


@post(f"{LIST}/{{namespace:str}}/{{name:str}}/edit", **HTML)
def edit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Store the changed metric, or show the form again."""
    loaded = store.load(ws, f"metric:{namespace}/{name}")
    form = read_form(data)
    if data.get("look"):
        return again(_form(ws, page, form, {}, loaded, looked=True), status=200)
    document, errors = descriptor(form, loaded.entity.document if loaded.entity else None)
    if not errors:
        try:
            return _to(
                store.write(
                    ws,
                    document,
                    actor=actor,
                    ref=loaded.definition.ref,
                    if_match=[form.etag] if form.etag else None,
                )
            )
        except InputError as error:
            errors = field_errors(error.problems) or {"": error.message}
        except PreconditionError:
            message = "Somebody has changed this metric since you opened the form. Open it again in another tab, compare, and repeat your change there."
            return again(_form(ws, page, form, {"": message}, loaded), status=412)
    return again(_form(ws, page, form, errors, loaded))


@get(f"{LIST}/{{namespace:str}}/{{name:str}}", **HTML)
def show(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    days: FromQuery[int] = 0,
) -> str:
    """One metric: what it means, its figures by span, how its numbers are distributed, and what it decides."""
    loaded = store.load(ws, f"metric:{namespace}/{name}")
    metric = loaded.definition
    page = page.about(metric.owner)
    now = datetime.now(UTC)
    types = readings.seen(ws)
    asked = days if days in CHOICES else None
    what = readings.asked_for(loaded, readings.last_day(types, loaded.events, now), now=now, days=asked)
    panel, problem, reading = None, loaded.problem, None
    try:
        if not loaded.problem:
            reading, holds = readings.reading_at_hand(ws, loaded, what)
            panel = panel_of(loaded, reading, today=now.date(), holds=holds)
    except InputError as error:
        problem = error.message
    bins = readings.distribution_at_hand(ws, loaded, what) if reading else ()
    uses = uses_of(ws, loaded)
    return render(
        page,
        "experiments/metrics/metric.html",
        loaded=loaded,
        metric=metric,
        entity=loaded.entity,
        panel=panel,
        problem=problem,
        remarks=readings.check_metric(ws, loaded, reading, types, now=now),
        bins=[(range_text(metric, each), each) for each in bins],
        bins_chart=distribution_chart(metric, bins, page.tell("How often which numbers are")),
        uses=uses.items,
        titles=uses.titles,
        here=entity_url(metric.ref),
        catalog=catalog_url(metric.ref),
        choices=[(each, with_query(entity_url(metric.ref), days=each)) for each in CHOICES],
        days=asked or 0,
        sql=reading.sql if reading else "",
        role=ROLES[metric.role],
        cap=amount_text(metric, metric.cap) if metric.cap is not None else None,
        permission=store.may_write(ws, loaded, actor),
    )


def _form(
    ws: Workspace,
    page: PageContext,
    form: MetricForm,
    errors: Mapping[str, str],
    loaded: store.Loaded | None = None,
    *,
    looked: bool = False,
) -> str:
    page = page.about(loaded.definition.owner if loaded else None)
    types = readings.seen(ws)
    return render(
        page,
        "experiments/metrics/form.html",
        form=form,
        errors=errors,
        editing=loaded is not None,
        heading_title=loaded.definition.title if loaded else "",
        back=entity_url(loaded.definition.ref) if loaded else LIST,
        rows=[*form.decisions, *([("", "")] * max(1, 2 - len(form.decisions)))],
        units=store.names_of(ws, "Group"),
        metrics=store.names_of(ws, "Metric"),
        events=sorted(types),
        aggregations=[(key, page.tell(words)) for key, words in AGGREGATIONS],
        directions=DIRECTIONS,
        roles=[(key, word.capitalize()) for key, word in ROLES.items()],
        looked=_preview(ws, form, types) if looked else None,
    )


def _preview(ws: Workspace, form: MetricForm, types: Mapping[str, TypeCount] | None = None) -> dict[str, Any]:
    """What the form would be: a panel where it can be computed, remarks, and why not where it cannot."""
    document, errors = descriptor(replace(form, name=form.name or "preview", owner=form.owner or "preview"))
    problems = dict(errors)
    problems.pop("title", None)
    problems.pop("owner", None)
    if not problems:
        problems = field_errors(store.preview_problems(document))
    if problems:
        return {"panel": None, "remarks": (), "unready": tuple(problems.values())}
    now = datetime.now(UTC)
    types = types if types is not None else readings.seen(ws)
    loaded = store.loaded_from(ws, document)
    panel: Panel | None = None
    remarks: tuple[Remark, ...] = ()
    try:
        period = readings.period_for(loaded, types, days=None, now=now)
        reading = readings.preview(ws, loaded, readings.Asked(period))
        panel = panel_of(loaded, reading, today=now.date())
        remarks = readings.check_metric(ws, loaded, reading, types, now=now)
    except InputError as error:
        return {"panel": None, "remarks": (), "unready": (error.message,)}
    return {"panel": panel, "remarks": remarks, "unready": ()}


def _form_of(loaded: store.Loaded) -> MetricForm:
    if loaded.entity is None:
        return MetricForm()
    return form_of(loaded.entity.document, loaded.entity.etag)


def _titles(ws: Workspace, refs: list[str]) -> dict[str, str]:
    with ws.graph.read() as reader:
        return reader.titles(refs)


def _to(loaded: store.Loaded) -> Redirect:
    return Redirect(with_query(entity_url(loaded.definition.ref), told="metric-saved"), status_code=303)


pages: list[Any] = [show_list, show_new, create, preview, show_edit, edit, show]
