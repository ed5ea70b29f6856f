"""Templates to pages: one environment that finds every room's templates by the room's name."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from counterpoint import __version__
from counterpoint.web import formats, urls
from counterpoint.web.icons import LOGO, icon, kind_icon
from counterpoint.web.motif import staff
from counterpoint.web.words import action_icon, action_words, kind_words, tone_of

__all__ = ["NAVIGATION", "STATIC", "PageContext", "asset", "environment", "render"]

HOUSE = Path(__file__).resolve().parent.parent
STATIC = Path(__file__).resolve().parent / "static"
"""The folder that the server offers as `/static`."""

NAVIGATION = (
    ("", (("/", "Home", "home"),)),
    ("The graph", (("/catalog", "Catalog", "catalog"), ("/organisation", "Organisation", "group"))),
    (
        "The loop",
        (
            ("/bets", "Bets", "bet"),
            ("/flags", "Flags", "flag"),
            ("/experiments", "Experiments", "experiment"),
        ),
    ),
    ("The journal", (("/events", "Events", "events"), ("/activity", "Activity", "activity"))),
)
"""What the sidebar shows: a label, then address, name and icon of each page."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every page knows of its request; the server makes it."""

    workspace_name: str
    path: str
    """The path of the request, which the navigation marks."""
    actor_name: str
    signed_in: bool
    """Whether there is a session to end; false on a server without sign-in."""
    csrf: str
    """The token that every form sends back."""
    notice: str | None = None
    """What the previous request has done, told once."""
    query: str = ""
    """The query string of the request, for links that keep its filters."""

    def is_current(self, href: str) -> bool:
        """Say whether the page belongs to a part of the navigation."""
        return self.path == href if href == "/" else self.path == href or self.path.startswith(f"{href}/")


@cache
def asset(name: str) -> str:
    """Return the address of a static file, with a mark that changes when any of them does.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not (STATIC / name).is_file():
        raise FileNotFoundError(f"There is no static file {name}.")
    return f"/static/~{_mark()}/{name}"


@cache
def _mark() -> str:
    """The mark of all static files together: what one of them names beside itself has the same mark."""
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return sha256(b"".join(sha256(path.read_bytes()).digest() for path in files)).hexdigest()[:10]


@cache
def environment() -> Environment:
    """Return the templates of all rooms: `bets/list.html` is `counterpoint/bets/templates/list.html`."""
    rooms = {folder.parent.name: FileSystemLoader(folder) for folder in sorted(HOUSE.glob("*/templates"))}
    made = Environment(
        loader=PrefixLoader(rooms),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        action_words=action_words,
        ago=formats.ago,
        kind_words=kind_words,
        date=formats.day,
        marked=formats.marked,
        moment=formats.moment,
        number=formats.number,
        percent=formats.percent,
        plural=formats.plural,
        short=formats.short,
        initials=formats.initials,
        paragraphs=formats.paragraphs,
        unbroken=formats.unbroken,
    )
    made.globals.update(
        action_icon=action_icon,
        asset=asset,
        catalog_url=urls.catalog_url,
        entity_url=urls.entity_url,
        flag_url=urls.flag_url,
        icon=icon,
        kind_icon=kind_icon,
        logo=LOGO,
        kind_of=lambda ref: urls.ref_parts(ref)[0],
        navigation=NAVIGATION,
        staff=staff,
        tone_of=tone_of,
        version=__version__,
        with_query=urls.with_query,
    )
    return made


def render(page: PageContext, template: str, **values: Any) -> str:
    """Return a page as HTML; every value is escaped unless it is `Markup`.

    Raises:
        jinja2.TemplateNotFound: no room has this template.
        jinja2.UndefinedError: the template names a value that was not given.
    """
    return environment().get_template(template).render(page=page, **values)
