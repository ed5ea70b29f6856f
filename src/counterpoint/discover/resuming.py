"""How far the fits of a version are, in files: a fit that was broken off, however, goes on from the newest of them.

    <number>.stages/<of what>/<which fit>/<stage>.npz

What another listening, other options or another release of NumPy has left is no use, and goes.
"""

import hashlib
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from counterpoint.discover.checkpoints import Checkpoints, Stage
from counterpoint.discover.kept import apart, matrix_in, write

__all__ = ["Stages"]

FORMAT = 1
_PLAIN = re.compile(r"[^a-z0-9-]")


class Stages:
    """The stages of every fit of one version, on exactly what was `asked`."""

    def __init__(self, folder: Path, asked: tuple[Any, ...]) -> None:
        whole = repr((FORMAT, np.__version__, scipy.__version__, asked))
        self._folder = folder / hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        for other in folder.glob("*"):
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)

    def of(self, fit: str) -> Checkpoints:
        """The stages of one fit."""
        return _Files(self._folder / _PLAIN.sub("_", fit.lower()))


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def found(self, stage: str) -> Stage | None:
        try:
            with (
                (self._folder / f"{stage}.npz").open("rb") as opened,
                np.load(opened, allow_pickle=False) as file,
            ):
                arrays = {name: file[name] for name in file.files}
            sparse = {name.removesuffix(".indptr") for name in arrays if name.endswith(".indptr")}
            plain = {name: each for name, each in arrays.items() if name.partition(".")[0] not in sparse}
            return plain | {name: matrix_in(name, arrays) for name in sparse}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # not there, or torn by a machine that lost its power: it is done again

    def keep(self, stage: str, values: Stage) -> None:
        # Without waiting for the disk: what a process that is killed has written is there.
        write(self._folder / f"{stage}.npz", apart(values)[0], durable=False)
