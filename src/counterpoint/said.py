"""Values that hold texts of ours, and how they are told.

A field that holds a sentence of our own is typed `Said`. Doors pass what they send through `told`, which
finds such fields by the types, however deep, and leaves everything else as it is.
"""

import dataclasses
from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from counterpoint.errors import Said
from counterpoint.vocabulary import Words

__all__ = ["Said", "SaidWithin", "says", "told"]

_MARK = get_args(Said)[1]

SENTENCES = frozenset({"sentence", "wouldChange", "note"})
"""Members that hold sentences of ours in plain JSON that was recorded; see `SaidWithin`."""
SaidWithin = Annotated[dict[str, Any], _MARK]
"""Plain JSON that was recorded, with sentences of ours in it."""

Change = Callable[[str], str]


def says(value: Any) -> bool:
    """Whether a value may hold a text of ours, by its type."""
    if isinstance(value, (list, tuple)):
        return any(says(item) for item in value[:1])
    kind: Any = type(value)
    return bool(_plan(kind))


def told(value: Any, words: Words, change: Change = str) -> Any:
    """The value with every `Said` in it told; `change` makes of the text what the reader expects."""
    if words.plain:
        return value
    return _told(value, lambda text: change(words.tell(text)))


def _told(value: Any, tell: Change) -> Any:
    if isinstance(value, (list, tuple)):
        new = [_told(item, tell) for item in value]
        if all(one is other for one, other in zip(new, value, strict=True)):
            return value
        return (
            new if isinstance(value, list) else type(value)(*new) if hasattr(value, "_fields") else tuple(new)
        )
    if type(value) is dict:
        return {key: _told(item, tell) for key, item in value.items()}
    kind: Any = type(value)
    changes = {
        name: _through(getattr(value, name), tell) if own else _told(getattr(value, name), tell)
        for name, own in _plan(kind)
    }
    if not changes:
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)


def _through(value: Any, tell: Change) -> Any:
    """Tell a text, the texts of a list, or the sentences within plain JSON; what is no text (None) stays."""
    if isinstance(value, str):
        return tell(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_through(item, tell) for item in value)
    if isinstance(value, dict):
        return {
            key: tell(item) if key in SENTENCES and isinstance(item, str) else _within(item, tell)
            for key, item in value.items()
        }
    return value


def _within(value: Any, tell: Change) -> Any:
    return (
        [_within(item, tell) for item in value]
        if isinstance(value, list)
        else (_through(value, tell) if isinstance(value, dict) else value)
    )


@cache
def _plan(kind: Any) -> tuple[tuple[str, bool], ...]:
    """The fields of a type that hold texts of ours (true), or values that may (false)."""
    if not (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind)):
        return ()
    hints = _hints(kind)
    names = (
        kind.__struct_fields__
        if issubclass(kind, msgspec.Struct)
        else [each.name for each in dataclasses.fields(kind)]
    )
    found = []
    for name in names:
        if _is_said(hints.get(name)):
            found.append((name, True))
        elif _leads_on(hints.get(name), (kind,)):
            found.append((name, False))
    return tuple(found)


def _hints(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError:  # a type that is only imported for type checking: it holds no texts of ours
        return {}


def _is_said(hint: Any) -> bool:
    if hint is None:
        return False
    if get_origin(hint) is Annotated:
        return _MARK in hint.__metadata__
    return any(_is_said(argument) for argument in get_args(hint))


def _leads_on(hint: Any, seen: tuple[type, ...]) -> bool:
    """Whether a value of this type may hold a text of ours somewhere below."""
    if get_origin(hint) in (Union, UnionType, tuple, list, Annotated) or get_origin(hint) is not None:
        return any(_leads_on(argument, seen) for argument in get_args(hint))
    if not isinstance(hint, type) or hint in seen:
        return False
    if not (issubclass(hint, msgspec.Struct) or dataclasses.is_dataclass(hint)):
        return False
    hints = _hints(hint)
    return any(_is_said(each) or _leads_on(each, (*seen, hint)) for each in hints.values())
