import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from counterpoint import stats

MODULES = [
    "counterpoint.stats",
    *(f"counterpoint.stats.{found.name}" for found in pkgutil.iter_modules(stats.__path__)),
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_every_public_name_exists_and_the_list_is_sorted() -> None:
    assert sorted(stats.__all__) == stats.__all__
    assert all(hasattr(stats, name) for name in stats.__all__)


def test_importing_the_statistics_loads_no_heavy_library() -> None:
    code = "import sys, counterpoint.stats; print([m for m in ('scipy', 'pandas', 'ibis', 'duckdb') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_importing_the_statistics_takes_less_than_three_tenths_of_a_second_of_cpu() -> None:
    code = "import time; t = time.process_time(); import counterpoint.stats; print(time.process_time() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    ]
    assert min(runs) < 0.3
