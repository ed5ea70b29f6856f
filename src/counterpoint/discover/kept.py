"""A fitted model in one file: arrays and a header, no code, so that reading one is safe.

A model holds items and what comes together, and no listener's row: who listened to what stays in the journal.
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.ease import Ease
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.neighbours import Neighbours
from counterpoint.discover.popularity import Popularity
from counterpoint.discover.recommender import Recommender
from counterpoint.errors import InputError

__all__ = ["Kept", "apart", "keep", "load", "matrix_in", "write"]

KINDS: Mapping[str, type[Recommender]] = {
    each.name: each for each in (Popularity, Neighbours, ItemGraph, Ease, Als)
}
OPTIONS: Mapping[str, type[Any]] = {"item-graph": ItemGraphOptions, "als": AlsOptions}
FORMAT = 3
BESIDE = "beside:"
"""Before the names of what is kept with a model, so that no field of a model is meant."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A model with the names of its items and what is known of how it was made."""

    model: Recommender
    items: tuple[str, ...]
    about: Mapping[str, Any]
    beside: Mapping[str, Any]
    """Arrays and sparse matrices that were kept with it, by name."""


def keep(
    path: Path,
    model: Recommender,
    items: Sequence[str],
    about: Mapping[str, Any],
    *,
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model so that a reader sees the old file or the whole new one.

    `beside` are arrays and CSR matrices that belong to it. The same values make the same bytes.
    """
    if len(items) != model.items:
        raise InputError(f"{len(items)} names were given for the {model.items} items of the model")
    values = {each.name: getattr(model, each.name) for each in fields(model)}  # type: ignore[arg-type]
    values |= {f"{BESIDE}{name}": value for name, value in (beside or {}).items()}
    arrays, sparse = apart(values)
    options = next((asdict(each) for each in values.values() if is_dataclass(each)), {})  # type: ignore[arg-type]
    header = {
        "format": FORMAT,
        "kind": model.name,
        "options": options,
        "sparse": sparse,
        "about": dict(about),
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays["items"] = np.frombuffer(json.dumps(list(items)).encode(), dtype=np.uint8)
    write(path, arrays)


def write(path: Path, arrays: Mapping[str, Any], *, durable: bool = True) -> None:
    """Writes arrays so that a reader sees the old file or the whole new one; on the disk too, where it is `durable`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def apart(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Arrays and CSR matrices as arrays alone, and the names of those that were matrices."""
    arrays: dict[str, Any] = {}
    sparse: list[str] = []
    for name, value in values.items():
        if isinstance(value, sp.csr_matrix):
            sparse.append(name)
            arrays |= {f"{name}.data": value.data, f"{name}.indices": value.indices}
            arrays |= {f"{name}.indptr": value.indptr, f"{name}.shape": np.array(value.shape)}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
    return arrays, sparse


def load(path: Path) -> Kept:
    """Reads a model. Raises `InputError` for what is none."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        items = tuple(json.loads(arrays.pop("items").tobytes()))
        if header["format"] != FORMAT:
            raise InputError(
                f"{path} has the format {header['format']}, must have {FORMAT}; fit the model again"
            )
        return Kept(_model(header, arrays), items, header["about"], _beside(header, arrays))
    except FileNotFoundError:
        raise InputError(f"{path} is not there; make it with `counterpoint discover fit`") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no model that `counterpoint discover fit` wrote: {error}") from None


def _model(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Recommender:
    kind = KINDS[header["kind"]]
    values: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name == "options":
            values["options"] = OPTIONS[kind.name](**header["options"])
        elif each.name in header["sparse"]:
            values[each.name] = matrix_in(each.name, arrays)
        else:
            values[each.name] = arrays.get(each.name)
    return kind(**values)


def _beside(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    matrices = [name for name in header["sparse"] if name.startswith(BESIDE)]
    plain = [
        name
        for name in arrays
        if name.startswith(BESIDE) and not any(name.startswith(f"{each}.") for each in matrices)
    ]
    found = {name: matrix_in(name, arrays) for name in matrices} | {name: arrays[name] for name in plain}
    return {name.removeprefix(BESIDE): value for name, value in found.items()}


def matrix_in(name: str, arrays: Mapping[str, Any]) -> sp.csr_matrix:
    """A matrix that `apart` took apart."""
    data, indices, starts, shape = (
        arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr", "shape")
    )
    return sp.csr_matrix((data, indices, starts), shape=tuple(shape))
