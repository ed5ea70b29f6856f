"""What a room offers to assistants (MCP): reads of its API under a name, an address, or as the start of a talk. Pure.

A room declares them in its `tools.py`; the server asks its own API for them, with the credentials of whoever asks.
So nothing is told here that the API would not tell, and nothing is decided twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from counterpoint.errors import InputError, Problem
from counterpoint.graph.ref import parse_ref
from counterpoint.said import Said
from counterpoint.spelling import near

__all__ = ["Argument", "Read", "Script", "Source", "Tool"]

ANY: Final = "*"
"""The kind of an argument that takes a reference of any kind."""


@dataclass(frozen=True, slots=True)
class Read:
    """One read of the API: the path, and what is asked for."""

    path: str
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """What a tool is told. One with a `kind` is an entity reference, and fills `{namespace}` and `{name}` of the path."""

    name: str
    meaning: Said
    kind: str = ""
    required: bool = True
    default: str | int | None = None
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The argument in JSON Schema."""
        told: dict[str, Any] = {
            "type": "integer" if isinstance(self.default, int) else "string",
            "description": self.meaning,
        }
        if self.choices:
            told["enum"] = list(self.choices)
        return told if self.default is None else told | {"default": self.default}

    def read(self, value: object) -> str:
        """The value as the API takes it.

        Raises:
            InputError: it is of another type, or none of the choices.
        """
        pointer = f"/{self.name}"
        if isinstance(self.default, int):
            if isinstance(value, bool) or not isinstance(value, int):
                raise _wrong(f"`{self.name}` is a whole number.", pointer)
            return str(value)
        if not isinstance(value, str):
            raise _wrong(f"`{self.name}` is a text.", pointer)
        if self.choices and value not in self.choices:
            raise _wrong(f"`{self.name}` is one of {', '.join(self.choices)}.", pointer)
        if self.required and not value.strip():
            raise _wrong(f"`{self.name}` is empty.", pointer)
        return value


@dataclass(frozen=True, slots=True)
class Tool:
    """A read of the API under a name. What the path does not take of the arguments goes into the query."""

    name: str
    title: Said
    meaning: Said
    path: str
    arguments: tuple[Argument, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """What it is told, in JSON Schema."""
        return {
            "type": "object",
            "properties": {each.name: each.schema for each in self.arguments},
            "required": [each.name for each in self.arguments if each.required],
            "additionalProperties": False,
        }

    def read(self, given: Mapping[str, object]) -> Read:
        """What to ask the API for.

        Raises:
            InputError: an argument is missing, unknown, or not what it should be; the problems name each.
        """
        known = {each.name: each for each in self.arguments}
        problems = [_unknown(self.name, name, known) for name in given if name not in known]
        values: dict[str, str] = {}
        for each in self.arguments:
            value = given.get(each.name)
            if value is None and each.required:
                problems.append(Problem(f"`{each.name}` is missing: {each.meaning}", f"/{each.name}"))
                continue
            try:
                if value is not None or each.default is not None:
                    values[each.name] = each.read(each.default if value is None else value)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(f"`{self.name}` cannot be asked for that.", problems)
        return self._filled(values)

    def _filled(self, values: dict[str, str]) -> Read:
        path, query = self.path, []
        for each in self.arguments:
            if each.name not in values:
                continue
            if each.kind and "{name}" in path:
                path = _address(path, values[each.name], each)
            else:
                query.append((each.name, values[each.name]))
        return Read(path, tuple(query))


@dataclass(frozen=True, slots=True)
class Source:
    """Entities of one kind by an address of their own, `scheme://namespace/name`."""

    scheme: str
    title: Said
    meaning: Said
    path: str

    @property
    def template(self) -> str:
        """The form of the addresses (RFC 6570)."""
        return self.scheme + "://{namespace}/{name}"

    def read(self, uri: str) -> Read | None:
        """What to ask the API for; none where the address is of another form."""
        scheme, _, rest = uri.partition("://")
        namespace, _, name = rest.partition("/")
        if scheme != self.scheme or not namespace or not name or "/" in name:
            return None
        return Read(_placed(self.path, "", namespace, name))


@dataclass(frozen=True, slots=True)
class Script:
    """The start of a talk with an assistant: a text in which arguments stand in braces."""

    name: str
    title: Said
    meaning: Said
    text: Said
    arguments: tuple[Argument, ...] = ()

    def filled(self, given: Mapping[str, str]) -> str:
        """The text with its arguments.

        Raises:
            InputError: an argument is missing or unknown.
        """
        known = {each.name: each for each in self.arguments}
        problems = [_unknown(self.name, name, known) for name in given if name not in known]
        problems += [
            Problem(f"`{each.name}` is missing: {each.meaning}", f"/{each.name}")
            for each in self.arguments
            if each.required and not given.get(each.name, "").strip()
        ]
        if problems:
            raise InputError(f"`{self.name}` cannot be begun like that.", problems)
        text = str(self.text)
        for each in self.arguments:
            text = text.replace(f"{{{each.name}}}", given.get(each.name) or str(each.default or ""))
        return text


def _address(path: str, text: str, argument: Argument) -> str:
    pointer = f"/{argument.name}"
    try:
        ref = parse_ref(text, default_kind=None if argument.kind == ANY else argument.kind)
    except InputError as error:
        raise InputError(error.message, [Problem(error.message, pointer)]) from None
    if argument.kind != ANY and ref.kind != argument.kind.lower():
        raise _wrong(f"`{argument.name}` is a {argument.kind}; {text!r} is a {ref.kind}.", pointer)
    if "/" in ref.namespace + ref.name:
        raise _wrong(f"There is no {argument.kind} {text!r}: no name holds a slash.", pointer)
    return _placed(path, ref.kind, ref.namespace, ref.name)


def _placed(path: str, kind: str, namespace: str, name: str) -> str:
    parts = {"{kind}": kind, "{namespace}": namespace, "{name}": name}
    for place, value in parts.items():
        path = path.replace(place, quote(value, safe=""))
    return path


def _unknown(tool: str, name: str, known: Iterable[str]) -> Problem:
    meant = near(name, list(known))
    hint = meant or f"; it takes {', '.join(known) or 'none'}."
    return Problem(f"`{tool}` takes no argument `{name[:60]}`{hint}", f"/{name[:60]}")


def _wrong(message: str, pointer: str) -> InputError:
    return InputError(message, [Problem(message, pointer)])
