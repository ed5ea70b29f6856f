"""Forms of descriptors: reading what was typed, and writing it into a document."""

import re
import unicodedata
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from litestar import MediaType, Response

__all__ = ["again", "all_of", "begun", "count_of", "name_from", "number_of", "one_of", "put", "text_of"]

API_VERSION = "counterpoint.dev/v1"


def again(html: str, *, status: int = 400) -> Response[str]:
    """The page of a form that was posted, once more."""
    return Response(html, status_code=status, media_type=MediaType.HTML)


def begun(kind: str, before: Mapping[str, Any] | None, *, name: str, title: str) -> dict[str, Any]:
    """The document that a form goes on with: a copy of the one that is edited, so that what the form does not show
    is kept, or a new one with its name; the name is empty where the title gives none."""
    if before:
        return deepcopy(dict(before))
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name or name_from(title)},
        "spec": {},
    }


def name_from(title: str) -> str:
    """A name for addresses, made of a title: `Été: new look` becomes `ete-new-look`; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


def count_of(text: str) -> int | None:
    """The whole number in a field, such as that of a version; None where there is none, or no such one can be kept.

    >>> count_of("12"), count_of("²"), count_of("1" * 5000)
    (12, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else None


def number_of(text: str) -> float:
    """The number that was typed, with a point or a comma.

    Raises:
        ValueError: it is none.
    """
    found = float(text.replace(",", "."))
    if found != found or abs(found) == float("inf"):
        raise ValueError(text)
    return int(found) if found.is_integer() else found


def text_of(value: float | None) -> str:
    """A number as a field shows it, with every digit: what is saved unchanged stays the same."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else repr(value)


def put(holder: dict[str, Any], key: str, value: Any) -> None:
    """Set what was filled in; what was left empty is taken away."""
    if value in ("", None, []):
        holder.pop(key, None)
    else:
        holder[key] = value


def one_of(data: Mapping[str, Any], key: str) -> str:
    """The text of a field; of several of that name the first."""
    return next(iter(all_of(data, key)), "")


def all_of(data: Mapping[str, Any], key: str) -> list[str]:
    """The texts of all fields of a name, without the blanks around them, with line breaks of one kind."""
    found = data.get(key)
    given = found if isinstance(found, list | tuple) else [found] if found is not None else []
    return [str(each).replace("\r\n", "\n").strip() for each in given]
