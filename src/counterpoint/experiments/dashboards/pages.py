"""The pages of dashboards: the list by unit, one dashboard, and the form that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotAllowedError, PreconditionError
from counterpoint.experiments.dashboards import store
from counterpoint.experiments.dashboards.definition import CHARTS, Dashboard
from counterpoint.experiments.dashboards.form import (
    DashboardForm,
    PanelRow,
    changed,
    descriptor,
    field_errors,
    form_of,
    read_form,
)
from counterpoint.experiments.metrics.period import CHOICES
from counterpoint.experiments.metrics.shown import Panel, panel_of
from counterpoint.experiments.metrics.store import names_of
from counterpoint.experiments.metrics.telling import amount_text
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import catalog_url, entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

HTML: dict[str, Any] = {"media_type": MediaType.HTML, "include_in_schema": False, "sync_to_thread": True}
Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
LIST = "/dashboards"
TABS = (("Dashboards", LIST), ("Metrics", f"{LIST}/metrics"))
EXAMPLE = """\
apiVersion: counterpoint.dev/v1
kind: Dashboard
metadata: {name: discovery, title: Discovery at a glance}
spec:
  owner: discovery
  days: 28
  panels:
    - metric: weekly-listening-minutes
      goal: listening-2027        # its target is drawn
    - metric: app-start-time
      split: country              # an attribute of the events
    - metric: sessions
      chart: columns              # line, columns or figure
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel as the page of a dashboard shows it."""

    title: str
    metric: str
    """Reference of the metric."""
    panel: Panel | None
    problem: str
    split: str
    targets: tuple[tuple[str, str], ...]
    """What is aimed at, and how it is called."""


@get(LIST, **HTML)
def show_list(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], owner: FromQuery[str] = ""
) -> str:
    """The dashboards by unit."""
    found = store.all_dashboards(ws, owner=owner or None)
    found.sort(key=lambda each: (each.owner or "", each.title.lower()))
    groups = [(unit, list(items)) for unit, items in groupby(found, key=lambda each: each.owner)]
    with ws.graph.read() as reader:
        titles = reader.titles(
            {unit for unit, _ in groups if unit} | {p.metric for d in found for p in d.panels}
        )
    groups.sort(key=lambda group: titles.get(group[0] or "", group[0] or "").lower())
    return render(
        page,
        "experiments/dashboards/list.html",
        groups=groups,
        total=len(found),
        owner=owner,
        titles=titles,
        tabs=TABS,
        example=EXAMPLE,
    )


@get(f"{LIST}/new", **HTML)
def show_new(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    owner: FromQuery[str] = "",
    metric: FromQuery[str] = "",
) -> str:
    """The empty form; `owner` and `metric` fill in what is known."""
    units = store.units_for(ws, actor)
    owner = owner or (units[0] if len(units) == 1 else "")
    return _form(ws, actor, page, DashboardForm(owner=owner, panels=(PanelRow(metric=metric),)), {})


@post(f"{LIST}/new", **HTML)
def create(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Store a new dashboard, or show the form again: with a line moved, or with what is wrong."""
    return _save(ws, actor, page, data, None)


@get(f"{LIST}/{{namespace:str}}/{{name:str}}/edit", **HTML)
def show_edit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The form as the dashboard is."""
    opened = store.open_dashboard(ws, f"dashboard:{namespace}/{name}")
    return _form(ws, actor, page, form_of(opened.dashboard, opened.entity.document), {}, opened.dashboard)


@post(f"{LIST}/{{namespace:str}}/{{name:str}}/edit", **HTML)
def edit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Store the changed dashboard, or show the form again: with a line moved, or with what is wrong."""
    return _save(ws, actor, page, data, store.open_dashboard(ws, f"dashboard:{namespace}/{name}"))


@post(f"{LIST}/{{namespace:str}}/{{name:str}}/delete", **HTML)
def delete(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Redirect:
    """Delete the dashboard."""
    store.delete(ws, f"dashboard:{namespace}/{name}", actor=actor)
    return Redirect(with_query(LIST, told="dashboard-deleted"), status_code=303)


@get(f"{LIST}/{{namespace:str}}/{{name:str}}", **HTML)
def show(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    days: FromQuery[int] = 0,
) -> str:
    """One dashboard: its panels, each with its definition and its events."""
    opened = store.open_dashboard(ws, f"dashboard:{namespace}/{name}")
    dashboard = opened.dashboard
    page = page.about(dashboard.owner)
    here, chosen = entity_url(dashboard.ref), days if days in CHOICES else 0
    return render(
        page,
        "experiments/dashboards/dashboard.html",
        dashboard=dashboard,
        entity=opened.entity,
        panels=_shown(ws, opened, chosen),
        titles=opened.titles,
        here=here,
        live=with_query(f"{here}/panels", days=chosen or None),
        catalog=catalog_url(dashboard.ref),
        choices=[(each, with_query(here, days=each)) for each in CHOICES],
        days=chosen,
        permission=store.may_write(ws, dashboard.owner, actor),
    )


@get(f"{LIST}/{{namespace:str}}/{{name:str}}/panels", **HTML)
def show_panels(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    days: FromQuery[int] = 0,
) -> str:
    """The panels alone, which an open page asks for again and again."""
    opened = store.open_dashboard(ws, f"dashboard:{namespace}/{name}")
    page = page.about(opened.dashboard.owner)
    panels = _shown(ws, opened, days if days in CHOICES else 0)
    return render(page, "experiments/dashboards/panels.html", panels=panels, titles=opened.titles)


def _shown(ws: Workspace, opened: store.Opened, days: int) -> list[Shown]:
    now = datetime.now(UTC)
    found = []
    for each in store.read_panels(ws, opened, now=now, days=days or None):
        title = each.plan.title or (each.loaded.definition.title if each.loaded else each.plan.metric)
        panel = None
        if each.loaded is not None and each.reading is not None:
            panel = panel_of(
                each.loaded,
                each.reading,
                today=now.date(),
                chart=each.plan.chart,
                targets=each.targets,
                titles=opened.titles,
                name=title,
                holds=each.holds,
            )
        targets = tuple(
            (amount_text(each.loaded.definition, amount), name)
            for amount, name in each.targets
            if each.loaded
        )
        found.append(Shown(title, each.plan.metric, panel, each.problem, each.plan.split or "", targets))
    return found


def _save(
    ws: Workspace, actor: Actor, page: PageContext, data: Mapping[str, Any], opened: store.Opened | None
) -> Page:
    form = read_form(data)
    before = opened.dashboard if opened else None
    if action := str(data.get("do") or ""):
        return again(_form(ws, actor, page, changed(form, action), {}, before), status=200)
    document, errors = descriptor(form, opened.entity.document if opened else None)
    status = 400
    if not errors:
        try:
            written = store.write(
                ws,
                document,
                actor=actor,
                ref=before.ref if before else None,
                new=before is None,
                if_match=[form.etag] if before and form.etag else None,
            )
            return Redirect(
                with_query(entity_url(written.dashboard.ref), told="dashboard-saved"), status_code=303
            )
        except InputError as error:
            errors = field_errors(error.problems) or {"": error.message}
        except NotAllowedError as error:
            errors, status = {"owner": error.message}, 403
        except PreconditionError:
            message = "Somebody has changed this dashboard since you opened the form. Open it again in another tab, compare, and repeat your change there."
            errors, status = {"": message}, 412
    return again(_form(ws, actor, page, form, errors, before), status=status)


def _form(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    form: DashboardForm,
    errors: Mapping[str, str],
    before: Dashboard | None = None,
) -> str:
    page = page.about(before.owner if before else None)
    return render(
        page,
        "experiments/dashboards/form.html",
        form=form,
        errors=errors,
        editing=before is not None,
        heading_title=before.title if before else "",
        back=entity_url(before.ref) if before else LIST,
        units=store.units_for(ws, actor),
        metrics=names_of(ws, "Metric"),
        goals=names_of(ws, "Goal"),
        charts=tuple(CHARTS.items()),
    )


pages: list[Any] = [show_list, show_new, create, show_edit, edit, delete, show_panels, show]
