"""Run every benchmark and print its figures: `make bench`, or `python benchmarks/run.py journal/ingest`.

A benchmark is a script in this folder or in `journal/` with a function `measure() -> dict[str, object]`; it measures its
peers or its floor in the same run. Figures that the documentation states are in `docs/figures.md`.
"""

import importlib.util
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent


def run(name: str) -> dict[str, object]:
    """Import one benchmark by its file name and measure it."""
    spec = importlib.util.spec_from_file_location(name.replace("/", "_"), HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"There is no benchmark {name!r}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    figures: dict[str, object] = module.measure()
    return figures


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    chosen = names or sorted(
        str(file.relative_to(HERE).with_suffix(""))
        for pattern in ("*.py", "journal/*.py")
        for file in HERE.glob(pattern)
        if file.stem != "run"
    )
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    print(json.dumps({"machine": machine, "figures": {name: run(name) for name in chosen}}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
