"""Redraw the module map in ARCHITECTURE.md from the code: `make architecture`.

The map is the first line of each module's docstring, so it cannot say what the code does not.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "ARCHITECTURE.md"
START, END = "<!-- map: drawn by docs/architecture.py -->", "<!-- end of map -->"
ORDER = (
    "",
    "graph",
    "journal",
    "stats",
    "web",
    "catalog",
    "flags",
    "experiments",
    "bets",
    "server",
    "demo",
    "cli",
)


def modules(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the docstring's first line of each module below a folder."""
    for file in sorted(folder.rglob("*.py")):
        line = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        yield file.relative_to(ROOT / "src" / "counterpoint").as_posix(), line


def draw() -> str:
    """Return the map as Markdown, a table for each package."""
    package = ROOT / "src" / "counterpoint"
    found = list(modules(package))
    rooms = {path.split("/")[0] if "/" in path else "" for path, _ in found}
    parts = []
    for room in [*[name for name in ORDER if name in rooms], *sorted(rooms - set(ORDER))]:
        mine = [entry for entry in found if (entry[0].split("/")[0] if "/" in entry[0] else "") == room]
        parts.append(f"### {room or 'counterpoint'}/\n\n| module | what it is |\n| --- | --- |")
        parts.extend(f"| `{path}` | {line.replace('|', '/')} |" for path, line in mine)
        parts.append("")
    return "\n".join(parts)


def redrawn(text: str) -> str:
    """Return ARCHITECTURE.md with its map renewed."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{draw()}\n{END}{after}"


if __name__ == "__main__":
    TARGET.write_text(redrawn(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("ARCHITECTURE.md is drawn anew.\n")
