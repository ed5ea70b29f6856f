"""Placeholders: `$text: ./file` stands for the content of a file beside the descriptor."""

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from counterpoint.catalog.addresses import host_of, is_address, is_allowed, resolve
from counterpoint.catalog.fetching import Fetcher, not_allowed
from counterpoint.catalog.json_faults import json_fault
from counterpoint.catalog.locations import Source, is_inside
from counterpoint.catalog.remarks import Level, Remark
from counterpoint.catalog.verdicts import Fault
from counterpoint.errors import escape
from counterpoint.yaml12.reader import Document, UnreadError, read_bytes, read_text
from counterpoint.yaml12.scalars import plain

__all__ = ["resolve_placeholders"]

TEXTS = frozenset({"$text", "$openapi", "$asyncapi"})
"""Backstage's `$openapi` also pulls in what the file refers to; here the file is taken as it is."""
STRICT_KEYS = frozenset({"$text", "$json", "$yaml"})
"""Those of Backstage without further modules."""
KEYS = TEXTS | STRICT_KEYS
PROCESSOR = "Processor PlaceholderProcessor threw an error while preprocessing"
TOTAL = 64 * 1024 * 1024
"""Bytes that the placeholders of one document may take in together."""


def resolve_placeholders(
    document: Document,
    source: Source,
    fetcher: Fetcher,
    took: Callable[[str], object],
    *,
    strict: bool = False,
) -> tuple[Any, list[Remark]]:
    """The document's value with the content of files in place of placeholders, and what went wrong.

    The value given is left as it is. A placeholder that cannot be resolved stays, and is an error; one
    that names an address which may not be read is replaced by the address itself, with a warning.
    `took` is told of each file and address that was asked for. With `strict`, as in Backstage, files cannot
    be taken in beside a file, and an address that may not be read is an error.
    """
    resolving = _Resolving(document, source, fetcher, took, strict=strict)
    if not _holds(document.value, resolving.keys):
        return document.value, resolving.remarks
    return resolving.value(document.value, ""), resolving.remarks


def _holds(value: Any, keys: Collection[str]) -> bool:
    """Whether a document may hold a placeholder; hardly any does, so nobody need know where it would stand."""
    if isinstance(value, dict):
        if not value.keys().isdisjoint(keys):
            return True
        inner: Iterable[Any] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return any(isinstance(each, dict | list) and _holds(each, keys) for each in inner)


class _NotAskedError(UnreadError):
    """An address that may not be read; the document is good without it."""


class _Resolving:
    """One document on its way."""

    def __init__(
        self,
        document: Document,
        source: Source,
        fetcher: Fetcher,
        took: Callable[[str], object],
        *,
        strict: bool,
    ) -> None:
        self.document, self.source, self.fetcher, self.took = document, source, fetcher, took
        self.strict = strict
        self.keys = STRICT_KEYS if strict else KEYS
        self.remarks: list[Remark] = []
        self.left = TOTAL

    def value(self, value: Any, pointer: str) -> Any:
        """A part of the document, resolved; the very same part where there is nothing in it to resolve."""
        if isinstance(value, list):
            items = [self.value(each, f"{pointer}/{i}") for i, each in enumerate(value)]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (key := next(iter(value))) in self.keys:
            return self.placeholder(key, value, f"{pointer}/{key}")
        changed = {
            key: new
            for key, each in value.items()
            if isinstance(each, dict | list)
            and (new := self.value(each, f"{pointer}/{escape(key)}")) is not each
        }
        return {**value, **changed} if changed else value

    def placeholder(self, key: str, value: Any, pointer: str) -> Any:
        """What stands in the place of a placeholder."""
        target = value[key]
        try:
            if not isinstance(target, str):
                told = "expected a string value parameter, in the form of an absolute URL or a relative path"
                raise UnreadError(f"{key} takes the path or the address of one file, as text", told=told)
            return self.content(key, target)
        except UnreadError as error:
            level: Level = "warning" if isinstance(error, _NotAskedError) and not self.strict else "error"
            problem = self.document.problem(str(error), pointer)
            why = error.told or f"could not read location {target}, Error: {error}"
            fault = Fault.caused(PROCESSOR, Fault("Error", f"Placeholder {key} {why}"))
            self.remarks.append(Remark(level, problem, "placeholder", fault=fault))
            return target if level == "warning" else value

    def content(self, key: str, target: str) -> Any:
        """The content that a placeholder stands for.

        Raises:
            UnreadError: it cannot be had, or is not what the key says.
        """
        data = self.read(target)
        self.left -= len(data)
        if self.left < 0:
            raise UnreadError(
                f"{target} was not taken in: the files of this document have more than {TOTAL // 1024**2} MB"
            )
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadError(f"{target} is not UTF-8; save it as UTF-8") from None
        if key in TEXTS:
            if "\0" in text:
                raise UnreadError(f"{target} holds a NUL character, which cannot be stored")
            return text
        return _json(text, target) if key == "$json" else _yaml(text, target)

    def read(self, target: str) -> bytes:
        """The bytes of a file beside the descriptor, or of an address on its own host."""
        if self.source.path is not None and not is_address(target):
            if self.strict:
                told = (
                    f"could not form a URL out of {self.source.target} and {target}, TypeError: Invalid URL"
                )
                raise UnreadError(
                    f"{target} is relative, which Backstage cannot follow from a file", told=told
                )
            return self.file(target, self.source.path)
        address = target if self.source.path is not None else resolve(self.source.target, target)
        if self.source.path is None and host_of(address) != host_of(self.source.target):
            told = f"could not read location {target}, NotAllowedError: {not_allowed(address)}"
            raise UnreadError(
                f"{target} is on another host; a placeholder takes files of its own host only", told=told
            )
        if not is_allowed(address, self.fetcher.hosts):
            told = f"could not read location {target}, NotAllowedError: {not_allowed(address)}"
            raise _NotAskedError(
                f"{target} was not read, since its host is not in the setting [catalog] read_hosts; the address stands in its place",
                told=told,
            )
        self.took(f"url:{address}")
        try:
            return self.fetcher.read(address)
        except UnreadError as error:
            told = f"could not read location {target}, NotFoundError: could not read {address}, 404 Not Found"
            raise UnreadError(f"{target} {error}", told=told if error.missing else None) from None

    def file(self, target: str, beside: Path) -> bytes:
        """The bytes of a file in the folder that is imported."""
        root = self.source.root or beside.parent
        path = beside.parent / target
        if "\0" in target or not is_inside(path, root):
            raise UnreadError(f"{target} leads out of {root}, the folder that is imported; it was not read")
        self.took(f"file:{os.path.normpath(path)}")
        try:
            return read_bytes(path)
        except UnreadError as error:
            hint = " beside this file" if error.missing else ""
            raise UnreadError(f"{target} {error}{hint}") from None


def _json(text: str, target: str) -> Any:
    try:
        return json.loads(text, parse_int=plain)
    except (ValueError, RecursionError) as error:
        why = json_fault(text) or error
        told = f"failed to parse JSON data at {target}, SyntaxError: {why}"
        raise UnreadError(f"{target} is not valid JSON: {error}", told=told) from None


def _yaml(text: str, target: str) -> Any:
    reading = read_text(text, name=target)
    if reading.problems:
        raise UnreadError(str(reading.problems[0]))
    if len(reading.documents) != 1:
        raise UnreadError(f"{target} holds {len(reading.documents)} documents; $yaml takes a file with one")
    return reading.documents[0].value
