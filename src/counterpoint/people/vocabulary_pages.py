"""The pages of words and practices: what holds for the organisation or a unit, from where, and changing it."""

from collections.abc import Mapping
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import ConflictError, InputError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.people import practices_store, vocabulary_store
from counterpoint.people.holding import Kind, held, may_change, unit_of
from counterpoint.people.vocabulary_routes import customs_at
from counterpoint.practices import LIMITS, PRACTICES, RULES, Policy
from counterpoint.vocabulary import NOUNS, PACKS
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Posted = URLEncodedBody[dict[str, Any]]
Page = Response[str] | Redirect
UNITS = 500
"""Units that the choice offers while one types; the others can be written."""
SIZES = {"squad": ("squadLeast", "squadMost"), "tribe": ("", "tribeMost")}
"""Types of units whose size has a limit: the keys of the least and of the most."""


@get("/vocabulary", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_words(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
) -> str:
    """What every noun is called, in the organisation or in a unit."""
    return _words(ws, actor, page, unit)


@post("/vocabulary", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change_words(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep the words as typed, take a ready vocabulary, or show how the words would sound."""
    unit = str(data.get("unit") or "")
    typed = _typed(data, ("one", "many"))
    nouns = {
        key: _noun(one.strip(), typed.get(f"{key}-many", "").strip()) for key, one in _ones(typed).items()
    }
    if data.get("do") == "preview":
        return Response(_words(ws, actor, page, unit, typed=typed, sample=nouns), media_type=MediaType.HTML)
    pack = str(data["pack"]) if data.get("pack") else None
    try:
        vocabulary_store.rename(ws.graph, actor, customs_at(ws, unit).unit, {} if pack else nouns, pack=pack)
    except (InputError, ConflictError) as error:
        html = _words(ws, actor, page, unit, typed=typed, errors=_errors(error))
        return Response(html, status_code=error.status, media_type=MediaType.HTML)
    return Redirect(with_query("/vocabulary", unit=unit, told="renamed"), status_code=303)


@get("/practices", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_practices(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
) -> str:
    """What the organisation or a unit practises, what its rules ask for, and its limits."""
    return _practices(ws, actor, page, unit)


@post("/practices", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change_practices(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep what was chosen; an empty choice takes what holds above."""
    unit = str(data.get("unit") or "")
    typed = {key: str(value).strip() for key, value in data.items() if "-" in key}
    try:
        practices_store.switch(
            ws.graph,
            actor,
            customs_at(ws, unit).unit,
            practices=_chosen(typed, "practice", PRACTICES),
            policies=_chosen(typed, "policy", RULES),
            limits={key: _number(text) for key, text in _chosen(typed, "limit", LIMITS).items()},
        )
    except (InputError, ConflictError) as error:
        html = _practices(ws, actor, page, unit, typed=typed, errors=_errors(error))
        return Response(html, status_code=error.status, media_type=MediaType.HTML)
    return Redirect(with_query("/practices", unit=unit, told="switched"), status_code=303)


@get("/criticisms", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_criticisms(page: NamedDependency[PageContext]) -> str:
    """What is said against this way of working, and when not to use it."""
    return render(page, "people/criticisms.html")


def _words(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    unit: str,
    *,
    typed: Mapping[str, str] | None = None,
    sample: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> str:
    customs = customs_at(ws, unit)
    frame = _frame(ws, actor, "Vocabulary", customs.unit)
    own = _own(frame["held"], "nouns")
    if typed is None:
        typed = {
            f"{key}-{form}": _form(own[key], form) for key in NOUNS if key in own for form in ("one", "many")
        }
    return render(
        page.about(customs.unit),
        "people/vocabulary.html",
        rows=vocabulary_store.noun_rows(customs),
        sample=vocabulary_store.preview(customs, sample or {}),
        previewed=sample is not None,
        packs=list(PACKS),
        typed=typed,
        errors=errors or {},
        **frame,
    )


def _practices(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    unit: str,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> str:
    customs = customs_at(ws, unit)
    frame = _frame(ws, actor, "PolicyPack", customs.unit)
    if typed is None:
        on = {True: "on", False: "off"}
        typed = {
            **{
                f"practice-{key}": on.get(value, str(value))
                for key, value in _own(frame["held"], "practices").items()
            },
            **{f"policy-{key}": str(value) for key, value in _own(frame["held"], "policies").items()},
            **{f"limit-{key}": str(value) for key, value in _own(frame["held"], "limits").items()},
        }
    return render(
        page.about(customs.unit),
        "people/practices.html",
        view=practices_store.view(customs),
        policies=[(policy.value, POLICY_WORDS[policy]) for policy in Policy],
        typed=typed,
        errors=errors or {},
        size=_size(frame["unit"], customs.limit),
        **frame,
    )


POLICY_WORDS = {
    Policy.INFORM: "Inform",
    Policy.ASK_REASON: "Ask for a reason",
    Policy.ASK_JOINT: "Ask for both stances",
}


def _frame(ws: Workspace, actor: Actor, kind: Kind, unit: str | None) -> dict[str, Any]:
    """What both pages show around their forms: the unit, its document, who may change it."""
    with ws.graph.read() as reader:
        return {
            "unit": unit_of(reader, unit),
            "held": held(reader, kind, unit),
            "permission": may_change(reader, actor, kind, unit),
            "units": _units(reader),
        }


def _units(reader: Reader) -> list[str]:
    found = reader.find(kind="Group", limit=UNITS).items
    return [each.name if each.namespace == "default" else f"{each.namespace}/{each.name}" for each in found]


def _size(unit: Entity | None, limit: Any) -> dict[str, Any] | None:
    """How many people are in a unit whose type has a limit, and what is advised."""
    keys = SIZES.get(str(unit.spec.get("type"))) if unit else None
    people = len(unit.targets("hasMember")) if unit else 0
    if not keys or not people:
        return None
    least, most = limit(keys[0]) if keys[0] else 1, limit(keys[1])
    reason = LIMITS[keys[0] if people < least and keys[0] else keys[1]].reason
    return {"people": people, "least": least, "most": most, "fits": least <= people <= most, "reason": reason}


def _own(entity: Entity | None, field: str) -> dict[str, Any]:
    value = entity.spec.get(field) if entity else None
    return value if isinstance(value, dict) else {}


def _form(value: Any, form: str) -> str:
    if isinstance(value, str):
        return value if form == "one" else ""
    return str(value.get(form) or "") if isinstance(value, dict) else ""


def _typed(data: Mapping[str, Any], forms: tuple[str, ...]) -> dict[str, str]:
    names = [f"{key}-{form}" for key in NOUNS for form in forms]
    return {name: str(data[name]) for name in names if name in data}


def _ones(typed: Mapping[str, str]) -> dict[str, str]:
    return {key: typed[f"{key}-one"] for key in NOUNS if f"{key}-one" in typed}


def _noun(one: str, many: str) -> Any:
    """What was typed as the API takes it; nothing typed takes what holds above."""
    if not one and not many:
        return None
    return {"one": one, "many": many} if many else one


def _chosen(typed: Mapping[str, str], kind: str, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: typed[f"{kind}-{name}"] or None for name in names if f"{kind}-{name}" in typed}


def _number(text: str | None) -> Any:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else text


def _errors(error: InputError | ConflictError | NotFoundError) -> dict[str, str]:
    """The messages by the field of the form; "" for the whole."""
    fields = {"nouns": "{}-one", "practices": "practice-{}", "policies": "policy-{}", "limits": "limit-{}"}
    found: dict[str, str] = {}
    for problem in error.problems:
        parts = problem.pointer.removeprefix("/spec").strip("/").split("/")
        pattern = fields.get(parts[0], "")
        name = pattern.format(parts[1]) if pattern and len(parts) > 1 else ""
        found.setdefault(name.replace("-one", "-many") if parts[-1] == "many" else name, problem.message)
    return found or {"": error.message}


pages: list[Any] = [show_words, change_words, show_practices, change_practices, show_criticisms]
