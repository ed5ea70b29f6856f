"""Reading a flagd flag definition: from a file, a text or a dict to checked flags.

Broken structure is refused as a whole, each problem with its pointer (and its line, in a text). What only
breaks flagd's JSON schemas is kept as a warning, unless the reading is strict.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from counterpoint.errors import Problem, escape
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.flag import Flag, Metadata, ReadOnly
from counterpoint.flags.javascript import SAFE_INTEGER
from counterpoint.flags.places import LaterPlaces, Places, locate
from counterpoint.flags.targeting import expand, fault_in, schema_faults
from counterpoint.graph.flagd import broken_in, flag_places

__all__ = ["Definition", "Source", "check", "read"]

MAX_VALUES: Final = 1_000_000
"""Of a definition that is given as a dict."""


@dataclass(frozen=True, slots=True)
class Source:
    """A definition as it was given, with what is known of its places."""

    document: Any
    file: str | None = None
    places: Places | None = None

    def located(self, problem: Problem) -> Problem:
        """The problem with file, line and column, where they are known."""
        place = self.places.of(problem.pointer) if self.places else None
        line, column = place or (None, None)
        return Problem(problem.message, problem.pointer, self.file, line, column)


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition that holds together."""

    source: Source
    flags: tuple[Flag, ...]
    metadata: Metadata
    warnings: tuple[Problem, ...]


def read(definition: Mapping[str, Any] | str | bytes | Path) -> Source:
    """Take a definition from a dict, a JSON text or a path.

    Raises:
        FlagSetError: the file cannot be read, or the text is no JSON; the problem names line and column.
    """
    if isinstance(definition, Mapping):
        return Source(_plain(definition))
    if isinstance(definition, bytes):
        return _parsed(_decoded(definition, None), None)
    if isinstance(definition, str) and definition.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"', ""):
        return _parsed(definition, None)
    if not isinstance(definition, str | Path):
        _refuse(Problem(f"A definition is a dict, JSON text or a path, not {type(definition).__name__}."))
    path = Path(definition)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(
            Problem(
                f"{reason}. Give the path of a flagd JSON file, or the JSON itself.", file=str(path)[:200]
            )
        )
    return _parsed(_decoded(content, str(path)), str(path))


def check(source: Source, *, strict: bool = False) -> Definition:
    """Check a definition's structure.

    Raises:
        FlagSetError: the structure is broken, or, when strict, flagd's schemas refuse it.
    """
    faults = list(broken_in(source.document))
    if faults:
        raise _refused(source, faults)
    reading = _Reading(source)
    flags = tuple(reading.flags())
    if strict and reading.warnings:
        raise _refused(source, reading.warnings)
    warnings = tuple(source.located(warning) for warning in reading.warnings)
    return Definition(source, flags, reading.metadata, warnings)


def _refused(source: Source, faults: list[Problem]) -> FlagSetError:
    return FlagSetError(_summary(faults, source.file), [source.located(fault) for fault in faults])


def _summary(faults: list[Problem], file: str | None) -> str:
    count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
    return f"The flag definition{f' {file}' if file else ''} is refused as a whole: {count}. Nothing was changed."


def _refuse(problem: Problem) -> NoReturn:
    raise FlagSetError("The flag definition cannot be read. Nothing was changed.", [problem])


def _decoded(content: bytes, file: str | None) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(Problem(f"Byte {error.start} is not UTF-8. Save the file as UTF-8.", file=file, line=line))


def _parsed(text: str, file: str | None) -> Source:
    text = text.removeprefix("\ufeff")
    repeats: list[bool] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeats.append(True)
        return made

    try:
        document = json.loads(text, parse_constant=_constant, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        wrong = f"{error.msg}."
        if text.startswith(("//", "/*", "#"), error.pos):
            wrong = "JSON has no comments. Remove this one, or move it into `metadata`."
        _refuse(Problem(f"This is not JSON: {wrong}", file=file, line=error.lineno, column=error.colno))
    except RecursionError:
        _refuse(Problem("The JSON nests too deeply.", file=file))
    except ValueError as error:
        _refuse(Problem(f"This is not JSON: {error}.", file=file))
    _check_texts(text, document, file)
    return Source(document, file, locate(text) if repeats else LaterPlaces({}, (), (), text))


def _check_texts(text: str, document: Any, file: str | None) -> None:
    """JSON can write half of a surrogate pair, which no database or client can hold."""
    if "\\ud" not in text.lower():
        return
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _refuse(Problem("A text holds half of a surrogate pair (\\uD800 to \\uDFFF). Remove it.", file=file))


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _plain(definition: Mapping[str, Any]) -> Any:
    """A copy as JSON would have it, so that later changes by the caller change nothing here."""
    if isinstance(definition, dict) and _is_endless(definition):
        _refuse(Problem(f"The definition has more than {MAX_VALUES:,} values, or holds itself."))
    try:
        text = json.dumps(definition, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(Problem(f"The definition is not JSON: {error}."))
    document = json.loads(text)
    _check_texts(text, document, None)
    return document


def _is_endless(definition: dict[str, Any]) -> bool:
    """Whether objects and lists that are in many places, or in themselves, would make JSON without end."""
    waiting: list[Any] = [definition]
    count = 0
    while waiting:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value
        count += len(inner)
        if count > MAX_VALUES:
            return True
        waiting.extend(one for one in inner if isinstance(one, dict | list | tuple) and one)
    return False


class _Reading:
    """One pass over a definition whose structure holds, collecting what deserves a warning."""

    def __init__(self, source: Source) -> None:
        self.document = source.document
        self.warnings: list[Problem] = []
        for pointer in source.places.repeated if source.places else ():
            self.warn(
                f"{pointer.rpartition('/')[2]!r} is given more than once; the last one counts.", pointer
            )
        self.metadata: Metadata = self.metadata_of(self.document, "")
        self.evaluators: Mapping[str, Any] = self.document.get("$evaluators") or {}
        for name, rule in self.evaluators.items():
            self.warnings.extend(schema_faults(rule, f"/$evaluators/{escape(name)}"))

    def warn(self, message: str, pointer: str) -> None:
        self.warnings.append(Problem(message, pointer))

    def flags(self) -> Iterator[Flag]:
        for key, flag, pointer in flag_places(self.document):
            if not key:
                self.warn("flagd's schema wants a flag's key to have at least one character.", "/flags/")
            variants = self.variants(flag, pointer)
            default = self.default(flag, pointer)
            metadata = ReadOnly({**self.metadata, **self.metadata_of(flag, pointer)})
            targeting, fault = self.targeting(flag, f"{pointer}/targeting")
            enabled = flag["state"] == "ENABLED"
            yield Flag(key, enabled, variants, default, targeting, fault, metadata, pointer)

    def metadata_of(self, holder: Mapping[str, Any], pointer: str) -> Metadata:
        metadata = holder.get("metadata") or {}
        kept = ReadOnly(
            {
                name: value
                for name, value in metadata.items()
                if isinstance(value, str) or (isinstance(value, int | float) and abs(value) <= SAFE_INTEGER)
            }
        )
        for name in metadata.keys() - kept.keys():
            self.warn(
                "Metadata is a text, a number up to 2^53-1 or a boolean; this entry is left out of answers.",
                f"{pointer}/metadata/{escape(name)}",
            )
        return kept

    def variants(self, flag: Mapping[str, Any], pointer: str) -> dict[str, Any]:
        variants: dict[str, Any] = flag["variants"]
        values = variants.values()
        for name, value in variants.items():
            if isinstance(value, list):
                self.warn(
                    "flagd's schema wants an object here, not a list.", f"{pointer}/variants/{escape(name)}"
                )
        if any(isinstance(value, float) for value in values):
            # Clients check types: a flag of floats answers 1.0 where its definition says 1.
            return {name: float(value) for name, value in variants.items()}
        return variants

    def default(self, flag: Mapping[str, Any], pointer: str) -> str | None:
        default: str | None = flag.get("defaultVariant")
        if default == "" and default not in flag["variants"]:
            self.warn("An empty default variant counts as none; write null.", f"{pointer}/defaultVariant")
            return None
        return default

    def targeting(self, flag: dict[str, Any], place: str) -> tuple[Any, str | None]:
        rule = flag.get("targeting")
        if rule is None or rule == {}:
            return None, None
        fault = fault_in(rule, self.evaluators, place)
        self.warnings.extend(
            found for found in schema_faults(rule, place) if not fault or found.pointer != fault.pointer
        )
        if fault:
            self.warnings.append(Problem(f"{fault.message} The flag answers PARSE_ERROR.", fault.pointer))
        return expand(rule, self.evaluators), fault.message if fault else None
