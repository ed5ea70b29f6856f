"""The pages of the house: the front page, the search, and the guide to the design system."""

from litestar import get
from litestar.enums import MediaType
from litestar.params import FromQuery

from counterpoint.web import design
from counterpoint.web.home import gather
from counterpoint.web.render import PageContext, render
from counterpoint.workspace import Workspace

__all__ = ["pages"]

HITS = 50


@get("/", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_home(ws: Workspace, page: PageContext) -> str:
    """The front page."""
    has_events = bool(ws.journal.counts())
    with ws.graph.read() as reader:
        home = gather(reader, has_events=has_events)
    return render(page, "web/home.html", home=home)


@get("/search", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_search(ws: Workspace, page: PageContext, q: FromQuery[str] = "") -> str:
    """What the graph knows about some words."""
    term = q.strip()[:200]
    with ws.graph.read() as reader:
        hits = reader.search(term, limit=HITS) if term else []
        owners = reader.get_many({hit.entity.owner for hit in hits if hit.entity.owner})
    titles = {ref: owner.title for ref, owner in owners.items()}
    return render(page, "web/search.html", term=term, hits=hits, limit=HITS, titles=titles)


@get("/design", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_design(page: PageContext) -> str:
    """Every component in all its states."""
    return render(page, "web/design.html", **design.specimens())


pages = [show_home, show_search, show_design]
