"""Documentation: rendering a page, checking links, indexing and searching thousands of pages.

Pages are made up, with a fixed seed: about 700 words each, drawn as words in texts are (a few very often,
most seldom), with code, a table, links and headings. The peer of the search is the same index asked for
its best hits by BM25; that of the rendering is Markdown without any extension.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from markdown import Markdown

from counterpoint import Workspace
from counterpoint.catalog.docs import search
from counterpoint.catalog.docs.conversion import convert
from counterpoint.catalog.docs.library import library_of
from counterpoint.catalog.docs.links import OurAddresses
from counterpoint.catalog.docs.search import refresh, search_docs
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor

SYLLABLES = (
    "play",
    "track",
    "list",
    "taste",
    "queue",
    "shard",
    "cache",
    "token",
    "song",
    "skip",
    "mix",
    "ring",
)
WORDS = [
    a + b + c
    for a in SYLLABLES
    for b in SYLLABLES
    for c in ("", "er", "s", "ing", "ed", "able", "ment", "less")
]
WEIGHTS = [1 / rank for rank in range(1, len(WORDS) + 1)]
PAGES = 5_000
SITES = 50


def page(random_: random.Random, number: int, last: int) -> str:
    """One page with about 700 words."""

    def sentence() -> str:
        return " ".join(random_.choices(WORDS, WEIGHTS, k=14)).capitalize() + "."

    parts = [f"# Page {number} on {random_.choice(WORDS)}", sentence()]
    for heading in range(8):
        parts += [f"## {random_.choice(WORDS).title()} {heading}", " ".join(sentence() for _ in range(4))]
        parts.append(f"See [another](page-{random_.randrange(last)}.md) and `code_{heading}`.")
    parts.append(
        "```python\n"
        + "\n".join(f"def f{n}(x: int) -> int:\n    return x + {n}" for n in range(10))
        + "\n```"
    )
    parts.append(
        "| a | b |\n|---|---:|\n" + "\n".join(f"| {random_.choice(WORDS)} | {n} |" for n in range(8))
    )
    return "\n\n".join(parts)


def write(folder: Path, pages: int) -> None:
    """Sites with pages, each with its descriptor."""
    random_ = random.Random(7)
    each = pages // SITES
    for number in range(SITES):
        site = folder / f"site-{number}"
        (site / "docs").mkdir(parents=True)
        (site / "catalog-info.yaml").write_text(
            json.dumps(
                {
                    "apiVersion": "backstage.io/v1alpha1",
                    "kind": "Component",
                    "metadata": {
                        "name": f"site-{number}",
                        "annotations": {"backstage.io/techdocs-ref": "dir:."},
                    },
                    "spec": {"type": "service", "lifecycle": "production", "owner": "nobody"},
                }
            )
        )
        for index in range(each):
            (site / "docs" / f"page-{index}.md").write_text(page(random_, index, each))


def milliseconds(call: Callable[[], object], repeats: int = 30) -> float:
    """Median CPU time of a call, which neighbours on the machine do not change."""
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        taken.append((time.process_time() - started) * 1000)
    return round(statistics.median(taken), 3)


def seconds_of_cpu(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    started = time.process_time()
    call()
    return round(time.process_time() - started, 2)


def measure() -> dict[str, object]:
    """Milliseconds and CPU seconds of each step."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder / "code", PAGES)
        with Workspace.create(folder / "workspace") as workspace:
            import_targets(workspace.graph, local_actor(), [str(folder / "code")])
            return {"pages": PAGES, **_reading(workspace, folder), **_searching(workspace)}


def _reading(workspace: Workspace, folder: Path) -> dict[str, object]:
    library = library_of(workspace)
    text = (folder / "code" / "site-0" / "docs" / "page-0.md").read_text()
    convert(text)
    bare = Markdown()
    with workspace.graph.read() as reader:
        site = library.open(reader, reader.require("component:default/site-0"))
        if not isinstance(site, Site):
            raise SystemExit(f"The pages that were written cannot be read: {site.reason}")
        return {
            "characters": len(text),
            "render_ms": milliseconds(lambda: convert(text)),
            "render_without_extensions_ms": milliseconds(lambda: bare.reset().convert(text)),
            "check_100_pages_cpu_s": seconds_of_cpu(lambda: library.report(reader, site)),
            "show_again_ms": milliseconds(lambda: library.show(site, "page-1.md", {}, OurAddresses("/x"))),
        }


def _searching(workspace: Workspace) -> dict[str, object]:
    terms = {
        "frequent": WORDS[0],
        "two_frequent": f"{WORDS[1]} {WORDS[2]}",
        "beginning": "pl",
        "seldom": WORDS[-1],
    }
    figures: dict[str, object] = {"index_cpu_s": seconds_of_cpu(lambda: refresh(workspace))}
    connection = workspace.keep(search._Index, search._Index)._connection
    best = "SELECT rowid FROM section WHERE section MATCH ? ORDER BY bm25(section, 8.0, 4.0, 1.0) LIMIT 20"
    for name, term in terms.items():
        query = " ".join(f'"{word}"*' for word in term.split())
        figures[f"search_{name}_ms"] = milliseconds(lambda term=term: search_docs(workspace, term, 20))
        figures[f"bm25_{name}_ms"] = milliseconds(
            lambda query=query: connection.execute(best, (query,)).fetchall(), 5
        )
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
