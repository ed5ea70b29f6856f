"""What people give to concerns, dependencies and feedback, checked: texts, words of a list, units, secrets."""

import hashlib
from enum import StrEnum
from typing import TypeVar

from counterpoint.errors import InputError, Problem
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["given_text", "given_unit", "given_word", "hashed"]

E = TypeVar("E", bound=StrEnum)
UNCHANGED = "Nothing was changed."


def given_text(text: str, most: int, pointer: str, *, wanted: str = "") -> str:
    """A text with line breaks of one kind, without the blanks around it.

    Raises:
        InputError: it has more than `most` characters, or is empty although it is `wanted`, which says what to write.
    """
    plain = text.replace("\r\n", "\n").replace("\x00", "").strip()  # PostgreSQL keeps no NUL
    if wanted and not plain:
        raise InputError(UNCHANGED, [Problem(wanted, pointer)])
    if len(plain) > most:
        message = f"The text has {len(plain)} characters; {most} are the most."
        raise InputError(UNCHANGED, [Problem(message, pointer)])
    return plain


def given_word(kind: type[E], value: E | str, pointer: str) -> E:
    """The member of a list of words that was given.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return kind(value)
    except ValueError:
        there = ", ".join(each.value for each in kind)
        message = f"{str(value)[:40]!r} is not known here; choose one of {there}."
        raise InputError(UNCHANGED, [Problem(message, pointer)]) from None


def given_unit(reader: Reader, text: str, pointer: str) -> str:
    """The canonical reference of a unit that was named.

    Raises:
        InputError: there is no such unit.
    """
    if text.strip():
        ref = parse_ref(text.strip(), default_kind="Group")
        if ref.kind == "group" and reader.exists(ref):
            return str(ref)
    message = f"There is no unit {text.strip()[:60]!r}; choose one that exists."
    raise InputError(UNCHANGED, [Problem(message, pointer)])


def hashed(secret: str) -> str:
    """SHA-256 of a random secret, which is all that is kept of it; it has too many values to be tried."""
    return hashlib.sha256(secret.encode()).hexdigest()
