"""The form of a dashboard: what was typed, how lines are moved without a script, and the descriptor that it makes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from counterpoint.errors import Problem
from counterpoint.experiments.dashboards.definition import Dashboard
from counterpoint.graph.ref import parse_ref
from counterpoint.web.forms import all_of, begun, count_of, number_of, one_of, put, text_of

__all__ = ["DashboardForm", "PanelRow", "changed", "descriptor", "field_errors", "form_of", "read_form"]


class PanelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One panel, as typed."""

    metric: str = ""
    title: str = ""
    chart: str = ""
    days: str = ""
    split: str = ""
    target: str = ""
    goal: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing is typed."""
        return not any(msgspec.structs.astuple(self))


class DashboardForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text."""

    title: str = ""
    name: str = ""
    owner: str = ""
    description: str = ""
    days: str = ""
    panels: tuple[PanelRow, ...] = ()
    etag: str = ""
    focus: str = ""
    """The id of the field that a keyboard goes on with after a line was moved."""


def read_form(data: Mapping[str, Any]) -> DashboardForm:
    """Read a posted form; lines in which nothing is typed are dropped."""
    columns = {name: all_of(data, f"panel_{name}") for name in PanelRow.__struct_fields__}
    size = max(map(len, columns.values()), default=0)
    rows = (
        PanelRow(**{name: values[index] if index < len(values) else "" for name, values in columns.items()})
        for index in range(size)
    )
    plain = {name: one_of(data, name) for name in ("title", "name", "owner", "description", "days", "etag")}
    return DashboardForm(**plain, panels=tuple(row for row in rows if not row.empty))


def form_of(dashboard: Dashboard, document: Mapping[str, Any]) -> DashboardForm:
    """The form that shows a dashboard as it is."""
    return DashboardForm(
        title=dashboard.title,
        name=dashboard.name,
        owner=str(document["spec"]["owner"]),
        description=dashboard.description,
        days=text_of(dashboard.days),
        panels=tuple(
            PanelRow(
                metric=parse_ref(panel.metric).short.removeprefix("metric:"),
                title=panel.title,
                chart=panel.chart or "",
                days=text_of(panel.days),
                split=panel.split or "",
                target=text_of(panel.target),
                goal=parse_ref(panel.goal).short.removeprefix("goal:") if panel.goal else "",
            )
            for panel in dashboard.panels
        ),
        etag=dashboard.etag,
    )


def changed(form: DashboardForm, action: str) -> DashboardForm:
    """The form after one of its buttons: "add", or "up-2", "down-2" and "remove-2" for the line of that number, from 0."""
    what, _, number = action.partition("-")
    rows = list(form.panels)
    if what == "add":
        return replace(form, panels=(*rows, PanelRow()), focus=f"panel-{len(rows)}-metric")
    index = count_of(number)
    if index is None or index >= len(rows):
        return form
    if what == "remove":
        del rows[index]
        focus = f"panel-{min(index, len(rows) - 1)}-metric" if rows else "add-panel"
        return replace(form, panels=tuple(rows), focus=focus)
    other = index + {"up": -1, "down": 1}.get(what, 0)
    if other == index or not 0 <= other < len(rows):
        return form
    rows[index], rows[other] = rows[other], rows[index]
    # The button that was pressed, on the line where it now is; at an end its opposite, for it is of no use there.
    end = (what == "up" and other == 0) or (what == "down" and other == len(rows) - 1)
    button = {"up": "down", "down": "up"}[what] if end else what
    return replace(form, panels=tuple(rows), focus=f"panel-{other}-{button}")


def descriptor(
    form: DashboardForm, before: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The Dashboard descriptor that the form makes, and an error by field for what cannot be read."""
    document = begun("Dashboard", before, name=form.name, title=form.title)
    metadata, spec = document["metadata"], document["spec"]
    errors: dict[str, str] = {}
    if not metadata["name"]:
        errors["title"] = "Give it a title of Latin letters or digits; its name in addresses is made from it."
    if not form.owner:
        errors["owner"] = "Every dashboard has exactly one owner: choose a unit that you belong to."
    put(metadata, "title", form.title)
    put(metadata, "description", form.description)
    put(spec, "owner", form.owner)
    put(spec, "days", _number(form.days, "days", errors))
    old = list((before or {}).get("spec", {}).get("panels") or ())
    panels = []
    for index, row in enumerate(form.panels):
        if not row.metric:
            errors[f"panel-{index}-metric"] = f"Choose the metric of line {index + 1}, or remove the line."
        kept: Mapping[str, Any] = next((item for item in old if _same(item, row)), {})
        panel: dict[str, Any] = {
            name: value for name, value in kept.items() if name not in PanelRow.__struct_fields__
        }
        for name in PanelRow.__struct_fields__:
            text = getattr(row, name)
            value = _number(text, f"panel-{index}-{name}", errors) if name in {"days", "target"} else text
            put(panel, name, value)
        panels.append(panel)
    put(spec, "panels", panels)
    return document, errors


def _same(item: Mapping[str, Any], row: PanelRow) -> bool:
    """Whether a panel of the document is the one of a line: what the form does not show is kept for it."""
    return (item.get("metric"), item.get("split") or "") == (row.metric, row.split)


def field_errors(problems: Iterable[Problem]) -> dict[str, str]:
    """The graph's problems by the id of the field that shows them; what has no field is under the empty text."""
    errors: dict[str, str] = {}
    for problem in problems:
        parts = problem.pointer.split("/")
        match parts:
            case ["", "metadata", name]:
                field = name
            case ["", "spec", "panels", index, *rest]:
                field = (
                    f"panel-{index}-{rest[0] if rest and rest[0] in PanelRow.__struct_fields__ else 'metric'}"
                )
            case ["", "spec", name, *_]:
                field = name
            case _:
                field = ""
        errors.setdefault(field, problem.message)
    return errors


def _number(text: str, field: str, errors: dict[str, str]) -> float | None:
    if not text:
        return None
    try:
        return number_of(text)
    except ValueError:
        errors[field] = f"{text!r} is no number."
        return None
