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

__all__ = ["Kept", "keep", "load"]

KINDS: Mapping[str, type[Recommender]] = {
    each.name: each for each in (Popularity, Neighbours, ItemGraph, Ease, Als)
}
OPTIONS: Mapping[str, type[Any]] = {"item-graph": ItemGraphOptions, "als": AlsOptions}
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """A model with the names of its items and what is known of how it was made."""

    model: Recommender
    items: tuple[str, ...]
    about: Mapping[str, Any]


def keep(path: Path, model: Recommender, items: Sequence[str], about: Mapping[str, Any]) -> None:
    """Writes a model so that a reader sees the old file or the whole new one."""
    if len(items) != model.items:
        raise InputError(f"{len(items)} names were given for the {model.items} items of the model")
    arrays: dict[str, Any] = {}
    sparse: list[str] = []
    options: dict[str, Any] = {}
    for each in fields(model):  # type: ignore[arg-type]
        value = getattr(model, each.name)
        if isinstance(value, sp.csr_matrix):
            sparse.append(each.name)
            arrays |= {f"{each.name}.data": value.data, f"{each.name}.indices": value.indices}
            arrays |= {f"{each.name}.indptr": value.indptr, f"{each.name}.shape": np.array(value.shape)}
        elif isinstance(value, np.ndarray):
            arrays[each.name] = value
        elif is_dataclass(value):
            options = asdict(value)  # type: ignore[arg-type]
    header = {
        "format": FORMAT,
        "kind": model.name,
        "options": options,
        "sparse": sparse,
        "about": dict(about),
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays["items"] = np.frombuffer(json.dumps(list(items)).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


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
        return Kept(_model(header, arrays), items, header["about"])
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
            data, indices, starts, shape = (
                arrays[f"{each.name}.{part}"] for part in ("data", "indices", "indptr", "shape")
            )
            values[each.name] = sp.csr_matrix((data, indices, starts), shape=tuple(shape))
        else:
            values[each.name] = arrays.get(each.name)
    return kind(**values)
