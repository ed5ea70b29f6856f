"""Templates to pages: one environment that finds every room's templates by the room's name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from counterpoint import __version__
from counterpoint.graph.customs import OUR_CUSTOMS, UnitCustoms
from counterpoint.graph.kinds import KINDS
from counterpoint.graph.weburls import is_followable
from counterpoint.practices import PRACTICES
from counterpoint.said import told
from counterpoint.vocabulary import Told
from counterpoint.web import formats, speech, urls
from counterpoint.web.icons import LOGO, icon, kind_icon
from counterpoint.web.motif import staff
from counterpoint.web.speech import spoken
from counterpoint.web.words import action_icon, action_words, kind_word, kind_words, tone_of

__all__ = ["NAVIGATION", "STATIC", "PageContext", "asset", "environment", "render"]

HOUSE = Path(__file__).resolve().parent.parent
STATIC = Path(__file__).resolve().parent / "static"
"""The folder that the server offers as `/static`."""

NAVIGATION = (
    ("", (("/", "Home", "home"), ("/my-week", "My week", "activity"))),
    (
        "The graph",
        (
            ("/catalog", "Catalog", "catalog"),
            ("/organisation", "Organisation", "group"),
            ("/docs", "Documentation", "docs"),
            ("/scorecards", "Scorecards", "scorecard"),
        ),
    ),
    (
        "The loop",
        (
            ("/bets", "Bets", "bet"),
            ("/flags", "Flags", "flag"),
            ("/rollouts", "Rollouts", "rollout"),
            ("/experiments", "Experiments", "experiment"),
            ("/dashboards", "Dashboards", "dashboard"),
            ("/discover", "Discover", "discover"),
        ),
    ),
    (
        "Between units",
        (
            ("/decisions", "Decisions", "decision"),
            ("/concerns", "Concerns", "warning"),
            ("/dependencies", "Dependencies", "arrow"),
            ("/feedback", "Feedback", "down"),
        ),
    ),
    ("The journal", (("/events", "Events", "events"), ("/activity", "Activity", "activity"))),
)
"""What the sidebar shows: a label, then address, name and icon of each page."""
INSIDE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "/bets": (
        ("/bets/board", "Board"),
        ("/bets/reviews", "Reviews"),
        ("/predictions", "Predictions"),
        ("/bets/why", "From data to bets"),
        ("/bets/learned", "Learned"),
    )
}
"""The pages inside a page of the sidebar: address and name, shown while one is there."""
PARTS = {"/concerns": "/bets", "/feedback": "/bets"}
"""Pages that belong to the practice whose pages begin elsewhere."""
BELONGING = (
    (re.compile("/(units|people)/"), "/organisation"),
    (re.compile("/(vocabulary|practices|criticisms)$"), "/settings"),
    (re.compile("/(predictions|briefs)(/|$)"), "/bets"),
    (re.compile("/boundaries$"), "/decisions"),
    (re.compile("/catalog/[^/]+/[^/]+/[^/]+/docs(/|$)"), "/docs"),
)
"""Pages whose address does not begin with that of the part of the navigation to which they belong."""
SUBJECTS = ("entity", "unit")
"""Names of values that hold the entity a page is about; the page speaks the words of its unit."""


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
    customs: UnitCustoms = OUR_CUSTOMS
    """What the unit that the page is about says and does; the organisation's, until `about` names one."""
    customs_of: Callable[[str], UnitCustoms] | None = None
    """Finds what holds for a unit."""

    def about(self, unit: str | None) -> "PageContext":
        """The page in the words and practices of the unit (or person) that owns what it shows."""
        if unit is None or self.customs_of is None:
            return self
        return replace(self, customs=self.customs_of(unit))

    def practises(self, practice: str) -> bool:
        """Whether the unit that the page is about has the practice switched on."""
        return self.customs.practises(practice)

    def practised_by(self, unit: str | None, practice: str) -> bool:
        """Whether a unit has the practice switched on; for the rows of a list that many units share."""
        return self.about(unit).practises(practice)

    def hides(self, kind: str) -> bool:
        """Whether entities of a kind belong to a practice that the unit of the page has switched off."""
        return any(kind in PRACTICES[key].kinds for key in self.customs.off)

    def tell(self, text: str) -> str:
        """A text of ours in the words of the page, for texts that are put together in code."""
        return self.customs.words.tell(text)

    @property
    def kind_words(self) -> str:
        """As JSON what kinds are called here that are not called by their names, for scripts that make rows."""
        words = self.customs.words
        said = {kind: words.tell_own(kind_word(kind)) for kind in KINDS}
        return msgspec.json.encode({kind: str(word) for kind, word in said.items() if word != kind}).decode()

    def told(self, value: Any) -> Any:
        """A value with every text of ours in it told, for what code makes out of it before the page is rendered."""
        return told(value, self.customs.words, Told)

    def navigation(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """What the sidebar shows, without the practices that are switched off."""
        hidden = {PRACTICES[key].path for key in self.customs.off} - {""}
        kept = (
            (label, [entry for entry in entries if not hidden & {entry[0], PARTS.get(entry[0])}])
            for label, entries in NAVIGATION
        )
        return [(label, entries) for label, entries in kept if entries]

    def inside(self, href: str) -> tuple[tuple[str, str], ...]:
        """The pages inside one of the sidebar, where the page that is shown belongs to it."""
        return INSIDE.get(href, ()) if self.is_current(href) else ()

    def marked(self, href: str) -> str:
        """How the sidebar marks one of its pages, in words of ARIA: `page`, `true` where a part of it is the page, or empty."""
        if not self.is_current(href):
            return ""
        return "true" if any(self.is_within(part) for part, _name in INSIDE.get(href, ())) else "page"

    def is_within(self, href: str) -> bool:
        """Say whether the page that is shown is this page of the sidebar's inner list, or one below it."""
        return self.path == href or self.path.startswith(f"{href}/")

    def is_current(self, href: str) -> bool:
        """Say whether the page belongs to a part of the navigation."""
        part = next((part for within, part in BELONGING if within.match(self.path)), None)
        return (
            href == part if part else self.path == href or (href != "/" and self.path.startswith(f"{href}/"))
        )


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
        extensions=[speech.Speech],
    )
    made.filters.update(
        action_words=spoken(lambda action: speech.told_own(action_words(action))),
        ago=formats.ago,
        kind_word=spoken(lambda kind: speech.told_own(kind_word(kind))),
        kind_words=spoken(lambda kind: speech.told_own(kind_words(kind))),
        noun=spoken(speech.noun),
        nouns=spoken(speech.nouns),
        told=spoken(speech.told_text),
        coded=formats.coded,
        date=formats.day,
        marked=formats.marked,
        moment=formats.moment,
        number=formats.number,
        percent=formats.percent,
        plural=spoken(_plural),
        short=formats.short,
        initials=formats.initials,
        paragraphs=formats.paragraphs,
        unbroken=formats.unbroken,
    )
    made.tests.update(followable=is_followable)
    made.globals.update(
        action_icon=action_icon,
        asset=asset,
        catalog_url=urls.catalog_url,
        entity_url=urls.entity_url,
        thing_url=urls.thing_url,
        flag_url=urls.flag_url,
        icon=icon,
        kind_icon=kind_icon,
        logo=LOGO,
        kind_of=lambda ref: urls.ref_parts(ref)[0],
        _told=speech.told_own,
        staff=staff,
        tone_of=tone_of,
        version=__version__,
        with_query=urls.with_query,
    )
    return made


def render(page: PageContext, template: str, **values: Any) -> str:
    """Return a page as HTML, in the words of the unit that it is about; values are escaped unless `Markup`.

    Raises:
        jinja2.TemplateNotFound: no room has this template.
        jinja2.UndefinedError: the template names a value that was not given.
    """
    if page.customs.unit is None:
        page = page.about(next((owner for key in SUBJECTS if (owner := _unit_of(values.get(key)))), None))
    words = page.customs.words
    if page.notice:
        page = replace(page, notice=words.tell(page.notice))
    with speech.speaking(words):
        said = {name: told(value, words, Told) for name, value in values.items()}
        return environment().get_template(template).render(page=page, **said)


def _unit_of(subject: Any) -> str | None:
    """The unit whose words a page speaks that shows an entity: the one that it is, or else its owner."""
    if subject is None or not hasattr(subject, "ref"):
        return None
    ref = str(subject.ref)
    return ref if ref.startswith(("group:", "user:")) else getattr(subject, "owner", None)


def _plural(count: int, noun: str, nouns: str | None = None) -> str:
    """The filter `plural`, which knows our nouns."""
    return formats.plural(count, speech.noun(noun), speech.noun(nouns) if nouns else _many(noun))


def _many(noun: str) -> str | None:
    said = speech.nouns(noun)
    return said if said != noun else None
