"""The page of one flag: who gets what and why, what was shown to whom lately, and what became of it."""

import json
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from markupsafe import Markup

from counterpoint.errors import NotFoundError
from counterpoint.flags.care import kept_references
from counterpoint.flags.composition import upcoming
from counterpoint.flags.deciding import deciding_steps
from counterpoint.flags.environments import all_places, place_of
from counterpoint.flags.exposure_counts import DAYS, ExposureCounts, counts_of_flag
from counterpoint.flags.flag import Flag
from counterpoint.flags.flag_words import state_sentence
from counterpoint.flags.form_fields import as_typed, one
from counterpoint.flags.listing import FlagItem, items_of
from counterpoint.flags.meanwhile import may_write
from counterpoint.flags.overseeing import stale_of
from counterpoint.flags.plan_gates import gates_of, steps_now
from counterpoint.flags.plan_words import plan_parts
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.ruletree import tree_of
from counterpoint.flags.set_facts import findings_now, flag_history
from counterpoint.flags.snippets import snippets_of
from counterpoint.flags.state import FlagState, state_of
from counterpoint.flags.store import StoredSet, find_set, flag_sets, read_set, set_ref
from counterpoint.flags.trace import trace
from counterpoint.flags.trying import example_context
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.web import PageContext, render
from counterpoint.web.charts.series import Series, line_chart
from counterpoint.web.formats import number
from counterpoint.web.sight import sight_nodes_of, sight_of_flag
from counterpoint.web.urls import flag_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Posted = URLEncodedBody[dict[str, Any]]
VERSIONS: Final = 8
PLACES: Final = 30
"""Lines of code that the page names."""
LONGEST: Final = 8_000
"""Characters of an address; what stands between us and a browser may refuse longer ones."""
LONG_CONTEXT: Final = 2_000
"""Characters of a context that is written out in commands to copy."""
STEPS: Final = 200
"""Steps of a trace that the page shows."""
FEW_DAYS: Final = 6
"""Days up to which the table says more than a chart."""
LINES: Final = 4
"""Variants that the chart tells apart; all others are one more line."""
TOLD: Final = ("bet", "description", "component", "owner", "expires", "permanent")
"""Metadata that has a place of its own on the page."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same flag in an environment."""

    environment: str
    set: str
    state: FlagState | None
    """None where it is not there."""


@get(
    "/flags/{set_name:str}/{flag_key:path}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_flag(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    actor: NamedDependency[Actor],
    request: Request[Any, Any, Any],
    set_name: FromPath[str],
    flag_key: FromPath[str],
    context: FromQuery[str | None] = None,
) -> str:
    """One flag, whole."""
    return _shown(ws, page, actor, request, set_name, flag_key.removeprefix("/"), context)


@get("/flags/-/flag/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_odd_flag(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    actor: NamedDependency[Actor],
    request: Request[Any, Any, Any],
    set_name: FromPath[str],
    key: FromQuery[str] = "",
    context: FromQuery[str | None] = None,
) -> str:
    """The same for a key that no path can carry; see `urls.flag_url`."""
    return _shown(ws, page, actor, request, set_name, key, context)


@post("/flags/-/why/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def ask_why(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    actor: NamedDependency[Actor],
    request: Request[Any, Any, Any],
    set_name: FromPath[str],
    data: Posted,
) -> Redirect | Response[str]:
    """Why a context gets what it gets: at an address that can be passed on, or at once where none could hold it."""
    key, context = as_typed(data, "key"), one(data, "context")
    asked = with_query(flag_url(set_name, key), context=context)
    if len(asked) <= LONGEST:
        return Redirect(f"{asked}#try", status_code=303)
    shown = _shown(ws, page, actor, request, set_name, key, context)
    return Response(shown, status_code=200, media_type=MediaType.HTML)


def _shown(
    ws: Workspace,
    page: PageContext,
    actor: Actor,
    request: Request[Any, Any, Any],
    set_name: str,
    key: str,
    context: str | None,
) -> str:
    with ws.graph.read() as reader:
        stored = flag_sets(ws).of(find_set(reader, set_name))
        if stored.problems:
            read_set(reader, set_name)  # says why it cannot be used
        flag = _flag(stored, key)
        item = next(item for item in items_of([stored]) if item.key == flag.key)
        composition = composition_of(ws, stored.entity)
        plan = composition.flags.get(flag.key)
        state = state_of(stored.flags, flag, plan, now=time.time())
        history = flag_history(ws, reader, stored, flag.key, limit=VERSIONS)
        findings = [each.finding for each in findings_now(ws, reader, stored) if each.key == flag.key]
        elsewhere = _elsewhere(ws, reader, stored, flag.key)
        stale = stale_of(ws, reader).get((stored.name, flag.key))
        experiments = _experiments(reader, stored, flag.key)
        known = dict(reader.get_many(_refs(item, (each.actor for each in history.items))))
        permission = may_write(reader, stored.entity, actor)
        sight = sight_of_flag(reader, stored.entity.name, flag.key)
    driven = plan is not None and flag.enabled and not flag.fault
    steps = steps_now(flag, plan, composition, now=time.time())
    tried, problem = _tried(context)
    traced = trace(stored.flags, flag.key, tried) if tried is not None else None
    gates = (
        gates_of(stored.flags, flag.key, plan, composition, tried, traced)
        if plan and driven and tried is not None and traced
        else []
    )
    places = (kept_references(ws) or {}).get(flag.key)
    html = render(
        page.about(item.owner),
        "flags/flag.html",
        stored=stored,
        flag=flag,
        item=item,
        state=state,
        sentence=page.tell(state_sentence(flag, state, steps, plan)),
        plan=plan,
        upcoming=[each for each in upcoming(composition, time.time()) if each.key == flag.key],
        reattach=_reattach(stored.name, flag.key) if flag.key in composition.detached else None,
        plan_parts=plan_parts(plan) if plan else {},
        steps=steps,
        known=known,
        experiments=experiments,
        elsewhere=elsewhere,
        history=history,
        findings=findings,
        stale=stale,
        places=places[:PLACES] if places else places,
        more_places=max(0, len(places or ()) - PLACES),
        permission=permission,
        sight=sight,
        nodes_of=sight_nodes_of,
        exposures=_exposures(ws, stored.name, flag),
        targeting=_pretty(flag.targeting) if flag.targeting is not None else None,
        definition=_pretty(_definition(stored, flag.key)),
        variants=[(name, _pretty(value)) for name, value in flag.variants.items()],
        metadata=[(name, value) for name, value in flag.metadata.items() if name not in TOLD],
        context=context if context is not None else example_context(tree_of(stored.flags, flag)),
        traced=traced,
        trace_steps=traced.steps[:STEPS] if traced else (),
        deciding=deciding_steps(stored.flags, traced) if traced else frozenset(),
        gates=gates,
        problem=problem,
        commands=_commands(stored.name, flag.key, tried),
        snippets=snippets_of(str(request.base_url).rstrip("/"), stored.name, flag.key, flag.kind),
    )
    # JSON can hold half a surrogate pair, UTF-8 cannot: it is shown as JSON writes it.
    return html.encode("utf-8", "backslashreplace").decode()


@get(
    "/flags/-/exposures/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_exposures(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    flag: FromQuery[str],
) -> str:
    """The part of a flag's page that follows what happens: the page asks for it again and again."""
    stored = flag_sets(ws).get(set_name)
    if stored is None:
        raise NotFoundError(f"There is no flag set {set_name!r}.")
    found = _flag(stored, flag)
    return render(page, "flags/exposures.html", flag=found, exposures=_exposures(ws, stored.name, found))


@dataclass(frozen=True, slots=True)
class Exposed:
    """The exposures of a flag as a page shows them."""

    set: str
    counts: ExposureCounts
    chart: Markup
    days: int = DAYS


def _exposures(workspace: Workspace, name: str, flag: Flag) -> Exposed:
    counts = counts_of_flag(workspace, name, flag.key)
    return Exposed(name, counts, _chart(counts, flag) if len(counts.days) > FEW_DAYS else Markup(""))


def _chart(counts: ExposureCounts, flag: Flag) -> Markup:
    shown = [each.variant for each in counts.variants]
    # As in the bar above the chart: those who are enrolled first, so that a variant has one colour.
    names = sorted(shown, key=lambda name: name == flag.default)
    groups: list[tuple[str, Sequence[str]]] = [(name, (name,)) for name in names[:LINES]]
    if names[LINES:]:
        groups = [*groups[: LINES - 1], ("others", names[LINES - 1 :])]
    series = [
        Series(
            group,
            tuple(
                (day.timestamp(), float(sum(of_day.get(name, 0) for name in each)))
                for day, of_day in counts.days
            ),
        )
        for group, each in groups
    ]
    return line_chart(
        series,
        title="Exposures a day by variant",
        write_x=lambda at: time.strftime("%d %b", time.gmtime(at)).lstrip("0"),
        write_y=number,
        from_zero=True,
        height=200,
    )


def _flag(stored: StoredSet, key: str) -> Flag:
    """The flag; slashes at the ends of its key, and all but one of several, do not survive every address.

    Raises:
        NotFoundError: the set has no such flag.
    """
    flag = stored.flags.flags.get(key)
    if flag is None:
        steps = _steps(key)
        flag = next((each for each in stored.flags if "/" in each.key and _steps(each.key) == steps), None)
    if flag is None:
        raise NotFoundError(f"There is no flag {key!r} in the flag set {stored.name!r}.")
    return flag


def _steps(key: str) -> list[str]:
    return [step for step in key.split("/") if step]


def _refs(item: FlagItem, actors: Iterable[str]) -> set[str]:
    named = {item.bet, item.owner, item.component, *actors}
    return {ref for ref in named if ref and ref.count(":") == 1 and "/" in ref}


def _elsewhere(workspace: Workspace, reader: Reader, stored: StoredSet, key: str) -> list[Elsewhere]:
    """The flag in every environment that has its set; none where there is only this one."""
    environments = workspace.settings.flags.environments
    base = place_of(stored.name, environments).base
    found = []
    for name, environment in ((each[1], each[0]) for each in all_places(base, environments)):
        other = stored if name == stored.name else flag_sets(workspace).get(name)
        if other is None:
            continue
        flag = other.flags.flags.get(key)
        plan = composition_of(workspace, other.entity).flags.get(key)
        found.append(
            Elsewhere(
                environment,
                name,
                state_of(other.flags, flag, plan, now=time.time()) if flag is not None else None,
            )
        )
    return found if len(found) > 1 else []


def _experiments(reader: Reader, stored: StoredSet, key: str) -> list[Any]:
    """The experiments on this flag."""
    wanted = set_ref(stored.name)
    return [
        entity
        for entity in reader.all(kind="Experiment")
        if entity.spec.get("flag") == key
        and wanted in entity.targets("exposes") + entity.targets("exposedBy")
    ]


def _tried(context: str | None) -> tuple[dict[str, Any] | None, str | None]:
    """The context as typed, or what is wrong with it."""
    if context is None:
        return None, None
    try:
        attributes = json.loads(context or "{}")
    except (ValueError, RecursionError) as error:
        return None, f"This is not JSON: {error}."
    if not isinstance(attributes, dict):
        return None, "A context is a JSON object of attributes."
    return attributes, None


def _reattach(name: str, key: str) -> str:
    """What one types to let a plan that was set aside drive its flag again."""
    return f"counterpoint flags compose FILE --set {shlex.quote(name)} --reattach {shlex.quote(key)}"


def _commands(name: str, key: str, context: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What one types to ask the same on the command line, each with what it is for."""
    asked = json.dumps(context, ensure_ascii=False) if context else ""
    if not asked or len(asked) > LONG_CONTEXT:
        asked = json.dumps({"targetingKey": "user-1"})
    place, about = shlex.quote(key), f" --set {shlex.quote(name)}" if name != "default" else ""
    return [
        ("Evaluate it", f"counterpoint flags eval {place}{about} --context {shlex.quote(asked)}"),
        ("Ask why", f"counterpoint flags trace {place}{about} --context {shlex.quote(asked)}"),
        (
            "Say who would get what from a changed definition",
            f"counterpoint flags simulate flags.json{about}",
        ),
    ]


def _definition(stored: StoredSet, key: str) -> Any:
    written: Sequence[Any] | dict[str, Any] = stored.entity.spec["definition"]["flags"]
    if isinstance(written, dict):
        return {key: written.get(key)}
    return next((each for each in written if isinstance(each, dict) and each.get("key") == key), None)


def _pretty(value: Any) -> str:
    written = json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if len(written) < 60 else written


pages: list[Any] = [show_exposures, show_odd_flag, show_flag, ask_why]
