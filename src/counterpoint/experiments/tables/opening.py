"""Opening the table of an experiment: files through DuckDB in memory, warehouses through Ibis."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.csv_head import columns_and_delimiter, zipped
from counterpoint.errors import InputError, Problem
from counterpoint.experiments.tables.source import Source
from counterpoint.spelling import near

if TYPE_CHECKING:
    from ibis import Table
    from ibis.backends import BaseBackend

__all__ = ["files_of", "opened", "told_errors"]

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
ENGINES = ("duckdb", "_duckdb", "ibis", "psycopg", "sqlite3")
"""Packages whose errors are about the table."""
DRIVERS = ("duckdb", "_duckdb", "psycopg", "sqlite3")
"""Packages whose errors are told while connecting: they name hosts and files, and no passwords."""
_LINE = re.compile(r"CSV Error on Line: (\d+)")
_PASSWORD = re.compile(r"(//[^/@:\s]*):[^/@\s]*@")


def files_of(source: Source, folders: Sequence[Path], *, inside: bool) -> list[Path]:
    """The files of a source in the first of the folders that has any.

    Args:
        source: with a file.
        folders: where relative paths begin.
        inside: refuse files outside of the folders: a descriptor may come from anybody.

    Raises:
        InputError: there is no such file, or it lies outside.
    """
    pattern = source.file or ""
    if "://" in pattern or (inside and (Path(pattern).is_absolute() or ".." in Path(pattern).parts)):
        raise InputError(
            "The table of the experiment cannot be read.",
            [Problem(f"{pattern!r} is no path below the folder of the descriptor or of the workspace; copy the file there"
                     " and write its path from there.", "/spec/source/file")],
        )  # fmt: skip
    for folder in folders:
        found = _matching(folder, pattern)
        if inside and (
            out := [each for each in found if not each.resolve().is_relative_to(folder.resolve())]
        ):
            raise InputError(f"{out[0]} leads out of {folder}; copy the file there instead of linking to it.")
        if found:
            return found
    raise InputError(_gone(pattern, folders))


def _matching(folder: Path, pattern: str) -> list[Path]:
    path = folder / pattern
    if path.is_file():
        return [path]
    if not any(sign in pattern for sign in "*?["):
        return []
    anchor = Path(path.anchor)
    try:
        return sorted(each for each in anchor.glob(str(path.relative_to(anchor))) if each.is_file())
    except (OSError, ValueError, NotImplementedError):
        return []


def _gone(pattern: str, folders: Sequence[Path]) -> str:
    names = []
    for folder in folders:
        if (folder / pattern).is_dir():
            return f"{folder / pattern} is a folder; name a file in it, or a pattern such as {pattern}/*.csv."
        parent = (folder / pattern).parent
        if parent.is_dir():
            names += [each.name for each in parent.iterdir() if each.name.lower().endswith((*CSV, *PARQUET))]
    hint = near(Path(pattern).name, names) or "."
    where = " or ".join(str(folder) for folder in folders)
    return (
        f"There is no file {pattern} in {where}{hint} If it was moved, write its new path in spec.source.file;"
        " if it was deleted, export it again from where it came. Readings that were recorded keep their figures."
    )


@contextmanager
def opened(
    source: Source, *, files: Sequence[Path] = (), warehouses: Mapping[str, str] | None = None, folder: Path | None = None,
) -> Iterator["Table"]:  # fmt: skip
    """The table, as an Ibis expression that holds while the block runs.

    Args:
        source: what to open.
        files: of `files_of`, where the source names files.
        warehouses: addresses by name, of the settings.
        folder: of the workspace: relative addresses begin there, and what does not fit into memory is put aside there.

    Raises:
        InputError: it cannot be opened or read; the message says what to do.
    """
    backend = _connected(source, warehouses or {}, folder) if source.connection else _embedded(folder)
    try:
        with told_errors(source, files):
            yield _of_files(backend, source, files) if files else _of_warehouse(backend, source)
    finally:
        backend.disconnect()


def _embedded(folder: Path | None) -> "BaseBackend":
    from counterpoint.journal.engines.duckdb_backend import DuckDBBackend

    aside = (
        folder / "journal" / "spill"
        if folder
        else Path(tempfile.gettempdir()) / f"counterpoint-{os.getpid()}"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return DuckDBBackend().connect(memory_limit=f"{memory // 2 // 2**20}MiB", temp_directory=str(aside))


def _of_files(backend: Any, source: Source, files: Sequence[Path]) -> "Table":
    names = [file.name.lower() for file in files]
    if all(name.endswith(PARQUET) for name in names):
        return _locked(
            backend, backend.read_parquet([str(file) for file in files], union_by_name=True), files
        )
    for file, name in zip(files, names, strict=True):
        if not name.endswith(CSV):
            kinds = ", ".join((*CSV[:2], *PARQUET[:1]))
            raise InputError(
                f"{file} is no table that can be read here; export it as one of {kinds}, all files alike."
            )
    heads = [
        columns_and_delimiter(file, encoding=source.encoding, delimiter=source.delimiter) for file in files
    ]
    for file, head in zip(files, heads, strict=True):
        if head != heads[0]:
            raise InputError(
                f"The columns of {file} ({', '.join(head[0])}) are not those of {files[0]} ({', '.join(heads[0][0])});"
                " files of one pattern are parts of one table."
            )
    packed = {zipped(file) for file in files}
    if len(packed) > 1:
        raise InputError(
            f"Some files of {source.shown} are packed by gzip and some are not; pack all, or none."
        )
    table = backend.read_csv(
        [str(file) for file in files],
        delim=heads[0][1],
        header=True,
        all_varchar=True,
        encoding=source.encoding,
        compression="gzip" if packed.pop() else "none",
        quote='"',
        columns=dict.fromkeys(heads[0][0], "VARCHAR"),
        auto_detect=False,
    )
    return _locked(backend, table, files)


def _locked(backend: Any, table: "Table", files: Sequence[Path]) -> "Table":
    """Let the engine read these files and nothing else."""
    paths = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    backend.raw_sql(f"SET allowed_paths = [{paths}]")
    backend.raw_sql("SET enable_external_access = false")
    return table


def _connected(source: Source, warehouses: Mapping[str, str], folder: Path | None) -> "BaseBackend":
    import ibis

    name = source.connection or ""
    address = warehouses.get(name)
    if address is None:
        raise InputError(
            f"There is no warehouse {name} in the settings{near(name, list(warehouses)) or '.'} Write its address"
            f' in counterpoint.toml as [warehouses] {name} = "postgres://user@host/database", or in the variable'
            f" COUNTERPOINT_WAREHOUSES__{name.upper()}."
        )
    try:
        return ibis.connect(
            _address(name, address, folder), **({"read_only": True} if address.startswith("duckdb") else {})
        )
    except InputError:
        raise
    except Exception as error:
        missing = isinstance(error, (ImportError, ModuleNotFoundError))
        remedy = (
            "install the package of its engine"
            if missing
            else "check that it runs, and its address, user and password"
        )
        if not missing and type(error).__module__.partition(".")[0] not in DRIVERS:
            # What reads an address tells pieces of it, and a piece may be of the password.
            raise InputError(
                f"The address of the warehouse {name} in the settings cannot be read; write it as"
                " postgres://user@host/database, with % and two digits for signs in a password such as # (%23), / (%2F) and @ (%40)."
            ) from None
        raise InputError(f"The warehouse {name} cannot be reached ({_first(error)}); {remedy}.") from error


def _address(name: str, address: str, folder: Path | None) -> str:
    """The address as Ibis takes it: files from the workspace's folder on, and there already."""
    kind, _, rest = address.partition("://")
    if kind not in ("duckdb", "sqlite"):
        return address
    file = (folder or Path()) / rest
    if not file.is_file():
        raise InputError(
            f"The warehouse {name} is the file {file}, which does not exist; mend its address in [warehouses]."
        )
    return f"{kind}://{file.absolute()}"


def _of_warehouse(backend: Any, source: Source) -> "Table":
    from ibis.common.exceptions import TableNotFound

    schema, _, name = (source.table or "").rpartition(".")
    if not name.strip():
        raise InputError(
            f"spec.source.table is {source.table!r}, which names no table of the warehouse {source.connection}; write its name."
        )
    try:
        found: Table = backend.table(name, database=schema or None)
    except TableNotFound as error:
        where = f" in the schema {schema}" if schema else ""
        raise InputError(
            f"The warehouse {source.connection} has no table {name}{where} that its user may read; mend spec.source.table,"
            " with the schema before a dot where it is not the default one."
        ) from error
    return found


@contextmanager
def told_errors(source: Source, files: Sequence[Path] = ()) -> Iterator[None]:
    """Tell what engines raise in words, with the place and the remedy."""
    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:
        engine = type(error).__module__.partition(".")[0] in ENGINES
        if not engine and not isinstance(error, OSError):
            raise  # a fault of ours, which must not look like one of the table
        raise InputError(
            "The table of the experiment cannot be read.", [_told(error, source, files)]
        ) from error


def _told(error: Exception, source: Source, files: Sequence[Path]) -> Problem:
    text, first = str(error), _first(error)
    line = int(found[1]) if (found := _LINE.search(text)) else None
    named = next((str(file) for file in files if str(file) in text), str(files[0]) if files else source.shown)
    if "nicode" in text or "encod" in text:
        return Problem(
            f"It is not {source.encoding} text; save the file as UTF-8, or say its encoding (latin-1 is common in older exports).",
            file=named, line=line,
        )  # fmt: skip
    if "Columns" in text and line is not None:
        counted = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
        what = (
            f"The line has {counted[2]} columns where the first has {counted[1]}"
            if counted
            else "The line has too few or too many columns"
        )
        return Problem(f"{what}; put a value that holds the delimiter into quotes, or say which delimiter it is.", file=named, line=line)  # fmt: skip
    if "Could not open" in text or "No files found" in text or "No such file" in text:
        return Problem("The file is gone since the reading began; put it back and read again.", file=named)
    if "Out of Memory" in text:
        return Problem("The engine ran out of memory and of room to put things aside; free disk space, or save the table as Parquet with fewer columns.", file=named)  # fmt: skip
    return Problem(f"{first}. Check that the file is whole, or export it again.", file=named, line=line)


def _first(error: Exception) -> str:
    return (
        _PASSWORD.sub(r"\1:***@", str(error).strip().split("\n", 1)[0])[:300].rstrip(".")
        or type(error).__name__
    )
