"""The filter language of SCIM: parsed once, then asked of each resource (RFC 7644, section 3.4.2.2)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from counterpoint.people.scim.errors import ScimError

__all__ = ["Filter", "Path", "demanded", "equalities", "parse_filter", "parse_path", "values_at"]

LONGEST = 4_000
"""Characters of a filter."""
DEEPEST = 30
"""Brackets within brackets."""
MOST = 100
"""Comparisons of a filter; each is asked of everybody."""
EXACT = frozenset({"id", "externalid", "value", "$ref", "version", "resourcetype"})
"""Attributes in which case matters; in all others it does not."""
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w:.]))"""
    r"""|(?P<word>[A-Za-z$_][\w$-]*(?:[:.][\w$.-]*[\w$-])*))"""
)
SCHEMA = re.compile(r"(urn:.+):([A-Za-z$][\w$.-]*)$", re.IGNORECASE)
COMPARISONS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

Filter = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Path:
    """A path to an attribute, as in `name.givenName` or `emails[type eq "work"].value`."""

    names: tuple[str, ...]
    """The schema (where one is written), the attribute, the sub-attribute."""
    narrowed: Filter | None = None
    """Which values of a list are meant."""
    fixed: Mapping[str, Any] | None = None
    """What a value must have to be meant, where the filter only compares for equality."""
    sub: str | None = None
    """The attribute of those values."""


def parse_filter(text: str) -> Filter:
    """The filter that a text writes.

    Raises:
        ScimError: `invalidFilter`, with what was expected.
    """
    parser = _Parser(text)
    found = parser.either(0)
    parser.end()
    return found


def demanded(text: str) -> dict[str, Any]:
    """What a valid filter of equalities joined by `and` demands, by attribute in lower case; nothing for any other."""
    found = equalities(_Parser(text).tokens) or {}
    return {".".join(_names(name)).lower(): value for name, value in found.items()}


def parse_path(text: str) -> Path:
    """The path of a PATCH operation.

    Raises:
        ScimError: `invalidPath`.
    """
    try:
        parser = _Parser(text)
        names = _names(parser.word("an attribute"))
        if not parser.takes("["):
            parser.end()
            return Path(names)
        start = parser.at
        narrowed = parser.either(0)
        inner = parser.tokens[start : parser.at]
        parser.needs("]")
        sub = None
        if parser.at < len(parser.tokens):
            sub = parser.word("an attribute").lstrip(".")
        parser.end()
        return Path(names, narrowed, equalities(inner), sub)
    except ScimError as error:
        raise ScimError(400, "invalidPath", error.message) from error


def equalities(tokens: list[tuple[str, str]]) -> dict[str, Any] | None:
    """What a filter of equalities joined by `and` demands; None for any other filter."""
    found: dict[str, Any] = {}
    for start in range(0, len(tokens), 4):
        group = tokens[start : start + 4]
        if len(group) < 3 or group[1][1].lower() != "eq":
            return None
        if len(group) == 4 and group[3][1].lower() != "and":
            return None
        found[group[0][1]] = _literal(*group[2])
    return found


def values_at(resource: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path, those of lists one by one; an object with a `value` also counts as that."""
    if isinstance(resource, list):
        for item in resource:
            yield from values_at(item, names)
    elif not names:
        if isinstance(resource, Mapping) and "value" in resource:
            yield resource["value"]
        elif resource is not None:
            yield resource
    elif isinstance(resource, Mapping):
        wanted = names[0].lower()
        for key, value in resource.items():
            if key.lower() == wanted:
                yield from values_at(value, names[1:])


def _names(word: str) -> tuple[str, ...]:
    schema = SCHEMA.match(word)
    if schema is None:
        return tuple(word.split("."))
    if schema[1].lower().startswith("urn:ietf:params:scim:schemas:core:"):
        return tuple(schema[2].split("."))
    return _extension(word)


def _extension(word: str) -> tuple[str, ...]:
    """`urn:...:2.0:User:manager.value`: the schema ends with its last part that begins a name of ours."""
    head, _, tail = word.rpartition(":")
    if re.search(r"\d\.\d$", head):  # the schema itself: `urn:...:2.0:User`
        return (word,)
    return (head, *tail.split("."))


def _literal(kind: str, text: str) -> Any:
    if kind == "text":
        try:
            return msgspec.json.decode(text.encode())
        except msgspec.DecodeError as error:
            raise _wrong(f"{text[:40]} is no JSON text") from error
    if kind == "number":
        return float(text) if re.search(r"[.eE]", text) else int(text)
    words = {"true": True, "false": False, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    raise _wrong(f"{text[:40]!r} is no value; put a text in double quotes")


def _wrong(message: str) -> ScimError:
    return ScimError(400, "invalidFilter", f"The filter is not valid: {message}.")


class _Parser:
    """Recursive descent: `or` over `and` over `not`, brackets and comparisons."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise _wrong(f"it has {len(text):,} characters, and {LONGEST:,} are the most")
        self.tokens: list[tuple[str, str]] = []
        self.at = self.compared = 0
        place, text = 0, text.strip()
        while place < len(text):
            found = TOKEN.match(text, place)
            if found is None or found.end() == place:
                if text[place] == "." and self.tokens and self.tokens[-1][1] == "]":
                    place += 1
                    continue
                raise _wrong(f"{text[place : place + 20]!r} is not understood")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()

    def peek(self) -> str:
        return self.tokens[self.at][1].lower() if self.at < len(self.tokens) else ""

    def takes(self, text: str) -> bool:
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def needs(self, text: str) -> None:
        if not self.takes(text):
            raise _wrong(f"{text!r} is missing")

    def word(self, what: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "word":
            raise _wrong(f"{what} is missing")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise _wrong(f"{self.tokens[self.at][1][:40]!r} follows where nothing should")

    def either(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise _wrong("its brackets are nested too deeply")
        found = [self.all_of(depth)]
        while self.takes("or"):
            found.append(self.all_of(depth))
        return found[0] if len(found) == 1 else lambda resource: any(each(resource) for each in found)

    def all_of(self, depth: int) -> Filter:
        found = [self.one(depth)]
        while self.takes("and"):
            found.append(self.one(depth))
        return found[0] if len(found) == 1 else lambda resource: all(each(resource) for each in found)

    def one(self, depth: int) -> Filter:
        if self.takes("not"):
            self.needs("(")
            inner = self.either(depth + 1)
            self.needs(")")
            return lambda resource: not inner(resource)
        if self.takes("("):
            inner = self.either(depth + 1)
            self.needs(")")
            return inner
        names = _names(self.word("an attribute"))
        if self.takes("["):
            inner = self.either(depth + 1)
            self.needs("]")
            return lambda resource: any(inner(each) for each in _objects(resource, names))
        return self.comparison(names)

    def comparison(self, names: tuple[str, ...]) -> Filter:
        operator = self.word("an operator such as eq").lower()
        self.compared += 1
        if self.compared > MOST:
            raise _wrong(f"it has more than {MOST} comparisons")
        if operator == "pr":
            return lambda resource: any(value not in ("", None) for value in values_at(resource, names))
        if operator not in COMPARISONS:
            raise _wrong(f"{operator[:40]!r} is no operator; there are pr, {', '.join(sorted(COMPARISONS))}")
        if self.at >= len(self.tokens):
            raise _wrong(f"{operator} is followed by nothing")
        wanted = _literal(*self.tokens[self.at])
        self.at += 1
        exact = names[-1].lower() in EXACT
        if operator == "ne":
            return lambda resource: (
                not any(_compare("eq", value, wanted, exact=exact) for value in values_at(resource, names))
            )
        if operator == "eq" and wanted is None:
            return lambda resource: not any(True for _ in values_at(resource, names))
        return lambda resource: any(
            _compare(operator, value, wanted, exact=exact) for value in values_at(resource, names)
        )


def _objects(resource: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    here: list[Any] = [resource]
    for name in names:
        here = [
            value
            for each in here
            if isinstance(each, Mapping)
            for key, value in each.items()
            if key.lower() == name.lower()
        ]
    for value in here:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield item


def _compare(operator: str, value: Any, wanted: Any, *, exact: bool) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        left, right = (value, wanted) if exact else (value.casefold(), wanted.casefold())
        texts: dict[str, Callable[[], bool]] = {
            "co": lambda: right in left,
            "sw": lambda: left.startswith(right),
            "ew": lambda: left.endswith(right),
        }
        return texts[operator]() if operator in texts else _ordered(operator, left, right)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return operator == "eq" and _truth(value) == _truth(wanted)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return operator in ("eq", "gt", "ge", "lt", "le") and _ordered(operator, value, wanted)
    return False


def _truth(value: Any) -> Any:
    """Some clients write booleans as texts."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _ordered(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "eq":
            return bool(left == right)
        case "gt":
            return bool(left > right)
        case "ge":
            return bool(left >= right)
        case "lt":
            return bool(left < right)
        case _:
            return bool(left <= right)
