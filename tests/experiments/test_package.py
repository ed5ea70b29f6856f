import doctest
import subprocess
import sys

import counterpoint.experiments


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(counterpoint.experiments).failed == 0


def test_importing_the_room_loads_no_engine() -> None:
    code = (
        "import sys, counterpoint.experiments;"
        " print([m for m in ('ibis', 'duckdb', 'pandas', 'scipy', 'litestar', 'jinja2') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_rows_are_read_without_pandas() -> None:
    code = (
        "import sys, ibis; from counterpoint.journal.engines.duckdb_backend import DuckDBBackend;"
        " table = DuckDBBackend().connect().sql('SELECT 1::HUGEINT AS one, NULL AS nothing');"
        " print(table.to_pyarrow().to_pylist(), table.nothing.max().to_pyarrow(), 'pandas' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[{'one': Decimal('1'), 'nothing': None}] None False"
