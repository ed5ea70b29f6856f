"""Logs, splits and playlists out of files: CSV, Parquet, newline JSON, lists of items, SciPy's .npz, the Million Playlist format."""

import json
from collections.abc import Iterable, Sequence
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from counterpoint.csv_head import columns_and_delimiter, zipped
from counterpoint.discover.interactions import Matrix, interactions
from counterpoint.discover.log import Log, Names, log_of
from counterpoint.discover.playlists import Playlist
from counterpoint.discover.splits import Split
from counterpoint.errors import InputError
from counterpoint.spelling import near

__all__ = ["COLUMNS", "ENDINGS", "Columns", "read_log", "read_playlists", "read_split"]

Columns = dict[str, str | None]
COLUMNS: dict[str, tuple[str, ...]] = {
    "listener": ("listener", "user", "user_id", "userid", "subject", "customer", "account"),
    "item": (
        "item",
        "item_id",
        "itemid",
        "track",
        "track_id",
        "song",
        "movieid",
        "product",
        "product_id",
        "object",
    ),
    "weight": ("weight", "plays", "count", "playcount", "quantity"),
    "time": ("time", "timestamp", "at", "date", "datetime", "played_at", "ts"),
}
"""Names by which each column is known when none is given, in any case."""
CSV = (".csv", ".tsv")
READERS = {
    **dict.fromkeys(CSV, "read_csv"),
    ".parquet": "read_parquet(?)",
    ".ndjson": "read_json(?, format = 'newline_delimited')",
    ".jsonl": "read_json(?, format = 'newline_delimited')",
}
LISTS = ".txt"
"""Lines of a listener and their items, with blanks between: as many published splits are given."""
ENDINGS = (*READERS, ".npz")


def read_log(
    paths: Sequence[Path], columns: Columns | None = None, *, now: float, half_life: float | None = None
) -> Log:
    """The log in one or several files.

    `columns` names the columns of `COLUMNS` that are not to be guessed. Raises `InputError` with the file and
    what is wrong: no such file or column, a kind of file that is not read, values that are no numbers or times.
    """
    if not paths:
        raise InputError("no file was given")
    if all(path.suffix == ".npz" for path in paths):
        return _of_matrix(paths)
    parts = [_entries(path, columns or {}) for path in paths]
    joined = {
        name: [value for part in parts for value in part[name] or ()]
        for name in COLUMNS
        if all(part[name] is not None for part in parts)
    }
    return log_of(
        joined["listener"],
        joined["item"],
        weights=joined.get("weight"),
        times=joined.get("time"),
        now=now,
        half_life=half_life,
    )


def read_split(
    fitted: Sequence[Path],
    test: Sequence[Path],
    history: Sequence[Path] = (),
    columns: Columns | None = None,
    *,
    now: float,
) -> tuple[Log, Split]:
    """A split that somebody made: what is fitted on, with the names of all items, and the split itself.

    Listeners are asked by what is fitted of them, or by `history` where that is given: listeners who are folded in.
    Matrices (.npz) have no names: their rows and columns are the same by their numbers; lists
    (.txt) are lines of a listener and their items. Raises `InputError` as `read_log`.
    """
    logs = [_part(each, columns, now) for each in (fitted, test, history or fitted)]
    log, held, before = logs
    if all(path.suffix == ".npz" for path in (*fitted, *test, *history)):
        # Numbers as texts would be put in another order.
        items = max((each.items for each in logs), key=len)
        listeners = max((held.listeners, before.listeners), key=len)
    else:
        items = np.array(sorted({name for each in logs for name in each.items}), dtype=object)
        listeners = np.array(sorted({*held.listeners, *before.listeners}), dtype=object)
    people = listeners if not history else log.listeners
    split = Split(
        _placed(log.matrix, log, people, items),
        _placed(before.matrix, before, listeners, items),
        _placed(held.matrix, held, listeners, items),
    )
    moments = None if log.moments is None else _placed(log.moments, log, people, items)
    return Log(split.fitted, moments, people, items, log.left_out), split


def _part(paths: Sequence[Path], columns: Columns | None, now: float) -> Log:
    if not paths or not all(path.suffix.lower() == LISTS for path in paths):
        return read_log(paths, columns, now=now)
    listeners: list[str] = []
    items: list[str] = []
    for path in paths:
        try:
            lines = [line.split() for line in path.read_text("utf-8").splitlines()]
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is no text in UTF-8: {error}") from None
        listeners += [line[0] for line in lines if line for _ in line[1:]]
        items += [item for line in lines if line for item in line[1:]]
    if not items:
        raise InputError(
            f"{', '.join(map(str, paths))} has no line with a listener and an item; write one line for each listener"
        )
    return log_of(listeners, items)


def _placed(matrix: Matrix, log: Log, listeners: Names, items: Names) -> Matrix:
    """A matrix with rows and columns for these names."""
    rows, columns = ({name: at for at, name in enumerate(each)} for each in (listeners, items))
    found = sp.coo_matrix(matrix)
    return sp.csr_matrix(
        (
            found.data,
            (
                np.array([rows[name] for name in log.listeners], dtype=np.int32)[found.row],
                np.array([columns[name] for name in log.items], dtype=np.int32)[found.col],
            ),
        ),
        shape=(len(listeners), len(items)),
    )


def _of_matrix(paths: Sequence[Path]) -> Log:
    if len(paths) > 1:
        raise InputError(
            f"{len(paths)} matrices were given; one is a whole log, its rows and columns have no names"
        )
    try:
        matrix = interactions(sp.load_npz(paths[0]), name=str(paths[0]))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{paths[0]} is no sparse matrix as scipy.sparse.save_npz writes it: {error}"
        ) from None
    rows, columns = (np.array([str(each) for each in range(size)], dtype=object) for size in matrix.shape)
    return Log(matrix, None, rows, columns, {})


def _entries(path: Path, columns: Columns) -> dict[str, list[Any] | None]:
    import duckdb

    if not path.is_file():
        raise InputError(f"{path} is no file that can be read")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f'{path} ends in "{path.suffix}"; give one of {", ".join(ENDINGS)}')
    with duckdb.connect() as engine:
        try:
            function = _csv(path) if path.suffix.lower() in CSV else reader
            # A star in a file's name is no pattern.
            table = engine.execute(f"SELECT * FROM {function}", [escape(str(path))]).to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
        chosen = {name: _column(path, table.column_names, name, columns.get(name)) for name in COLUMNS}
        found: dict[str, list[Any] | None] = dict.fromkeys(COLUMNS)
        engine.register("entries", table)
        for name, column in chosen.items():
            if column is None:
                continue
            quoted = '"' + column.replace('"', '""') + '"'
            found[name] = _values(engine, quoted, name, path, column)
    return found


def _csv(path: Path) -> str:
    """How the engine is to read a CSV file: nothing about it is left to be guessed by its rows."""
    names, delimiter = columns_and_delimiter(path, encoding="utf-8", delimiter=None)
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    packed = "gzip" if zipped(path) else "none"
    return (
        f"read_csv(?, delim = {_text(delimiter)}, header = true, quote = '\"', auto_detect = false,"
        f" columns = {{{columns}}}, compression = '{packed}')"
    )


def _text(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _column(path: Path, names: Sequence[str], wanted: str, given: str | None) -> str | None:
    if given is not None:
        if given not in names:
            raise InputError(f'{path} has no column "{given}"; it has {", ".join(names)}{near(given, names)}')
        return given
    lower = {name.lower(): name for name in reversed(names)}
    found = next((lower[known] for known in COLUMNS[wanted] if known in lower), None)
    if found is None and wanted in ("listener", "item"):
        raise InputError(
            f"{path} has no column for the {wanted}; name it with --{wanted}-column, one of {', '.join(names)}"
        )
    return found


def _values(engine: Any, quoted: str, name: str, path: Path, column: str) -> list[Any]:
    if name in ("listener", "item"):
        return [
            each[0] for each in engine.execute(f"SELECT CAST({quoted} AS VARCHAR) FROM entries").fetchall()
        ]
    number = f"TRY_CAST(CAST({quoted} AS VARCHAR) AS DOUBLE)"
    read = (
        number
        if name == "weight"
        else f"coalesce({number}, epoch(TRY_CAST(CAST({quoted} AS VARCHAR) AS TIMESTAMPTZ)))"
    )
    rows = engine.execute(
        f"SET TimeZone = 'UTC'; SELECT {read}, CAST({quoted} AS VARCHAR) FROM entries"
    ).fetchall()
    for number_of, (value, text) in enumerate(rows, 1):
        if value is None and text not in (None, ""):
            kind = "number" if name == "weight" else "time (RFC 3339, or seconds since 1970)"
            raise InputError(f'{path}: row {number_of}, column "{column}" == "{text}", must be a {kind}')
    return [float("nan") if value is None else float(value) for value, _ in rows]


def read_playlists(paths: Iterable[Path]) -> tuple[list[Playlist], list[str]]:
    """Playlists in the Million Playlist format, and the names of their tracks in the order of the columns.

    Each file is `{"playlists": [{"name", "tracks": [{"track_uri", "pos"}]}]}`. Raises `InputError` with the place.
    """
    columns: dict[str, int] = {}
    found: list[Playlist] = []
    for path in paths:
        try:
            slices = json.loads(path.read_text("utf-8"))["playlists"]
            for playlist in slices:
                ordered = sorted(playlist.get("tracks", []), key=lambda each: each.get("pos", 0))
                uris = [str(each["track_uri"]) for each in ordered]
                tracks = tuple(dict.fromkeys(columns.setdefault(uri, len(columns)) for uri in uris))
                found.append(Playlist(tracks, str(playlist.get("name") or "")))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: playlist {len(found) + 1} is not in the Million Playlist format ({error}); each needs tracks with track_uri"
            ) from None
    return found, list(columns)
