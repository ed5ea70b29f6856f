"""Reading a flagd flag definition: from a file, a text or a dict to checked flags.

Broken structure is refused as a whole, each problem with its pointer (and its line, in a text). What only
breaks flagd's JSON schemas is kept as a warning, unless the reading is strict.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from counterpoint.errors import Problem, escape
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.flag import Flag, Metadata
from counterpoint.flags.javascript import SAFE_INTEGER, kind_of
from counterpoint.flags.places import Places, locate
from counterpoint.flags.targeting import MAX_LEVELS, expand, fault_in, schema_faults, too_deep

__all__ = ["Definition", "Source", "check", "read"]

STATES = ("ENABLED", "DISABLED")


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
    reading = _Reading(source)
    flags = tuple(reading.flags())
    faults = [*reading.problems, *(reading.warnings if strict else ())]
    if faults:
        raise FlagSetError(_summary(faults, source.file), [source.located(fault) for fault in faults])
    warnings = tuple(source.located(warning) for warning in reading.warnings)
    return Definition(source, flags, reading.metadata, warnings)


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
    try:
        document = json.loads(text, parse_constant=_constant)
    except json.JSONDecodeError as error:
        _refuse(Problem(f"This is not JSON: {error.msg}.", file=file, line=error.lineno, column=error.colno))
    except RecursionError:
        _refuse(Problem("The JSON nests too deeply.", file=file))
    except ValueError as error:
        _refuse(Problem(f"This is not JSON: {error}.", file=file))
    _check_texts(text, document, file)
    return Source(document, file, locate(text))


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
    try:
        text = json.dumps(definition, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(Problem(f"The definition is not JSON: {error}."))
    document = json.loads(text)
    _check_texts(text, document, None)
    return document


class _Reading:
    """One pass over a definition, collecting what is wrong."""

    def __init__(self, source: Source) -> None:
        self.document = source.document
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.metadata: Metadata = {}
        self.evaluators: Mapping[str, Any] = {}
        for pointer in source.places.repeated if source.places else ():
            self.warn(
                f"{pointer.rpartition('/')[2]!r} is given more than once; the last one counts.", pointer
            )

    def refuse(self, message: str, pointer: str) -> None:
        self.problems.append(Problem(message, pointer))

    def warn(self, message: str, pointer: str) -> None:
        self.warnings.append(Problem(message, pointer))

    def flags(self) -> Iterator[Flag]:
        if not isinstance(self.document, dict):
            return self.refuse("A flag definition is a JSON object with `flags`.", "")
        if too_deep(self.document):
            return self.refuse(
                f"The definition nests deeper than {MAX_LEVELS} levels. Write a chain of conditions as one `if` with more arguments.",
                "",
            )
        self.metadata = self.metadata_of(self.document, "")
        self.evaluators = self.evaluators_of(self.document)
        seen: set[tuple[str, Any]] = set()
        for key, flag, pointer in self.entries():
            checked = self.flag(key, flag, pointer)
            if checked is None:
                continue
            identity = (key, checked.metadata.get("flagSetId"))
            if identity in seen:
                self.refuse(
                    f"The flag {key!r} is there twice in one flag set. Remove one, or give it another flagSetId.",
                    pointer,
                )
            seen.add(identity)
            yield checked
        return None

    def entries(self) -> Iterator[tuple[str, Any, str]]:
        """Key, flag and pointer of each flag, of the map and of the array form."""
        flags = self.document.get("flags")
        if isinstance(flags, dict):
            for key, flag in flags.items():
                if not key:
                    self.warn("flagd's schema wants a flag's key to have at least one character.", "/flags/")
                yield key, flag, f"/flags/{escape(key)}"
        elif isinstance(flags, list):
            for index, flag in enumerate(flags):
                key = flag.get("key") if isinstance(flag, dict) else None
                if isinstance(key, str) and key:
                    yield key, flag, f"/flags/{index}"
                else:
                    self.refuse("Each item of `flags` is an object with a `key`.", f"/flags/{index}")
        elif "flags" in self.document:
            self.refuse("`flags` is an object of flags by key, or a list of flags with a `key`.", "/flags")
        else:
            self.refuse("`flags` is missing: an object of flags by key.", "")

    def evaluators_of(self, document: dict[str, Any]) -> Mapping[str, Any]:
        evaluators = document.get("$evaluators")
        if evaluators is None:
            return {}
        if not isinstance(evaluators, dict):
            self.refuse("`$evaluators` is an object of rules by name.", "/$evaluators")
            return {}
        for name, rule in evaluators.items():
            self.warnings.extend(schema_faults(rule, f"/$evaluators/{escape(name)}"))
        return evaluators

    def metadata_of(self, holder: dict[str, Any], pointer: str) -> Metadata:
        metadata = holder.get("metadata")
        if metadata is None:
            return {}
        if not isinstance(metadata, dict):
            self.refuse("`metadata` is an object of texts, numbers and booleans.", f"{pointer}/metadata")
            return {}
        kept = {name: value for name, value in metadata.items() if isinstance(value, str | int | float)}
        for name in metadata.keys() - kept.keys():
            self.warn(
                "Metadata is a text, a number or a boolean; this entry is left out of answers.",
                f"{pointer}/metadata/{escape(name)}",
            )
        return kept

    def flag(self, key: str, flag: Any, pointer: str) -> Flag | None:
        if not isinstance(flag, dict):
            self.refuse(f"The flag {key!r} is not an object.", pointer)
            return None
        before = len(self.problems)
        state, named = flag.get("state"), f"The flag {key!r}"
        if "state" not in flag:
            self.refuse(f"{named} has no `state`. Say ENABLED or DISABLED.", pointer)
        elif state not in STATES:
            self.refuse(
                f"{named} has the state {_shown(state)}; it must be ENABLED or DISABLED.", f"{pointer}/state"
            )
        variants = self.variants(flag, named, pointer)
        default = self.default(flag, variants, named, pointer)
        metadata = {**self.metadata, **self.metadata_of(flag, pointer)}
        targeting, fault = self.targeting(flag, f"{pointer}/targeting")
        if len(self.problems) > before:
            return None
        return Flag(key, state == "ENABLED", variants, default, targeting, fault, metadata, pointer)

    def variants(self, flag: dict[str, Any], named: str, pointer: str) -> dict[str, Any]:
        variants, place = flag.get("variants"), f"{pointer}/variants"
        if not isinstance(variants, dict) or not variants:
            self.refuse(
                f"{named} has no variants. Give `variants`, an object with at least one value.",
                place if "variants" in flag else pointer,
            )
            return {}
        kinds: dict[str, str] = {}
        for name, value in variants.items():
            kind = _kind(value)
            kinds.setdefault(kind, name)
            if kind == "null":
                self.refuse(
                    f"The variant {name!r} has no value. Give a boolean, a text, a number or an object.",
                    f"{place}/{escape(name)}",
                )
            elif kind == "number" and abs(value) > SAFE_INTEGER:
                self.refuse(
                    f"{_shown(value)} is beyond 2^53-1, which not every client can hold. Use a text.",
                    f"{place}/{escape(name)}",
                )
            elif kind == "array":
                self.warn("flagd's schema wants an object here, not a list.", f"{place}/{escape(name)}")
        if len(kinds) > 1:
            mixed = ", ".join(
                f"{name!r} is {'an' if kind[0] in 'ao' else 'a'} {kind}" for kind, name in kinds.items()
            )
            self.refuse(f"{named} mixes types of values: {mixed}. All variants have one type.", place)
        elif kinds.keys() == {"number"} and any(isinstance(value, float) for value in variants.values()):
            # Clients check types: a flag of floats answers 1.0 where its definition says 1.
            return {name: float(value) for name, value in variants.items()}
        return variants

    def default(self, flag: dict[str, Any], variants: dict[str, Any], named: str, pointer: str) -> str | None:
        default, place = flag.get("defaultVariant"), f"{pointer}/defaultVariant"
        if default is None:
            return None
        if not isinstance(default, str):
            self.refuse(
                f"{named} has the default variant {_shown(default)}; it must be the name of a variant, or null.",
                place,
            )
        elif not default and default not in variants:
            self.warn("An empty default variant counts as none; write null.", place)
        elif variants and default not in variants:
            known = ", ".join(map(repr, variants))
            self.refuse(
                f"{named} has the default variant {default!r}, which is not among its variants ({known}).",
                place,
            )
        else:
            return default
        return None

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


def _kind(value: Any) -> str:
    """JSON's word for a value's type; JavaScript has no other for a list than object."""
    return "array" if isinstance(value, list) else kind_of(value)


def _shown(value: Any) -> str:
    written = json.dumps(value)
    return written if len(written) <= 60 else written[:59] + "…"
