"""Ours beside the real Backstage: the same YAML into both, the same requests, and every answer that differs.

    python benchmarks/catalog/compare.py record backstage --out DIR --peer DIR
    python benchmarks/catalog/compare.py record counterpoint --out DIR [--strict]
    python benchmarks/catalog/compare.py report DIR_OF_BACKSTAGE DIR_OF_OURS [--default] [--no-messages] [--only TEXT]

A recording is a folder of JSON files, one for each group of cases, with requests and whole answers.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import report
from cases import reading
from exchange import Case, Client
from mutations import validation
from scenarios import writing
from servers import HERE, Backstage, Counterpoint, Server, free_port

WORLD = Path(tempfile.gettempdir()) / "counterpoint-catalog-world"
"""Where both servers read the small catalog: one place, so that both call its files the same."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="ask one server everything")
    record.add_argument("server", choices=("backstage", "counterpoint"))
    record.add_argument("--out", type=Path, required=True)
    record.add_argument(
        "--peer", type=Path, default=HERE / "node_modules", help="where Backstage is installed"
    )
    record.add_argument("--world", type=Path, default=WORLD)
    record.add_argument("--also", type=Path, action="append", default=[], help="a further descriptor to load")
    record.add_argument("--strict", action="store_true", help="ours with `strict = true`")
    record.add_argument("--groups", default="reading,refused,validation,writing")
    record.add_argument("--port", type=int, default=0)
    record.add_argument(
        "--files-port", type=int, default=8009, help="the same for both, since addresses are hashed"
    )
    shown = commands.add_parser("report", help="what differs between two recordings")
    shown.add_argument("theirs", type=Path)
    shown.add_argument("ours", type=Path)
    shown.add_argument("--only", default="", help="cases whose id holds this text")
    shown.add_argument(
        "--no-messages", action="store_true", help="leave out what differs in the wording of errors alone"
    )
    shown.add_argument("--default", action="store_true", help="leave out what our default mode mends")
    shown.add_argument("--most", type=int, default=100)
    asked = parser.parse_args()
    if asked.command == "report":
        shown_ways = {"messages": not asked.no_messages, "strict": not asked.default, "most": asked.most}
        raise SystemExit(report.show(asked.theirs, asked.ours, asked.only, **shown_ways))
    for group in asked.groups.split(","):
        record_group(group, asked)


def record_group(group: str, asked: argparse.Namespace) -> None:
    """Start the server on what the group needs, ask, and write the recording."""
    world: Path = asked.world
    shutil.rmtree(world, ignore_errors=True)
    shutil.copytree(HERE / "world", world)
    roots = [world / "root.yaml", *asked.also]
    if group == "refused":
        roots += sorted((world / "refused").glob("*.yaml"))
    files_port: int = asked.files_port
    server = _start(asked, roots, f"127.0.0.1:{files_port}")
    try:
        noted = GROUPS[group](server, files_port)
    finally:
        server.stop()
    asked.out.mkdir(parents=True, exist_ok=True)
    file = asked.out / f"{group}.json"
    text = json.dumps(noted, indent=1, ensure_ascii=False).replace(str(world), "<world>")
    text = text.replace(f"127.0.0.1:{files_port}", "<files>").replace(f"127.0.0.1:{server.port}", "<server>")
    file.write_text(text, encoding="utf-8")
    print(f"{file}: {len(noted)} cases", file=sys.stderr)


def _start(asked: argparse.Namespace, roots: list[Path], read_host: str) -> Server:
    folder = Path(tempfile.mkdtemp(prefix="catalog-comparison-"))
    port = asked.port or free_port()
    if asked.server == "backstage":
        backstage = Backstage("backstage", port, folder / "backstage")
        backstage.run(asked.peer, roots, read_hosts=(read_host,))
        backstage.wait_until_up()
        backstage.wait_until_quiet()
        return backstage
    ours = Counterpoint("counterpoint", port, folder / "counterpoint")
    ours.settings["COUNTERPOINT_CATALOG__STRICT"] = "true" if asked.strict else "false"
    ours.settings["COUNTERPOINT_CATALOG__READ_HOSTS"] = f'["{read_host}"]'
    ours.run(roots)
    ours.wait_until_up()
    return ours


def _ask(cases: Callable[[], list[Case]]) -> Callable[[Server, int], list[dict[str, Any]]]:
    def ask(server: Server, _files_port: int) -> list[dict[str, Any]]:
        client = Client(server.port)
        return [client.record(case) for case in cases()]

    return ask


def refused() -> list[Case]:
    """What is shown of a catalog in which much is wrong."""
    return [Case("GET", "/entities", mode="set"), Case("GET", "/locations")]


GROUPS: dict[str, Callable[[Server, int], list[dict[str, Any]]]] = {
    "reading": _ask(reading),
    "refused": _ask(refused),
    "validation": _ask(validation),
    "writing": writing,
}

if __name__ == "__main__":
    main()
