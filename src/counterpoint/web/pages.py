"""The pages of the house: the front page, the search, the activity log, and the guide to the design system."""

from litestar import get
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromQuery

from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import hidden_actions
from counterpoint.web import design
from counterpoint.web.activity import grouped, named_in
from counterpoint.web.finding import Finder, kinds_in, search
from counterpoint.web.home import gather
from counterpoint.web.render import PageContext, render
from counterpoint.web.sight import sight_nodes_of, sight_of, sight_of_flag
from counterpoint.web.urls import with_query
from counterpoint.web.words import kind_words
from counterpoint.workspace import Workspace

__all__ = ["pages"]

HITS = 50
ENTRIES = 100


@get("/", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_home(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], page: NamedDependency[PageContext]
) -> str:
    """The front page."""
    with ws.graph.read() as reader:
        home = gather(
            reader,
            has_events=lambda: bool(ws.journal.counts()),
            hidden=hidden_actions(actor),
            practises=page.practised_by,
            hides=page.hides,
        )
    return render(page, "web/home.html", home=home)


@get("/search", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_search(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    finders: NamedDependency[tuple[Finder, ...]],
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
) -> str:
    """What everything here has about some words; `kind` narrows to one sort of things."""
    term = q.strip()[:200]
    found = search(ws, term, limit=HITS, finders=finders)
    kinds = kinds_in(found.items)
    if kind:
        found = search(ws, term, limit=HITS, finders=finders, kinds=[kind])
    tabs = [("Everything", with_query("/search", q=term), None)]
    tabs += [(kind_words(each), with_query("/search", q=term, kind=each), None) for each, _count in kinds]
    return render(
        page,
        "web/search.html",
        term=term,
        found=found,
        kind=kind,
        tabs=tabs if len(kinds) > 1 or kind else [],
        tab=with_query("/search", q=term, kind=kind),
        limit=HITS,
    )


@get("/activity", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_activity(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    subject: FromQuery[str] = "",
    action: FromQuery[str] = "",
    by: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> str:
    """Every change, newest first."""
    with ws.graph.read() as reader:
        entries = reader.activity(
            subject=subject or None,
            action=action or None,
            actor=by or None,
            before=before,
            hidden=hidden_actions(actor),
            limit=ENTRIES + 1,
        )
        shown = entries[:ENTRIES]
        titles = reader.titles(named_in(shown))
    filters = {"subject": subject, "action": action, "by": by}
    older = with_query("/activity", **filters, before=shown[-1].seq) if len(entries) > ENTRIES else None
    return render(
        page,
        "web/activity.html",
        groups=grouped(shown),
        titles=titles,
        filters=filters,
        older=older,
        before=before,
    )


HINTS = {
    "Bet": "Name a purpose, or a belief that serves one, in the bet.",
    "Belief": "Name the purpose that it serves in the belief.",
    "Flag": "Give the flag the metadata entry `bet`, and the bet a purpose or a belief.",
    "Experiment": "Name the bet that it tests in the experiment.",
}
"""What makes a thing that traces to nothing trace to a purpose, by kind."""
HINT = "A flag whose metadata name it and a bet joins it to what the bet is for."


@get("/line", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_line(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    ref: FromQuery[str] = "",
) -> str:
    """The line of sight of anything: an entity by its reference, a flag as `flag:<set>/<key>`."""
    with ws.graph.read() as reader:
        if ref.startswith("flag:"):
            flag_set, _, key = ref.removeprefix("flag:").partition("/")
            sight = sight_of_flag(reader, flag_set, key)
        else:
            sight = sight_of(reader, ref)
    hint = HINTS.get(sight.node.kind, HINT)
    return render(page, "web/line.html", sight=sight, nodes_of=sight_nodes_of, hint=page.tell(hint))


@get("/design", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_design(page: NamedDependency[PageContext]) -> str:
    """Every component in all its states."""
    return design.leading_nowhere(render(page, "web/design.html", **design.specimens()))


pages = [show_home, show_search, show_activity, show_line, show_design]
