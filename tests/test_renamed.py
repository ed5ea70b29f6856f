"""Every noun renamed, and everything that a person can read walked through: no default noun is left.

Whoever adds a page, a message or a command is caught here when it says a noun past the vocabulary.
What people wrote themselves is scrubbed of the nouns first, so that whatever is found is ours.
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.deciding.boundaries import BoundaryKind, set_boundary
from counterpoint.bets.deciding.model import AdviceKind, Content
from counterpoint.bets.deciding.records import advise, propose
from counterpoint.bets.decisions import decide
from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.estimating import estimate
from counterpoint.bets.judgement.predicting import ask, predict
from counterpoint.bets.reviews.briefs import write_brief
from counterpoint.bets.reviews.sittings import open_review
from counterpoint.catalog.importer import import_targets
from counterpoint.cli import run
from counterpoint.demo.simulate import simulate
from counterpoint.demo.story import copy_arpeggio
from counterpoint.demo.voices import voice
from counterpoint.experiments.store import load, read_now
from counterpoint.flags.composing import compose
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.graph.store import Graph
from counterpoint.server.app import create_app
from counterpoint.vocabulary import NOUNS

pytestmark = pytest.mark.xdist_group("renamed")  # one worker builds the company, once

MADE_UP = {
    key: {"one": f"zork{chr(97 + place)}", "many": f"zorks{chr(97 + place)}"}
    for place, key in enumerate(NOUNS)
}
FORMS = sorted({form for noun in NOUNS.values() for form in (noun.one, noun.many)}, key=len, reverse=True)
LEFT = re.compile(rf"(?<![\w\-./:@#$={{`])(?i:{'|'.join(FORMS)})(?![\w\-/=@}}`]|:\S|\.\w)")
QUOTED = re.compile(
    r"\bcounterpoint(?: [a-z-]+){1,2}|\bdid you mean [^?]*\?|(?:^|: )[a-z]\w* (?:is|has|must)\b|`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)"
)
ALOUD = ("title", "aria-label", "placeholder", "alt", "data-label", "data-busy")
VERBATIM = ("code", "pre", "kbd", "samp", "script", "style")


class Reading(HTMLParser):
    """What a person reads of a page, and where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self._verbatim = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._verbatim += tag in VERBATIM
        for name, value in attrs:
            if name in ALOUD and value:
                self.texts.append(value)
            if name == "href" and tag == "a" and value:
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._verbatim -= tag in VERBATIM

    def handle_data(self, data: str) -> None:
        if not self._verbatim:
            self.texts.append(data)


def left_in(text: str) -> list[str]:
    """The default nouns that a text still says, each with what stands around it."""
    bare = QUOTED.sub("'…'", text)
    return [bare[max(0, found.start() - 40) : found.end() + 40].strip() for found in LEFT.finditer(bare)]


def _scrubbed(value: Any, path: tuple[str, ...] = ()) -> Any:
    """A document without our nouns in what people wrote; references, types and keys stay."""
    if isinstance(value, dict):
        return {key: _scrubbed(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, path) for item in value]
    written = isinstance(value, str) and (" " in value or path[-1:] in (("title",), ("displayName",)))
    return LEFT.sub("thing", value) if written and path[:2] != ("spec", "definition") else value


def judge(graph: Graph, me: Actor) -> None:
    """Estimates, a prediction, decisions, a review and a brief, so that their pages say what they say."""
    ref = "bet:default/discover-weekly"
    for quantity in Quantity:
        points = Range(0.2, 0.5, 0.7) if quantity.is_risk else Range(2, 4, 9)
        estimate(graph, ref, quantity, points, actor=me, unit="kEUR")
    predict(graph, ask(graph, ref, "Will it?", actor=me, reveal_on="2026-01-01").id, 0.7, actor=me)
    for number in (1, 2):
        propose(graph, Content(title=f"Number {number}", unit="discovery"), actor=me)
    advise(graph, 1, AdviceKind.ASKED, "Does it hold?", actor=me, whom="search")
    set_boundary(graph, "discovery", BoundaryKind.SPEND, "Up to 5 kEUR", actor=me)
    open_review(graph, "discovery", actor=me)
    write_brief(graph, "discovery", "Winter", "We go first.", "listening", actor=me)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Arpeggio with every noun renamed, and with one reading and one decision."""
    folder = tmp_path_factory.mktemp("renamed")
    arpeggio = copy_arpeggio(folder)
    for file in arpeggio.rglob("*.yaml"):
        documents = [_scrubbed(document) for document in yaml.safe_load_all(file.read_text()) if document]
        file.write_text(yaml.safe_dump_all(documents))
    for file in (*arpeggio.rglob("*.md"), *arpeggio.rglob("mkdocs.yml")):
        file.write_text(LEFT.sub("thing", file.read_text()))
    flags = json.loads((arpeggio / "flags.json").read_text())
    (arpeggio / "flags.json").write_text(json.dumps(_scrubbed(flags)))
    vocabulary = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Vocabulary",
        "metadata": {"name": "house", "title": "House words"},
        "spec": {"owner": "arpeggio", "nouns": MADE_UP},
    }
    with Workspace.create(folder / "workspace", name="Arpeggio") as made:
        me = local_actor()
        assert not import_targets(made.graph, me, [str(arpeggio / "catalog-info.yaml")]).failed
        write_set(made, me, "default", arpeggio / "flags.json")
        compose(made, me, "planned", PLANS)
        assert not import_targets(made.graph, me, [str(arpeggio / "experiments")]).failed
        with made.graph.read() as reader:
            shown = simulate(read_set(reader, "default").flags, listeners=400)
        made.journal.append(shown.events)
        read_now(made, load(made, "experiment:default/discover-weekly"), me)
        decide(made.graph, "bet:default/discover-weekly", "ship", actor=me, reason="It helps.")
        judge(made.graph, me)
        voice(made)
        with made.graph.write(me) as writer:
            writer.put(vocabulary)
        yield made


@pytest.fixture(scope="module")
def client(company: Workspace) -> Iterator[TestClient]:
    app = create_app(company, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as made:
        yield made


def _kind_of_page(path: str) -> str:
    """Pages that differ only in the thing they show count as one, by their kind and type of address."""
    parts = path.partition("?")[0].strip("/").split("/")
    query = ",".join(sorted(part.partition("=")[0] for part in path.partition("?")[2].split("&")))
    return f"{'/'.join(parts[:2])}:{len(parts)}?{query}"


MOST_OF_A_KIND = 3
PLANS = {
    "segments": {"north": {"in": [{"var": "country"}, ["SE"]]}},
    "holdouts": {"quarter": {"percent": 5}},
    "layers": {"shelf": {}},
    "flags": {
        "one": {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on", "ramp": 5},
        "two": {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on", "killed": True},
    },
}
WRITING = [
    "/flags/-/control/planned?flag=one",
    "/flags/-/control/planned?flag=two",
    "/flags/-/control/default?flag=discover-weekly",
    "/flags/-/promote/planned",
    "/flags/-/promote/planned?from=production&to=staging",
    "/flags/-/restore/planned?version=1",
]
"""Pages that change flags."""


def walk(client: TestClient) -> Iterator[tuple[str, Reading]]:
    """Every page that links lead to; of many alike a few."""
    waiting = ["/", "/design", "/nowhere", "/bets/new", "/search?q=weekly", "/login", "/briefs", *WRITING]
    seen, counts = set(), {}
    while waiting:
        path = waiting.pop(0)
        path = path.partition("#")[0]
        if path in seen or not path.startswith("/") or path.startswith(("/static/", "/api/")):
            continue
        seen.add(path)
        kind = _kind_of_page(path)
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > MOST_OF_A_KIND:
            continue
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code < 500, path
        if "text/html" in answer.headers["content-type"]:
            reading = Reading(answer.text)
            waiting += reading.links
            yield path, reading


def test_no_page_says_a_noun_that_was_renamed(client: TestClient) -> None:
    found, pages = {}, 0
    for path, reading in walk(client):
        pages += 1
        for text in reading.texts:
            for place in left_in(text):
                found.setdefault(place, path)
    assert pages > 40
    assert not found, "\n".join(f"{path}: {place}" for place, path in found.items())


OURS = (
    "detail",
    "title",
    "message",
    "missing",
    "why",
    "how",
    "sentence",
    "wouldChange",
    "note",
    "exitQuestion",
)
"""Members of JSON that hold texts of ours, in answers that hold nothing of what people wrote under these names."""


def _said_in(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in OURS and isinstance(item, str):
                yield f"{place}/{key}", item
            elif key in ("warnings", "grounds", "overrides", "advice") and isinstance(item, list):
                yield from ((f"{place}/{key}", each) for each in item if isinstance(each, str))
            yield from _said_in(item, f"{place}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _said_in(item, f"{place}/{index}")


BET = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Bet",
    "metadata": {"name": "one"},
    "spec": {"owner": "nobody"},
}
EXPERIMENT = {"apiVersion": "counterpoint.dev/v1", "kind": "Experiment", "metadata": {"name": "x"}}
REQUESTS = [
    ("GET", "/api/v1/bets", None),
    ("GET", "/api/v1/bets?limit=-1", None),
    ("GET", "/api/v1/bets/default/discover-weekly", None),
    ("GET", "/api/v1/bets/default/discover-weekly/decisions", None),
    ("GET", "/api/v1/bets/default/nothing", None),
    ("GET", "/api/v1/bets/default/discover-weekly/estimates", None),
    ("GET", "/api/v1/bets/default/discover-weekly/questions", None),
    ("GET", "/api/v1/bets/portfolio", None),
    ("GET", "/api/v1/predictions/calibration", None),
    ("GET", "/api/v1/predictions/none", None),
    ("GET", "/api/v1/decisions", None),
    ("GET", "/api/v1/decisions/1", None),
    ("GET", "/api/v1/decisions/latency", None),
    ("GET", "/api/v1/decisions/99", None),
    ("POST", "/api/v1/decisions", {"title": "", "unit": "nobody", "bet": "none"}),
    ("POST", "/api/v1/decisions/1/advice", {"kind": "asked", "text": "?", "whom": "nobody"}),
    ("POST", "/api/v1/decisions/1/steps", {"step": "accept"}),
    ("GET", "/api/v1/boundaries?unit=nobody", None),
    ("GET", "/api/v1/reviews?unit=discovery", None),
    ("POST", "/api/v1/reviews", {"unit": "discovery"}),
    ("GET", "/api/v1/digest", None),
    ("GET", "/api/v1/my-week", None),
    ("POST", "/api/v1/bets", BET),
    ("POST", "/api/v1/bets", {"kind": "Component"}),
    ("POST", "/api/v1/bets", BET | {"spec": {"owner": "discovery", "stage": "dream", "success": [{}]}}),
    ("PUT", "/api/v1/bets/default/discover-weekly", BET),
    ("POST", "/api/v1/bets/default/discover-weekly/decisions", {"choice": "retire"}),
    ("POST", "/api/v1/bets/default/discover-weekly/decisions", {"choice": "nothing"}),
    ("POST", "/api/v1/bets/default/discover-weekly/decisions", {"choice": "pivot", "to": "tweak"}),
    ("GET", "/api/v1/experiments", None),
    ("GET", "/api/v1/experiments/default/discover-weekly/result", None),
    ("GET", "/api/v1/experiments/default/nothing/result", None),
    ("GET", "/api/v1/flags", None),
    ("GET", "/api/v1/flags?state=odd", None),
    ("GET", "/api/flags/sets/nothing", None),
    ("PUT", "/api/flags/sets/broken", {}),
    ("PUT", "/api/flags/sets/broken", {"flags": {"a": {}, "b": {"state": "ENABLED", "variants": {}}}}),
    ("PUT", "/api/flags/sets/broken", {"flags": {"a": {"state": "ON", "variants": {"x": 1, "y": "z"}, "defaultVariant": "w"}}}),
    (
        "PUT",
        "/api/flags/sets/odd",
        {"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "defaultVariant": "x", "targeting": {"fractional": []}}}},
    ),
    ("GET", "/api/v1/entities?kind=Bet&limit=2000000", None),
    ("GET", "/api/v1/entities/bet/default/nothing", None),
    ("PUT", "/api/v1/entities/experiment/default/x", EXPERIMENT | {"spec": {"owner": "a"}}),
    ("PUT", "/api/v1/entities/experiment/default/x", EXPERIMENT | {"spec": {"owner": "a", "flag": "f", "control": "c", "treatments": ["c", "c"], "success": 3}}),
    ("POST", "/api/events", [{"specversion": "1.0"}]),
    ("GET", "/api/v1/nowhere", None),
]  # fmt: skip


def test_no_answer_of_the_api_says_a_noun_that_was_renamed(client: TestClient) -> None:
    found = []
    for method, path, body in REQUESTS:
        content = None if body is None else json.dumps(body)
        answer = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, (path, answer.text)
        for place, text in _said_in(answer.json()):
            found += [f"{method} {path} {place}: {left}" for left in left_in(text)]
    assert not found, "\n".join(found)


def test_types_of_problems_are_contracts_and_stay(client: TestClient) -> None:
    answer = client.put("/api/flags/sets/broken", content="{}", headers={"Content-Type": "application/json"})
    assert answer.json()["type"] == "urn:counterpoint:problem:the-flag-definition-is-not-valid"
    assert "zork" in answer.json()["title"]


COMMANDS = [
    ["experiments", "analyze", "discover-weekly", "--no-record"],
    ["experiments", "analyze", "nothing"],
    ["flags", "lint", "--set", "default"],
    ["flags", "lint", "--set", "nothing"],
    ["flags", "eval", "nothing"],
    ["doctor"],
    ["bets", "next-test", "discover-weekly"],
    ["bets", "portfolio"],
    ["bets", "calibration"],
    ["bets", "agenda", "listening"],
    ["bets", "digest"],
    ["bets", "estimate", "discover-weekly", "luck", "1", "2", "3"],
    ["decisions", "list"],
    ["decisions", "list", "nothing"],
    ["units", "list"],
    ["units", "show", "discovery"],
    ["vocabulary", "set", "sqad=pod"],
    ["import", "catalog", "{folder}/bad.yaml"],
    ["import", "flags", "{folder}/bad.json"],
    ["import", "flags", "{folder}/bad.json", "--json"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_says_a_noun_that_was_renamed(
    company: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(
        yaml.safe_dump_all([BET, EXPERIMENT | {"spec": {"owner": "arpeggio"}}])
    )
    (tmp_path / "bad.json").write_text('{"flags": {"a": {"variants": {}}}}')
    run(["-w", str(company.path), *(part.format(folder=tmp_path) for part in command)])
    said = capsys.readouterr()
    assert not left_in(said.out + said.err), said.out + said.err
