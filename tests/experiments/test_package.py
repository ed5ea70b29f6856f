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
