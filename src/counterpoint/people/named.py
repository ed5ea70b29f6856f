"""People and units by what somebody wrote: a reference, a name, or an e-mail address."""

from counterpoint.errors import InputError, Problem
from counterpoint.graph.named import not_found
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["require_person", "require_unit"]


def require_person(reader: Reader, text: str) -> str:
    """The canonical reference of a person who exists.

    Raises:
        NotFoundError: there is none; near spellings are named.
    """
    return _require(reader, text, "User", "person", "/person")


def require_unit(reader: Reader, text: str) -> str:
    """The canonical reference of a unit that exists.

    Raises:
        NotFoundError: there is none; near spellings are named.
    """
    return _require(reader, text, "Group", "unit", "/unit")


def _require(reader: Reader, text: str, kind: str, noun: str, pointer: str) -> str:
    ref = parse_ref(text, default_kind=kind)
    if ref.kind != kind.lower():
        message = f"{text!r} is a {ref.kind}; a {noun} is wanted, such as {kind.lower()}:default/{ref.name}."
        raise InputError(f"{text!r} is no {noun}.", [Problem(message, pointer)])
    if not reader.exists(ref):
        raise not_found(reader, ref, pointer)
    return str(ref)
