"""The page of an evaluation: begun there, followed while it is made, with its protocol, tables and plots."""

from collections.abc import Iterable, Mapping
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.discover import evaluations
from counterpoint.discover.evaluating import Compared
from counterpoint.discover.evaluators import BUDGET, MOST_BUDGET, Wanted, begin, state_of
from counterpoint.discover.overview import Overview, overview_of
from counterpoint.discover.plots import MEASURES, measure_plot
from counterpoint.discover.protocol import Protocol
from counterpoint.errors import ConflictError, InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.graph.ref import parse_ref
from counterpoint.said import Said
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, count_of, number_of, one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["bets_of", "evaluation_pages"]

Posted = URLEncodedBody[dict[str, Any]]
HERE = "/discover/{namespace:str}/{name:str}/evaluation"
SPLITS = (
    ("auto", "the last part in time, where there are times"),
    ("last", "each listener's last"),
    ("within", "a part of each listener's, by chance"),
    ("listeners", "some listeners, folded in by the rest of theirs"),
)
CANDIDATES = (
    ("unknown", "everything that they do not have"),
    ("available", "of that, what somebody had by then"),
    ("sampled", "what is held out and 100 others by chance"),
)
USUAL = {"split": "auto", "candidates": "unknown", "places": "20", "budget": f"{BUDGET:g}", "bet": ""}


@get(HERE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_evaluation(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    measure: FromQuery[str] = "recall",
) -> str:
    """The newest evaluation of a recommender, and the form that begins another."""
    return _page(ws, actor, page, f"recommender:{namespace}/{name}", measure=measure)


@get(
    "/discover/-/evaluation/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_evaluation_live(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    measure: FromQuery[str] = "recall",
) -> str:
    """The part of that page that follows the evaluation."""
    found = overview_of(ws, f"recommender:{namespace}/{name}")
    page = page.about(found.entity.owner)
    return render(page, "discover/evaluated.html", **_shown(ws, page, found, measure))


@post(HERE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def start_evaluation(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Response[str] | Redirect:
    """Begin an evaluation, and show the page with how far it is."""
    ref = f"recommender:{namespace}/{name}"
    given = {key: one_of(data, key) or usual for key, usual in USUAL.items()}
    wanted, errors = _wanted(given)
    if wanted is not None:
        try:
            begin(ws, actor, ref, wanted)
        except ConflictError as error:
            return again(_page(ws, actor, page, ref, given=given, errors={"": error.message}), status=409)
        except InputError as error:
            errors = {"": error.message}
    if errors:
        return again(_page(ws, actor, page, ref, given=given, errors=errors))
    return Redirect(
        with_query(f"{entity_url(ref)}/evaluation", told="recommender-evaluating"), status_code=303
    )


def bets_of(ws: Workspace, found: Overview) -> list[tuple[str, str]]:
    """Bets that an evaluation may be put on: those that the flag's tests are about first."""
    with ws.graph.read() as reader:
        others = [each.ref for each in reader.find(kind="Bet", limit=500, order="title").items]
        refs = list(dict.fromkeys((*found.serving.bets, *others)))
        titles = reader.titles(refs)
    return [(ref, titles.get(ref, parse_ref(ref).short)) for ref in refs]


def _wanted(given: Mapping[str, str]) -> tuple[Wanted | None, dict[str, Said]]:
    """What a form asks for, or what is wrong with it by field."""
    errors: dict[str, Said] = {}
    places = [count_of(each.strip()) for each in given["places"].split(",")]
    if not places or not all(places):
        errors["places"] = "Write whole numbers from 1 on with commas between, such as 20, 50."
    try:
        budget = float(number_of(given["budget"]))
        if not 0 < budget <= MOST_BUDGET:
            raise ValueError(budget)
    except ValueError:
        errors["budget"] = f"Write a number of seconds above 0, at most {MOST_BUDGET:g}."
    for name, known in (("split", SPLITS), ("candidates", CANDIDATES)):
        if given[name] not in dict(known):
            errors[name] = "Choose one of the list."
    if errors:
        return None, errors
    try:
        protocol = Protocol(
            split=given["split"],  # type: ignore[arg-type]  # looked up above
            candidates=given["candidates"],  # type: ignore[arg-type]
            places=tuple(each for each in places if each),
        )
    except InputError as error:
        return None, {"": error.message}
    return Wanted(protocol=protocol, budget=budget, bet=given["bet"] or None), {}


def _page(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    ref: str,
    *,
    measure: str = "recall",
    given: Mapping[str, str] = USUAL,
    errors: Mapping[str, Said] | None = None,
) -> str:
    found = overview_of(ws, ref)
    owner = found.entity.owner
    with ws.graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        exists = owner is not None and reader.exists(owner)
    namespace, name = found.entity.namespace, found.entity.name
    page = page.about(owner)
    return render(
        page,
        "discover/evaluation.html",
        **_shown(ws, page, found, measure),
        live=f"/discover/-/evaluation/{namespace}/{name}",
        permission=may(actor, "write", owner, owner_exists=exists, units=units),
        given=given,
        errors=errors or {},
        splits=_told(page, SPLITS),
        candidates=CANDIDATES,
        bets=bets_of(ws, found),
    )


def _told(page: PageContext, pairs: Iterable[tuple[str, Said]]) -> list[tuple[str, str]]:
    """Pairs whose second part is a text of ours, in the words of the page."""
    return [(key, page.customs.words.tell(text)) for key, text in pairs]


def _shown(ws: Workspace, page: PageContext, found: Overview, measure: str) -> dict[str, Any]:
    measure = measure if measure in MEASURES else "recall"
    kept = found.evaluation.kept.compared if found.evaluation else None
    here = entity_url(found.entity.ref)
    shown: dict[str, Any] = {
        "found": found,
        "entity": found.entity,
        "here": here,
        "state": state_of(ws, found.entity.ref),
        "kept": kept,
        "least": ws.settings.discover.least_listeners,
    }
    if kept is None:
        return shown
    return shown | {
        "measure": measure,
        "measures": [
            (label, with_query(f"{here}/evaluation", measure=key)) for key, label in MEASURES.items()
        ],
        "plot": measure_plot(kept.methods, measure, kept.places),
        "sentence": evaluations.sentence_of(kept),
        "protocol": _told(page, _protocol(kept)),
        "pairs": [
            pair
            for pair in kept.pairs
            if pair.places == kept.places and pair.measure == measure.replace("_", "-")
        ],
    }


def _protocol(kept: Compared) -> list[tuple[str, Said]]:
    """How methods were judged, as rows."""
    used = kept.protocol
    if used is None:
        return []
    among = dict(CANDIDATES) | {"given": f"{len(used.items):,} items that were given"}
    among["sampled"] = f"what is held out and {used.sampled} others by chance"
    tests = {
        "student": "Student's t, paired over listeners",
        "signs": "by turning signs, paired over listeners",
    }
    return [
        ("Held out", kept.split),
        ("Candidates", among[used.candidates]),
        ("Places", ", ".join(map(str, used.places))),
        ("Measures", ", ".join(used.measures)),
        ("Test", f"{tests[used.test]}; p given how many pairs there are (Holm)"),
        ("Intervals of pairs", f"{100 * (1 - used.alpha):g} %"),
        ("Seed", str(used.seed)),
    ]


evaluation_pages: list[Any] = [show_evaluation, show_evaluation_live, start_evaluation]
